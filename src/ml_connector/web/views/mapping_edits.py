"""Changing mapping rules: one at a time, or all by a file that is looked at before it is saved."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render

from ml_connector.domain.mapping_file import MappingFaultsError
from ml_connector.domain.mapping_rules import COLUMNS, MappingSet, render_mapping
from ml_connector.domain.texts import TextTooLongError
from ml_connector.errors import ConnectorError, UsageError
from ml_connector.flows.answers import mapping_listings as tables_of
from ml_connector.flows.placing.rulebook import RulesConflictError, RulesInForce
from ml_connector.ports import Right
from ml_connector.ports.rules import Deed
from ml_connector.web.guards import Asked, needs
from ml_connector.web.tables import Table
from ml_connector.web.views.mapping import (
    find_rules,
    list_facts,
    read_number,
    refuse,
    render_cells,
    weigh,
)
from ml_connector.wiring.mappings import list_mapped

FILE_BYTES_MAX = 5_000_000
"""Of one file of rules; a larger one is refused, never read in part."""
RULES_BYTES_MAX = 2_000_000
"""Of rules that a page sends back to be saved; some forty thousand."""
CELL_MAX = 4_000
"""Characters that a link may fill into a field of a rule."""


class RulesTooLargeError(UsageError):
    """A file of mapping rules is larger than a page takes."""

    code = "mapping.too-large"


@needs(Right.MAP)
def change_rule(request: Asked, name: str) -> HttpResponse:
    """The form of one rule, new or as it is, or the rules with the change."""
    held = find_rules(request, name)
    if isinstance(held, HttpResponse):
        return held
    if request.method != "POST":
        return _show_form(request, name, held, _find_cells(request, held))
    # As long as they come: a list of accounts that lost its end would still be a rule.
    cells = {column: request.POST.get(column, "") for column in COLUMNS}
    is_removal = request.POST.get("what") == "remove"
    try:
        request.house.change_rule(
            name, None if is_removal else cells, place=read_number(request.POST.get("place", "")),
            based_on=read_number(request.POST.get("based_on", "")) or 0,
            comment=request.POST.get("comment", ""),
        )  # fmt: skip
    except (MappingFaultsError, TextTooLongError) as error:
        return _show_form(request, name, held, cells, error=error)
    except ConnectorError as error:
        return refuse(request, name, error)
    return redirect("mapping-flow", name)


def _find_cells(request: Asked, held: RulesInForce) -> dict[str, str]:
    """The rule at the place that is asked for, or what a link fills in for a new one."""
    place = read_number(request.GET.get("place", ""))
    if place is not None and place < len(held.mapping.rules):
        return render_cells(held.mapping.rules[place])
    return {column: request.GET.get(column, "")[:CELL_MAX] for column in COLUMNS}


def _show_form(
    request: Asked, name: str, held: RulesInForce, cells: dict[str, str], *,
    error: ConnectorError | None = None,
) -> HttpResponse:  # fmt: skip
    sent: Any = request.POST if request.method == "POST" else request.GET
    place = read_number(sent.get("place", ""))
    based_on = read_number(sent.get("based_on", "")) if error else held.number
    shown = {
        "name": name, "held": held, "cells": cells, "error": error, "place": place,
        "is_new": place is None, "based_on": based_on,
        "faults": [fault.text for fault in getattr(error, "faults", ())],
        "dimensions": list_mapped(request.house.actuals_flow(name)),
        "facts": list_facts(held.mapping), "comment": sent.get("comment", ""),
    }  # fmt: skip
    return render(request, "pages/mapping_rule.html", shown, status=422 if error else 200)


@needs(Right.MAP)
def upload(request: Asked, name: str) -> HttpResponse:
    """A file of rules: its faults, or what it would change and move, before it is saved."""
    held = find_rules(request, name)
    if isinstance(held, HttpResponse):
        return held
    return (
        _take(request, name, held)
        if request.method == "POST"
        else _show_upload(request, name, held)
    )


def _take(request: Asked, name: str, held: RulesInForce) -> HttpResponse:
    try:
        rules = _read_rules(request, name)
        if request.POST.get("what") == "save":
            request.house.save_rules(
                name, rules, based_on=read_number(request.POST.get("based_on", "")) or 0,
                comment=request.POST.get("comment", ""), deed=Deed.IMPORTED,
            )  # fmt: skip
            return redirect("mapping-flow", name)
    except MappingFaultsError as error:
        listing = tables_of.list_faults(error.faults)
        tables = [Table(name="faults", title="Faults of the file", listing=listing)]
        return _show_upload(request, name, held, tables=tables, error=error)
    except ConnectorError as error:
        if isinstance(error, RulesConflictError):
            return refuse(request, name, error)
        return _show_upload(request, name, held, error=error)
    return _show_preview(request, name, held, rules)


def _read_rules(request: Asked, name: str) -> MappingSet:
    sent = request.FILES.get("file")
    if request.POST.get("what") == "save" or sent is None:
        text = request.POST.get("rules", "")
        return request.house.read_rules(name, "the file", text.encode())
    called = str(getattr(sent, "name", "")) or "the file"
    content = sent.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise _too_large(name, called, FILE_BYTES_MAX)
    rules = request.house.read_rules(name, called, content)
    if len(render_mapping(rules).encode()) > RULES_BYTES_MAX:
        raise _too_large(name, called, RULES_BYTES_MAX)
    return rules


def _too_large(flow: str, called: str, most: int) -> RulesTooLargeError:
    return RulesTooLargeError(
        f"The rules of {called} are more than the {most:,} bytes that a page takes.",
        written="Nothing was saved; the rules in force are unchanged.",
        next_step=f"Import the file where the project is: `ml-connector mappings import {flow}"
        " FILE`.",
        file=called, most=most,
    )  # fmt: skip


def _show_preview(request: Asked, name: str, held: RulesInForce, rules: MappingSet) -> HttpResponse:
    diff = request.house.compare_rules(held.mapping, rules)
    tables = [Table(name="changes", title="Changed rules", listing=tables_of.list_diff(diff))]
    if not diff.is_empty:
        tables.append(weigh(request, name, held.mapping, rules))
    return _show_upload(
        request, name, held, tables=tables, rules=rules, has_changes=not diff.is_empty
    )


def _show_upload(
    request: Asked, name: str, held: RulesInForce, *, error: ConnectorError | None = None,
    **more: Any,
) -> HttpResponse:  # fmt: skip
    rules = more.get("rules")
    shown = {
        "name": name, "held": held, "error": error, "tables": more.get("tables", []),
        "rules_text": render_mapping(rules) if rules else "", "rules": rules,
        "has_changes": more.get("has_changes", False), "columns": ", ".join(COLUMNS),
        "may_map": True, "tab": "upload",
    }  # fmt: skip
    return render(request, "pages/mapping_upload.html", shown, status=422 if error else 200)
