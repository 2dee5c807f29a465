"""The file of a load: planned cells rendered as CSV, cut at row ends, gzipped, re-readable."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from ml_connector.errors import RefusedError
from ml_connector.ports import Archive, Json

CHUNKS_MAX = 1000
"""A file takes at most that many chunks (anaplan §10)."""

Row = Sequence[str]


class UnencodableError(RefusedError):
    """A member's text cannot be written in the encoding the import reads."""

    code = "chunks.unencodable"


class TooManyChunksError(RefusedError):
    """The file would need more chunks than the model takes."""

    code = "chunks.too-many"


def store_chunks(archive: Archive, shape: Json, rows: Iterable[Row], *, bytes_max: int) -> Json:
    """The rows, header first, are archived as gzipped chunks; the same rows give the same bytes."""
    hashes: list[str] = []
    rows_sent = 0

    def counted() -> Iterator[Row]:
        nonlocal rows_sent
        for row in rows:
            rows_sent += 1
            yield row

    for chunk in _cut_bytes(_render(shape, counted()), bytes_max):
        if len(hashes) == CHUNKS_MAX:
            raise TooManyChunksError(
                f"The file needs more than {CHUNKS_MAX} chunks of {bytes_max} bytes.",
                written="Nothing was sent.",
                next_step="Raise `chunk_bytes` of the flow (at most 50 MB), or load fewer periods.",
            )
        hashes.append(archive.write_gzipped(chunk, suffix="csv.gz").file_hash)
    return {"chunks": hashes, "rows": rows_sent}


def _render(shape: Json, rows: Iterable[Row]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(
        buffer,
        delimiter=shape["separator"],
        quotechar=shape["delimiter"] or None,
        quoting=csv.QUOTE_MINIMAL if shape["delimiter"] else csv.QUOTE_NONE,
        lineterminator="\n",
    )
    for row in _with_header(shape["headers"], rows):
        try:
            writer.writerow(row)
            yield buffer.getvalue().encode(shape["encoding"])
        except (UnicodeEncodeError, csv.Error) as error:
            raise UnencodableError(
                f"The row {list(row)} cannot be written in {shape['encoding']}: {error}.",
                written="Nothing was sent.",
                next_step="Set the data source of the import to UTF-8 with a text delimiter.",
            ) from error
        buffer.seek(0)
        buffer.truncate()


def _with_header(headers: Row, rows: Iterable[Row]) -> Iterator[Row]:
    yield headers
    yield from rows


def _cut_bytes(lines: Iterable[bytes], bytes_max: int) -> Iterator[bytes]:
    chunk = bytearray()
    for line in lines:
        if chunk and len(chunk) + len(line) > bytes_max:
            yield bytes(chunk)
            chunk.clear()
        chunk += line
    if chunk:
        yield bytes(chunk)
