"""CSV as the model reads and writes it."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from ml_connector.sandbox.anaplan.definitions import SourceDef

_CODECS = {"UTF-8": "utf-8-sig", "ISO-8859-1": "latin-1", "UTF-16LE": "utf-16-le"}
FIELD_CHARACTERS_MAX = 1_000_000


def parse_rows(content: bytes, source: SourceDef) -> Iterator[list[str]]:
    """The records of a file as its data source says it is to be read.

    The stored setting decides: text in another encoding loads as rubbish without an error.
    """
    text = content.decode(_CODECS.get(source.encoding, "utf-8-sig"), errors="replace")
    csv.field_size_limit(FIELD_CHARACTERS_MAX)
    stream = io.StringIO(text, newline="")
    if source.delimiter:
        return csv.reader(stream, delimiter=source.separator, quotechar=source.delimiter)
    return csv.reader(stream, delimiter=source.separator, quoting=csv.QUOTE_NONE)


def render_rows(
    rows: Iterable[Sequence[str]], *, separator: str = ",", newline: str = "\n", quote: str = "min"
) -> str:
    """The rows as CSV text; quotes are doubled, `quote` is `min` or `all`."""
    stream = io.StringIO()
    writer = csv.writer(
        stream,
        delimiter=separator,
        lineterminator=newline,
        quoting=csv.QUOTE_ALL if quote == "all" else csv.QUOTE_MINIMAL,
    )
    writer.writerows(rows)
    return stream.getvalue()


def render_number(value: float) -> str:
    """The shortest text that reads back as the same double, never with an exponent."""
    return format(Decimal(repr(value)), "f").removesuffix(".0")


def split_chunks(content: bytes, size: int, *, at_lines: bool) -> list[bytes]:
    """The content cut by size; at least one chunk, even of nothing."""
    chunks: list[bytes] = []
    start = 0
    while start < len(content):
        end = start + size
        if at_lines and end < len(content):
            line_end = content.rfind(b"\n", start, end) + 1
            end = line_end if line_end > start else end
        chunks.append(content[start:end])
        start = end
    return chunks or [b""]
