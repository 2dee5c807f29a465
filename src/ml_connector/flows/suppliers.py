"""F5: a revised supplier list goes back into the ERP, and every supplier ties out to it.

The first half of a run compares the list with the ERP and with what both held when they last
agreed, and saves what the model alone has moved as a plan. It ends there, waiting for people,
unless nobody has to be asked. The second half is a run of its own: it writes exactly the saved
plan, each supplier only while it still is what the plan was made from.
"""

from functools import partial

from ml_connector.domain.cell_values import verify_day_pattern
from ml_connector.domain.money import use_exact_money
from ml_connector.errors import UsageError
from ml_connector.flows.bench import SupplierBench
from ml_connector.flows.preflight import find_action, render_action
from ml_connector.flows.proving.readback import run_export
from ml_connector.flows.revising.comparing import Asked, compare_chunk, find_moved, sweep
from ml_connector.flows.revising.planning import (
    plan_revisions,
    summarise,
    tell_planned,
    verify_supplier_guards,
    verify_taken,
)
from ml_connector.flows.revising.proof import conclude_suppliers
from ml_connector.flows.revising.reversing import plan_supplier_reversal
from ml_connector.flows.revising.revised import read_revised
from ml_connector.flows.revising.sending import send_all
from ml_connector.flows.revising.settling import settle_earlier
from ml_connector.flows.revising.templates import verify_covered
from ml_connector.flows.writing.asking import (
    Question,
    apply_once,
    ask_people,
    retire_plans,
    verify_address,
    verify_connection,
)
from ml_connector.ports import ActionKind, Json, RunState, Steps

REQUESTS = frozenset({"dry_run", "apply", "reverse", "take"})


def run_suppliers(steps: Steps, request: Json, bench: SupplierBench) -> Json:
    """The ERP holds what was revised, or the summary says what is missing or who is asked.

    Args:
        steps: Of the engine; everything remote happens inside one.
        request: `dry_run`, `take` (numbers whose conflicts are decided for the model), `reverse`
            (a posting key), or `apply` (the hash of an approved plan).
        bench: The ports and the flow's settings.
    """
    use_exact_money()
    _verify_request(bench, request)
    if request.get("apply"):
        plan_hash = str(request["apply"])
        verify = partial(verify_connection, bench, plan_hash)
        steps.step("apply: approved", partial(apply_once, bench, plan_hash, steps.run_id, verify))
        summary = _summary(bench, request) | tell_planned(bench, plan_hash)
        return summary | _write(steps, bench, plan_hash)
    if request.get("reverse"):
        reverse = partial(plan_supplier_reversal, bench, str(request["reverse"]), steps.run_id)
        plan = steps.step("reverse: plan", reverse)
        summary = _summary(bench, request) | tell_planned(bench, plan["plan_hash"])
        return _ask(steps, bench, plan, summary)
    pins = steps.step("preflight", partial(_preflight, bench))
    verify_address(bench, pins, what=f"Run {steps.run_id} began with")
    exported = steps.step("revised: export", partial(run_export, steps, bench, pins))
    read = steps.step("revised: read", partial(read_revised, bench, exported["export"]))
    earlier = steps.step("earlier: settle", partial(settle_earlier, bench))
    moved = steps.step("compare: moved", partial(find_moved, bench, read["chunks"]))
    asked = Asked(
        run_id=steps.run_id, take=frozenset(request.get("take", ())),
        waiting=frozenset(earlier["waiting"]), keeps=not request.get("dry_run"),
        view=tuple(read["chunks"]),
    )  # fmt: skip
    compared = _compare(steps, bench, moved["chunks"], asked)
    plan = steps.step("plan", partial(plan_revisions, bench, compared, steps.run_id))
    steps.step("plan: decided", partial(verify_taken, bench, compared, asked.take))
    if not request.get("dry_run"):
        guard = partial(verify_supplier_guards, bench, plan, read["rows"])
        steps.step("plan: guards", guard)
    summary = _summary(bench, request) | _tell(bench, read, moved, plan, compared)
    return _ask(steps, bench, plan, summary)


def _verify_request(bench: SupplierBench, request: Json) -> None:
    """Nothing is asked that a supplier flow does not do: it would write instead.

    Raises:
        UsageError: Names what was asked.
    """
    odd = sorted(n for n, value in request.items() if value and n not in REQUESTS | {"against"})
    if odd or request.get("against") == "model":
        raise UsageError(
            f"The flow {bench.flow.name} writes suppliers; it cannot do what was asked"
            f" ({', '.join(odd) or 'against'}).",
            written="Nothing was read or written.",
            next_step=f"Look at what it would write: `ml-connector plan {bench.flow.name}`.",
            flow=bench.flow.name,
        )


def _preflight(bench: SupplierBench) -> Json:
    for one in bench.flow.attributes:
        verify_day_pattern(one.dates)
    if bench.template:
        verify_covered(bench)
    export = find_action(bench.target, ActionKind.EXPORT, bench.flow.export)
    return {"address": bench.source.address, "export": render_action(export)}


def _compare(steps: Steps, bench: SupplierBench, chunks: list[str], asked: Asked) -> list[Json]:
    swept = steps.step("compare: sweep", partial(sweep, bench, chunks))["swept"]
    return [
        steps.step(
            f"compare: {number}/{len(chunks)}",
            partial(compare_chunk, bench, chunk, swept.get(chunk, ""), asked),
        )
        for number, chunk in enumerate(chunks, start=1)
    ]


def _summary(bench: SupplierBench, request: Json) -> Json:
    return {"flow": bench.flow.name, "dry_run": bool(request.get("dry_run"))}


def _tell(bench: SupplierBench, read: Json, moved: Json, plan: Json, compared: list[Json]) -> Json:
    """What was read and found, as the summary has it."""
    found = summarise(bench, plan, compared)
    counts = found.pop("counts")
    counts["faulty"] += read["faults"]
    counts |= {"rows": read["rows"], "kept": moved["kept"]}
    faults = [*read["faults_shown"], *found.pop("faults_shown")]
    return {"suppliers": counts, "faults_shown": faults} | found


def _ask(steps: Steps, bench: SupplierBench, plan: Json, summary: Json) -> Json:
    """The plan written at once, or the summary of one that waits or is only looked at."""
    count = plan["changes"] + plan["creations"]
    counts = summary["suppliers"]
    is_whole = not (counts.get("conflicting") or counts.get("faulty") or counts.get("waiting"))
    calm = RunState.SUCCEEDED if is_whole else RunState.PARTLY
    summary |= {"plan_hash": plan["plan_hash"], "state": str(calm)}
    if summary["dry_run"]:
        return summary | {"state": str(RunState.SUCCEEDED)}
    if not count:
        steps.step("ask: nothing", partial(retire_plans, bench))
        return summary
    rules = bench.flow.approval
    needed = rules.people + bool(
        rules.people and rules.second_above is not None and count > rules.second_above
    )
    question = Question(
        plan_hash=plan["plan_hash"], run_id=steps.run_id, needed=needed, days=rules.days,
        totals={"changes": plan["changes"], "creations": plan["creations"]},
        supersedes="rows" in counts,
    )  # fmt: skip
    asked = steps.step("ask", partial(ask_people, bench, question))
    if asked["needed"]:
        return summary | {"state": str(RunState.WAITING_APPROVAL), "approval": asked}
    written = _write(steps, bench, plan["plan_hash"])
    if written["state"] == RunState.SUCCEEDED:
        written["state"] = str(calm)
    return summary | written


def _write(steps: Steps, bench: SupplierBench, plan_hash: str) -> Json:
    return conclude_suppliers(steps, bench, plan_hash, send_all(steps, bench, plan_hash))
