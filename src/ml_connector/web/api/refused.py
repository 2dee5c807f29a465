"""Summaries that models have not taken: counted by cause, and one by one."""

from typing import Any

from ninja import Router, Schema

from ml_connector.ports import RefusedTally, Right
from ml_connector.web.api.shapes import Amount, OfFlow
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()


class TallyOut(Schema):
    """What is refused for one cause, in one period and currency."""

    flow: str
    cause: str
    period: str
    currency: str
    count: int
    amount: Amount


class TalliesOut(Schema):
    """By flow, cause, period and currency."""

    items: list[TallyOut]


@router.get("", response=TalliesOut, summary="What is refused, by cause")
@needs(Right.SEE)
def list_refused(request: Request, flow: OfFlow = "") -> dict[str, Any]:
    """Open refusals of every flow; their lines are told by the run that met them."""
    flows = [flow] if flow else sorted(request.house.project.flows)
    tallies: list[RefusedTally] = request.house.records.loads.load_tallies(flows=flows)
    return {"items": tallies}
