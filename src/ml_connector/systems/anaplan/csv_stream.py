"""Rows of delimited text read from byte chunks that were cut anywhere (A-14)."""

import codecs
import csv
from collections.abc import Iterable, Iterator
from itertools import chain

from ml_connector.errors import ProtocolError

ROW_CHARACTERS_MAX = 4 * 1024 * 1024
_BOM = "\ufeff"


def parse_rows(content: Iterable[bytes]) -> Iterator[list[str]]:
    """Yield the rows of UTF-8 delimited text, the header first; empty lines are left out.

    Bytes are joined before they are decoded, so a chunk may end inside a row, a quoted field or a
    character. A byte order mark is dropped; lines end in LF or CRLF. Fields are parted by tabs
    where the header holds one, which no name can, else by commas. At most one chunk and one row
    are held.

    Raises:
        ProtocolError: The bytes are no UTF-8, or a row is longer than any Anaplan writes.
    """
    lines = split_lines(_decode(content))
    header = next(lines, "")
    separator = "\t" if "\t" in header else ","
    reader = csv.reader(chain([header], lines), delimiter=separator, strict=True)
    try:
        yield from (row for row in reader if row)
    except csv.Error as error:
        raise _off_contract(f"line {reader.line_num}: {error}") from error


def parse_records(content: Iterable[bytes]) -> Iterator[dict[str, str]]:
    """Yield each row after the header by column name; nothing for empty content.

    Raises:
        ProtocolError: Two columns share a name, or a row is not as wide as the header.
    """
    rows = parse_rows(content)
    header = next(rows, [])
    if len(set(header)) != len(header):
        twice = sorted({name for name in header if header.count(name) > 1})
        raise _off_contract(f"the columns {twice} stand in the header twice")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise _off_contract(f"row {number} has {len(row)} fields, the header {len(header)}")
        yield dict(zip(header, row, strict=True))


def _decode(content: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_first = True
    try:
        for chunk in content:
            text = decoder.decode(chunk)
            if text:
                yield text.removeprefix(_BOM) if is_first else text
                is_first = False
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise _off_contract(f"the bytes are no UTF-8 ({error.reason})") from error


def split_lines(pieces: Iterable[str]) -> Iterator[str]:
    """Yield lines with their ends; only LF ends one, as other breaks may stand inside a field."""
    parts: list[str] = []
    held = 0
    for piece in pieces:
        *lines, rest = piece.split("\n")
        for line in lines:
            parts.append(line)
            yield "".join(parts) + "\n"
            parts, held = [], 0
        parts.append(rest)
        held += len(rest)
        if held > ROW_CHARACTERS_MAX:
            raise _off_contract(f"a line is longer than {ROW_CHARACTERS_MAX} characters")
    if held:
        yield "".join(parts)


def _off_contract(fault: str) -> ProtocolError:
    return ProtocolError(
        f"The file from Anaplan cannot be read: {fault}.",
        written="The file as it came is kept; nothing was concluded from it.",
        next_step="Run the export or import again; if it stays, look at the stored file.",
    )
