"""The close: where every company and period of every flow stands."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from typing import TYPE_CHECKING

from ml_connector.domain.periods import READABLE_STATES
from ml_connector.errors import UsageError
from ml_connector.flows.answers.cockpit import BurnDown, Cell
from ml_connector.settings import ActualsFlow
from ml_connector.wiring.parts import Part

if TYPE_CHECKING:
    from ml_connector.domain.working_days import WorkingDays
    from ml_connector.flows.answers.health import FlowFacts
    from ml_connector.flows.answers.reconciliation import SignedStanding

DAYS_BACK = 190
"""Days before today whose periods are shown where no year is asked for: half a year of them."""
RUNS_LOOKED_AT = 20
"""The last runs of a flow that its health and its charts are made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAnswer:
    """The close of some flows over some time."""

    cells: tuple[Cell, ...]
    today: date
    days: "WorkingDays"
    burn_down: BurnDown | None
    never_run: tuple[str, ...] = ()
    """Flows of actuals nobody has ever run: none of their periods is due."""


class Close(Part):
    """The house's close; the house itself supplies records, flows and signatures."""

    if TYPE_CHECKING:

        def list_signed(
            self, *, flow: str | None = None, first: date | None = None, last: date | None = None
        ) -> "list[SignedStanding]":
            """Every standing with the newest signature on it."""

    def load_close(self, *, flow: str = "", year: int = 0) -> CloseAnswer:
        """Every company and period of the flow or of all, of the year or of the last months."""
        from ml_connector.flows.answers import cockpit  # noqa: PLC0415 - start-up time.

        now = self.clock.now()
        today = now.date()
        first = date(year, 1, 1) if year else today - timedelta(days=DAYS_BACK)
        last = date(year, 12, 31) if year else None
        cells = [
            _make_cell(one) for one in self.list_signed(flow=flow or None, first=first, last=last)
        ]
        never_run = self._list_never_run({cell.flow for cell in cells}, flow=flow)
        unread = self._list_unread(cells, flow=flow, first=first, last=last or today)
        cells += [cell for cell in unread if cell.flow not in never_run]
        days = self.find_close_days()
        month = cockpit.find_closing_month(cells, today)
        closing = cockpit.list_closing(cells, month)
        pairs = [(cell.flow, cell.ledger, cell.period) for cell in closing]
        changes = self.records.standings.load_changes(pairs)
        burnt = cockpit.burn_down(closing, changes, month=month, days=days, now=now)
        return CloseAnswer(
            cells=tuple(cells), today=today, days=days, burn_down=burnt, never_run=never_run
        )

    def load_flow_facts(self, name: str) -> "FlowFacts":
        """What a flow's health is judged by."""
        from ml_connector.flows.answers.health import FlowFacts  # noqa: PLC0415 - as above.

        flow, records = self.project.flows[name], self.records
        connections = sorted({flow.source, flow.target})
        first = self.clock.now().date() - timedelta(days=DAYS_BACK)
        return FlowFacts(
            name=name, kind=flow.kind, runs=records.runs.load_runs(flow=name, limit=RUNS_LOOKED_AT),
            standings=records.standings.load_standings(flows=[name], first=first),
            refused=sum(row.count for row in records.loads.load_tallies(flows=[name])),
            connections=connections,
            tests=records.connections.load_last_tests(connections),
        )  # fmt: skip

    def read_run_file(self, run_id: str, file_hash: str) -> Iterator[bytes]:
        """Yield what the model said of a load of the run: its result, or a dump of refused rows.

        Raises:
            UsageError: The run has no such file.
        """
        loads = self.records.loads.load_loads(run_id=run_id)
        if not file_hash or file_hash not in {
            name for load in loads for name in (load.result_hash, *load.dump_hashes)
        }:
            raise UsageError(
                f"The run {run_id} has no file {file_hash}.",
                written="Nothing was changed.",
                next_step=f"See its loads: `ml-connector runs show {run_id}`.",
                run=run_id,
            )
        chunks = self.archive.read_bytes(file_hash)
        # What is not in the archive is told before anything is sent.
        return chain([next(chunks, b"")], chunks)

    def find_close_days(self) -> "WorkingDays":
        """The working days of the project's only calendar, or else Monday to Friday."""
        from ml_connector.flows.timetables import make_working_days  # noqa: PLC0415 - as above.

        calendars = list(self.project.calendars.values())
        return make_working_days(calendars[0] if len(calendars) == 1 else None)

    def _list_never_run(self, seen: Collection[str], *, flow: str) -> tuple[str, ...]:
        """Flows of actuals without any run: a flow that is only set up is late for nothing."""
        asked = (
            name for name, its in sorted(self.project.flows.items())
            if isinstance(its, ActualsFlow) and name == (flow or name) and name not in seen
        )  # fmt: skip
        return tuple(name for name in asked if not self.records.runs.load_runs(flow=name, limit=1))

    def _list_unread(
        self, cells: Iterable[Cell], *, flow: str, first: date, last: date
    ) -> list[Cell]:
        """Periods that the ERP has open or closed, and that no run of the flow has looked at."""
        known = {(cell.flow, cell.ledger, cell.period) for cell in cells}
        members = {(cell.flow, cell.date_last): cell.member for cell in cells}
        seen = [
            one for one in self.records.closing.load_periods()
            if one.state in READABLE_STATES and not one.period.is_adjustment
            and first <= one.period.date_last <= last
        ]  # fmt: skip
        return [
            Cell(
                flow=name, ledger=one.ledger, period=one.period.name,
                member=members.get((name, one.period.date_last), one.period.name),
                date_last=one.period.date_last, signed=None,
            )
            for name, its in self.project.flows.items()
            if isinstance(its, ActualsFlow) and name == (flow or name)
            for one in seen
            if one.connection == its.source and one.ledger in its.ledgers
            and one.period.month >= its.first_month
            and (name, one.ledger, one.period.name) not in known
        ]  # fmt: skip


def _make_cell(signed: "SignedStanding") -> Cell:
    its = signed.standing
    return Cell(
        flow=its.flow, ledger=its.ledger, period=its.period, member=its.member,
        date_last=its.date_last, signed=signed,
    )  # fmt: skip
