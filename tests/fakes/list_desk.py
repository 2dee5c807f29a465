"""A dimensions flow of one list over the fakes: real records and archive, the rest in memory."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import FakeSource
from tests.fakes.model import FakeTarget, Row
from tests.fakes.steps import FakeSteps

from ml_connector.domain.dimensions import Member
from ml_connector.engine.steps import SUMMARY_BYTES_MAX, copy_storable
from ml_connector.errors import ConnectorError
from ml_connector.flows.bench import DimensionsBench
from ml_connector.flows.dimensions import run_dimensions
from ml_connector.flows.runs import finish_run
from ml_connector.ports import (
    Action,
    Archive,
    Clock,
    Json,
    LoadOutcome,
    Records,
    TargetMember,
    TaskResult,
    TaskState,
)
from ml_connector.settings import DimensionsFlow

LIST = "Suppliers"
BOOLEANS = frozenset({"", "1", "0", "true", "false", "yes", "no"})
PROPERTIES = {"one_time": "One-Time", "alias": "Alias"}


@dataclass(slots=True, kw_only=True)
class FakeLists(FakeTarget):
    """A model of one list; its items are what the import has made of the rows."""

    boolean: str = "One-Time"
    """Column that takes booleans only; anything else is left out with a warning."""
    ends_as: str = ""
    """How the next tasks end, other than well: `ignored`, `lost`, `vanished`."""

    def read_list_members(self, list_name: str) -> Iterator[TargetMember]:
        """The items by code."""
        assert list_name == LIST
        for code, item in self.items.items():
            yield TargetMember(name=item["Name"], code=code, parent="")

    def read_task(self, action: Action, task_id: str) -> TaskResult:
        """At its end, in one of the ways a test may wish for."""
        result = self.tasks[task_id].result
        if self.ends_as == "vanished":
            return TaskResult(task_id=task_id, state=TaskState.VANISHED)
        if self.ends_as == "ignored":
            return replace(result, outcome=LoadOutcome.IGNORED, rows_ignored=1, dump_object_ids=())
        return result

    def read_dump(self, action: Action, task_id: str, object_id: str) -> Iterator[bytes]:
        """The dump, unless it is lost."""
        yield b"" if self.ends_as == "lost" else self.tasks[task_id].dump

    def _import(self) -> bytes:
        content = b"".join(self.chunks[index] for index in sorted(self.chunks)).decode()
        rows = list(csv.DictReader(io.StringIO(content)))
        self.loaded.append(rows)
        dumped: list[tuple[str, Row, int, str]] = []
        for number, row in enumerate(rows, start=2):
            reason = self.refuse(row)
            if reason:
                dumped.append(("E", row, number, reason))
                continue
            text = row.get(self.boolean, "")
            taken = dict(row)
            if text.casefold() not in BOOLEANS:
                dumped.append(("W", row, number, f"Invalid boolean: {text}"))
                taken[self.boolean] = self.items.get(row["Code"], {}).get(self.boolean, "")
            self.items[row["Code"]] = taken
        return self._render_dump(dumped)


@dataclass(slots=True, kw_only=True)
class ListDesk:
    """Runs the flow as the engine would; every step's body twice, as after a crash."""

    flow: DimensionsFlow
    clock: Clock
    source: FakeSource
    target: FakeLists
    records: Records
    archive: Archive
    runs: int = 0
    steps: list[str] = field(default_factory=list)
    """Names of the steps the last run has done."""

    def run(self, **request: Any) -> Json:
        """The summary of a new run."""
        self.runs += 1
        steps = FakeSteps(run_id=f"run-{self.runs}", twice=True)
        self.records.runs.create_run(
            run_id=steps.run_id, flow=self.flow.name, kind="dimensions", actor="tester",
            request=request,
        )  # fmt: skip
        try:
            summary = run_dimensions(steps, request, self.bench())
            summary = copy_storable(summary, what="summary", bytes_max=SUMMARY_BYTES_MAX)
        except ConnectorError as error:
            finish_run(self.records, steps.run_id, summary=None, error=error)
            raise
        finally:
            self.steps = [name for name, _ in steps.history]
        finish_run(self.records, steps.run_id, summary=summary, error=None)
        self.clock.sleep(60)
        return summary

    def bench(self) -> DimensionsBench:
        """The flow's bench as a house would make it now."""
        return DimensionsBench(
            source=self.source, target=self.target, records=self.records, archive=self.archive,
            clock=self.clock, actor="tester", holder="here", flow=self.flow,
        )  # fmt: skip

    def supply(self, *members: Member) -> None:
        """The source has these suppliers and no others."""
        self.source.members = {"suppliers": list(members)}

    def change(self, **columns: Any) -> None:
        """The columns of the flow's list stand as given; the import expects the same."""
        self.flow = make_list_flow(**columns)
        self.target.headers = list_headers(self.flow)


def make_list_flow(**columns: Any) -> DimensionsFlow:
    """Settings of a flow of one list; `columns` are added to its columns."""
    row = {"list": LIST, "load": "Load", "from": "suppliers", "columns": columns}
    return DimensionsFlow.model_validate(
        {"kind": "dimensions", "name": "lists", "source": "erp", "target": "model", "lists": [row]}
    )


def list_headers(flow: DimensionsFlow) -> tuple[str, ...]:
    """The header of the import that takes the flow's file."""
    columns = flow.lists[0].columns
    return (columns.code, columns.name, *columns.properties.values())


def make_list_desk(desk: FakeDesk, **columns: Any) -> ListDesk:
    """The records, archive and ERP of a desk, with a model of one list."""
    flow = make_list_flow(**({"properties": PROPERTIES} | columns))
    target = FakeLists(clock=desk.clock, headers=list_headers(flow), lists={}, list_of={})
    return ListDesk(
        flow=flow, clock=desk.clock, source=desk.source, target=target, records=desk.records,
        archive=desk.archive,
    )  # fmt: skip


def supplier(code: str, one_time: str = "N", **properties: str) -> Member:
    """A supplier of that number."""
    told = {"one_time": one_time, "alias": ""} | properties
    return Member(code=code, name=f"Supplier {code}", properties=tuple(told.items()))
