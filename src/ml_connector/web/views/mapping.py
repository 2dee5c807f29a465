"""The mapping workbench: rules in the order in which they decide, tested, weighed and changed."""

from datetime import date
from functools import partial
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from ml_connector.domain.mapping_file import MappingFaultsError
from ml_connector.domain.mapping_rules import COLUMNS, MappingSet, render_rule, template_facts
from ml_connector.errors import ConnectorError, UsageError
from ml_connector.flows.answers import mapping_listings as tables_of
from ml_connector.flows.answers.listing import Link, Listing, State, Tone
from ml_connector.flows.placing.reach import Reach
from ml_connector.flows.placing.rulebook import (
    RulesConflictError,
    RulesInForce,
    count_changes,
)
from ml_connector.ports import Right
from ml_connector.web.guards import Asked, needs
from ml_connector.web.pager import find_page
from ml_connector.web.tables import ASKED as FORM_ASKED
from ml_connector.web.tables import XLSX, Table, find_file
from ml_connector.wiring.mappings import DIGITS_MAX, FILE, list_mapped

RULES_SHOWN = 100
PAGES_MAX = 1_000
VERSIONS_SHOWN = 100
FACTS_MAX = 12
"""Facts that the test box asks for; rules of one flow look at fewer."""
TEXT_MAX = 2_000
KINDS = [*tables_of.KINDS.values(), tables_of.SEVERAL]
FACT = "fact-"


@needs(Right.SEE)
def show_mappings(request: Asked) -> HttpResponse:
    """Each flow with rules: who keeps them, how many there are, what they do not reach."""
    house = request.house
    flows = [name for name, flow in sorted(house.project.flows.items()) if flow.kind == "actuals"]
    rows = [_list_flow(request, name) for name in flows]
    columns = ("Flow", "Rules", "Kept in", "Version", "Saved (UTC)", "By", "State", "Unmapped")
    listing = Listing(columns=columns, rows=rows, empty="No flow has mapping rules.")
    next_step = "Write an actuals flow: `ml-connector init` shows what one looks like."
    tables = [
        Table(name="mapping", title="Flows", listing=listing, is_main=True, next_step=next_step)
    ]
    return find_file(request, tables) or render(request, "pages/mapping.html", {"tables": tables})


def _list_flow(request: Asked, name: str) -> tuple[Any, ...]:
    from ml_connector.ports.unmapped import UnmappedFilter  # noqa: PLC0415 - used here only.

    unmapped = request.house.records.unmapped.count_values(UnmappedFilter(flow=name))
    link = Link(text=name, kind="mapping", key=name)
    try:
        held = request.house.find_rules(name)
    except UsageError:
        faulty = State(word="file holds faults", tone=Tone.WRONG)
        return (link, None, "file", None, None, "", faulty, unmapped)
    version = held.version
    state = State(word="file differs", tone=Tone.WAITS) if held.drift else _FINE
    return (
        link, len(held.mapping.rules), "records" if held.is_kept else "file",
        version.number if version else None, version.at if version else None,
        version.actor if version else "", state, unmapped,
    )  # fmt: skip


_FINE = State(word="in force", tone=Tone.GOOD)


@needs(Right.SEE)
def show_flow(request: Asked, name: str) -> HttpResponse:
    """The rules of a flow in the order in which they decide, with what each decided."""
    held = find_rules(request, name)
    if isinstance(held, HttpResponse):
        return held
    reach = request.house.find_reach(name, request.GET.get("period", ""))
    currencies = list(dict.fromkeys(key[2] for key in reach.placed))
    currency = request.GET.get("currency", "")
    currency = currency if currency in currencies else _find_largest(reach)
    ranked = tables_of.rank_rules(held.mapping, _read_filter(request))
    page = find_page(request, PAGES_MAX, RULES_SHOWN)
    page.tell(len(ranked))
    shown = ranked if FORM_ASKED in request.GET else ranked[page.start : page.start + RULES_SHOWN]
    listing = tables_of.list_rules(
        shown, flow=name if Right.MAP in request.person.rights else "", reach=reach,
        currency=currency,
    )  # fmt: skip
    tables = [Table(name="rules", title="Rules", listing=listing)]
    given = {
        **_describe(request, name, held), "tables": tables, "page": page, "reach": reach,
        "found": len(ranked), "currencies": currencies, "currency": currency, "kinds": KINDS,
        "dimensions": _list_dimensions(request, name), "asked": request.GET, "tab": "rules",
    }  # fmt: skip
    return find_file(request, tables) or render(request, "pages/mapping_flow.html", given)


def _read_filter(request: Asked) -> tables_of.RuleFilter:
    asked = request.GET
    return tables_of.RuleFilter(
        dimension=asked.get("dimension", ""), kind=asked.get("kind", ""),
        text=asked.get("text", "").strip()[:TEXT_MAX], on=read_date(asked.get("on", "")),
    )  # fmt: skip


def read_date(text: str) -> date | None:
    """The date of a field; None where there is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def read_number(text: str) -> int | None:
    """The number of a field; None where there is none, or one that nothing here comes near."""
    return int(text) if text.isdecimal() and len(text) <= DIGITS_MAX else None


def _find_largest(reach: Reach) -> str:
    lines: dict[str, int] = {}
    for key, totals in reach.placed.items():
        lines[key[2]] = lines.get(key[2], 0) + totals.lines
    return max(lines, key=lambda name: lines[name], default="")


def _list_dimensions(request: Asked, name: str) -> list[str]:
    return list_mapped(request.house.actuals_flow(name))


def verify_flow(request: Asked, name: str) -> None:
    """There is a flow of that name which has rules; else there is no such page."""
    try:
        request.house.actuals_flow(name)
    except UsageError as error:
        raise Http404(error.refused) from error


def find_rules(request: Asked, name: str) -> RulesInForce | HttpResponse:
    """The rules in force, or the page that lists the faults of their file."""
    verify_flow(request, name)
    try:
        return request.house.find_rules(name)
    except UsageError as error:
        faults = error.faults if isinstance(error, MappingFaultsError) else ()
        tables = [Table(name="faults", title="Faults", listing=tables_of.list_faults(faults))]
        given = {"name": name, "error": error, "tables": tables if faults else []}
        return render(request, "pages/mapping_faults.html", given)


def _describe(request: Asked, name: str, held: RulesInForce) -> dict[str, Any]:
    """What every page of a flow's rules says at its top."""
    drift = held.drift
    return {
        "name": name, "held": held, "drift": count_changes(drift) if drift else 0,
        "file": request.house.actuals_flow(name).mapping,
        "may_map": Right.MAP in request.person.rights,
    }  # fmt: skip


@needs(Right.SEE)
def show_test(request: Asked, name: str) -> HttpResponse:
    """The test box: facts and a date, which rule decides, and why the others lose."""
    held = find_rules(request, name)
    if isinstance(held, HttpResponse):
        return held
    facts = {fact: request.GET.get(f"{FACT}{fact}", "") for fact in list_facts(held.mapping)}
    on = read_date(request.GET.get("on", "")) or request.house.clock.now().date()
    tables = []
    if "test" in request.GET:
        given = {
            fact: value for fact, value in facts.items() if value or f"{FACT}{fact}" in request.GET
        }
        explained = request.house.explain_mapping(name, given, on)
        tables = [
            Table(name="test", title="What decides", listing=tables_of.list_explained(explained))
        ]
    shown = {
        **_describe(request, name, held), "facts": facts, "on": on, "tables": tables, "tab": "test",
        "prefix": FACT,
    }  # fmt: skip
    return find_file(request, tables) or render(request, "pages/mapping_test.html", shown)


def list_facts(mapping: MappingSet) -> list[str]:
    """The facts the rules look at or copy, those most rules look at first."""
    counts: dict[str, int] = {}
    for rule in mapping.rules:
        for fact in {*template_facts(rule.target), *(c.fact for c in rule.conditions)}:
            counts[fact] = counts.get(fact, 0) + 1
    return sorted(counts, key=lambda fact: (-counts[fact], fact))[:FACTS_MAX]


@needs(Right.SEE)
def show_coverage(request: Asked, name: str) -> HttpResponse:
    """How much of the ledger the rules reached when it was last placed, in money."""
    held = find_rules(request, name)
    if isinstance(held, HttpResponse):
        return held
    reach = request.house.find_reach(name, request.GET.get("period", "*"))
    next_step = f"Place its lines: `ml-connector plan {name}`."
    tables = [
        Table(
            name="shares",
            title="By amount",
            listing=tables_of.list_shares(reach),
            next_step=next_step,
        ),
        Table(name="coverage", title="By ledger and period", listing=tables_of.list_reach(reach)),
    ]
    is_older = reach.newest is not None and reach.newest.mapping_hash != held.mapping.content_hash
    shown = {
        **_describe(request, name, held), "tables": tables, "reach": reach, "tab": "coverage",
        "is_older": is_older,
    }  # fmt: skip
    return find_file(request, tables) or render(request, "pages/mapping_coverage.html", shown)


@needs(Right.SEE)
def show_history(request: Asked, name: str) -> HttpResponse:
    """Who changed the rules, when and why."""
    held = find_rules(request, name)
    if isinstance(held, HttpResponse):
        return held
    before = read_number(request.GET.get("before", "")) or 0
    versions = request.house.records.mappings.load_versions(
        name, limit=VERSIONS_SHOWN, before=before
    )
    listing = tables_of.list_history(versions)
    next_step = "The first run notes the rules it goes by."
    tables = [Table(name="history", title="History", listing=listing, next_step=next_step)]
    shown = {
        **_describe(request, name, held), "tables": tables, "tab": "history",
        "numbers": [one.number for one in versions],
        "before": versions[-1].number if len(versions) == VERSIONS_SHOWN else 0,
    }  # fmt: skip
    return find_file(request, tables) or render(request, "pages/mapping_history.html", shown)


@needs(Right.SEE)
def show_diff(request: Asked, name: str) -> HttpResponse:
    """What differs between two versions or one and the project's file, and what that moves."""
    held = find_rules(request, name)
    if isinstance(held, HttpResponse):
        return held
    before, after = _find_sides(request, held)
    try:
        old, new = (request.house.find_rules_of(name, side) for side in (before, after))
        tables = [
            Table(
                name="changes", title="Changed rules",
                listing=tables_of.list_diff(request.house.compare_rules(old, new)),
            )
        ]  # fmt: skip
        if "weigh" in request.GET:
            tables.append(weigh(request, name, old, new))
    except ConnectorError as error:
        raise Http404(error.refused) from error
    shown = {
        **_describe(request, name, held), "tables": tables, "tab": "history", "from": before,
        "to": after, "is_weighed": "weigh" in request.GET,
        "restores": held.is_kept and (read_number(after) or held.number) < held.number,
    }  # fmt: skip
    return find_file(request, tables) or render(request, "pages/mapping_diff.html", shown)


def _find_sides(request: Asked, held: RulesInForce) -> tuple[str, str]:
    """The two sides asked for; the newest version and the one before it unless they are named."""
    after = request.GET.get("to", "") or str(held.number or FILE)
    number = read_number(after)
    earlier = str(held.number or FILE) if number is None else str(max(number - 1, 1))
    return request.GET.get("from", "") or earlier, after


def weigh(request: Asked, name: str, old: MappingSet, new: MappingSet) -> Table:
    """What the change would move, in money; or why that cannot be told."""
    try:
        weighed = request.house.weigh_rules(name, old, new)
    except ConnectorError as error:
        listing = Listing(columns=("Period",), rows=[], empty=error.refused)
        return Table(name="moved", title="Amounts that move", listing=listing)
    left = f", {len(weighed.left_out)} older periods not looked at" if weighed.left_out else ""
    title = f"Amounts that move{left}"
    return Table(name="moved", title=title, listing=tables_of.list_moved(weighed))


@needs(Right.SEE)
def download(request: Asked, name: str) -> HttpResponse:
    """The rules as a file that can be sent back: CSV, or a workbook."""
    which = request.GET.get("version", "")
    try:
        if request.GET.get("as") == "xlsx":
            content, kind, end = request.house.render_rules_workbook(name, which), XLSX, "xlsx"
        else:
            content = request.house.render_rules(name, which).encode()
            kind, end = "text/csv; charset=utf-8", "csv"
    except UsageError as error:
        raise Http404(error.refused) from error
    named = f'attachment; filename="{name}{"-" if which else ""}{which}.{end}"'
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": named})


@needs(Right.MAP)
@require_POST
def keep(request: Asked, name: str) -> HttpResponse:
    """The records keep the rules from now on, or the project's file does again."""
    comment = request.POST.get("comment", "")
    act = (
        partial(
            request.house.give_rules_back,
            based_on=read_number(request.POST.get("based_on", "")),
        )
        if request.POST.get("where") == FILE
        else request.house.take_rules
    )
    return _answer(request, name, lambda: act(name, comment=comment))


@needs(Right.MAP)
@require_POST
def restore(request: Asked, name: str) -> HttpResponse:
    """The rules are those of an earlier version again."""
    comment, asked = request.POST.get("comment", ""), read_number(request.POST.get("version", ""))
    based_on = read_number(request.POST.get("based_on", ""))
    return _answer(
        request, name,
        lambda: request.house.restore_rules(
            name, asked or 0, comment=comment, based_on=based_on
        ),
    )  # fmt: skip


def _answer(request: Asked, name: str, act: Any) -> HttpResponse:
    """The workbench, once the act is done, or why it was refused."""
    verify_flow(request, name)
    try:
        act()
    except ConnectorError as error:
        return refuse(request, name, error)
    return redirect("mapping-flow", name)


def refuse(request: Asked, name: str, error: ConnectorError) -> HttpResponse:
    """Why nothing was saved; of a conflict both changes."""
    tables = []
    if isinstance(error, RulesConflictError):
        tables = [
            Table(
                name="theirs", title="Saved meanwhile", listing=tables_of.list_diff(error.theirs)
            ),
            Table(name="ours", title="Your change", listing=tables_of.list_diff(error.ours)),
        ]
    if isinstance(error, MappingFaultsError):
        tables = [Table(name="faults", title="Faults", listing=tables_of.list_faults(error.faults))]
    shown = {"name": name, "error": error, "tables": tables}
    return render(request, "pages/mapping_refused.html", shown, status=422)


def render_cells(rule: Any) -> dict[str, str]:
    """The cells of a rule by column, as a form shows them."""
    return dict(zip(COLUMNS, render_rule(rule), strict=True))
