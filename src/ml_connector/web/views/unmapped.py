"""The queue of unmapped values: what is at stake, who looks after it, what fits, and the fix."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from ml_connector.domain.mapping_file import MappingFaultsError
from ml_connector.domain.patterns import Condition, Pattern, PatternKind
from ml_connector.errors import ConnectorError, UsageError
from ml_connector.flows.answers import mapping_listings as tables_of
from ml_connector.flows.answers.listing import Listing
from ml_connector.ports import Right
from ml_connector.ports.unmapped import UnmappedFilter, UnmappedValue
from ml_connector.web.guards import Asked, needs
from ml_connector.web.pager import find_page
from ml_connector.web.tables import ASKED as FORM_ASKED
from ml_connector.web.tables import Table, find_file
from ml_connector.web.views.actions import answer, read_key
from ml_connector.web.views.mapping import find_rules, read_number, refuse, verify_flow
from ml_connector.wiring.mappings import list_mapped

VALUES_SHOWN = 100
FILE_VALUES_MAX = 5_000
"""Values in a file of the queue, the largest amounts."""
PAGES_MAX = 1_000
TEXT_MAX = 200
MINE = "mine"
NOBODY = "nobody"


@needs(Right.SEE)
def show_queue(request: Asked) -> HttpResponse:
    """Values no rule takes, the largest amount first."""
    house, asked = request.house, _read_filter(request)
    page = find_page(request, PAGES_MAX, VALUES_SHOWN)
    total = house.records.unmapped.count_values(asked)
    page.tell(total)
    if FORM_ASKED in request.GET:
        listing = house.list_unmapped(asked, limit=FILE_VALUES_MAX)
    else:
        listing = house.list_unmapped(asked, limit=VALUES_SHOWN, offset=page.start)
    last = min(page.start + VALUES_SHOWN, total)
    title = f"{page.start + 1:,} to {last:,} of {total:,}" if total else "Nothing"
    next_step = "What a run cannot place comes here."
    tables = [Table(name="unmapped", title=title, listing=listing, next_step=next_step)]
    flows = [name for name, flow in house.project.flows.items() if flow.kind == "actuals"]
    dimensions = {one for name in flows for one in list_mapped(house.actuals_flow(name))}
    shown = {
        "tables": tables, "page": page, "total": total, "asked": request.GET,
        "flows": sorted(flows), "mine": MINE, "nobody": NOBODY, "kept": _keep_query(request),
        "dimensions": sorted(dimensions),
        "people": [one.name for one in house.records.people.load_people()],
    }  # fmt: skip
    return find_file(request, tables) or render(request, "pages/unmapped.html", shown)


def _keep_query(request: Asked) -> str:
    """The filter, as a part of the addresses of its files."""
    names = ("flow", "dimension", "owner", "text")
    kept = {name: request.GET[name] for name in names if request.GET.get(name)}
    return f"&{urlencode(kept)}" if kept else ""


def _read_filter(request: Asked) -> UnmappedFilter:
    asked = request.GET
    owner = asked.get("owner", "")
    return UnmappedFilter(
        flow=asked.get("flow", ""), dimension=asked.get("dimension", ""),
        owner={MINE: request.person.name, NOBODY: ""}.get(owner, owner),
        text=asked.get("text", "").strip()[:TEXT_MAX], is_unowned=owner == NOBODY,
    )  # fmt: skip


@needs(Right.SEE)
def show_value(request: Asked, name: str) -> HttpResponse:
    """One value: amounts by period, the lines behind, what fits, and what can be done."""
    verify_flow(request, name)
    if not request.GET.get("value") and not request.GET.get("dimension"):
        return show_queue(request)
    return _show_value(request, find_value(request, name))


def find_value(request: Asked, name: str) -> UnmappedValue:
    """The value that is asked for or sent, or that there is none."""
    sent: Any = request.POST if request.method == "POST" else request.GET
    try:
        return request.house.find_unmapped(name, sent.get("dimension", ""), sent.get("value", ""))
    except UsageError as error:
        raise Http404(error.refused) from error


def _show_value(
    request: Asked, value: UnmappedValue, *, error: ConnectorError | None = None
) -> HttpResponse:
    house = request.house
    held = find_rules(request, value.flow)
    if isinstance(held, HttpResponse):
        return held
    amounts = house.records.unmapped.load_amounts(
        value.flow, value.dimension, value.fact, value.value
    )
    tables = [
        Table(name="amounts", title="At stake", listing=tables_of.list_amounts(amounts)),
        _list_lines(request, value),
    ]
    shown = {
        "one": value, "tables": tables, "held": held, "error": error,
        "suggestion": house.suggest_members([value])[0], "is_settled": house.is_settled([value])[0],
        "when": name_condition(value), "given": request.POST,
        "facts": tables_of.render_facts(value.facts),
        "people": [one.name for one in house.records.people.load_people() if one.is_active],
        "has_lines": "lines" in request.GET or FORM_ASKED in request.GET,
        "query": urlencode({"dimension": value.dimension, "value": value.value}),
        "file": house.actuals_flow(value.flow).mapping,
        "busy": house.find_unfinished(value.flow),
        "periods": tables_of.name_periods(value.members),
        "faults": [f.text for f in error.faults] if isinstance(error, MappingFaultsError) else [],
    }  # fmt: skip
    found = find_file(request, tables)
    return found or render(
        request, "pages/unmapped_value.html", shown, status=422 if error else 200
    )


def name_condition(value: UnmappedValue) -> str:
    """The condition that takes the value and nothing else, as a rule writes it."""
    pattern = Pattern(kind=PatternKind.EXACT, values=(value.value,))
    return Condition(fact=value.fact, pattern=pattern).text


def _list_lines(request: Asked, value: UnmappedValue) -> Table:
    """The lines behind, when they were asked for: they are read from the archive."""
    title = "Journal lines behind it"
    if "lines" not in request.GET and FORM_ASKED not in request.GET:
        listing = Listing(columns=("Ledger",), rows=[], empty="They are read from the archive.")
        return Table(name="lines", title=title, listing=listing)
    try:
        listing = tables_of.list_lines(request.house.list_lines_behind(value))
    except ConnectorError as error:
        listing = Listing(columns=("Ledger",), rows=[], empty=error.refused)
    return Table(name="lines", title=title, listing=listing)


@needs(Right.MAP)
@require_POST
def assign(request: Asked, name: str) -> HttpResponse:
    """Somebody looks after the value, or nobody does."""
    value = find_value(request, name)
    try:
        request.house.assign_unmapped(
            name, value.dimension, value.value, owner=request.POST.get("owner", ""),
            note=request.POST.get("note", ""),
        )  # fmt: skip
    except UsageError as error:
        return _show_value(request, value, error=error)
    return _go_back(value)


@needs(Right.MAP)
@require_POST
def add_rule(request: Asked, name: str) -> HttpResponse:
    """The rules hold one more, which takes the value."""
    value, sent = find_value(request, name), request.POST
    cells = {
        "dimension": value.dimension, "when": sent.get("when", ""), "note": sent.get("note", ""),
        "target": sent.get("target", ""), "valid_from": sent.get("valid_from", ""),
    }  # fmt: skip
    try:
        request.house.change_rule(
            name, cells, place=None, based_on=read_number(sent.get("based_on", "")) or 0,
            comment=sent.get("note", "") or f"{value.value} is mapped.",
        )  # fmt: skip
    except UsageError as error:
        return _show_value(request, value, error=error)
    except ConnectorError as error:
        return refuse(request, name, error)
    return _go_back(value)


@needs(Right.RUN)
@require_POST
def place_again(request: Asked, name: str) -> HttpResponse:
    """The periods the value lies in are done again, and loaded ones that changed rules reach."""
    value, key = find_value(request, name), read_key(request)
    return answer(
        request, lambda: request.house.place_again(name, value.members, key=key),
        back=_find_way(value),
    )  # fmt: skip


def _find_way(value: UnmappedValue) -> str:
    query = urlencode({"dimension": value.dimension, "value": value.value})
    return f"{reverse('unmapped-value', args=[value.flow])}?{query}"


def _go_back(value: UnmappedValue) -> HttpResponse:
    return redirect(_find_way(value))
