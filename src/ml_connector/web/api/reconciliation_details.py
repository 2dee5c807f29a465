"""One period from the ERP to the model: its accounts, its cells, what differs, what bars it."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Annotated, Any, TypeVar

from ninja import Query, Router, Schema
from pydantic import Field

from ml_connector.flows.answers.reconciliation import SignedStanding, list_stated, scope_of
from ml_connector.flows.answers.reconciliation_accounts import PeriodDetail
from ml_connector.ports import Right
from ml_connector.ports.standings import Standing
from ml_connector.web.api.paging import (
    ROWS_DEFAULT,
    After,
    Limit,
    Page,
    UnfitCursorError,
    cut_page,
    read_place,
    render_place,
    walk_page,
)
from ml_connector.web.api.problems import MissingError
from ml_connector.web.api.reconciliation import StandingOut, tell_standing
from ml_connector.web.api.shapes import Amount, Name
from ml_connector.web.details import find_detail
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()
Row = TypeVar("Row")
SENTENCES_MAX = 1_000
"""Obstacles, or things stated, of one period."""


class PeriodOut(StandingOut):
    """A period, and whether it may be signed."""

    obstacles: list[str] = Field(max_length=SENTENCES_MAX, description="Empty: it may be signed.")
    stated: list[str] = Field(max_length=SENTENCES_MAX, description="Who signs stands for this.")
    may_withdraw: bool = Field(description="Whether the caller may take the signature back.")


class AccountOut(Schema):
    """Where one account combination's amount went, debit positive."""

    combination: str
    currency: str
    erp: Amount
    archived: Amount
    excluded: Amount
    unmapped: Amount
    suspense: Amount
    mapped: Amount
    unexplained: Amount
    lines: int


class CellOut(Schema):
    """One cell of the model, in the model's sign."""

    key: list[str]
    currency: str
    given: Amount = Field(description="What this ledger's lines say.")
    wanted: Amount = Field(description="What all lines say.")
    held: Amount
    difference: Amount
    lines: int
    is_refused: bool


class DifferenceOut(Schema):
    """A difference between two hops."""

    hop: str
    sentence: str


class PeriodWanted(Schema):
    """Which period."""

    flow: Name
    ledger: Name = Field(description="Or company.")
    period: Name = Field(description="By the ledger's own name.")


class RowsAsked(PeriodWanted):
    """Which period, and which of its rows."""

    differs: bool = Field(default=False, description="Those that differ only.")


@router.get("/period", response=PeriodOut, summary="One period, and what bars its signature")
@needs(Right.SEE)
def show_period(request: Request, asked: Annotated[PeriodWanted, Query()]) -> dict[str, Any]:
    """As the last run that looked at it left it."""
    standing, house = _find(request, asked), request.house
    scope = scope_of(standing)
    signed = SignedStanding(
        standing=standing, sign_off=house.records.sign_offs.find_newest([scope]).get(scope)
    )
    return {
        **tell_standing(signed), "obstacles": house.list_obstacles(standing)[:SENTENCES_MAX],
        "stated": list(list_stated(standing))[:SENTENCES_MAX],
        "may_withdraw": signed.sign_off is not None and house.may_withdraw(signed.sign_off),
    }  # fmt: skip


@router.get("/accounts", response=Page[AccountOut], summary="A period by account")
@needs(Right.SEE)
def list_accounts(
    request: Request, asked: Annotated[RowsAsked, Query()],
    after: After = "", limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:  # fmt: skip
    """By currency and account combination, as the tie-out saw them; a hundred thousand at most."""
    detail, place = _read(request, _find(request, asked)), read_place(after, 2)
    rows = _go_on(detail.accounts, place, after=after, key=lambda r: (r.currency, r.combination))
    return cut_page(
        list(islice((row for row in rows if row.unexplained or not asked.differs), limit + 1)),
        limit=limit, find_key=lambda row: render_place(row.currency, row.combination),
    )  # fmt: skip


@router.get("/cells", response=Page[CellOut], summary="A period by cell of the model")
@needs(Right.SEE)
def list_cells(
    request: Request, asked: Annotated[RowsAsked, Query()],
    after: After = "", limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:  # fmt: skip
    """By intersection, as the tie-out saw them; a hundred thousand at most."""
    detail = _read(request, _find(request, asked))
    place = read_place(after, len(detail.cells[0].key) if detail.cells else 0)
    rows = _go_on(detail.cells, place, after=after, key=lambda row: row.key)
    return cut_page(
        list(islice((row for row in rows if row.difference or not asked.differs), limit + 1)),
        limit=limit, find_key=lambda row: render_place(*row.key),
    )  # fmt: skip


@router.get("/differences", response=Page[DifferenceOut], summary="What differs in a period")
@needs(Right.SEE)
def list_differences(
    request: Request, asked: Annotated[PeriodWanted, Query()],
    after: After = "", limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:  # fmt: skip
    """Of any hop, each as a sentence."""
    detail = _read(request, _find(request, asked))
    told = [
        {"hop": str(row["hop"]), "sentence": str(row["sentence"]), "number": str(number)}
        for number, row in enumerate(detail.differences, start=1)
    ]
    return walk_page(told, after=after, limit=limit, find_key=lambda one: one["number"])


def _find(request: Request, asked: PeriodWanted) -> Standing:
    found = request.house.records.standings.find_standing(asked.flow, asked.ledger, asked.period)
    if found is None:
        raise MissingError(
            f"No run has looked at {asked.period} of {asked.ledger} in {asked.flow}.",
            written="Nothing was done.", next_step="List periods: GET /api/v1/reconciliation.",
        )  # fmt: skip
    return found


def _go_on(
    rows: Sequence[Row], place: tuple[str, ...], *, after: str,
    key: Callable[[Row], tuple[str, ...]],
) -> Iterator[Row]:  # fmt: skip
    """The rows behind the one of that place; they ascend, so none before it is looked at."""
    start = bisect_right(rows, place, key=key) if after else 0
    if after and (start == 0 or key(rows[start - 1]) != place):
        raise UnfitCursorError(after)
    return islice(rows, start, None)


def _read(request: Request, standing: Standing) -> PeriodDetail:
    return find_detail(request.house.archive, standing)
