"""Trace: everything this installation knows about a key somebody has in hand."""

from collections.abc import Iterator
from dataclasses import dataclass

from ml_connector.ports import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceEntry:
    """One fact about the key: where it stands, and what it says."""

    place: str
    at: str
    text: str
    run_id: str = ""


def trace_key(
    records: Records, key: str, *, connections: list[str], flows: list[str]
) -> Iterator[TraceEntry]:
    """Yield what is known of a batch, run, task, member or intersection, by place.

    Looks at batch revisions, runs, loads, intents, refused summaries and the audit chain.
    """
    yield from _trace_batches(records, key, connections)
    yield from _trace_loads(records, key, flows)
    yield from _trace_refused(records, key, flows)
    for link in records.audit.find(key):
        details = ", ".join(f"{k}={v}" for k, v in sorted(link.details.items()) if v)
        yield TraceEntry(
            place=f"audit chain, link {link.number}",
            at=link.at.isoformat(timespec="seconds"),
            text=f"{link.event} {link.subject} by {link.actor}{'; ' + details if details else ''}",
            run_id=link.run_id,
        )


def _trace_batches(records: Records, key: str, connections: list[str]) -> Iterator[TraceEntry]:
    for connection in connections:
        for revision in records.batches.load_revisions(connection, key):
            gone = ", removed in the ERP" if revision.is_removed else ""
            periods = ", ".join(f"{ledger} {period}" for ledger, period in revision.periods)
            yield TraceEntry(
                place=f"archive of {connection}",
                at=revision.updated_at.isoformat(timespec="seconds"),
                text=f"batch {revision.batch_id} {revision.name} revision {revision.revision}:"
                f" {revision.lines} lines in {periods or 'no period'}{gone},"
                f" file {revision.file_hash[:12] or 'none'}",
                run_id=revision.run_id,
            )


def _trace_loads(records: Records, key: str, flows: list[str]) -> Iterator[TraceEntry]:
    for flow in flows:
        for load in records.loads.load_loads(flow=flow):
            if not any(part.startswith(key) for part in (load.task_id, load.load_id, load.run_id)):
                continue
            yield TraceEntry(
                place=f"loads of {flow}",
                at=load.created_at.isoformat(timespec="seconds"),
                text=f"task {load.task_id} ended {load.outcome}: {load.cells_sent} rows sent,"
                f" {load.cells_refused} refused, plan {load.plan_hash[:12] or 'none'},"
                f" result {load.result_hash[:12]}",
                run_id=load.run_id,
            )


def _trace_refused(records: Records, key: str, flows: list[str]) -> Iterator[TraceEntry]:
    for flow in flows:
        for row in records.loads.load_refused(flow, open_only=False):
            if key not in row.key:
                continue
            settled = "settled" if row.is_settled else "open"
            yield TraceEntry(
                place=f"refused summaries of {flow}",
                at="",
                text=f"{' / '.join(row.key)}: {row.after} refused ({settled}):"
                f" {'; '.join(row.reasons)}",
            )
