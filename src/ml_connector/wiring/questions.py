"""What people ask of a project that no run is needed for: checks, lineage, rules, traces."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ml_connector.errors import ConnectorError, UsageError
from ml_connector.ports import Check, CheckState, Records
from ml_connector.settings import ActualsFlow, DimensionsFlow, Flow, Project

if TYPE_CHECKING:
    from ml_connector.archive import FileArchive
    from ml_connector.domain.mapping import Explanation
    from ml_connector.domain.mapping_rules import MappingDiff, MappingSet
    from ml_connector.flows.answers.refusals import Refusal
    from ml_connector.flows.answers.trace import TraceEntry
    from ml_connector.flows.bench import ActualsBench, Bench, DimensionsBench
    from ml_connector.flows.ledger.scope import PeriodInScope
    from ml_connector.flows.placing.coverage import CoverageRow, UnmappedRow


class Questions:
    """The asking half of a house; the house itself supplies project, records and benches."""

    project: Project
    actor: str

    if TYPE_CHECKING:

        @property
        def records(self) -> Records:
            """All stores."""

        @property
        def archive(self) -> FileArchive:
            """The project's immutable files."""

        def flow(self, name: str) -> Flow:
            """A flow's settings."""

        def bench(self, flow: Flow) -> Bench:
            """The bench of any flow."""

        def actuals_bench(self, flow: ActualsFlow) -> ActualsBench:
            """The bench of an actuals flow."""

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

    def trace(self, key: str) -> Iterator["TraceEntry"]:
        """Yield everything known of a key."""
        from ml_connector.flows.answers.trace import trace_key, trace_value  # noqa: PLC0415 - start-up.

        names = sorted(self.project.flows)
        connections = sorted(self.project.connections)
        yield from trace_key(self.records, key, connections=connections, flows=names)
        for flow in map(self.flow, names):
            if isinstance(flow, ActualsFlow):
                yield from trace_value(self.actuals_bench(flow), key)

    def export_audit(self) -> Iterator[str]:
        """Yield the audit chain as JSON lines."""
        from ml_connector.records.opening import export_audit  # noqa: PLC0415 - start-up time.

        assert self.records is not None, "opening the records readies the database"
        return export_audit(self.project.settings.organisation)

    # --- rules --------------------------------------------------------------------------------

    def mapping(self, flow: ActualsFlow) -> "MappingSet":
        """The flow's rules as their file holds them now.

        Raises:
            MappingFaultsError: All faults of the file.
        """
        return self._parse_rules(self.project.resolve(flow.mapping))

    def _parse_rules(self, path: Path, *, dimensions: frozenset[str] | None = None) -> "MappingSet":
        from ml_connector.domain.mapping_file import parse_mapping  # noqa: PLC0415 - start-up.

        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"The mapping file {path} cannot be read: {error}.",
                written="Nothing was changed.",
                next_step="Give the path of a CSV file in UTF-8.",
                file=str(path),
            ) from error
        return parse_mapping(text, origin=str(path), dimensions=dimensions)

    def explain_mapping(
        self, flow_name: str, facts: Mapping[str, str], on: date
    ) -> tuple["Explanation", ...]:
        """How each mapped dimension of the flow is decided for these facts."""
        from ml_connector.domain.mapping import Mapper  # noqa: PLC0415 - start-up time.

        flow = self.actuals_flow(flow_name)
        mapped = [d.name for d in flow.dimensions if d.name in _mapped(flow)]
        return Mapper(self.mapping(flow), mapped).explain(facts, on)

    def cover(
        self, flow_name: str, members: Sequence[str] | None
    ) -> tuple[list["CoverageRow"], list["UnmappedRow"]]:
        """Where archived lines go by the rules; every archived period unless some are named."""
        from ml_connector.flows.placing.coverage import cover_archived  # noqa: PLC0415 - start-up time.

        flow = self.actuals_flow(flow_name)
        return cover_archived(self.actuals_bench(flow), members)

    def diff_mapping(self, flow_name: str, other: Path) -> "MappingDiff":
        """What another file's rules would change."""
        from ml_connector.domain.mapping_rules import diff_mappings  # noqa: PLC0415 - start-up.

        return diff_mappings(self.mapping(self.actuals_flow(flow_name)), self._parse_rules(other))

    def render_rules(self, flow_name: str) -> str:
        """The flow's rules as CSV."""
        from ml_connector.domain.mapping_rules import render_mapping  # noqa: PLC0415 - start-up.

        return render_mapping(self.mapping(self.actuals_flow(flow_name)))

    def replace_rules(self, flow_name: str, file: Path) -> tuple[Path, int]:
        """The flow's rules are those of the file; returns where they are and how many.

        Raises:
            MappingFaultsError: All faults of the new rules; the old ones stay.
        """
        flow = self.actuals_flow(flow_name)
        rules = self._parse_rules(file, dimensions=_mapped(flow))
        return self._save_rules(flow, rules), len(rules.rules)

    def add_rule(
        self, flow_name: str, *, dimension: str, when: str, target: str, note: str
    ) -> Path:
        """The flow's mapping file holds one rule more; returns where.

        Raises:
            MappingFaultsError: The rule is faulty or contradicts another; the file stays.
        """
        import csv  # noqa: PLC0415 - start-up time.
        import io  # noqa: PLC0415 - start-up time.

        from ml_connector.domain.mapping_file import parse_mapping  # noqa: PLC0415 - start-up.

        flow = self.actuals_flow(flow_name)
        buffer = io.StringIO(self.render_rules(flow_name))
        buffer.seek(0, io.SEEK_END)
        csv.writer(buffer, lineterminator="\n").writerow(
            [dimension, when, target, "", "", "", note]
        )
        text, origin = buffer.getvalue(), str(flow.mapping)
        rules = parse_mapping(text, origin=origin, dimensions=_mapped(flow))
        return self._save_rules(flow, rules)

    def _save_rules(self, flow: ActualsFlow, rules: "MappingSet") -> Path:
        from ml_connector.domain.mapping_rules import render_mapping  # noqa: PLC0415 - start-up.

        path = self.project.resolve(flow.mapping)
        beside = path.with_suffix(".new")
        beside.write_text(render_mapping(rules), encoding="utf-8")
        beside.replace(path)
        self.records.audit.record(
            "mapping.saved", subject=flow.name, actor=self.actor, hash=rules.content_hash
        )
        return path


def _mapped(flow: ActualsFlow) -> frozenset[str]:
    """The dimensions the flow's rules decide."""
    return frozenset(d.name for d in flow.dimensions if d.source == "mapping")
