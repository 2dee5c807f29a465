"""Long lists a page at a time: what was told last says where the next page begins."""

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from itertools import islice
from typing import Annotated, Any, Generic, TypeVar

from ninja import Query, Schema
from pydantic import Field

from ml_connector.errors import UsageError
from ml_connector.web.api.shapes import Line

Item = TypeVar("Item")
ROWS_DEFAULT = 50
ROWS_MAX = 200
"""Rows of one answer; the next ones are asked for by its `next`."""
AFTER_MAX = 2_000
"""Characters of a place in a list; names of people's own making stand in some."""
DIGITS_MAX = 18
NAME_CHARS = 32
"""Of the name of a row that has none of its own."""
# The library loses the default of a parameter whose type has limits of its own: they stand here.
Limit = Annotated[int, Query(ge=1, le=ROWS_MAX, description="Rows of one answer.")]
After = Annotated[
    str,
    Query(
        max_length=AFTER_MAX, pattern=Line,
        description="Where to go on: `next` of the answer before; empty: the beginning.",
    ),
]  # fmt: skip


class UnfitCursorError(UsageError):
    """A list was to be gone on with at a place it does not have."""

    code = "api.unfit-cursor"

    def __init__(self, after: str) -> None:
        super().__init__(
            f"The list has no place {after!r} to go on at.",
            written="Nothing was done.",
            next_step="Give the `next` of an answer as it was told, or begin without `after`.",
            after=after,
        )


class Page(Schema, Generic[Item]):
    """Some rows, and where the others begin."""

    items: list[Item]
    next: str | None = Field(description="Give it as `after` to go on; null: there are no more.")


def cut_page(
    rows: Sequence[Item], *, limit: int, find_key: Callable[[Item], str]
) -> dict[str, Any]:
    """A page of rows of which one more than fits was read, where there is one."""
    shown = list(rows[:limit])
    more = len(rows) > limit
    return {"items": shown, "next": find_key(shown[-1]) if more else None}


def walk_page(
    rows: Iterable[Item], *, after: str, limit: int, find_key: Callable[[Item], str]
) -> dict[str, Any]:
    """The same of rows that no store pages: those behind the one of that key.

    For what the project folder holds, and what is made of files that never change.

    Raises:
        UnfitCursorError: No row has the key.
    """
    left = iter(rows)
    if after and not any(find_key(row) == after for row in left):
        raise UnfitCursorError(after)
    return cut_page(list(islice(left, limit + 1)), limit=limit, find_key=find_key)


def begin_after(after: str, find: Callable[[str], object | None]) -> str:
    """The name of a stored row, which is there.

    Raises:
        UnfitCursorError: It is not.
    """
    if after and find(after) is None:
        raise UnfitCursorError(after)
    return after


def read_number(after: str) -> int:
    """The number of a row; 0 at the beginning.

    Raises:
        UnfitCursorError: It is no number.
    """
    if not after:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) <= DIGITS_MAX):
        raise UnfitCursorError(after)
    return int(after)


def render_place(*parts: str) -> str:
    """A key of several parts as one text."""
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_place(after: str, count: int) -> tuple[str, ...]:
    """The parts of a key; none at the beginning.

    Raises:
        UnfitCursorError: It is no such key.
    """
    if not after:
        return ()
    try:
        padded = after + "=" * (-len(after) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError) as error:
        raise UnfitCursorError(after) from error
    is_fit = isinstance(parts, list) and len(parts) == count
    if not is_fit or not all(isinstance(one, str) and "\x00" not in one for one in parts):
        raise UnfitCursorError(after)
    return tuple(parts)


def name_row(*parts: object) -> str:
    """A name for a row that has none of its own."""
    text = json.dumps(parts, default=str, ensure_ascii=False)
    return sha256(text.encode()).hexdigest()[:NAME_CHARS]
