"""The end of a run: its state, what it settles, and its summary in a controller's words."""

from collections import Counter
from functools import partial

from ml_connector.flows.ledger.books import Pair
from ml_connector.flows.ledger.control import MOVING, OFF
from ml_connector.flows.ledger.reading import stamp_pairs
from ml_connector.flows.loading.accepting import settle_earlier
from ml_connector.flows.proving.standing import save_standings
from ml_connector.flows.proving.tie_out import read_rows
from ml_connector.flows.run import ActualsRun, Findings
from ml_connector.ports import Json, Measure, RunState

DIFFERENCES_MAX = 40
ROWS_MAX = 1_000
"""Tie-out rows a summary holds; the archived reports hold all of them."""
PRIMARY = "primary"
PAIRS_MAX = 400
"""Ledger periods told one by one as differing from the ERP."""


def conclude(run: ActualsRun, found: Findings) -> Json:
    """The run's summary; periods that tie out are settled, the rest stay owed."""
    off = [pair for pair, control in found.controls.items() if control["state"] == OFF]
    moving = [pair for pair, control in found.controls.items() if control["state"] == MOVING]
    shaky = {m for m, pairs in found.members.items() if set(pairs) & set(moving)}
    untied = {member for member, row in found.proof.items() if not row["is_tied"]}
    state = _find_state(
        off=bool(off),
        untied=bool(untied - shaky),
        moving=bool(moving),
        partly=bool(found.held_back or found.delivered.get("refused_count") or found.lists),
    )
    summary = _summarise(run, found) | {
        "state": str(state),
        "erp_differences": _list_off(found, off + moving)[:PAIRS_MAX],
        "erp_differences_count": len(off) + len(moving),
        "unbalanced": _list_unbalanced(run, found),
    }
    settled = _find_settled(found, set(off) | set(moving))
    told = run.steps.step("settle", partial(_settle, run, found, summary, settled))
    # A step that a run of an older release has stored tells none of them.
    return summary | {
        "state": told.get("state", summary["state"]),
        "still_refused": told.get("still_refused", {}),
        "debits": told.get("debits", {}),
    }


def _summarise(run: ActualsRun, found: Findings) -> Json:
    reports, planned = found.proof.values(), found.planned
    return {
        "flow": run.bench.flow.name,
        "model": run.pins["model_name"],
        "dry_run": bool(run.request.get("dry_run")),
        "periods": list(found.members),
        "reading": found.reading,
        "lists_short": found.lists,
        "beyond": found.beyond,
        "cells": planned["cells"],
        "plan_hash": planned["plan_hash"],
        "plan": planned["totals"],
        "plan_by_period": {
            member: {"cells": row["cells"], "totals": row["totals"], "plan": row["plan"]}
            for member, row in planned["members"].items()
            if row["cells"]
        },
        "loaded": bool(found.delivered),
        "task_id": found.delivered.get("task_id", ""),
        "refused": found.delivered.get("refused_count", 0),
        "unmapped": {m: found.sums[m]["unmapped_values"] for m in sorted(found.held_back)},
        "lines": sum(row["lines"] for row in found.sums.values()),
        "tie_out": read_rows(run.bench, [row["report"] for row in reports], most=ROWS_MAX),
        "tie_out_count": sum(row["rows"] for row in reports),
        "differences": [row for report in reports for row in report["shown"]][:DIFFERENCES_MAX],
        "differences_count": sum(row["differences"] for row in reports),
        "reports": {member: report["report"] for member, report in found.proof.items()},
        "mapping_hash": run.pins["mapping_hash"],
    }


def _find_state(*, off: bool, untied: bool, moving: bool, partly: bool) -> RunState:
    if off or untied:
        return RunState.UNTIED
    if moving:
        return RunState.MOVING
    return RunState.PARTLY if partly else RunState.SUCCEEDED


def _list_unbalanced(run: ActualsRun, found: Findings) -> list[Json]:
    """Pairs of primary ledgers whose shown balances do not come to zero, as a whole ledger's do.

    Lines and balances hidden by one right tie with each other, so nothing else tells of them.
    """
    if Measure(run.bench.flow.measure) is not Measure.BASE:
        return []
    return [
        {"ledger": pair[0], "period": pair[1], "net": control["net"]}
        for pair, control in found.controls.items()
        if control["net"] != "0" and run.books.ledgers[pair[0]].kind == PRIMARY
    ][:PAIRS_MAX]


def _list_off(found: Findings, pairs: list[Pair]) -> list[Json]:
    """Every pair that differs; account combinations are shown of the first ones only."""
    rows = [_render_off(pair, found.controls[pair]) for pair in pairs]
    for row in rows[DIFFERENCES_MAX:]:
        row["shown"] = row["breaks_shown"] = []
    return rows


def _render_off(pair: Pair, control: Json) -> Json:
    return {
        "ledger": pair[0],
        "period": pair[1],
        "state": control["state"],
        "combinations": control["differences"],
        "shown": control["shown"],
        "breaks": control["breaks"],
        "breaks_shown": control["breaks_shown"],
    }


def _find_settled(found: Findings, shaky: set[Pair]) -> list[str]:
    """The planning periods that tie out; cells nobody sent tie as such, and stay owed."""
    return [
        member
        for member, row in found.proof.items()
        if row["is_tied"]
        and not set(found.members[member]) & shaky
        and (found.delivered or not found.planned["members"][member]["cells"])
    ]


def _settle(run: ActualsRun, found: Findings, summary: Json, settled: list[str]) -> Json:
    """What ties is settled; the rest is owed, also where it was asked for and owed by nobody."""
    bench, pins = run.bench, run.pins
    owed = [member for member in found.members if member not in settled]
    if not summary["dry_run"]:
        bench.records.batches.settle_touched(bench.flow.name, _list_pairs(found, settled))
        owed += _find_outrun(run, found, settled)
        bench.records.batches.record_touched(bench.flow.name, _list_pairs(found, owed))
        if not found.delivered:
            # Nothing is left to send there, so nothing of earlier loads is still refused.
            settle_earlier(bench, pins, settled)
        if run.sends:
            # Every loaded period was asked whether the rules move it: it was not, or it is owed.
            bench.records.mappings.save_applied(bench.flow.name, pins["rules_hash"])
    debits: Json = {}
    if not summary["dry_run"]:
        refused = bench.records.loads.walk_refused(bench.flow.name, periods=list(found.members))
        debits = save_standings(run, found, {row.key for row in refused})
    still_refused = _count_still_refused(run)
    state = _lower(summary, is_short=bool(still_refused))
    bench.records.audit.record(
        "run.concluded",
        subject=bench.flow.name,
        actor=bench.actor,
        run_id=pins["run_id"],
        state=state,
        plan=summary["plan_hash"],
        task=summary["task_id"],
        cells=summary["cells"],
        refused=summary["refused"],
        reports=summary["reports"],
    )
    return {
        "settled": settled, "owed": owed, "state": state, "still_refused": still_refused,
        "debits": debits,
    }  # fmt: skip


def _count_still_refused(run: ActualsRun) -> dict[str, int]:
    """Refused summaries that the model still lacks by planning period, whichever run sent them.

    Periods the flow no longer has are left out: none of its runs could send them again.
    """
    loads, flow = run.bench.records.loads, run.bench.flow.name
    in_scope, at = set(run.books.members.values()), run.pins["period_at"]
    counts = Counter(loads.count_refused_periods(flow))
    if counts.pop("", 0):
        # Older versions told no period; it stands in the intersection alone.
        counts.update(row.key[at] for row in loads.walk_refused(flow, periods=()))
    return {member: count for member, count in sorted(counts.items()) if member in in_scope}


def _lower(summary: Json, *, is_short: bool) -> str:
    """No run that was to send has succeeded while the model lacks what it has refused."""
    is_calm = summary["state"] == str(RunState.SUCCEEDED) and not summary["dry_run"]
    return str(RunState.PARTLY) if is_calm and is_short else str(summary["state"])


def _find_outrun(run: ActualsRun, found: Findings, members: list[str]) -> list[str]:
    """The periods of which another flow has archived something since this run has summed them.

    Looked for after they were settled: what is archived later than that is owed by itself.
    """
    return [
        member
        for member in members
        if stamp_pairs(run.bench, found.members[member]) != found.sums[member]["stamp"]
    ]


def _list_pairs(found: Findings, members: list[str]) -> list[Pair]:
    return sorted({pair for member in members for pair in found.members[member]})
