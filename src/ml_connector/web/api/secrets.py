"""Secrets by name, and wrapping them anew; what they are is never told, nor taken over a wire."""

from typing import Any

from ninja import Router, Schema

from ml_connector.ports import Right
from ml_connector.web.api.paging import ROWS_DEFAULT, After, Limit, Page, walk_page
from ml_connector.web.api.shapes import Instant
from ml_connector.web.guards import Asked, needs

router = Router()


class SecretOut(Schema):
    """A stored secret: its name, and the key that wraps it."""

    name: str
    key_id: str
    saved_at: Instant


class RotatedOut(Schema):
    """How many secrets are wrapped by a new key."""

    secrets: int


@router.get("", response=Page[SecretOut], summary="Stored secrets, by name")
@needs(Right.SEE)
def list_secrets(request: Asked, after: After = "", limit: Limit = ROWS_DEFAULT) -> dict[str, Any]:
    """Open sessions and second factors left out."""
    rows = sorted(request.house.list_secrets(), key=lambda one: one.name)
    return walk_page(rows, after=after, limit=limit, find_key=lambda one: one.name)


@router.post("/rotate", response=RotatedOut, summary="Wrap every secret by a new key")
@needs(Right.ADMINISTER)
def rotate(request: Asked) -> dict[str, Any]:
    """Nothing is entered anew; versions of the key that are kept still read."""
    return {"secrets": request.house.rotate_secrets()}
