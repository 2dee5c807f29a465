"""Tokens: a person's own, made with less than their rights, shown once."""

from typing import Annotated, Any

from ninja import Body, Router, Schema
from pydantic import Field

from ml_connector.ports import ApiToken, Right
from ml_connector.web.api.paging import (
    ROWS_DEFAULT,
    After,
    Limit,
    Page,
    begin_after,
    cut_page,
)
from ml_connector.web.api.problems import CallRefusedError, MissingError
from ml_connector.web.api.shapes import Asked, Instant, Name, PathName, Rights, finding
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs
from ml_connector.wiring.tokens import DAYS_DEFAULT, DAYS_MAX

router = Router()


class TokenOut(Schema):
    """A token, without what has to be shown for it."""

    token_id: str
    person: str
    name: str
    rights: Rights
    created_at: Instant
    created_by: str
    expires_at: Instant
    used_at: Instant | None = Field(description="To the minute.")
    revoked_at: Instant | None
    revoked_by: str


class TokenAsked(Asked):
    """What a new token is for."""

    name: Name
    rights: list[Right] = Field(min_length=1, max_length=len(Right))
    days: int = Field(default=DAYS_DEFAULT, ge=1, le=DAYS_MAX)


class NewTokenOut(Schema):
    """A new token, and what has to be shown for it: told this once."""

    token: TokenOut
    secret: str


@router.get("", response=Page[TokenOut], summary="Tokens, newest first")
@needs(Right.SEE)
def list_tokens(request: Request, after: After = "", limit: Limit = ROWS_DEFAULT) -> dict[str, Any]:
    """One's own; an admin sees everybody's."""
    person = "" if Right.ADMINISTER in request.rights else request.person.name
    before = begin_after(after, request.house.records.tokens.find_token)
    rows = request.house.list_tokens(person, before=before, limit=limit + 1)
    return cut_page(rows, limit=limit, find_key=lambda one: one.token_id)


@router.post("", response={201: NewTokenOut}, summary="Make a token of one's own")
@needs(Right.SEE)
def make_token(request: Request, wanted: Annotated[TokenAsked, Body()]) -> dict[str, Any]:
    """Only by a person who has signed in: a token makes no tokens."""
    if hasattr(request, "token"):
        raise CallRefusedError(
            "A token makes no tokens.",
            status=403, next_step="Sign in, and make it on the page Tokens.",
        )  # fmt: skip
    token, secret = request.house.make_token(wanted.name, rights=wanted.rights, days=wanted.days)
    return {"token": token, "secret": secret}


@router.post("/{token_id}/revoke", response=TokenOut, summary="Take a token back")
@needs(Right.SEE)
def revoke_token(request: Request, token_id: PathName) -> ApiToken:
    """One's own; an admin takes back anybody's. It opens nothing from then on."""
    found = request.house.records.tokens.find_token(token_id)
    is_own = found is not None and found.person == request.person.name
    if Right.ADMINISTER not in request.rights and not is_own:
        raise MissingError(
            f"There is no token {token_id!r}.",
            written="Nothing was changed.", next_step="List them: GET /api/v1/tokens.",
        )  # fmt: skip
    with finding():
        return request.house.revoke_token(token_id)
