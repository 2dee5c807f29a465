"""From the vendor's rows to the domain; pure."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from ml_connector.domain.dimensions import Member
from ml_connector.domain.ledger import Batch, BatchStamp, Ledger, Line
from ml_connector.domain.money import ZERO
from ml_connector.domain.periods import Period, PeriodState
from ml_connector.systems.fusion.wire import (
    BatchRow,
    CurrencyRow,
    Flag,
    HeaderRow,
    LedgerRow,
    LineRow,
    PeriodRow,
    PeriodStatusRow,
    ValueRow,
)

END_OF_TIME: Final = date(4712, 12, 31)
"""How the pod writes "no end" where it does not leave the date out (F-08)."""
ENCUMBRANCE: Final = "encumbrance"
_KINDS: Final = {"PRIMARY": "primary", "SECONDARY": "secondary", "ALC": "reporting"}
_STATES: Final = {
    "O": PeriodState.OPEN,
    "C": PeriodState.CLOSED,
    "P": PeriodState.PERMANENTLY_CLOSED,
    "F": PeriodState.FUTURE,
    "N": PeriodState.NEVER_OPENED,
}


def build_line(row: LineRow, header: HeaderRow, batch: BatchRow) -> Line:
    """The line with everything its journal and batch say of it."""
    return Line(
        ledger=header.ledger_name,
        period=header.period_name,
        accounting_date=header.default_effective_date,
        chart=row.chart_of_accounts_name or batch.chart_of_accounts_name or "",
        combination=row.account_combination,
        journal=header.journal_name,
        number=row.je_line_number,
        currency=header.ledger_currency_code,
        # `or` also turns the server's negative zero into the plain one.
        debit=row.accounted_dr or ZERO,
        credit=row.accounted_cr or ZERO,
        entered_currency=row.currency_code or header.currency_code,
        entered_debit=row.entered_dr or ZERO,
        entered_credit=row.entered_cr or ZERO,
        source=batch.user_je_source_name or "",
        category=header.user_je_category_name or "",
        description=row.description or "",
    )


def build_stamp(row: BatchRow) -> BatchStamp:
    """What the listing says of a batch; the pod moves its update time with every change."""
    return BatchStamp(batch_id=str(row.je_batch_id), version=row.last_update_date.isoformat())


def build_batch(row: BatchRow, headers: Sequence[HeaderRow], lines: Sequence[Line]) -> Batch:
    """The batch whole; an encumbrance by either of its two marks is no actual (F-10)."""
    meaning = (row.actual_flag_meaning or "").casefold()
    return Batch(
        batch_id=str(row.je_batch_id),
        name=row.batch_name or "",
        updated_at=row.last_update_date,
        version=row.last_update_date.isoformat(),
        posted_on=row.posted_date,
        is_actual=meaning != ENCUMBRANCE and not any(h.encumbrance_type for h in headers),
        lines=tuple(lines),
    )


def build_ledger(row: LedgerRow, charts: dict[int, str]) -> Ledger:
    """The ledger; a chart nobody may see goes by its number."""
    number = row.chart_of_accounts_id
    return Ledger(
        name=row.name,
        ledger_id=str(row.ledger_id),
        currency=row.currency_code or "",
        chart=charts.get(number, str(number)) if number is not None else "",
        calendar=row.period_set_name or "",
        kind=_KINDS.get(row.ledger_category_code or "", (row.ledger_category_code or "").lower()),
    )


def build_ledger_member(ledger: Ledger) -> Member:
    """The ledger as an item of a planning list."""
    return Member(
        code=ledger.name,
        name=ledger.name,
        properties=(
            ("ledger_id", ledger.ledger_id),
            ("currency", ledger.currency),
            ("chart", ledger.chart),
            ("calendar", ledger.calendar),
            ("kind", ledger.kind),
        ),
    )


def build_period(row: PeriodRow, calendar: str) -> Period:
    """The period of the calendar."""
    return Period(
        name=row.period_name_id,
        calendar=calendar,
        year=row.period_year,
        number=row.period_number,
        date_first=row.start_date,
        date_last=row.end_date,
        is_adjustment=bool(find_flag(row.adjustment_period_flag)),
    )


def find_state(row: PeriodStatusRow) -> PeriodState | None:
    """The state a closing status stands for; None for a letter not known here."""
    return _STATES.get(row.closing_status or "")


def build_value(row: ValueRow, *, today: date) -> Member:
    """The member; active when enabled and inside its dates."""
    ends = find_end(row.end_date_active)
    is_enabled = find_flag(row.enabled_flag) is not False
    is_begun = row.start_date_active is None or row.start_date_active <= today
    return Member(
        code=row.value,
        name=row.description or row.value,
        properties=(
            ("account_type", row.account_type or ""),
            ("enabled", render_flag(row.enabled_flag)),
            ("summary", render_flag(row.summary_flag)),
            ("start", render_date(row.start_date_active)),
            ("end", render_date(ends)),
        ),
        is_active=is_enabled and is_begun and (ends is None or ends >= today),
    )


def build_currency(row: CurrencyRow) -> Member:
    """The member."""
    return Member(
        code=row.currency_code,
        name=row.name or row.currency_code,
        properties=(("enabled", render_flag(row.enabled_flag)),),
        is_active=find_flag(row.enabled_flag) is not False,
    )


def find_flag(value: Flag) -> bool | None:
    """What a flag says, be it a boolean or a letter; None when it says nothing (F-07)."""
    if isinstance(value, bool) or value is None:
        return value
    return {"y": True, "yes": True, "true": True, "n": False, "no": False, "false": False}.get(
        value.strip().casefold()
    )


def find_end(at: date | None) -> date | None:
    """The last day of a life; None when it has no end, in either spelling (F-08)."""
    return None if at is None or at >= END_OF_TIME else at


def render_flag(value: Flag) -> str:
    """`Y` or `N`, whichever spelling came; empty when it says nothing."""
    found = find_flag(value)
    return "" if found is None else "Y" if found else "N"


def render_date(at: date | None) -> str:
    """The day as the ISO writes it; empty when there is none."""
    return "" if at is None else at.isoformat()
