"""The plan of a budget: journals that bring each ledger and period to what was approved."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from ml_connector.domain.journals import Journal, JournalLine, find_moves, split_lines, sum_lines
from ml_connector.domain.money import ZERO, render_plain
from ml_connector.errors import BlockedError
from ml_connector.flows.bench import BudgetBench, read_document, store_document
from ml_connector.flows.writing.approved import parse_approved
from ml_connector.ports import Json

Pair = tuple[str, str]


class BudgetGuardError(BlockedError):
    """A budget would move or take back more than the flow's guards let pass."""

    code = "budgets.guard"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanBasis:
    """What a plan is made from; each run makes its own, so that no plan is posted twice."""

    run_id: str
    approved: str
    held: str
    reverses: str = ""


def plan_journals(bench: BudgetBench, basis: PlanBasis) -> Json:
    """Journals by ledger and period, each archived; the plan is a document of its own.

    A plan that reverses a posting is that posting's lines and nothing else.
    """
    approved = parse_approved(read_document(bench.archive, basis.approved))
    held = parse_approved(read_document(bench.archive, basis.held))
    journals: list[Json] = []
    moved: dict[str, Decimal] = {}
    for pair in sorted(approved):
        lines = list(find_moves(approved[pair], held.get(pair, {})))
        currency = bench.ledgers[pair[0]].currency
        moved[currency] = moved.get(currency, ZERO) + sum(abs(line.amount) for line in lines)
        # What takes one posting back is one posting, however the flow would cut it today.
        lines_max = max(len(lines), 1) if basis.reverses else bench.flow.lines_max
        journals += _store_journals(bench, pair, lines, lines_max=lines_max)
    plan = {
        "flow": bench.flow.name,
        "connection": bench.source.connection,
        **asdict(basis),
        "journals": journals,
        "moved": {currency: render_plain(amount) for currency, amount in sorted(moved.items())},
    }
    return {
        "plan_hash": store_document(bench.archive, plan),
        "journals": len(journals),
        "moved": plan["moved"],
    }


def verify_guards(bench: BudgetBench, basis: PlanBasis) -> Json:
    """The plan moves and takes back no more than the flow lets pass; only looked at, it may.

    Raises:
        BudgetGuardError: A guard tripped.
    """
    approved = parse_approved(read_document(bench.archive, basis.approved))
    held = parse_approved(read_document(bench.archive, basis.held))
    moved: dict[str, Decimal] = {}
    for pair in sorted(approved):
        _verify_vanished(bench, pair, approved[pair], held.get(pair, {}))
        currency = bench.ledgers[pair[0]].currency
        lines = find_moves(approved[pair], held.get(pair, {}))
        moved[currency] = moved.get(currency, ZERO) + sum(abs(line.amount) for line in lines)
    _verify_moved(bench, moved)
    return {"passed": True}


def _store_journals(
    bench: BudgetBench, pair: Pair, lines: list[JournalLine], *, lines_max: int
) -> list[Json]:
    parts = split_lines(
        lines, lines_max=lines_max, where=" ".join(pair),
        must_balance=bench.rules[pair[0]].must_balance,
    )  # fmt: skip
    stored = []
    for number, part in enumerate(parts, start=1):
        journal = Journal(
            ledger=pair[0], period=pair[1], gl_date=bench.periods[pair].date_last,
            currency=bench.ledgers[pair[0]].currency, part=number, parts=len(parts), lines=part,
        )  # fmt: skip
        totals = sum_lines(part)
        stored.append(
            {
                "subject": journal.subject,
                "content": store_document(bench.archive, render_journal(journal)),
                "ledger": journal.ledger,
                "period": journal.period,
                "currency": journal.currency,
                "lines": totals.lines,
                "debit": render_plain(totals.debit),
                "credit": render_plain(totals.credit),
            }
        )
    return stored


def _verify_vanished(
    bench: BudgetBench, pair: Pair, approved: Mapping[str, Decimal], held: Mapping[str, Decimal]
) -> None:
    ratio = bench.flow.guards.vanished_ratio_max
    before = [account for account, amount in held.items() if amount]
    gone = [account for account in before if not approved.get(account)]
    if ratio is not None and before and len(gone) > ratio * len(before):
        raise BudgetGuardError(
            f"The approved view would take {len(gone):,} of {len(before):,} accounts of"
            f" {' '.join(pair)} back to zero; the flow lets {ratio:.0%} pass.",
            written="Nothing was posted.",
            next_step=f"Look at it: `ml-connector plan {bench.flow.name}`; was the view filtered,"
            " or changed while it was read? If it is right, raise `guards.vanished_ratio_max`"
            f" in flows/{bench.flow.name}.yaml.",
            ledger=pair[0], period=pair[1],
        )  # fmt: skip


def _verify_moved(bench: BudgetBench, moved: Mapping[str, Decimal]) -> None:
    most = bench.flow.guards.amount_moved_max
    over = {c: amount for c, amount in moved.items() if most is not None and amount > most}
    if over:
        named = ", ".join(f"{render_plain(amount)} {c}" for c, amount in sorted(over.items()))
        raise BudgetGuardError(
            f"The approved view would move {named}; the flow lets {most} pass.",
            written="Nothing was posted.",
            next_step=f"Look at it: `ml-connector plan {bench.flow.name}`; if it is right, raise"
            f" `guards.amount_moved_max` in flows/{bench.flow.name}.yaml.",
        )


class PlannedLine(NamedTuple):
    """A line of a plan as people read it; `text` is empty where the ERP does not tell."""

    ledger: str
    period: str
    part: str
    account: str
    text: str
    amount: Decimal
    currency: str


def list_planned(bench: BudgetBench, plan_hash: str) -> list[PlannedLine]:
    """Every line of a saved plan, in its own order."""
    plan = read_document(bench.archive, plan_hash)
    journals = [
        parse_journal(read_document(bench.archive, row["content"])) for row in plan["journals"]
    ]
    ledgers = {one.name: one for one in bench.source.read_ledgers()}
    texts = {
        (name, one.account): one.text
        for name in {journal.ledger for journal in journals} & set(ledgers)
        for one in bench.journals.read_journal_accounts(ledgers[name])
    }
    return [
        PlannedLine(
            journal.ledger, journal.period, f"{journal.part}/{journal.parts}", line.account,
            texts.get((journal.ledger, line.account), ""), line.amount, journal.currency,
        )
        for journal in journals
        for line in journal.lines
    ]  # fmt: skip


def render_journal(journal: Journal) -> Json:
    """The journal as it is archived: exactly what is posted."""
    return {
        "ledger": journal.ledger,
        "period": journal.period,
        "gl_date": journal.gl_date.isoformat(),
        "currency": journal.currency,
        "part": journal.part,
        "parts": journal.parts,
        "lines": [[line.account, render_plain(line.amount)] for line in journal.lines],
    }


def parse_journal(row: Json) -> Journal:
    """The journal that was archived."""
    return Journal(
        ledger=row["ledger"], period=row["period"], gl_date=date.fromisoformat(row["gl_date"]),
        currency=row["currency"], part=row["part"], parts=row["parts"],
        lines=tuple(JournalLine(account, Decimal(amount)) for account, amount in row["lines"]),
    )  # fmt: skip
