"""A served project of the API's own: what these tests call changes people, rules and schedules."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from scripts.browsing import serving_pages
from tests.api.writer import end_runs
from tests.conftest import (
    ONE_LEDGER,
    Company,
    ProjectMaker,
    StartCompany,
    change_yaml,
    fill_lists,
)
from tests.fakes.alert_seeds import add_channels, plant_alerts
from tests.fakes.decision_seeds import FLOW, plant, plant_plan, plant_posting, plant_refusals
from tests.fakes.schedule_seeds import add_schedules, plant_schedules
from tests.pages.conftest import PASSWORD, ROLES, Site, find_run_file, list_routes

SMALL = {"ledgers": ["00001/BA"], "last_month": "2026-11"}
"""Two months of one company."""


@pytest.fixture(scope="session")
def systems(start_company: StartCompany) -> Company:
    """A sandbox that nobody else uses: what these tests start goes on when they have ended."""
    return start_company()


@pytest.fixture(scope="session")
def site(
    systems: Company, fresh_state: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A project with one run of actuals and a person of each role, served by the command."""
    root = tmp_path_factory.mktemp("api") / "project"
    ProjectMaker(company=systems, root=root, state=fresh_state).make(**ONE_LEDGER)
    with serving_site(systems, root) as served:
        yield served


@pytest.fixture(autouse=True)
def site_at_rest(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test has started on the site ends with it."""
    yield
    if "site" in request.fixturenames:
        end_runs(request.getfixturevalue("site"), request.getfixturevalue("systems"))


@contextmanager
def serving_site(company: Any, root: Path) -> Iterator[Site]:
    """The project of one ledger is filled and served; the company is as on its first day."""
    from ml_connector.ports import Role  # noqa: PLC0415 - only tests that ask pay.
    from ml_connector.wiring import open_house  # noqa: PLC0415 - as above.

    fill_lists(company)
    add_channels(root)
    add_schedules(root)
    add_budgets(root, company)
    with open_house(root, clock=company.clock()) as house:
        run = house.run("actuals-fusion", {})
        for role in ROLES:
            house.add_person(role, password=PASSWORD, roles=[Role(role)])
        house.add_person("everything", password=PASSWORD, roles=list(Role))
        samples = plant_lists(house, run.run_id)
    listed = list_routes(root)
    operations = [(path, method, right) for path, method, right in listed if method]
    with serving_pages(root) as url:
        yield Site(
            url=url, project=root, run_id=run.run_id, routes=[], operations=operations,
            samples=samples,
        )  # fmt: skip


def add_budgets(root: Path, company: Any) -> None:
    """The project has a small flow that posts budgets, and the connection it posts through."""
    from ml_connector.settings.project_template import (  # noqa: PLC0415 - as above.
        render_sandbox_project,
    )

    files = render_sandbox_project(
        fusion_url=company.fusion, anaplan_url=company.anaplan, jde_url=company.jde,
        workspace_id="w", model_id="m",
    )  # fmt: skip
    for name in ("connections/jde-sandbox.yaml", "flows/budgets-jde.yaml"):
        (root / name).write_text(files[name], encoding="utf-8")
    change_yaml(root / "flows/budgets-jde.yaml", {**SMALL, "approval": {"people": 1}})


def plant_lists(house: Any, run_id: str) -> dict[str, str]:
    """Some rows of everything that is listed; names that lead to them, by parameter."""
    plant_schedules(house, run_id=run_id)
    planted = plant(house, run_id) | plant_alerts(house, run_id=run_id)
    plan = plant_plan(house, run_id=run_id, journals=3)  # The one before is stale by it.
    for key in ("PLANTED3", "PLANTED4"):
        plant_posting(house, run_id=run_id, key=key, plan_hash=f"p {key}")
    cells = house.load_saved_plan(run_id).read_cells()
    plant_refusals(
        house, run_id=run_id, keys=[next(cells).key, next(cells).key], cause="Lines of it"
    )
    connection = planted["<str:connection>"]
    for _ in range(2):
        house.records.connections.record_test(house.records.connections.load_tests(connection)[0])
    standing = house.records.standings.load_standings(flows=["actuals-fusion"])[0]
    approver = house.acting_as("approver")
    approver.sign_off(standing.flow, standing.period, ledger=standing.ledger, comment="Tied out.")
    refused = house.records.loads.load_refused_run("actuals-fusion", run_id, limit=200)
    return {
        "refusal": str(refused[-1].number),
        "plan": plan.plan_hash, "key": "PLANTED3", "alert_id": planted["<str:alert_id>"],
        "connection": connection, "posting_flow": FLOW, "ledger": standing.ledger,
        "member": house.records.runs.load_run(run_id).summary["periods"][-1],
        "period": standing.period, "file": find_run_file(house, run_id).rpartition("/")[2],
    }  # fmt: skip


@pytest.fixture(scope="session")
def token(site: Site) -> str:
    """Opens everything."""
    return make_token(site)


def make_token(site: Site) -> str:
    """One that opens everything of the site."""
    from ml_connector.ports import Right  # noqa: PLC0415 - as above.

    with site.house() as house:
        return str(house.make_token("tests", rights=list(Right), person="everything")[1])
