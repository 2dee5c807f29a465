"""Tokens: one's own, made here and shown once; an admin sees and takes back everybody's."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from ml_connector.errors import ConnectorError
from ml_connector.flows.answers.token_listings import list_tokens
from ml_connector.ports import ApiToken, Right
from ml_connector.web.guards import Asked, needs
from ml_connector.web.tables import Table, find_file
from ml_connector.wiring.tokens import DAYS_DEFAULT, DAYS_MAX

TERMS = (7, 30, DAYS_DEFAULT, 180, DAYS_MAX)
"""Days that are offered."""
DIGITS_MAX = 4
ABOUT = {
    Right.SEE: "runs, plans, amounts",
    Right.RUN: "start, resume and cancel runs",
    Right.MAP: "change mapping rules",
    Right.DECIDE: "approve and reject plans, sign off periods",
    Right.ADMINISTER: "people, credentials, settings",
}


@needs(Right.SEE)
def show_tokens(request: Asked) -> HttpResponse:
    """Tokens and a form for one more."""
    return find_file(request, _list(request)) or _render(request)


@needs(Right.SEE)
@require_POST
def add(request: Asked) -> HttpResponse:
    """The new token, shown this once; or what is wrong with it."""
    wanted = [right for right in Right if right.value in request.POST.getlist("right")]
    days = request.POST.get("days", "")
    try:
        token, secret = request.house.make_token(
            request.POST.get("name", ""), rights=wanted,
            days=int(days) if days.isdigit() and days.isascii() and len(days) <= DIGITS_MAX else 0,
        )  # fmt: skip
    except ConnectorError as error:
        return _render(request, error=error, status=422)
    return _render(request, made=token, secret=secret)


@needs(Right.SEE)
@require_POST
def revoke(request: Asked) -> HttpResponse:
    """The token opens nothing any more."""
    try:
        request.house.revoke_token(request.POST.get("token", ""))
    except ConnectorError as error:
        return _render(request, error=error, status=422)
    return redirect("tokens")


def _list(request: Asked) -> list[Table]:
    house = request.house
    return [
        Table(
            name="tokens", title="Tokens", is_main=True,
            listing=list_tokens(house.list_tokens(), now=house.clock.now()),
            next_step="Make one below for each program that asks the API.",
        )
    ]  # fmt: skip


def _render(
    request: Asked,
    *,
    error: ConnectorError | None = None,
    made: ApiToken | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    house = request.house
    now = house.clock.now()
    shown = {
        "tables": _list(request), "error": error, "made": made, "secret": secret,
        "live": [one for one in house.list_tokens() if one.is_live(now)],
        "rights_offered": [(right, ABOUT[right]) for right in Right if right in request.rights],
        "given": request.POST, "chosen": request.POST.getlist("right") or [Right.SEE.value],
        "terms": TERMS, "term": request.POST.get("days") or str(DAYS_DEFAULT),
        "is_admin": Right.ADMINISTER in request.rights,
    }  # fmt: skip
    return render(request, "pages/tokens.html", shown, status=status)
