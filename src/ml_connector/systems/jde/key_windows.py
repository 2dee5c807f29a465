"""Reads in the order of a key of text, each window from the last key of the one before."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import Query, Row, above
from ml_connector.systems.jde.refusals import render_truncated
from ml_connector.systems.jde.windows import WINDOW_ROWS_MAX, WINDOWS_MAX

PAGE_ROWS: Final = 2_000
"""Rows asked for at once; a server may give fewer."""


def read_by_key(client: JdeClient, query: Query, *, key: str) -> Iterator[list[Row]]:
    """Yield the rows of the query, window by window, by a column that no two rows share.

    Server and database agree about the order of texts, whatever it is, for both put the rows in
    order and compare with the last key. What came is held against a count at the end.

    Raises:
        TruncatedError: Fewer rows came than the server counts.
    """
    at, ordered = query.columns.index(key), replace(query, order=(key,))
    part, read = ordered, 0
    for _ in range(WINDOWS_MAX):
        rows, has_more = client.browse_beginning(part, rows=PAGE_ROWS)
        read += len(rows)
        yield rows
        last = rows[-1][at] if rows else None
        if not has_more or not isinstance(last, str):
            break
        part = replace(ordered, conditions=(*query.conditions, above(key, last)))
    if read < client.count(query.table, query.conditions):
        raise render_truncated(client.system, query.table, read or WINDOW_ROWS_MAX)
