"""Accepting members: what the list took whole is what it was told; the rest keeps its reason.

A list shows names and parents, never what else an import fills. So a member counts as told only
when the model took its row whole; whatever a dump refuses or warns of is a difference again for the
next run, and told again, until the model takes it.
"""

import hashlib
from collections.abc import Sequence

from ml_connector.domain.ledger import Totals
from ml_connector.domain.money import ZERO
from ml_connector.flows.bench import DimensionsBench, read_document
from ml_connector.flows.loading.accepting import must_be_read_back
from ml_connector.flows.loading.causes import name_cause
from ml_connector.flows.loading.running import read_refused_rows
from ml_connector.flows.members import ListRun, is_held
from ml_connector.ports import Json, LoadRow, RefusedSummary, TaskState

Reasons = dict[str, tuple[str, ...]]
"""Why the model did not take a member, or not whole, by the member's code."""
SHOWN_MAX = 20
REASON_CHARACTERS_MAX = 300
RECORDED_MAX = 10_000
"""So many members not taken are recorded one by one, all are counted: more have one cause."""


def accept_members(bench: DimensionsBench, run: ListRun, compared: Json, finished: Json) -> Json:
    """What the list took whole is what it was told; the rest keeps its reason. Repeatable."""
    code = run.list_flow.columns.code
    refused, warned = _read_reasons(bench, run, finished)
    sent = {row[code] for row in read_document(bench.archive, compared["document"])}
    doubt = _find_doubt(run, finished, is_strange=not sent >= {*refused, *warned})
    desired = read_document(bench.archive, compared["desired"])
    taken = [row for row in desired if row[code] not in refused and row[code] not in warned]
    _save_told(bench, run, [row for row in taken if not doubt or row[code] not in sent])
    _record(bench, run, finished, warned | refused)
    missing = _find_missing(bench, run, taken)
    in_doubt = sent & {row[code] for row in taken} - set(missing) if doubt else ()
    return {
        "refused": len(refused),
        "refused_shown": _show(refused),
        "warned": len(warned),
        "warned_shown": _show(warned),
        "unclear": len(in_doubt),
        "unclear_reason": doubt,
        "missing": len(missing),
        "missing_shown": missing[:SHOWN_MAX],
    }


def _read_reasons(bench: DimensionsBench, run: ListRun, finished: Json) -> tuple[Reasons, Reasons]:
    """The members the dumps refuse, and those they warn of: in the list, a value left out."""
    refused: Reasons = {}
    warned: Reasons = {}
    for row in read_refused_rows(bench, finished):
        found = warned if row.is_warning else refused
        found[row.columns.get(run.list_flow.columns.code, "")] = row.reasons
    return refused, {member: its for member, its in warned.items() if member not in refused}


def _find_doubt(run: ListRun, finished: Json, *, is_strange: bool) -> str:
    """Why nobody can say whether the values sent were taken; empty when one can.

    Without properties there is no doubt: what else was sent, the list itself shows.
    """
    if not run.list_flow.columns.properties:
        return ""
    if finished["state"] == str(TaskState.VANISHED):
        return "The model forgot the task."
    if finished["dumps_lost"]:
        return "The model dropped its failure dump."
    if must_be_read_back(finished):
        return "The model ignored rows, or left some out, and no dump names them."
    return "The failure dump names rows that were not sent." if is_strange else ""


def _show(reasons: Reasons) -> list[Json]:
    return [
        {"code": member, "reason": "; ".join(reasons[member])[:REASON_CHARACTERS_MAX]}
        for member in sorted(reasons)[:SHOWN_MAX]
    ]


def _record(bench: DimensionsBench, run: ListRun, finished: Json, reasons: Reasons) -> None:
    """The load is in the history; its refusals are open, and those of earlier loads settled."""
    load_id = hashlib.sha256(f"{run.run_id}/{finished['task_id']}".encode()).hexdigest()
    loads, flow = bench.records.loads, bench.flow.name
    # Whatever was not taken was sent again by this load, and has a new reason where it has any.
    earlier = [row.key for row in loads.load_refused(flow) if row.key[0] == run.list_flow.list]
    loads.settle_refused(flow, earlier, except_load=load_id)
    loads.record_load(
        _make_row(bench, run, load_id, finished, len(reasons)),
        [
            RefusedSummary(
                load_id=load_id, flow=flow, key=(run.list_flow.list, member),
                before=ZERO, after=ZERO, reasons=reasons[member], cause=name_cause(reasons[member]),
            )
            for member in sorted(reasons)[:RECORDED_MAX]
        ],
    )  # fmt: skip


def _save_told(bench: DimensionsBench, run: ListRun, taken: Sequence[dict[str, str]]) -> None:
    keys = sorted({run.key_of(row) for row in taken})
    file_hash = bench.archive.write_totals((key, Totals()) for key in keys).file_hash
    revision, files = bench.records.loads.load_shadow(bench.flow.name, run.model_id)
    if files.get(run.list_flow.list) != file_hash:
        bench.records.loads.save_shadow(
            bench.flow.name, run.model_id, {run.list_flow.list: file_hash},
            revision_before=revision, why=f"members of {run.list_flow.list}",
        )  # fmt: skip


def _find_missing(
    bench: DimensionsBench, run: ListRun, taken: Sequence[dict[str, str]]
) -> list[str]:
    """Codes the list should hold by now and does not, or holds otherwise."""
    code = run.list_flow.columns.code
    held = {m.code: m for m in bench.target.read_list_members(run.list_flow.list) if m.code}
    # As the list names them now: a parent may have been refused its new name.
    names = {its_code: member.name for its_code, member in held.items()}
    return [row[code] for row in taken if not is_held(run, row, held.get(row[code]), names)]


def _make_row(
    bench: DimensionsBench, run: ListRun, load_id: str, finished: Json, refused: int
) -> LoadRow:
    return LoadRow(
        load_id=load_id,
        run_id=run.run_id,
        flow=bench.flow.name,
        plan_hash="",
        intent_id=finished["intent_id"],
        task_id=finished["task_id"],
        outcome=finished["outcome"],
        chunks=len(finished["chunks"]),
        cells_sent=finished["rows"],
        cells_refused=refused,
        result_hash=finished["result"],
        dump_hashes=tuple(finished["dumps"]),
        created_at=bench.clock.now(),
    )
