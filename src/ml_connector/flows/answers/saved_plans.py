"""A saved plan of actuals as it stands in the records of the run that made it."""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice

from ml_connector.domain.plan import PlanGuardError, PlannedCell
from ml_connector.errors import UsageError
from ml_connector.flows.answers.plans_listings import LARGEST_SHOWN, CurrencyOf
from ml_connector.flows.ledger.currencies import currency_of
from ml_connector.flows.pins import PREFLIGHT
from ml_connector.flows.planning.plans import verify_totals
from ml_connector.ports import Archive, Json, PlanRow, Records, RunRow
from ml_connector.settings import ActualsFlow

PLAN_STEP = "plan: "
SAVE_STEP = "plan: save"
CELLS_SHOWN_MAX = 20_000
"""Cells that can be paged through one by one; the file of the table holds all of them."""
CELLS_SEARCHED_MAX = 100_000
"""Cells that are compared to find the largest movements, in the plan's own order."""


class ForgottenPlanError(UsageError):
    """Nothing is known of a plan any more, or it never was."""

    code = "plan.forgotten"


@dataclass(frozen=True, kw_only=True)
class SavedPlan:
    """What a run has planned for the model, as it was archived.

    Attributes:
        row: The plan.
        run: Who made it.
        members: Totals and file of each planning period.
        currencies: Where the currency of a cell is found.
        archive: Holds the cells.
    """

    row: PlanRow
    run: RunRow
    members: Mapping[str, Json] = field(repr=False)
    currencies: Json = field(repr=False)
    archive: Archive = field(repr=False)

    @property
    def currency_of(self) -> CurrencyOf:
        """The currency of a cell by its key."""
        return partial(currency_of, self.currencies)

    @cached_property
    def count(self) -> int:
        """Cells that change."""
        return sum(its["cells"] for its in self.members.values())

    def read_cells(self, member: str = "", *, start: int = 0) -> Iterator[PlannedCell]:
        """Yield cells from `start` on, of one period where one is named, in the plan's order."""
        named = [member] if member in self.members else list(self.members)
        for name in named:
            its = self.members[name]
            if start >= its["cells"]:
                start -= its["cells"]
                continue
            yield from islice(self.archive.read_plan(its["plan"]), start, None)
            start = 0

    def find_largest(self, member: str = "") -> list[PlannedCell]:
        """The cells that move most."""
        some = islice(self.read_cells(member), CELLS_SEARCHED_MAX)
        return heapq.nlargest(LARGEST_SHOWN, some, key=lambda cell: abs(cell.after - cell.before))

    def find_tripped(self, flow: ActualsFlow) -> tuple[str, ...]:
        """Guards of the flow that the plan trips, each in a sentence."""
        try:
            verify_totals(flow, self.row.totals, self.members)
        except PlanGuardError as error:
            return error.tripped
        return ()


def load_saved_plan(records: Records, archive: Archive, key: str) -> SavedPlan:
    """The plan of that hash, or the one that the run of that id has made.

    Raises:
        ForgottenPlanError: There is none, or its run is not known any more.
    """
    row = records.loads.find_plan(key)
    try:
        run = records.runs.load_run(row.run_id if row else key)
    except UsageError as error:
        raise _refuse(key) from error
    steps = {step.name: step.result for step in records.runs.load_steps(run.run_id) if step.result}
    made = str(steps.get(SAVE_STEP, {}).get("plan_hash", ""))
    row = row or (records.loads.find_plan(made) if made else None)
    if row is None or PREFLIGHT not in steps:
        raise _refuse(key)
    members = {
        member: steps[PLAN_STEP + member]
        for member in row.periods
        if "plan" in steps.get(PLAN_STEP + member, {})
    }
    order = {member: number for number, member in enumerate(run.summary.get("periods", ()))}
    ordered = sorted(members, key=lambda member: (order.get(member, len(order)), member))
    return SavedPlan(
        row=row, run=run, members={member: members[member] for member in ordered},
        currencies=steps[PREFLIGHT]["currencies"], archive=archive,
    )  # fmt: skip


def _refuse(key: str) -> ForgottenPlanError:
    return ForgottenPlanError(
        f"There is no plan {key!r}, or the run that made it never came so far.",
        written="Nothing was changed.",
        next_step="See the plans that wait: `ml-connector approvals list`.",
        plan=key,
    )
