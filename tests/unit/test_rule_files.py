"""Files of mapping rules that people send: everything wrong with one is told at once."""

import io
import zipfile
from datetime import date, datetime
from typing import Any

import pytest

from ml_connector.domain.mapping_file import MappingFaultsError, MappingWords
from ml_connector.domain.mapping_rules import COLUMNS, MappingSet
from ml_connector.errors import UsageError
from ml_connector.flows.answers import rule_files
from ml_connector.flows.answers.mapping_listings import list_faults
from ml_connector.flows.answers.rule_files import read_rules, render_workbook
from ml_connector.flows.placing.rule_edits import edit_rules

WORDS = MappingWords(None, frozenset({"account"}))


def book_of(*rows: tuple[Any, ...]) -> bytes:
    """A workbook of these rows, as a person's spreadsheet would store them."""
    from openpyxl import Workbook  # noqa: PLC0415 - the workbook's tests only.

    book = Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]  # a new workbook has a sheet
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def test_numbers_and_dates_of_a_spreadsheet_are_taken_as_they_are_shown() -> None:
    """An account typed as a number, a date typed as a date, columns in any order, empty rows."""
    content = book_of(
        ("target", "dimension", "when", "valid_from", None, None),
        (68010, "account", "account=68010", datetime(2026, 10, 1)),  # noqa: DTZ001 - spreadsheets know no zones.
        (None, None, None),
        ("A", "account", "account=1", date(2026, 11, 1)),
    )
    rules = read_rules(content, origin="w.xlsx", words=WORDS)
    assert [(rule.target, rule.valid_from, rule.line) for rule in rules.rules] == [
        ("68010", date(2026, 10, 1), 2), ("A", date(2026, 11, 1), 4),
    ]  # fmt: skip


def test_every_fault_of_a_workbook_is_told_with_its_row_and_value() -> None:
    """Formulas, fractions and truth values are refused; so is what the rules themselves refuse."""
    content = book_of(
        COLUMNS,
        ("account", "account=1", "=1+1"),
        ("account", "account=2", 1.5),
        ("account", True, "B"),
        ("accnt", "account=3", "C"),
        ("account", "account=4..", "D", "first"),
        ("account", "account=5", "E", "", "", "", "", "astray"),
    )
    with pytest.raises(MappingFaultsError) as refused:
        read_rules(content, origin="w.xlsx", words=WORDS)
    told = [(fault.line, fault.text) for fault in refused.value.faults]
    assert [line for line, _ in told] == [2, 3, 4, 5, 6, 6, 7]
    for line, part in [
        (2, "cell C2 holds a formula"), (3, "cell C3 holds the value 1.5"), (4, "cell B4"),
        (5, "unknown dimension 'accnt'"), (6, "'first' is no whole number"), (7, "right of"),
    ]:  # fmt: skip
        assert any(line == at and part in text for at, text in told), (line, part)


def test_headings_are_looked_at_in_workbooks_as_in_text() -> None:
    """Without the needed columns nothing behind is read."""
    for content in (book_of(("dimension", "when", "goes to")), b"dimension,when,goes to\n"):
        with pytest.raises(MappingFaultsError, match="lacks target"):
            read_rules(content, origin="f", words=WORDS)
    with pytest.raises(MappingFaultsError, match=r"heading .* is missing"):
        read_rules(book_of(), origin="f", words=WORDS)


def archive_of(*names: str) -> bytes:
    """A packed file with these parts, none of which says anything."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for name in names:
            packed.writestr(name, "<x/>")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"PK\x03\x04 torn", "it is no workbook"),
        (archive_of("content.xml"), "it is no workbook"),
        (archive_of("[Content_Types].xml", "xl/workbook.bin"), "it is no workbook"),
        ("Büro".encode("latin-1"), "CSV UTF-8"),
        ("dimension,when,target\n".encode("utf-16"), "UTF-16 text: save it as CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 protected", "without a password"),
        (b"%PDF-1.7", "a PDF document"),
    ],
)
def test_what_is_no_file_of_rules_is_refused_with_what_to_send(content: bytes, why: str) -> None:
    """Neither a traceback nor half of the rules."""
    with pytest.raises(UsageError, match=f"cannot be read.*{why}") as refused:
        read_rules(content, origin="f", words=WORDS)
    assert refused.value.code == "mapping.unfit-file"
    assert "dimension, when, target" in refused.value.next_step


def test_a_workbook_with_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is bounded before its rows are rules."""
    monkeypatch.setattr(rule_files, "ROWS_MAX", 2)
    rows = [("account", f"account={number}", "A") for number in range(5)]
    with pytest.raises(UsageError, match="more than 2 rows"):
        read_rules(book_of(COLUMNS, *rows), origin="f", words=WORDS)
    monkeypatch.setattr(rule_files, "UNPACKED_BYTES_MAX", 10)
    with pytest.raises(UsageError, match="too large unpacked"):
        read_rules(book_of(COLUMNS), origin="f", words=WORDS)


def test_a_character_that_no_workbook_holds_is_refused_rather_than_dropped() -> None:
    """The CSV file keeps it."""
    rules = edit_rules(
        MappingSet(), {"dimension": "account", "target": "A", "note": "a\x01b"}, place=None,
        words=WORDS,
    )  # fmt: skip
    with pytest.raises(UsageError, match="a workbook cannot"):
        render_workbook(rules)


def test_an_edit_touches_one_rule_and_is_checked_against_the_others() -> None:
    """Added at the end, changed in place, taken away; contradictions and wrong places refused."""
    cells = {"dimension": "account", "when": "account=1", "target": "A"}
    one = edit_rules(MappingSet(), cells, place=None, words=WORDS)
    two = edit_rules(one, {**cells, "when": "account=2"}, place=None, words=WORDS)
    changed = edit_rules(two, {**cells, "target": "B"}, place=0, words=WORDS)
    assert [(rule.when, rule.target) for rule in changed.rules] == [
        ("account=1", "B"), ("account=2", "A"),
    ]  # fmt: skip
    assert edit_rules(changed, None, place=0, words=WORDS).rules == changed.rules[1:]
    with pytest.raises(MappingFaultsError, match="goes to 'C', but"):
        edit_rules(two, {**cells, "target": "C"}, place=None, words=WORDS)
    with pytest.raises(MappingFaultsError, match="the target is empty"):
        edit_rules(two, {**cells, "target": ""}, place=0, words=WORDS)
    with pytest.raises(UsageError, match="no rule at place 3"):
        edit_rules(two, None, place=2, words=WORDS)


def repack(content: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """The workbook with other bytes in one of its parts."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as book, zipfile.ZipFile(packed, "w") as other:
        for name in book.namelist():
            held = book.read(name)
            assert name != part or old in held
            other.writestr(name, held.replace(old, new) if name == part else held)
    return packed.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def test_rows_behind_what_a_workbook_says_of_its_size_are_not_lost() -> None:
    """Writers leave it as it was before rows were added."""
    content = book_of(COLUMNS, ("account", "account=1", "A"), ("account", "account=2", "B"))
    stale = repack(content, SHEET, b'ref="A1:G3"', b'ref="A1:G2"')
    assert len(read_rules(stale, origin="f", words=WORDS).rules) == 2


def test_a_sheet_that_is_torn_in_its_midst_is_refused_like_any_other_file() -> None:
    """Its rows are read one by one, so that the damage shows late."""
    content = book_of(COLUMNS, ("account", "account=1", "A"))
    for old, new in ((b"</row></sheetData>", b"</row"), (b'r="B2"', b'r="22B"')):
        with pytest.raises(UsageError, match="it is no workbook") as refused:
            read_rules(repack(content, SHEET, old, new), origin="f", words=WORDS)
        assert refused.value.code == "mapping.unfit-file"


def test_cells_that_show_something_else_than_they_hold_are_refused() -> None:
    """A number shown with leading noughts, and the error a formula left behind."""
    from openpyxl import Workbook  # noqa: PLC0415 - the workbook's tests only.

    book = Workbook()
    sheet: Any = book.active
    for row in (COLUMNS, ("account", "account=1", 120), ("account", "account=2", "#N/A")):
        sheet.append(row)
    sheet["C2"].number_format = "00000"
    content = io.BytesIO()
    book.save(content)
    with pytest.raises(MappingFaultsError) as refused:
        read_rules(content.getvalue(), origin="f", words=WORDS)
    assert [fault.text for fault in refused.value.faults] == [
        "cell C2 holds the value 120 in the format 00000; write it as text",
        "cell C3 holds the value #N/A; write it as text",
    ]


def test_a_row_of_a_thousand_columns_is_refused() -> None:
    """A cell far to the right would make each row as wide as a sheet can be."""
    content = book_of(COLUMNS, ("account", "account=1", "A", *[None] * 995, "x"))
    with pytest.raises(UsageError, match="row 2 has more than 200 columns"):
        read_rules(content, origin="f", words=WORDS)


def test_a_rule_too_long_for_a_cell_is_refused_rather_than_cut_off() -> None:
    """The CSV file keeps it whole."""
    when = "account=" + "|".join(str(number) for number in range(10_000, 16_000))
    cells = {"dimension": "account", "when": when, "target": "A"}
    rules = edit_rules(MappingSet(), cells, place=None, words=WORDS)
    with pytest.raises(UsageError, match="more than 32,767 characters"):
        render_workbook(rules)


def test_a_column_left_empty_is_one_fault_a_row() -> None:
    """Not one for each pair of rows: thousands of rows would be millions of faults."""
    rows = "".join(f"account,,T{number}\n" for number in range(3_000))
    with pytest.raises(MappingFaultsError) as refused:
        read_rules(f"dimension,when,target\n{rows}".encode(), origin="f", words=WORDS)
    faults = refused.value.faults
    assert len(faults) == 2_999
    listing = list_faults(faults)
    assert (len(listing.rows), listing.rows[-1]) == (1_001, ("", "and 1,999 more"))
    assert len(str(refused.value).splitlines()) < 1_010
    assert "and 1999 more" in str(refused.value)


def test_a_fault_of_a_very_long_cell_is_told_in_short() -> None:
    """A page with a whole document in one cell of the file would never be shown."""
    rows = f"{'a' * 100_000},account=1,T\n"
    with pytest.raises(MappingFaultsError) as refused:
        read_rules(f"dimension,when,target\n{rows}".encode(), origin="f", words=WORDS)
    (fault,) = refused.value.faults
    assert fault.text.startswith("unknown dimension 'aaa")
    assert fault.text.endswith("known are account")
    assert len(str(refused.value)) < 2_000


def test_a_character_that_no_database_holds_is_a_fault_of_its_row() -> None:
    """A rule with it would be taken on one machine and break on the next."""
    rows = "account,account=1\0,T\naccount,account=2,U\n"
    with pytest.raises(MappingFaultsError, match=r"the when holds the character U\+0000"):
        read_rules(f"dimension,when,target\n{rows}".encode(), origin="f", words=WORDS)
