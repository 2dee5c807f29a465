"""How a listing stands on a page; its files hold every column and every currency."""

from collections.abc import Sequence
from decimal import Decimal

from ml_connector.flows.answers.listing import Cell, Listing, Money
from ml_connector.web.tables import ROWS_SHOWN_MAX, WIDE_FROM, Table


def make_table(rows: Sequence[Sequence[Cell]]) -> Table:
    """A table of these rows, its columns named by their place."""
    columns = [str(at) for at in range(len(rows[0]))]
    return Table(name="one", title="One", listing=Listing(columns=columns, rows=rows))


def dollars(amount: str) -> Money:
    """So many."""
    return Money(amount=Decimal(amount), currency="USD")


def euros(amount: str) -> Money:
    """So many."""
    return Money(amount=Decimal(amount), currency="EUR")


def test_currency_is_said_once_in_a_row_when_every_row_agrees() -> None:
    """The first amount says it for those behind it, which are of the same currency or empty."""
    rows: list[list[Cell]] = [
        ["a", None, dollars("1"), dollars("0"), None],
        ["b", dollars("5"), dollars("2"), dollars("3"), dollars("4")],
        ["c", None, euros("2"), euros("3"), None],
    ]

    assert make_table(rows).said == {3, 4}


def test_currency_that_differs_within_a_row_is_always_said() -> None:
    """One row of two currencies is enough."""
    rows: list[list[Cell]] = [["a", dollars("1"), dollars("2")], ["b", dollars("1"), euros("2")]]

    assert make_table(rows).said == frozenset()
    assert make_table([["no amounts", 1]]).said == frozenset()


def test_wide_table_leaves_out_columns_without_anything() -> None:
    """Nought is something; a narrow table keeps its shape."""
    row: list[Cell] = ["a", None, "", 0, dollars("0"), False, *[None] * (WIDE_FROM - 6)]
    wide, narrow = make_table([row, row]), make_table([row[:4]])

    assert [title for title, _ in wide.columns] == ["0", "3", "4", "5"]
    assert [[title for title, _ in cells] for cells in wide.rows] == [["0", "3", "4", "5"]] * 2
    assert [title for title, _ in narrow.columns] == ["0", "1", "2", "3"]


def test_empty_column_stands_as_the_one_before_it() -> None:
    """Credits that nobody has stand to the right like the debits beside them."""
    table = make_table([["a", dollars("1"), None]])

    assert [is_right for _, is_right in table.columns] == [False, True, True]


def test_a_page_shows_the_first_rows_of_a_very_long_table_and_counts_the_others() -> None:
    """Its files hold all of them; a browser could not show sixty thousand."""
    rows = [(f"value {number}", number) for number in range(ROWS_SHOWN_MAX + 3)]
    long = Table(name="a", title="A", listing=Listing(columns=("One", "Two"), rows=rows))
    fit = Table(name="a", title="A", listing=Listing(columns=("One", "Two"), rows=rows[:-3]))

    assert [len(long.rows), long.count_left_out] == [ROWS_SHOWN_MAX, 3]
    assert [len(fit.rows), fit.count_left_out] == [ROWS_SHOWN_MAX, 0]
