"""Raw values of the JDE database, and the SQL that turns them into JSON literals."""

import sqlite3
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from ml_connector.sandbox.jde.cells import day_sql, epoch_sql
from ml_connector.sandbox.jde.julian import from_julian, stamp_of, to_clock_number, to_julian
from ml_connector.sandbox.jde.money import amount_sql
from ml_connector.sandbox.jde.raw import pad_account_id, pad_company, pad_key, pad_mcu, scale_up
from ml_connector.sandbox.jde.schema import TABLES

FIRST, LAST = date(1901, 1, 1), date(2099, 12, 31)


def evaluate(sql: str) -> object:
    """What SQLite makes of an expression."""
    return sqlite3.connect(":memory:").execute(f"SELECT {sql}").fetchone()[0]


@pytest.mark.parametrize(
    ("raw", "day"),
    [(0, None), (99365, date(1999, 12, 31)), (100001, date(2000, 1, 1)),
     (124060, date(2024, 2, 29)), (126031, date(2026, 1, 31))],
)  # fmt: skip
def test_julian_date_goes_both_ways(raw: int, day: date | None) -> None:
    """The golden dates are what they are said to be."""
    assert from_julian(raw) == day
    assert to_julian(day) == raw


@pytest.mark.parametrize("raw", [126366, 126000, 125999, -1])
def test_julian_number_that_names_no_day_is_refused(raw: int) -> None:
    """A common year has no day 366, and no year a day 0."""
    with pytest.raises(ValueError, match=str(raw)):
        from_julian(raw)


def test_every_day_of_two_centuries_renders_as_the_calendar_has_it() -> None:
    """The table of days and the epoch arithmetic agree with Python's calendar."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE days (raw INTEGER, text TEXT, epoch INTEGER)")
    days = [FIRST + timedelta(days=one) for one in range((LAST - FIRST).days + 1)]
    rows = [
        (to_julian(day), f'{day:%Y%m%d}"', (day - date(1970, 1, 1)).days * 86_400_000)
        for day in days
    ]
    db.executemany("INSERT INTO days VALUES (?, ?, ?)", rows)
    sql = f"SELECT raw FROM days WHERE {day_sql('raw')} <> text OR {epoch_sql('raw', 0)} <> epoch"

    assert db.execute(sql).fetchall() == []


def test_epoch_is_midnight_of_the_servers_zone() -> None:
    """Ten hours west of Greenwich the day begins ten hours later."""
    assert evaluate(epoch_sql("126031", -10)) == 1769853600000
    assert evaluate(epoch_sql("126031", 0)) == 1769817600000


@pytest.mark.parametrize(
    ("raw", "decimals", "literal"),
    [(677823, 2, "6778.23"), (-1617639, 2, "-16176.39"), (120000, 2, "1200"), (0, 2, "0"),
     (-50, 2, "-0.5"), (-5, 2, "-0.05"), (7, 0, "7"), (123456789012345, 3, "123456789012.345"),
     (999999999999999, 2, "9999999999999.99"), (12300, 7, "0.00123")],
)  # fmt: skip
def test_amount_renders_as_a_plain_literal(raw: int, decimals: int, literal: str) -> None:
    """No exponent, no trailing zeros, whole numbers without a point."""
    assert str(evaluate(amount_sql(f"({raw})", decimals))) == literal


def test_padding_is_that_of_the_columns() -> None:
    """Business units and keys stand at the right, companies and ids have zeros; blank is empty."""
    assert pad_mcu("30") == "          30"
    assert pad_key("AA") == "        AA"
    assert (pad_company(1), pad_account_id("62411")) == ("00001", "00062411")
    assert pad_mcu("  ") == pad_key("") == pad_company("") == ""


def test_column_refuses_a_text_that_does_not_fit() -> None:
    """A raw text is never cut silently."""
    column = TABLES["F0911"].by_alias["MCU"]
    assert column.raw_text("YARD") == "        YARD"
    with pytest.raises(ValueError, match="MCU"):
        column.raw_text("X" * 13)


def test_scaling_rounds_half_up() -> None:
    """What has more decimals than the currency is rounded away from zero at the half."""
    assert scale_up(Decimal("0.125"), 2) == 13
    assert scale_up(Decimal("-0.125"), 2) == -13
    assert scale_up(Decimal(1234), 0) == 1234


def test_stamp_is_of_the_zone_of_the_machine() -> None:
    """One moment is another date and time on a machine elsewhere."""
    at = datetime(2026, 11, 4, 0, 0, 5, tzinfo=UTC)
    assert stamp_of(at) == (126308, 5)
    assert stamp_of(at, timezone(timedelta(hours=-5))) == (126307, 190005)
    assert to_clock_number(at.replace(hour=9, minute=31)) == 93105


def test_every_key_and_index_names_columns_of_its_table() -> None:
    """The schema does not contradict itself."""
    for table in TABLES.values():
        named = {alias for index in (table.key, *table.indexes) for alias in index}
        assert named <= set(table.by_alias), table.name
        assert len(table.by_alias) == len(table.columns), table.name
