"""Walks through collections: by offset, or by key; nothing skipped, nothing endless."""

from collections.abc import Callable, Hashable, Iterator
from typing import Final, TypeVar

import structlog

from ml_connector.errors import RefusedError
from ml_connector.systems.calls import RemoteReply
from ml_connector.systems.fusion.wire import NESTED_ROWS_MAX, Page

RowT = TypeVar("RowT")

BAD_REQUEST: Final = 400
ROWS_MAX: Final = 5_000_000
"""Rows one collection may hold; a journal of more lines is no journal."""
LISTING_PAGES_MAX: Final = 100_000
"""Pages one listing by key may take: fifty million batches."""

_log = structlog.get_logger()

ReadPage = Callable[[int], tuple[RemoteReply, Page[RowT]]]
"""The page at an offset, or after a key."""


def read_by_offset(
    read_page: ReadPage[RowT], *, identify: Callable[[RowT], Hashable], page_size: int
) -> Iterator[RowT]:
    """Yield every row of a collection, each once.

    The offset moves by what was received: the server caps pages without a word (F-03). A full page
    is followed by another request even when it claims to be the last, for that claim has been seen
    wrong; a short page ends the collection.

    Args:
        read_page: Reads the page at an offset.
        identify: What tells a row from the others; a row that moved between two pages comes
            twice, and then another has been skipped.
        page_size: Rows asked for per page.

    Raises:
        ProtocolError: A page that contradicts itself, a row given twice, or no end.
    """
    offset, seen = 0, set[Hashable]()
    while True:
        reply, page = read_page(offset)
        rows = verify_page(reply, page, page_size=page_size)
        if page.offset not in (None, offset):
            raise reply.render_off_contract(f"offset {page.offset} instead of {offset}")
        seen.update(map(identify, rows))
        offset += len(rows)
        if len(seen) != offset:
            raise reply.render_off_contract(f"{offset - len(seen)} rows a second time")
        yield from rows
        is_full = bool(rows) and len(rows) >= (page.limit or page_size)
        if not (page.has_more or is_full):
            return
        if offset >= ROWS_MAX:
            raise reply.render_off_contract(f"more than {ROWS_MAX} rows")


def read_by_key(
    read_page: ReadPage[RowT], *, identify: Callable[[RowT], int], kind: str, page_size: int
) -> Iterator[RowT]:
    """Yield rows by ascending id, asking for what follows the last one until nothing does.

    Unlike an offset, a key does not move when rows leave the filter meanwhile (F-03). `hasMore`
    is not relied on: it has been seen wrong on large collections. `kind` is what errors call a row.

    Raises:
        ProtocolError: Ids that do not ascend, or a listing that never ends.
    """
    last = 0
    for _ in range(LISTING_PAGES_MAX):
        reply, page = read_page(last)
        rows = verify_page(reply, page, page_size=page_size)
        if not rows:
            return
        for row in rows:
            if identify(row) <= last:
                raise reply.render_off_contract(f"{kind} {identify(row)} after {kind} {last}")
            last = identify(row)
        yield from rows
    raise reply.render_off_contract(f"more than {LISTING_PAGES_MAX} pages")


def read_by_key_or_offset(
    read_after: ReadPage[RowT],
    read_page: ReadPage[RowT],
    *,
    identify: Callable[[RowT], int],
    kind: str,
    page_size: int,
) -> Iterator[RowT]:
    """Yield rows by key, or by offset where the pod refuses to be asked by key (F-24).

    Only the first page decides: a refusal in the midst of the rows ends the reading.
    """
    keyed = read_by_key(read_after, identify=identify, kind=kind, page_size=page_size)
    try:
        first = next(keyed, None)
    except RefusedError as error:
        if error.arguments.get("status") != BAD_REQUEST:
            raise
        _log.warning("fusion.key_not_queryable", kind=kind, fault=error.refused)
        yield from read_by_offset(read_page, identify=identify, page_size=page_size)
        return
    if first is not None:
        yield first
        yield from keyed


def is_whole(page: Page[RowT] | None) -> bool:
    """Whether the children that came with a row are all there are; absent ones are none.

    The same distrust as for pages of their own: a full one is never believed to be the last.
    """
    if page is None:
        return True
    rows = len(page.items or [])
    is_full = rows >= (page.limit or NESTED_ROWS_MAX)
    return not (page.has_more or is_full or page.count not in (None, rows))


def verify_page(reply: RemoteReply, page: Page[RowT], *, page_size: int) -> list[RowT]:
    """The page's rows, when its envelope fits them.

    Raises:
        ProtocolError: Another count, more rows than asked for, or more announced but none given.
    """
    rows = page.items or []
    if page.count not in (None, len(rows)):
        raise reply.render_off_contract(f"{len(rows)} rows where it counts {page.count}")
    if len(rows) > page_size:
        raise reply.render_off_contract(f"{len(rows)} rows where {page_size} were asked for")
    if page.has_more and not rows:
        raise reply.render_off_contract("an empty page that announces more")
    return rows
