"""Where the close stands: every company and period, what is late, what is at stake."""

from datetime import date
from typing import Annotated, Any

from ninja import Query, Router, Schema
from pydantic import Field

from ml_connector.flows.answers.cockpit import (
    CLOSE_DAYS,
    DAYS_SHOWN_MAX,
    Cell,
    count_cells,
    list_late,
    sum_stakes,
)
from ml_connector.flows.answers.cockpit_listings import count_days_late
from ml_connector.ports import Right
from ml_connector.web.api.paging import ROWS_DEFAULT, After, Limit, Page, render_place, walk_page
from ml_connector.web.api.shapes import Amount, Instant, OfFlow, finding
from ml_connector.web.guards import Asked, needs
from ml_connector.wiring.close import CloseAnswer

router = Router()
CURRENCIES_MAX = 500
STAGES_MAX = 10
FIRST_YEAR, LAST_YEAR = 1990, 2200
OfYear = Annotated[
    int | None,
    Query(ge=FIRST_YEAR, le=LAST_YEAR, description="Without one: the last half year."),
]


class StakeOut(Schema):
    """What is at stake in one currency; differences of two companies never cancel each other."""

    currency: str
    unexplained: Amount
    unmapped: Amount
    refused: Amount
    unsent: Amount
    periods: int


class LeftOut(Schema):
    """Periods left at the end of a working day."""

    day: str
    periods: int


class BurnDownOut(Schema):
    """Periods of the closing month that were left at the end of each working day."""

    month: str
    total: int
    days: list[LeftOut] = Field(max_length=DAYS_SHOWN_MAX + 1)
    planned: list[LeftOut] = Field(
        max_length=DAYS_SHOWN_MAX + CLOSE_DAYS, description="An even pace."
    )


class CloseOut(Schema):
    """The close in figures."""

    today: date
    periods: int
    tied: int
    late: int
    differing: int
    stakes: list[StakeOut] = Field(max_length=CURRENCIES_MAX)
    burn_down: BurnDownOut | None = Field(description="null: no month has ended yet.")


class StageOut(Schema):
    """One stage of the chain."""

    stage: str
    state: str


class MoneyOut(Schema):
    """An amount."""

    amount: Amount
    currency: str


class ClosePeriodOut(Schema):
    """A period of a company in a flow: where its chain stands, and what is at stake."""

    flow: str
    ledger: str
    period: str
    member: str
    date_last: date | None
    state: str
    is_open: bool = Field(description="Whether something is to be done or waited for yet.")
    chain: list[StageOut] = Field(max_length=STAGES_MAX)
    stake: MoneyOut | None
    days_late: int = Field(description="Working days since its end; 0 where it is not late.")
    run_id: str | None = Field(description="The last run that looked at it.")


class WatchOut(Schema):
    """How following the periods of a connection goes."""

    connection: str
    next_look_at: Instant
    looked_at: Instant | None
    failures: int
    problem: str


@router.get("", response=CloseOut, summary="The close in figures")
@needs(Right.SEE)
def show_close(request: Asked, flow: OfFlow = "", year: OfYear = None) -> dict[str, Any]:
    """Counts, what is at stake by currency, and the burn-down."""
    answer = _load(request, flow, year)
    counts = count_cells(answer.cells, answer.today)
    stakes = sum_stakes(cell.standing for cell in answer.cells if cell.standing)
    burnt = answer.burn_down
    return {
        "today": answer.today, "periods": counts.periods, "tied": counts.tied,
        "late": counts.late, "differing": counts.differing, "stakes": stakes[:CURRENCIES_MAX],
        "burn_down": burnt and {
            "month": burnt.month, "total": burnt.total,
            "days": _tell_days(burnt.days), "planned": _tell_days(burnt.planned),
        },
    }  # fmt: skip


@router.get("/periods", response=Page[ClosePeriodOut], summary="Every company and period")
@needs(Right.SEE)
def list_periods(
    request: Asked, *, flow: OfFlow = "", year: OfYear = None,
    is_open: Annotated[bool, Query(alias="open", description="Those left to do only.")] = False,
    after: After = "", limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:  # fmt: skip
    """By flow, ledger and date, those that no run has looked at as well."""
    answer = _load(request, flow, year)
    cells = sorted(
        (cell for cell in answer.cells if cell.is_open or not is_open),
        key=lambda cell: (cell.flow, cell.ledger, cell.date_last or date.min, cell.period),
    )
    return _cut(answer, cells, after=after, limit=limit)


@router.get("/late", response=Page[ClosePeriodOut], summary="What is late")
@needs(Right.SEE)
def list_late_periods(
    request: Asked, flow: OfFlow = "", year: OfYear = None, after: After = "",
    limit: Limit = ROWS_DEFAULT,
) -> dict[str, Any]:  # fmt: skip
    """Periods that have ended and do not tie out: the worst first, then the oldest."""
    answer = _load(request, flow, year)
    return _cut(answer, list_late(answer.cells, answer.today), after=after, limit=limit)


@router.get("/watches", response=Page[WatchOut], summary="How following the books goes")
@needs(Right.SEE)
def list_watches(request: Asked, after: After = "", limit: Limit = ROWS_DEFAULT) -> dict[str, Any]:
    """Looks at the periods of each connection that schedules follow."""
    rows = request.house.list_watches()
    return walk_page(rows, after=after, limit=limit, find_key=lambda one: one.connection)


def _load(request: Asked, flow: str, year: int | None) -> CloseAnswer:
    if flow:
        with finding():
            request.house.flow(flow)
    return request.house.load_close(flow=flow, year=year or 0)


def _cut(answer: CloseAnswer, cells: list[Cell], *, after: str, limit: int) -> dict[str, Any]:
    page = walk_page(
        cells, after=after, limit=limit,
        find_key=lambda cell: render_place(cell.flow, cell.ledger, cell.period),
    )  # fmt: skip
    return {**page, "items": [_tell(answer, cell) for cell in page["items"]]}


def _tell(answer: CloseAnswer, cell: Cell) -> dict[str, Any]:
    names = ("flow", "ledger", "period", "member", "date_last", "is_open", "stake")
    return {
        **{name: getattr(cell, name) for name in names}, "state": cell.state.word,
        "chain": [{"stage": stage, "state": state.word} for stage, state in cell.chain],
        "days_late": count_days_late(cell, today=answer.today, days=answer.days),
        "run_id": cell.standing.run_id if cell.standing else None,
    }  # fmt: skip


def _tell_days(days: tuple[tuple[str, int], ...]) -> list[dict[str, Any]]:
    return [{"day": day, "periods": left} for day, left in days]
