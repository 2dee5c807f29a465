"""Contents that come in chunks: dumps, which may be gone, and exports, which must be whole."""

from collections.abc import Iterator, Mapping
from hashlib import sha256

from ml_connector.errors import ConnectorError, ProtocolError, RefusedError
from ml_connector.systems.anaplan.client import AnaplanClient
from ml_connector.systems.anaplan.lenient import parse_int
from ml_connector.systems.anaplan.wire import Named

_READ_ONLY = "Nothing was written."
FIRST_CHUNK = "0"
_REPLACED = "was replaced while it was being read"


def read_dump(client: AnaplanClient, where: str) -> Iterator[bytes]:
    """Yield the bytes of a dump in order; nothing when there is none (any more).

    Raises:
        ProtocolError: The dump was dropped while it was being read; what came is not all.
    """
    chunks = client.find_dump_chunks(where)
    if chunks is None:
        return
    if not chunks:
        yield from filter(None, [client.find_dump(where)])
        return
    for number, chunk in enumerate(_order(chunks)):
        content = client.find_dump(where, chunk)
        if content is None and number == 0:
            return
        if content is None:
            raise _render_torn("The failure dump", where, "was dropped while it was being read")
        yield content


def read_export(client: AnaplanClient, file_id: str) -> Iterator[bytes]:
    """Yield the bytes of an export's output in order; nothing for an output without any byte.

    Another run of the export replaces the output while it is being read (A-19). The list of chunks
    and, as the new output may have as many, every chunk but the last are read a second time: what
    still is as it was read has been so all the while.

    Raises:
        RefusedError: The export has no output: it was not run, or the output is over 48 hours old.
        ProtocolError: The output was replaced in between; what came must not be used.
    """
    before = client.find_chunks(file_id)
    if before is None:
        raise _render_no_output(file_id)
    # An output may exist although its list is empty; its first chunk tells.
    chunks = _order(before) or [FIRST_CHUNK]
    if chunks != [str(number) for number in range(len(chunks))]:
        raise _render_torn("The output", file_id, f"lists the chunks {', '.join(chunks[:20])}")
    digests: list[bytes] = []
    for chunk in chunks:
        content = client.find_chunk(file_id, chunk)
        if content is None:
            raise _render_gone(file_id, is_listed=bool(before))
        digests.append(sha256(content).digest())
        if content:
            yield content
    _verify_kept(client, file_id, dict(zip(chunks[:-1], digests, strict=False)))
    if client.find_chunks(file_id) != before:
        raise _render_torn("The output", file_id, _REPLACED)


def _verify_kept(client: AnaplanClient, file_id: str, digests: Mapping[str, bytes]) -> None:
    for chunk, digest in digests.items():
        content = client.find_chunk(file_id, chunk)
        if content is None or sha256(content).digest() != digest:
            raise _render_torn("The output", file_id, _REPLACED)


def _order(chunks: list[Named]) -> list[str]:
    return sorted((chunk.id for chunk in chunks), key=lambda text: (parse_int(text) or 0, text))


def _render_gone(file_id: str, *, is_listed: bool) -> ConnectorError:
    if is_listed:
        return _render_torn("The output", file_id, "lists chunks it no longer has")
    return _render_no_output(file_id)


def _render_no_output(file_id: str) -> RefusedError:
    return RefusedError(
        f"File {file_id} holds nothing this user may read.",
        written=_READ_ONLY,
        next_step="Run the export as this user first: its output is private and is dropped 48 "
        "hours after it was last read.",
        file=file_id,
    )


def _render_torn(what: str, where: str, fault: str) -> ProtocolError:
    return ProtocolError(
        f"{what} ({where}) {fault}.",
        written=f"{_READ_ONLY} What was read so far is not whole and must not be used.",
        next_step="Make sure that nobody else runs the action as this user, then try again.",
        where=where,
    )
