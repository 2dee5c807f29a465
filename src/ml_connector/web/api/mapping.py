"""Mapping rules: what they are, where lines go by them and why, and how they came to be."""

from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Body, Query, Router, Schema
from pydantic import Field

from ml_connector.domain.mapping_rules import COLUMNS, MappingDiff, MappingRule, render_rule
from ml_connector.ports import Right
from ml_connector.ports.rules import Deed
from ml_connector.web.api.paging import (
    ROWS_DEFAULT,
    After,
    Limit,
    Page,
    cut_page,
    read_number,
    render_place,
    walk_page,
)
from ml_connector.web.api.shapes import (
    KEY_MAX,
    Amount,
    Asked,
    Day,
    Instant,
    Key,
    Line,
    PathName,
    finding,
)
from ml_connector.web.api.snapshots import keep_rows
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs
from ml_connector.web.tables import XLSX

router = Router()
FACTS_MAX = 50
"""Facts of one question."""
EXPLAINED_MAX = 1_000
"""Dimensions explained, and rules that lose in each."""
Which = Annotated[
    str,
    Query(
        max_length=KEY_MAX, pattern=Line,
        description="Number of a version, or `file`; empty: in force.",
    ),
]  # fmt: skip
OfPeriod = Annotated[
    list[Key] | None, Query(description="Planning periods; all without.", max_length=100)
]


class RulebookOut(Schema):
    """The rules a flow goes by, and who keeps them."""

    flow: str
    number: int = Field(description="Of the newest version: what a change is begun from.")
    rules: int
    is_kept: bool = Field(description="By the records; else by the project's file.")
    file_differs: bool


class RuleOut(Schema):
    """One rule, as its file writes it."""

    place: int = Field(description="In file order, from 0; of the version that was asked for.")
    rule_id: str
    dimension: str
    when: str
    target: str
    precedence: str
    valid_from: str
    valid_to: str
    note: str


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


class RuleDifferenceOut(Schema):
    """A rule that differs between two sets of rules."""

    how: str = Field(description="added, removed, changed, or moved: only its place.")
    dimension: str
    when: str
    before: str = Field(description="Its target.")
    after: str


class MovedOut(Schema):
    """Lines of a planning period that would go to another member."""

    member: str
    dimension: str
    before: str = Field(description="Empty: no rule takes them.")
    after: str
    currency: str
    lines: int
    debit: Amount
    credit: Amount


class QuestionAsked(Asked):
    """Facts of a line, such as account 68010, on a day."""

    facts: dict[Key, Key] = Field(max_length=FACTS_MAX)
    on: Day


class LostOut(Schema):
    """A rule that fits and does not decide."""

    target: str
    why: str


class ExplainedOut(Schema):
    """How one dimension is decided."""

    dimension: str
    target: str | None = Field(description="null: no rule takes it.")
    lost: list[LostOut] = Field(max_length=EXPLAINED_MAX)


class AnswerOut(Schema):
    """How each mapped dimension is decided."""

    items: list[ExplainedOut] = Field(max_length=EXPLAINED_MAX)


class CoverageOut(Schema):
    """Where lines go."""

    ledger: str
    period: str
    currency: str
    placement: str
    lines: int
    debit: Amount
    credit: Amount


class CombinationOut(Schema):
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


@router.get("/{flow}", response=RulebookOut, summary="Who keeps a flow's rules")
@needs(Right.SEE)
def show_rulebook(request: Request, flow: PathName) -> dict[str, Any]:
    """The records, or the project's file; and whether the two differ."""
    held = request.house.find_rules(find_flow(request, flow))
    return {
        "flow": flow, "number": held.number, "rules": len(held.mapping.rules),
        "is_kept": held.is_kept, "file_differs": held.drift is not None,
    }  # fmt: skip


@router.get("/{flow}/entries", response=Page[RuleOut], summary="The rules one by one")
@needs(Right.SEE)
def list_rules(
    request: Request, flow: PathName, version: Which = "", after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:  # fmt: skip
    """In file order, each with its place; with a version, nothing moves between two pages."""
    name, start = find_flow(request, flow), read_number(after)
    with finding():
        rules = request.house.find_rules_of(name, version).rules
    told = [_tell_rule(rule, place) for place, rule in enumerate(rules[start:][: limit + 1], start)]
    return cut_page(told, limit=limit, find_key=lambda one: str(one["place"] + 1))


@router.get(
    "/{flow}/workbook", summary="The rules as a workbook",
    openapi_extra={
        "responses": {
            200: {
                "description": "It can be changed and imported.",
                "content": {XLSX: {"schema": {"type": "string", "format": "binary"}}},
            }
        }
    },
)  # fmt: skip
@needs(Right.SEE)
def fetch_workbook(request: Request, flow: PathName, version: Which = "") -> HttpResponse:
    """Those in force, or of a version."""
    name = find_flow(request, flow)
    with finding():
        content = request.house.render_rules_workbook(name, version)
    headers = {"Content-Disposition": f'attachment; filename="{name}.xlsx"'}
    return HttpResponse(content, content_type=XLSX, headers=headers)


@router.get("/{flow}/versions", response=Page[VersionOut], summary="The history of a flow's rules")
@needs(Right.SEE)
def list_versions(
    request: Request, flow: PathName, after: After = "", limit: Limit = ROWS_DEFAULT
) -> dict[str, Any]:
    """Who changed them, when and why; newest first."""
    name, store = find_flow(request, flow), request.house.records.mappings
    rows = store.load_versions(name, limit=limit + 1, before=read_number(after))
    return cut_page(rows, limit=limit, find_key=lambda one: str(one.number))


@router.get(
    "/{flow}/diff", response=Page[RuleDifferenceOut], summary="What differs between two sets"
)
@needs(Right.SEE)
def list_differences(
    request: Request, flow: PathName, before: Which = "", other: Which = "", after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:  # fmt: skip
    """From `before` to `other`: versions, the project's file, or those in force."""
    name = find_flow(request, flow)
    with finding():
        old, new = (request.house.find_rules_of(name, side) for side in (before, other))
    told = tell_differences(request.house.compare_rules(old, new))
    return walk_page(told, after=after, limit=limit, find_key=lambda one: one["number"])


@router.get("/{flow}/moved", response=Page[MovedOut], summary="What a change of rules would move")
@needs(Right.SEE)
def list_moved(
    request: Request, flow: PathName, before: Which = "", other: Which = "", after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:  # fmt: skip
    """In money, from the archive's lines; they are weighed when the list is begun."""
    name = find_flow(request, flow)
    with finding():
        old, new = (request.house.find_rules_of(name, side) for side in (before, other))
    hashes = (old.content_hash, new.content_hash)
    moved = keep_rows(
        request, "moved", name, *hashes, after=after,
        make=lambda: request.house.weigh_rules(name, old, new).moved,
    )  # fmt: skip
    told = [_tell(one, "member", "dimension", "before", "after", "currency") for one in moved]
    return walk_page(
        told, after=after, limit=limit,
        find_key=lambda one: render_place(
            *(one[name] for name in ("member", "dimension", "before", "after", "currency"))
        ),
    )  # fmt: skip


@router.post("/{flow}/test", response=AnswerOut, summary="Which rule decides, and why")
@needs(Right.SEE)
def explain(
    request: Request, flow: PathName, wanted: Annotated[QuestionAsked, Body()]
) -> dict[str, Any]:
    """Nothing is changed."""
    explained = request.house.explain_mapping(find_flow(request, flow), wanted.facts, wanted.on)
    return {
        "items": [
            {
                "dimension": one.dimension, "target": one.target,
                "lost": [
                    {"target": its.rule.target, "why": its.why}
                    for its in one.lost[:EXPLAINED_MAX]
                ],
            }
            for one in explained[:EXPLAINED_MAX]
        ]
    }  # fmt: skip


@router.get("/{flow}/coverage", response=Page[CoverageOut], summary="Where lines go, in money")
@needs(Right.SEE)
def cover(
    request: Request, *, flow: PathName, period: OfPeriod = None,
    placed: Annotated[bool, Query(description="As runs last placed them: quick.")] = False,
    after: After = "", limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:  # fmt: skip
    """By the rules of now, summed when the list is begun; or as runs last placed the lines."""
    name = find_flow(request, flow)
    if placed:
        reach = request.house.find_reach(name, (period or ["*"])[0])
        told = [
            {**dict(zip(COVERED, key, strict=True)), **_tell_totals(totals)}
            for key, totals in sorted(reach.placed.items())
        ]
    else:
        covered = keep_rows(
            request, "coverage", name, *(period or ()), after=after,
            make=lambda: request.house.cover(name, period)[0],
        )  # fmt: skip
        told = [_tell(one, *COVERED) for one in covered]
    return walk_page(
        told, after=after, limit=limit,
        find_key=lambda one: render_place(*(one[part] for part in COVERED)),
    )  # fmt: skip


@router.get(
    "/{flow}/combinations", response=Page[CombinationOut], summary="Combinations no rule takes"
)
@needs(Right.SEE)
def list_combinations(
    request: Request, flow: PathName, period: OfPeriod = None, after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:  # fmt: skip
    """The largest amounts first, by the rules of now; summed when the list is begun."""
    name = find_flow(request, flow)
    unmapped = keep_rows(
        request, "combinations", name, *(period or ()), after=after,
        make=lambda: request.house.cover(name, period)[1],
    )  # fmt: skip
    told = [_tell(one, *COMBINED, "stands_for") for one in unmapped]
    return walk_page(
        told, after=after, limit=limit,
        find_key=lambda one: render_place(*(one[part] for part in COMBINED)),
    )  # fmt: skip


COVERED = ("ledger", "period", "currency", "placement")
COMBINED = ("dimension", "ledger", "period", "currency", "combination")


def find_flow(request: Request, flow: str) -> str:
    """The name of a flow with rules.

    Raises:
        MissingError: There is none, or it has no rules.
    """
    with finding():
        return request.house.actuals_flow(flow).name


def tell_differences(diff: MappingDiff) -> list[dict[str, str]]:
    """Each rule that differs, numbered."""
    rows = [("added", rule, "", rule.target) for rule in diff.added]
    rows += [("removed", rule, rule.target, "") for rule in diff.removed]
    rows += [("changed", its.after, its.before.target, its.after.target) for its in diff.changed]
    rows += [("moved", rule, rule.target, rule.target) for rule in diff.moved]
    return [
        {"how": how, "dimension": rule.dimension, "when": rule.when, "before": before,
         "after": after, "number": str(number)}
        for number, (how, rule, before, after) in enumerate(rows, start=1)
    ]  # fmt: skip


def _tell_rule(rule: MappingRule, place: int) -> dict[str, Any]:
    cells = dict(zip(COLUMNS, render_rule(rule), strict=True))
    return {**cells, "place": place, "rule_id": rule.rule_id}


def _tell(one: Any, *names: str) -> dict[str, Any]:
    return {**{name: getattr(one, name) for name in names}, **_tell_totals(one.totals)}


def _tell_totals(totals: Any) -> dict[str, Any]:
    return {"lines": totals.lines, "debit": totals.debit, "credit": totals.credit}
