"""Reconciliation: every period in money, one from the ERP to the model, and who stands for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from ml_connector.domain.money import render_amount
from ml_connector.errors import ConnectorError
from ml_connector.flows.answers import reconciliation_listings as listings
from ml_connector.flows.answers.listing import Listing
from ml_connector.flows.answers.reconciliation import (
    Signature,
    SignedStanding,
    list_stated,
    scope_of,
)
from ml_connector.flows.answers.reconciliation_accounts import PeriodDetail
from ml_connector.flows.answers.reconciliation_heat import (
    Field,
    list_fields,
    list_heat,
    shorten,
    tell_heat,
)
from ml_connector.flows.answers.reconciliation_places import parse_place, render_place
from ml_connector.ports import Right
from ml_connector.ports.standings import Standing
from ml_connector.web.charts import Chart, Heat, find_chart, find_drawn, plot_heat
from ml_connector.web.details import find_detail
from ml_connector.web.guards import Asked, needs
from ml_connector.web.tables import ASKED, Table, find_file

PAGE = 100
MONTHS = (3, 13, 36, 600)
"""How far the list looks back, in months; the last is all there is."""
MONTHS_DEFAULT = 13
DAYS_PER_MONTH = 31
SIGNATURES_SHOWN = 50
FILTERS = ("flow", "ledger", "period", "currency", "state", "months")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where in a long list somebody is."""

    number: int
    pages: int
    query: str
    """The rest of the address, so that it can be pasted into a ticket."""

    @property
    def before(self) -> int:
        """The page before; 0: none."""
        return self.number - 1

    @property
    def after(self) -> int:
        """The page after; 0: none."""
        return self.number + 1 if self.number < self.pages else 0


@needs(Right.SEE)
def show_periods(request: Asked) -> HttpResponse:
    """The periods that fit, the gravest first; a file of them holds every one."""
    if drawn := find_drawn(request):
        return drawn
    found = _list_fitting(request)
    currency = request.GET.get("currency", "")
    page = _find_page(request, len(found), FILTERS)
    shown = found if request.GET.get(ASKED) else found[(page.number - 1) * PAGE :][:PAGE]
    listing = listings.list_periods(shown, currency=currency)
    tables = [
        Table(
            name="periods", title="Periods", listing=listing, is_main=True, whole=len(found),
            next_step="Let a run look at it: `ml-connector reconcile FLOW`.",
        )
    ]  # fmt: skip
    charts = [_chart_heat(fields)] if (fields := list_fields(found, currency=currency)) else []
    if answer := find_chart(request, charts):
        return answer
    asked = {
        "tables": tables, "page": page, "charts": charts, "found": len(found),
        "unexplained": _sum_unexplained(found), "counts": _count(found), "months": MONTHS,
        "states": STATES, "flows": sorted(request.house.project.flows), "given": request.GET,
        "months_given": _read_months(request), "more": f"&{page.query}" if page.query else "",
    }  # fmt: skip
    files = [*tables, *(chart.table for chart in charts)]
    return find_file(request, files) or render(request, "pages/reconciliation.html", asked)


def _chart_heat(fields: Sequence[Field]) -> Chart:
    """Where differences are and how large, by ledger and planning period."""
    return Chart(
        name="differences",
        title="Where the differences are",
        alt=tell_heat(fields),
        spec=plot_heat(
            [
                Heat(
                    row=one.standing.ledger, column=one.standing.member, tone=one.state.tone.value,
                    text=shorten(one.difference.amount) if one.difference else "0",
                    strength=one.strength,
                )
                for one in fields
            ]
        ),
        table=Table(
            name="differences-table", title="Differences", listing=list_heat(fields)
        ),
    )  # fmt: skip


STATES = ("unexplained", "to sign", "signed", "changed since")
"""What the list can be narrowed to."""


def _list_fitting(request: Asked) -> list[SignedStanding]:
    months = _read_months(request)
    today = request.house.clock.now().date()
    # As long as all there is may be asked for, an address never fails on its calendar.
    first = None if months == MONTHS[-1] else today - timedelta(days=months * DAYS_PER_MONTH)
    rows = request.house.list_signed(flow=request.GET.get("flow") or None, first=first)
    asked = {name: request.GET.get(name, "") for name in FILTERS}
    return sorted((row for row in rows if _fits(row, asked)), key=listings.rank)


def _fits(row: SignedStanding, asked: Mapping[str, str]) -> bool:
    its, wanted, state = row.standing, asked["currency"], asked["state"]
    if wanted and wanted not in {one.currency for one in its.amounts}:
        return False
    for name in ("ledger", "period"):
        if (text := asked[name].strip().casefold()) and text not in getattr(its, name).casefold():
            return False
    if state not in STATES:
        return bool(asked["period"]) or not listings.is_empty(its)
    return _is_in_state(row, state)


def _is_in_state(row: SignedStanding, state: str) -> bool:
    its, holds = row.standing, row.signature is Signature.HOLDS
    return {
        "unexplained": listings.describe_state(its).word == listings.UNEXPLAINED,
        "to sign": its.is_tied and not holds and bool(its.amounts),
        "signed": holds,
        "changed since": row.signature is Signature.VOID,
    }[state]


def _read_months(request: Asked) -> int:
    given = request.GET.get("months", "")
    return int(given) if given in {str(one) for one in MONTHS} else MONTHS_DEFAULT


def _find_page(request: Asked, rows: int, names: Sequence[str]) -> Page:
    pages = max(1, -(-rows // PAGE))
    given = request.GET.get("page", "1")
    number = min(pages, max(1, int(given) if given.isdecimal() and len(given) < 9 else 1))
    query = {name: request.GET[name] for name in names if request.GET.get(name)}
    return Page(number=number, pages=pages, query=urlencode(query))


def _sum_unexplained(rows: Sequence[SignedStanding]) -> list[str]:
    """How much is unexplained by currency, without regard to sign; empty is what it must be."""
    sums: dict[str, Decimal] = {}
    for row in rows:
        for one in row.standing.amounts:
            if one.unexplained:
                sums[one.currency] = sums.get(one.currency, Decimal(0)) + abs(one.unexplained)
    return [f"{render_amount(amount, name)} {name}" for name, amount in sorted(sums.items())]


def _count(rows: Sequence[SignedStanding]) -> dict[str, int]:
    signed = [row.signature for row in rows]
    return {
        "periods": len(rows),
        "tied": sum(row.standing.is_tied for row in rows),
        "signed": signed.count(Signature.HOLDS),
        "void": signed.count(Signature.VOID),
    }


# --- one period -----------------------------------------------------------------------------------


@needs(Right.SEE)
def show_period(request: Asked, place: str) -> HttpResponse:
    """One period: the bridge of named differences, its accounts and cells, who signed."""
    return _render_period(request, _find_standing(request, place))


@needs(Right.DECIDE)
@require_POST
def sign(request: Asked, place: str) -> HttpResponse:
    """The period is signed as it was seen, or it is said why not."""
    standing = _find_standing(request, place)
    try:
        request.house.sign_off(
            standing.flow, standing.period, ledger=standing.ledger,
            comment=request.POST.get("comment", ""), proof_hash=request.POST.get("proof", "none"),
        )  # fmt: skip
    except ConnectorError as error:
        if _is_signed_so(request, standing):
            return redirect("reconciliation-period", render_place(standing))
        # What a run has changed meanwhile is shown as it is now.
        standing = _find_standing(request, place)
        return _render_period(request, standing, error=error, status=422)
    return redirect("reconciliation-period", render_place(standing))


def _is_signed_so(request: Asked, standing: Standing) -> bool:
    """Whether the person has just signed so: a second click is told what the first one did."""
    signed = request.house.find_signature(standing)
    its, sent = signed.sign_off, request.POST
    return (
        its is not None
        and signed.signature is Signature.HOLDS
        and its.signed_by == request.house.actor
        and (its.proof_hash, its.comment) == (sent.get("proof"), _plain(sent.get("comment", "")))
    )


def _is_withdrawn_so(request: Asked, sign_off_id: str) -> bool:
    """Whether the person has just taken it back so."""
    its, sent = request.house.records.sign_offs.find_sign_off(sign_off_id), request.POST
    said = (request.house.actor, _plain(sent.get("reason", "")))
    return its is not None and (its.withdrawn_by, its.reason) == said


def _plain(text: str) -> str:
    """As it is kept: browsers send two characters for a line break."""
    return text.replace("\r\n", "\n").strip()


@needs(Right.SEE)
@require_POST
def withdraw(request: Asked, sign_off_id: str) -> HttpResponse:
    """The signature is taken back, by who gave it or an admin: the house asks."""
    found = request.house.records.sign_offs.find_sign_off(sign_off_id)
    if found is None:
        raise Http404(f"There is no sign-off {sign_off_id!r}.")
    place = render_place(found.scope)
    try:
        request.house.withdraw_sign_off(sign_off_id, reason=request.POST.get("reason", ""))
    except ConnectorError as error:
        if _is_withdrawn_so(request, sign_off_id):
            return redirect("reconciliation-period", place)
        standing = _find_standing(request, place)
        return _render_period(request, standing, error=error, status=422)
    return redirect("reconciliation-period", place)


@needs(Right.SEE)
def send_evidence(request: Asked, place: str) -> HttpResponse:
    """The period's evidence pack, streamed as it is made."""
    its = _find_standing(request, place)
    name, chunks = request.house.make_evidence(its.flow, its.period, ledger=its.ledger)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    answer = StreamingHttpResponse(chunks, content_type="application/zip", headers=headers)
    return cast("HttpResponse", answer)  # Its like for whoever asks; no middleware looks inside.


def _find_standing(request: Asked, place: str) -> Standing:
    scope = parse_place(place)
    found = request.house.records.standings.find_standing(*scope) if scope else None
    if found is None:
        raise Http404(f"No run has looked at {place!r}.")
    return found


def _render_period(
    request: Asked,
    standing: Standing,
    *,
    error: ConnectorError | None = None,
    status: int = 200,
) -> HttpResponse:
    house = request.house
    signed = house.find_signature(standing)
    detail = find_detail(house.archive, standing)
    page, tables = _list_tables(request, standing, detail, signed)
    if answer := find_file(request, tables):
        return answer
    shown: dict[str, Any] = {
        "standing": standing, "signed": signed, "state": listings.describe_state(standing),
        "place": render_place(standing), "tables": tables[1:], "bridge": tables[0], "page": page,
        "error": error,
        "obstacles": house.list_obstacles(standing), "named": list_stated(standing),
        "may_withdraw": signed.sign_off is not None and house.may_withdraw(signed.sign_off),
        "given": request.GET, "sent": request.POST, "differs": request.GET.get("differs") == "yes",
        "more": f"&{page.query}" if page.query else "", "cut": detail.cut,
        "is_signed": signed.signature is Signature.HOLDS,
        "unexplained": _sum_unexplained([signed]),
    }  # fmt: skip
    return render(request, "pages/reconciliation_period.html", shown, status=status)


def _list_tables(
    request: Asked, standing: Standing, detail: PeriodDetail, signed: SignedStanding
) -> tuple[Page, list[Table]]:
    """The bridge, accounts, cells, differences and signatures; files hold what fits, all of it."""
    words = request.GET.get("find", "").casefold().split()
    differs = request.GET.get("differs") == "yes"
    accounts = [
        row for row in detail.accounts
        if (not differs or row.unexplained) and (not words or _holds(row.combination, words))
    ]  # fmt: skip
    cells = [
        row for row in detail.cells
        if (not differs or row.difference) and (not words or _holds(" / ".join(row.key), words))
    ]  # fmt: skip
    accounts.sort(key=lambda row: not row.unexplained)
    cells.sort(key=lambda row: (not row.difference, not row.is_refused))
    page = _find_page(request, max(len(accounts), len(cells)), ("find", "differs"))
    begin, size = (page.number - 1) * PAGE, PAGE
    if request.GET.get(ASKED):
        begin, size = 0, max(len(accounts), len(cells))
    history = request.house.records.sign_offs.load_sign_offs(
        **scope_of(standing)._asdict(), limit=SIGNATURES_SHOWN
    )
    its = [
        ("bridge", "From the ERP to the model", listings.list_bridge(standing, detail.debits)),
        ("accounts", _count_title("Accounts", len(accounts)),
         listings.list_accounts(accounts[begin : begin + size], standing)),
        ("cells", _count_title("Cells of the model", len(cells)),
         listings.list_cells(cells[begin : begin + size], standing)),
        ("signatures", "Signatures", listings.list_sign_offs(history, signed)),
    ]  # fmt: skip
    if detail.differences:
        rows = [(row["hop"], row["sentence"]) for row in detail.differences]
        found = Listing(columns=("Between", "What differs"), rows=rows)
        its.insert(1, ("differences", _count_title("Differences", len(rows)), found))
    return page, [Table(name=name, title=title, listing=rows) for name, title, rows in its]


def _count_title(title: str, rows: int) -> str:
    return f"{title} ({rows:,})" if rows > PAGE else title


def _holds(text: str, words: Sequence[str]) -> bool:
    plain = text.casefold()
    return all(word in plain for word in words)
