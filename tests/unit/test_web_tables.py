"""Cells of tables as files: nothing from outside becomes a formula, amounts stay exact."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from ml_connector.flows.answers.listing import Listing, Money, State, Tone, render_bare, render_cell
from ml_connector.web.tables import (
    Table,
    _find_value,
    _render_csv,
    _render_safe,
    _render_workbook,
    stream_csv,
)


def money(amount: str, currency: str) -> Money:
    """An amount as a cell."""
    return Money(amount=Decimal(amount), currency=currency)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_that_looks_like_a_formula_is_written_as_text(text: str) -> None:
    """A supplier's name must not run on a controller's desk."""
    assert _render_safe(text) == f"'{text}"


def test_negative_amount_stays_a_number() -> None:
    """It is no text from outside."""
    amount = Money(amount=Decimal("-1234567.89"), currency="USD")
    assert _render_safe(amount) == "-1234567.89"
    assert _find_value(amount) == Decimal("-1234567.89")


def test_cell_reads_alike_for_people_and_programs() -> None:
    """One cell, several forms, one meaning."""
    at = datetime(2026, 11, 22, 6, 5, 4, tzinfo=UTC)
    state = State(word="succeeded", tone=Tone.GOOD)
    assert render_cell(at, grouped=True) == "2026-11-22 06:05"
    assert render_bare(at) == "2026-11-22T06:05:04+00:00"
    assert render_cell(state, grouped=True) == render_bare(state) == "succeeded"
    assert render_cell(1234, grouped=True) == "1,234"
    assert render_cell(True, grouped=True) == "yes"


def test_csv_opens_in_a_spreadsheet() -> None:
    """With the mark that says UTF-8, and lines ended as its format wants."""
    listing = Listing(columns=("Name",), rows=[("Müller",)])
    table = Table(name="n", title="Names", listing=listing)
    assert _render_csv(table.listing) == "\ufeffName\r\nMüller\r\n".encode()
    assert table.columns == [("Name", False)]


def test_file_says_the_currency_that_a_page_shows_beside_the_amount() -> None:
    """Whoever adds a column up sees that it is of two currencies, and of how many decimals."""
    rows = [("ERP", money("1200", "JPY")), ("ERP", money("1.5", "KWD")), ("", None)]
    listing = Listing(columns=("Step", "Net"), rows=rows)
    table = Table(name="n", title="Bridge", listing=listing)
    sheet = load_workbook(io.BytesIO(_render_workbook([table])))["Bridge"]

    content = b"".join(stream_csv("n", [listing])).decode("utf-8-sig")

    assert content.splitlines() == ["Step,Net,Currency", "ERP,1200,JPY", "ERP,1.5,KWD", ",,"]
    assert [cell.value for cell in sheet[2]] == ["ERP", 1200, "JPY"]
    assert [sheet[at].number_format for at in ("B2", "B3")] == ["#,##0", "#,##0.000"]


def test_parts_of_a_long_file_have_the_columns_of_its_first() -> None:
    """A later part of amounts without a currency has its place all the same."""
    parts = [Listing(columns=("Net",), rows=[(money("1", its),)]) for its in ("USD", "")]

    content = b"".join(stream_csv("n", parts)).decode("utf-8-sig")

    assert content.splitlines() == ["Net,Currency", "1,USD", "1,"]


def test_workbook_takes_whatever_title_a_table_has() -> None:
    """Characters that no sheet may have, titles too long, empty ones, and the same one twice."""
    long = "Halden US / Sep-26: everything there is to know"
    titles = ("Late: 6", "Late: 6", "LATE  6", "[a]:*?/\\", long, long, "'quoted'")
    listing = Listing(columns=("Name",), rows=[("x",)])
    tables = [Table(name=str(at), title=one, listing=listing) for at, one in enumerate(titles)]

    book = load_workbook(io.BytesIO(_render_workbook(tables)))

    names = book.sheetnames
    assert names[0] == "Late  6"
    assert len({name.casefold() for name in names}) == len(titles)
    assert all(0 < len(name) <= 31 for name in names)


def test_page_of_a_long_table_says_of_how_many_rows_it_is() -> None:
    """A hundred of thousands are not all there is."""
    listing = Listing(columns=("Name",), rows=[("a",)] * 1_200)
    assert Table(name="a", title="Periods", listing=listing).counted == "1,200 periods"
    part = Table(name="a", title="Periods", listing=listing, whole=6_500)
    assert part.counted == "1,200 of 6,500 periods"


def test_one_row_is_counted_as_one() -> None:
    """Nobody reads `1 causes`."""
    listing = Listing(columns=("Name",), rows=[["a"]])
    assert Table(name="a", title="Causes", listing=listing).counted == "1 cause"
    assert Table(name="a", title="People", one="person", listing=listing).counted == "1 person"
    assert Table(name="a", title="Causes", listing=listing, whole=3).counted == "1 of 3 causes"
