"""F3 on JD Edwards killed at every durable step: nothing is lost, nothing is sent twice."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ProjectMaker
from tests.fakes.books_desk import FLOW, ONE_COMPANY, BooksDesk, build_desk, cut_project

from ml_connector.ports import RunState
from ml_connector.wiring import open_house

CHILD = Path(__file__).with_name("actuals_child.py")
RUN = "261103-080000-dead"


@pytest.fixture
def desk(company: Any, tmp_path: Path) -> BooksDesk:
    """A project that knows nothing yet; the model's lists are filled."""
    company.reset(jde=True)
    root = tmp_path / "project"
    ProjectMaker(company=company, root=root).make(
        jde=True, **{**ONE_COMPANY, "first_month": "2026-11"}
    )
    cut_project(root)
    desk = build_desk(company, root)
    desk.fill_lists()
    return desk


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("place", ["steps", "submit_task"])
@pytest.mark.exhaustive
def test_a_killed_run_ends_as_an_undisturbed_one(
    place: str, desk: BooksDesk, tmp_path: Path
) -> None:
    """Killed anywhere and resumed: the same cells, one load, and no session of a dead process."""
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(desk.root, undisturbed)
    desk.company.model("snapshot", name="lists filled")
    assert BooksDesk(desk.company, undisturbed, desk.clock).run().state is RunState.SUCCEEDED
    cells, loads = desk.cells(), desk.loads()
    desk.company.model("restore", name="lists filled")

    deaths = run_until_done(desk, tmp_path / "deaths", place)

    with open_house(desk.root, clock=desk.company.clock()) as house:
        run = house.records.runs.load_run(RUN)
        house.records.audit.verify()
    assert len(deaths) > (15 if place == "steps" else 0)
    assert run.state is RunState.SUCCEEDED
    assert {row["unexplained"] for row in run.summary["tie_out"]} == {"0"}
    assert desk.cells() == cells
    assert desk.loads() - loads == 1
    assert desk.sessions() == []


def run_until_done(desk: BooksDesk, deaths: Path, place: str) -> list[str]:
    """The places at which processes died until one of them ended the run."""
    command = [
        sys.executable, str(CHILD), str(desk.root), desk.company.jde, str(deaths), place, RUN, FLOW,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return deaths.read_text().splitlines()
