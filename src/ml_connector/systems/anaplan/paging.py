"""Collections that come in pages, read to their counted end."""

from collections.abc import Callable
from typing import Final, TypeVar

from ml_connector.systems.anaplan.lenient import OffContractError
from ml_connector.systems.anaplan.wire import Page
from ml_connector.systems.http import RemoteReply

PAGE_ROWS_MAX: Final = 5000
PAGES_MAX: Final = 1000

Row = TypeVar("Row")
Parsed = TypeVar("Parsed")
Query = tuple[tuple[str, str], ...]


def collect_pages(
    send: Callable[[Query], RemoteReply | None],
    parse: Callable[[bytes], Page[Row]],
    *,
    name: Callable[[Row], str],
) -> list[Row] | None:
    """Every row of a collection, each once; None when `send` finds nothing there.

    The end is counted, never followed: the `next` link names rows that were already sent (A-09).
    A server may send fewer rows than asked for, so each page begins after the rows received.

    Raises:
        ProtocolError: A page is empty before the end or repeats a row, or there is no end.
    """
    rows: dict[str, Row] = {}
    for number in range(1, PAGES_MAX + 1):
        reply = send((("limit", str(PAGE_ROWS_MAX)), ("offset", str(len(rows)))))
        if reply is None:
            return None
        page = parse_reply(reply, parse)
        expected = len(rows) + len(page.rows)
        rows.update((name(row), row) for row in page.rows)
        if len(rows) != expected:
            raise reply.render_off_contract("a page that repeats a row")
        if page.total is None or len(rows) >= page.total:
            return list(rows.values())
        if not page.rows:
            raise reply.render_off_contract(f"no row after {len(rows)} of {page.total}")
        if number == PAGES_MAX:
            raise reply.render_off_contract(f"more than {PAGES_MAX} pages")
    raise AssertionError("the loop above returns or raises")


def parse_reply(reply: RemoteReply, parse: Callable[[bytes], Parsed]) -> Parsed:
    """The body as a wire value.

    Raises:
        ProtocolError: It is cut, HTML or of another shape.
        OutcomeUnknownError: The same after a call that may have changed something.
    """
    if not reply.is_success:
        raise reply.render_off_contract(f"status {reply.status} instead of a result")
    try:
        return parse(reply.content)
    except OffContractError as error:
        raise reply.render_off_contract(str(error)) from error
