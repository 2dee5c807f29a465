"""Books of JD Edwards that are hidden, misdated or out of order, from end to end."""

import pytest
from tests.fakes.books_desk import BooksDesk, after_step, unexplained

from ml_connector.domain.plan import PlanGuardError
from ml_connector.errors import AccessDeniedError, ProtocolError, RefusedError
from ml_connector.ports import RunState
from ml_connector.systems.jde.refusals import ColumnHiddenError, TableDeniedError

# --- rights ---------------------------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.parametrize(("table", "column"), [("F0911", "AA"), ("F0902", "AN09")])
def test_hidden_column_stops_the_run_by_name(
    table: str, column: str, books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """No amount is taken from an answer with a column left out; `doctor` names it as well."""
    books_desk.do("hide_columns", **{table: [column]})
    error, stopped = books_desk.fail()
    failed = [c for c in books_desk.check().values() if str(c.state) == "failed"]
    books_desk.do("hide_columns")
    run = books_desk.resume(stopped.run_id)

    assert isinstance(error, ColumnHiddenError)
    assert error.exit_code == 7
    assert f"{table} out of its answer: {column}" in error.refused
    assert any(f"{table} out of its answer: {column}" in each.finding for each in failed)
    assert stopped.state is RunState.FAILED
    assert run.state is RunState.SUCCEEDED
    assert books_desk.cells() == quiet_books


@pytest.mark.exhaustive
@pytest.mark.parametrize("table", ["F0911", "F0902"])
def test_table_without_rights_is_no_dead_token(table: str, books_desk: BooksDesk) -> None:
    """A refusal that outlives a new log-in is about rights, and the table is named."""
    books_desk.turn(deniedTables=[table], deniedAs=403)

    error, _ = books_desk.fail()

    assert isinstance(error, TableDeniedError)
    assert error.exit_code == 7
    assert table in error.refused
    assert books_desk.logins <= 3


@pytest.mark.exhaustive
def test_company_the_user_may_not_see_is_told_from_an_unknown_one(
    books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """A user of one company loads that one; another company is refused with those there are."""
    books_desk.sign_on_as("LIMITED")
    run = books_desk.run()
    cells = books_desk.cells()
    books_desk.change(ledgers=["00001", "00077"])
    error, _ = books_desk.fail()

    assert run.state is RunState.SUCCEEDED
    assert cells == quiet_books
    assert error.code == "books.ledger-not-visible"
    assert error.exit_code == 7
    assert "00077" in error.refused


@pytest.mark.exhaustive
def test_company_hidden_after_its_first_load_keeps_its_cells(
    books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """Lost row security stops the next run; nothing is emptied, and the right heals it."""
    books_desk.run()
    books_desk.do("hide_companies", companies=["00001"])
    error, stopped = books_desk.fail()
    asked, _ = books_desk.fail(periods=["FY2026-P09"])
    books_desk.do("hide_companies", companies=[])
    healed = books_desk.run()

    assert error.exit_code == asked.exit_code == 7
    assert "00001" in error.refused
    assert stopped.state is RunState.FAILED
    assert healed.state is RunState.SUCCEEDED
    assert books_desk.cells() == quiet_books


@pytest.mark.exhaustive
@pytest.mark.parametrize("step", ["read: server time", "backfill: list batches"])
def test_company_hidden_in_mid_run_empties_nothing(
    step: str, books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """Rights that go while a run reads leave the model as it was."""
    books_desk.run()
    books_desk.on_step = after_step(
        step, lambda: books_desk.do("hide_companies", companies=["00001"])
    )

    error, _ = books_desk.fail(backfill=True, periods=["FY2026-P09"])
    cells_then = books_desk.cells()
    books_desk.on_step = None
    books_desk.do("hide_companies", companies=[])
    healed = books_desk.run(backfill=True, periods=["FY2026-P09"])

    assert isinstance(error, (AccessDeniedError, PlanGuardError)), repr(error)
    assert cells_then == quiet_books
    assert healed.state is RunState.SUCCEEDED
    assert unexplained(healed) == {"0"}
    assert books_desk.cells() == quiet_books


# --- dates ----------------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_user_who_writes_days_first_reads_the_same(
    books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """Literal days follow the format of the user who signed on."""
    books_desk.sign_on_as("DMEUSER")

    run = books_desk.run()

    assert run.state is RunState.SUCCEEDED
    assert books_desk.cells() == quiet_books


@pytest.mark.exhaustive
@pytest.mark.parametrize("wrong", ["misread", "ignore"])
def test_days_read_in_another_format_stop_before_a_line_is_read(
    wrong: str, books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """A server that reads days otherwise than its log-in said gives other days' lines: refused."""
    books_desk.turn(wrongDate=wrong)
    # After the log-in, so that what it told does not hold.
    books_desk.on_step = after_step("preflight", lambda: books_desk.turn(dateFormat="DME"))

    error, run = books_desk.fail()
    books_desk.on_step = None
    books_desk.turn(dateFormat="user")
    healed = books_desk.resume(run.run_id)

    assert isinstance(error, (ProtocolError, RefusedError)), repr(error)
    assert run.state is RunState.FAILED
    assert "date" in str(error).lower()
    assert healed.state is RunState.SUCCEEDED
    assert books_desk.cells() == quiet_books
