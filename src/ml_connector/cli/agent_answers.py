"""What an agent is told: tables with exact amounts as text, never more than fits a conversation."""

import json
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from ml_connector.errors import BlockedError
from ml_connector.flows.answers.listing import Listing, Money, render_bare
from ml_connector.ports import ApprovalState, RunRow
from ml_connector.ports.unmapped import UnmappedFilter
from ml_connector.wiring import House

ROWS_DEFAULT = 50
ROWS_MAX = 200
CHARACTERS_MAX = 40_000
"""Of one answer; what does not fit is counted, and asked for by a narrower question."""
TEXT_MAX = 500
"""Characters of one cell; the rest is a person's to read on the page."""


class UnaskedError(BlockedError):
    """A flow would write into an ERP without asking anybody; an agent may not start that."""

    code = "agents.unasked"


def tell_status(house: House) -> dict[str, Any]:
    """Each flow: its last run, the periods it owes the model, what was refused."""
    rows: list[Sequence[Any]] = []
    for name in sorted(house.project.flows):
        last = next(iter(house.records.runs.load_runs(flow=name, limit=1)), None)
        rows.append(
            (
                name, house.flow(name).kind, last.run_id if last else "",
                str(last.state) if last else "never run", last.finished_at if last else None,
                len(house.records.batches.load_touched(name)),
                house.records.loads.count_refused(name),
            )
        )  # fmt: skip
    columns = ("Flow", "Kind", "Last run", "State", "Ended (UTC)", "Periods owed", "Refused")
    return render(Listing(columns=columns, rows=rows))


def tell_runs(house: House, *, flow: str, limit: int) -> dict[str, Any]:
    """The newest runs."""
    if flow:
        house.flow(flow)
    rows = house.records.runs.load_runs(flow=flow or None, limit=_fit(limit) + 1)
    columns = ("Run", "Flow", "Kind", "State", "By", "Started (UTC)", "Ended (UTC)")
    return render(
        Listing(
            columns=columns, empty="No run yet.",
            rows=[
                (
                    row.run_id, row.flow, row.kind, str(row.state), row.actor, row.created_at,
                    row.finished_at,
                )
                for row in rows
            ],
        ),
        limit=limit, is_open=True,
    )  # fmt: skip


def tell_run(house: House, run_id: str) -> dict[str, Any]:
    """A run: what was asked, what it came to in money, what stopped it, its steps."""
    return _tell_run(house, house.records.runs.load_run(run_id))


def _tell_run(house: House, run: RunRow) -> dict[str, Any]:
    from ml_connector.flows.answers.run_listings import list_results  # noqa: PLC0415 - start-up.

    steps = house.records.runs.load_steps(run.run_id)
    return {
        "run": run.run_id, "flow": run.flow, "kind": run.kind, "state": str(run.state),
        "by": run.actor, "asked": run.request, "started": run.created_at.isoformat(),
        "ended": run.finished_at.isoformat() if run.finished_at else None,
        "error": run.error or None,
        "results": {
            one.title: render(one.listing, characters=CHARACTERS_MAX // 4)
            for one in list_results(run.kind, run.summary)
        },
        "steps": [f"{one.name}: {one.state}" for one in steps[-ROWS_DEFAULT:]],
    }  # fmt: skip


def tell_reconciliation(house: House, *, flow: str, limit: int) -> dict[str, Any]:
    """How ledger and model stand, period by period: what is unexplained, and who signed."""
    from ml_connector.flows.answers.reconciliation_listings import (  # noqa: PLC0415 - start-up.
        list_periods,
    )

    if flow:
        house.flow(flow)
    return render(list_periods(house.list_signed(flow=flow or None)), limit=limit)


def tell_refused(house: House, *, flow: str, limit: int) -> dict[str, Any]:
    """What the model did not take, by cause."""
    from ml_connector.flows.answers.refused_listings import (  # noqa: PLC0415 - start-up time.
        gather_causes,
        list_causes,
    )

    flows = [house.flow(flow).name] if flow else sorted(house.project.flows)
    return render(
        list_causes(gather_causes(house.records.loads.load_tallies(flows=flows))), limit=limit
    )


def tell_unmapped(house: House, *, flow: str, limit: int) -> dict[str, Any]:
    """Values no rule takes, the largest amount first."""
    asked = UnmappedFilter(flow=house.actuals_flow(flow).name if flow else "")
    return render(house.list_unmapped(asked, limit=_fit(limit) + 1), limit=limit, is_open=True)


def tell_trace(house: House, *, key: str, limit: int) -> dict[str, Any]:
    """Everything known of a key: batch, account, run, task, posting, member."""
    found = islice(house.trace(key), _fit(limit) + 1)
    rows = [(one.place, one.at, one.run_id, one.text) for one in found]
    listing = Listing(
        columns=("Where", "When (UTC)", "Run", "What"), rows=rows, empty="Nothing is known of it."
    )
    return render(listing, limit=limit, is_open=True)


def tell_schedules(house: House) -> dict[str, Any]:
    """Schedules: when each is due, and what became of the last time."""
    from ml_connector.flows.answers.schedule_listings import (  # noqa: PLC0415 - start-up time.
        list_schedules,
    )

    return render(list_schedules(house.list_schedules()))


def tell_approvals(house: House, *, waiting_only: bool, limit: int) -> dict[str, Any]:
    """Plans that wait for people, or all; an agent decides on none of them."""
    from ml_connector.flows.answers.plans_listings import list_plans  # noqa: PLC0415 - start-up.

    states = [ApprovalState.WAITING] if waiting_only else []
    found = house.records.approvals.load_approvals(states=states, limit=_fit(limit) + 1)
    return render(list_plans(found, empty="No plan waits."), limit=limit, is_open=True)


def plan(house: House, flow: str, request: dict[str, Any]) -> dict[str, Any]:
    """What a run would change, in money; nothing is sent to any system."""
    return _tell_run(house, house.run(flow, {**request, "dry_run": True}))


def ask(house: House, flow: str) -> dict[str, Any]:
    """The plan of a flow that writes into an ERP waits for people; nothing is written.

    Raises:
        UnaskedError: The flow asks nobody.
    """
    settings = house.writing_flow(flow)
    if settings.approval.people < 1:
        raise UnaskedError(
            f"The flow {flow} writes into the ERP without asking anybody (`approval.people: 0`).",
            written="Nothing was read or sent.",
            next_step=f"Let a person run it: `ml-connector run {flow}`.",
            flow=flow,
        )
    return _tell_run(house, house.run(settings.name, {}))


def render(
    listing: Listing,
    *,
    limit: int = ROWS_MAX,
    characters: int = CHARACTERS_MAX,
    is_open: bool = False,
) -> dict[str, Any]:
    """The table as text; of one that does not fit the first rows, and how many are left out.

    Args:
        listing: The table.
        limit: Most rows that are told.
        characters: Most that the rows have together.
        is_open: Whether it was read only as far as it is told, and one row more.
    """
    kept: list[list[Any]] = []
    for row in islice(listing.rows, _fit(limit)):
        shown = [_render(cell) for cell in row]
        characters -= len(json.dumps(shown))
        if characters < 0:
            break
        kept.append(shown)
    told = {"columns": list(listing.columns), "rows": kept}
    left: int | str = len(listing.rows) - len(kept)
    left = f"at least {left}" if is_open and left else left
    return {**told, "rows_left_out": left} if listing.rows else {**told, "note": listing.empty}


def _render(cell: Any) -> Any:
    if isinstance(cell, Money):
        return f"{render_bare(cell)} {cell.currency}".strip()
    bare = render_bare(cell)
    return bare[:TEXT_MAX] if isinstance(bare, str) else bare


def _fit(limit: int) -> int:
    return max(1, min(limit, ROWS_MAX))


Answer = Callable[[House], dict[str, Any]]
