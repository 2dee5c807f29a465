"""Planned cells as rows of the import's file: whole amounts, or deltas under their own code."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal

from ml_connector.domain.money import render_plain
from ml_connector.domain.plan import PlannedCell
from ml_connector.domain.summaries import SummaryKey
from ml_connector.flows.bench import ActualsBench
from ml_connector.ports import Json


def flow_columns(bench: ActualsBench) -> set[str]:
    """The columns the flow writes, whatever their order in the import."""
    flow = bench.flow
    columns = {dimension.column for dimension in flow.dimensions} | {flow.amount_column}
    return columns | {flow.code_column} if flow.mode == "append" else columns


def render_rows(
    bench: ActualsBench,
    headers: Sequence[str],
    members: Mapping[str, Json],
    revision: int,
    *,
    left_out: Collection[SummaryKey] = (),
) -> Iterator[list[str]]:
    """Yield a row per planned cell, period by period, in key order, columns as the import has them.

    In `append` mode a row carries the delta under hash(intersection, shadow revision): the items of
    an intersection add up to its summary, and the same load sent twice is the same items. Where a
    row was refused before, its item may hold the amount without its place: it is set to nothing.
    """
    flow = bench.flow
    left_behind = _find_left_behind(bench, revision, members) if flow.mode == "append" else {}
    for planned in members.values():
        for cell in bench.archive.read_plan(planned["plan"]):
            if cell.key in left_out:
                continue
            columns = dict(zip((d.column for d in flow.dimensions), cell.key, strict=True))
            columns[flow.amount_column] = render_plain(_amount_of(cell, mode=flow.mode))
            if flow.mode == "append":
                if cell.key in left_behind:
                    emptied = {flow.amount_column: "0", flow.code_column: left_behind[cell.key]}
                    yield [(columns | emptied)[header] for header in headers]
                columns[flow.code_column] = item_code(cell.key, revision)
            yield [columns[header] for header in headers]


def _amount_of(cell: PlannedCell, *, mode: str) -> Decimal:
    return cell.after - cell.before if mode == "append" else cell.after


def _find_left_behind(
    bench: ActualsBench, revision: int, members: Collection[str]
) -> dict[SummaryKey, str]:
    """Codes that open refusals were sent under, by intersection; not the one sent under now."""
    its = bench.records.loads.walk_refused(bench.flow.name, periods=members)
    refused = sorted(its, key=lambda row: row.number)
    if not refused:
        return {}
    wanted = {row.load_id for row in refused}
    revisions = {
        row.load_id: plan.shadow_revision
        for row in bench.records.loads.load_loads(flow=bench.flow.name)
        if row.load_id in wanted
        and (plan := bench.records.loads.find_plan(row.plan_hash)) is not None
    }
    return {
        row.key: item_code(row.key, revisions[row.load_id])
        for row in refused
        if revisions.get(row.load_id, revision) != revision
    }


def item_code(key: SummaryKey, revision: int) -> str:
    """The code of an appended item: 40 characters, within the 60 a list code may have."""
    content = "\x1f".join((*key, str(revision)))
    return hashlib.sha256(content.encode()).hexdigest()[:40]
