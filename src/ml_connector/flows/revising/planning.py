"""The plan of a supplier run: its revisions in chunks, guarded, saved, asked for."""

from collections.abc import Iterator
from typing import Any

from ml_connector.errors import BlockedError, UsageError
from ml_connector.flows.bench import SupplierBench, cut, read_document, store_document
from ml_connector.flows.revising.changes import (
    CHUNK_BATCH,
    CHUNK_FILE,
    CHUNK_SINGLE,
    load_plan,
)
from ml_connector.ports import Json

SHOWN_MAX = 40
"""Conflicts, faults and changes that are told; all of them are archived."""
RUNS_SEEN_MAX = 100
"""Runs that are looked through for the last one that read the view."""
CHUNKS = {"single": CHUNK_SINGLE, "batch": CHUNK_BATCH, "file": CHUNK_FILE}


class SupplierGuardError(BlockedError):
    """The plan changes more suppliers, or the view lacks more of them, than the flow lets pass."""

    code = "suppliers.guard"


class UnknownTakeError(UsageError):
    """Suppliers were named whose conflicts there is nothing to decide about."""

    code = "suppliers.nothing-to-take"


def plan_revisions(bench: SupplierBench, compared: list[Json], run_id: str) -> Json:
    """The plan is archived: revisions in chunks by their way of sending, changes first."""
    revisions = [
        one for chunk in compared for one in read_document(bench.archive, chunk["revisions"])
    ]
    changes = [one for one in revisions if one["remote_id"]]
    creations = [one for one in revisions if not one["remote_id"]]
    send = find_way(bench, len(revisions))
    chunks = [
        store_document(bench.archive, list(part))
        for some in (changes, creations)
        for part in cut(some, CHUNKS[send])
    ]
    document = {
        "flow": bench.flow.name,
        "connection": bench.source.connection,
        "address": bench.source.address,
        "run_id": run_id,
        "send": send,
        "changes": len(changes),
        "creations": len(creations),
        "chunks": chunks,
        "reverses": "",
    }
    return {
        "plan_hash": store_document(bench.archive, document),
        **{name: document[name] for name in ("send", "changes", "creations")},
    }


def tell_planned(bench: SupplierBench, plan_hash: str) -> Json:
    """What a saved plan changes and makes, as a summary has it: the counts, and the first."""
    plan = load_plan(bench, plan_hash)
    return {
        "suppliers": {name: plan[name] for name in ("changes", "creations")},
        "changes_shown": list(_first_of(bench, plan["chunks"])),
    }


def find_way(bench: SupplierBench, count: int) -> str:
    """How so many suppliers are sent: `single`, `batch` or `file`."""
    if bench.flow.send != "auto":
        return bench.flow.send
    return "file" if bench.template and count > bench.flow.file_above else "single"


def verify_supplier_guards(bench: SupplierBench, plan: Json, rows: int) -> Json:
    """The plan changes no more, and the view has become no shorter, than the flow lets pass.

    Raises:
        SupplierGuardError: Names what it is.
    """
    guards, count = bench.flow.guards, plan["changes"] + plan["creations"]
    before = _find_rows_before(bench)
    if guards.missing_ratio_max is not None and (before - rows > guards.missing_ratio_max * before):
        raise _guard(
            bench,
            f"The view shows {rows:,} suppliers, at the last run it showed {before:,}; the flow"
            f" lets {guards.missing_ratio_max:.0%} be missing",
            "missing_ratio_max",
        )
    if guards.suppliers_max is not None and count > guards.suppliers_max:
        raise _guard(
            bench,
            f"The plan changes {count:,} suppliers; the flow lets {guards.suppliers_max:,} pass",
            "suppliers_max",
        )
    if guards.changed_ratio_max is not None and count > guards.changed_ratio_max * rows:
        raise _guard(
            bench,
            f"The plan changes {count:,} of {rows:,} suppliers; the flow lets"
            f" {guards.changed_ratio_max:.0%} pass",
            "changed_ratio_max",
        )
    return {"passed": True}


def _find_rows_before(bench: SupplierBench) -> int:
    """Rows of the view at the newest run that looked at it to write; 0 when there was none."""
    for run in bench.records.runs.load_runs(flow=bench.flow.name, limit=RUNS_SEEN_MAX):
        if not run.request.get("dry_run") and "rows" in run.summary.get("suppliers", {}):
            return int(run.summary["suppliers"]["rows"])
    return 0


def _guard(bench: SupplierBench, refused: str, key: str) -> SupplierGuardError:
    return SupplierGuardError(
        f"{refused}.",
        written="Nothing was written.",
        next_step=f"Look at it: `ml-connector plan {bench.flow.name}`; was the list filtered or"
        f" rebuilt? If it is right, raise `guards.{key}` in flows/{bench.flow.name}.yaml.",
        flow=bench.flow.name,
    )


def verify_taken(bench: SupplierBench, compared: list[Json], take: frozenset[str]) -> Json:
    """Every supplier whose conflict was decided is in the plan.

    Raises:
        UnknownTakeError: Some are not; names them.
    """
    planned = {
        one["number"]
        for chunk in compared
        for one in read_document(bench.archive, chunk["revisions"])
    }
    odd = sorted(take - planned)
    if odd:
        raise UnknownTakeError(
            f"There is nothing to take of {', '.join(odd)}: both sides agree, or the view does not"
            " show them.",
            written="Nothing was written.",
            next_step=f"See the conflicts: `ml-connector plan {bench.flow.name}`.",
            suppliers=", ".join(odd),
        )
    return {"taken": sorted(take)}


def summarise(bench: SupplierBench, plan: Json, compared: list[Json]) -> Json:
    """What the comparison found, for people: counts, and the first of each kind."""
    counts = {
        name: sum(chunk[name] for chunk in compared)
        for name in ("changes", "creations", "conflicting", "faulty", "same", "waiting", "owned")
    }
    return {
        "counts": counts,
        "changes_shown": list(_first(bench, compared, "revisions")),
        "conflicts_shown": list(_first(bench, compared, "conflicts")),
        "faults_shown": list(_first(bench, compared, "faults")),
        "send": plan["send"],
    }


def _first(bench: SupplierBench, compared: list[Json], name: str) -> Iterator[Any]:
    return _first_of(bench, [chunk[name] for chunk in compared])


def _first_of(bench: SupplierBench, documents: list[str]) -> Iterator[Any]:
    left = SHOWN_MAX
    for document in documents:
        for row in read_document(bench.archive, document)[:left]:
            left -= 1
            yield row
        if not left:
            return
