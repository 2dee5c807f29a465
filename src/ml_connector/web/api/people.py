"""People of the organisation: who may sign in, and what they may do."""

from typing import Annotated, Any

from ninja import Body, Router, Schema
from pydantic import Field

from ml_connector.ports import Person, Right, Role
from ml_connector.web.api.paging import (
    ROWS_DEFAULT,
    After,
    Limit,
    Page,
    begin_after,
    cut_page,
)
from ml_connector.web.api.problems import MissingError
from ml_connector.web.api.shapes import (
    Asked,
    Instant,
    Key,
    Name,
    PathName,
    Roles,
    Text,
)
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()
KNOWN_MAX = 200
"""Accounts and sign-ins elsewhere of one person."""


class PersonOut(Schema):
    """Somebody of the organisation."""

    name: str
    display_name: str
    email: str
    roles: Roles
    is_active: bool
    joined_at: Instant
    signed_in_at: Instant | None
    second_factor_at: Instant | None = Field(description="null: has none.")


class PersonInFull(PersonOut):
    """Somebody, and what they are known by."""

    accounts: list[str] = Field(max_length=KNOWN_MAX, description="USER@HOST: commands of theirs.")
    issuers: list[str] = Field(max_length=KNOWN_MAX, description="Where they sign in elsewhere.")
    needs_factor: bool = Field(description="Whether a role asks for a second factor.")


class MeOut(Schema):
    """Who calls, and what this call may do."""

    name: str
    rights: list[Right]
    token: str | None = Field(description="Its id, where the call came with one.")


class PersonAsked(Asked):
    """Somebody new; without a password, who signs in with a provider only."""

    name: Key
    password: Text | None = Field(default=None, json_schema_extra={"format": "password"})
    roles: list[Role] = Field(max_length=len(Role))
    display_name: Key = ""
    email: Key = ""


class RolesAsked(Asked):
    """Exactly these."""

    roles: list[Role] = Field(max_length=len(Role))


class ActiveAsked(Asked):
    """Whether the person may sign in."""

    is_active: bool


class PasswordAsked(Asked):
    """Another password."""

    password: Text = Field(json_schema_extra={"format": "password"})


class AccountAsked(Asked):
    """An operating system's account, as the run history shows it."""

    account: Name


@router.get("/me", response=MeOut, summary="Who calls, and with which rights")
@needs(Right.SEE)
def show_me(request: Request) -> dict[str, Any]:
    """For a program that wants to know what its token is worth now."""
    token = getattr(request, "token", None)
    return {
        "name": request.person.name, "rights": sorted(request.rights),
        "token": token.token_id if token else None,
    }  # fmt: skip


@router.get("", response=Page[PersonOut], summary="Everybody, by name")
@needs(Right.ADMINISTER)
def list_people(request: Request, after: After = "", limit: Limit = ROWS_DEFAULT) -> dict[str, Any]:
    """Those who may not sign in any more as well."""
    rows = request.house.records.people.load_people(
        after=begin_after(after, request.house.records.people.find_person), limit=limit + 1
    )
    return cut_page(rows, limit=limit, find_key=lambda one: one.name)


@router.get("/{name}", response=PersonInFull, summary="One person")
@needs(Right.ADMINISTER)
def show_person(request: Request, name: PathName) -> dict[str, Any]:
    """Roles, what they are known by, and when they last signed in."""
    return _tell(request, _find(request, name))


@router.post("", response={201: PersonOut}, summary="Add a person")
@needs(Right.ADMINISTER)
def add_person(request: Request, wanted: Annotated[PersonAsked, Body()]) -> Person:
    """They may sign in from then on."""
    return request.house.add_person(**wanted.dict())


@router.put("/{name}/roles", response=PersonOut, summary="Give a person exactly these roles")
@needs(Right.ADMINISTER)
def save_roles(request: Request, name: PathName, wanted: Annotated[RolesAsked, Body()]) -> Person:
    """Tokens of theirs lose what their roles no longer give."""
    return request.house.save_roles(_find(request, name).name, wanted.roles)


@router.put("/{name}/active", response=PersonOut, summary="Let a person sign in, or no more")
@needs(Right.ADMINISTER)
def save_active(request: Request, name: PathName, wanted: Annotated[ActiveAsked, Body()]) -> Person:
    """Whoever is out is out at once, and so are their tokens."""
    return request.house.save_active(_find(request, name).name, is_active=wanted.is_active)


@router.put("/{name}/password", response=PersonOut, summary="Give a person another password")
@needs(Right.ADMINISTER)
def save_password(
    request: Request, name: PathName, wanted: Annotated[PasswordAsked, Body()]
) -> Person:
    """Open sessions of theirs end."""
    return request.house.save_password(_find(request, name).name, wanted.password)


@router.post(
    "/{name}/reset-factor", response=PersonInFull, summary="Take a lost second factor away"
)
@needs(Right.ADMINISTER)
def reset_factor(request: Request, name: PathName) -> dict[str, Any]:
    """Where a role asks for one, the person sets up another when they sign in."""
    found = _find(request, name)
    request.house.reset_factor(found.name)
    return _tell(request, _find(request, name))


@router.post("/{name}/free-identities", response=PersonInFull, summary="Forget sign-ins elsewhere")
@needs(Right.ADMINISTER)
def free_identities(request: Request, name: PathName) -> dict[str, Any]:
    """Whoever signs in with a provider is bound to the person no more."""
    found = _find(request, name)
    request.house.free_identities(found.name)
    return _tell(request, found)


@router.post("/{name}/bind", response=PersonInFull, summary="Let an account's commands be theirs")
@needs(Right.ADMINISTER)
def bind_account(
    request: Request, name: PathName, wanted: Annotated[AccountAsked, Body()]
) -> dict[str, Any]:
    """The person approves none of what the account has made."""
    found = _find(request, name)
    request.house.bind_account(found.name, wanted.account)
    return _tell(request, found)


@router.post("/{name}/unbind", response=PersonInFull, summary="Let an account be theirs no more")
@needs(Right.ADMINISTER)
def free_account(
    request: Request, name: PathName, wanted: Annotated[AccountAsked, Body()]
) -> dict[str, Any]:
    """Whose it was is remembered where plans are approved."""
    found = _find(request, name)
    if wanted.account not in request.house.records.identities.load_accounts(found.name):
        raise MissingError(
            f"The account {wanted.account!r} is not {found.name}'s.",
            written="Nothing was changed.", next_step=f"See GET /api/v1/people/{found.name}.",
        )  # fmt: skip
    request.house.free_account(wanted.account)
    return _tell(request, found)


def _find(request: Request, name: str) -> Person:
    found = request.house.records.people.find_person(name)
    if found is None:
        raise MissingError(
            f"There is nobody named {name!r}.",
            written="Nothing was changed.", next_step="List them: GET /api/v1/people.",
        )  # fmt: skip
    return found


def _tell(request: Request, one: Person) -> dict[str, Any]:
    known = request.house.records.identities
    issuers = {its.issuer for its in known.load_identities(one.name)}
    return {
        **{name: getattr(one, name) for name in PersonOut.model_fields},
        "accounts": known.load_accounts(one.name)[:KNOWN_MAX], "issuers": sorted(issuers),
        "needs_factor": request.house.needs_factor(one),
    }  # fmt: skip
