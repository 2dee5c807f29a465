"""What must hold whatever went wrong, read from raw tables, files and the tenant's own books.

Nothing here calls the code it checks: hashes are made again, sums are made again, windows counted
again.
"""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.simulation.books import Cells
from tests.simulation.budgets import list_doubles
from tests.simulation.world import LOADS, World

SECRETS = (b"halden-secret", b"halden-password")
WINDOW_S = 60.0
OURS = "integration@halden.example"
RECORDS = ".state/records.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a checker has to say against a seed."""

    checker: str
    text: str


def read_rows(world: World, sql: str) -> list[tuple[Any, ...]]:
    """Rows of the records database, as they lie in the file."""
    with closing(sqlite3.connect(world.root / RECORDS)) as database:
        return database.execute(sql).fetchall()


def read_model(world: World) -> Cells:
    """What the model holds, by the tenant's own book; zeros left out."""
    pods = world.pods
    found: Cells = {}
    for cell in pods.ask(pods.anaplan, "read_cells", module="Actuals"):
        at, value = cell["coordinates"], Decimal(str(cell["value"] or 0))
        key = (
            at["Entities"], at["Accounts"], at["Cost Centres"], at["Currencies"], at["Time"]
        )  # fmt: skip
        if value:
            found[key] = value
    return found


def read_refused(world: World) -> set[tuple[str, ...]]:
    """Keys of the summaries the product says the model has refused."""
    rows = read_rows(world, "SELECT key FROM records_refusedsummary WHERE NOT is_settled")
    return {tuple(json.loads(key)) for (key,) in rows}


def check_at_rest(world: World) -> Iterator[Finding]:
    """Everything that must hold once the world has come to rest."""
    yield from check_tasks(world)
    yield from check_audit(world)
    yield from check_budget(world)
    yield from check_secrets(world)
    yield from check_leases(world)
    yield from check_postings(world)


def check_postings(world: World) -> Iterator[Finding]:
    """No key is borne by two documents, no posting is left without an end, no session is open."""
    yield from (Finding(checker="postings", text=text) for text in list_doubles(world))
    sql = "SELECT posting_key, state FROM records_posting"
    for key, state in read_rows(world, sql):
        if state in {"open", "unknown", "quarantined"}:
            yield Finding(checker="postings", text=f"posting {key} is left {state}")
    for session in world.pods.ask(world.pods.jde, "list_sessions"):
        yield Finding(checker="sessions", text=f"a session is open: {session}")


def check_succeeded(
    held: Cells, versions: list[Cells], refused: set[tuple[str, ...]]
) -> Iterator[Finding]:
    """A run that says succeeded left, in each month, what the books held while it ran.

    Cells an earlier run has told as refused, and that are listed so, are left out.
    """
    held = _without(held, refused)
    versions = [_without(version, refused) for version in versions]
    months = sorted({key[-1] for cells in (held, *versions) for key in cells})
    for month in months:
        have = _of_month(held, month)
        if all(_of_month(version, month) != have for version in versions):
            yield Finding(
                checker="tie-out",
                text=f"{month} is said to have succeeded: {_tell(have, versions[-1], month)}",
            )


def check_lines(held: Cells, books: Cells) -> Iterator[Finding]:
    """At the end no line is lost and none is there twice."""
    for month in sorted({key[-1] for cells in (held, books) for key in cells}):
        have, want = _of_month(held, month), _of_month(books, month)
        if have != want:
            yield Finding(checker="lines", text=f"{month} at the end: {_tell(have, books, month)}")


def check_tasks(world: World) -> Iterator[Finding]:
    """Each import the tenant was made to start is claimed by one intent, and ran alone."""
    claimed = Counter(
        task for (task,) in read_rows(world, "SELECT task_id FROM records_intent") if task
    )
    yield from (
        Finding(checker="tasks", text=f"task {task} is claimed by {count} intents")
        for task, count in claimed.items()
        if count > 1
    )
    for task in world.submitted:
        if task["user"] != OURS or task["kind"] not in LOADS:
            continue
        if task["beside"]:
            yield Finding(checker="one task", text=f"{task['id']} began beside {task['beside']}")
        if not claimed[task["id"]] and task["id"] not in world.spoiled_tasks:
            yield Finding(checker="tasks", text=f"no intent knows task {task['id']}: {task}")
    states = [state for (state,) in read_rows(world, "SELECT state FROM records_intent")]
    open_ones = [state for state in states if state in {"open", "unknown"}]
    if open_ones:
        yield Finding(checker="tasks", text=f"intents are left {open_ones}")


def check_audit(world: World) -> Iterator[Finding]:
    """The chain is whole: numbers, hashes, and the end that is kept apart."""
    before, number = "0" * 64, 0
    names = "number, at, actor, event, subject, run_id, details, hash_before, hash_after"
    for row in read_rows(world, f"SELECT {names} FROM records_auditlink ORDER BY number"):
        number += 1
        link = dict(zip(names.split(", "), row, strict=True))
        after = link.pop("hash_after")
        link["run"], link["details"] = link.pop("run_id"), json.loads(link["details"])
        text = json.dumps(link, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        made = hashlib.sha256(text.encode()).hexdigest()
        if (link["number"], link["hash_before"], after) != (number, before, made):
            yield Finding(checker="audit", text=f"link {link['number']} does not fit at {number}")
        before = after
    if read_rows(world, "SELECT number, hash_after FROM records_audithead") != [(number, before)]:
        yield Finding(checker="audit", text="the head is not the last link")


def check_budget(world: World) -> Iterator[Finding]:
    """No minute of the tenant's clock saw more requests than are allowed."""
    allowed = 20 if world.is_slow else 600
    for start, count in _list_minutes(world):
        jumped = any(start - WINDOW_S <= at <= start + WINDOW_S for at in world.clock.jumps)
        if count > allowed and not jumped:
            yield Finding(checker="budget", text=f"{count} requests in the minute to {start}")
            return


def find_busiest(world: World) -> int:
    """The most requests of any minute."""
    return max((count for _, count in _list_minutes(world)), default=0)


def check_secrets(world: World) -> Iterator[Finding]:
    """No password, no client secret and no token lies in any file or log line."""
    wanted = [*SECRETS, *(token.encode() for token in world.wire.tokens)]
    for path in _list_files(world):
        content = path.read_bytes()
        for secret in wanted:
            if secret in content:
                yield Finding(checker="secrets", text=f"{path.name} holds {secret.decode()[:9]}…")


def check_leases(world: World) -> Iterator[Finding]:
    """No run is left under way."""
    for run, state in read_rows(world, "SELECT run_id, state FROM records_run"):
        if state in {"running", "queued"}:
            yield Finding(checker="runs", text=f"run {run} is left {state}")


def _list_minutes(world: World) -> Iterator[tuple[float, int]]:
    """Each arrival at the tenant, and how many came in the minute it ends."""
    at = sorted(moment for server, moment in world.wire.arrivals if server == "anaplan")
    first = 0
    for last, moment in enumerate(at):
        while at[first] <= moment - WINDOW_S:
            first += 1
        yield moment, last - first + 1


def _list_files(world: World) -> Iterator[Path]:
    yield world.logs
    yield from (path for path in world.root.rglob("*") if path.is_file() and path.name != ".key")


def _without(cells: Cells, refused: set[tuple[str, ...]]) -> Cells:
    """The cells but for those listed as refused; a key there also holds the version."""
    left_out = {tuple(part for part in key if part != "Actual") for key in refused}
    return {key: amount for key, amount in cells.items() if key not in left_out}


def _of_month(cells: Cells, month: str) -> Cells:
    return {key: amount for key, amount in cells.items() if key[-1] == month}


def _tell(have: Cells, books: Cells, month: str) -> str:
    want = _of_month(books, month)
    off = [
        f"{'/'.join(key)} holds {have.get(key, 0)}, books {want.get(key, 0)}"
        for key in sorted(have.keys() | want.keys())
        if have.get(key) != want.get(key)
    ]
    return f"{len(off)} cells differ: {'; '.join(off[:4])}"
