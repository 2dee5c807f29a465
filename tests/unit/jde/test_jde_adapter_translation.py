"""Rows of JDE tables as lines, periods and batches of the domain."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.ledger import BatchStamp, Line
from ml_connector.domain.periods import Period, PeriodState
from ml_connector.systems.jde.calendars import Calendar, CalendarUnfitError, build_calendar
from ml_connector.systems.jde.rows import (
    BusinessUnitRow,
    CalendarRow,
    CompanyRow,
    JournalRow,
    build_rows,
)
from ml_connector.systems.jde.translation import (
    Books,
    LineUnfitError,
    RepeatedRowError,
    build_batch,
    build_chart,
    build_ledger,
    build_lines,
    parse_batch_id,
    parse_ledger,
)

ZERO = Decimal(0)
NOW = datetime(2026, 11, 3, 8, tzinfo=UTC)
COMPANIES = {
    co: CompanyRow(co=co, name=f"Company {co}", crcd=crcd, dtpn="R", pnc=11, dfyj=date(2026, 1, 1))
    for co, crcd in {"00001": "USD", "00200": "JPY", "00300": "KWD", "00400": ""}.items()
}
BOOKS = Books(companies=COMPANIES, decimals={"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3})


def journal(**changes: Any) -> JournalRow:
    """A posted row of a domestic journal entry, changed as a test needs."""
    row = JournalRow(
        kco="00001", dct="JE", doc=41207, dgj=date(2026, 1, 31), jeln=Decimal(1), extl="", lt="AA",
        icut="G", icu=15981, dicj=date(2026, 2, 1), co="00001", aid="00062411", ctry=20, fy=26,
        pn=1, aa=Decimal("6778.23"), crcd="USD", exa="Travel", exr="January",
        upmj=date(2026, 2, 2), upmt=93105,
    )  # fmt: skip
    return row._replace(**changes)


def only_line(*rows: JournalRow) -> Line:
    """The one line of some rows."""
    (line,) = build_lines(rows, BOOKS)
    return line


def fiscal_year(year: int, first: date, *, pattern: str = "R", periods: int = 12) -> CalendarRow:
    """A fiscal year of calendar months; what follows the regular periods repeats their last day."""
    ends: list[date | None] = []
    at = first
    for _ in range(periods):
        at = (at.replace(day=1) + timedelta(days=32)).replace(day=1)
        ends.append(at - timedelta(days=1))
    ends += [ends[-1]] * (14 - periods)
    century, short = divmod(year, 100)
    return CalendarRow(pattern, first, "", century, short, *ends)


def find_period(calendar: Calendar, name: str) -> Period:
    """The period of this name."""
    return next(period for period in calendar.periods if period.name == name)


def test_domestic_line_is_entered_as_it_stands() -> None:
    """A line in the company's own currency has one amount, debit positive."""
    line = only_line(journal())

    assert (line.ledger, line.period, line.combination) == ("00001", "FY2026-P01", "00062411")
    assert (line.debit, line.credit) == (Decimal("6778.23"), ZERO)
    assert (line.entered_currency, line.entered_debit) == ("USD", Decimal("6778.23"))
    assert (line.journal, line.number) == ("00001-JE-41207", 1)
    assert (line.source, line.category) == ("G", "JE")


def test_negative_amount_is_a_credit() -> None:
    """Credits are negative in JDE and positive in the credit column here."""
    line = only_line(journal(aa=Decimal("-0.01")))

    assert (line.debit, line.credit) == (ZERO, Decimal("0.01"))


def test_foreign_line_joins_both_of_its_rows() -> None:
    """What was entered and what it is in the company's currency are one line, never two."""
    base = journal(crcd="EUR", aa=Decimal("108.50"))
    line = only_line(journal(crcd="EUR", lt="CA", aa=Decimal(100)), base)

    assert (line.currency, line.debit) == ("USD", Decimal("108.50"))
    assert (line.entered_currency, line.entered_debit) == ("EUR", Decimal(100))


@pytest.mark.parametrize("column", ["doc", "jeln", "extl", "dgj", "kco", "dct"])
def test_rows_of_two_lines_are_never_joined(column: str) -> None:
    """Every part of a line's key tells lines apart."""
    other = {"doc": 41208, "jeln": Decimal(2), "extl": "X", "dgj": date(2026, 1, 30),
             "kco": "00077", "dct": "PV"}  # fmt: skip
    rows = [journal(crcd="EUR"), journal(crcd="EUR", lt="CA", **{column: other[column]})]

    assert len(build_lines(rows, BOOKS)) == 2


def test_revaluation_was_entered_as_nothing() -> None:
    """A foreign document without its second row moves the company's currency alone."""
    line = only_line(journal(crcd="EUR", aa=Decimal("-3.20")))

    assert (line.credit, line.entered_currency) == (Decimal("3.20"), "EUR")
    assert (line.entered_debit, line.entered_credit) == (ZERO, ZERO)


def test_entered_row_alone_moves_nothing_of_the_companys_own() -> None:
    """A second row without a first is a line with an entered amount only."""
    line = only_line(journal(crcd="EUR", lt="CA", aa=Decimal(7)))

    assert (line.ledger, line.debit, line.credit) == ("00001", ZERO, ZERO)
    assert (line.entered_currency, line.entered_debit) == ("EUR", Decimal(7))


def test_another_ledger_type_is_a_ledger_of_its_own() -> None:
    """Budget rows never meet actuals, nor the entered rows of the same document."""
    rows = [journal(lt="BA"), journal(), journal(lt="CA", crcd="EUR", doc=9)]
    ledgers = sorted(line.ledger for line in build_lines(rows, BOOKS))

    assert ledgers == ["00001", "00001", "00001/BA"]


@pytest.mark.parametrize(
    ("co", "currency", "amount"),
    [("00200", "JPY", "17500000"), ("00300", "KWD", "1234.567"), ("00001", "USD", "0.01")],
)
def test_each_currency_keeps_its_own_decimals(co: str, currency: str, amount: str) -> None:
    """Yen have none, dinars three."""
    line = only_line(journal(co=co, crcd=currency, aa=Decimal(amount)))

    assert line.debit == Decimal(amount)


@pytest.mark.parametrize(
    ("co", "currency", "amount"),
    [("00200", "JPY", "17.5"), ("00300", "KWD", "0.0001"), ("00001", "USD", "6778.231")],
)
def test_too_many_decimals_are_refused_by_name(co: str, currency: str, amount: str) -> None:
    """An amount its currency cannot have is refused with document, line, amount and currency."""
    with pytest.raises(LineUnfitError) as refused:
        only_line(journal(co=co, crcd=currency, aa=Decimal(amount)))

    for part in ("JE 41207 00001", f"{amount} {currency}", "line 1", "G 15981"):
        assert part.casefold() in refused.value.refused.casefold()


def test_entered_amount_is_held_to_its_own_currency() -> None:
    """A foreign amount with decimals of another currency is refused too."""
    rows = [journal(crcd="JPY"), journal(crcd="JPY", lt="CA", aa=Decimal("0.5"))]

    with pytest.raises(LineUnfitError, match=r"0\.5 JPY"):
        build_lines(rows, BOOKS)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"pn": 15}, "period 15"),
        ({"pn": 0}, "period 0"),
        ({"aid": ""}, "no account"),
        ({"co": "00999"}, "'00999'"),
        ({"co": "00400"}, "no currency"),
        ({"dgj": None}, "no GL date"),
    ],
)
def test_row_that_cannot_be_a_line_is_refused_by_name(changes: dict[str, Any], told: str) -> None:
    """Period, account, company and date are there, or the document is named."""
    with pytest.raises(LineUnfitError, match=told) as refused:
        only_line(journal(**changes))

    assert refused.value.arguments["document"] == "JE 41207 00001"


def test_repeated_row_is_never_counted_twice() -> None:
    """A row given twice means another was skipped."""
    for lt in ("AA", "CA", "BA"):
        with pytest.raises(RepeatedRowError, match="41207"):
            build_lines([journal(lt=lt), journal(lt=lt)], BOOKS)


@pytest.mark.parametrize(("jeln", "number"), [("1", 1), ("7.0", 7), ("1.5", 1500)])
def test_line_number_is_whole(jeln: str, number: int) -> None:
    """A line number with decimals is told in thousandths."""
    assert only_line(journal(jeln=Decimal(jeln))).number == number


@pytest.mark.parametrize(
    ("exa", "exr", "told"),
    [("Größe", "x", "Größe / x"), ("", "b", "b"), ("a", "", "a"), ("a\x1b[2J\tb", "", "a [2J b")],
)
def test_description_is_name_and_remark_without_controls(exa: str, exr: str, told: str) -> None:
    """Free text keeps its letters and loses what would steer a terminal."""
    assert only_line(journal(exa=exa, exr=exr)).description == told


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({}, datetime(2026, 2, 2, 9, 31, 5, tzinfo=UTC)),
        ({"upmt": 5}, datetime(2026, 2, 2, 0, 0, 5, tzinfo=UTC)),
        ({"upmt": 996199}, datetime(2026, 2, 2, 23, 59, 59, tzinfo=UTC)),
        ({"upmj": None}, datetime(2026, 2, 1, tzinfo=UTC)),
        ({"upmj": None, "dicj": None}, NOW),
    ],
)
def test_batch_says_when_it_last_changed(changes: dict[str, Any], at: datetime) -> None:
    """The change date counts, else the batch date, else the time of reading."""
    stamp = BatchStamp(batch_id="G-15981", version="v")
    batch = build_batch(stamp, [journal(**changes)], books=BOOKS, now=NOW)

    assert (batch.updated_at, batch.version, batch.is_actual) == (at, "v", True)


@pytest.mark.parametrize(
    ("batch_id", "key"),
    [("G-15981", ("G", 15981)), ("-7", ("", 7)), ("IB-0", ("IB", 0)), ("G", None), ("G-x", None)],
)
def test_batch_id_is_type_and_number(batch_id: str, key: tuple[str, int] | None) -> None:
    """What is no batch id names no batch."""
    assert parse_batch_id(batch_id) == key


def test_ledger_names_are_read_back() -> None:
    """A company's own books bear its number, other ledger types are added to it."""
    for ledger_type, name in {"AA": "00001", "BA": "00001/BA"}.items():
        ledger = build_ledger(COMPANIES["00001"], ledger_type)

        assert (ledger.name, parse_ledger(name)) == (name, ("00001", ledger_type))


def test_chart_is_keyed_and_names_the_facts() -> None:
    """Category codes are facts under their lower-case names."""
    chart = build_chart(["R001"], ["RP02"])

    assert chart.is_keyed
    assert chart.split("1|30|8720||8720|a|b")["rp02"] == "b"


def test_rows_turn_blanks_into_the_columns_own_nothing() -> None:
    """A blank is no text, nought or no date, as its column demands."""
    (row,) = build_rows(CompanyRow, [("00001", None, "USD", "R", None, "20260101")])

    assert row == CompanyRow("00001", "", "USD", "R", 0, date(2026, 1, 1))


@pytest.mark.parametrize(
    "rows",
    [
        [("00001", None, "USD", "R", None, "20260101", "more")],
        [("00001", None, "USD", "R", None)],
        [("00001", None, "USD", "R", None, "20260101"), ("00002", None)],
    ],
    ids=["one too many", "one too few", "uneven"],
)
def test_rows_of_another_width_are_refused(rows: list[tuple[Any, ...]]) -> None:
    """No cell is read as its neighbour's."""
    with pytest.raises(ValueError, match="zip"):
        build_rows(CompanyRow, rows)


@pytest.mark.parametrize("codes", [(), ("A",), ("A", None)])
def test_cells_behind_the_columns_are_category_codes(codes: tuple[str | None, ...]) -> None:
    """Each row keeps as many codes as were asked for, blanks as no text."""
    rows = [("1", "00001", "   ST9", "C", *codes), ("2", "00001", None, "D", *codes)]

    found = build_rows(BusinessUnitRow, rows)

    assert [row.mcu for row in found] == ["1", "2"]
    assert [row.codes for row in found] == [tuple(one or "" for one in codes)] * 2
    assert found[1].styl == ""
    assert build_rows(BusinessUnitRow, []) == []


def test_periods_are_named_by_their_full_fiscal_year() -> None:
    """The year is the century and the two digits; numbers have two digits."""
    calendar = build_calendar("R", [fiscal_year(2009, date(2009, 1, 1))])

    assert [p.name for p in calendar.periods][:2] == ["FY2009-P01", "FY2009-P02"]
    assert find_period(calendar, "FY2009-P02").date_last == date(2009, 2, 28)


def test_fiscal_year_may_begin_in_another_calendar_year() -> None:
    """A year that starts in October keeps the number JDE gives it."""
    calendar = build_calendar("O", [fiscal_year(2026, date(2026, 10, 1), pattern="O")])
    period = find_period(calendar, "FY2026-P04")

    assert (period.date_first, period.month) == (date(2027, 1, 1), "2027-01")


def test_period_that_ends_no_later_than_the_one_before_adjusts_it() -> None:
    """Adjustment periods lie on the last regular day, and follow it in order."""
    calendar = build_calendar("R", [fiscal_year(2026, date(2026, 1, 1))])
    names = [period.name for period in calendar.periods]

    assert names[-3:] == ["FY2026-P12", "FY2026-P13", "FY2026-P14"]
    for name in names[-2:]:
        period = find_period(calendar, name)
        assert period.is_adjustment
        assert period.date_first == period.date_last == date(2026, 12, 31)


def test_blank_end_marks_an_adjustment_period() -> None:
    """Sites leave unused period ends blank."""
    row = fiscal_year(2026, date(2026, 1, 1))._replace(d13j=None, d14j=None)
    calendar = build_calendar("R", [row])

    assert [p.number for p in calendar.periods if p.is_adjustment] == [13, 14]


def test_thirteenth_period_with_days_of_its_own_is_regular() -> None:
    """Thirteen periods of four weeks are no adjustments."""
    calendar = build_calendar("W", [fiscal_year(2026, date(2026, 1, 1), pattern="W", periods=13)])

    assert [p.number for p in calendar.periods if p.is_adjustment] == [14]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [fiscal_year(2026, date(2026, 1, 1))] * 2,
        [fiscal_year(2026, date(2026, 1, 1))._replace(d01j=None)],
        [fiscal_year(2026, date(2026, 1, 1))._replace(dfyj=None)],
        [fiscal_year(2026, date(2026, 1, 1), pattern="O")],
    ],
)
def test_calendar_that_contradicts_itself_is_refused(rows: list[CalendarRow]) -> None:
    """No year, a year twice, or a year without first day or period: nothing is guessed."""
    with pytest.raises(CalendarUnfitError, match="'R'"):
        build_calendar("R", rows)


def test_weekly_years_of_the_same_pattern_are_left_out() -> None:
    """A 52-period year beside the regular one is no second year."""
    row = fiscal_year(2026, date(2026, 1, 1))
    calendar = build_calendar("R", [row, row._replace(fq="B")])

    assert len(calendar.periods) == 14


def test_period_states_follow_the_companys_current_period() -> None:
    """Before it closed, at it open, later future, unless lines are posted there."""
    years = [fiscal_year(2025, date(2025, 1, 1)), fiscal_year(2026, date(2026, 1, 1))]
    calendar = build_calendar("R", years)
    current = calendar.find_current(COMPANIES["00001"])
    states = {
        name: calendar.find_state(
            find_period(calendar, name), current=current, posted={(2026, 12), (2026, 14)}
        )
        for name in ("FY2025-P14", "FY2026-P10", "FY2026-P11", "FY2026-P12", "FY2026-P13",
                     "FY2026-P14")
    }  # fmt: skip

    assert current == (2026, 11)
    assert states == {
        "FY2025-P14": PeriodState.CLOSED,
        "FY2026-P10": PeriodState.CLOSED,
        "FY2026-P11": PeriodState.OPEN,
        "FY2026-P12": PeriodState.OPEN,
        "FY2026-P13": PeriodState.FUTURE,
        "FY2026-P14": PeriodState.OPEN,
    }


@pytest.mark.parametrize(
    "changes",
    [{"pnc": 0}, {"dfyj": None}, {"dfyj": date(2001, 1, 1)}, {"dfyj": date(2030, 1, 1)}],
)
def test_company_outside_its_calendar_is_refused(changes: dict[str, Any]) -> None:
    """A current period nobody can place stops, with company and pattern named."""
    calendar = build_calendar("R", [fiscal_year(2026, date(2026, 1, 1))])

    with pytest.raises(CalendarUnfitError, match="00001"):
        calendar.find_current(COMPANIES["00001"]._replace(**changes))
