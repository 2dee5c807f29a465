"""People: who may sign in, and what they may do."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from ml_connector.errors import UsageError
from ml_connector.flows.answers.listing import Link, Listing, State, Tone
from ml_connector.ports import Right, Role
from ml_connector.web.guards import Asked, needs
from ml_connector.web.tables import Table, find_file

ROLES = [
    (Role.VIEWER, "sees everything but secrets"),
    (Role.OPERATOR, "starts, resumes and cancels runs"),
    (Role.MAPPER, "changes mapping rules"),
    (Role.APPROVER, "approves and rejects the plans of others"),
    (Role.ADMIN, "people, credentials, settings"),
]


@needs(Right.ADMINISTER)
def show_people(request: Asked) -> HttpResponse:
    """Everybody, and a form for one more."""
    return find_file(request, _list_people(request)) or _render(request)


@needs(Right.ADMINISTER)
@require_POST
def add(request: Asked) -> HttpResponse:
    """One person more, or what is wrong with it."""
    try:
        request.house.add_person(
            request.POST.get("name", ""),
            password=request.POST.get("password", "") or None,
            roles=_read_roles(request),
            display_name=request.POST.get("display_name", ""),
            email=request.POST.get("email", ""),
        )
    except UsageError as error:
        return _render(request, error=error, status=422)
    return redirect("people")


@needs(Right.ADMINISTER)
def change(request: Asked, name: str) -> HttpResponse:
    """One person: roles, password, whether they may sign in."""
    person = request.house.records.people.find_person(name)
    if person is None:
        raise Http404(f"There is nobody named {name!r}.")
    error = None
    if request.method == "POST":
        try:
            _change(request, name)
        except UsageError as caught:
            error = caught
        else:
            return redirect("person", name)
    identities = request.house.records.identities.load_identities(name)
    issuers = {one.issuer for one in identities}
    shown = {
        "one": person, "roles": ROLES, "error": error,
        "needs_factor": request.house.needs_factor(person), "identities": identities,
        "accounts": request.house.records.identities.load_accounts(name),
        "roles_from": ", ".join(
            one.title or one.name
            for one in request.house.project.settings.pages.sign_in.oidc
            if one.roles_claim and one.issuer in issuers
        ),
    }  # fmt: skip
    return render(request, "pages/person.html", shown, status=422 if error else 200)


def _change(request: Asked, name: str) -> None:
    match request.POST.get("what"):
        case "roles":
            request.house.save_roles(name, _read_roles(request))
        case "password":
            request.house.save_password(name, request.POST.get("password", ""))
        case "active":
            request.house.save_active(name, is_active=request.POST.get("active") == "yes")
        case "factor":
            request.house.reset_factor(name)
        case "identities":
            request.house.free_identities(name)
        case "bind":
            request.house.bind_account(name, request.POST.get("account", "").strip())
        case "free":
            request.house.free_account(request.POST.get("account", ""))


def _read_roles(request: Asked) -> list[Role]:
    given = request.POST.getlist("role")
    return [role for role in Role if role.value in given]


def _list_people(request: Asked) -> list[Table]:
    rows = [
        (
            Link(text=one.name, kind="person", key=one.name), one.display_name,
            ", ".join(sorted(one.roles)),
            State(word="active", tone=Tone.GOOD) if one.is_active
            else State(word="disabled", tone=Tone.IDLE),
            "yes" if one.second_factor_at else "", one.signed_in_at,
        )
        for one in request.house.records.people.load_people()
    ]  # fmt: skip
    columns = ("Name", "Known as", "Roles", "State", "Second factor", "Signed in (UTC)")
    listing = Listing(columns=columns, rows=rows)
    return [Table(name="people", title="People", one="person", listing=listing, is_main=True)]


def _render(request: Asked, *, error: UsageError | None = None, status: int = 200) -> HttpResponse:
    shown = {"tables": _list_people(request), "roles": ROLES, "error": error, "given": request.POST}
    return render(request, "pages/people.html", shown, status=status)
