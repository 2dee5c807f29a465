"""Each checker of suppliers speaks when its rule is broken: one that cannot is worth nothing."""

import json
from collections.abc import Iterator

import pytest
from tests.simulation.doctoring import write
from tests.simulation.driving import STORIES, Driver, Played
from tests.simulation.faults import Act, Plan
from tests.simulation.people import check_decisions
from tests.simulation.supplier_checks import check_suppliers
from tests.simulation.supplier_faults import SUPPLIERS
from tests.simulation.suppliers import LOG, find_desk, read_log, write_plan
from tests.simulation.world import RECORDS, open_world

pytestmark = pytest.mark.long
NUMBER = "10005"


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    """A world in which planners have revised something, and everything went well."""
    with open_world(1, variant=SUPPLIERS) as world:
        act = Act(before=("planners revise", "new supplier"))
        plan = Plan(seed=1, story=SUPPLIERS, variant=SUPPLIERS, switches={}, acts=(act,))
        played = Driver(
            world=world, played=Played(plan=plan), people=STORIES[SUPPLIERS].make_people()
        )  # fmt: skip
        played.run()
        yield played


def speak(driver: Driver) -> set[str]:
    """The checkers that have something to say."""
    found = [*check_suppliers(driver.world), *check_decisions(driver.world, driver.people)]
    return {finding.checker for finding in found}


def test_sound_world_satisfies_every_checker(driver: Driver) -> None:
    """After runs that nothing disturbed no checker speaks, and something was written."""
    assert driver.played.findings == []
    assert speak(driver) == set()
    assert len(find_desk(driver.world).agreed) > 0


SLIP = """
UPDATE poz_suppliers SET {} = 'Slipped In', LastUpdatedBy = 'halden-connector'
WHERE SupplierNumber = '10005'
"""
FORGET = f"DELETE FROM {LOG} WHERE old1 IS NOT NULL"
REPEAT = f"""
INSERT INTO {LOG} (row, who, old1, old2, new1, new2)
SELECT row, who, old1, old2, new1, new2 FROM {LOG} WHERE old1 IS NOT NULL
"""


@pytest.mark.parametrize(
    ("change", "checker"),
    [
        (SLIP.format("Alias"), "unapproved"),
        (SLIP.format("MissionStatement"), "owner"),
        (FORGET, "lines"),
        (REPEAT, "postings"),
    ],
    ids=["not agreed to", "of no owner", "never written", "written twice"],
)
def test_pod_that_tells_otherwise_is_noticed(driver: Driver, change: str, checker: str) -> None:
    """A write nobody agreed to, one that no flow owns, one that is missing, one that is doubled."""
    store = driver.world.pods.fusion.store
    store.execute("BEGIN")
    try:
        store.execute(change)
        assert checker in speak(driver)
    finally:
        store.execute("ROLLBACK")

    assert speak(driver) == set()


def test_value_of_others_that_nobody_has_seen_is_noticed_when_it_is_covered(
    driver: Driver,
) -> None:
    """What stood there when it was written was not what people were shown."""
    store = driver.world.pods.fusion.store
    written = next(one for one in read_log(driver.world) if one.before is not None)
    theirs = json.dumps(dict.fromkeys(written.changed, "Theirs"))
    store.execute("BEGIN")
    try:
        change = f"UPDATE {LOG} SET old2 = json_patch(old2, ?) WHERE number = ?"
        store.execute(change, (theirs, written.number))
        assert "lost update" in speak(driver)
    finally:
        store.execute("ROLLBACK")


@pytest.mark.parametrize(
    ("statement", "checker"),
    [
        ("UPDATE records_agreement SET attributes = replace(attributes, 'Alias', 'A')", "agreed"),
        ("UPDATE records_posting SET state = 'refused'", "postings"),
        ("UPDATE records_posting SET plan_hash = 'another'", "unapproved"),
        ("UPDATE records_decision SET is_approval = 0", "people"),
        ("UPDATE records_approval SET needed = needed + 1", "people"),
        ("UPDATE records_decision SET actor = (SELECT maker FROM records_approval)", "people"),
    ],
    ids=["agreement", "refused", "plan", "rejected", "too few", "own plan"],
)
def test_records_that_tell_otherwise_are_noticed(
    driver: Driver, statement: str, checker: str
) -> None:
    """What is remembered, said of postings and decided is held against the pod and its log."""
    path = driver.world.root / RECORDS
    driver.world.close()
    before = path.read_bytes()
    write(driver.world, statement)
    try:
        assert checker in speak(driver)
    finally:
        driver.world.close()
        path.write_bytes(before)


def test_plan_applied_to_books_that_have_moved_is_noticed(driver: Driver) -> None:
    """What people agreed to was made from other books than it was applied to."""
    [agreed, *_] = find_desk(driver.world).agreed
    driver.people.drifted.add(agreed.plan)
    try:
        assert speak(driver) == {"people"}
    finally:
        driver.people.drifted.clear()


def test_revision_that_never_arrived_and_supplier_made_twice_are_noticed(driver: Driver) -> None:
    """What planners have written last must have been there once; what they want made, once."""
    desk = find_desk(driver.world)
    moves = list(desk.moves)
    write_plan(driver.world, NUMBER, "Alias", "Never Sent")
    desk.made.append("Never Made")
    try:
        found = list(check_suppliers(driver.world))
    finally:
        desk.moves[:] = moves
        desk.made.pop()

    assert {finding.checker for finding in found} >= {"lines"}
    assert any("Never Sent" in finding.text for finding in found)
    assert any("Never Made" in finding.text for finding in found)
