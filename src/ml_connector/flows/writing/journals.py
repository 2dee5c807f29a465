"""The plan of a budget: journals that bring each ledger and period to what was approved."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from ml_connector.domain.journals import (
    Journal,
    JournalLine,
    find_moves,
    reverse_journal,
    split_lines,
    subtract_journals,
    sum_lines,
)
from ml_connector.domain.money import ZERO, render_plain
from ml_connector.errors import BlockedError
from ml_connector.flows.bench import BudgetBench, read_document, store_document
from ml_connector.flows.writing.approved import parse_approved
from ml_connector.ports import Archive, Json

Pair = tuple[str, str]
_NOTHING: Json = {"standing": {}, "gone": []}
"""The earlier journals of a plan that replaces none."""


class BudgetGuardError(BlockedError):
    """A budget would move or take back more than the flow's guards let pass."""

    code = "budgets.guard"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanBasis:
    """What a plan is made from; each run makes its own, so that no plan is posted twice.

    `reverses` is the one posting that is taken back and nothing else; `earlier` is the document of
    those that are replaced, as `read_earlier` archives it.
    """

    run_id: str
    approved: str
    held: str
    reverses: str = ""
    earlier: str = ""


class Standing(NamedTuple):
    """A journal of ours that the ledger still holds, and its posting."""

    posting_key: str
    journal: Journal


def plan_journals(bench: BudgetBench, basis: PlanBasis) -> Json:
    """Journals by ledger and period, each archived; the plan is a document of its own.

    A plan that reverses a posting is that posting's lines and nothing else. What is replaced is
    taken back journal by journal, newest first, before its period's amounts stand anew.
    """
    approved = parse_approved(read_document(bench.archive, basis.approved))
    held = parse_approved(read_document(bench.archive, basis.held))
    earlier = read_document(bench.archive, basis.earlier) if basis.earlier else _NOTHING
    draft = _Draft()
    for pair in sorted(approved):
        before = held.get(pair, {})
        draft.add_moved(bench.ledgers[pair[0]].currency, _sum_moved(approved[pair], before))
        if basis.earlier and any(find_moves(approved[pair], before)):
            before = _plan_reversals(
                bench, pair, before, load_standing(bench, earlier, pair), draft
            )
        lines = list(find_moves(approved[pair], before))
        draft.journals += _store_journals(bench, pair, lines, reverses=basis.reverses)
    plan = {
        "flow": bench.flow.name,
        "connection": bench.source.connection,
        "address": bench.source.address,
        "head": render_head(bench),
        **asdict(basis),
        "journals": draft.journals,
        "moved": {
            currency: render_plain(amount) for currency, amount in sorted(draft.moved.items())
        },
        "others": draft.others,
        "gone": earlier["gone"],
    }
    return {
        "plan_hash": store_document(bench.archive, plan),
        "journals": len(draft.journals),
        "moved": plan["moved"],
    }


@dataclass(slots=True)
class _Draft:
    """A plan on its way: rows of journals, what others hold, how far each currency moves."""

    journals: list[Json] = field(default_factory=list)
    others: list[Json] = field(default_factory=list)
    moved: dict[str, Decimal] = field(default_factory=dict)

    def add_moved(self, currency: str, amount: Decimal) -> None:
        """So much more of the currency moves."""
        self.moved[currency] = self.moved.get(currency, ZERO) + amount


def _plan_reversals(
    bench: BudgetBench,
    pair: Pair,
    before: Mapping[str, Decimal],
    standing: list[Standing],
    draft: _Draft,
) -> dict[str, Decimal]:
    """What the ledger holds once these journals are taken back: nothing but amounts of others."""
    rest = subtract_journals(before, (one.journal for one in standing))
    draft.journals += [_store_reversal(bench, one) for one in standing]
    draft.others += _name_others(pair, bench.ledgers[pair[0]].currency, rest)
    return rest


def _sum_moved(approved: Mapping[str, Decimal], before: Mapping[str, Decimal]) -> Decimal:
    """How far the ledger moves in the end, however many journals it takes."""
    return sum((abs(line.amount) for line in find_moves(approved, before)), ZERO)


def load_standing(bench: BudgetBench, earlier: Json, pair: Pair) -> list[Standing]:
    """The journals of one ledger and period that are replaced, in the order they are taken back."""
    return [
        Standing(key, parse_journal(read_document(bench.archive, content)))
        for key, content in earlier["standing"].get("|".join(pair), ())
    ]


def _store_reversal(bench: BudgetBench, standing: Standing) -> Json:
    journal, key = standing.journal, standing.posting_key
    return _store(
        bench,
        reverse_journal(journal),
        subject=f"{journal.ledger} {journal.period} takes back {key}",
        reverses=key,
    )


def _name_others(pair: Pair, currency: str, rest: Mapping[str, Decimal]) -> list[Json]:
    """What stays as it is, for it is not of the journals that are taken back."""
    totals = sum_lines(JournalLine(account, amount) for account, amount in sorted(rest.items()))
    if not totals.lines:
        return []
    return [
        {
            "ledger": pair[0], "period": pair[1], "currency": currency, "accounts": totals.lines,
            "debit": render_plain(totals.debit), "credit": render_plain(totals.credit),
        }
    ]  # fmt: skip


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
        amount = _sum_moved(approved[pair], held.get(pair, {}))
        moved[currency] = moved.get(currency, ZERO) + amount
    _verify_moved(bench, moved)
    return {"passed": True}


def _store_journals(
    bench: BudgetBench, pair: Pair, lines: list[JournalLine], *, reverses: str
) -> list[Json]:
    # What takes one posting back is one posting, however the flow would cut it today.
    lines_max = max(len(lines), 1) if reverses else bench.flow.lines_max
    parts = split_lines(
        lines, lines_max=lines_max, where=" ".join(pair),
        must_balance=bench.rules[pair[0]].must_balance,
    )  # fmt: skip
    journals = (
        Journal(
            ledger=pair[0], period=pair[1], gl_date=bench.periods[pair].date_last,
            currency=bench.ledgers[pair[0]].currency, part=number, parts=len(parts), lines=part,
        )
        for number, part in enumerate(parts, start=1)
    )  # fmt: skip
    return [_store(bench, one, subject=one.subject, reverses=reverses) for one in journals]


def _store(bench: BudgetBench, journal: Journal, *, subject: str, reverses: str) -> Json:
    """The journal is archived; its row of the plan."""
    totals = journal.totals
    return {
        "subject": subject,
        "content": store_document(bench.archive, render_journal(journal)),
        "ledger": journal.ledger,
        "period": journal.period,
        "currency": journal.currency,
        "lines": totals.lines,
        "debit": render_plain(totals.debit),
        "credit": render_plain(totals.credit),
        "reverses": reverses,
    }


def render_head(bench: BudgetBench) -> Json:
    """What each journal says besides its lines: settings that are approved with the plan."""
    flow = bench.flow
    return {
        "document_type": flow.document_type,
        "explanation": flow.explanation,
        "post_at_once": flow.post_at_once,
    }


def summarise_journals(plan: Json) -> Json:
    """What a run's summary tells of a plan; one that was saved by an older release lacks some."""
    names = ("subject", "lines", "debit", "credit", "currency", "reverses")
    return {
        "moved": plan["moved"],
        "journals": [{name: row.get(name, "") for name in names} for row in plan["journals"]],
        "others": plan.get("others", []),
        "gone": plan.get("gone", []),
    }


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
    """A line of a plan as people read it; `text` is empty where the ERP does not tell.

    `reverses` is the key of the posting that its journal takes back, where it takes one back.
    """

    ledger: str
    period: str
    part: str
    account: str
    text: str
    amount: Decimal
    currency: str
    reverses: str


def list_planned(bench: BudgetBench, plan_hash: str) -> list[PlannedLine]:
    """Every line of a saved plan, in its own order."""
    plan = read_document(bench.archive, plan_hash)
    texts = read_texts(bench, {row["ledger"] for row in plan["journals"]})
    return list(walk_planned(bench.archive, plan, texts=texts))


def walk_planned(
    archive: Archive, plan: Json, *, texts: Mapping[Pair, str], start: int = 0
) -> Iterator[PlannedLine]:
    """Yield the lines of a plan from `start` on; journals before it are not read."""
    for row in plan["journals"]:
        if start >= row["lines"]:
            start -= row["lines"]
            continue
        journal = parse_journal(read_document(archive, row["content"]))
        reverses = find_reversed(plan, row)
        for line in journal.lines[start:]:
            yield PlannedLine(
                journal.ledger, journal.period, f"{journal.part}/{journal.parts}", line.account,
                texts.get((journal.ledger, line.account), ""), line.amount, journal.currency,
                reverses,
            )  # fmt: skip
        start = 0


def read_texts(bench: BudgetBench, ledgers: Collection[str]) -> dict[Pair, str]:
    """Accounts as people write them, by ledger and account, as the ERP tells them now."""
    shown = {one.name: one for one in bench.source.read_ledgers()}
    return {
        (name, one.account): one.text
        for name in sorted(set(ledgers) & set(shown))
        for one in bench.journals.read_journal_accounts(shown[name])
    }


def find_reversed(plan: Json, row: Json) -> str:
    """Key of the posting that a row of a plan takes back; empty when it takes none back."""
    return str(row.get("reverses") or plan.get("reverses", ""))


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
