"""What watches from outside is told: numbers for Prometheus, traces for OpenTelemetry."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ml_connector import __version__, telemetry
from ml_connector.errors import ConnectorError
from ml_connector.ports import Json, Records, RunState
from ml_connector.ports.gauges import Gauges
from ml_connector.wiring.observer import RunHistory
from ml_connector.wiring.parts import Part

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily, Metric

PREFIX = "ml_connector"
FLOWS_MAX = 200
"""Flows that are told apart; an installation with more is watched by its sums."""
WAITING = frozenset({RunState.QUEUED})
DONE = "done"


class Telemetry(Part):
    """The house's numbers; the house itself supplies records and clock."""

    def trace_runs(self, history: RunHistory) -> "RunHistory | TracedHistory":
        """The history, which also traces where the environment says whom to tell."""
        if not telemetry.is_wanted():
            return history
        self._closers.callback(telemetry.set_up_traces(__version__))
        return TracedHistory(history, self.records)

    def render_metrics(self) -> bytes:
        """What stands in the records now, in Prometheus' text format."""
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - start-up.

        registry = CollectorRegistry()
        registry.register(_Collector(self.records.gauges.load_gauges(), self.clock.now()))
        return generate_latest(registry)


class _Collector:
    """A collector, as the library wants one, of numbers that were read."""

    def __init__(self, gauges: Gauges, now: datetime) -> None:
        self._gauges = gauges
        self._now = now

    def collect(self) -> "Iterator[Metric]":
        """Yield every family, each with a bounded set of labels."""
        its = self._gauges
        yield _make("build_info", "Version of this process.", {(__version__,): 1}, "version")
        yield from self._collect_runs()
        states = {(flow, stage, str(state)): n for (flow, stage, state), n in its.periods.items()}
        yield _make(
            "ledger_periods", "Ledger periods by stage and how it stands; `tied` that `differs` is"
            " unexplained.", states, "flow", "stage", "state",
        )  # fmt: skip
        for name, text, counts in (
            ("unmapped_values", "Values that no mapping rule takes.", its.unmapped),
            ("refused_summaries", "Summaries the model refused, still open.", its.refused),
            ("periods_owed", "Periods touched since they were last loaded.", its.owed),
        ):
            yield _make(name, text, {(flow,): count for flow, count in counts.items()}, "flow")
        yield from self._collect_systems()

    def _collect_runs(self) -> "Iterator[Metric]":
        its = self._gauges
        runs = {(flow, str(state)): count for (flow, state), count in its.runs.items()}
        yield _make("runs", "Runs in the history.", runs, "flow", "state")
        queued = sum(count for (_, state), count in its.runs.items() if state in WAITING)
        yield _make("runs_queued", "Runs that wait to begin.", {(): queued})
        ages = {(flow,): (self._now - at).total_seconds() for flow, at in its.good_at.items()}
        yield _make(
            "seconds_since_good_run", "Since the newest run succeeded; absent: none ever has.",
            ages, "flow",
        )  # fmt: skip

    def _collect_systems(self) -> "Iterator[Metric]":
        its = self._gauges
        for name, text in (
            ("size", "Requests a minute may hold."),
            ("used", "Requests of the last minute."),
            ("waiting", "Requests promised a later place."),
        ):
            counts = {(one.key,): getattr(one, name) for one in its.budgets}
            yield _make(f"request_budget_{name}", text, counts, "budget")
        held = {(model,): int(is_held) for model, is_held in its.leases.items()}
        yield _make("model_lease_held", "Whether somebody may write into the model.", held, "model")


def _make(name: str, text: str, counts: dict[Any, Any], *labels: str) -> "GaugeMetricFamily":
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - start-up time.

    family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=labels)
    for key, count in sorted(counts.items())[: FLOWS_MAX * len(RunState)]:
        family.add_metric(key, count)
    return family


class TracedHistory:
    """An engine's observer that also traces; whatever it tells comes after the history knows it."""

    def __init__(self, history: RunHistory, records: Records) -> None:
        self._history = history
        self._records = records

    def run_started(self, run_id: str) -> None:
        """The run left the queue."""
        self._history.run_started(run_id)
        run = self._records.runs.load_run(run_id)
        telemetry.begin_run(run_id, flow=run.flow, kind=run.kind)

    def step_started(self, run_id: str, name: str) -> int:
        """A step began."""
        token = self._history.step_started(run_id, name)
        telemetry.begin_step(token, run_id, name)
        return token

    def step_finished(self, token: int, *, state: str, result: Json) -> None:
        """A step ended."""
        code = "" if state == DONE else str(result.get("code", ""))
        telemetry.end_step(token, state=str(state), code=code)
        self._history.step_finished(token, state=state, result=result)

    def run_finished(
        self, run_id: str, *, summary: Json | None, error: ConnectorError | None
    ) -> None:
        """The run ended, or stopped."""
        self._history.run_finished(run_id, summary=summary, error=error)
        state = str((summary or {}).get("state", "stopped"))
        telemetry.end_run(run_id, state=state, code=error.code if error else "")

    def run_given_back(self, run_id: str) -> None:
        """The run waits in its queue again."""
        self._history.run_given_back(run_id)
        telemetry.end_run(run_id, state="given back")

    def run_taken_over(self, run_id: str) -> None:
        """The run of a dead process goes on."""
        self._history.run_taken_over(run_id)
