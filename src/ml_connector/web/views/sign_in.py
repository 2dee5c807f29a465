"""Signing in and out: by password, by a provider, with a second factor."""

import time

from django.contrib.auth import authenticate, logout
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from ml_connector.errors import ConnectorError, CredentialsError, UsageError
from ml_connector.web.desk import find_house
from ml_connector.web.guards import Open, needs
from ml_connector.web.signing import (
    PENDING,
    enter,
    find_pending,
    find_way,
    name_proof,
    proceed,
    refuse_throttled,
)

NAME_MAX = 64
PASSWORD_MAX = 1_000
CODE_MAX = 40
BEGUN = "sign-in.begun"
"""In the session: sign-ins at providers that have not come back yet, by their state."""
BEGUN_MAX = 5
"""Tabs in which somebody signs in at once; the oldest is forgotten."""
BEGUN_S = 600


@needs(Open)
def sign_in(request: HttpRequest) -> HttpResponse:
    """The form, or the page one came from."""
    if request.method != "POST":
        return _show(request)
    if not find_house().project.settings.pages.sign_in.password:
        return _show(request, status=422)
    name = request.POST.get("name", "").strip().lower()[:NAME_MAX]
    password = request.POST.get("password", "")[:PASSWORD_MAX]
    user = authenticate(request, username=name, password=password)
    person = find_house().records.people.find_person(name) if user is not None else None
    if person is None:
        if getattr(request, "axes_locked_out", False):
            return refuse_throttled(request)
        return _show(request, status=422, name=name, is_wrong=True)
    return proceed(request, person, where=find_way(request), how="password")


@needs(Open)
def sign_in_second(request: HttpRequest) -> HttpResponse:
    """The second step: a code of the authenticator app, or a recovery code."""
    pending = find_pending(request)
    if pending is None:
        return redirect("sign-in")
    if request.method != "POST":
        return render(request, "pages/sign_in_second.html")
    code = request.POST.get("code", "")[:CODE_MAX]
    user = authenticate(request, username=pending.name, code=code)
    person = find_house().records.people.find_person(pending.name) if user is not None else None
    if person is None:
        if getattr(request, "axes_locked_out", False):
            request.session.pop(PENDING, None)
            return refuse_throttled(request)
        return render(request, "pages/sign_in_second.html", {"is_wrong": True}, status=422)
    request.session.pop(PENDING, None)
    enter(request, person, how=f"{pending.how}, code", proof=name_proof(person))
    return HttpResponseRedirect(pending.where)


@needs(Open)
@require_GET
def begin_provider(request: HttpRequest, name: str) -> HttpResponse:
    """The way to the provider's own page."""
    try:
        way = find_house().find_provider(name).begin(_render_back(request, name))
    except UsageError as error:
        raise Http404(error.refused) from error
    except ConnectorError as error:
        return _show(request, status=502, error=error)
    begun = dict(list(request.session.get(BEGUN, {}).items())[1 - BEGUN_MAX :])
    begun[way.state] = {
        "provider": name, "nonce": way.nonce, "verifier": way.verifier, "at": time.time(),
        "where": find_way(request),
    }  # fmt: skip
    request.session[BEGUN] = begun
    return HttpResponseRedirect(way.address)


@needs(Open)
@require_GET
def end_provider(request: HttpRequest, name: str) -> HttpResponse:
    """Whom the provider vouches for is signed in."""
    house, begun = find_house(), dict(request.session.get(BEGUN, {}))
    held = begun.pop(request.GET.get("state", ""), None)
    if held is not None:  # Nobody makes us keep a session by an answer nobody asked for.
        request.session[BEGUN] = begun
    if held is None or held["provider"] != name or time.time() - held["at"] > BEGUN_S:
        return _show(request, status=422, problem="begun elsewhere, twice, or too long ago")
    code = request.GET.get("code", "")
    if request.GET.get("error") or not code:
        return _show(request, status=422, problem="ended at the provider, before you were known")
    try:
        provider = house.find_provider(name)
        if request.GET.get("iss", provider.settings.issuer) != provider.settings.issuer:
            return _show(request, status=422, problem="answered by another provider")
        claims = provider.read_claims(
            code, nonce=held["nonce"], verifier=held["verifier"], back=_render_back(request, name)
        )
        person = house.admit(provider, claims)
    except (CredentialsError, UsageError) as error:
        return _show(request, status=403, error=error)
    except ConnectorError as error:
        return _show(request, status=502, error=error)
    return proceed(
        request, person, where=held["where"], how=f"provider {name}",
        is_proved=provider.settings.asks_second_factor,
    )  # fmt: skip


@needs(Open)
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Nobody is signed in."""
    logout(request)
    return redirect("sign-in")


def _render_back(request: HttpRequest, name: str) -> str:
    """Where the provider sends the browser back to, as it knows it."""
    path = reverse("sign-in-back", args=[name])
    public = find_house().project.settings.pages.url.rstrip("/")
    return f"{public}{path}" if public else request.build_absolute_uri(path)


def _show(request: HttpRequest, *, status: int = 200, **shown: object) -> HttpResponse:
    house = find_house()
    settings = house.project.settings.pages.sign_in
    shown = {
        "next": find_way(request), "by_password": settings.password,
        "is_first": not house.records.people.load_people(),
        "providers": [(one.name, one.title or one.name) for one in settings.oidc], **shown,
    }  # fmt: skip
    return render(request, "pages/sign_in.html", shown, status=status)
