"""Signing in and out."""

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from ml_connector.web.desk import find_house
from ml_connector.web.guards import Open, needs

NAME_MAX = 64
PASSWORD_MAX = 1_000


@needs(Open)
def sign_in(request: HttpRequest) -> HttpResponse:
    """The form, or the page one came from."""
    where = _find_way(request)
    if request.method != "POST":
        is_first = not find_house().records.people.load_people()
        return render(request, "pages/sign_in.html", {"next": where, "is_first": is_first})
    name = request.POST.get("name", "").strip().lower()[:NAME_MAX]
    password = request.POST.get("password", "")[:PASSWORD_MAX]
    user = authenticate(request, username=name, password=password)
    if user is None:
        if getattr(request, "axes_locked_out", False):
            return render(request, "pages/throttled.html", status=429)
        shown = {"next": where, "name": name, "is_wrong": True}
        return render(request, "pages/sign_in.html", shown, status=422)
    login(request, user)
    find_house().records.audit.record("person.signed-in", subject=name, actor=name)
    return HttpResponseRedirect(where)


@needs(Open)
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Nobody is signed in."""
    logout(request)
    return redirect("sign-in")


def _find_way(request: HttpRequest) -> str:
    """Where to go on; only to a page of ours."""
    where = request.POST.get("next") or request.GET.get("next") or "/"
    is_ours = url_has_allowed_host_and_scheme(
        where, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return where if is_ours else "/"
