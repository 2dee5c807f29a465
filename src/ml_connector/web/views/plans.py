"""Plans: what waits for people, what each would write, and their word on it."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from ml_connector.domain.texts import verify_length
from ml_connector.errors import BlockedError, ConnectorError, UsageError
from ml_connector.flows.answers import plans_listings as listings
from ml_connector.flows.answers.listing import Listing, Money
from ml_connector.flows.answers.saved_plans import CELLS_SHOWN_MAX, SavedPlan
from ml_connector.ports import Approval, ApprovalState, Json, Right
from ml_connector.web.guards import Asked, needs
from ml_connector.web.pager import Page, find_page
from ml_connector.web.tables import Table, find_file, stream_csv
from ml_connector.web.views.actions import answer, find_busy, read_key

SHOWN = 100
PAGES_MAX = 50
NAMES = "names"
"""Asks for the names of accounts, which only the ERP tells."""
STREAMED = 1_000
"""Cells of a file that are held at a time."""
REASON_MAX = 2_000
DIGITS_MAX = 9
OPEN = (ApprovalState.WAITING, ApprovalState.APPROVED)
DECIDED = tuple(state for state in ApprovalState if state not in OPEN)
NEXT = "A run of a flow that writes into an ERP makes one: `ml-connector run FLOW`."


@needs(Right.SEE)
def show_plans(request: Asked) -> HttpResponse:
    """What waits for people, then what was decided."""
    flow = request.GET.get("flow") or None
    approvals, page = request.house.records.approvals, find_page(request, PAGES_MAX, SHOWN)
    waiting = approvals.load_approvals(flow=flow, states=OPEN, limit=SHOWN)
    found = approvals.load_approvals(flow=flow, states=DECIDED, limit=SHOWN + 1, skip=page.start)
    decided = page.cut(found)
    tables = [
        Table(
            name="waiting", title="Waiting for people", next_step=NEXT,
            listing=listings.list_plans(waiting, empty="No plan waits for anybody."),
        ),
        Table(
            name="decided", title="Decided",
            listing=listings.list_plans(decided, empty="Nothing was decided yet."),
        ),
    ]  # fmt: skip
    flows = [name for name, its in sorted(request.house.project.flows.items()) if _asks(its)]
    shown = {"tables": tables, "flow": flow, "flows": flows, "page": page}
    return find_file(request, tables) or render(request, "pages/plans.html", shown)


def _asks(flow: Any) -> bool:
    return flow.kind in ("budget", "suppliers")


@needs(Right.SEE)
def show_plan(request: Asked, plan: str) -> HttpResponse | StreamingHttpResponse:
    """One plan, of whatever kind: what it would write, the largest movements first."""
    approval = _find_approval(request, plan)
    if approval is None:
        return _show_saved(request, _find_saved(request, plan))
    return _show_asked(request, approval)


@needs(Right.SEE)
def show_journal(request: Asked, journal: str) -> HttpResponse:
    """Every line of one journal of a plan."""
    key, _, number = journal.rpartition("/")
    approval = _find_approval(request, key)
    if approval is None or not number.isdecimal() or len(number) > DIGITS_MAX:
        raise Http404("There is no such journal.")
    plan = request.house.load_plan_document(approval)
    texts, unnamed = _read_texts(request, approval)
    found = listings.read_journal(request.house.archive, plan, int(number))
    if found is None:
        raise Http404("The plan has no such journal.")
    tables = [
        Table(name="lines", title="Lines", listing=listings.list_lines(found, texts), is_main=True)
    ]
    totals = found.totals
    shown = {
        "tables": tables, "journal": found, "approval": approval, "note": unnamed,
        "names": NAMES in request.GET,
        "debit": Money(amount=totals.debit, currency=found.currency),
        "credit": Money(amount=totals.credit, currency=found.currency),
    }  # fmt: skip
    return find_file(request, tables) or render(request, "pages/plan_journal.html", shown)


@needs(Right.DECIDE)
@require_POST
def approve(request: Asked, plan: str) -> HttpResponse:
    """The person's yes; where it is enough, the run that writes begins."""
    approval = _load_approval(request, plan)
    try:
        _, run = request.house.approve_plan(
            approval.plan_hash, reason=_read_reason(request), key=read_key(request)
        )
    except ConnectorError as error:
        if _is_said(request, approval.plan_hash, error, approves=True):
            return redirect("plan", approval.plan_hash)
        return _show_asked(request, _load_approval(request, approval.plan_hash), error=error)
    return redirect("run", run.run_id) if run else redirect("plan", approval.plan_hash)


@needs(Right.DECIDE)
@require_POST
def reject(request: Asked, plan: str) -> HttpResponse:
    """The person's no, with its reason; the plan is never written."""
    approval = _load_approval(request, plan)
    try:
        request.house.reject_plan(approval.plan_hash, reason=_read_reason(request))
    except ConnectorError as error:
        if _is_said(request, approval.plan_hash, error, approves=False):
            return redirect("plan", approval.plan_hash)
        return _show_asked(request, _load_approval(request, approval.plan_hash), error=error)
    return redirect("plan", approval.plan_hash)


@needs(Right.RUN)
@require_POST
def apply(request: Asked, plan: str) -> HttpResponse:
    """Exactly this plan of actuals is loaded, or refused as stale."""
    saved, key = _find_saved(request, plan), read_key(request)
    hashed = saved.row.plan_hash
    back = reverse("plan", args=[hashed])
    return answer(request, lambda: request.house.enqueue_plan(hashed, key=key), back=back)


def _is_said(request: Asked, plan_hash: str, error: ConnectorError, *, approves: bool) -> bool:
    """Whether the person has said just that before: a second click is told what the first did."""
    if not isinstance(error, BlockedError):
        return False
    found = request.house.find_approval(plan_hash)
    return any(
        one.actor == request.house.actor and one.is_approval is approves for one in found.decisions
    )


def _read_reason(request: Asked) -> str:
    return verify_length(request.POST.get("reason", ""), most=REASON_MAX, what="The reason")


def _find_approval(request: Asked, plan: str) -> Approval | None:
    try:
        return request.house.records.approvals.find_approval(plan)
    except UsageError as error:
        raise Http404(error.refused) from error


def _load_approval(request: Asked, plan: str) -> Approval:
    found = _find_approval(request, plan)
    if found is None:
        raise Http404(f"There is no plan {plan!r}.")
    return found


def _find_saved(request: Asked, key: str) -> SavedPlan:
    try:
        return request.house.load_saved_plan(key)
    except UsageError as error:
        raise Http404(error.refused) from error


# --- plans that people are asked about ------------------------------------------------------------


def _show_asked(
    request: Asked, approval: Approval, *, error: ConnectorError | None = None
) -> HttpResponse:
    house, page = request.house, find_page(request, PAGES_MAX, SHOWN)
    plan = house.load_plan_document(approval)
    tables, note = (
        _list_suppliers(request, plan, page)
        if "chunks" in plan
        else _list_budget(request, approval, plan, page)
    )
    tables.append(
        Table(name="decisions", title="Decisions", listing=listings.list_decisions(approval))
    )
    shown = {
        "approval": approval, "state": listings.show_approval_state(approval.state),
        "size": listings.tell_size(approval), "tables": tables, "page": page, "note": note,
        "plan": plan, "error": error, "names": NAMES in request.GET or "chunks" in plan,
        "given": request.POST, "amounts": _list_amounts(approval),
        "left": max(approval.needed - approval.approvals, 0),
        "bar": house.records.approvals.find_bar(approval.plan_hash, actor=house.actor),
        "limits": _list_limits(house.project.flows.get(approval.flow)),
        "busy": find_busy(request, error) if error else "",
    }  # fmt: skip
    answered = find_file(request, tables)
    return answered or render(request, "pages/plan.html", shown, status=422 if error else 200)


def _list_amounts(approval: Approval) -> list[Any]:
    return [
        Money(amount=amount, currency=currency)
        for currency, amount in sorted(approval.amounts.items())
    ]


def _list_limits(flow: Any) -> list[tuple[str, str]]:
    """The flow's guards and who must agree, as the project folder has them."""
    if flow is None:
        return []
    parts = [flow.guards, *filter(None, [getattr(flow, "approval", None)])]
    rules = {name: value for part in parts for name, value in part.model_dump().items()}
    return [(LIMITS.get(name, name), _tell_limit(value)) for name, value in rules.items()]


def _tell_limit(value: object) -> str:
    if value is None:
        return "no limit"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int | Decimal) else str(value)


LIMITS = {
    "people": "People who must approve",
    "second_above": "One more above",
    "days": "Days in which a plan is applied",
    "amount_moved_max": "Amount that may move",
    "vanished_ratio_max": "Share that may go to zero",
    "cells_max": "Cells that may be sent",
    "cells_ratio_max": "Share of cells that may change",
    "empty_source_blocks": "A period without lines is held",
    "suppliers_max": "Suppliers that may change",
    "changed_ratio_max": "Share of suppliers that may change",
    "missing_ratio_max": "Share of rows that may be missing",
}
"""Guards of a flow in words."""


def _list_budget(
    request: Asked, approval: Approval, plan: Json, page: Page
) -> tuple[list[Table], str]:
    texts, unnamed = _read_texts(request, approval)
    largest = listings.list_largest_lines(request.house.archive, plan, texts)
    page.tell(len(plan["journals"]))
    journals = listings.list_journals(
        plan, plan_hash=approval.plan_hash, start=page.start, count=SHOWN
    )
    tables = [
        Table(name="totals", title="What it posts", listing=listings.list_journal_totals(plan)),
        Table(name="largest", title="Largest movements", listing=largest.listing),
        Table(name="journals", title="Journals", listing=journals),
    ]
    what = "lines, those of the largest journals"
    told = [_tell_searched(largest.searched, largest.of, what), unnamed]
    return tables, " ".join(filter(None, told))


def _list_suppliers(request: Asked, plan: Json, page: Page) -> tuple[list[Table], str]:
    page.tell(plan["changes"] + plan["creations"])
    found = listings.read_revisions(request.house.archive, plan, start=page.start, count=SHOWN)
    listing = listings.list_revisions(found, empty="The plan changes no supplier.")
    return [Table(name="changes", title="What changes", listing=listing)], ""


def _read_texts(request: Asked, approval: Approval) -> tuple[listings.Texts, str]:
    """Names of the accounts where they were asked for, or why the ERP has not told them."""
    if NAMES not in request.GET:
        return listings.UNNAMED, ""
    try:
        return request.house.read_account_texts(approval), ""
    except ConnectorError as error:
        return listings.UNNAMED, error.refused


def _tell_searched(searched: int, of: int, what: str) -> str:
    return f"Looked for among {searched:,} of {of:,} {what}." if searched < of else ""


# --- plans of actuals -----------------------------------------------------------------------------


def _show_saved(request: Asked, plan: SavedPlan) -> HttpResponse | StreamingHttpResponse:
    house, page = request.house, find_page(request, CELLS_SHOWN_MAX // SHOWN, SHOWN)
    member = request.GET.get("period", "")
    member = member if member in plan.members else ""
    dimensions = _name_dimensions(request, plan)
    cells = partial(_table_cells, plan, dimensions)
    if request.GET.get("as") == "csv" and request.GET.get("table") == "cells":
        return stream_csv("cells", _walk_cells(plan, member, dimensions))
    page.tell(min(plan.members[member]["cells"] if member else plan.count, CELLS_SHOWN_MAX))
    tables = [
        Table(
            name="totals", title="What changes", listing=listings.list_plan_totals(plan.members)
        ),
        cells("largest", plan.find_largest(member)),
        cells("cells", page.take(plan.read_cells(member, start=page.start))),
    ]  # fmt: skip
    shown = {
        "saved": plan, "row": plan.row, "run": plan.run, "tables": tables, "page": page,
        "member": member, "tripped": house.list_tripped(plan),
        "busy": house.records.runs.find_unfinished(plan.row.flow),
        "limits": _list_limits(house.project.flows.get(plan.row.flow)),
        "more": _render_more(member),
    }  # fmt: skip
    return find_file(request, tables) or render(request, "pages/plan_saved.html", shown)


def _render_more(member: str) -> str:
    return f"&{urlencode({'period': member})}" if member else ""


TITLES = {"largest": "Largest movements", "cells": "Cells"}


def _table_cells(plan: SavedPlan, dimensions: list[str], name: str, cells: Any) -> Table:
    listing = listings.list_cells(cells, dimensions=dimensions, currency_of=plan.currency_of)
    return Table(name=name, title=TITLES[name], listing=listing)


def _walk_cells(plan: SavedPlan, member: str, dimensions: list[str]) -> Iterator[Listing]:
    """Yield all cells, a listing of some thousand at a time."""
    cells = plan.read_cells(member)
    while part := list(islice(cells, STREAMED)):
        yield listings.list_cells(part, dimensions=dimensions, currency_of=plan.currency_of)


def _name_dimensions(request: Asked, plan: SavedPlan) -> list[str]:
    flow = request.house.project.flows.get(plan.row.flow)
    names = [one.column for one in getattr(flow, "dimensions", ())]
    first = next(plan.read_cells(), None)
    count = len(first.key) if first else len(names)
    return names if len(names) == count else [f"Part {number}" for number in range(1, count + 1)]
