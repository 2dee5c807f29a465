"""What somebody wants entered, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from ml_connector.sandbox.jde.books.keys import BatchKey, DocumentKey
from ml_connector.sandbox.jde.raw import pad_company

LINES_MAX = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One line: the account as typed (30.8720) or by its id, and what goes to it."""

    account: str = ""
    account_id: str = ""
    amount: Decimal = Decimal(0)
    units: Decimal = Decimal(0)
    remark: str = ""
    subledger: str = ""
    subledger_type: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRequest:
    """One document.

    `currency` blank is the company's own. `reference` goes to R2 of every row. `batch` 0 lets
    the next number decide. `period` 13 or 14 asks for an adjustment period. `may_be_prior`
    lets a day of a closed fiscal year pass, with a warning. `excess_decimals` is `round` or
    `reject`.
    """

    company: str
    day: date
    lines: Sequence[JournalLine]
    ledger_type: str = "AA"
    document_type: str = "JE"
    explanation: str = ""
    currency: str = ""
    rate: Decimal | None = None
    reference: str = ""
    reference_1: str = ""
    invoice: str = ""
    batch_type: str = "G"
    batch: int = 0
    period: int | None = None
    reverses: bool = False
    is_approved: bool = False
    may_be_prior: bool = False
    excess_decimals: str = "round"
    program: str = "EP0911"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReject:
    """Why a line was refused; line 0 is the document as a whole."""

    line: int
    code: str
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.message} ({self.code})"


class JournalRejectedError(ValueError):
    """The document was refused; nothing was written and no number was used."""

    def __init__(self, rejects: Sequence[LineReject]) -> None:
        self.rejects = tuple(rejects)
        super().__init__("; ".join(str(reject) for reject in self.rejects))


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalCreated:
    """The document stands, unposted; `lines_written` counts its rows, foreign ones included."""

    batch: BatchKey
    document: DocumentKey
    lines_written: int
    warnings: tuple[str, ...] = ()

    @property
    def batch_type(self) -> str:
        """ICUT."""
        return self.batch.type

    @property
    def batch_number(self) -> int:
        """ICU."""
        return self.batch.number

    @property
    def document_type(self) -> str:
        """DCT."""
        return self.document.type

    @property
    def document_number(self) -> int:
        """DOC."""
        return self.document.number

    @property
    def document_company(self) -> str:
        """KCO."""
        return self.document.company


def parse_request(body: Mapping[str, Any]) -> JournalRequest:
    """Return the request of a JSON object; amounts are texts or whole numbers.

    Raises:
        KeyError: `company`, `gl_date` or `lines` is missing.
        ValueError: A value is none of its kind, or there are too many lines.
    """
    lines = body["lines"]
    if len(lines) > LINES_MAX:
        raise ValueError(f"{len(lines)} lines are more than the {LINES_MAX} of a document.")
    rate = body.get("rate")
    return JournalRequest(
        company=pad_company(str(body["company"])),
        day=date.fromisoformat(str(body["gl_date"])),
        lines=[_parse_line(line, place) for place, line in enumerate(lines, 1)],
        ledger_type=str(body.get("ledger_type", "AA")),
        document_type=str(body.get("document_type", "JE")),
        explanation=str(body.get("explanation", "")),
        currency=str(body.get("currency", "")),
        rate=None if rate is None else parse_decimal(rate),
        reference=str(body.get("reference", "")),
        reference_1=str(body.get("reference_1", "")),
        invoice=str(body.get("invoice", "")),
        batch_type=str(body.get("batch_type", "G")),
        batch=int(body.get("batch", 0)),
        period=int(body["period"]) if "period" in body else None,
        reverses=bool(body.get("reverses", False)),
        is_approved=bool(body.get("approved", False)),
        may_be_prior=bool(body.get("may_be_prior", False)),
        excess_decimals=str(body.get("excess_decimals", "round")),
    )


def parse_decimal(value: Any) -> Decimal:
    """Return the number of a text or a whole number; fractions must come as text.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(value, float):
        raise ValueError(f"The amount {value!r} has been through binary; send it as text.")  # noqa: TRY004 - the side door answers with ValueErrors
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no amount.") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is no amount.")
    return number


def _parse_line(line: Mapping[str, Any], place: int) -> JournalLine:
    return JournalLine(
        account=str(line.get("account", "")),
        account_id=str(line.get("account_id", "")),
        amount=parse_decimal(line.get("amount", 0)),
        units=parse_decimal(line.get("units", 0)),
        remark=str(line.get("remark", "")),
        subledger=str(line.get("subledger", "")),
        subledger_type=str(line.get("subledger_type", "")),
        number=int(line.get("line", place)),
    )
