"""Accepting: the shadow moves for what the model took; what it refused keeps its reason."""

import hashlib
from collections.abc import Collection, Iterator
from decimal import Decimal

from ml_connector.domain.plan import PlannedCell
from ml_connector.domain.summaries import Summary, SummaryKey
from ml_connector.errors import OutcomeUnknownError, RefusedError
from ml_connector.flows.bench import ActualsBench, read_document, store_document
from ml_connector.flows.ledger.currencies import currency_of
from ml_connector.flows.loading.causes import name_cause
from ml_connector.flows.loading.running import WHOLE_FAILURES, name_outcome, read_refused_rows
from ml_connector.flows.planning.plans import read_shadow
from ml_connector.ports import Archive, Json, LoadOutcome, LoadRow, RefusedSummary, TaskState

REFUSED_MAX = 200_000
"""More refusals than this are no list of exceptions but a wrong import; the run stops instead."""
UNCLEAR_NAMED_MAX = 3
DEFINITE_FAILURES = frozenset({str(LoadOutcome.FAILED), str(LoadOutcome.CANCELLED)})
"""Ends of which the model itself says that nothing was taken; it has not forgotten the task."""
REASON_LOST = "The model dropped its failure dump; the cell was read back unchanged."
REASON_VANISHED = "The model forgot the task; the cell was read back unchanged."
REASON_IGNORED = "The model ignored the row without a word; the cell was read back unchanged."


class TooManyRefusedError(RefusedError):
    """The model refused more summaries than can be listed one by one."""

    code = "accepting.too-many-refused"


class UnclearCellsError(OutcomeUnknownError):
    """Cells hold neither what they held before nor what was sent."""

    code = "accepting.unclear-cells"


def find_refused(bench: ActualsBench, finished: Json) -> dict[SummaryKey, tuple[str, ...]]:
    """The refused intersections of a load and their reasons, from its stored dumps.

    A warning row was loaded with a part left out, so its amount cannot be trusted: it counts too.
    """
    columns = [dimension.column for dimension in bench.flow.dimensions]
    refused: dict[SummaryKey, tuple[str, ...]] = {}
    for row in read_refused_rows(bench, finished):
        key = tuple(row.columns.get(column, "") for column in columns)
        refused[key] = tuple(dict.fromkeys((*refused.get(key, ()), *row.reasons)))
        if len(refused) > REFUSED_MAX:
            raise _render_too_many(finished)
    return refused


def must_be_read_back(finished: Json) -> bool:
    """Whether only the model itself can say what it took.

    It failed as a whole, its dump is gone, or it left rows out of which no dump tells (anaplan §7).
    """
    is_partial = finished["outcome"] == str(LoadOutcome.PARTIAL)
    return (
        is_whole_failure(finished)
        or finished["dumps_lost"] > 0
        or (is_partial and not finished["dumps"])
        or finished["outcome"] == str(LoadOutcome.IGNORED)
        or bool(finished["rows_ignored"])
    )


def is_whole_failure(finished: Json) -> bool:
    """Whether the task ended without having written, as far as the model says."""
    return name_outcome(finished) in WHOLE_FAILURES


def find_refused_by_reading(
    bench: ActualsBench, members: Json, held: Json, finished: Json
) -> dict[SummaryKey, tuple[str, ...]] | None:
    """The planned cells the model still holds as before, by reading; None when it took no cell.

    A reason of the model's own is kept where a dump has told one.

    Raises:
        UnclearCellsError: Cells hold something else; nothing can be concluded from them.
        TooManyRefusedError: More than can be listed.
    """
    told = find_refused(bench, finished)
    reasons = (_guess_reason(finished),)
    refused: dict[SummaryKey, tuple[str, ...]] = {}
    unclear: list[SummaryKey] = []
    taken = kept = 0
    for cell, amount in _walk_held(bench, members, held):
        if amount == cell.before:
            kept += 1
            if kept <= REFUSED_MAX:
                refused[cell.key] = told.get(cell.key, reasons)
        elif amount == cell.after:
            taken += 1
        elif len(unclear) < UNCLEAR_NAMED_MAX:
            unclear.append(cell.key)
    if not taken and (
        name_outcome(finished) in DEFINITE_FAILURES or (is_whole_failure(finished) and not unclear)
    ):
        return None
    if unclear:
        raise _render_unclear(bench, finished, unclear)
    if kept > REFUSED_MAX:
        raise _render_too_many(finished)
    return refused


def _walk_held(
    bench: ActualsBench, members: Json, held: Json
) -> Iterator[tuple[PlannedCell, Decimal]]:
    for member, planned in members.items():
        yield from _beside(bench.archive.read_plan(planned["plan"]), bench.archive, held[member])


def _guess_reason(finished: Json) -> str:
    if finished["state"] == str(TaskState.VANISHED):
        return REASON_VANISHED
    return REASON_LOST if finished["dumps_lost"] else REASON_IGNORED


def _render_unclear(
    bench: ActualsBench, finished: Json, unclear: list[SummaryKey]
) -> UnclearCellsError:
    named = "; ".join(" / ".join(key) for key in unclear)
    return UnclearCellsError(
        f"After task {finished['task_id']} cells hold neither what they held before nor what was"
        f" sent, such as {named}.",
        written="The load may have been taken in part, or somebody else wrote there.",
        next_step=f"Put the run away: `ml-connector runs cancel {finished['run_id']}`; then compare"
        f" and rebuild: `ml-connector run {bench.flow.name} --against model`.",
        task_id=finished["task_id"],
    )


def _render_too_many(finished: Json) -> TooManyRefusedError:
    return TooManyRefusedError(
        f"The model refused more than {REFUSED_MAX} summaries (task {finished['task_id']}).",
        written="The others are in the model; the shadow has not moved yet.",
        next_step="Mend the import in the model, then start a new run that takes the model's word:"
        " `ml-connector run FLOW --against model`.",
        task_id=finished["task_id"],
    )


def _beside(
    cells: Iterator[PlannedCell], archive: Archive, held_hash: str
) -> Iterator[tuple[PlannedCell, Decimal]]:
    held = archive.read_totals(held_hash)
    at = next(held, None)
    for cell in cells:
        while at is not None and at[0] < cell.key:
            at = next(held, None)
        yield cell, at[1].net if at is not None and at[0] == cell.key else Decimal(0)


def store_refused(bench: ActualsBench, refused: dict[SummaryKey, tuple[str, ...]]) -> str:
    """The refusals, archived in key order; returns the document's hash."""
    return store_document(
        bench.archive, [[list(key), list(reasons)] for key, reasons in sorted(refused.items())]
    )


def load_refused_keys(bench: ActualsBench, document: str) -> dict[SummaryKey, tuple[str, ...]]:
    """The refusals a document was made of, in key order."""
    return {tuple(key): tuple(reasons) for key, reasons in read_document(bench.archive, document)}


def accept(
    bench: ActualsBench,
    pins: Json,
    planned: Json,
    finished: Json,
    refused: str,
    *,
    left_out: Collection[SummaryKey] = (),
) -> Json:
    """The shadow holds what was accepted; load and refusals are recorded. Repeatable.

    What was `left_out` of the load is as it was: neither in the shadow nor settled.

    Returns the shadow files before and after by planning period, for the tie-out.
    """
    reasons = load_refused_keys(bench, refused)
    members: Json = planned["members"]
    before: dict[str, str] = planned["shadow"]
    missing = {*reasons, *left_out}
    after = {
        member: _store_shadow(bench, before.get(member, ""), row["plan"], missing)
        for member, row in members.items()
    }
    load_id = name_load(planned, finished)
    settle_earlier(bench, pins, members, except_load=load_id, spared=left_out)
    bench.records.loads.record_load(
        _make_row(bench, pins, planned, finished, load_id, len(reasons)),
        _list_refused(bench, pins, members, reasons, load_id),
    )
    revision, current = bench.records.loads.load_shadow(bench.flow.name, pins["model_id"])
    if {m: current.get(m, "") for m in after} != after:
        revision = bench.records.loads.save_shadow(
            bench.flow.name, pins["model_id"], after,
            revision_before=planned["shadow_revision"], why=f"load {load_id[:12]}",
        )  # fmt: skip
    return {"load_id": load_id, "shadow_revision": revision, "after": after}


def record_failed(bench: ActualsBench, pins: Json, planned: Json, finished: Json) -> Json:
    """The load is in the history as one of which nothing was taken; the shadow stays. Repeatable.

    Its cells are no refused summaries: none of them was looked at by itself.
    """
    load_id = name_load(planned, finished)
    row = _make_row(bench, pins, planned, finished, load_id, finished["rows"])
    bench.records.loads.record_load(row, [])
    return {"load_id": load_id}


def name_load(planned: Json, finished: Json) -> str:
    """The same plan loaded by the same task is the same load, however often it is recorded."""
    return hashlib.sha256(f"{planned['plan_hash']}/{finished['task_id']}".encode()).hexdigest()


def settle_earlier(
    bench: ActualsBench,
    pins: Json,
    members: Collection[str],
    *,
    except_load: str = "",
    spared: Collection[SummaryKey] = (),
) -> None:
    """Refusals of earlier loads in these periods end: what is still refused has its new reason."""
    keys = [
        row.key
        for row in bench.records.loads.walk_refused(bench.flow.name, periods=members)
        if row.load_id != except_load
        and row.key[pins["period_at"]] in members
        and row.key not in spared
    ]
    bench.records.loads.settle_refused(bench.flow.name, keys, except_load=except_load)


def _store_shadow(
    bench: ActualsBench,
    before: str,
    plan: str,
    refused: Collection[SummaryKey],
) -> str:
    shadow = read_shadow(bench.archive, before)
    cells = (cell for cell in bench.archive.read_plan(plan) if cell.key not in refused)
    return bench.archive.write_summaries(_overlay(shadow, cells)).file_hash


def _overlay(
    shadow: Iterator[tuple[SummaryKey, Decimal]], cells: Iterator[PlannedCell]
) -> Iterator[Summary]:
    """Yield the shadow with accepted cells laid over it; cells set to zero are gone."""
    at = next(shadow, None)
    for cell in cells:
        while at is not None and at[0] < cell.key:
            yield Summary(at[0], at[1], 0)
            at = next(shadow, None)
        if at is not None and at[0] == cell.key:
            at = next(shadow, None)
        if cell.after:
            yield Summary(cell.key, cell.after, 0)
    while at is not None:
        yield Summary(at[0], at[1], 0)
        at = next(shadow, None)


def _make_row(
    bench: ActualsBench, pins: Json, planned: Json, finished: Json, load_id: str, refused: int
) -> LoadRow:
    return LoadRow(
        load_id=load_id,
        run_id=pins["run_id"],
        flow=bench.flow.name,
        plan_hash=planned["plan_hash"],
        intent_id=finished["intent_id"],
        task_id=finished["task_id"],
        outcome=finished["outcome"],
        chunks=finished["chunks"],
        cells_sent=finished["rows"],
        cells_refused=refused,
        result_hash=finished["result"],
        dump_hashes=tuple(finished["dumps"]),
        created_at=bench.clock.now(),
    )


def _list_refused(
    bench: ActualsBench,
    pins: Json,
    members: Json,
    reasons: dict[SummaryKey, tuple[str, ...]],
    load_id: str,
) -> Iterator[RefusedSummary]:
    for member, row in members.items():
        for cell in bench.archive.read_plan(row["plan"]):
            if cell.key in reasons:
                yield RefusedSummary(
                    load_id=load_id, flow=bench.flow.name, key=cell.key, before=cell.before,
                    after=cell.after, reasons=reasons[cell.key],
                    cause=name_cause(reasons[cell.key]), period=member,
                    currency=currency_of(pins["currencies"], cell.key),
                )  # fmt: skip
