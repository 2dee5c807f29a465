"""Trace: everything this installation knows about a key somebody has in hand, in order of time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ml_connector.domain.ledger import Totals
from ml_connector.domain.money import render_amount, render_plain
from ml_connector.errors import UsageError
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.ledger.books import Pair, load_books
from ml_connector.flows.ledger.reading import read_pairs
from ml_connector.flows.pins import NeverRunError, find_newest_pins, load_placer
from ml_connector.flows.placing.summing import Placer
from ml_connector.ports import Approval, AuditRow, Posting, Records, RunRow

RUNS_TOLD_MAX = 20
"""Runs a key leads to that are told of, each with its loads; the newest."""
LINKS_TOLD_MAX = 50
"""Newest links of the audit chain that are told of each of these runs."""
MEMBERS_MAX = 13
"""Planning periods whose lines are looked through for an account; the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceEntry:
    """One fact about the key: where it stands, and what it says.

    Attributes:
        place: Where it stands.
        at: When, as ISO 8601; empty: it holds as long as the lines stand.
        text: What it says.
        run_id: The run it belongs to, if any.
        actor: Who did it, if anybody is known.
        flow: The flow it belongs to, if any.
        plan: The plan it is about, if any.
    """

    place: str
    at: str
    text: str
    run_id: str = ""
    actor: str = ""
    flow: str = ""
    plan: str = ""


def trace_key(
    records: Records, key: str, *, connections: Sequence[str], flows: Sequence[str]
) -> Iterator[TraceEntry]:
    """Yield what is known of a key as a story: oldest first, each fact once.

    Looks for a batch, run, load, task, plan, posting, document, member and sign-off, along indexes;
    what none knows is looked for among the newest only.
    """
    told = dict.fromkeys(_tell_all(records, key, connections, flows))
    yield from sorted(told, key=lambda entry: (not entry.at, entry.at))


def _tell_all(
    records: Records, key: str, connections: Sequence[str], flows: Sequence[str]
) -> Iterator[TraceEntry]:
    yield from _tell_batches(records, key, connections)
    posted = [records.postings.find_posting(one) for one in records.traces.find_postings(key)]
    postings = [one for one in posted if one is not None]
    runs = {*records.traces.find_runs(key), *(one.run_id for one in postings)}
    plans = {one.plan_hash for one in postings if one.plan_hash}
    for run_id in sorted(runs)[-RUNS_TOLD_MAX:]:
        yield from _tell_run(records, run_id, plans)
    for plan in sorted(plans)[:RUNS_TOLD_MAX]:
        approval = records.approvals.find_approval(plan)
        if approval is not None:
            yield from _tell_approval(approval)
    for posting in postings:
        yield from _tell_posting(posting)
    for flow in flows:
        yield from _tell_refused(records, key, flow)
    for link in records.audit.find(key):
        yield _tell_link(link)


def _tell_batches(records: Records, key: str, connections: Iterable[str]) -> Iterator[TraceEntry]:
    for connection in connections:
        for revision in records.batches.load_revisions(connection, key):
            gone = ", removed in the ERP" if revision.is_removed else ""
            periods = ", ".join(f"{ledger} {period}" for ledger, period in revision.periods)
            yield TraceEntry(
                place=f"archive of {connection}",
                at=_render(revision.updated_at),
                text=f"batch {revision.batch_id} {revision.name} revision {revision.revision}:"
                f" {revision.lines} lines in {periods or 'no period'}{gone},"
                f" file {revision.file_hash[:12] or 'none'}",
                run_id=revision.run_id,
            )


def _tell_run(records: Records, run_id: str, plans: set[str]) -> Iterator[TraceEntry]:
    """Yield the run, what it started and loaded; the plans it is about join the others."""
    try:
        run = records.runs.load_run(run_id)
    except UsageError:
        return
    yield from _tell_ends(run)
    for intent in records.intents.load_intents(run_id=run_id):
        yield TraceEntry(
            place=f"tasks of {run.flow}",
            at=_render(intent.made_at),
            text=f"{intent.action_name} was started in model {intent.model_id}: {intent.state},"
            f" task {intent.task_id or 'none'}",
            run_id=run_id, actor=run.actor, flow=run.flow,
        )  # fmt: skip
    for load in records.loads.load_loads(run_id=run_id):
        yield TraceEntry(
            place=f"loads of {run.flow}",
            at=_render(load.created_at),
            text=f"task {load.task_id} ended {load.outcome}: {load.cells_sent} rows sent,"
            f" {load.cells_refused} refused, plan {load.plan_hash[:12] or 'none'},"
            f" result {load.result_hash[:12]}",
            run_id=run_id, flow=run.flow,
        )  # fmt: skip
    for link in records.audit.find(run_id, limit=LINKS_TOLD_MAX):
        yield _tell_link(link)
    told = (run.summary.get("plan_hash"), run.request.get("apply"))
    plans |= {str(one) for one in told if one}


def _tell_ends(run: RunRow) -> Iterator[TraceEntry]:
    place = f"runs of {run.flow}"
    yield TraceEntry(
        place=place, at=_render(run.created_at), text=f"run {run.run_id} was asked for by"
        f" {run.actor}", run_id=run.run_id, actor=run.actor, flow=run.flow,
    )  # fmt: skip
    if run.finished_at:
        why = f": {run.error['refused']}" if run.error else ""
        yield TraceEntry(
            place=place, at=_render(run.finished_at), text=f"run {run.run_id} ended,"
            f" {run.state}{why}", run_id=run.run_id, flow=run.flow,
        )  # fmt: skip


def _tell_approval(approval: Approval) -> Iterator[TraceEntry]:
    place, plan = f"approvals of {approval.flow}", approval.plan_hash
    yield TraceEntry(
        place=place, at=_render(approval.made_at), text=f"plan {plan[:12]} of {approval.maker}"
        f" waits for {approval.needed} to approve; it is {approval.state} now",
        run_id=approval.run_id, actor=approval.maker, flow=approval.flow, plan=plan,
    )  # fmt: skip
    for one in approval.decisions:
        said = "approved" if one.is_approval else "rejected"
        yield TraceEntry(
            place=place, at=_render(one.at), text=f"plan {plan[:12]} was {said} by {one.actor}"
            f"{f': {one.reason}' if one.reason else ''}",
            run_id=approval.run_id, actor=one.actor, flow=approval.flow, plan=plan,
        )  # fmt: skip


def _tell_posting(posting: Posting) -> Iterator[TraceEntry]:
    place = f"postings into {posting.connection}"
    its = {"place": place, "run_id": posting.run_id, "flow": posting.flow}
    name = f"posting {posting.posting_key} of {posting.subject}"
    yield TraceEntry(at=_render(posting.made_at), text=f"{name} was made", **its)
    if posting.sent_at:
        yield TraceEntry(at=_render(posting.sent_at), text=f"{name} was sent last", **its)
    answered = ", ".join(f"{k} {_flatten(v)}" for k, v in sorted(posting.receipt.items()) if v)
    at = posting.settled_at or posting.sent_at or posting.made_at
    text = f"{name} is {posting.state}{f': {answered}' if answered else ''}"
    yield TraceEntry(at=_render(at), text=text, **its)


def _flatten(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _tell_refused(records: Records, key: str, flow: str) -> Iterator[TraceEntry]:
    for row in records.traces.find_refused(flow, key):
        settled = "settled" if row.is_settled else "open"
        yield TraceEntry(
            place=f"refused summaries of {flow}",
            at=_render(row.at),
            text=f"{' / '.join(row.key)}: {render_plain(row.after)} refused ({settled}):"
            f" {'; '.join(row.reasons)}",
            run_id=row.run_id, flow=flow,
        )  # fmt: skip


def _tell_link(link: AuditRow) -> TraceEntry:
    details = ", ".join(f"{k}={v}" for k, v in sorted(link.details.items()) if v)
    return TraceEntry(
        place=f"audit chain, link {link.number}",
        at=_render(link.at),
        text=f"{link.event} {link.subject} by {link.actor}{'; ' + details if details else ''}",
        run_id=link.run_id,
        actor=link.actor,
    )


def _render(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


# --- what the archive holds -----------------------------------------------------------------------


def trace_document(bench: ActualsBench, key: str) -> Iterator[TraceEntry]:
    """Yield the lines of a document or journal of that number, by batch, ledger and period.

    Looks through the newest files of the archive: a number is no key of theirs.
    """
    connection = bench.source.connection
    for file_hash in bench.records.traces.load_line_files(connection):
        for at, totals in bench.archive.sum_journal(file_hash, key):
            batch_id, ledger, period, currency = at
            yield TraceEntry(
                place=f"archive of {connection}",
                at="",
                text=f"document {key} in batch {batch_id}, {ledger} {period}:"
                f" {_render_totals(totals, currency)}, file {file_hash[:12]}",
                flow=bench.flow.name,
            )


def trace_value(bench: ActualsBench, key: str) -> Iterator[TraceEntry]:
    """Yield what the archive holds under a segment value, by ledger and period, and where it goes.

    Reads the flow's archived lines of its newest periods once; nothing when it has never run.
    """
    try:
        pins = find_newest_pins(bench)
    except NeverRunError:
        return
    books, placer = load_books(bench, pins["books"]), load_placer(bench, pins)
    # A calendar knows years to come, in which nothing is posted yet.
    today = bench.clock.now().date()
    begun = [pair for pair in books.members if books.period(pair).date_first <= today]
    newest = sorted(begun, key=lambda pair: books.period(pair).date_last, reverse=True)
    members = list(dict.fromkeys(books.members[pair] for pair in newest))[:MEMBERS_MAX]
    for member in reversed(members):
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
            text=f"{pair[0]} {pair[1]}: {_render_totals(totals, currency)} → {goes}",
            flow=bench.flow.name,
        )


def _render_totals(totals: Totals, currency: str) -> str:
    return (
        f"{totals.lines:,} lines, debit {render_amount(totals.debit, currency)},"
        f" credit {render_amount(totals.credit, currency)} {currency}"
    )
