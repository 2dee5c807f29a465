"""Traces of runs, their steps and the requests of these; told to nobody unless somebody asks.

What leaves the process are names, ids, durations, states and codes: no address with its query, no
header, no body, no text of an error, for those may hold secrets and amounts. A run's trace has an
id made of the run's, so that what several processes did for it is one trace, and whoever knows the
run finds it. Nothing that goes wrong here reaches a run.
"""

import hashlib
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""Variables of OpenTelemetry's own that say where traces go; without either there are none."""
OFF = "OTEL_SDK_DISABLED"
SERVICE = "ml-connector"
OPEN_MAX = 1_000
"""Spans that are open at once; of a run that was lost to another process the end is never told."""
CLOSE_MS = 5_000
"""How long the last spans may take to leave when the process ends."""
TEXT_MAX = 200
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Open:
    span: Any
    attached: Any = None


class _Traces:
    """The tracer of this process and its open spans; process-wide, as logging itself is."""

    def __init__(self) -> None:
        self.tracer: Any = None
        self._open: OrderedDict[str, _Open] = OrderedDict()

    def keep(self, key: str, opened: _Open) -> None:
        """It is open; the oldest is given up where too many are."""
        self._open[key] = opened
        while len(self._open) > OPEN_MAX:
            self._open.popitem(last=False)[1].span.end()

    def take(self, key: str) -> _Open | None:
        """What was open under the key, if anything."""
        return self._open.pop(key, None)

    def find(self, key: str) -> _Open | None:
        """What is open under the key, if anything."""
        return self._open.get(key)

    def clear(self) -> None:
        """Nothing is traced any more."""
        self.tracer = None
        self._open.clear()


_traces = _Traces()


def is_wanted() -> bool:
    """Whether the environment names a place for traces."""
    is_off = os.environ.get(OFF, "").strip().lower() == "true"
    return not is_off and any(os.environ.get(name) for name in ENDPOINTS)


def set_up_traces(version: str, *, exporter: Any = None) -> Callable[[], None]:
    """Spans go where the environment says, or to this exporter; returns what ends that.

    Without the libraries (`ml-connector[telemetry]`) nothing is traced, which is logged.
    """
    if _traces.tracer is not None:
        return _do_nothing
    try:
        provider = _make_provider(version, exporter)
    except ImportError as error:
        logger.warning("traces.not_installed missing=%s", error.name)
        return _do_nothing
    except Exception as error:  # noqa: BLE001 - the environment is wrong; a run is not kept by it.
        logger.warning("traces.not_set_up error=%s", type(error).__name__)
        return _do_nothing
    _traces.tracer = provider.get_tracer("ml_connector", version)

    def end() -> None:
        _traces.clear()
        # The library waits for a place that is silent as long as that likes to be.
        closing = threading.Thread(target=_close, args=(provider,), name="traces", daemon=True)
        closing.start()
        closing.join(CLOSE_MS / 1000)

    return end


def _close(provider: Any) -> None:
    with suppress(Exception):
        provider.force_flush(CLOSE_MS)
        provider.shutdown()


def _make_provider(version: str, exporter: Any) -> Any:
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra.
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above.
    from opentelemetry.sdk.trace.export import (  # noqa: PLC0415 - as above.
        BatchSpanProcessor,
        SimpleSpanProcessor,
    )

    name = os.environ.get("OTEL_SERVICE_NAME", SERVICE)
    resource = Resource.create({"service.name": name, "service.version": version})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    if exporter is not None:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        return provider
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - as above.
        OTLPSpanExporter,
    )

    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _do_nothing() -> None:
    """Nothing was set up."""


def begin_run(run_id: str, *, flow: str, kind: str) -> None:
    """The run is executed here from now on."""
    with _guarded() as tracer:
        if tracer is None:
            return
        end_run(run_id, state="left")
        span = tracer.start_span(
            f"run {flow}", context=_make_root(run_id),
            attributes={"run.id": run_id, "run.flow": flow, "run.kind": kind},
        )  # fmt: skip
        _traces.keep(f"run {run_id}", _Open(span))


def end_run(run_id: str, *, state: str, code: str = "") -> None:
    """The run is executed here no more; a code says what it stopped with."""
    with _guarded():
        opened = _traces.take(f"run {run_id}")
        if opened is not None:
            _end(opened.span, state=state, code=code)


def begin_step(token: int, run_id: str, name: str) -> None:
    """A step of the run begins in this thread; requests it makes belong to it."""
    with _guarded() as tracer:
        if tracer is None:
            return
        from opentelemetry import context, trace  # noqa: PLC0415 - an extra.

        run = _traces.find(f"run {run_id}")
        parent = trace.set_span_in_context(run.span) if run else _make_root(run_id)
        words = {"run.id": run_id, "step.name": name[:TEXT_MAX]}
        # Names of steps may carry a number or an id; the span's own name stays the same for all.
        kind = name.partition(" ")[0].rstrip(":")
        span = tracer.start_span(f"step {kind}", context=parent, attributes=words)
        _traces.keep(f"step {token}", _Open(span, context.attach(trace.set_span_in_context(span))))


def end_step(token: int, *, state: str, code: str = "") -> None:
    """The step ended, in the thread in which it began."""
    with _guarded():
        opened = _traces.take(f"step {token}")
        if opened is not None:
            from opentelemetry import context  # noqa: PLC0415 - an extra.

            context.detach(opened.attached)
            _end(opened.span, state=state, code=code)


@contextmanager
def tracing_request(system: str, *, method: str, host: str) -> Iterator[Callable[[int], None]]:
    """A request is on its way for the length of the block; the block tells the status it got."""
    tracer = _traces.tracer
    if tracer is None:
        yield lambda _status: None
        return
    words = {"ml_connector.system": system, "http.request.method": method, "server.address": host}
    quiet = {"record_exception": False, "set_status_on_exception": False}
    with tracer.start_as_current_span(f"{method} {system}", attributes=words, **quiet) as (span):
        try:
            yield lambda status: span.set_attribute("http.response.status_code", status)
        except Exception as error:
            _mark_failed(span, type(error).__name__)
            raise


def _end(span: Any, *, state: str, code: str) -> None:
    span.set_attribute("state", state)
    if code:
        _mark_failed(span, code)
    span.end()


def _mark_failed(span: Any, code: str) -> None:
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - an extra.

    span.set_attribute("error.type", code)
    span.set_status(Status(StatusCode.ERROR))


def _make_root(run_id: str) -> Any:
    """The place of a run among all traces: the same in every process that has a part in it."""
    from opentelemetry import trace  # noqa: PLC0415 - an extra.

    number = hashlib.sha256(run_id.encode()).digest()
    place = trace.SpanContext(
        trace_id=int.from_bytes(number[:16]), span_id=int.from_bytes(number[16:24]),
        is_remote=True, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
    )  # fmt: skip
    return trace.set_span_in_context(trace.NonRecordingSpan(place))


@contextmanager
def _guarded() -> Iterator[Any]:
    """What goes wrong with traces is logged, and nothing else happens."""
    try:
        yield _traces.tracer
    except Exception:
        logger.exception("traces.not_told")
