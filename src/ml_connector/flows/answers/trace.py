"""Trace: everything this installation knows about a key somebody has in hand."""

from collections.abc import Iterator
from dataclasses import dataclass

from ml_connector.domain.ledger import Totals
from ml_connector.domain.money import render_amount, render_plain
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.ledger.books import Pair, load_books
from ml_connector.flows.ledger.reading import read_pairs
from ml_connector.flows.pins import NeverRunError, find_newest_pins, load_placer
from ml_connector.flows.placing.summing import Placer
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


def trace_value(bench: ActualsBench, key: str) -> Iterator[TraceEntry]:
    """Yield what the archive holds under a segment value, by ledger and period, and where it goes.

    Reads the flow's archived lines once; nothing when the flow has never run.
    """
    try:
        pins = find_newest_pins(bench)
    except NeverRunError:
        return
    books, placer = load_books(bench, pins["books"]), load_placer(bench, pins)
    for member in dict.fromkeys(books.members.values()):
        for pair in books.pairs_of(member):
            yield from _trace_pair(bench, placer, member=member, pair=pair, key=key)


def _trace_pair(
    bench: ActualsBench, placer: Placer, *, member: str, pair: Pair, key: str
) -> Iterator[TraceEntry]:
    found: dict[tuple[str, str], Totals] = {}
    for line_sum in read_pairs(bench, [pair]):
        facts = placer.facts_of(line_sum)
        if key in facts.values():
            goes = placer.describe_place(facts, line_sum, member)
            at = (line_sum.currency, goes)
            found[at] = found.get(at, Totals()) + line_sum.totals
    for (currency, goes), totals in sorted(found.items()):
        yield TraceEntry(
            place=f"lines of {bench.flow.name}",
            at="",
            text=f"{pair[0]} {pair[1]}: {totals.lines:,} lines,"
            f" debit {render_amount(totals.debit, currency)},"
            f" credit {render_amount(totals.credit, currency)} {currency} → {goes}",
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
                text=f"{' / '.join(row.key)}: {render_plain(row.after)} refused ({settled}):"
                f" {'; '.join(row.reasons)}",
            )
