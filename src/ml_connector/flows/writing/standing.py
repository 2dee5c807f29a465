"""How each ledger period of a budget stands: approved in the model, and held by the ledger."""

import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.domain.money import ZERO, render_plain
from ml_connector.flows.bench import BudgetBench
from ml_connector.flows.targets import name_target
from ml_connector.ports import Json, StageState, Standing, StandingAmounts

Pair = tuple[str, str]
Amounts = Mapping[Pair, Mapping[str, Decimal]]
"""By ledger and period, then by account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TiedBudget:
    """A tie-out of a budget: its rows, and the ledger periods that hold another amount."""

    rows: Sequence[Json]
    differing: AbstractSet[Pair]
    approved: Amounts
    after: Amounts
    report: str


def save_budget_standings(bench: BudgetBench, tied: TiedBudget, *, run_id: str) -> None:
    """Every ledger period of the run stands as the ledger was read last."""
    standings = [_make(bench, tied, row, run_id=run_id) for row in tied.rows]
    bench.records.standings.save_standings(
        bench.flow.name, standings, members=sorted({one.member for one in standings})
    )


def _make(bench: BudgetBench, tied: TiedBudget, row: Json, *, run_id: str) -> Standing:
    pair = (row["ledger"], row["period"])
    period = bench.periods.get(pair)
    is_off = pair in tied.differing or Decimal(row["unexplained"])
    return Standing(
        flow=bench.flow.name, ledger=pair[0], period=pair[1],
        member=bench.members.get(pair, pair[1]),
        date_first=period.date_first if period else None,
        date_last=period.date_last if period else None, status="",
        read=StageState.DONE, mapped=StageState.DONE,
        loaded=StageState.PARTLY if Decimal(row["refused"]) else StageState.DONE,
        tied=StageState.WRONG if is_off else StageState.DONE,
        amounts=(_make_amounts(tied, row),), content_hash=_hash_content(tied, pair),
        report=tied.report, run_id=run_id, at=bench.clock.now(),
        target=name_target(bench.flow, bench.target.model_id),
    )  # fmt: skip


def _make_amounts(tied: TiedBudget, row: Json) -> StandingAmounts:
    """What the ledger holds, less what was approved; a refused journal is what it lacks."""
    pair = (row["ledger"], row["period"])
    debit = sum((amount for amount in tied.after[pair].values() if amount > ZERO), ZERO)
    return StandingAmounts(
        currency=row["currency"], erp=Decimal(row["after"]), debit=debit,
        archived=Decimal(row["after"]), excluded=(), unmapped=ZERO, suspense=ZERO,
        refused=-Decimal(row["refused"]), unsent=ZERO, held=Decimal(row["approved"]),
        unexplained=Decimal(row["unexplained"]), lines=len(tied.approved[pair]),
    )  # fmt: skip


def _hash_content(tied: TiedBudget, pair: Pair) -> str:
    told = [
        f"{name} {account} {render_plain(amount)}"
        for name, amounts in (("approved", tied.approved), ("held", tied.after))
        for account, amount in sorted(amounts[pair].items())
        if amount
    ]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()
