"""Many thousand runs of many organisations: what is asked does not take longer with every run.

On SQLite the database's own work is counted in its instructions, which no busy machine changes: it
is the same with eight times the rows. On PostgreSQL every statement's plan is looked at.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from tests.fakes.clock import START

from ml_connector.domain.closing import PeriodEventKind
from ml_connector.ports import (
    Action,
    ActionKind,
    ApprovalState,
    AskedRun,
    Clock,
    IntentState,
    Lease,
    PostingState,
    Records,
    RunState,
    SignedScope,
)
from ml_connector.ports.unmapped import UnmappedFilter
from ml_connector.records import create_organisation, export_audit, open_records

FEW, MANY = 50, 400
"""Runs of each flow, before and after."""
FLOWS = ("actuals", "budget")
ORGANISATIONS = 20
RUNS_EACH = 40
WHOSE = "organisation 3"
GROWTH_MAX = 1.5
"""A deeper tree and a page more; work that grows with the rows would be eight-fold."""
STEP = 5
MODEL = "M"
LOAD = Action(kind=ActionKind.IMPORT, name="Load", action_id="112")
Question = Callable[[Records], object]


def name_run(number: int) -> str:
    """Ids as they are made, a minute apart."""
    return f"{START + timedelta(minutes=number):%y%m%d-%H%M%S}-{number:04x}"


@dataclass(slots=True)
class Crowd:
    """Rows of one organisation as ended runs leave them, put in past every store."""

    name: str
    runs: int = 0
    ends: list[str] = field(default_factory=list)

    def grow(self, runs: int) -> None:
        """So many more runs of each flow, with what belongs to them."""
        for flow in FLOWS:
            _add_runs(self.name, flow, range(self.runs, self.runs + runs))
        self.runs += runs


def _add_runs(organisation: str, flow: str, numbers: range) -> None:
    from ml_connector.records import models as m  # noqa: PLC0415 - Django is set up by now.

    owner = {"organisation_id": m.Organisation.objects.get(name=organisation).pk}
    names = {number: f"{flow[0]}-{name_run(number)}" for number in numbers}
    runs = m.Run.objects.bulk_create(
        m.Run(
            **owner, run_id=run_id, flow=flow, kind=flow, state=RunState.SUCCEEDED.value,
            actor="kim", request={}, created_at=START,
        )
        for run_id in names.values()
    )  # fmt: skip
    m.Step.objects.bulk_create(
        m.Step(
            **owner, run_id=run.pk, name=f"step {number}", attempt=1, state="done", started_at=START
        )
        for run in runs
        for number in range(3)
    )
    m.Intent.objects.bulk_create(
        m.Intent(
            **owner, intent_id=f"i {run_id}", run_id=run_id, model_id=MODEL,
            action_id=f"112 {flow}", action_name="Load", content_hash="c", task_id=f"t {run_id}",
            state=IntentState.CONFIRMED.value, made_at=START - timedelta(days=40), fence=number,
        )
        for number, run_id in names.items()
    )  # fmt: skip
    loads = m.Load.objects.bulk_create(
        m.Load(
            **owner, load_id=f"l {run_id}", run_id=run_id, flow=flow, plan_hash="p",
            intent_id=f"i {run_id}", task_id=f"t {run_id}", outcome="ok", chunks=1, cells_sent=1,
            cells_refused=1, result_hash="r", dump_hashes=[], created_at=START,
        )
        for run_id in names.values()
    )  # fmt: skip
    m.RefusedSummary.objects.bulk_create(
        m.RefusedSummary(
            **owner, load_id=load.pk, flow=flow, key='["101"]', before="0", after="1", reasons=[],
            is_settled=True,
        )
        for load in loads
    )  # fmt: skip
    m.Posting.objects.bulk_create(
        m.Posting(
            **owner, posting_key=f"{flow[0].upper()}{number:07}", flow=flow, run_id=run_id,
            plan_hash=f"p {run_id}", connection="erp", kind="journal", subject=f"s {run_id}",
            generation=1, content_hash="c", totals={}, state=PostingState.OPEN.value, made_at=START,
        )
        for number, run_id in names.items()
    )  # fmt: skip
    # A plan begins waiting, and only one of a flow waits at a time: each has a flow of its own.
    m.Approval.objects.bulk_create(
        m.Approval(
            **owner, plan_hash=f"p {run_id}", flow=f"of {run_id}", run_id=run_id, maker="kim",
            maker_person="kim", needed=1, amounts={}, totals={}, made_at=START,
            state=ApprovalState.WAITING.value, expires_at=START,
        )
        for run_id in names.values()
    )  # fmt: skip
    m.MappingRevision.objects.bulk_create(
        m.MappingRevision(
            **owner, flow=flow, number=number + 1, content_hash="h", rules=1, is_kept=True,
            deed="saved", actor="kim", at=START,
        )
        for number in numbers
    )  # fmt: skip
    values = m.UnmappedValue.objects.bulk_create(
        m.UnmappedValue(
            **owner, flow=flow, dimension="account", fact="account", value=str(number),
            first_seen_at=START, first_run_id=run_id, stake=number, lines=1, members=["Oct 26"],
            sample={"facts": {}, "on": "2026-10-05"}, totals={"USD": ["1", "0", 1]},
        )
        for number, run_id in names.items()
    )  # fmt: skip
    m.UnmappedAmount.objects.bulk_create(
        m.UnmappedAmount(
            **owner, value_id=value.pk, flow=flow, member="Oct 26", ledger="US", period="Oct-26",
            currency="USD", debit="1", credit="0", lines=1,
        )
        for value in values
    )  # fmt: skip
    alerts = m.Alert.objects.bulk_create(
        m.Alert(
            **owner, alert_id=f"a {run_id}", event="failed", severity="critical", subject=flow,
            cause="busy", run_id=run_id, title="t", first_at=START, last_at=START, ended_at=START,
        )
        for run_id in names.values()
    )  # fmt: skip
    m.AlertOccurrence.objects.bulk_create(
        m.AlertOccurrence(**owner, alert_id=one.pk, key=f"o {one.alert_id}", at=START)
        for one in alerts
    )
    m.AlertDelivery.objects.bulk_create(
        m.AlertDelivery(
            **owner, alert_id=one.pk, channel="mail", kind="raised", state="sent", made_at=START,
            due_at=START,
        )
        for one in alerts
    )  # fmt: skip
    m.ConnectionTest.objects.bulk_create(
        m.ConnectionTest(
            **owner, connection="erp", actor="kim", at=START, milliseconds=1, is_whole=True,
            checks=[],
        )
        for _ in alerts
    )  # fmt: skip
    # Before the chain's first link: its head moves by one link at a time only.
    links = m.AuditLink.objects.filter(**owner).count()
    m.AuditLink.objects.bulk_create(
        m.AuditLink(
            **owner, number=-links - place, at="2026-10-05T06:00:00.000000+00:00", actor="kim",
            event="run.started", subject=flow, run_id=run_id, details="{}", hash_before="",
            hash_after="",
        )
        for place, run_id in enumerate(names.values(), start=1)
    )  # fmt: skip


def take(records: Records) -> Lease:
    """The model, held."""
    return records.intents.take_lease(MODEL, holder="new/p", seconds=25)


def make_intent(records: Records) -> object:
    """A decision of a new run."""
    lease = take(records)
    return records.intents.make_intent(
        lease=lease, run_id="new", action=LOAD, content_hash="c"
    ).intent_id


def create_run(records: Records) -> object:
    """A run is queued, and put away again so that the next one may be."""
    run = records.runs.create_run(
        run_id=f"new {len(records.runs.load_runs(flow='other', limit=100))}", flow="other",
        kind="actuals", actor="kim", request={},
    )  # fmt: skip
    row = records.runs.record_step_started(run.run_id, "read")
    records.runs.record_step_finished(row, state="done", result={})
    records.runs.save_run(run.run_id, RunState.CANCELLED)
    return None


ONE = f"a-{name_run(7)}"
QUESTIONS: dict[str, Question] = {
    "runs list": lambda r: r.runs.load_runs(limit=20),
    "runs list, further down": lambda r: r.runs.load_runs(limit=20, before=ONE),
    "runs list of a flow": lambda r: r.runs.load_runs(flow="actuals", limit=20),
    "status": lambda r: (
        [r.runs.load_runs(flow=flow, limit=1) for flow in FLOWS],
        [r.batches.load_touched(flow) for flow in FLOWS],
        [r.loads.count_refused(flow) for flow in FLOWS],
    ),
    "runs show": lambda r: (r.runs.load_run(ONE), r.runs.load_steps(ONE)),
    "a step of the newest runs": lambda r: (
        r.runs.find_done_step("actuals", "step 2", runs_max=20),
        r.runs.find_done_step("actuals", "none", runs_max=20),
    ),
    "durations of runs": lambda r: r.runs.load_timings([ONE, ONE[:-1]]),
    "standings": lambda r: (
        r.standings.load_standings(flows=["actuals"]),
        r.standings.load_changes([("actuals", "US", "Oct-26")]),
    ),
    "pages of steps, standings and refusals": lambda r: (
        r.runs.load_steps(ONE, after=1, limit=20),
        r.standings.load_standing_page(after=("actuals", "US", "Oct-26"), limit=20),
        r.loads.load_tally_page(flows=FLOWS, limit=20),
        r.loads.load_refused_run("actuals", ONE, limit=20),
    ),
    "further pages": lambda r: (
        r.postings.load_page(flow=None, states=(), before="A0000007", limit=20),
        r.postings.load_page(flow="actuals", states=(), before="A0000007", limit=20),
        r.approvals.load_approvals(before=f"p {ONE}", limit=20),
        r.sign_offs.load_sign_offs(before="s7", limit=20),
        r.tokens.load_tokens(before="t7", limit=20),
        r.unmapped.load_values(UnmappedFilter(), limit=20, after=(20, 1)),
        r.people.load_people(after="a", limit=20),
    ),
    "further pages of alerts": lambda r: (
        r.alerts.load_open(before=f"a {ONE}", limit=20),
        r.alerts.load_occurrences(f"a {ONE}", before="none", limit=20),
        r.alerts.load_deliveries(before=100, limit=20),
        r.connections.load_tests("erp", before=100),
    ),
    "runs show by a beginning": lambda r: r.runs.load_run(ONE[:-1]),
    "a run is queued and ended": create_run,
    "the unfinished run of a flow": lambda r: r.runs.find_unfinished("actuals"),
    "refused summaries of a run": lambda r: r.loads.load_refused("actuals", run_id=ONE),
    "settled summaries of a run": lambda r: r.loads.load_refused(
        "actuals", run_id=ONE, open_only=False
    ),
    "a page of postings": lambda r: r.postings.load_page(
        flow="budget", states=(), limit=20, skip=0
    ),
    "refused by cause": lambda r: r.loads.load_tallies(flows=FLOWS),
    "refused for a cause": lambda r: r.loads.load_refused_page(
        "actuals", cause="some", period="Oct-26"
    ),
    "loads of a run": lambda r: r.loads.load_loads(run_id=ONE),
    "intents of a run": lambda r: r.intents.load_intents(run_id=ONE),
    "the lease of a model": lambda r: r.intents.release_lease(take(r)),
    "an intent on the model": make_intent,
    "what is unsettled on the model": lambda r: r.intents.verify_settled(MODEL, except_run="new"),
    "what nobody has followed": lambda r: r.intents.load_unfollowed(
        MODEL, except_run="new", since=START
    ),
    "approvals list": lambda r: r.approvals.load_approvals(limit=20),
    "approvals of a flow": lambda r: r.approvals.load_approvals(flow=f"of {ONE}", limit=20),
    "approval": lambda r: r.approvals.find_approval(f"p {ONE}"),
    "postings list": lambda r: r.postings.load_postings(limit=20),
    "postings of a flow": lambda r: r.postings.load_postings(flow="budget", limit=20),
    "postings of a plan": lambda r: r.postings.load_postings(plan_hash=f"p {ONE}"),
    "a posting": lambda r: r.postings.find_posting("A0000007"),
    "the newest posting of a run": lambda r: r.postings.find_made(ONE),
    "a token": lambda r: (
        r.tokens.find_token("t7"),
        r.tokens.find_digest("t7"),
        r.tokens.load_tokens(person="kim"),
    ),
    "a run asked for under a key": lambda r: r.asked.claim(
        AskedRun(actor="kim", key="once", digest="d", run_id=ONE)
    ),
    "sign-offs of a period": lambda r: (
        r.sign_offs.load_sign_offs(limit=20),
        r.sign_offs.find_sign_off("s7"),
        r.sign_offs.find_newest([SignedScope("actuals", "US", "Oct-26")]),
    ),
    "who acts": lambda r: (
        r.identities.find_account("kim@desk"),
        r.identities.find_names(["kim"]),
        r.identities.find_identity(issuer="https://login.example", subject="s7"),
        r.factors.find_factor("kim"),
        r.people.find_by_email("kim@halden.example"),
    ),
    "the rules and what they do not reach": lambda r: (
        r.mappings.find_version("actuals"),
        r.mappings.load_versions("actuals", limit=20),
        r.unmapped.load_values(UnmappedFilter(), limit=20),
        r.unmapped.load_placed("actuals"),
        r.unmapped.load_amounts("actuals", "account", "account", "7"),
    ),
    "what schedules follow": lambda r: (
        r.schedules.load_firings("nightly", before=START),
        r.closing.load_events(START, limit=20),
        r.closing.load_events(
            START, limit=20, kind=PeriodEventKind.CLOSED, ledgers={"erp": ["US", "DE"]}
        ),
        r.closing.load_maintenance(),
        r.closing.load_watches(),
        r.closing.claim_watches(["erp"], hold=timedelta(minutes=5)),
    ),
    "open alerts": lambda r: (r.alerts.load_open(), r.alerts.load_open(subject="actuals")),
    "alerts list": lambda r: r.alerts.load_alerts(limit=20),
    "alerts of before": lambda r: r.alerts.load_alerts(before=f"a {ONE}", limit=5),
    "an alert": lambda r: (
        r.alerts.find_alert(f"a {ONE}"),
        r.alerts.load_occurrences(f"a {ONE}"),
        r.alerts.load_told(f"a {ONE}"),
    ),
    "messages": lambda r: (
        r.alerts.load_deliveries(),
        r.alerts.load_deliveries(channel="mail"),
        r.alerts.load_deliveries(alert_id=f"a {ONE}"),
    ),
    "messages that are due": lambda r: r.alerts.claim_deliveries(
        holder="p", seconds=60, lapses_max=1, limit=5
    ),
    "the last good run": lambda r: r.alerts.find_last_good("actuals"),
    "connections": lambda r: (
        r.connections.load_last_tests(["erp"]),
        r.connections.load_models(),
        r.connections.load_unsettled(),
        r.connections.load_requests(),
    ),
    "the runs of a task": lambda r: r.traces.find_runs(f"t {ONE}"),
    "an audit link": lambda r: r.audit.record("e", subject="s", actor="kim", run_id="new"),
}
"""What people and runs ask all the time, in words."""
WALKS: dict[str, Question] = {
    "trace": lambda r: (
        r.audit.find("nothing"),
        r.traces.find_postings(ONE),
        r.traces.load_line_files("erp"),
        r.traces.find_refused("actuals", "101"),
    ),
    "numbers for monitoring": lambda r: r.gauges.load_gauges(),
    "approvals that wait": lambda r: r.approvals.load_approvals(states=[ApprovalState.WAITING]),
    "a plan by a beginning": lambda r: r.approvals.find_approval(f"p {ONE}"[:-1]),
    "audit chain": lambda _: next(iter(export_audit(WHOSE))),
}
"""What may look at every row of its own organisation, and at none of another's."""


@dataclass(slots=True)
class Asked:
    """Statements a question made, and the instructions SQLite took for them."""

    statements: list[tuple[str, str, Any]] = field(default_factory=list)
    """Alias, SQL and parameters."""
    work: int = 0


@contextmanager
def listening() -> Iterator[Asked]:
    """What is asked in the block is kept."""
    from django.db import connections  # noqa: PLC0415 - Django is set up by now.

    asked = Asked()

    def count() -> None:
        asked.work += STEP

    def keep(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        asked.statements.append((context["connection"].alias, sql, params))
        return execute(sql, params, many, context)

    opened = [connections[alias] for alias in ("default", "budget")]
    for one in opened:
        one.ensure_connection()
        one.execute_wrappers.append(keep)
        if one.vendor == "sqlite":
            one.connection.set_progress_handler(count, STEP)
    try:
        yield asked
    finally:
        for one in opened:
            one.execute_wrappers.remove(keep)
            if one.vendor == "sqlite":
                one.connection.set_progress_handler(None, 0)


def ask(records: Records, question: Question) -> Asked:
    """What it took, when it was asked before."""
    question(records)
    with listening() as asked:
        question(records)
    return asked


@pytest.mark.long
@pytest.mark.usefixtures("sqlite_only")
def test_work_of_a_question_does_not_grow_with_the_runs(records: Records) -> None:
    """Nor the number of statements; runs of this organisation and of others alike."""
    create_organisation("other")
    crowds = [Crowd("default"), Crowd("other")]
    found: dict[str, list[Asked]] = {name: [] for name in QUESTIONS}
    for runs in (FEW, MANY - FEW):
        for crowd in crowds:
            crowd.grow(runs)
        for name, question in QUESTIONS.items():
            found[name].append(ask(records, question))
    grown = {
        name: (few.work, many.work)
        for name, (few, many) in found.items()
        if many.work > GROWTH_MAX * few.work + 20 * STEP
    }
    assert grown == {}
    assert [
        name for name, (few, many) in found.items() if len(few.statements) != len(many.statements)
    ] == []


BIG = (
    "records_run", "records_step", "records_intent", "records_load", "records_refusedsummary",
    "records_posting", "records_approval", "records_auditlink", "records_alert",
    "records_alertoccurrence", "records_alertdelivery", "records_connectiontest",
    "records_mappingrevision", "records_unmappedvalue", "records_unmappedamount",
)  # fmt: skip


def walk(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the nodes of a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from walk(part)


def find_scans(statement: tuple[str, str, Any]) -> list[str]:
    """Big tables that PostgreSQL would read from their beginning for this statement."""
    from django.db import connections  # noqa: PLC0415 - Django is set up by now.

    alias, sql, params = statement
    if not sql.startswith(("SELECT", "UPDATE", "DELETE")):
        return []
    with connections[alias].cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        (found,) = cursor.fetchone()
    plan = found if isinstance(found, list) else json.loads(found)
    return [
        f"{node['Node Type']} of {node['Relation Name']}: {sql}"
        for node in walk(plan[0]["Plan"])
        if node["Node Type"].endswith("Scan")
        and node.get("Relation Name") in BIG
        and "Index Cond" not in node
        and "Recheck Cond" not in node
    ]


@pytest.mark.long
@pytest.mark.usefixtures("postgresql_only")
def test_no_statement_reads_a_big_table_from_its_beginning(
    records: Records, records_clock: Clock
) -> None:
    """Every question finds its rows by an index that begins with the organisation."""
    from django.db import connection  # noqa: PLC0415 - Django is set up by now.

    names = ["default", *(f"organisation {number}" for number in range(1, ORGANISATIONS))]
    for name in names:
        create_organisation(name)
        Crowd(name).grow(RUNS_EACH)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert records
    records = open_records(WHOSE, clock=records_clock)
    scans = {
        name: found
        for name, question in {**QUESTIONS, **WALKS}.items()
        if (found := [one for s in ask(records, question).statements for one in find_scans(s)])
    }
    assert scans == {}
