"""Outputs of exports in every form: read right, refused in words, or known not to be whole."""

import codecs
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ml_connector.errors import ProtocolError, RefusedError
from ml_connector.ports import ExportForm
from ml_connector.systems.anaplan.csv_stream import parse_records
from ml_connector.systems.anaplan.export_errors import ExportCutError, ExportFormError
from ml_connector.systems.anaplan.export_forms import find_dialect, render_plain, verify_form
from ml_connector.systems.anaplan.export_text import find_codec

ROWS = [{"Konto": "4000", "Name": "Müller & Söhne", "Betrag": "1234.5"},
        {"Konto": "5000", "Name": "a", "Betrag": "-7"}]  # fmt: skip
TEXT = "Konto,Name,Betrag\n4000,Müller & Söhne,1234.5\n5000,a,-7\n"
NAMES = ("Konto", "Name", "Betrag")


def told(**parts: Any) -> ExportForm:
    """What the model tells of an export."""
    return ExportForm(**parts)


def cut(content: bytes, size: int) -> list[bytes]:
    """The content in pieces of that size."""
    return [content[at : at + size] for at in range(0, len(content), size)]


def plain(content: bytes | Iterable[bytes], **parts: Any) -> str:
    """The output as it is kept."""
    pieces = [content] if isinstance(content, bytes) else content
    return b"".join(render_plain(pieces, told(**parts))).decode()


def rows(content: bytes, **parts: Any) -> list[dict[str, str]]:
    """The rows that flows see of the output."""
    return list(parse_records([plain(content, **parts).encode()]))


def refusal(content: bytes, **parts: Any) -> RefusedError:
    """Why the output is not read for its form."""
    with pytest.raises(ExportFormError) as caught:
        plain(content, **parts)
    assert not isinstance(caught.value, ProtocolError), "another run of the export would be vain"
    return caught.value


# --- encodings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mark", "codec", "encoding"),
    [
        (b"", "utf-8", "UTF-8"),
        (b"", "utf-8", ""),
        (codecs.BOM_UTF8, "utf-8", "UTF-8"),
        (codecs.BOM_UTF8, "utf-8", ""),
        (codecs.BOM_UTF8, "utf-8", "ISO-8859-1"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16LE"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-8"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16LE"),
        (codecs.BOM_UTF16_BE, "utf-16-be", ""),
        (b"", "utf-16-le", "UTF-16LE"),
        (b"", "utf-16-le", "UTF-16"),
        (b"", "utf-16-le", "UTF-8"),
        (b"", "utf-16-be", "UTF-16BE"),
        (b"", "utf-16-be", "UTF-16LE"),
        (b"", "utf-16-be", ""),
        (b"", "iso-8859-1", "ISO-8859-1"),
        (b"", "iso-8859-1", "latin1"),
        (b"", "iso-8859-15", "ISO-8859-15"),
        (b"", "cp1252", "Windows-1252"),
        (b"", "cp1252", "windows_1252"),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_encoding_is_read_as_its_bytes_prove_or_as_it_is_told(
    mark: bytes, codec: str, encoding: str, size: int
) -> None:
    """A mark or zero bytes stand above what is told; the rest is read as told, cut anywhere."""
    content = mark + TEXT.encode(codec)
    assert plain(cut(content, size), encoding=encoding) == TEXT


@given(
    codec=st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "iso-8859-1", "cp1252"]),
    encoding=st.sampled_from(["", "UTF-8", "UTF-16LE", "UTF-16BE", "ISO-8859-1", "Windows-1252"]),
    name=st.text(st.characters(codec="cp1252", exclude_categories=["Cc"]), min_size=1, max_size=8),
)
@example(codec="cp1252", encoding="ISO-8859-1", name="5 €")
@example(codec="utf-8", encoding="ISO-8859-1", name="ä")
@example(codec="iso-8859-1", encoding="UTF-8", name="ä")
def test_encoding_told_wrongly_never_changes_a_text(codec: str, encoding: str, name: str) -> None:
    """Whatever is told of whatever was written, each text is right or the output is refused.

    But for bytes that say one thing as UTF-8 and another as single letters: no proof is in them.
    """
    text = f'Konto,Name\n4000,"{name.replace(chr(34), chr(34) * 2)}"\n'
    try:
        content = text.encode(codec)
    except UnicodeEncodeError:
        return
    if not codec.startswith("utf") and content.decode("utf-8", "replace") != text:
        assume("\ufffd" in content.decode("utf-8", "replace"))
    try:
        found = rows(content, encoding=encoding)
    except (ExportFormError, ExportCutError):
        return
    assert found == [{"Konto": "4000", "Name": name}]


@pytest.mark.parametrize(
    ("content", "encoding", "word"),
    [
        (TEXT.encode("iso-8859-1"), "", "tells no encoding, and byte FC"),
        (TEXT.encode("iso-8859-1"), "UTF-8", "tells UTF-8, and byte FC"),
        (TEXT.encode("iso-8859-1"), "US-ASCII", "byte FC"),
        (TEXT.encode(), "US-ASCII", "byte C3"),
        (TEXT.encode(), "ISO-8859-1", "valid UTF-8"),
        (TEXT.encode(), "Windows-1252", "valid UTF-8"),
        (TEXT.replace("ü", "€").encode("cp1252"), "ISO-8859-1", "speak for Windows-1252"),
        (b"Konto,Name\n1,\x81\n", "Windows-1252", "byte 81"),
        (TEXT.encode(), "UTF-16LE", "none of its bytes is zero"),
        (TEXT.encode(), "Shift_JIS", "'Shift_JIS', which is not among"),
        (TEXT.encode("utf-32"), "", "UTF-32"),
        ("Konto\nĀ\n".encode("utf-16-le"), "UTF-8", "unknown order, and the model tells UTF-8"),
        ("Konto\nĀ\n".encode("utf-16-le"), "UTF-16", "unknown order"),
        (b"Konto\n4000\xff\n", "UTF-8", "byte FF"),
        ((TEXT + "\ufeff" + TEXT).encode(), "UTF-8", "stands inside"),
        ("Konto\n\0\n".encode("utf-16"), "", "zero character"),
    ],
)
def test_encoding_the_bytes_speak_against_is_refused(
    content: bytes, encoding: str, word: str
) -> None:
    """The refusal says what is told and what the bytes say, and that UTF-8 is always read."""
    error = refusal(content, encoding=encoding)
    assert word in error.refused
    assert "UTF-8" in error.next_step


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "ISO-8859-15", "Windows-1252", "US-ASCII"])
def test_question_mark_may_stand_for_a_letter_the_encoding_lacks(encoding: str) -> None:
    """Writers put it in place of letters outside the encoding; only those of Unicode need not."""
    content = "Konto,Name\n1,Łódź\n".encode("ascii", errors="replace")

    assert "a ? may stand for a letter" in refusal(content, encoding=encoding).refused
    assert rows(content, encoding="UTF-8") == [{"Konto": "1", "Name": "??d?"}]
    assert "was lost" in refusal("Name\n\ufffd\n".encode(), encoding="UTF-8").refused


def test_encoding_told_of_plain_letters_does_not_matter() -> None:
    """Without letters outside ASCII all encodings of one byte are the same."""
    for encoding in ("ISO-8859-1", "Windows-1252", "UTF-8", "US-ASCII", ""):
        assert plain(b"A,B\n1,2\n", encoding=encoding) == "A,B\n1,2\n"


def test_utf_16_in_the_order_told_may_hold_letters_that_look_otherwise() -> None:
    """A letter whose lower byte is zero takes nothing from an order that was told."""
    text = "Konto,Name\n1,Ā一\n"
    assert plain(text.encode("utf-16-le"), encoding="UTF-16LE") == text
    assert plain(text.encode("utf-16-be"), encoding="UTF-16BE") == text


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"PK\x03\x04rest", "Excel workbook or another zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an Excel workbook"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x1f\x8b\x08", "gzipped"),
        (b"\n <!DOCTYPE html>", "HTML"),
    ],
)
def test_what_is_no_text_is_refused_by_its_first_bytes(content: bytes, word: str) -> None:
    """Whatever the model calls it, a workbook is not read as rows."""
    assert word in refusal(content, format="text/csv", encoding="UTF-8").refused


def test_first_bytes_of_nothing_are_utf_8() -> None:
    """An output without any byte is read in whatever encoding was told."""
    assert find_codec(b"", "UTF-16LE") == "utf-8"
    assert plain(b"", encoding="UTF-16LE") == ""
    assert plain(codecs.BOM_UTF16_LE, encoding="UTF-16LE") == ""


# --- separators, delimiters, quoting, line ends -----------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("delimiter", ['"', "'"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("is_told", [True, False])
def test_fields_are_parted_as_the_header_proves(
    separator: str, delimiter: str, newline: str, *, is_told: bool
) -> None:
    """Told or found: separators, text delimiters and line ends inside texts stay what they are."""
    text = f"a{separator}b {delimiter * 2} c{newline}d"
    lines = [separator.join(NAMES), separator.join(("4000", f"{delimiter}{text}{delimiter}", "1"))]
    content = "".join(f"{line}{newline}" for line in lines).encode()
    form = {"separator": separator} if is_told else {}
    found = rows(content, delimiter=delimiter, **form)
    assert found == [
        {"Konto": "4000", "Name": text.replace(delimiter * 2, delimiter), "Betrag": "1"}
    ]


@given(
    table=st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff\\'")),
            min_size=2,
            max_size=2,
        ),
        max_size=4,
    ),
    size=st.integers(1, 30),
    separator=st.sampled_from(",;\t|"),
)
def test_any_quoted_text_is_kept(table: list[list[str]], size: int, separator: str) -> None:
    """Every text that was quoted comes out as it was, whatever it holds."""
    lines = [["A", "B"], *table]
    content = "".join(
        separator.join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n"
        for row in lines
    ).encode()
    wrapped = any(len(cell) > 1 and cell[0] == cell[-1] == "'" for row in table for cell in row)
    assert not wrapped
    kept = b"".join(render_plain(cut(content, size), told(separator=separator)))
    assert list(parse_records(cut(kept, size))) == [
        {"A": first, "B": second} for first, second in table
    ]


def test_output_of_the_promised_form_is_kept_byte_by_byte() -> None:
    """The kept form is the contract's own, so nothing is stored twice."""
    text = 'Konto,Name\n4000,"a, ""b"""\n5000,\n6000,"two\nlines"\n,x\n'
    assert plain(text.encode()) == text
    assert plain(b"Konto\n1\n") == "Konto\n1\n"


@pytest.mark.parametrize(
    ("line", "form", "separator"),
    [
        ("Konto,Name,Betrag\n", {}, ","),
        ("Konto;Name;Betrag\n", {"headers": NAMES, "separator": ","}, ";"),
        ("Konto;Betrag, EUR\n", {"headers": ("Konto", "Betrag, EUR")}, ";"),
        ("Konto;Betrag, EUR\n", {"separator": ";"}, ";"),
        ("Konto,Name;Betrag\n", {"separator": ";"}, ";"),
        ("Konto\n", {}, ","),
        ("Konto\n", {"separator": ";"}, ";"),
        ("Konto\n", {"format": "text/plain", "headers": ("Konto",)}, "\t"),
        ('"Konto, alt"\tName\n', {}, "\t"),
        ("Konto,Name\n", {"format": "text/plain"}, ","),
        ("Konto,Name,Betrag\n", {"headers": ("Anders", "Ganz")}, ","),
    ],
)
def test_separator_is_the_one_that_reads_the_names(
    line: str, form: dict[str, Any], separator: str
) -> None:
    """Names that are told prove it; else what is told; else the only one that parts anything."""
    assert find_dialect(line, told(**form)).separator == separator


@pytest.mark.parametrize(
    ("line", "form", "word"),
    [
        ("Konto;Betrag, EUR\n", {}, "parted by commas and by semicolons, and nothing tells"),
        ("Konto;Name\n", {"separator": ","}, "parted by semicolons, and the model tells commas"),
        ("'Konto','Name'\n", {"delimiter": '"'}, "stands in '"),
        ('"Konto","Name"\n', {"delimiter": ""}, 'stands in "'),
        ('"Konto,Name\n', {}, "quote is still open"),
    ],
)
def test_header_with_two_readings_is_refused(line: str, form: dict[str, Any], word: str) -> None:
    """Nothing is taken because it is likelier."""
    with pytest.raises((ExportFormError, ExportCutError), match=word):
        plain(f"{line}1,2\n".encode(), **form)


@pytest.mark.parametrize(
    ("content", "form", "word"),
    [
        (b"A,A\n1,2\n", {}, "'A' stand in the header twice"),
        (b"A,B\r1,2\r", {}, "carriage return outside quotes"),
        (b"A,B\n1,2\r3,4\n", {}, "carriage return outside quotes"),
        (b'A,B\n1,"x"y\n', {}, "line 2"),
        (b'A,B\n1,"5\\" wide"\n', {}, "line 2"),
        (b'A,B\n1,"5\\""\n', {}, "quote is still open"),
        (b'A,B\n1,"5\\"" x"\n', {}, "backslash before a quote"),
        (b"A,B\n1,'x'\n", {}, "stands in '"),
        (b'A,B\n1,"x"\n', {"delimiter": ""}, 'stands in "'),
        (b"A\tB,C\n1,2\n", {"separator": ","}, "names with tabs"),
    ],
)
def test_rows_with_two_readings_are_refused(
    content: bytes, form: dict[str, Any], word: str
) -> None:
    """A quote that may belong to the text, or a break that may end a row, stops the reading."""
    with pytest.raises((ExportFormError, ExportCutError), match=word):
        plain(content, **form)


def test_undelimited_texts_keep_their_quotes() -> None:
    """Where no text delimiter is told, a quote is a letter like others."""
    assert rows(b'A,B\n1,5" pipe\n', delimiter="") == [{"A": "1", "B": '5" pipe'}]


@pytest.mark.parametrize(
    ("form", "word"),
    [
        ({"layout": "GRID_ALL_PAGES"}, "its layout is GRID_ALL_PAGES"),
        ({"layout": "GRID_CURRENT_PAGE"}, "layout"),
        ({"layout": "AUDIT_LOG"}, "layout"),
        ({"format": "application/pdf"}, "format"),
        ({"format": "application/vnd.ms-excel"}, "format"),
        ({"separator": "::"}, "separator '::'"),
        ({"delimiter": "`"}, "text delimiter"),
        ({"encoding": "EBCDIC"}, "'EBCDIC'"),
    ],
)
def test_form_that_is_told_to_be_unreadable_is_refused(form: dict[str, Any], word: str) -> None:
    """Refused before the export is run, and when its output is read."""
    with pytest.raises(ExportFormError, match=word):
        verify_form(told(**form))
    assert word in refusal(TEXT.encode(), **form).refused


@pytest.mark.parametrize(
    "form",
    [{}, {"layout": "TABULAR_MULTI_COLUMN"}, {"format": "text/csv"}, {"format": "text/plain"},
     {"format": "application/csv", "layout": "TABULAR_SINGLE_COLUMN"}],
)  # fmt: skip
def test_form_that_is_told_to_be_readable_is_read(form: dict[str, Any]) -> None:
    """Old answers tell nothing, which is no fault."""
    verify_form(told(**form))
    assert rows(TEXT.encode(), **form) == ROWS


# --- wholeness --------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("quote", ['"', ""])
def test_output_cut_anywhere_is_never_taken_for_a_whole_one(codec: str, quote: str) -> None:
    """Each shorter output is known not to be whole, but for one that ends at the end of a row."""
    name = "Müller, a\nb".replace("\n", "\n" if quote else " ").replace(",", "," if quote else ";")
    text = f"Konto,Name,Betrag\n4000,{quote}{name}{quote},1234.5\n5000,{quote}{quote},-7\n"
    content = text.encode(codec)
    ends = {len(text[: at + 1].encode(codec)) for at, c in enumerate(text) if c == "\n"}
    for length in range(1, len(content)):
        try:
            found = plain(content[:length], encoding=codec, separator=",")
        except ExportCutError:
            continue
        except ExportFormError:
            assert length < len("Konto,Name".encode(codec)), "only a cut header is misjudged"
            continue
        assert length in ends
        assert text.startswith(found)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"A,B\n1\n", "ends in line 2 has 1 fields, the header 2"),
        (b"A,B\n1,2,3\n", "has 3 fields"),
        (b"A,B\n1,2\n\n3\n", "line 4"),
        (b"A,B\n1,2", "its last line, 2, has no line end"),
        (b"A,B", "no line end"),
        (b"A,B\n1,2\r", "no line end"),
        (b'A,B\n1,"2', "still open"),
        (b'A,B\n1,"2"3', "ends inside a row"),
        (b'A,B\n1,"2\n', "a quote is still open at its end, in line 2"),
        (b'A,B\n1,"2"', "no line end"),
        (b"A,B\n1,\xc3", "inside a character"),
    ],
)
def test_output_that_is_not_whole_may_be_run_again(content: bytes, word: str) -> None:
    """A row of another width, an open quote, half a character or a missing line end."""
    with pytest.raises(ExportCutError, match=word):
        plain(content, separator=",")


def test_header_alone_is_an_output_without_rows() -> None:
    """Nobody's fault; the flows decide whether they take it."""
    assert plain(b"A,B\r\n") == "A,B\n"
    assert rows(b"A,B\n") == []
    assert rows(b"") == []


def test_empty_lines_are_no_rows() -> None:
    """A line without any field says nothing."""
    assert rows(b"A,B\n\n1,2\n\n\n") == [{"A": "1", "B": "2"}]


def test_large_output_is_kept_in_pieces() -> None:
    """What is held at a time does not grow with the output."""
    line = f"{'x' * 1000},{'y' * 1000}\n".encode()
    pieces = list(render_plain(iter([b"A,B\n", *[line] * 2000]), told()))
    assert len(pieces) > 3
    assert b"".join(pieces) == b"A,B\n" + line * 2000
