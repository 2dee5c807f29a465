"""A served project of the API's own: what these tests call changes people, rules and schedules."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripts.browsing import serving_pages
from tests.conftest import fill_lists
from tests.pages.conftest import PASSWORD, ROLES, Site, list_routes


@pytest.fixture(scope="session")
def site(
    shared_company: Any, office_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A project with one run of actuals and a person of each role, served by the command."""
    from ml_connector.ports import Role  # noqa: PLC0415 - only tests that ask pay.
    from ml_connector.wiring import open_house  # noqa: PLC0415 - as above.

    shared_company.reset()
    fill_lists(shared_company)
    root = tmp_path_factory.mktemp("api") / "project"
    shutil.copytree(office_template, root)
    with open_house(root, clock=shared_company.clock()) as house:
        run = house.run("actuals-fusion", {})
        for role in ROLES:
            house.add_person(role, password=PASSWORD, roles=[Role(role)])
        house.add_person("everything", password=PASSWORD, roles=list(Role))
    listed = list_routes(root)
    operations = [(path, method, right) for path, method, right in listed if method]
    with serving_pages(root) as url:
        yield Site(url=url, project=root, run_id=run.run_id, routes=[], operations=operations)


@pytest.fixture(scope="session")
def token(site: Site) -> str:
    """Opens everything."""
    from ml_connector.ports import Right  # noqa: PLC0415 - as above.

    with site.house() as house:
        return str(house.make_token("tests", rights=list(Right), person="everything")[1])
