"""An actuals flow over the fakes: real records and archive, everything else in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.fakes.clock import FakeClock
from tests.fakes.killing import Killer
from tests.fakes.ledger import CALENDAR, CHART, FakeSource, month
from tests.fakes.model import FakeTarget
from tests.fakes.steps import FakeSteps

from ml_connector.domain.ledger import Ledger
from ml_connector.engine.steps import SUMMARY_BYTES_MAX, copy_storable
from ml_connector.errors import ConnectorError
from ml_connector.flows.actuals import run_actuals
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.runs import finish_run
from ml_connector.ports import Archive, Json, Records, RunState
from ml_connector.settings import ActualsFlow

HEADING = "dimension,when,target,precedence,valid_from,valid_to,note\n"
RULES = ("entity,,{entity},,,,", "account,,{account},,,,")
TIMES = ["Jul 26", "Aug 26", "Sep 26", "Oct 26", "Nov 26", "Dec 26"]
DIMENSIONS: list[Json] = [
    {"name": "entity", "column": "Entity", "list": "Entities"},
    {"name": "account", "column": "Account", "list": "Accounts"},
    {"name": "period", "column": "Time", "source": "period"},
    {"name": "version", "column": "Version", "source": "version"},
    {"name": "currency", "column": "Currency", "list": "Currencies", "source": "currency"},
]
CODE = "Code"


def make_flow(name: str = "actuals", **changes: Any) -> ActualsFlow:
    """Settings of a small flow; `changes` replace its keys."""
    return ActualsFlow.model_validate(
        {
            "kind": "actuals", "name": name, "source": "erp", "target": "model",
            "ledgers": ["US"], "first_month": "2026-08", "dimensions": DIMENSIONS,
            "module": "Actuals", "mapping": "mappings/actuals.csv",
            "actions": {"load": "Load", "export": "Read back"},
        }
        | changes
    )  # fmt: skip


def make_source(clock: FakeClock, *ledgers: str) -> FakeSource:
    """An ERP of these ledgers, August to October of 2026 in one calendar."""
    return FakeSource(
        clock=clock,
        ledgers=[
            Ledger(name=name, ledger_id=name, currency="USD", chart=CHART.name, calendar=CALENDAR)
            for name in ledgers
        ],
        periods={name: [month(8), month(9), month(10)] for name in ledgers},
    )


def make_target(clock: FakeClock, flow: ActualsFlow) -> FakeTarget:
    """A model that fits the flow, its lists filled; names are no codes."""
    codes = {
        "Entities": ["101", "102"], "Accounts": ["4000", "5000", "6000", "9999"],
        "Currencies": ["USD", "JPY", "EUR"],
    }  # fmt: skip
    columns = tuple(dimension.column for dimension in flow.dimensions)
    is_append = flow.mode == "append"
    return FakeTarget(
        clock=clock,
        headers=(*columns, flow.amount_column, *([flow.code_column] if is_append else [])),
        lists={name: {code: f"{code} name" for code in its} for name, its in codes.items()},
        list_of={d.column: d.list for d in flow.dimensions if d.list},
        amount=flow.amount_column,
        code=flow.code_column if is_append else "",
        times=TIMES,
    )


@dataclass(slots=True, kw_only=True)
class FakeDesk:
    """Runs one flow as the engine would, and remembers each run's steps."""

    flow: ActualsFlow
    clock: FakeClock
    source: FakeSource
    target: FakeTarget
    records: Records
    archive: Archive
    rules: tuple[str, ...] = RULES
    siblings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Other flows of the same source with their ledgers."""
    facts: frozenset[str] | None = None
    """What rules may ask about a line."""
    twice: bool = False
    """Every step's body is executed twice."""
    killer: Killer | None = None
    """Watches every port the flow is given."""
    steps: dict[str, FakeSteps] = field(default_factory=dict)
    runs: int = 0

    def beside(self, flow: ActualsFlow) -> "FakeDesk":
        """Another flow of the same source, with a model of its own."""
        self.siblings[flow.name] = flow.ledgers
        return replace(
            self,
            flow=flow,
            target=replace(make_target(self.clock, flow), model_id=f"M-{flow.name}"),
            siblings={self.flow.name: self.flow.ledgers},
            steps={},
        )

    def change(self, **changes: Any) -> None:
        """The flow's settings stand as given."""
        self.flow = ActualsFlow.model_validate(self.flow.model_dump() | changes)

    def bench(self) -> ActualsBench:
        """The flow's bench as a house would make it now."""
        killer = self.killer or Killer(at=0)
        return ActualsBench(
            source=killer.watch(self.source, "source"),
            target=killer.watch(self.target, "target"),
            records=killer.watch_records(self.records),
            archive=self.archive,
            clock=self.clock,
            actor="tester",
            holder="here",
            flow=self.flow,
            mapping_text=HEADING + "\n".join(self.rules) + "\n",
            ledgers_by_flow={self.flow.name: self.flow.ledgers} | self.siblings,
            facts=self.facts,
        )

    def run(self, after_body: Callable[[str], None] = lambda _: None, **request: Any) -> Json:
        """The summary of a new run."""
        self.runs += 1
        run_id = f"{self.flow.name}-{self.runs}"
        self.records.runs.create_run(
            run_id=run_id, flow=self.flow.name, kind="actuals", actor="tester", request=request
        )

        def record(name: str, result: Json) -> None:
            row = self.records.runs.record_step_started(run_id, name)
            self.records.runs.record_step_finished(row, state="done", result=result)

        self.steps[run_id] = FakeSteps(
            run_id=run_id, after_body=after_body, on_done=record, twice=self.twice
        )
        return self.resume(run_id)

    def resume(self, run_id: str = "") -> Json:
        """The summary of a run that goes on; the newest one unless named."""
        steps = self.steps[run_id or f"{self.flow.name}-{self.runs}"].begin()
        request = self.records.runs.load_run(steps.run_id).request
        self.records.runs.save_run(steps.run_id, RunState.RUNNING)
        try:
            summary = run_actuals(steps, request, self.bench())
            summary = copy_storable(summary, what="summary", bytes_max=SUMMARY_BYTES_MAX)
        except ConnectorError as error:
            finish_run(self.records, steps.run_id, summary=None, error=error)
            raise
        finish_run(self.records, steps.run_id, summary=summary, error=None)
        self.clock.sleep(60)
        return summary

    def list_steps(self, run_id: str = "") -> list[str]:
        """Names of the steps a run has done."""
        return [name for name, _ in self.steps[run_id or f"{self.flow.name}-{self.runs}"].history]
