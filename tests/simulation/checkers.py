"""What must hold whatever went wrong, read from raw tables, files and the tenant's own books.

Nothing here calls the code it checks: hashes are made again, sums are made again, windows counted
again.
"""

import gzip
import hashlib
import json
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pyarrow import parquet
from tests.simulation.books import Cells
from tests.simulation.budgets import list_doubles
from tests.simulation.world import LOADS, World

SECRETS = (b"halden-secret", b"halden-password")
WINDOW_S = 60.0
OURS = "integration@halden.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a checker has to say against a seed."""

    checker: str
    text: str


def read_rows(world: World, sql: str) -> list[tuple[Any, ...]]:
    """Rows of the records database, as they lie in the file."""
    return world.read_rows(sql)


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


def read_settled(world: World, run_id: str) -> list[str]:
    """The months that the product says the run has settled."""
    sql = (
        "SELECT s.result FROM records_step s JOIN records_run r ON r.id = s.run_id"
        f" WHERE r.run_id = '{run_id}' AND s.name = 'settle' AND s.state = 'done'"
    )
    return [month for (result,) in read_rows(world, sql) for month in json.loads(result)["settled"]]


def check_at_rest(world: World) -> Iterator[Finding]:
    """Everything that must hold once the world has come to rest."""
    yield from check_tasks(world)
    yield from check_audit(world)
    yield from check_told(world)
    yield from check_budget(world)
    yield from check_holds(world)
    yield from check_journal(world)
    yield from check_sessions(world)
    yield from check_secrets(world)
    yield from check_leases(world)
    yield from check_postings(world)


def check_postings(world: World) -> Iterator[Finding]:
    """No key is borne by two documents, and no posting is left without an end."""
    yield from (Finding(checker="postings", text=text) for text in list_doubles(world))
    sql = "SELECT posting_key, state FROM records_posting"
    for key, state in read_rows(world, sql):
        if state in {"open", "unknown", "quarantined"}:
            yield Finding(checker="postings", text=f"posting {key} is left {state}")


def check_succeeded(
    held: Cells, versions: list[Cells], refused: set[tuple[str, ...]]
) -> Iterator[Finding]:
    """A run that says succeeded left, in each month, what the books held while it ran.

    Nothing is listed as refused then, whichever run has met the refusal.
    """
    if refused:
        text = f"a run is said to have succeeded, and refused are {sorted(refused)[:4]}"
        yield Finding(checker="tie-out", text=text)
    months = sorted({key[-1] for cells in (held, *versions) for key in cells})
    for month in months:
        have = _of_month(held, month)
        if all(_of_month(version, month) != have for version in versions):
            yield Finding(
                checker="tie-out",
                text=f"{month} is said to have succeeded: {_tell(have, versions[-1], month)}",
            )


def check_settled(
    held: Cells, versions: list[Cells], months: Iterable[str], refused: set[tuple[str, ...]]
) -> Iterator[Finding]:
    """The months that a run settled, however it ended, hold the books but for what was refused."""
    out = {(*key[:4], key[-1]) for key in refused}
    for month in months:
        have, *may = (
            {key: amount for key, amount in _of_month(cells, month).items() if key not in out}
            for cells in (held, *versions)
        )
        if have not in may:
            text = f"{month} is said to be settled: {_tell(have, versions[-1], month)}"
            yield Finding(checker="tie-out", text=text)


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
    late = set(read_rows(world, "SELECT subject FROM records_auditlink WHERE event = 'task.late'"))
    for task in world.submitted:
        if task["user"] != OURS or task["kind"] not in LOADS or (task["id"],) in late:
            continue
        if beside := [one for one in task["beside"] if (one,) not in late]:
            yield Finding(checker="one task", text=f"{task['id']} began beside {beside}")
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


def check_told(world: World) -> Iterator[Finding]:
    """Whatever was started or entered stands in the chain, under its task or its key."""
    told = Counter(read_rows(world, "SELECT event, subject FROM records_auditlink"))
    for (task,) in read_rows(world, "SELECT task_id FROM records_intent WHERE task_id <> ''"):
        if told["task.started", task] + told["task.adopted", task] != 1:
            yield Finding(checker="told", text=f"the chain does not tell of task {task} once")
    for key, state in read_rows(world, "SELECT posting_key, state FROM records_posting"):
        if state not in {"open", "unknown"} and not told[f"posting.{state}", key]:
            yield Finding(checker="told", text=f"the chain does not tell that {key} is {state}")


def check_budget(world: World) -> Iterator[Finding]:
    """No minute of the tenant's clock saw more requests than are allowed."""
    allowed = 20 if world.is_slow else 600
    for start, count in _list_minutes(world):
        jumped = any(start - WINDOW_S <= at <= start + WINDOW_S for at in world.clock.jumps)
        if count > allowed and not jumped:
            yield Finding(checker="budget", text=f"{count} requests in the minute to {start}")
            return


def check_holds(world: World) -> Iterator[Finding]:
    """From a refusal that asks for quiet until its end nobody sends the tenant anything.

    A clock that was set in between counts otherwise, and says so.
    """
    at = sorted(moment for server, moment in world.wire.arrivals if server == "anaplan")
    for server, first, last in world.wire.holds:
        if server != "anaplan" or any(first <= jump <= last for jump in world.clock.jumps):
            continue
        if count := bisect_left(at, last) - bisect_right(at, first):
            text = f"{count} requests came in between {first} and {last}, which a 429 had asked for"
            yield Finding(checker="quiet", text=text)


def check_journal(world: World) -> Iterator[Finding]:
    """The tenant's own journal counts the requests we count: none came by another way."""
    counted = Counter(server for server, _ in world.wire.arrivals)
    for server in (world.pods.anaplan, world.pods.fusion, world.pods.jde):
        written = server.store.query("SELECT COUNT(*) FROM journal")[0][0]
        if written != counted[server.name]:
            yield Finding(
                checker="budget",
                text=f"{server.name} answered {written} requests, sent were {counted[server.name]}",
            )


def check_sessions(world: World) -> Iterator[Finding]:
    """Whoever has logged in has logged out, or died so long ago that the log-in has ended."""
    for session in world.pods.ask(world.pods.jde, "list_sessions"):
        yield Finding(checker="sessions", text=f"a session is open: {session}")
    now_ms = world.clock.sandbox.now() * 1000
    rows = world.pods.anaplan.store.query("SELECT value FROM kv WHERE space = 'tokens'")
    for token in (json.loads(value) for (value,) in rows):
        if token["user"] == OURS and token["expires_ms"] > now_ms:
            yield Finding(checker="sessions", text=f"a token is alive: {token['token_id']}")


def find_busiest(world: World) -> int:
    """The most requests of any minute."""
    return max((count for _, count in _list_minutes(world)), default=0)


def check_secrets(world: World) -> Iterator[Finding]:
    """No password, no client secret and no token lies in any file or log line."""
    wanted = [*SECRETS, *(token.encode() for token in world.wire.tokens)]
    for path in _list_files(world):
        content = _read_content(path)
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


def _read_content(path: Path) -> bytes:
    """What the file says, as it lies there and unpacked."""
    raw = path.read_bytes()
    if path.suffix == ".gz":
        return raw + gzip.decompress(raw)
    if path.suffix != ".parquet":
        return raw
    table = parquet.read_table(path, memory_map=False, use_threads=False)
    chunks = (chunk for column in table.columns for chunk in column.chunks)
    return raw + b"".join(part.to_pybytes() for one in chunks for part in one.buffers() if part)


def _list_files(world: World) -> Iterator[Path]:
    yield world.logs
    yield from (path for path in world.root.rglob("*") if path.is_file() and path.name != ".key")


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
