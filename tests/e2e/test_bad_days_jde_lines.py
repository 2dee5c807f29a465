"""Lines, calendars, clocks and members of JD Edwards gone wrong, from end to end."""

import json
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.fakes.books_desk import CONNECTION, BooksDesk, unexplained

from ml_connector.flows.ledger.visibility import LedgerSilentError
from ml_connector.ports import RunState
from ml_connector.systems.jde.reference import LedgerTypeUnknownError
from ml_connector.systems.jde.stamps import BeforeFirstDateError
from ml_connector.systems.jde.translation import LineUnfitError
from ml_connector.wiring import open_house

OCTOBER = {"first_month": "2026-10"}
TODAY = 126307
"""The sandbox's first day as the tables write it, 2026-11-03."""

# --- rows that cannot be lines --------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.long
def test_rows_that_cannot_be_lines_stop_the_run_by_name(books_desk: BooksDesk) -> None:
    """Batch, document and fault are named, nothing is stored of it, and mended books load."""
    books_desk.change(ledgers=["00001", "00200"], **OCTOBER)
    books_desk.run()
    quiet = books_desk.cells()
    for number, values, told in (
        ("00200", {"amount": "12.5"}, "12.5 JPY, a currency of 0 decimals"),
        ("00001", {"amount": "7.00", "PN": 15}, "period 15"),
        ("00001", {"amount": "7.00", "AID": " "}, "no account id"),
        ("00999", {"amount": "7.00"}, "'00999', which is not visible"),
    ):
        row = {"CO": number, "KCO": number, "UPMJ": TODAY, **values}
        books_desk.do("add_row", values=row)
        error, stopped = books_desk.fail()
        books_desk.books("DELETE FROM F0911 WHERE PID = 'SQL'")
        assert isinstance(error, LineUnfitError)
        assert error.exit_code == 1
        assert told in error.refused
        assert "JE 990001" in error.refused
        assert "batch G 99001" in error.refused
        assert stopped.state is RunState.FAILED

    run = books_desk.resume(stopped.run_id)

    assert run.state is RunState.SUCCEEDED
    assert books_desk.cells() == quiet


def test_unknown_ledger_type_is_refused_with_those_there_are(books_desk: BooksDesk) -> None:
    """Types that do not exist, entered amounts and units are no books; `doctor` says so too."""
    found = {}
    for ledger_type in ("QQ", "CA", "AU"):
        books_desk.connect(ledger_types=["AA", ledger_type])
        error, _ = books_desk.fail()
        assert isinstance(error, LedgerTypeUnknownError)
        assert error.exit_code == 2
        found[ledger_type] = error.refused
        assert str(books_desk.check()["ledger types"].state) == "failed"

    assert "no ledger type QQ" in found["QQ"]
    assert "BA" in found["QQ"]
    assert "entered amounts" in found["CA"]
    assert "units, not money" in found["AU"]


# --- calendars ------------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_years_that_begin_in_october_and_january_meet_in_one_month(books_desk: BooksDesk) -> None:
    """Periods of different numbers and years lie side by side in the months they end in."""
    books_desk.change(ledgers=["00001", "00077"])
    lines = [
        {"account": "7730.8430", "amount": "33.10"},
        {"account": "77.2130", "amount": "-33.10"},
    ]
    books_desk.enter("33.10", company="00077", lines=lines)

    run = books_desk.run()

    assert run.state is RunState.SUCCEEDED
    assert unexplained(run) == {"0"}
    for month, periods in {
        "Sep 26": {"00001": (26, 9), "00077": (25, 12)},
        "Oct 26": {"00001": (26, 10), "00077": (26, 1)},
    }.items():
        assert sums_of_model(books_desk, month) == sums_of_books(books_desk, periods)
    assert {(row["ledger"], row["period"]) for row in run.summary["tie_out"]} >= {
        ("00001", "FY2026-P09"), ("00077", "FY2025-P12"),
        ("00001", "FY2026-P10"), ("00077", "FY2026-P01"),
    }  # fmt: skip


def sums_of_model(desk: BooksDesk, month: str) -> Counter[tuple[str, str, str]]:
    """What the model holds of a month by company, business unit and account; signs as entered."""
    found: Counter[tuple[str, str, str]] = Counter()
    for text, value in desk.cells().items():
        key = json.loads(text)
        account = key["JDE Accounts"]
        if key["Time"] == month:
            at = (key["JDE Companies"], key["JDE Business Units"], account)
            found[at] += Decimal(value) * (-1 if "2000" <= account[:4] <= "4999" else 1)  # type: ignore[assignment]  # a Counter of Decimals.
    return found


def sums_of_books(
    desk: BooksDesk, periods: dict[str, tuple[int, int]]
) -> Counter[tuple[str, str, str]]:
    """The same by the server's raw tables."""
    found: Counter[tuple[str, str, str]] = Counter()
    for company, (year, number) in periods.items():
        rows = desk.books(
            "SELECT trim(MCU), trim(OBJ), trim(SUB), sum(AA) FROM F0911 WHERE CO = ? AND FY = ?"
            " AND PN = ? AND LT = 'AA' AND POST = 'P' GROUP BY 1, 2, 3 HAVING sum(AA) <> 0",
            company, year, number,
        )  # fmt: skip
        for unit, obj, sub, raw in rows:
            account = f"{obj}.{sub}" if sub else obj
            found[company, unit, account] = Decimal(raw).scaleb(-2)  # type: ignore[assignment]  # as above.
    return found


@pytest.mark.exhaustive
def test_month_without_a_line_is_no_fault(books_desk: BooksDesk) -> None:
    """A company at rest in a month loads nothing, and that ties; the next journal is found."""
    for table, column in (("F0911", "PN"), ("F0902", "0")):
        books_desk.books(
            f"DELETE FROM {table} WHERE CO = '00001' AND FY = 26 AND {column} >= 10"
            if table == "F0911"
            else "UPDATE F0902 SET AN10 = 0, AN11 = 0, AN12 = 0 WHERE CO = '00001'"
        )
    books_desk.change(**OCTOBER)
    run = books_desk.run()
    books_desk.enter("12.50")
    later = books_desk.run()

    assert run.state is RunState.SUCCEEDED
    assert run.summary["cells"] == 0
    assert later.state is RunState.SUCCEEDED
    assert books_desk.travel() == Decimal("12.50")


def test_company_without_any_books_is_told(books_desk: BooksDesk) -> None:
    """Neither lines nor balances: missing rights look like this, and the error says so for JDE."""
    for table in ("F0911", "F0902"):
        books_desk.books(f"DELETE FROM {table} WHERE CO = '00300'")
    books_desk.change(ledgers=["00300"])

    error, _ = books_desk.fail()

    assert isinstance(error, LedgerSilentError)
    assert "00300" in error.refused
    assert "row security" in error.next_step


# --- clocks ---------------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_clock_of_the_server_that_was_ahead_loses_nothing(books_desk: BooksDesk) -> None:
    """What is keyed before, while and after the clock is wrong is all in the model."""
    ahead = books_desk.clock.now() + timedelta(days=40)
    books_desk.enter("10.00", at=ahead.isoformat())
    first = books_desk.run()
    # The sandbox has one clock for all its servers, so what the wrong one told is put in by hand.
    with open_house(books_desk.root, clock=books_desk.clock) as house:
        house.records.batches.save_watermark(CONNECTION, ahead)
    books_desk.enter("20.00", at=ahead.isoformat())
    books_desk.enter("40.00")
    books_desk.pass_days(6)
    second = books_desk.run()
    with open_house(books_desk.root, clock=books_desk.clock) as house:
        watermark = house.records.batches.load_watermark(CONNECTION)

    assert first.state is second.state is RunState.SUCCEEDED
    assert unexplained(second) == {"0"}
    assert books_desk.travel() == travel_of_books(books_desk) >= Decimal(70)
    assert watermark is not None
    assert watermark <= books_desk.clock.now()


def travel_of_books(desk: BooksDesk) -> Decimal:
    """What the raw tables hold of the same account in October."""
    [(raw,)] = desk.books(
        "SELECT coalesce(sum(AA), 0) FROM F0911 WHERE CO = '00001' AND FY = 26 AND PN = 10"
        " AND LT = 'AA' AND POST = 'P' AND trim(MCU) = '30' AND trim(OBJ) = '8720'"
        " AND trim(SUB) = ''"
    )
    return Decimal(raw).scaleb(-2)


def test_month_before_the_first_date_that_is_looked_at_is_refused(books_desk: BooksDesk) -> None:
    """Half of a period against its whole balance would be an unexplained difference for ever."""
    books_desk.connect(first_gl_date="2026-09-15")

    error, run = books_desk.fail()

    assert isinstance(error, BeforeFirstDateError)
    assert error.exit_code == 2
    assert "FY2026-P09 begins on 2026-09-01" in error.refused
    assert "2026-09-15" in error.refused
    assert "first_month" in error.next_step
    assert run.state is RunState.FAILED
    assert books_desk.cells() == {}
