"""The engine with thousands of ended runs in its tables, and with a thousand queued."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import sqlalchemy as sa
from scripts.promises.figures import Figure

from ml_connector.engine.crew import Role
from ml_connector.engine.durable import DurableEngine
from ml_connector.engine.handover import Handover
from ml_connector.engine.launching import NAME
from ml_connector.engine.observer import SilentObserver
from ml_connector.ports import Json, Steps

STEPS = 30
"""Steps of a run, about as many as one that loads two periods."""
ASKED = 15
QUEUED = 1_000
BEGUN = 100
"""Of the queued ones so many are waited for."""
FACTOR_MAX = 2.0
SLACK_MS = 20.0
MODELS = 50


class MachineClock:
    """The machine's time."""

    def now(self) -> datetime:
        """The current instant."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """That much later."""
        time.sleep(seconds)


def run_flow(steps: Steps, request: Json) -> Json:
    """As many steps as asked for, each as small as can be."""
    for number in range(request["steps"]):
        steps.step(f"step {number}", dict)
    return {"state": "succeeded"}


def measure_engine(kind: str, url: str, *, runs: int) -> list[Figure]:
    """Queueing, looking and taking from the queue, with nothing and with much in the tables."""
    with launched(url) as engine:
        execute(engine, "first")
        empty = time_all(engine, url)
    multiply(url, runs)
    with launched(url) as engine:
        full = time_all(engine, url)
        begun_s = time_queue(engine)
    return [
        *(render(f"{name}, {kind}", empty[name], full[name], runs) for name in empty),
        Figure(
            name=f"{BEGUN} runs executed with {QUEUED:,} queued for {MODELS} models, {kind}",
            value=f"{begun_s:.1f} s",
        ),
    ]


@contextmanager
def launched(url: str) -> Iterator[DurableEngine]:
    """An engine of one flow that executes what is queued."""
    engine = DurableEngine(
        url, clock=MachineClock(), observer=SilentObserver(), application_version=1, role=Role()
    )
    engine.register("f", run_flow)
    engine.launch()
    try:
        yield engine
    finally:
        engine.close()


def execute(engine: DurableEngine, run_id: str, *, steps: int = STEPS) -> None:
    """The run has ended."""
    engine.start(flow="f", run_id=run_id, request={"steps": steps}, queue_key="m")
    engine.wait(run_id)


def time_all(engine: DurableEngine, url: str) -> dict[str, float]:
    """Milliseconds of what the engine does all the time."""
    names = iter(f"timed {time.monotonic_ns()} {number}" for number in range(1_000))
    asked: dict[str, Callable[[], object]] = {
        "a run of one step from queue to end": lambda: execute(engine, next(names), steps=1),
    }
    if url.startswith("sqlite"):
        return {name: time_quickest(ask) for name, ask in asked.items()}
    handover = Handover(url, application=NAME)
    try:
        asked["a look at who holds which run"] = handover.load_held
        return {name: time_quickest(ask) for name, ask in asked.items()}
    finally:
        handover.close()


def time_quickest(ask: Callable[[], object]) -> float:
    """Milliseconds, the first asking left out."""
    ask()
    took = []
    for _ in range(ASKED):
        began_at = time.perf_counter()
        ask()
        took.append(time.perf_counter() - began_at)
    return 1_000 * min(took)


def time_queue(engine: DurableEngine) -> float:
    """Seconds until the first of a thousand queued runs have ended."""
    names = [f"queued {number:04}" for number in range(QUEUED)]
    began_at = time.perf_counter()
    for number, name in enumerate(names):
        engine.start(
            flow="f", run_id=name, request={"steps": 1}, queue_key=f"model {number % MODELS}"
        )
    for name in names[:BEGUN]:
        engine.wait(name)
    return time.perf_counter() - began_at


def multiply(url: str, runs: int) -> None:
    """The first run and its steps are there that many times more, under other ids."""
    is_file = url.startswith("sqlite")
    schema = "" if is_file else "dbos."
    engine = sa.create_engine(url if is_file else url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.begin() as connection:
            for table in ("workflow_status", "operation_outputs"):
                found = sa.inspect(connection).get_columns(table, schema=schema[:-1] or None)
                others = ", ".join(
                    f'"{column["name"]}"' for column in found if column["name"] != "workflow_uuid"
                )
                connection.execute(
                    sa.text(_COPY.format(table=f"{schema}{table}", others=others)), {"runs": runs}
                )
    finally:
        engine.dispose()


_COPY = """
    INSERT INTO {table} (workflow_uuid, {others})
    WITH RECURSIVE copies(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < :runs)
    SELECT 'copy ' || n, {others} FROM {table}, copies WHERE workflow_uuid = 'first'
"""


def render(name: str, empty: float, full: float, runs: int) -> Figure:
    """Both times, and whether they are the same."""
    return Figure(
        name=name,
        value=f"{full:.1f} ms with {runs:,} ended runs, {empty:.1f} ms with none",
        promise=f"at most {FACTOR_MAX:.0f} times as long, and {SLACK_MS:.0f} ms",
        holds=full <= FACTOR_MAX * empty + SLACK_MS,
    )
