"""Mapping rules: where lines go, why, and what no rule takes."""

from datetime import date
from typing import Annotated, Any

from ninja import Body, Query, Router, Schema
from pydantic import Field

from ml_connector.ports import Right
from ml_connector.ports.rules import Deed
from ml_connector.web.api.shapes import (
    ROWS_DEFAULT,
    Amount,
    Asked,
    Instant,
    Key,
    Limit,
    Name,
    PathName,
    Text,
    finding,
)
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()
FACTS_MAX = 50
"""Facts of one question."""


class RulesOut(Schema):
    """The rules of a flow, as they are kept: CSV."""

    csv: str


class VersionOut(Schema):
    """A deed in the history of a flow's rules."""

    number: int
    content_hash: str
    rules: int
    is_kept: bool
    deed: Deed
    comment: str
    actor: str
    at: Instant


class VersionsOut(Schema):
    """Versions, newest first."""

    items: list[VersionOut]


class QuestionAsked(Asked):
    """Facts of a line, such as account 68010, on a day."""

    facts: dict[Key, Key] = Field(max_length=FACTS_MAX)
    on: date


class LostOut(Schema):
    """A rule that fits and does not decide."""

    target: str
    why: str


class ExplainedOut(Schema):
    """How one dimension is decided."""

    dimension: str
    target: str | None = Field(description="null: no rule takes it.")
    lost: list[LostOut]


class AnswerOut(Schema):
    """How each mapped dimension is decided."""

    items: list[ExplainedOut]


class RuleAsked(Asked):
    """One rule more."""

    dimension: Name
    when: Name = Field(description="Such as account=68010.")
    target: Name
    note: Text = ""


class CoverageOut(Schema):
    """Where lines go."""

    ledger: str
    period: str
    currency: str
    placement: str
    lines: int
    debit: Amount
    credit: Amount


class UnmappedOut(Schema):
    """An account combination that no rule takes."""

    dimension: str
    ledger: str
    period: str
    combination: str
    stands_for: str
    currency: str
    lines: int
    debit: Amount
    credit: Amount


class CoveredOut(Schema):
    """Where archived lines go by the rules."""

    items: list[CoverageOut]
    unmapped: list[UnmappedOut] = Field(description="The largest amounts first.")


@router.get("/{flow}/rules", response=RulesOut, summary="The rules of a flow")
@needs(Right.SEE)
def show_rules(request: Request, flow: PathName) -> dict[str, Any]:
    """As they are kept now."""
    with finding():
        found = request.house.actuals_flow(flow)
    return {"csv": request.house.render_rules(found.name)}


@router.get("/{flow}/versions", response=VersionsOut, summary="The history of a flow's rules")
@needs(Right.SEE)
def list_versions(
    request: Request,
    flow: PathName,
    before: Annotated[int, Query(ge=0, description="Older than this number; 0: the newest.")] = 0,
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """Who changed them, when and why; newest first."""
    with finding():
        found = request.house.actuals_flow(flow)
    store = request.house.records.mappings
    return {"items": store.load_versions(found.name, limit=limit, before=before)}


@router.post("/{flow}/test", response=AnswerOut, summary="Which rule decides, and why")
@needs(Right.SEE)
def explain(
    request: Request, flow: PathName, wanted: Annotated[QuestionAsked, Body()]
) -> dict[str, Any]:
    """Nothing is changed."""
    with finding():
        found = request.house.actuals_flow(flow)
    explained = request.house.explain_mapping(found.name, wanted.facts, wanted.on)
    return {
        "items": [
            {
                "dimension": one.dimension, "target": one.target,
                "lost": [{"target": its.rule.target, "why": its.why} for its in one.lost],
            }
            for one in explained
        ]
    }  # fmt: skip


@router.get("/{flow}/coverage", response=CoveredOut, summary="Where lines go, in money")
@needs(Right.SEE)
def cover(
    request: Request,
    flow: PathName,
    period: Annotated[list[Key] | None, Query(description="Planning periods; all without.")] = None,
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:
    """The archived lines by the rules of now, and what no rule takes."""
    with finding():
        found = request.house.actuals_flow(flow)
    covered, unmapped = request.house.cover(found.name, period)
    return {
        "items": [_tell(one, "ledger", "period", "currency", "placement") for one in covered],
        "unmapped": [
            _tell(
                one, "dimension", "ledger", "period", "combination", "stands_for", "currency"
            )
            for one in unmapped[:limit]
        ],
    }  # fmt: skip


@router.post("/{flow}/rules", response={201: RulesOut}, summary="Add a rule")
@needs(Right.MAP)
def add_rule(
    request: Request, flow: PathName, wanted: Annotated[RuleAsked, Body()]
) -> dict[str, Any]:
    """The next run maps by it; one that is faulty or contradicts another is refused."""
    with finding():
        found = request.house.actuals_flow(flow)
    request.house.add_rule(
        found.name, dimension=wanted.dimension, when=wanted.when, target=wanted.target,
        note=wanted.note,
    )  # fmt: skip
    return {"csv": request.house.render_rules(found.name)}


def _tell(one: Any, *names: str) -> dict[str, Any]:
    totals = one.totals
    named = {name: getattr(one, name) for name in names}
    return {**named, "lines": totals.lines, "debit": totals.debit, "credit": totals.credit}
