"""One's own account: password, second factor, recovery codes."""

import base64
from io import BytesIO

from django.contrib.auth import authenticate, update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from ml_connector.errors import ConnectorError, UsageError
from ml_connector.ports import Right
from ml_connector.web.guards import Asked, leads_to_factor, needs
from ml_connector.web.signing import (
    PROOF,
    find_user,
    is_fresh,
    is_lacking,
    name_proof,
    refuse_throttled,
)

PASSWORD_MAX = 1_000
CODE_MAX = 40


@needs(Right.SEE)
@leads_to_factor
def show_account(request: Asked) -> HttpResponse:
    """How one signs in, and what one may do."""
    return _show(request)


@needs(Right.SEE)
@require_POST
def change_password(request: Asked) -> HttpResponse:
    """The person signs in with the new password; every other session of theirs has ended."""
    password = request.POST.get("password", "")[:PASSWORD_MAX]
    # As at the door: whoever finds a session open does not guess for long either.
    if authenticate(request, username=request.person.name, password=password) is None:
        if getattr(request, "axes_locked_out", False):
            return refuse_throttled(request)
        return _show(request, status=422, problem="That is not your password.")
    try:
        request.house.save_password(request.person.name, request.POST.get("new", "")[:PASSWORD_MAX])
    except UsageError as error:
        return _show(request, status=422, error=error)
    update_session_auth_hash(request, find_user(request.person.name))
    return redirect("account")


@needs(Right.SEE)
@leads_to_factor
def set_up_factor(request: Asked) -> HttpResponse:
    """What an authenticator app reads; with a code of it the factor is asked for from then on."""
    if not is_fresh(request):
        return _ask_again(request)
    name, house = request.person.name, request.house
    if request.method != "POST":
        return _show_factor(request, "")
    if request.POST.get("what") == "begin":
        return _show_factor(request, house.begin_factor(name))
    try:
        codes = house.confirm_factor(name, request.POST.get("code", "")[:CODE_MAX])
        begun = house.render_begun_factor(name) if codes is None else ""
    except ConnectorError:
        # Begun in another tab, and confirmed there; or not at all.
        return redirect("account")
    if codes is None:
        return _show_factor(request, begun, is_wrong=True, status=422)
    return _show_codes(request, codes)


@needs(Right.SEE)
@require_POST
def renew_codes(request: Asked) -> HttpResponse:
    """New recovery codes, shown this once."""
    if not is_fresh(request):
        return _ask_again(request)
    try:
        return _show_codes(request, request.house.renew_codes(request.person.name))
    except UsageError as error:
        return _show(request, status=422, error=error)


@needs(Right.SEE)
@require_POST
def remove_factor(request: Asked) -> HttpResponse:
    """The person needs no second factor any more, unless a role asks for one."""
    if not is_fresh(request):
        return _ask_again(request)
    try:
        request.house.remove_factor(request.person.name)
    except UsageError as error:
        return _show(request, status=422, error=error)
    request.session[PROOF] = ""
    return redirect("account")


def _show(request: Asked, *, status: int = 200, **shown: object) -> HttpResponse:
    house, name = request.house, request.person.name
    settings = house.project.settings.pages.sign_in
    shown = {
        "factor": house.records.factors.find_factor(name),
        "has_password": settings.password and find_user(name).has_usable_password(),
        "accounts": house.records.identities.load_accounts(name),
        "identities": house.records.identities.load_identities(name),
        "needs_factor": house.needs_factor(request.person), "is_fresh": is_fresh(request), **shown,
    }  # fmt: skip
    return render(request, "pages/account.html", shown, status=status)


def _show_factor(
    request: Asked, uri: str, *, is_wrong: bool = False, status: int = 200
) -> HttpResponse:
    shown = {
        "uri": uri, "is_wrong": is_wrong, "is_lacking": is_lacking(request, request.person),
        "picture": _draw(uri) if uri else "", "has_one": request.person.second_factor_at,
        "secret": uri.partition("secret=")[2].partition("&")[0] if uri else "",
    }  # fmt: skip
    return render(request, "pages/factor.html", shown, status=status)


def _show_codes(request: Asked, codes: list[str]) -> HttpResponse:
    """The codes, and a session that has shown the factor they belong to."""
    person = request.house.records.people.find_person(request.person.name)
    assert person is not None, "who acts is there"
    request.session[PROOF] = name_proof(person)
    return render(request, "pages/factor_codes.html", {"codes": codes})


def _ask_again(request: Asked) -> HttpResponse:
    """To change how one signs in one has to have signed in lately."""
    status = 200 if request.method == "GET" else 403
    return _show(request, status=status, problem="You signed in a while ago; sign in again first.")


def _draw(uri: str) -> str:
    """The address as a picture that a phone reads."""
    import qrcode  # type: ignore[import-untyped]  # noqa: PLC0415 - rarely; it has no types.
    from qrcode.image.svg import (  # type: ignore[import-untyped]  # noqa: PLC0415 - as above.
        SvgPathFillImage,
    )

    held = BytesIO()
    qrcode.make(uri, image_factory=SvgPathFillImage).save(held)
    return f"data:image/svg+xml;base64,{base64.b64encode(held.getvalue()).decode()}"
