"""What people ask of a project that no run is needed for: checks, lineage, traces."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ml_connector.errors import ConnectorError, UsageError
from ml_connector.ports import Check, CheckState
from ml_connector.settings import ActualsFlow, DimensionsFlow
from ml_connector.wiring.parts import Part

if TYPE_CHECKING:
    from ml_connector.flows.answers.refusals import Refusal, RefusedLines
    from ml_connector.flows.answers.trace import TraceEntry
    from ml_connector.flows.bench import DimensionsBench
    from ml_connector.flows.ledger.scope import PeriodInScope


class Questions(Part):
    """The asking half of a house; the house itself supplies project, records and benches."""

    if TYPE_CHECKING:

        def dimensions_bench(self, flow: DimensionsFlow) -> DimensionsBench:
            """The bench of a dimensions flow."""

    def actuals_flow(self, name: str) -> ActualsFlow:
        """The settings of an actuals flow.

        Raises:
            UsageError: No such flow, or one of another kind.
        """
        flow = self.flow(name)
        if not isinstance(flow, ActualsFlow):
            raise UsageError(
                f"The flow {name} is a {flow.kind} flow; this is about journal lines.",
                written="Nothing was read or sent.",
                next_step="Name an actuals flow.",
                flow=name,
            )
        return flow

    def check_flow(self, name: str) -> Iterator[Check]:
        """Yield whether the flow's model, actions and headers fit; never raises for those."""
        from ml_connector.flows.answers import checks  # noqa: PLC0415 - start-up time.

        flow = self.flow(name)
        try:
            yield from checks.check_flow(self.bench(flow))
        except ConnectorError as error:
            yield Check(
                subject="flow", state=CheckState.FAILED, finding=error.refused,
                next_step=error.next_step, code=error.code,
            )  # fmt: skip

    def check_archive(self) -> Iterator[Check]:
        """Yield whether the archive's bucket takes a file and gives it back; never raises for it.

        Nothing is yielded of an archive in a folder: the records would fail before it.
        """
        from ml_connector.wiring.archives import check_archive  # noqa: PLC0415 - start-up time.

        return check_archive(self.archive)

    def list_scope(self, run_id: str) -> list["PeriodInScope"]:
        """The ledger periods an actuals run has settled on, with their dates."""
        from ml_connector.flows.ledger.scope import load_scope  # noqa: PLC0415 - start-up time.

        run = self.records.runs.load_run(run_id)
        return load_scope(self.actuals_bench(self.actuals_flow(run.flow)), run.run_id)

    def join_refusals(self, run_id: str) -> Iterator["Refusal"]:
        """Yield the open refusals of a run's flow, joined to their journal lines."""
        from ml_connector.flows.answers.refusals import read_refusals  # noqa: PLC0415 - start-up time.

        run = self.records.runs.load_run(run_id)
        return read_refusals(self.actuals_bench(self.actuals_flow(run.flow)), run)

    def read_refused_lines(
        self, run_id: str, *, number: int = 0, told: int = 0, limit: int
    ) -> "RefusedLines":
        """Lines of the open refusals of an actuals run, behind those that were told."""
        from ml_connector.flows.answers import refusals  # noqa: PLC0415 - start-up time.

        run = self.records.runs.load_run(run_id)
        bench = self.actuals_bench(self.actuals_flow(run.flow))
        return refusals.read_refused_lines(bench, run, number=number, told=told, limit=limit)

    def trace(self, key: str) -> Iterator["TraceEntry"]:
        """Yield everything known of a key: the story the records tell, then what the lines hold."""
        yield from self.trace_records(key)
        yield from self.trace_archive(key)

    def trace_records(self, key: str) -> Iterator["TraceEntry"]:
        """Yield what the records know of a key, oldest first; quick however long they are."""
        from ml_connector.flows.answers.trace import trace_key  # noqa: PLC0415 - start-up time.

        names, connections = sorted(self.project.flows), sorted(self.project.connections)
        return trace_key(self.records, key, connections=connections, flows=names)

    def trace_archive(self, key: str) -> Iterator["TraceEntry"]:
        """Yield what archived lines hold under a document's number or an account's value."""
        from ml_connector.flows.answers.trace import (  # noqa: PLC0415 - start-up time.
            trace_document,
            trace_value,
        )

        looked_at: set[str] = set()
        for flow in map(self.flow, sorted(self.project.flows)):
            if isinstance(flow, ActualsFlow):
                bench = self.actuals_bench(flow)
                if flow.source not in looked_at:
                    looked_at.add(flow.source)
                    yield from trace_document(bench, key)
                yield from trace_value(bench, key)

    def export_audit(self) -> Iterator[str]:
        """Yield the audit chain as JSON lines."""
        from ml_connector.records.opening import export_audit  # noqa: PLC0415 - start-up time.

        assert self.records is not None, "opening the records readies the database"
        return export_audit(self.project.settings.organisation)
