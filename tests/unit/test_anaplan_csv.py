"""Delimited text and failure dumps from chunks that are cut anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.errors import ProtocolError
from ml_connector.ports import RefusedRow
from ml_connector.systems.anaplan.csv_stream import parse_records, parse_rows
from ml_connector.systems.anaplan.dumps import parse_dump

TEXT = 'Name,Note\r\nÄrger,"a, ""b""\nc"\n\nEnde,\n'
ROWS = [["Name", "Note"], ["Ärger", 'a, "b"\nc'], ["Ende", ""]]
DUMP = (
    '"_Status_","Name","Parent","Code","_Line_","_Error_1_","_Error_2_"\n'
    '"E","Widget","NoSuch","W1","7","Invalid parent",""\n'
    '"W","Ünit","","U1","9","Invalid date: ,,,","Invalid code"\n'
)


def cut(content: bytes, size: int) -> list[bytes]:
    """The content in pieces of that size."""
    return [content[at : at + size] for at in range(0, len(content), size)]


@given(size=st.integers(1, 60))
def test_rows_are_the_same_wherever_the_bytes_are_cut(size: int) -> None:
    """Cuts inside a row, a quoted field or a character change nothing."""
    assert list(parse_rows(cut(TEXT.encode(), size))) == ROWS


@given(
    table=st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\t")),
                 min_size=2, max_size=2),
        max_size=4,
    ),
    size=st.integers(1, 30),
)  # fmt: skip
def test_any_quoted_text_comes_back(table: list[list[str]], size: int) -> None:
    """Every field that was written quoted is read as it was, other line breaks included."""
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table]
    content = "".join(f"{line}\n" for line in lines).encode()
    assert list(parse_rows(cut(content, size))) == table


def test_byte_order_mark_is_dropped_even_when_it_is_cut() -> None:
    """A mark before the header does not become part of the first name."""
    content = b"\xef\xbb\xbfCode,Name\n1,x\n"
    assert list(parse_records(cut(content, 1))) == [{"Code": "1", "Name": "x"}]


def test_tabs_part_fields_where_the_header_holds_one() -> None:
    """Exports as plain text are read like those as CSV."""
    content = b"Code\tName\n1\ta, b\n"
    assert list(parse_records(cut(content, 2))) == [{"Code": "1", "Name": "a, b"}]


def test_empty_content_has_no_rows() -> None:
    """Zero bytes, and a header alone, are both no rows."""
    assert list(parse_records([])) == []
    assert list(parse_records([b"", b""])) == []
    assert list(parse_records([b"Code,Name\n"])) == []


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"Code,Name\n1\n", "row 1 has 1 fields, the header 2"),
        (b"Code,Name\n1,2,3\n", "row 1 has 3 fields"),
        (b"Code,Code\n1,2\n", "'Code'"),
        (b"Code\n\xff\n", "no UTF-8"),
        (b"Code\n\xc3", "no UTF-8"),
        (b'Code\n"open\n', "line 2"),
        (b"x" * (4 * 1024 * 1024 + 1), "longer than"),
    ],
)
def test_broken_text_is_refused_with_its_place(content: bytes, word: str) -> None:
    """Nothing is guessed: a row of another width, a lost quote or wrong bytes stop the reading."""
    with pytest.raises(ProtocolError, match=word):
        list(parse_records([content]))


@given(size=st.integers(1, 80))
def test_dump_rows_hold_source_columns_and_reasons(size: int) -> None:
    """Status, line number and error columns are told apart from the columns that were sent."""
    assert list(parse_dump(cut(DUMP.encode(), size))) == [
        RefusedRow(
            {"Name": "Widget", "Parent": "NoSuch", "Code": "W1"}, ("Invalid parent",), False
        ),
        RefusedRow(
            {"Name": "Ünit", "Parent": "", "Code": "U1"},
            ("Invalid date: ,,,", "Invalid code"),
            True,
        ),
    ]


def test_dump_header_is_passed_over_when_a_later_chunk_repeats_it() -> None:
    """A repeated header is not a refused row."""
    header, first, second = DUMP.splitlines(keepends=True)
    repeated = [(header + first).encode(), (header + second).encode()]
    assert len(list(parse_dump(repeated))) == 2


def test_dump_row_may_have_fewer_error_columns_than_the_header() -> None:
    """Error columns are as many as the worst row needs; a shorter row is no fault."""
    content = b'"_Status_","Code","_Line_","_Error_1_","_Error_2_"\n"E","W1","7","Invalid parent"\n'
    assert list(parse_dump([content])) == [RefusedRow({"Code": "W1"}, ("Invalid parent",), False)]


def test_dump_without_status_column_keeps_every_column() -> None:
    """Dumps of imports without a file have other columns, which are kept as they are."""
    assert list(parse_dump([b"Item,Why\nx,y\n"])) == [
        RefusedRow({"Item": "x", "Why": "y"}, (), False)
    ]


def test_empty_dump_has_no_rows() -> None:
    """A dump that was dropped reads as no rows."""
    assert list(parse_dump([])) == []
