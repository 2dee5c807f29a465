"""Engines over a database of their own, as tests of one engine beside another need them."""

from tests.fakes.clock import FakeClock

from ml_connector.engine.crew import Role
from ml_connector.engine.durable import DurableEngine
from ml_connector.engine.observer import SilentObserver
from ml_connector.ports import FlowFunction, Json, Steps


def make_engine(
    url: str, flow: FlowFunction, *, observer: SilentObserver | None = None, **role: object
) -> DurableEngine:
    """An engine that knows the flow `f`."""
    engine = DurableEngine(
        url,
        clock=FakeClock(),
        observer=observer or SilentObserver(),
        application_version=1,
        role=Role(**role),  # type: ignore[arg-type]  # each test names the fields it is about
    )
    engine.register("f", flow)
    return engine


def read_nothing(steps: Steps, request: Json) -> Json:
    """A flow of one step."""
    return steps.step("read", lambda: {"lines": 1})
