"""Rows of an export's output whatever its form, written again in the one form that is kept (A-20).

Kept is what the contract promises of plain exports: UTF-8, commas, quotes where they are needed,
line feeds. An output that has this form already comes out byte by byte as it went in.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from ml_connector.ports import ExportForm
from ml_connector.systems.anaplan.csv_stream import split_lines
from ml_connector.systems.anaplan.export_errors import ExportCutError, ExportFormError
from ml_connector.systems.anaplan.export_text import decode_export, verify_encoding

COLUMNS_MAX = 10_000
"""Columns of an export; a header of more is a file read in a wrong form."""
PIECE_CHARACTERS = 1024 * 1024
"""Text that is kept together; the rows of about this much are held at a time."""
_SEPARATORS = (",", "\t", ";", "|")
_NAMES = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
_UNCLOSED = "unexpected end of data"
"""What the reader of rows says when a quote is open at the end."""
_QUOTES = ('"', "'")
_ODD = re.compile(r'["\r\n]')
_ODD_OR_COMMA = re.compile(r'[",\r\n]')
_TAB_FORMAT = "text/plain"
_GRIDS = ("GRID", "AUDIT")
_CHANGE_LAYOUT = "Let the export be tabular, with multiple columns."
_CHANGE_FORMAT = "Let the export be CSV or plain text."
_CHANGE_DELIMITER = 'Let the text delimiter of the export be ".'
_CHANGE_QUOTES = "Let the export double the quotes that stand inside texts."
_CHANGE_SEPARATOR = "Let the export part its columns by commas, and quote names that hold one."


class Dialect(NamedTuple):
    """How one output parts its fields; `quote` is empty where nothing is quoted."""

    separator: str
    quote: str

    @property
    def options(self) -> dict[str, Any]:
        """What the reader of rows is told."""
        if not self.quote:
            return {"delimiter": self.separator, "quoting": csv.QUOTE_NONE, "strict": True}
        return {"delimiter": self.separator, "quotechar": self.quote, "strict": True}


def verify_form(form: ExportForm) -> None:
    """What the model tells of the export can be read.

    Raises:
        ExportFormError: A grid, a workbook, a printed page, or an unknown encoding or separator.
    """
    if form.layout.startswith(_GRIDS):
        raise ExportFormError(f"its layout is {form.layout}", change=_CHANGE_LAYOUT)
    kind = form.format.lower()
    if kind and not kind.startswith("text/") and "csv" not in kind:
        raise ExportFormError(f"its format is {form.format}", change=_CHANGE_FORMAT)
    if form.separator and form.separator not in _SEPARATORS:
        raise ExportFormError(
            f"the model tells the separator {form.separator!r}", change=_CHANGE_SEPARATOR
        )
    if form.delimiter and form.delimiter not in _QUOTES:
        raise ExportFormError(
            f"the model tells the text delimiter {form.delimiter!r}", change=_CHANGE_QUOTES
        )
    verify_encoding(form.encoding)


def render_plain(content: Iterable[bytes], form: ExportForm) -> Iterator[bytes]:
    """Yield the output in the form that is kept; nothing for one without any byte.

    Raises:
        ExportFormError: Its form cannot be read, or can be read in two ways.
        ExportCutError: It is not whole, or a row has another width than the header.
    """
    verify_form(form)
    lines: list[str] = []
    held = 0
    for row in read_rows(decode_export(content, form.encoding), form):
        lines.append(_render_row(row))
        held += len(lines[-1])
        if held > PIECE_CHARACTERS:
            yield "".join(lines).encode()
            lines, held = [], 0
    yield "".join(lines).encode()


def read_rows(text: Iterable[str], form: ExportForm) -> Iterator[list[str]]:
    """Yield the rows of a whole output, the header first; lines without any field are left out."""
    lines = split_lines(text)
    first = next(lines, "")
    if not first:
        return
    last = [first]
    dialect = find_dialect(first, form)
    reader = csv.reader(chain([first], _remember(lines, last)), **dialect.options)
    header: list[str] = []
    try:
        for row in filter(None, reader):
            if header:
                _verify_row(row, header, dialect, line=reader.line_num)
            header = header or _verify_header(row, dialect)
            yield row
    except csv.Error as error:
        raise _refuse_line(error, last[0], line=reader.line_num) from error
    if not last[0].endswith("\n"):
        raise ExportCutError(f"its last line, {reader.line_num:,}, has no line end")


def find_dialect(line: str, form: ExportForm) -> Dialect:
    """How fields are parted, proved by the header's own line.

    The names the model tells decide, where they can be read from the line at all. Else the told
    separator does, unless it parts nothing and another does; and without one, the only separator
    that parts anything.

    Raises:
        ExportFormError: Two separators are possible, or the line is no header.
    """
    readings = {one: _parse_line(line, one) for one in _list_dialects(form)}
    named = [one for one, fields in readings.items() if fields == list(form.headers)]
    if form.headers and named:
        return named[0]
    quote = next(iter(readings)).quote
    wide = [s for s in _SEPARATORS if len(readings[Dialect(s, quote)]) > 1]
    chosen = form.separator or (wide[0] if wide else _SEPARATORS[0])
    if (not form.separator and len(wide) > 1) or (wide and chosen not in wide):
        told = f"the model tells {_NAMES[form.separator]}" if form.separator else "nothing tells"
        raise ExportFormError(
            f"its first line is parted by {' and by '.join(_NAMES[s] for s in wide)},"
            f" and {told} {'' if form.separator else 'by which'}".rstrip(),
            change=_CHANGE_SEPARATOR,
        )
    found = Dialect(chosen, quote)
    _verify_quotes(readings[found], quote)
    return found


def _list_dialects(form: ExportForm) -> list[Dialect]:
    """Every dialect there is, the likeliest first: as told, else as formats have it."""
    likely = form.separator or ("\t" if form.format.lower() == _TAB_FORMAT else ",")
    separators = dict.fromkeys((likely, *_SEPARATORS))
    told = '"' if form.delimiter is None else form.delimiter
    quotes = dict.fromkeys((told, *_QUOTES))
    return [Dialect(separator, quote) for quote in quotes for separator in separators]


def _parse_line(line: str, dialect: Dialect) -> list[str]:
    try:
        return next(csv.reader([line], **dialect.options), [])
    except csv.Error:
        return []


def _verify_quotes(header: list[str], quote: str) -> None:
    """No other sign than the quote stands around every name."""
    for sign in _QUOTES:
        if sign != quote and header and all(_is_wrapped(name, sign) for name in header):
            raise ExportFormError(
                f"every name of its header stands in {sign}, which the model does not tell as the"
                " text delimiter",
                change=_CHANGE_DELIMITER,
            )


def _is_wrapped(name: str, sign: str) -> bool:
    return len(name) > 1 and name.startswith(sign) and name.endswith(sign)


def _remember(lines: Iterable[str], last: list[str]) -> Iterator[str]:
    """Yield the lines; the newest of them is always the one in `last`."""
    for line in lines:
        last[0] = line
        yield line


def _verify_header(row: list[str], dialect: Dialect) -> list[str]:
    _verify_texts(row, dialect, line=1)
    twice = sorted({name for name in row if row.count(name) > 1}) if len(row) < COLUMNS_MAX else []
    if twice:
        raise ExportFormError(
            f"the columns {', '.join(map(repr, twice))} stand in the header twice",
            change="Rename one of each in the saved view.",
        )
    if len(row) >= COLUMNS_MAX or any("\t" in name for name in row):
        raise ExportFormError(
            f"its header has {len(row):,} columns, or names with tabs", change=_CHANGE_SEPARATOR
        )
    return row


def _verify_row(row: list[str], header: list[str], dialect: Dialect, *, line: int) -> None:
    if len(row) != len(header):
        raise ExportCutError(
            f"the row that ends in line {line:,} has {len(row)} fields, the header {len(header)}"
        )
    if row == header:
        raise ExportFormError(
            f"line {line:,} is its header again, as if outputs were put together",
            change=_CHANGE_LAYOUT,
        )
    _verify_texts(row, dialect, line=line)


def _verify_texts(row: list[str], dialect: Dialect, *, line: int) -> None:
    """No text of the row has a second reading by another quote or another way to escape it."""
    joined = "".join(row)
    if '"' not in joined and "'" not in joined:
        return
    escaped = f"\\{dialect.quote}"
    if dialect.quote and any(escaped in field for field in row):
        raise ExportFormError(
            f"line {line:,} has a backslash before a quote, which may be a part of the text or not",
            change=_CHANGE_QUOTES,
        )
    for sign in _QUOTES:
        if sign != dialect.quote and any(_is_wrapped(field, sign) for field in row):
            raise ExportFormError(
                f"line {line:,} has a text that stands in {sign}, which may be a part of it or not",
                change=_CHANGE_DELIMITER,
            )


def _refuse_line(error: csv.Error, text: str, *, line: int) -> Exception:
    if str(error) == _UNCLOSED:
        return ExportCutError(f"a quote is still open at its end, in line {line:,}")
    if "\r" in text.rstrip("\r\n"):
        return ExportFormError(
            f"line {line:,} holds a carriage return outside quotes",
            change="Let lines end in LF or CRLF, and texts with line ends be quoted.",
        )
    if not text.endswith("\n"):
        return ExportCutError(f"it ends inside a row, in line {line:,}")
    return ExportFormError(f"line {line:,}: {error}", change=_CHANGE_QUOTES)


def _render_row(row: list[str]) -> str:
    joined = ",".join(row)
    if joined.count(",") == len(row) - 1 and joined and not _ODD.search(joined):
        return f"{joined}\n"
    return (",".join(map(_quote, row)) or '""') + "\n"


def _quote(field: str) -> str:
    if not _ODD_OR_COMMA.search(field):
        return field
    doubled = field.replace('"', '""')
    return f'"{doubled}"'
