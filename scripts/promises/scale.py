"""Ten thousand runs of two hundred organisations, or of one: what people and runs ask, timed.

`python -m scripts.promises.scale [--runs N] [--organisations M]`. On SQLite and on PostgreSQL each
question is asked of an empty installation, of one that many organisations share, and of one that a
single organisation has filled; then the engine is asked with as many ended runs in its tables.
Leaves with 1 when a promise was broken.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from scripts.promises.engine_scale import measure_engine
from scripts.promises.figures import Figure, render_figures
from tests.contract.test_records_scale import QUESTIONS, WALKS, Crowd, Question
from tests.fakes.postgres import running_postgres

from ml_connector.ports import Records
from ml_connector.records import close, configure, create_organisation, migrate, open_records

RUNS, ORGANISATIONS = 10_000, 200
FLOWS = 2
"""Flows of each organisation; a crowd grows by as many runs of each."""
ROUNDS, ASKED = 5, 4
"""Rounds over the installations, and times each question is asked in each: the quickest counts, so
that what else the machine does is left out, now here, now there."""
FACTOR_MAX = 2.0
SLACK_MS = 25.0
"""Nobody notices so much, and a busy machine adds it; what rows are looked at is tested apart."""
SHOWN = (
    "runs list", "status", "runs show", "a run is queued and ended", "refused summaries of a run",
    "approvals list", "postings list", "an audit link",
)  # fmt: skip
"""Questions with a line of their own."""
WALKED: dict[str, Question] = {"trace": WALKS["trace"]}
"""What looks at every row of its organisation."""
Layout = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Milliseconds of one question in each installation."""

    empty: float
    shared: float
    alone: float

    @property
    def excess(self) -> float:
        """How many milliseconds over the promise, or below it."""
        return max(self.shared, self.alone) - FACTOR_MAX * self.empty - SLACK_MS


def measure(*, runs: int = RUNS, organisations: int = ORGANISATIONS) -> list[Figure]:
    """What each question takes, beside what it takes in an empty installation."""
    with (
        tempfile.TemporaryDirectory(prefix="ml-connector-scale-") as folder,
        running_postgres() as server,
        ExitStack() as stack,
    ):
        figures: list[Figure] = []
        lite = iter(f"sqlite:///{folder}/{number}.db" for number in range(3))
        for kind, find_url in (
            ("SQLite", lambda: next(lite)),
            ("PostgreSQL", lambda: stack.enter_context(server.database())),
        ):
            figures += measure_records(kind, find_url, runs=runs, organisations=organisations)
        url = stack.enter_context(server.database())
        figures += measure_engine("SQLite", f"sqlite:///{folder}/engine.db", runs=runs)
        figures += measure_engine("PostgreSQL", url, runs=runs)
        return figures


def measure_records(
    kind: str, find_url: Callable[[], str], *, runs: int, organisations: int
) -> Iterator[Figure]:
    """Yield a figure for what people ask most, for the worst of all, and for a look at all."""

    def share() -> None:
        for number in range(1, organisations):
            create_organisation(f"organisation {number}")
            Crowd(f"organisation {number}").grow(runs // organisations // FLOWS)
        Crowd("default").grow(runs // organisations // FLOWS)

    layouts = {
        "empty": lambda: Crowd("default").grow(10),
        "shared": share,
        "alone": lambda: Crowd("default").grow(runs // FLOWS),
    }
    urls = {name: make_installation(find_url(), fill) for name, fill in layouts.items()}
    told: dict[str, dict[str, float]] = {name: {} for name in urls}
    for name in [*urls] * ROUNDS:
        for question, took in ask_all(urls[name]).items():
            told[name][question] = min(took, told[name].get(question, took))
    timed = {
        question: Timed(**{name: took[question] for name, took in told.items()})
        for question in QUESTIONS
    }
    for question in SHOWN:
        yield render_question(f"{question}, {kind}", timed[question])
    worst = max(timed, key=lambda question: timed[question].excess)
    yield render_question(f"worst of {len(timed)} questions, {worst}, {kind}", timed[worst])
    for walk in WALKED:
        value = f"{told['shared'][walk]:.1f} ms shared, {told['alone'][walk]:.1f} ms alone"
        yield Figure(name=f"{walk}, {kind}", value=value)


def make_installation(url: str, fill: Layout) -> str:
    """The address of a database that was filled."""
    with opened(url):
        migrate()
        fill()
        _analyse()
    return url


def ask_all(url: str) -> dict[str, float]:
    """Milliseconds of each question."""
    with opened(url):
        records = open_records()
        return {name: time_question(records, ask) for name, ask in {**QUESTIONS, **WALKED}.items()}


@contextmanager
def opened(url: str) -> Iterator[None]:
    """This process works on that database."""
    close()
    configure(url, secret_key="only for figures")  # noqa: S106 - signs nothing here.
    try:
        yield
    finally:
        close()


def time_question(records: Records, ask: Callable[[Records], object]) -> float:
    """The quickest of several askings, the first left out."""
    ask(records)
    took = []
    for _ in range(ASKED):
        began_at = time.perf_counter()
        ask(records)
        took.append(time.perf_counter() - began_at)
    return 1_000 * min(took)


def render_question(name: str, timed: Timed) -> Figure:
    """The three times, and whether the full ones are those of the empty one."""
    worst = max(timed.shared, timed.alone)
    return Figure(
        name=name,
        value=f"{timed.shared:.1f} ms shared, {timed.alone:.1f} ms alone, {timed.empty:.1f} ms"
        f" empty ({worst / timed.empty:.1f} times)",
        promise=f"at most {FACTOR_MAX:.0f} times as long as empty, and {SLACK_MS:.0f} ms",
        holds=timed.excess <= 0,
    )


def _analyse() -> None:
    from django.db import connection  # noqa: PLC0415 - Django is set up by now.

    # As PostgreSQL does by itself before long; SQLite never does.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def main() -> int:
    """The figures are printed; the exit code."""
    parser = argparse.ArgumentParser(prog="scale", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--organisations", type=int, default=ORGANISATIONS)
    options = parser.parse_args()
    figures = measure(runs=options.runs, organisations=options.organisations)
    title = f"{options.runs:,} runs of {options.organisations:,} organisations"
    sys.stdout.write("\n".join([*render_figures(title, figures), ""]))
    return 0 if all(one.holds for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
