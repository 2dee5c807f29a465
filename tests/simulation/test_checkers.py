"""Each checker speaks when its rule is broken: a checker that cannot is worth nothing."""

import gzip
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.simulation.books import sum_books
from tests.simulation.budgets import prepare_budget, read_approved, read_ledger
from tests.simulation.checkers import (
    OURS,
    check_at_rest,
    check_budget,
    check_holds,
    check_lines,
    check_settled,
    check_succeeded,
    read_model,
)
from tests.simulation.doctoring import write
from tests.simulation.life import Life
from tests.simulation.world import FLOW, RECORDS, World, open_world

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
    listed: tuple[str, ...] = (*CELL[:4], "Actual", CELL[4])
    refused: list[tuple[str, ...]]
    for refused in ([], [listed]):
        found = list(check_settled(held, [books], [CELL[4]], set(refused)))
        is_passed = bool(refused) and held.keys() <= books.keys()
        assert [one.checker for one in found] == ([] if is_passed else ["tie-out"])
        assert list(check_settled(held, [books], ["Nov 26"], set(refused))) == []


def test_refusal_that_is_out_is_noticed_where_a_run_succeeded(played: World) -> None:
    """What was told as refused by an earlier run is missing all the same."""
    books = sum_books(played.pods.folder)
    listed = (*CELL[:4], "Actual", CELL[4])

    found = list(check_succeeded(read_model(played), [books], {listed}))

    assert [finding.checker for finding in found] == ["tie-out"]


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


def test_late_task_is_passed_over_only_where_the_chain_tells_of_it(played: World) -> None:
    """A start that left after the take-over is nobody's, and beside others, but on record."""
    path = played.root / RECORDS
    task = {**played.submitted[1], "id": "F00D", "kind": "imports", "beside": ["BEEF"]}
    played.submitted.append(task)
    played.close()
    before = path.read_bytes()
    told = "SET event = 'task.late', subject = 'F00D' WHERE number = 1"
    write(played, f"UPDATE records_auditlink {told}")
    try:
        assert not {"tasks", "one task"} & speak(played)
    finally:
        played.close()
        path.write_bytes(before)
    assert speak(played) == {"tasks", "one task"}
    played.submitted.remove(task)


def test_request_in_the_quiet_that_was_asked_for_is_noticed(played: World) -> None:
    """Whoever sends it: nothing comes in between a refusal and the end of its Retry-After."""
    wire, now = played.wire, played.clock.sandbox.now() + 7200
    before = list(wire.arrivals)
    wire.holds.append(("anaplan", now, now + 30))
    wire.arrivals += [("fusion", now + 10), ("anaplan", now), ("anaplan", now + 30)]
    try:
        assert list(check_holds(played)) == []
        wire.arrivals.append(("anaplan", now + 29))
        assert [finding.checker for finding in check_holds(played)] == ["quiet"]
        played.clock.jumps.append(now + 1)
        assert list(check_holds(played)) == []
    finally:
        wire.arrivals[:], wire.holds[:], played.clock.jumps[:] = before, [], []


def test_minute_with_too_many_requests_is_noticed(played: World) -> None:
    """One request more than allowed in sixty seconds is one too many."""
    before = list(played.wire.arrivals)
    now = played.clock.sandbox.now() + 7200
    played.wire.arrivals += [("anaplan", now + 59 * n / 601) for n in range(600)]
    try:
        assert list(check_budget(played)) == []
        played.wire.arrivals.append(("anaplan", now + 59.5))
        assert [finding.checker for finding in check_budget(played)] == ["budget"]
    finally:
        played.wire.arrivals[:] = before


def test_request_beside_the_known_ones_is_noticed(played: World) -> None:
    """A request the tenant has answered and nobody counted, or the other way round, is told."""
    arrivals = played.wire.arrivals
    for change in (arrivals.pop, lambda: arrivals.insert(0, ("anaplan", 0.0))):
        before = list(arrivals)
        change()
        assert speak(played) == {"budget"}
        arrivals[:] = before


def test_log_in_that_nobody_ended_is_noticed(played: World) -> None:
    """A token that lives on after its process, and a session at the ERP, are told."""
    tokens = played.pods.anaplan.tokens
    value, _ = tokens.mint(OURS)
    assert speak(played) == {"sessions"}
    tokens.kill(f"AnaplanAuthToken {value}")

    assert speak(played) == set()
    jde = played.pods.jde
    jde.control._operations["list_sessions"], before = (
        lambda _body: [{"user": "JDE"}], jde.control._operations["list_sessions"]
    )  # fmt: skip
    assert speak(played) == {"sessions"}
    jde.control._operations["list_sessions"] = before


def test_secret_in_a_file_is_noticed(played: World) -> None:
    """A token or a password in a file of any form is named by its first letters only."""
    folder = played.root / ".state"
    for secret in (b"halden-password", next(iter(played.wire.tokens)).encode()):
        text = b"x" * 100 + secret
        table = pa.table({"k0": [text.decode()] * 50})
        for name, write_to in (
            ("spill.txt", lambda path, text=text: path.write_bytes(text)),
            ("spill.csv.gz", lambda path, text=text: path.write_bytes(gzip.compress(text))),
            ("spill.parquet", lambda path, table=table: parquet.write_table(
                table, path, compression="zstd"
            )),
        ):  # fmt: skip
            write_to(folder / name)
            assert speak(played) == {"secrets"}, name
            (folder / name).unlink()


def test_task_the_chain_does_not_tell_of_is_noticed(played: World) -> None:
    """A start that was claimed and never told is a gap in what an auditor reads."""
    path = played.root / RECORDS
    played.close()
    before = path.read_bytes()
    write(
        played,
        "UPDATE records_auditlink SET subject = 'another' WHERE event = 'task.started'"
        " AND number = (SELECT MAX(number) FROM records_auditlink WHERE event = 'task.started')",
    )
    try:
        assert speak(played) == {"audit", "told"}
    finally:
        played.close()
        path.write_bytes(before)


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
    played.close()
    before = path.read_bytes()
    write(played, statement)
    try:
        assert speak(played) == {checker}
    finally:
        played.close()
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
