"""A schedule on PostgreSQL goes on when the worker that claimed its time dies before the run."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.conftest import ACTUALS, ONE_LEDGER, Company, ProjectMaker, fill_lists
from tests.fakes.children import find_environment
from tests.fakes.postgres import Postgres, query_database

CHILD = Path(__file__).with_name("schedule_child.py")
PATIENCE_S = 120.0
URLS = ("ML_CONNECTOR__DATABASE_URL", "ML_CONNECTOR__ENGINE_URL")
YEARLY = """\
flow: actuals-fusion
when: {cron: "0 0 1 1 *"}
zone: UTC
request: {dry_run: true}
"""
FIRINGS = "SELECT state, run_id FROM records_firing"


def until(holds: Callable[[], bool]) -> None:
    """Return when it holds."""
    last = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < last
        threading.Event().wait(0.05)


@pytest.mark.exhaustive
@pytest.mark.long
@pytest.mark.timeout(240)
def test_time_claimed_by_a_worker_that_dies_is_run_by_another_once(
    company: Company, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The firing is open and without a run; the next worker takes it up, and it is one run."""
    fill_lists(company)
    root = tmp_path / "project"
    with postgres.database() as url, ExitStack() as stack:
        for name in URLS:
            monkeypatch.setenv(name, url)
        ProjectMaker(company=company, root=root).make(**ONE_LEDGER)
        (root / "schedules").mkdir()
        (root / "schedules" / "yearly.yaml").write_text(YEARLY)

        def start(place: str) -> "subprocess.Popen[str]":
            worker = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, str(CHILD), str(root), company.fusion, place],
                    stdout=subprocess.PIPE, text=True, env=find_environment(),
                )
            )  # fmt: skip
            stack.callback(worker.kill)
            assert worker.stdout is not None
            return worker

        dying = start("die")
        until(lambda: query_database(url, "SELECT to_regclass('records_schedule')") != [(None,)])
        until(lambda: query_database(url, "SELECT name FROM records_schedule") == [("yearly",)])
        query_database(url, "UPDATE records_schedule SET next_due_at = date_trunc('year', now())")
        assert dying.wait(PATIENCE_S) == -signal.SIGKILL
        ((state, run_id),) = query_database(url, FIRINGS)
        assert state == "claimed"
        assert query_database(url, "SELECT run_id FROM records_run") == []
        other = start("work")
        assert other.stdout is not None
        told = next(line for line in other.stdout if " ended as " in line)
        assert told.startswith(f"{run_id} ended as succeeded")
        assert query_database(url, FIRINGS) == [("started", run_id)]
        runs = query_database(url, "SELECT run_id, flow, actor FROM records_run")
        assert runs == [(run_id, ACTUALS, "schedule yearly")]
        other.send_signal(signal.SIGTERM)
        assert other.wait(PATIENCE_S) == 0
