"""Postings: what was sent into an ERP under which key, what became of it, what to do about it."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from ml_connector.errors import ConnectorError, UsageError
from ml_connector.flows.answers import plans_listings
from ml_connector.flows.answers import postings_listings as listings
from ml_connector.ports import UNSETTLED_POSTINGS, Posting, PostingState, Right
from ml_connector.web.guards import Asked, needs
from ml_connector.web.pager import find_page
from ml_connector.web.tables import Table, find_file
from ml_connector.web.views.actions import answer, find_busy, read_key

SHOWN = 100
PAGES_MAX = 100


@needs(Right.SEE)
def show_postings(request: Asked) -> HttpResponse:
    """Postings, newest first; of one flow, or unsettled ones only, where that is asked."""
    flow = request.GET.get("flow") or None
    is_unsettled = "unsettled" in request.GET
    page = find_page(request, PAGES_MAX, SHOWN)
    found = request.house.records.postings.load_page(
        flow=flow, states=sorted(UNSETTLED_POSTINGS) if is_unsettled else (), limit=SHOWN + 1,
        skip=page.start,
    )  # fmt: skip
    empty = "No posting waits to be settled." if is_unsettled else "Nothing was posted."
    tables = [
        Table(
            name="postings", title="Postings", is_main=True,
            listing=listings.list_postings(page.cut(found), empty=empty),
            next_step="An approved plan makes them.",
        )
    ]  # fmt: skip
    flows = request.house.project.flows
    shown = {
        "tables": tables, "flow": flow, "is_unsettled": is_unsettled, "page": page,
        "flows": [name for name, its in sorted(flows.items()) if its.kind in WRITING],
    }  # fmt: skip
    return find_file(request, tables) or render(request, "pages/postings.html", shown)


WRITING = ("budget", "suppliers")
"""Kinds of flows that post."""


@needs(Right.SEE)
def show_posting(request: Asked, posting: str) -> HttpResponse:
    """One posting: its content, its receipt, its place in its plan."""
    return _show(request, _find_posting(request, posting))


@needs(Right.RUN)
@require_POST
def take_back(request: Asked, posting: str) -> HttpResponse:
    """A run begins that plans the counter-posting, which others approve like any plan."""
    found, key = _find_posting(request, posting), read_key(request)
    return answer(
        request,
        lambda: request.house.enqueue_reversal(found.posting_key, key=key),
        back=reverse("posting", args=[found.posting_key]),
    )


@needs(Right.RUN)
@require_POST
def settle(request: Asked, posting: str) -> HttpResponse:
    """The ERP is looked at, and the posting is what it shows."""
    found = _find_posting(request, posting)
    try:
        settled, seen = request.house.settle_posting(found.posting_key)
    except ConnectorError as error:
        return _show(request, found, error=error)
    return _show(request, settled, seen=seen)


def _find_posting(request: Asked, key: str) -> Posting:
    try:
        return request.house.find_posting(key)
    except UsageError as error:
        raise Http404(error.refused) from error


def _show(
    request: Asked, posting: Posting, *, error: ConnectorError | None = None, seen: str = ""
) -> HttpResponse:
    house = request.house
    listing = _list_content(request, posting)
    tables = [
        Table(name="lines", title="What was sent", listing=listing),
        Table(name="receipt", title="Receipt", listing=listings.list_receipt(posting)),
    ]
    is_confirmed = posting.state is PostingState.CONFIRMED
    shown: dict[str, Any] = {
        "posting": posting, "state": listings.show_posting_state(posting.state),
        "advice": listings.advise(posting), "tables": tables, "error": error, "seen": seen,
        "settles": posting.state in UNSETTLED_POSTINGS,
        "reverses": is_confirmed and not posting.reversed_by and not posting.reverses,
        "plan": house.records.approvals.find_approval(posting.plan_hash),
        "busy": find_busy(request, error) if error else "",
    }  # fmt: skip
    answered = find_file(request, tables)
    return answered or render(request, "pages/posting.html", shown, status=422 if error else 200)


def _list_content(request: Asked, posting: Posting) -> Any:
    if posting.kind == listings.SUPPLIER:
        return plans_listings.list_revisions([request.house.find_revision(posting)])
    lines = request.house.list_posted(posting)
    return listings.list_posted_lines(lines, currency=str(posting.totals["currency"]))
