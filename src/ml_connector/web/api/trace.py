"""Everything known of a key."""

from collections.abc import Iterable, Iterator
from dataclasses import astuple
from typing import Annotated, Any

from ninja import Query, Router, Schema

from ml_connector.flows.answers.trace import TraceEntry
from ml_connector.ports import Right
from ml_connector.web.api.paging import (
    ROWS_DEFAULT,
    After,
    Limit,
    Page,
    name_row,
    walk_page,
)
from ml_connector.web.api.shapes import Name
from ml_connector.web.api.snapshots import keep_rows
from ml_connector.web.guards import Asked, needs

router = Router()


class TraceOut(Schema):
    """One thing that is known."""

    place: str
    at: str
    text: str
    run_id: str
    actor: str
    flow: str
    plan: str


@router.get("", response=Page[TraceOut], summary="Everything known of a key")
@needs(Right.SEE)
def trace(
    request: Asked,
    *,
    key: Annotated[Name, Query(description="Batch, account, task, run, member.")],
    lines: Annotated[bool, Query(description="Look through archived lines as well.")] = True,
    after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """From the ledger to the cell and back, oldest first; archived lines at the end."""
    house = request.house
    story: Iterable[TraceEntry] = house.trace_records(key)
    if lines:
        story = keep_rows(request, "trace", key, after=after, make=lambda: house.trace(key))
    return walk_page(_tell_once(story), after=after, limit=limit, find_key=_name)


def _tell_once(story: Iterable[TraceEntry]) -> Iterator[TraceEntry]:
    """Yield each fact once: where two say the same, the place in the list would not be one."""
    told = set()
    for entry in story:
        if entry not in told:
            told.add(entry)
            yield entry


def _name(entry: TraceEntry) -> str:
    return name_row(*astuple(entry))
