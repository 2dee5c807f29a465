"""F3 on JD Edwards killed at every durable step: nothing is lost, nothing is sent twice."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ProjectMaker
from tests.fakes.books_desk import FLOW, ONE_COMPANY, BooksDesk, build_desk, cut_project
from tests.fakes.children import run_until_done

from ml_connector.ports import RunState
from ml_connector.wiring import open_house

RUN = "261103-080000-dead"


@pytest.fixture
def desk(company: Any, fresh_state: Path, tmp_path: Path) -> BooksDesk:
    """A project that knows nothing yet; the model's lists are filled."""
    company.reset(jde=True)
    root = tmp_path / "project"
    ProjectMaker(company=company, root=root, state=fresh_state).make(
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

    deaths = run_until_done(desk.root, desk.company.jde, tmp_path / "deaths", place, RUN, FLOW)

    with open_house(desk.root, clock=desk.company.clock()) as house:
        run = house.records.runs.load_run(RUN)
        house.records.audit.verify()
    assert len(deaths) > (15 if place == "steps" else 0)
    assert run.state is RunState.SUCCEEDED
    assert {row["unexplained"] for row in run.summary["tie_out"]} == {"0"}
    assert desk.cells() == cells
    assert desk.loads() - loads == 1
    assert desk.sessions() == []
