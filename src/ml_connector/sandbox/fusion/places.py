"""Collections in the tree, and the part of one that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from json.encoder import encode_basestring
from urllib.parse import quote

from ml_connector.sandbox.fusion.conditions import Clause
from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.resource import Resource, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A collection in the tree: its resource, its address, and the row above it."""

    resource: Resource
    href: str
    name: str
    parent_id: int | None = None
    parent_href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The part of a collection that is asked for; a limit of None means all of it."""

    clause: Clause
    order: str
    limit: int | None
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows of one page: (`_id`, revision, key, values ...)."""

    rows: list[Row]
    has_more: bool


def place_of_child(place: Place, row_id: int, key: str, step: tuple[str, str]) -> Place:
    """Return the collection below a row; 404 where the accessor is unknown.

    `step` is `child` or `lov` and the accessor.
    """
    kind, accessor = step
    find = place.resource.find_child if kind == "child" else place.resource.find_lov
    child = find(accessor)
    if child is None:
        raise RefusalError(404)
    href = f"{place.href}/{quote(key, safe='')}"
    return Place(
        resource=child.resource,
        href=f"{href}/{kind}/{accessor}",
        name=accessor,
        parent_id=row_id,
        parent_href=href,
    )


def collection_link(place: Place) -> str:
    """Return the link of a collection to itself."""
    href = encode_basestring(place.href)
    return f'{{"rel":"self","href":{href},"name":"{place.name}","kind":"collection"}}'


def cut_page(rows: list[Row], limit: int | None) -> Page:
    """Return a page of at most `limit` rows; one row more says that there are others."""
    if limit is None or len(rows) <= limit:
        return Page(rows=rows, has_more=False)
    return Page(rows=rows[:limit], has_more=True)
