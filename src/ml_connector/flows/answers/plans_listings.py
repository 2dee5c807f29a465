"""Plans as people review them: what waits and for whom, what moves, the largest first.

Everything is read from what was saved when the plan was made, so that what is looked at is exactly
what would be written; nothing is asked of an ERP or a model.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from ml_connector.domain.journals import Journal, JournalLine
from ml_connector.domain.money import ZERO
from ml_connector.domain.plan import PlannedCell
from ml_connector.domain.summaries import SummaryKey
from ml_connector.flows.answers.listing import Cell, Link, Listing, Money, State, Tone
from ml_connector.flows.bench import read_document
from ml_connector.flows.revising.changes import Revision, parse_chunk
from ml_connector.flows.writing.journals import find_reversed, parse_journal
from ml_connector.ports import Approval, ApprovalState, Archive, Json

HASH_SHOWN = 12
LARGEST_SHOWN = 100
"""Movements that are shown largest first; all of them stand in the journals or cells."""
JOURNALS_SEARCHED_MAX = 400
"""Journals whose lines are compared to find the largest; the largest journals first."""
TONES = {
    ApprovalState.WAITING: Tone.WAITS,
    ApprovalState.APPROVED: Tone.BUSY,
    ApprovalState.APPLIED: Tone.GOOD,
    ApprovalState.REJECTED: Tone.WRONG,
    ApprovalState.EXPIRED: Tone.IDLE,
    ApprovalState.STALE: Tone.IDLE,
}
CHANGES = {"added": Tone.GOOD, "changed": Tone.IDLE, "vanished": Tone.WAITS}
BALANCES = State(word="balances", tone=Tone.GOOD)
ONE_SIDED = State(word="need not balance", tone=Tone.IDLE)
"""A ledger whose journals must balance is never planned any others."""
ATTRIBUTE_COLUMNS = ("Supplier", "Name", "Attribute", "Was", "Shall be")


def show_approval_state(state: ApprovalState) -> State:
    """The state of a plan as a cell."""
    return State(word=str(state), tone=TONES[state])


def list_plans(approvals: Sequence[Approval], *, empty: str) -> Listing:
    """Plans as a table: what each moves, who made it, whose word is still needed."""
    return Listing(
        columns=("Plan", "Flow", "State", "Moves", "Writes", "Made by", "Approved",
                 "Expires (UTC)"),
        rows=[
            (
                Link(text=one.plan_hash[:HASH_SHOWN], kind="plan", key=one.plan_hash),
                Link(text=one.flow, kind="flow", key=one.flow), show_approval_state(one.state),
                _find_moved(one), tell_size(one), one.maker, f"{one.approvals} of {one.needed}",
                one.expires_at,
            )
            for one in approvals
        ],
        empty=empty,
    )  # fmt: skip


def _find_moved(approval: Approval) -> Money | None:
    """The amount, where there is one currency; several are never added."""
    if len(approval.amounts) != 1:
        return None
    ((currency, amount),) = approval.amounts.items()
    return Money(amount=amount, currency=currency)


def tell_size(approval: Approval) -> str:
    """How much it writes, in words."""
    totals = approval.totals
    if "changes" in totals:
        made = f", {totals['creations']:,} new" if totals["creations"] else ""
        return f"{totals['changes']:,} suppliers changed{made}"
    several = f" in {len(approval.amounts)} currencies" if len(approval.amounts) > 1 else ""
    return f"{totals.get('journals', 0):,} journals{several}"


def list_decisions(approval: Approval) -> Listing:
    """What people said of the plan."""
    return Listing(
        columns=("Person", "Decision", "Comment", "At (UTC)"),
        rows=[
            (
                one.actor,
                State(word="approved", tone=Tone.GOOD) if one.is_approval
                else State(word="rejected", tone=Tone.WRONG),
                one.reason, one.at,
            )
            for one in approval.decisions
        ],
        empty="Nobody has decided yet.",
    )  # fmt: skip


# --- journals -------------------------------------------------------------------------------------


def list_journals(plan: Json, *, plan_hash: str, start: int, count: int) -> Listing:
    """Journals of a budget's plan from `start` on; debits and credits of each side by side."""
    return Listing(
        columns=("Journal", "Lines", "Debit", "Credit", "Balance", "Takes back"),
        rows=[
            (
                Link(text=row["subject"], kind="journal", key=f"{plan_hash}/{number}"),
                row["lines"], _money(row, "debit"), _money(row, "credit"),
                BALANCES if Decimal(row["debit"]) == Decimal(row["credit"]) else ONE_SIDED,
                _link_posting(find_reversed(plan, row)),
            )
            for number, row in islice(enumerate(plan["journals"]), start, start + count)
        ],
        empty="The plan has no journals.",
    )  # fmt: skip


def list_journal_totals(plan: Json) -> Listing:
    """Debits and credits by currency and period: what all journals of the plan come to."""
    sums: dict[tuple[str, str, str], list[Decimal | int]] = {}
    for row in plan["journals"]:
        found = sums.setdefault((row["ledger"], row["period"], row["currency"]), [0, 0, ZERO, ZERO])
        found[0] += 1
        found[1] += row["lines"]
        found[2] += Decimal(row["debit"])
        found[3] += Decimal(row["credit"])
    return Listing(
        columns=("Ledger", "Period", "Journals", "Lines", "Debit", "Credit", "Balance"),
        rows=[
            (
                ledger, period, its[0], its[1], Money(amount=Decimal(its[2]), currency=currency),
                Money(amount=Decimal(its[3]), currency=currency),
                BALANCES if its[2] == its[3] else ONE_SIDED,
            )
            for (ledger, period, currency), its in sums.items()
        ],
        empty="The plan has no journals.",
    )  # fmt: skip


def read_journal(archive: Archive, plan: Json, number: int) -> Journal | None:
    """One journal of a plan, by its place."""
    rows = plan["journals"]
    if not 0 <= number < len(rows):
        return None
    return parse_journal(read_document(archive, rows[number]["content"]))


Texts = Mapping[tuple[str, str], str]
"""Accounts as people write them, by ledger and account; empty where nobody has asked the ERP."""
UNNAMED: Texts = {}


def list_lines(journal: Journal, texts: Texts = UNNAMED) -> Listing:
    """Every line of a journal."""
    return Listing(
        columns=("Account", *_title(texts), "Debit", "Credit"),
        rows=[
            (
                line.account, *_name(texts, journal, line),
                *_sides(line.amount, journal.currency),
            )
            for line in journal.lines
        ],
    )  # fmt: skip


def _title(texts: Texts) -> tuple[str, ...]:
    return ("Name",) if texts else ()


def _name(texts: Texts, journal: Journal, line: JournalLine) -> tuple[str, ...]:
    return (texts.get((journal.ledger, line.account), ""),) if texts else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Largest:
    """The largest movements, and how far was looked for them."""

    listing: Listing
    searched: int
    of: int


def list_largest_lines(archive: Archive, plan: Json, texts: Texts = UNNAMED) -> Largest:
    """The lines that move most, of the largest journals of the plan."""
    rows = sorted(plan["journals"], key=lambda row: -Decimal(row["debit"]))
    looked = rows[:JOURNALS_SEARCHED_MAX]
    found = heapq.nlargest(
        LARGEST_SHOWN, _walk_lines(archive, looked), key=lambda its: abs(its[1].amount)
    )
    listing = Listing(
        columns=("Account", *_title(texts), "Ledger", "Period", "Debit", "Credit"),
        rows=[
            (
                line.account, *_name(texts, journal, line), journal.ledger, journal.period,
                *_sides(line.amount, journal.currency),
            )
            for journal, line in found
        ],
        empty="The plan has no lines.",
    )  # fmt: skip
    lines = sum(row["lines"] for row in rows)
    return Largest(listing=listing, searched=sum(row["lines"] for row in looked), of=lines)


def _walk_lines(archive: Archive, rows: Sequence[Json]) -> Iterator[tuple[Journal, JournalLine]]:
    for row in rows:
        journal = parse_journal(read_document(archive, row["content"]))
        for line in journal.lines:
            yield journal, line


def _sides(amount: Decimal, currency: str) -> tuple[Money | None, Money | None]:
    """The amount on its side of the journal; the other one stays empty."""
    money = Money(amount=abs(amount), currency=currency)
    return (money, None) if amount >= 0 else (None, money)


def _money(row: Json, name: str) -> Money:
    return Money(amount=Decimal(row[name]), currency=row["currency"])


def _link_posting(key: str) -> Link | None:
    return Link(text=key, kind="posting", key=key) if key else None


# --- suppliers ------------------------------------------------------------------------------------


def list_revisions(revisions: Iterable[Revision], *, empty: str = "") -> Listing:
    """What shall be otherwise, an attribute a row."""
    rows = [
        (one.number or "(new)", one.name, attribute, one.before.get(attribute, ""), value)
        for one in revisions
        for attribute, value in one.after.items()
    ]
    return Listing(columns=ATTRIBUTE_COLUMNS, rows=rows, empty=empty)


def read_revisions(archive: Archive, plan: Json, *, start: int, count: int) -> list[Revision]:
    """Suppliers of a plan from `start` on; of chunks before them only the lengths are read."""
    return list(islice(_walk_revisions(archive, plan), start, start + count))


def _walk_revisions(archive: Archive, plan: Json) -> Iterator[Revision]:
    for chunk in plan["chunks"]:
        yield from parse_chunk(archive, chunk)


# --- cells ----------------------------------------------------------------------------------------

CurrencyOf = Callable[[SummaryKey], str]


def list_cells(
    cells: Iterable[PlannedCell], *, dimensions: Sequence[str], currency_of: CurrencyOf
) -> Listing:
    """Cells of a plan: what the model holds, what it shall hold, and how far that moves it."""
    return Listing(
        columns=(*dimensions, "Change", "Held", "Shall hold", "Difference"),
        rows=[_show_cell(cell, currency_of(cell.key)) for cell in cells],
        empty="No cell would change.",
    )


def _show_cell(cell: PlannedCell, currency: str) -> tuple[Cell, ...]:
    word = str(cell.change)
    amounts = (cell.before, cell.after, cell.after - cell.before)
    return (
        *cell.key, State(word=word, tone=CHANGES.get(word, Tone.IDLE)),
        *(Money(amount=amount, currency=currency) for amount in amounts),
    )  # fmt: skip


def list_plan_totals(members: Mapping[str, Json]) -> Listing:
    """What would change, by period and currency: cells by kind, and amounts."""
    rows: list[tuple[Cell, ...]] = []
    for member, its in members.items():
        for currency, totals in its["totals"].items():
            cells = [totals[name] for name in CHANGES]
            before, after = Decimal(totals["amount_before"]), Decimal(totals["amount_after"])
            moved = Decimal(totals["amount_moved"])
            if any(cells):
                amounts = (before, after, after - before, moved)
                shown = (Money(amount=amount, currency=currency) for amount in amounts)
                rows.append((member, *cells, *shown))
    return Listing(
        columns=("Period", "Added", "Changed", "Vanished", "Held", "Shall hold", "Difference",
                 "Moved"),
        rows=rows,
        empty="Nothing would change.",
    )  # fmt: skip
