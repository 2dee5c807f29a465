"""Two thousand schedules of two hundred organisations, and what looking after them costs.

`python -m scripts.promises.schedules [--schedules N] [--organisations M]`. On SQLite and on
PostgreSQL, with a history of firings behind each: a look that finds nothing due, a look that claims
and starts a hundred at once, and what `schedules list` asks for one organisation. Leaves with 1
when a promise was broken.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from scripts.promises.figures import Figure, render_figures
from tests.fakes.postgres import running_postgres

from ml_connector.flows.scheduling import FlowPlace, ScheduleDesk, look, take_in
from ml_connector.flows.timetables import FlowFacts
from ml_connector.ports import Json, Records
from ml_connector.ports.schedules import FiringState
from ml_connector.records import close, configure, create_organisation, migrate, open_records
from ml_connector.settings import Project, ProjectSettings, Schedule

SCHEDULES, ORGANISATIONS = 2_000, 200
DUE_AT_ONCE = 100
"""Schedules of the organisation that is watched; the others have the rest between them."""
HISTORY = 20
"""Past firings of each schedule."""
LOOKS = 50
LOOK_MS_MAX = 50.0
"""Median of a look that finds nothing: a look each second takes no more than a twentieth of it."""
CLAIM_S_MAX = 10.0
LIST_MS_MAX = 200.0
NOW = datetime(2026, 11, 22, 6, 0, 30, tzinfo=UTC)


@dataclass(slots=True)
class Clock:
    """Stands still until it is moved."""

    at: datetime = NOW

    def now(self) -> datetime:
        """The current instant."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """That much later."""
        self.at += timedelta(seconds=seconds)


@dataclass(slots=True)
class Queue:
    """Keeps what an engine would execute."""

    runs: dict[str, tuple[str, Json, str]] = field(default_factory=dict)

    def queue(self, *, flow: str, run_id: str, request: Json, queue_key: str) -> None:
        """A run is queued."""
        self.runs[run_id] = (flow, request, queue_key)


def measure(*, schedules: int = SCHEDULES, organisations: int = ORGANISATIONS) -> list[Figure]:
    """What looks and listings take on both kinds of database."""
    with (
        tempfile.TemporaryDirectory(prefix="ml-connector-schedules-") as folder,
        running_postgres() as server,
        ExitStack() as stack,
    ):
        urls = {
            "SQLite": f"sqlite:///{folder}/records.db",
            "PostgreSQL": stack.enter_context(server.database()),
        }
        figures: list[Figure] = []
        for kind, url in urls.items():
            close()
            configure(url, secret_key="only measured")  # noqa: S106 - signs nothing here.
            migrate()
            figures += _measure(kind, schedules=schedules, organisations=organisations)
            close()
        return figures


def _measure(kind: str, *, schedules: int, organisations: int) -> Iterator[Figure]:
    clock = Clock()
    names = ["default", *(f"organisation {number}" for number in range(1, organisations))]
    share = max(1, (schedules - DUE_AT_ONCE) // max(1, organisations - 1))
    for name in names:
        create_organisation(name)
        _fill(name, DUE_AT_ONCE if name == "default" else share, clock)
    records, queue = open_records("default", clock=clock), Queue()
    desk = _make_desk(records, clock, queue)
    took = sorted(_time(lambda: look(desk)) for _ in range(LOOKS))
    yield _figure(f"a look with nothing due, {kind}", median(took), LOOK_MS_MAX / 1000)
    listed = [_time(lambda: _list(records)) for _ in range(5)]
    yield _figure(
        f"schedules list of {DUE_AT_ONCE} of {schedules:,}, {kind}",
        median(listed), LIST_MS_MAX / 1000,
    )  # fmt: skip
    clock.sleep(3_600)
    claimed = _time(lambda: look(desk))
    assert len(queue.runs) == DUE_AT_ONCE, f"{len(queue.runs)} runs of {DUE_AT_ONCE}"
    yield _figure(f"{DUE_AT_ONCE} due at once claimed and started, {kind}", claimed, CLAIM_S_MAX)


def _fill(organisation: str, count: int, clock: Clock) -> None:
    """The organisation has as many hourly schedules, each with its own flow and a history."""
    records = open_records(organisation, clock=clock)
    made = {f"s{number}": _make_schedule(f"s{number}") for number in range(count)}
    project = Project(
        root=Path(), settings=ProjectSettings(), connections={}, flows={}, schedules=made
    )
    take_in(records, project, clock=clock, actor="measure")
    from ml_connector.records import models  # noqa: PLC0415 - Django is set up by now.

    owner = models.Organisation.objects.get(name=organisation)
    models.Firing.objects.bulk_create(
        (
            models.Firing(
                organisation_id=owner.pk, schedule=name, flow=name,
                due_at=NOW - timedelta(hours=hour), run_id=f"{organisation}-{name}-{hour}",
                state=FiringState.STARTED.value, actor=f"schedule {name}", looked_at=NOW,
                ended_at=NOW,
            )
            for name in made for hour in range(1, HISTORY + 1)
        ),
        batch_size=1_000,
    )  # fmt: skip


def _make_schedule(name: str) -> Schedule:
    given: dict[str, Any] = {
        "name": name, "flow": name, "when": {"cron": "0 * * * *"}, "zone": "Europe/Berlin",
        "blackouts": [{"from": "Sat 22:00", "to": "Sun 04:00"}],
    }  # fmt: skip
    return Schedule.model_validate(given)


def _make_desk(records: Records, clock: Clock, queue: Queue) -> ScheduleDesk:
    flows = {
        f"s{number}": FlowFacts(kind="actuals", erp="erp", connections=frozenset({"erp", "model"}))
        for number in range(DUE_AT_ONCE)
    }
    return ScheduleDesk(
        records=records, clock=clock, queue=queue, organisation="default", flows=flows,
        find_place=lambda flow: FlowPlace(kind="actuals", queue_key=flow),
    )  # fmt: skip


def _list(records: Records) -> None:
    rows = records.schedules.load_schedules()
    assert len(records.schedules.load_last_firings([row.name for row in rows])) == DUE_AT_ONCE


def _time(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _figure(name: str, took_s: float, at_most_s: float) -> Figure:
    figure = Figure(name=name, value=_render(took_s), promise=f"at most {_render(at_most_s)}")
    return replace(figure, holds=took_s <= at_most_s)


def _render(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def main() -> int:
    """The figures are printed; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=SCHEDULES)
    parser.add_argument("--organisations", type=int, default=ORGANISATIONS)
    options = parser.parse_args()
    figures = measure(schedules=options.schedules, organisations=options.organisations)
    print("\n".join(render_figures("Schedules", figures)))
    return 0 if all(one.holds for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
