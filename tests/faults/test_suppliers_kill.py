"""F5 killed while suppliers are on their way: each is written once, and found when looked for."""

import shutil
import signal
import sys
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from tests.conftest import call_control
from tests.fakes.children import run_until_done
from tests.fakes.pod_desk import (
    FLOW,
    JOBS,
    MANY,
    NOBODY_ASKED,
    ONE,
    SUPPLIERS,
    PodDesk,
    build_pod_desk,
)
from tests.fakes.writing_desk import kill_when

from ml_connector.ports import PostingState, RunState

CHILD = """
import sys
from datetime import datetime
from pathlib import Path
from threading import Event
from tests.conftest import BridgedClock
from ml_connector.wiring import open_house

project, fusion, now, run, flow = sys.argv[1:]
clock = BridgedClock(fusion, datetime.fromisoformat(now))
with open_house(Path(project), clock=clock) as house:
    house.run_as(run, flow, {})
"""
"""A process that runs the flow and waits for an answer that does not come."""
RUN = "261103-080000-dead"
NUMBERS = ("10005", "10006", "10007", "10008")
NEW = "Brand New Supplies"
HELD_S = 5
"""Seconds the pod keeps the answer back; the process is dead before, and the test goes on after."""
LOOKS_MAX, LOOK_S = 1_200, 0.05
ATTRIBUTES = [{"attribute": "alias", "column": "Alias"}, {"attribute": "name", "column": "Name"}]
GIVEN = {"business_relationship": "PROSPECTIVE", "tax_organisation_type": "CORPORATION"}


@pytest.fixture
def desk(company: Any, office_template: Path, tmp_path: Path) -> PodDesk:
    """Four suppliers have a new alias in the model, and a fifth is new; nobody is asked."""
    root = tmp_path / "project"
    shutil.copytree(office_template, root)
    made = build_pod_desk(
        company, root, attributes=ATTRIBUTES, creations=True, creation_values=GIVEN, at_once=2,
        **NOBODY_ASKED,
    )  # fmt: skip
    held = made.held()
    suppliers: list[Any] = [
        {"code": number, "name": held[number]["Supplier"], "values": {"Alias": "NEW"}}
        for number in NUMBERS
    ]
    new = {"name": NEW, "values": {"Alias": "NEW"}}
    company.model("add_suppliers", suppliers=[*suppliers, new])
    return made


def list_sent(desk: PodDesk, path: str, count: int) -> list[str]:
    """Requests the pod was sent, once it has noted the one whose answer it kept back."""
    for _ in range(LOOKS_MAX):
        sent = [line["path"] for line in desk.writes(path)]
        if len(sent) >= count:
            break
        Event().wait(LOOK_S)
    return sent


def verify_written_once(desk: PodDesk, before: dict[str, Any]) -> None:
    """Every supplier holds its alias, and there is one new one."""
    found = desk.changed_since(before)
    made = [found.pop(number) for number in set(found) - set(before)]
    assert found == {number: {"Alias": "NEW"} for number in NUMBERS}
    assert [(row["Supplier"], row["Alias"]) for row in made] == [(NEW, "NEW")]


@pytest.mark.long
@pytest.mark.parametrize(
    ("send", "method", "path"),
    [("single", "POST", MANY), ("single", "PATCH", ONE), ("file", "POST", JOBS)],
    ids=["creation", "change", "file"],
)
def test_run_killed_right_after_a_request_left_writes_each_supplier_once(
    send: str, method: str, path: str, desk: PodDesk
) -> None:
    """Nobody heard the answer, and it has taken effect: the resume looks before it sends."""
    desk.change(send=send)
    before = desk.held()
    # No supplier is made twice because the pod would not have it.
    desk.turn(supplier_duplicates="accept")
    desk.spoil(method=method, path=path, kind="delay", effect=True, delay_s=HELD_S)

    def has_left() -> bool:
        rules = call_control(desk.company.fusion, "GET", "faults")["rules"]
        return any(rule["fired"] for rule in rules)

    now = desk.clock.now().isoformat()
    command = [sys.executable, "-c", CHILD, str(desk.root), desk.company.fusion, now, RUN, FLOW]
    killed = kill_when(command, has_left, clock=desk.clock, url=desk.company.fusion)
    states = {one.state for one in desk.postings().values()}
    row = desk.resume(RUN)
    again = desk.run()

    assert killed == -signal.SIGKILL
    assert PostingState.OPEN in states
    assert row.state is again.state is RunState.SUCCEEDED
    assert (row.summary["confirmed"], row.summary["planned"]) == (5, 5)
    verify_written_once(desk, before)
    count = 2 if send == "file" else 5
    assert len(list_sent(desk, JOBS if send == "file" else SUPPLIERS, count)) == count
    with desk.house() as house:
        house.records.audit.verify()


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.exhaustive
def test_run_killed_after_every_step_writes_each_supplier_once(
    desk: PodDesk, tmp_path: Path
) -> None:
    """Whatever step's result was lost, the next process finds what was written and goes on."""
    before, deaths = desk.held(), tmp_path / "deaths"
    desk.turn(supplier_duplicates="accept")

    died = run_until_done(desk.root, desk.company.fusion, deaths, "steps", RUN, FLOW)

    assert [name for name in died if name.startswith("send: ")] == ["send: 1/2 #1", "send: 2/2 #1"]
    assert len(died) > 12
    with desk.house() as house:
        row = house.records.runs.load_run(RUN)
        house.records.audit.verify()
    assert row.state is RunState.SUCCEEDED
    assert row.summary["confirmed"] == 5
    verify_written_once(desk, before)
    assert len(desk.writes(SUPPLIERS)) == 5
