"""Each checker speaks when its rule is broken: a checker that cannot is worth nothing."""

from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from sqlite3 import connect
from typing import Any

import pytest
from tests.simulation.books import sum_books
from tests.simulation.budgets import prepare_budget, read_approved, read_ledger
from tests.simulation.checkers import (
    RECORDS,
    check_at_rest,
    check_lines,
    check_succeeded,
    read_model,
)
from tests.simulation.life import Life
from tests.simulation.world import FLOW, World, open_world

pytestmark = pytest.mark.long
CELL = ("102", "63020", "210", "USD", "Oct 26")


@pytest.fixture(scope="module")
def played() -> Iterator[World]:
    """A world in which one undisturbed run has ended."""
    with open_world(1) as world:
        life = Life()
        house = world.open_process(life)
        assert str(house.run_as("run-01", FLOW, {}).state) == "succeeded"
        world.close_process(house, life)
        yield world


def write(world: World, *statements: str) -> None:
    """The records database is changed behind everybody's back, its guards taken off."""
    with closing(connect(world.root / RECORDS)) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in names.fetchall():
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            database.execute(statement)
        database.commit()


def speak(world: World) -> set[str]:
    """The checkers that have something to say."""
    return {finding.checker for finding in check_at_rest(world)}


def test_sound_world_satisfies_every_checker(played: World) -> None:
    """After a run that nothing disturbed no checker speaks."""
    books = sum_books(played.pods.folder)

    assert list(check_at_rest(played)) == []
    assert list(check_lines(read_model(played), books)) == []
    assert list(check_succeeded(read_model(played), [books], set())) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda cells: cells | {CELL: cells[CELL] * 2},
        lambda cells: cells | {CELL: cells[CELL] + Decimal("0.01")},
        lambda cells: {key: amount for key, amount in cells.items() if key != CELL},
        lambda cells: cells | {("101", *CELL[1:]): Decimal(1)},
    ],
    ids=["doubled", "a cent", "lost", "made up"],
)
def test_wrong_cell_is_noticed(played: World, change: Callable[[Any], Any]) -> None:
    """A cell that is doubled, a cent off, missing or too many is named."""
    books = sum_books(played.pods.folder)
    held = change(read_model(played))

    assert {finding.checker for finding in check_lines(held, books)} == {"lines"}
    assert {one.checker for one in check_succeeded(held, [books], set())} == {"tie-out"}


def test_refused_cell_is_left_out_where_it_is_listed(played: World) -> None:
    """What was told as refused is no lie of a later run; what was not, is."""
    books = sum_books(played.pods.folder)
    held = {key: amount for key, amount in read_model(played).items() if key != CELL}
    listed = (*CELL[:4], "Actual", CELL[4])

    assert list(check_succeeded(held, [books], {listed})) == []


def test_task_nobody_claims_is_noticed(played: World) -> None:
    """A start that no intent knows is what a double posting looks like."""
    task = {**played.submitted[1], "id": "F00D", "kind": "imports", "beside": []}
    played.submitted.append(task)
    try:
        assert speak(played) == {"tasks"}
        task["beside"] = ["BEEF"]
        assert speak(played) == {"tasks", "one task"}
    finally:
        played.submitted.remove(task)


def test_minute_with_too_many_requests_is_noticed(played: World) -> None:
    """One request more than allowed in sixty seconds is one too many."""
    before = list(played.wire.arrivals)
    now = played.clock.sandbox.now() + 7200
    played.wire.arrivals += [("anaplan", now + 59 * n / 601) for n in range(600)]
    try:
        assert speak(played) == set()
        played.wire.arrivals.append(("anaplan", now + 59.5))
        assert speak(played) == {"budget"}
    finally:
        played.wire.arrivals[:] = before


def test_secret_in_a_file_is_noticed(played: World) -> None:
    """A token in a log line or a password in a file is named by its first letters only."""
    spill = played.root / ".state" / "spill.txt"
    for secret in (b"halden-password", next(iter(played.wire.tokens)).encode()):
        spill.write_bytes(b"x" * 100 + secret)
        assert speak(played) == {"secrets"}
    spill.unlink()


@pytest.mark.parametrize(
    ("statement", "checker"),
    [
        ("UPDATE records_auditlink SET actor = 'nobody' WHERE number = 3", "audit"),
        ("DELETE FROM records_auditlink WHERE number = 4", "audit"),
        ("UPDATE records_audithead SET number = number + 1", "audit"),
        ("UPDATE records_run SET state = 'running'", "runs"),
        ("UPDATE records_intent SET state = 'unknown' WHERE id = 5", "tasks"),
    ],
    ids=["link changed", "link gone", "head moved", "run left", "intent left"],
)
def test_broken_records_are_noticed(played: World, statement: str, checker: str) -> None:
    """A changed link, a lost one, a moved head, a run or an intent nobody ended are told."""
    path = played.root / RECORDS
    before = path.read_bytes()
    write(played, statement)
    try:
        assert speak(played) == {checker}
    finally:
        path.write_bytes(before)


def test_second_document_of_a_key_is_noticed() -> None:
    """Two documents that bear one key are a journal posted twice."""
    with open_world(1, variant="budgets") as world:
        prepare_budget(world)
        life = Life()
        house = world.open_process(life)
        assert str(house.run_as("run-01", "budgets-jde", {}).state) == "succeeded"
        world.close_process(house, life)
        before = speak(world)
        held = read_ledger(world)
        # The same lines once more, under another number.
        store = world.pods.jde.store
        columns = [row[1] for row in store.query("PRAGMA table_info(F0911)")]
        copied = ", ".join("DOC + 500000" if name == "DOC" else name for name in columns)
        store.execute(
            f"INSERT INTO F0911 ({', '.join(columns)}) SELECT {copied} FROM F0911"
            " WHERE LT = 'BA' AND trim(R2) <> ''"
        )
        after, doubled = speak(world), read_ledger(world)

    assert before == set()
    assert held == read_approved(world)
    assert after == {"postings"}
    assert {one.checker for one in check_lines(doubled, read_approved(world))} == {"lines"}
