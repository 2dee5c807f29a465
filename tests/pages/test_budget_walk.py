"""A budget from the first click to the posted journals, by two people, in the served pages."""

import re
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from scripts.browsing import serving_pages
from tests.conftest import ProjectMaker
from tests.pages.conftest import PASSWORD, Visitor

from ml_connector.ports import Role
from ml_connector.wiring import open_house

FLOW = "budgets-jde"
PEOPLE = {"maker": [Role.OPERATOR, Role.APPROVER], "controller": [Role.APPROVER]}
LOOKS_MAX = 500
pytestmark = pytest.mark.long


@pytest.fixture
def desk(company: Any, fresh_state: Path, tmp_path: Path) -> Iterator[Any]:
    """A project with one small budget flow, planners' amounts in the model, and two people."""
    from tests.fakes.budget_desk import SMALL, build_budget_desk  # noqa: PLC0415 - this test only.

    company.reset(jde=True)
    root = tmp_path / "project"
    ProjectMaker(company=company, root=root, state=fresh_state).make(jde=True)
    made = build_budget_desk(company, root)
    made.change(**{**SMALL, "approval": {"people": 1}})
    spare = made.places[:2]
    made.plan({**made.held(), **{(place, "Oct 26"): Decimal("1250.50") for place in spare}})
    with open_house(root, clock=made.clock) as house:
        for name, roles in PEOPLE.items():
            house.add_person(name, password=PASSWORD, roles=roles)
    yield made
    shutil.rmtree(root)


def follow(desk: Any, visitor: Visitor, where: str) -> str:
    """The run that an answer led to, ended; its state. The sandbox's time passes meanwhile."""
    for _ in range(LOOKS_MAX):
        desk.clock.sleep(1)
        text = visitor.get(where).text
        state = re.search(r'class="chip [a-z]+">([a-z ]+)<', text)
        assert state is not None
        if state[1] not in ("queued", "running"):
            return state[1]
    raise AssertionError(f"{where} never ended")


def test_budget_is_planned_by_one_and_approved_by_another(desk: Any) -> None:
    """The maker's own word is refused; the other's posts exactly what was shown, once."""
    before = desk.held()
    with serving_pages(desk.root) as url:
        maker, controller = (_sign_in(url, name) for name in PEOPLE)
        started = maker.post(f"/flows/{FLOW}/start/", {"key": "first"})
        assert follow(desk, maker, started.headers["Location"]) == "waiting for approval"
        (plan,) = set(re.findall(r"/plans/([0-9a-f]{64})/", controller.get("/plans/").text))
        shown = controller.get(f"/plans/{plan}/").text
        own = maker.post(f"/plans/{plan}/approve/", {"key": "own"})
        posted = controller.post(f"/plans/{plan}/approve/", {"key": "k", "reason": "Fine."})
        again = controller.post(f"/plans/{plan}/approve/", {"key": "k", "reason": "Fine."})
        assert follow(desk, controller, posted.headers["Location"]) == "succeeded"
        applied = controller.get(f"/plans/{plan}/").text
        listed = controller.get("/postings/").text
        keys = set(re.findall(r"/postings/([A-Z0-9]{8})/", listed))
        receipt = controller.get(f"/postings/{keys.pop()}/").text

    assert "1,250.50" in shown
    assert own.status == 422
    assert "cannot decide" in own.text
    assert again.status == 302
    assert "The plan is applied" in applied
    assert "confirmed" in receipt
    assert desk.sends() == 1
    assert desk.held() != before


def _sign_in(url: str, name: str) -> Visitor:
    visitor = Visitor(url)
    assert visitor.sign_in(name).status == 302
    return visitor
