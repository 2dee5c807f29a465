"""F2 killed at every durable step: nothing is lost, nothing is sent twice."""

import shutil
from bisect import bisect_left
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.children import run_until_done
from tests.fakes.standing import lay_state

from ml_connector.ports import RunState
from ml_connector.wiring import open_house

RUN = "261103-080000-dead"
ONE_LEDGER = {"first_month": "2026-10", "ledgers": ["Halden US"], "dimensions_flow": None}
REQUESTS_MAX = 600
WINDOW_S = 60


@pytest.fixture
def undisturbed(company: Any, projects: Any) -> dict[str, str]:
    """The cells an undisturbed run leaves; the company is as new afterwards, its lists filled."""
    root = projects.make(**ONE_LEDGER)
    clock = company.clock()
    with open_house(root, clock=clock) as house:
        house.run("dimensions-fusion", {})
        company.model("snapshot", name="lists filled")
        assert house.run("actuals-fusion", {}).state is RunState.SUCCEEDED
    cells: dict[str, str] = company.cells()
    company.model("restore", name="lists filled")
    return cells


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "place", [pytest.param("steps", marks=pytest.mark.exhaustive), "submit_task", "submit_chunk"]
)
def test_a_killed_run_ends_as_an_undisturbed_one(
    place: str, undisturbed: dict[str, str], company: Any, fresh_state: Path, tmp_path: Path
) -> None:
    """Killed anywhere and resumed: the same cells, each load started once, the budget kept."""
    root = _fresh_project(company, fresh_state, tmp_path)
    started_before = len(company.starts())

    deaths = run_until_done(root, company.fusion, tmp_path / "deaths", place, RUN)

    assert len(deaths) > (20 if place == "steps" else 0)
    with open_house(root, clock=company.clock()) as house:
        run = house.records.runs.load_run(RUN)
        house.records.audit.verify()
    assert run.state is RunState.SUCCEEDED
    assert {row["unexplained"] for row in run.summary["tie_out"]} == {"0"}
    assert company.cells() == undisturbed
    assert len(company.starts()) - started_before == 1
    assert _busiest_minute(company.journal(company.anaplan)) <= REQUESTS_MAX


def _fresh_project(company: Any, state: Path, tmp_path: Path) -> Path:
    """A second installation that knows nothing of the first."""
    root = tmp_path / "again"
    shutil.copytree(tmp_path / "project", root, ignore=shutil.ignore_patterns(".state", ".key"))
    lay_state(state, root)
    with open_house(root, clock=company.clock()) as house:
        house.save_secret("fusion-sandbox.client_secret", "halden-secret")
        house.save_secret("anaplan-sandbox.password", "halden-password")
    return root


def _busiest_minute(journal: list[dict[str, Any]]) -> int:
    """The most requests in any sliding minute of the tenant's clock."""
    at = sorted(datetime.fromisoformat(line["at"]).timestamp() for line in journal)
    return max(i - bisect_left(at, moment - WINDOW_S) + 1 for i, moment in enumerate(at))
