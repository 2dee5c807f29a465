"""What JD Edwards would say of journals, and what it shows of them; pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import ClassVar, Final, NamedTuple

from ml_connector.domain.journals import Journal
from ml_connector.domain.money import DIGITS_MAX, ZERO, count_decimals, count_digits
from ml_connector.domain.periods import Period
from ml_connector.errors import RefusedError
from ml_connector.ports import JournalFound, JournalHead, JournalState, PeriodVerdict
from ml_connector.systems.jde.calendars import Ordinal
from ml_connector.systems.jde.refusals import UNTOUCHED
from ml_connector.systems.jde.rows import HEADER, INACTIVE, POSTED
from ml_connector.systems.jde.translation import parse_ledger, render_batch_id

AUTOMATIC: Final = "AE"
"""Document type of the entries that posting itself makes; they may bear the key too (J-66)."""
NOT_FOR_BUDGETS: Final = frozenset({"AA", "AC", "CA", "XA", "YA", "ZA"})
"""Ledger types of actual amounts, which JDE's own budget programs refuse."""
ALWAYS_BALANCED: Final = frozenset({"AA", "CA"})
FLAG_ON: Final = frozenset({"Y", "1"})
BUDGETS_ONLY: Final = "B"
BUDGET_LETTERS: Final = ("B", "J")
"""First letters of the ledger types that accounts for budgets alone take."""
_REFUSALS: Final = {
    INACTIVE: "it is inactive (posting edit code I)",
    HEADER: "it is a heading and takes no postings (posting edit code N)",
    "M": "only machine entries are posted to it (posting edit code M)",
    "L": "it wants a subledger, which approved amounts do not have (posting edit code L)",
    "S": "it wants a subledger, which approved amounts do not have (posting edit code S)",
    "U": "it counts units, not money (posting edit code U)",
}
_KEY: Final = re.compile(r"[A-Z0-9]{8}")
_DOCUMENT_TYPE: Final = re.compile(r"[A-Z0-9]{1,2}")
_UNDER_WAY: Final = frozenset({"P", "U"})
"""Batch states in which posting is at work; balances may not hold yet what lines say."""
_IN_ERROR: Final = "E"


class JournalUnfitError(RefusedError):
    """A journal cannot be sent as it is; it is refused before anything leaves."""

    code: ClassVar[str] = "jde.journal-unfit"


class KeyedRow(NamedTuple):
    """A line of the account ledger that bears a posting key."""

    kco: str
    dct: str
    doc: int
    dgj: date | None
    jeln: Decimal
    lt: str
    icut: str
    icu: int
    post: str
    co: str
    aid: str
    aa: Decimal
    r2: str

    @property
    def document(self) -> str:
        """Company, type and number, as lines are named."""
        return f"{self.kco}-{self.dct}-{self.doc}"

    @property
    def batch(self) -> tuple[str, int]:
        """Type and number of its batch."""
        return self.icut, self.icu


class LedgerRuleRow(NamedTuple):
    """What a ledger type asks: balance required, closed to journal entries."""

    lt: str
    flrb: str
    fcje: str


class BatchStateRow(NamedTuple):
    """How far a batch has come."""

    icut: str
    icu: int
    ist: str


def find_account_refusal(posting_edit: str, ledger_type: str) -> str:
    """Why an account takes no line of the ledger type; empty when it does.

    Codes nobody has described are left to JD Edwards to judge.
    """
    if posting_edit == BUDGETS_ONLY and not ledger_type.startswith(BUDGET_LETTERS):
        return f"it takes budgets only, not ledger type {ledger_type} (posting edit code B)"
    return _REFUSALS.get(posting_edit, "")


def find_ledger_refusal(ledger_type: str, row: LedgerRuleRow | None) -> str:
    """Why a ledger type takes no approved amounts at all; empty when it does."""
    if ledger_type in NOT_FOR_BUDGETS:
        return f"ledger type {ledger_type} holds actual amounts, and budgets are refused there"
    if row is None:
        return f"ledger type {ledger_type} does not exist"
    if row.fcje in FLAG_ON:
        return f"ledger type {ledger_type} is closed to journal entries (FCJE)"
    return ""


def must_balance(ledger_type: str, row: LedgerRuleRow | None) -> bool:
    """Whether each journal of the ledger type must balance."""
    return ledger_type in ALWAYS_BALANCED or (row is not None and row.flrb in FLAG_ON)


def judge_period(period: Period, current: Ordinal) -> PeriodVerdict:
    """What JDE would say of a GL date in the period, by the company's current one (J-65)."""
    if period.is_adjustment or period.year < current[0]:
        return PeriodVerdict.REFUSED
    if (period.year, period.number) == current:
        return PeriodVerdict.TAKEN
    return PeriodVerdict.WARNED


def verify_sendable(journal: Journal, head: JournalHead, *, decimals: int) -> None:
    """The journal can be sent.

    Raises:
        JournalUnfitError: Its key, type or an amount would not reach the ledger as it is.
    """
    if not _KEY.fullmatch(head.posting_key):
        raise render_unfit(head, f"the key {head.posting_key!r} is not eight of A-Z and 0-9")
    if not _DOCUMENT_TYPE.fullmatch(head.document_type):
        raise render_unfit(head, f"{head.document_type!r} is no document type")
    if not journal.lines:
        raise render_unfit(head, "it has no lines")
    for line in journal.lines:
        if not line.amount or count_decimals(line.amount) > decimals:
            fault = f"{line.amount} {journal.currency}, a currency of {decimals} decimals"
            raise render_unfit(head, f"account {line.account} is to get {fault}")
        if count_digits(line.amount) > DIGITS_MAX:
            fault = f"{line.amount}, more than {DIGITS_MAX} digits"
            raise render_unfit(head, f"account {line.account} is to get {fault}")


def render_unfit(head: JournalHead, fault: str) -> JournalUnfitError:
    """The error for a journal that is not sent."""
    return JournalUnfitError(
        f"The journal {head.posting_key} cannot be sent to JD Edwards: {fault}.",
        written=UNTOUCHED,
        next_step="Correct the approved view or the flow, then make a new plan.",
        key=head.posting_key,
    )


def hold_against(
    rows: Sequence[KeyedRow], journal: Journal, states: Mapping[tuple[str, int], str]
) -> JournalFound:
    """What the lines under a key are, held against the journal that was sent under it.

    Args:
        rows: Every line that bears the key, of any ledger type.
        journal: What was sent.
        states: State of each batch by type and number; one nobody shows is left out.
    """
    shown = _find_own(rows, journal)
    if not shown:
        return JournalFound(state=JournalState.ABSENT)
    amounts = _sum_by_account(shown)
    documents = tuple(dict.fromkeys(row.document for row in shown))
    if len(documents) > 1:
        state = JournalState.DOUBLE
    elif not _is_whole(shown, amounts, journal):
        state = JournalState.PARTIAL
    else:
        state = _find_state(shown, states.get(shown[0].batch, ""))
    return JournalFound(
        state=state,
        batch_ids=tuple(dict.fromkeys(render_batch_id(*row.batch) for row in shown)),
        documents=documents,
        amounts=amounts,
        unposted=_sum_by_account(
            row for row in shown if _is_waiting(row, journal, states.get(row.batch, ""))
        ),
        lines=len(shown),
    )


def _sum_by_account(rows: Iterable[KeyedRow]) -> dict[str, Decimal]:
    amounts: dict[str, Decimal] = {}
    for row in rows:
        amounts[row.aid] = amounts.get(row.aid, ZERO) + row.aa
    return amounts


def _is_waiting(row: KeyedRow, journal: Journal, batch_state: str) -> bool:
    """Whether the line is for the journal's ledger and month, and its balance lacks it."""
    name, day = parse_ledger(journal.ledger), journal.gl_date
    if (row.co, row.lt) != (name.company, name.ledger_type) or row.dgj is None:
        return False
    if (row.dgj.year, row.dgj.month) != (day.year, day.month):
        return False
    return row.post != POSTED or batch_state in _UNDER_WAY


def _find_own(rows: Sequence[KeyedRow], journal: Journal) -> list[KeyedRow]:
    """The lines of the ledger; of another ledger type when there are no others.

    An orchestration that writes into the wrong ledger must not look like one that wrote nothing.
    """
    entered = [row for row in rows if row.dct != AUTOMATIC] or list(rows)
    own = [row for row in entered if row.lt == parse_ledger(journal.ledger).ledger_type]
    return sorted(own or entered, key=lambda row: (row.kco, row.dct, row.doc, row.jeln))


def _is_whole(rows: Sequence[KeyedRow], amounts: Mapping[str, Decimal], journal: Journal) -> bool:
    """Whether the lines are the journal's: count, net by account, ledger and day."""
    name = parse_ledger(journal.ledger)
    sent: dict[str, Decimal] = {}
    for line in journal.lines:
        sent[line.account] = sent.get(line.account, ZERO) + line.amount
    at_home = all(
        (row.co, row.lt, row.dgj) == (name.company, name.ledger_type, journal.gl_date)
        and row.dct != AUTOMATIC
        for row in rows
    )
    return at_home and len(rows) == len(journal.lines) and dict(amounts) == sent


def _find_state(rows: Sequence[KeyedRow], batch_state: str) -> JournalState:
    """How far a whole journal has come (J-67)."""
    if all(row.post == POSTED for row in rows):
        return JournalState.ENTERED if batch_state in _UNDER_WAY else JournalState.POSTED
    return JournalState.FAILED if batch_state == _IN_ERROR else JournalState.ENTERED
