"""Members and lines of JD Edwards that are many, headings, purged or gone, from end to end."""

from decimal import Decimal

import pytest
from tests.fakes.books_desk import DIMENSIONS, BooksDesk, unexplained

from ml_connector.ports import RunState

MANY = 10_000
SPREAD = "(i * 17) % 60 + 100 * ((i * 7) % 60) + 10000 * (i % 24)"
"""A time of day for each row."""


def add_rows(desk: BooksDesk, table: str, like: str, **made: str) -> int:
    """The table has ten thousand rows more, each like one; how many it has now."""
    names = [row[1] for row in desk.books(f"PRAGMA table_info({table})")]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(made.get(name, f'"{name}"') for name in names)
    desk.books(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        f" INSERT INTO {table} ({columns}) SELECT {values} FROM {table}, n WHERE {like}",
        MANY,
    )
    [(count,)] = desk.books(f"SELECT count(*) FROM {table}")
    return int(count)


@pytest.mark.exhaustive
@pytest.mark.long
@pytest.mark.parametrize("changed_at", [SPREAD, "80000"], ids=["one by one", "by one program"])
def test_ten_thousand_business_units_are_read_in_a_few_requests(
    changed_at: str, books_desk: BooksDesk
) -> None:
    """Behind a fetch limit of 2000, and also where all of them were stamped in one second."""
    unit = {"MCU": "printf('%12s', 'U' || i)", "UPMT": changed_at}
    counted = add_rows(books_desk, "F0006", "trim(MCU) = '30'", **unit)

    run = books_desk.run(DIMENSIONS)

    listed = run.summary["lists"]["JDE Business Units"]
    assert run.state is RunState.SUCCEEDED
    assert listed["members"] - listed["missing"] >= counted > MANY
    assert listed["refused"] == 0
    assert len(books_desk.calls("/dataservice")) < 50


@pytest.mark.exhaustive
@pytest.mark.long
def test_ten_thousand_companies_are_read_in_a_few_requests(
    books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """However many there are, a flow over one of them costs hardly more than in a small house."""
    company = {"CO": "printf('%05d', 20000 + i)"}
    counted = add_rows(books_desk, "F0010", "CO = '00001'", **company)

    members = books_desk.run(DIMENSIONS)
    asked_for_members = len(books_desk.calls("/dataservice"))
    run = books_desk.run()

    assert members.state is run.state is RunState.SUCCEEDED
    assert members.summary["lists"]["JDE Companies"]["members"] == counted > MANY
    assert books_desk.cells() == quiet_books
    assert asked_for_members < 50
    assert len(books_desk.calls("/dataservice")) < 250


# --- lines that vanish ----------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.exhaustive
def test_purged_lines_are_told_and_nothing_is_zeroed(
    books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """A purge takes the lines and leaves the balances: named, held back, the model keeps it all."""
    books_desk.run()
    books_desk.do("purge", company="00001", before="2026-10-01")
    unnoticed = books_desk.run()
    books_desk.enter("12.50", day="2026-09-20")

    touched = books_desk.run()
    compared = books_desk.run(reconcile=True)
    again = books_desk.run(backfill=True, periods=["FY2026-P09"])

    assert unnoticed.state is RunState.SUCCEEDED
    for run in (touched, compared, again):
        assert run.state is RunState.UNTIED
        [difference] = run.summary["erp_differences"]
        assert (difference["period"], difference["state"]) == ("FY2026-P09", "off")
        assert difference["breaks"] > 40
        assert {row["lines"] for row in difference["breaks_shown"]} <= {"0", "-12.5"}
    assert books_desk.cells() == quiet_books


@pytest.mark.exhaustive
@pytest.mark.long
def test_posted_batch_that_vanished_with_its_balances_is_found_by_comparing(
    books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """What somebody took out of the tables by hand leaves no date; the balances tell."""
    keyed = books_desk.enter("12.50")
    books_desk.run()
    number = keyed["batch"].split("-")[1]
    for account, raw in books_desk.books("SELECT AID, AA FROM F0911 WHERE ICU = ?", number):
        books_desk.books(
            "UPDATE F0902 SET AN10 = AN10 - ? WHERE rowid = (SELECT rowid FROM F0902 WHERE AID = ?"
            " AND FY = 26 AND LT = 'AA' LIMIT 1)",
            raw, account,
        )  # fmt: skip
    books_desk.books("DELETE FROM F0911 WHERE ICU = ?", number)
    unnoticed = books_desk.run()

    compared = books_desk.run(reconcile=True)
    held_then = books_desk.travel()
    loaded = books_desk.run()

    assert unnoticed.state is RunState.SUCCEEDED
    assert compared.summary["cells"] == 2
    assert held_then == Decimal("12.50")
    assert loaded.state is RunState.SUCCEEDED
    assert unexplained(loaded) == {"0"}
    assert books_desk.cells() == quiet_books
