"""People of the organisation: who may sign in, and what they may do."""

from typing import Annotated, Any

from ninja import Body, Router, Schema
from pydantic import Field

from ml_connector.ports import Person, Right, Role
from ml_connector.web.api.problems import MissingError
from ml_connector.web.api.shapes import Asked, Instant, Key, PathName, Text
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()


class PersonOut(Schema):
    """Somebody of the organisation."""

    name: str
    display_name: str
    email: str
    roles: list[Role]
    is_active: bool
    joined_at: Instant
    signed_in_at: Instant | None


class PeopleOut(Schema):
    """Everybody, by name."""

    items: list[PersonOut]


class MeOut(Schema):
    """Who calls, and what this call may do."""

    name: str
    rights: list[Right]
    token: str | None = Field(description="Its id, where the call came with one.")


class PersonAsked(Asked):
    """Somebody new."""

    name: Key
    password: Text = Field(json_schema_extra={"format": "password"})
    roles: list[Role] = Field(max_length=len(Role))
    display_name: Key = ""
    email: Key = ""


class RolesAsked(Asked):
    """Exactly these."""

    roles: list[Role] = Field(max_length=len(Role))


class ActiveAsked(Asked):
    """Whether the person may sign in."""

    is_active: bool


@router.get("/me", response=MeOut, summary="Who calls, and with which rights")
@needs(Right.SEE)
def show_me(request: Request) -> dict[str, Any]:
    """For a program that wants to know what its token is worth now."""
    token = getattr(request, "token", None)
    return {
        "name": request.person.name, "rights": sorted(request.rights),
        "token": token.token_id if token else None,
    }  # fmt: skip


@router.get("", response=PeopleOut, summary="Everybody")
@needs(Right.ADMINISTER)
def list_people(request: Request) -> dict[str, Any]:
    """By name."""
    return {"items": [_tell(one) for one in request.house.records.people.load_people()]}


@router.get("/{name}", response=PersonOut, summary="One person")
@needs(Right.ADMINISTER)
def show_person(request: Request, name: PathName) -> dict[str, Any]:
    """Roles, and when they last signed in."""
    return _tell(_find(request, name))


@router.post("", response={201: PersonOut}, summary="Add a person")
@needs(Right.ADMINISTER)
def add_person(request: Request, wanted: Annotated[PersonAsked, Body()]) -> dict[str, Any]:
    """They may sign in from then on."""
    return _tell(request.house.add_person(**wanted.dict()))


@router.put("/{name}/roles", response=PersonOut, summary="Give a person exactly these roles")
@needs(Right.ADMINISTER)
def save_roles(
    request: Request, name: PathName, wanted: Annotated[RolesAsked, Body()]
) -> dict[str, Any]:
    """Tokens of theirs lose what their roles no longer give."""
    return _tell(request.house.save_roles(_find(request, name).name, wanted.roles))


@router.put("/{name}/active", response=PersonOut, summary="Let a person sign in, or no more")
@needs(Right.ADMINISTER)
def save_active(
    request: Request, name: PathName, wanted: Annotated[ActiveAsked, Body()]
) -> dict[str, Any]:
    """Whoever is out is out at once, and so are their tokens."""
    found = _find(request, name)
    return _tell(request.house.save_active(found.name, is_active=wanted.is_active))


def _find(request: Request, name: str) -> Person:
    found = request.house.records.people.find_person(name)
    if found is None:
        raise MissingError(
            f"There is nobody named {name!r}.",
            written="Nothing was changed.", next_step="List them: GET /api/v1/people.",
        )  # fmt: skip
    return found


def _tell(one: Person) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in PersonOut.model_fields}
    return {**told, "roles": sorted(one.roles)}
