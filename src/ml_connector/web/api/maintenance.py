"""Maintenance: when systems are away, and nothing scheduled begins that needs them."""

from typing import Annotated, Any

from ninja import Body, Router, Schema

from ml_connector.ports import Right
from ml_connector.web.api.paging import ROWS_DEFAULT, After, Limit, Page, walk_page
from ml_connector.web.api.problems import MissingError
from ml_connector.web.api.shapes import Asked, Instant, Key, Name, PathName
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()


class WindowOut(Schema):
    """A window in which no scheduled run begins that needs the connection."""

    key: str
    connection: str
    begins: str
    ends: str
    zone: str
    reason: str
    is_filed: bool
    added_by: str
    added_at: Instant


class WindowAsked(Asked):
    """When a system is away: `02:00`, `Sat 22:00` or `2026-12-24 18:00`, both ends alike."""

    connection: Name
    begins: Key
    ends: Key
    zone: Key
    reason: Key = ""


@router.get("", response=Page[WindowOut], summary="Every maintenance window")
@needs(Right.SEE)
def list_windows(
    request: Request, after: After = "", limit: Limit = ROWS_DEFAULT
) -> dict[str, Any]:
    """Of files and of people, by connection."""
    rows = request.house.list_maintenance()
    return walk_page(rows, after=after, limit=limit, find_key=lambda one: one.key)


@router.post("", response={201: WindowOut}, summary="Add a window")
@needs(Right.RUN)
def add_window(request: Request, wanted: Annotated[WindowAsked, Body()]) -> Any:
    """Schedules are due by it at once."""
    return request.house.add_maintenance(**wanted.dict())


@router.post("/{key}/remove", response=WindowOut, summary="Take a window back")
@needs(Right.RUN)
def remove_window(request: Request, key: PathName) -> Any:
    """One that somebody has added; those of files are taken out of the file."""
    if key not in {one.key for one in request.house.list_maintenance()}:
        raise MissingError(
            f"There is no maintenance window {key!r}.",
            written="Nothing was changed.", next_step="List them: GET /api/v1/maintenance.",
        )  # fmt: skip
    return request.house.remove_maintenance(key)
