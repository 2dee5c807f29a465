"""Trace: any key, and everything known of it as a story."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.http import HttpResponse
from django.shortcuts import render

from ml_connector.flows.answers.listing import Cell, Link, Listing
from ml_connector.flows.answers.trace import TraceEntry
from ml_connector.ports import Right
from ml_connector.web.guards import Asked, needs
from ml_connector.web.tables import Table, find_file

ENTRIES_MAX = 500
"""Facts one page tells."""
KEY_MAX = 200
"""Characters of a key; the longest hash has 64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A fact as the page tells it."""

    at: datetime | None
    text: str
    place: str
    actor: str
    links: Sequence[Link]


@needs(Right.SEE)
def show_trace(request: Asked) -> HttpResponse:
    """What the records know of the key; archived lines are looked through when it is asked for."""
    key = request.GET.get("key", "").strip()[:KEY_MAX]
    flows = frozenset(request.house.project.flows)
    story = list(islice(request.house.trace_records(key), ENTRIES_MAX)) if key else []
    is_deep = bool(key) and request.GET.get("lines") == "yes"
    held = list(islice(request.house.trace_archive(key), ENTRIES_MAX)) if is_deep else []
    tables = [Table(name="trace", title="Trace", listing=_list_entries([*story, *held]))]
    shown = {
        "key": key, "is_deep": is_deep, "tables": tables,
        "story": [_tell(one, flows) for one in story], "held": [_tell(one, flows) for one in held],
        "more": len(story) == ENTRIES_MAX or len(held) == ENTRIES_MAX,
    }  # fmt: skip
    return find_file(request, tables) or render(request, "pages/trace.html", shown)


def _list_entries(entries: Sequence[TraceEntry]) -> Listing:
    rows: list[Sequence[Cell]] = [
        (_parse_at(one), one.text, one.place, one.actor, one.run_id) for one in entries
    ]
    return Listing(columns=("When (UTC)", "What", "Where", "By", "Run"), rows=rows)


def _tell(entry: TraceEntry, flows: frozenset[str]) -> Told:
    links = []
    if entry.run_id:
        links.append(Link(text=f"run {entry.run_id}", kind="run", key=entry.run_id))
    if entry.plan:
        links.append(Link(text=f"plan {entry.plan[:12]}", kind="plan", key=entry.plan))
    if entry.flow in flows:
        links.append(Link(text=entry.flow, kind="flow", key=entry.flow))
    return Told(
        at=_parse_at(entry), text=entry.text, place=entry.place, actor=entry.actor, links=links
    )


def _parse_at(entry: TraceEntry) -> datetime | None:
    return datetime.fromisoformat(entry.at) if entry.at else None
