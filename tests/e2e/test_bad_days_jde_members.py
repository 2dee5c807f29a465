"""Members and lines of JD Edwards that are many, headings, purged or gone, from end to end."""


import pytest
from tests.fakes.books_desk import BooksDesk

from ml_connector.ports import RunState

MANY = 10_000
SPREAD = "(i * 17) % 60 + 100 * ((i * 7) % 60) + 10000 * (i % 24)"
"""A time of day for each row."""
DIMENSIONS = "dimensions-jde"


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
