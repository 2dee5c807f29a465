"""Traces: run, step, request; where they go, what is in them, and that they are off by default."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ml_connector import telemetry
from ml_connector.errors import UsageError
from ml_connector.wiring.telemetry import TracedHistory

WORDS = frozenset(
    {
        "run.id", "run.flow", "run.kind", "step.name", "state", "error.type", "server.address",
        "ml_connector.system", "http.request.method", "http.response.status_code",
    }
)  # fmt: skip
"""All that leaves the process beside names, ids and times."""


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """What was told, kept here."""
    exporter = InMemorySpanExporter()
    end = telemetry.set_up_traces("0", exporter=exporter)
    yield exporter
    end()


def list_spans(spans: InMemorySpanExporter) -> list[Any]:
    """In the order in which they ended."""
    return list(spans.get_finished_spans())


def test_run_step_and_request_are_one_trace(spans: InMemorySpanExporter) -> None:
    """Each within the other; a run that goes on elsewhere is the same trace."""
    telemetry.begin_run("r1", flow="actuals", kind="actuals")
    telemetry.begin_step(1, "r1", "read: 1/2")
    with telemetry.tracing_request("Fusion (erp)", method="GET", host="erp.example") as tell:
        tell(200)
    telemetry.end_step(1, state="done")
    telemetry.end_run("r1", state="succeeded")
    telemetry.begin_run("r1", flow="actuals", kind="actuals")
    telemetry.end_run("r1", state="stopped", code="busy")

    request, step, run, again = list_spans(spans)
    assert [one.name for one in (request, step, run)] == [
        "GET Fusion (erp)",
        "step read",
        "run actuals",
    ]
    assert request.parent.span_id == step.context.span_id
    assert step.parent.span_id == run.context.span_id
    assert {one.context.trace_id for one in (request, step, run, again)} == {run.context.trace_id}
    assert again.attributes["error.type"] == "busy"
    assert not again.status.is_ok
    for one in list_spans(spans):
        assert set(one.attributes) <= WORDS


def test_request_that_breaks_is_told_by_its_kind_only(spans: InMemorySpanExporter) -> None:
    """Texts of errors may quote anything."""
    with (
        pytest.raises(UsageError),
        telemetry.tracing_request("Anaplan", method="POST", host="api.example"),
    ):
        raise UsageError("12,345.67 with password=x", written="", next_step="")

    (span,) = list_spans(spans)
    assert span.attributes["error.type"] == "UsageError"
    assert "12,345" not in span.to_json()
    assert span.events == ()


class _History:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.runs = self
        self.flow = self.kind = "f"

    def load_run(self, _run_id: str) -> "_History":
        return self

    def __getattr__(self, name: str) -> Any:
        def tell(*_args: Any, **_named: Any) -> int:
            self.told.append(name)
            return 7

        return tell


def test_history_hears_all_whether_or_not_it_is_traced(spans: InMemorySpanExporter) -> None:
    """And a run that fails shows its code, not its text."""
    history = _History()
    traced = TracedHistory(history, history)  # type: ignore[arg-type]  # as far as it is asked
    error = UsageError("secret text", written="", next_step="")
    traced.run_started("r1")
    token = traced.step_started("r1", "map")
    traced.step_finished(token, state="failed", result={"code": "usage", "refused": "secret text"})
    traced.run_finished("r1", summary=None, error=error)
    traced.run_given_back("r1")
    traced.run_taken_over("r1")

    assert history.told == [
        "run_started", "step_started", "step_finished", "run_finished", "run_given_back",
        "run_taken_over",
    ]  # fmt: skip
    step, run = list_spans(spans)
    assert step.attributes["error.type"] == run.attributes["error.type"] == "usage"
    assert "secret" not in step.to_json() + run.to_json()


def test_nothing_is_traced_unless_somebody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither asked for nor set up, every call does nothing."""
    for name in telemetry.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    assert not telemetry.is_wanted()
    monkeypatch.setenv(telemetry.ENDPOINTS[0], "http://127.0.0.1:4318")
    assert telemetry.is_wanted()
    monkeypatch.setenv(telemetry.OFF, "true")
    assert not telemetry.is_wanted()
    telemetry.begin_run("r", flow="f", kind="k")
    telemetry.begin_step(1, "r", "s")
    telemetry.end_step(1, state="done")
    with telemetry.tracing_request("x", method="GET", host="h") as tell:
        tell(200)


class _Receiver(BaseHTTPRequestHandler):
    """Takes what a collector would."""

    def do_POST(self) -> None:
        """One export."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        taken: list[Any] = self.server.taken  # type: ignore[attr-defined]  # set by the test
        if self.headers.get("Content-Encoding") == "gzip":
            import gzip  # noqa: PLC0415 - only where the library chooses so.

            content = gzip.decompress(content)
        taken.append((self.path, ExportTraceServiceRequest.FromString(content)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def test_traces_leave_over_the_wire_before_the_process_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To the address the environment names, as OTLP over HTTP."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    server.taken = []  # type: ignore[attr-defined]  # read below
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv(telemetry.ENDPOINTS[0], f"http://127.0.0.1:{server.server_port}")
    try:
        end = telemetry.set_up_traces("1.2.3")
        telemetry.begin_run("r1", flow="actuals", kind="actuals")
        telemetry.end_run("r1", state="succeeded")
        end()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    [(path, export)] = server.taken  # type: ignore[attr-defined]  # as above
    assert path == "/v1/traces"
    (resource,) = export.resource_spans
    words = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert words["service.name"] == "ml-connector"
    assert words["service.version"] == "1.2.3"
    assert [span.name for span in resource.scope_spans[0].spans] == ["run actuals"]


def test_process_ends_though_the_place_for_traces_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever takes traces cannot keep a command from ending."""
    is_held = threading.Event()

    class Silent(InMemorySpanExporter):
        def force_flush(self, timeout_millis: int = 0) -> bool:
            del timeout_millis
            return is_held.wait(30)

        def shutdown(self) -> None:
            is_held.wait(30)

    monkeypatch.setattr(telemetry, "CLOSE_MS", 50)
    end = telemetry.set_up_traces("0", exporter=Silent())
    begun = time.monotonic()
    end()
    passed = time.monotonic() - begun
    is_held.set()

    assert passed < 5


def test_wrong_environment_traces_nothing_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged by its kind; the run goes on."""

    def refuse(*_: Any) -> None:
        raise ValueError("with a secret")

    monkeypatch.setattr(telemetry, "_make_provider", refuse)
    telemetry.set_up_traces("0")()

    assert "traces.not_set_up" in caplog.text
    assert "with a secret" not in caplog.text
