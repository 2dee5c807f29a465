"""Limits: requests at this moment, who writes into which model, and what is not settled."""

from typing import Any

from ninja import Router, Schema
from pydantic import Field

from ml_connector.ports import IntentState, Right
from ml_connector.web.api.paging import ROWS_DEFAULT, After, Limit, Page, walk_page
from ml_connector.web.api.shapes import Instant
from ml_connector.web.guards import Asked, needs

router = Router()
SECONDS = 60


class RequestsOut(Schema):
    """An allowance of requests, as it is used at this moment."""

    key: str
    allowance: int = Field(description="Requests in every sliding minute.")
    reserve: int = Field(description="Of these, only people may send.")
    used: int
    used_reserve: int
    booked: int
    held_until: Instant | None
    by_second: list[int] = Field(max_length=SECONDS)
    total: int


class ModelOut(Schema):
    """A model somebody may write into, or did last."""

    model_id: str
    holder: str
    run_id: str
    run_began_at: Instant | None
    fence: int
    expires_at: Instant


class IntentOut(Schema):
    """The start of a task whose outcome is not known; it keeps its model shut."""

    intent_id: str
    run_id: str
    model_id: str
    action_name: str
    task_id: str
    state: IntentState
    made_at: Instant

    @staticmethod
    def resolve_task_id(one: Any) -> str:
        """Empty where the model has given none."""
        return one.task_id or ""


@router.get("/requests", response=Page[RequestsOut], summary="Requests at this moment")
@needs(Right.SEE)
def list_requests(request: Asked, after: After = "", limit: Limit = ROWS_DEFAULT) -> dict[str, Any]:
    """Every allowance that was ever drawn on."""
    rows = request.house.list_requests()
    return walk_page(rows, after=after, limit=limit, find_key=lambda one: one.key)


@router.get("/models", response=Page[ModelOut], summary="Who writes into which model")
@needs(Right.SEE)
def list_models(request: Asked, after: After = "", limit: Limit = ROWS_DEFAULT) -> dict[str, Any]:
    """Those held now first."""
    rows = request.house.list_models()
    return walk_page(rows, after=after, limit=limit, find_key=lambda one: one.model_id)


@router.get("/unsettled", response=Page[IntentOut], summary="Task starts of unknown outcome")
@needs(Right.SEE)
def list_unsettled(
    request: Asked, after: After = "", limit: Limit = ROWS_DEFAULT
) -> dict[str, Any]:
    """Each keeps its model shut until somebody has looked; oldest first."""
    rows = request.house.list_unsettled()
    return walk_page(rows, after=after, limit=limit, find_key=lambda one: one.intent_id)
