"""How each ledger period stands after a run: the chain from the ERP to the model, in money.

A standing is written for every ledger period a run has looked at, also where it came no farther
than the control against the ERP. It is made of what the run has archived, so that saying it twice
says the same.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.domain.ledger import Scope
from ml_connector.domain.money import ZERO, render_plain
from ml_connector.domain.summaries import (
    EXCLUDED_PREFIX,
    MAPPED,
    SUSPENSE,
    UNMAPPED,
    SummaryKey,
)
from ml_connector.domain.tie_out_rows import NONE, SEVERAL, ScopeSums
from ml_connector.flows.bench import read_document
from ml_connector.flows.ledger.books import Pair
from ml_connector.flows.ledger.control import MOVING, OFF, TIED
from ml_connector.flows.ledger.scope import SCOPE
from ml_connector.flows.proving.weighing import Weighed, weigh_member
from ml_connector.flows.run import ActualsRun, Findings
from ml_connector.flows.targets import name_target
from ml_connector.ports import Json, StageState, Standing, StandingAmounts

READ = {TIED: StageState.DONE, OFF: StageState.WRONG, MOVING: StageState.MOVING}


def save_standings(
    run: ActualsRun, found: Findings, refused: Collection[SummaryKey] = ()
) -> dict[str, dict[str, str]]:
    """Every ledger period of the run stands as the run has found it; returns debits by currency.

    These say how much money went which way: placed, excluded by name, unmapped, refused.

    Args:
        run: Not a dry run: that leaves everything as it stood.
        found: What it has found.
        refused: Intersections of which the model lacks what was sent, whichever run sent it.
    """
    statuses, lacking = read_statuses(run), set(refused)
    standings: list[Standing] = []
    debits: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for member in found.members:
        proof = found.proof.get(member)
        report = read_document(run.bench.archive, proof["report"]) if proof else None
        weighed = weigh_member(run.bench, found, member, refused=lacking, report=report)
        chain = _Chain(found=found, member=member, weighed=weighed)
        standings += _make_member(run, chain, statuses=statuses, report=report)
        for (currency, name), amount in weighed.debits.items():
            debits[currency][name] += amount
    run.bench.records.standings.save_standings(
        run.bench.flow.name, standings, members=list(found.members)
    )
    return {
        currency: {name: render_plain(amount) for name, amount in its.items()}
        for currency, its in debits.items()
    }


def read_statuses(run: ActualsRun) -> dict[Pair, str]:
    """What the ERP said of the periods when the run settled on them; an older run told nothing."""
    steps = {step.name: step.result for step in run.bench.records.runs.load_steps(run.steps.run_id)}
    document = steps.get(SCOPE, {}).get("document")
    if not document:
        return {}
    rows = [row for its in read_document(run.bench.archive, document).values() for row in its]
    return {(row[0], row[1]): row[2] for row in rows if len(row) > 2}


def _make_member(
    run: ActualsRun, chain: "_Chain", *, statuses: Mapping[Pair, str], report: Json | None
) -> Iterator[Standing]:
    """Yield the standings of one planning period, then that of cells of no single ledger."""
    found, member, weighed = chain.found, chain.member, chain.weighed
    proof = found.proof.get(member)
    target = name_target(run.bench.flow, run.bench.target.model_id)
    rows = report["rows"] if report else [_render_unproved(*its) for its in _list_scopes(weighed)]
    rows_of: dict[Pair, list[Json]] = defaultdict(list)
    for row in rows:
        rows_of[row["ledger"], row["period"]].append(row)
    for pair in found.members[member]:
        its = [_make_amounts(row, found, member) for row in rows_of[pair]]
        digest = weighed.digests.get(pair) or hashlib.sha256()
        period = run.books.period(pair)
        yield Standing(
            flow=run.bench.flow.name, ledger=pair[0], period=pair[1], member=member,
            date_first=period.date_first, date_last=period.date_last,
            status=statuses.get(pair, ""), read=chain.find_read(pair),
            mapped=chain.find_mapped(pair), loaded=chain.find_loaded(pair),
            tied=chain.find_tied(pair, its), amounts=tuple(its),
            content_hash=digest.hexdigest(), report=proof["report"] if proof else "",
            run_id=run.steps.run_id, at=run.bench.clock.now(), target=target,
        )  # fmt: skip
    yield from _make_elsewhere(run, found, member, rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chain:
    """How far the ledger periods of one planning period have come."""

    found: Findings
    member: str
    weighed: Weighed

    def find_read(self, pair: Pair) -> StageState:
        """Whether the archive holds what the ERP holds."""
        return READ[self.found.controls[pair]["state"]]

    def find_mapped(self, pair: Pair) -> StageState:
        """Whether every line has found its place."""
        if self.member not in self.found.sums:
            return StageState.NOT_YET
        return StageState.PARTLY if pair in self.weighed.short else StageState.DONE

    def find_loaded(self, pair: Pair) -> StageState:
        """Whether the model took all that was to be sent."""
        if not _is_sent(self.found, self.member):
            return StageState.NOT_YET
        return StageState.PARTLY if pair in self.weighed.refused else StageState.DONE

    def find_tied(self, pair: Pair, amounts: Sequence[StandingAmounts]) -> StageState:
        """Whether every hop was compared and ties."""
        if self.member not in self.found.proof or not _is_sent(self.found, self.member):
            return StageState.NOT_YET
        if self.find_read(pair) is StageState.MOVING:
            return StageState.MOVING
        is_off = pair in self.weighed.differing or any(row.unexplained for row in amounts)
        return StageState.WRONG if is_off else StageState.DONE


def _is_sent(found: Findings, member: str) -> bool:
    """Whether the model was told all it shall hold of the planning period, and was asked."""
    if member not in found.proof:
        return False
    return bool(found.delivered) or not found.planned["members"][member]["cells"]


def _list_scopes(weighed: Weighed) -> list[tuple[Scope, ScopeSums]]:
    return sorted(weighed.books.scopes.items())


def _render_unproved(scope: Scope, sums: ScopeSums) -> Json:
    """The bridge of a scope that was not compared with the model: none of it counts as held.

    What the ERP and the archive differ by is unexplained all the same.
    """
    names = sorted(name for name in sums.placed if name.startswith(EXCLUDED_PREFIX))
    excluded = [[name.removeprefix(EXCLUDED_PREFIX), sums.placed[name]] for name in names]
    unmapped = sums.placed.get(UNMAPPED, ZERO)
    named = unmapped + sum((sums.placed[name] for name in names), ZERO)
    return {
        "ledger": scope.ledger, "period": scope.period, "currency": scope.currency,
        "erp": sums.erp, "debit": sums.archived.debit, "archived": sums.archived.net,
        "excluded": excluded, "unmapped": unmapped, "suspense": sums.placed.get(SUSPENSE, ZERO),
        "mapped": sums.placed.get(MAPPED, ZERO), "refused": ZERO, "held": ZERO,
        "unsent": sums.archived.net - named, "unexplained": sums.erp - sums.archived.net,
        "lines": sums.archived.lines,
    }  # fmt: skip


def _make_amounts(row: Json, found: Findings, member: str) -> StandingAmounts:
    """The row of a report; what it calls refused was not sent at all where nothing was."""
    refused, unsent = Decimal(row["refused"]), Decimal(row.get("unsent", 0))
    if member in found.proof and not _is_sent(found, member):
        refused, unsent = ZERO, refused
    return StandingAmounts(
        currency=row["currency"], lines=row["lines"], refused=refused, unsent=unsent,
        excluded=tuple((name, Decimal(amount)) for name, amount in row["excluded"]),
        **{name: Decimal(row[name]) for name in (
            "erp", "debit", "archived", "unmapped", "suspense", "held", "unexplained"
        )},
    )  # fmt: skip


def _make_elsewhere(
    run: ActualsRun, found: Findings, member: str, rows: Iterable[Json]
) -> Iterator[Standing]:
    """Yield what cells of several ledgers or periods, or of no line at all, hold; if anything."""
    periods = [run.books.period(pair) for pair in found.members[member]]
    for place in (SEVERAL, NONE):
        mine = [row for row in rows if place == _elsewhere_of(row)]
        its = [_make_amounts(row, found, member) for row in mine]
        its = [row for row in its if row.held or row.refused or row.unsent or row.unexplained]
        if not its or not periods:
            continue
        is_sent = _is_sent(found, member)
        loaded = StageState.PARTLY if any(row.refused for row in its) else StageState.DONE
        tied = StageState.WRONG if any(row.unexplained for row in its) else StageState.DONE
        yield Standing(
            flow=run.bench.flow.name, ledger=place, period=member, member=member,
            date_first=min(period.date_first for period in periods),
            date_last=max(period.date_last for period in periods),
            status="", read=StageState.DONE, mapped=StageState.DONE,
            loaded=loaded if is_sent else StageState.NOT_YET,
            tied=tied if is_sent else StageState.NOT_YET,
            amounts=_add_by_currency(its), content_hash="", report=found.proof[member]["report"],
            run_id=run.steps.run_id, at=run.bench.clock.now(),
            target=name_target(run.bench.flow, run.bench.target.model_id),
        )  # fmt: skip


def _elsewhere_of(row: Json) -> str:
    """Which of the two the row belongs to; empty for a period of one ledger."""
    if SEVERAL in (row["ledger"], row["period"]):
        return SEVERAL
    return NONE if NONE in (row["ledger"], row["period"]) else ""


def _add_by_currency(rows: Sequence[StandingAmounts]) -> tuple[StandingAmounts, ...]:
    """One row for each currency: one ledger over several periods stands beside several ledgers."""
    added: dict[str, StandingAmounts] = {}
    for row in rows:
        before = added.get(row.currency)
        added[row.currency] = row if before is None else before + row
    return tuple(added.values())
