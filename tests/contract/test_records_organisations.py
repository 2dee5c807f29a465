"""Organisations of one database: what one does, holds and is told never depends on another.

One story calls every public method of every store, with the same keys for whoever plays it. It is
played for an organisation that is alone, then for a second one beside it: both are answered alike,
and nothing of the first has changed. A store or method that is not in the story fails the suite.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import pytest
from tests.fakes.clock import START, FakeClock

import ml_connector.records
from ml_connector.domain.alerts import AlertEvent, Severity
from ml_connector.domain.periods import Period, PeriodState
from ml_connector.errors import ConnectorError
from ml_connector.flows.answers.trace import trace_key
from ml_connector.ports import (
    Action,
    ActionKind,
    Agreement,
    ApiToken,
    Approval,
    ApprovalState,
    AskedRun,
    BatchRevision,
    Check,
    CheckState,
    IntentState,
    LoadRow,
    PlanRow,
    Posting,
    PostingState,
    Records,
    RefusedSummary,
    Right,
    Role,
    RunState,
    SignedScope,
    SignOff,
    StageState,
    Standing,
    StandingAmounts,
)
from ml_connector.ports.alerts import DeliveryKind, NewAlert, NewDelivery
from ml_connector.ports.closing import MaintenanceRow
from ml_connector.ports.connections import ConnectionTest
from ml_connector.ports.rules import Deed, NewRules
from ml_connector.ports.schedules import FiringRow, FiringState
from ml_connector.ports.unmapped import PlacedRow, UnmappedFilter, UnmappedSum
from ml_connector.records import create_organisation, export_audit, open_budget, open_records
from ml_connector.records.allowance import Allowance
from ml_connector.records.opening import open_secret_store

OURS, THEIRS = "north", "south"
RUN, PLAN_HASH, KEY = "261005-060000-aaaa", "3f5a0c" + "0" * 58, "AAAAAAA2"
LOAD = Action(kind=ActionKind.IMPORT, name="Load", action_id="112", file_id="113")
PAIR = ("US", "Oct-26")
UNMAPPED = ("account", "account", "68999")
INTENT_ID = re.compile(r"\b[0-9a-f]{32}\b")


@dataclass
class Player:
    """An organisation whose stores are called, and everything they have answered."""

    name: str
    clock: FakeClock = field(default_factory=FakeClock)
    told: list[tuple[str, str]] = field(default_factory=list)
    intents: list[str] = field(default_factory=list)

    @cached_property
    def stores(self) -> dict[str, Any]:
        """Every store there is, by its name."""
        records = open_records(self.name, clock=self.clock)
        budget = open_budget(self.name, clock=self.clock, allowances={"t": Allowance(requests=2)})
        secrets = open_secret_store(self.name, clock=self.clock)
        named = {one.name: getattr(records, one.name) for one in fields(Records)}
        return {**named, "budget": budget, "secrets": secrets}

    def say(self, name: str, *args: Any, **named: Any) -> Any:
        """What the method `STORE.METHOD` answered, a refusal included; it is written down."""
        store, _, method = name.partition(".")
        answer: Any = None
        try:
            answer = getattr(self.stores[store], method)(*args, **named)
            if isinstance(answer, Iterator):
                answer = list(answer)
            text = "a block" if isinstance(answer, AbstractContextManager) else repr(answer)
        except ConnectorError as error:
            text = f"{type(error).__name__}: {error.refused} {error.next_step}"
        self.told.append((name, self._without_ids(text)))
        return answer

    def _without_ids(self, text: str) -> str:
        """Ids of intents are hashes that tell organisations apart; here they are counted."""
        for found in INTENT_ID.findall(text):
            if found not in self.intents:
                self.intents.append(found)
        return INTENT_ID.sub(lambda m: f"intent {self.intents.index(m.group())}", text)


def play(player: Player) -> None:
    """Every method of every store is called, when nothing is there and when much is."""
    for _ in range(2):
        play_reading(player)
        for part in (
            play_runs, play_batches, play_intents, play_loads, play_postings, play_approvals,
            play_schedules, play_standings, play_sign_offs, play_people, play_tokens, play_small,
            play_alerts, play_connections, play_closing,
        ):  # fmt: skip
            part(player)
    play_reading(player)


def play_reading(player: Player) -> None:
    """What changes nothing, with whole keys and with beginnings of keys."""
    say, now = player.say, START
    for run in (RUN, RUN[:6], "nothing"):
        say("runs.load_run", run)
        say("runs.load_steps", run)
        say("runs.load_timings", [run])
        say("postings.find_made", run)
    for flow in ("f", None):
        say("runs.load_runs", flow=flow)
        say("loads.load_loads", flow=flow)
        say("approvals.load_approvals", flow=flow)
        say("postings.load_postings", flow=flow)
    say("runs.find_unfinished", "f")
    say("runs.find_done_step", "f", "read", runs_max=5)
    say("batches.load_watermark", "erp")
    say("batches.find_versions", "erp", ["b1", "b2"])
    say("batches.load_current", "erp", *PAIR)
    say("batches.load_revisions", "erp", "b1")
    say("batches.load_pending", "erp")
    say("batches.load_whole", "erp")
    say("batches.load_touched", "f")
    say("intents.load_intents", run_id=RUN)
    say("intents.load_intents", model_id="M")
    say("intents.find_claimed_tasks", LOAD.action_id)
    say("intents.verify_settled", "M", except_run="other")
    say("intents.load_unfollowed", "M", except_run="other", since=now - timedelta(days=1))
    say("loads.find_plan", PLAN_HASH)
    say("loads.load_shadow", "f", "M")
    say("loads.load_refused", "f", run_id=RUN, open_only=False)
    say("mappings.find_mapping", "h1")
    say("mappings.load_applied", "f")
    say("mappings.load_explained", "f")
    play_reading_rules(player)
    say("postings.find_posting", KEY)
    say("approvals.find_approval", PLAN_HASH)
    say("approvals.find_approval", PLAN_HASH[:5])
    say("approvals.find_bar", PLAN_HASH, actor="kim")
    say("agreements.load_agreements", "f", ["s1"])
    say("secrets.find_blob", "password")
    say("secrets.load_names")
    play_reading_people(player)
    play_reading_schedules(player)
    play_reading_alerts(player)
    say("audit.find", RUN)
    say("audit.verify")
    say("audit.export")
    records = open_records(player.name, clock=player.clock)
    traced = list(trace_key(records, "b1", connections=["erp"], flows=["f"]))
    player.told.append(("trace", repr(traced)))
    player.told.append(("export", repr(list(export_audit(player.name)))))


def play_reading_people(player: Player) -> None:
    """Who there is, and what they are known by."""
    say = player.say
    say("people.load_people")
    say("people.load_people", after="a", limit=5)
    say("people.find_person", "kim")
    say("people.find_by_email", "kim@halden.example")
    say("identities.find_account", "kim@desk")
    say("identities.load_accounts", "kim")
    say("identities.find_identity", issuer="https://login.example", subject="s1")
    say("identities.load_identities", "kim")
    say("identities.find_names", ["kim@desk"])
    say("factors.find_factor", "kim")
    say("tokens.find_token", "t1")
    say("tokens.find_digest", "t1")
    say("tokens.load_tokens")
    say("tokens.load_tokens", person="kim")
    say("tokens.load_tokens", before="t1")


def play_reading_alerts(player: Player) -> None:
    """What somebody has to know, and how connections are."""
    say, now = player.say, START
    say("alerts.load_notes", limit=5)
    say("alerts.find_mark", "missed")
    say("alerts.find_last_good", "f")
    say("alerts.load_open")
    say("alerts.load_alerts", event="failed", subject="f")
    say("alerts.find_alert", "nothing")
    say("alerts.load_deliveries")
    say("connections.load_last_tests", ["erp", "none"])
    say("connections.load_tests", "erp")
    say("connections.load_models")
    say("connections.load_unsettled")
    say("connections.load_requests")
    say("connections.load_minutes", "t", since=now)


def play_reading_schedules(player: Player) -> None:
    """What schedules are, and what they follow."""
    say = player.say
    say("schedules.load_schedules")
    say("schedules.find_schedule", "nightly")
    say("schedules.load_firings", "nightly")
    say("schedules.load_last_firings", ["nightly"])
    say("schedules.load_run_states", [RUN, "nothing"])
    say("closing.load_periods")
    say("closing.load_periods", "erp")
    say("closing.load_events", limit=5)
    say("closing.load_watches")
    say("closing.load_maintenance")


def play_runs(player: Player) -> None:
    """A run with a step."""
    say = player.say
    say("runs.create_run", run_id=RUN, flow="f", kind="actuals", actor="kim", request={"a": 1})
    say("runs.create_run", run_id=f"{RUN}2", flow="f", kind="actuals", actor="kim", request={})
    row = say("runs.record_step_started", RUN, "read")
    player.told[-1] = ("runs.record_step_started", "a row of its own")
    say("runs.record_step_finished", row, state="done", result={"lines": 2})
    say("runs.save_run", RUN, RunState.RUNNING)
    say("runs.save_run", f"{RUN}2", RunState.FAILED, error={"code": "x"})
    say("runs.save_stop_wish", f"{RUN}2", actor="kim")
    say("runs.save_stop_wish", RUN, actor="kim")


def play_batches(player: Player) -> None:
    """A batch in two revisions, and what it touches."""
    say = player.say
    first = BatchRevision(
        batch_id="b1", revision=0, updated_at=START, version="v1", file_hash="file", lines=2,
        content_hash=f"content at {len(player.told)}", periods=(PAIR,), name="Batch", run_id=RUN,
    )  # fmt: skip
    say("batches.save_watermark", "erp", player.clock.now())
    say("batches.record_revisions", "erp", [first], owed_by={"f": ["US"]})
    say("batches.save_pending", "erp", ["b1", "b2"])
    say("batches.record_whole", "erp", *PAIR, run_id=RUN)
    say("batches.record_touched", "f", [("US", "Nov-26")])
    say("batches.settle_touched", "f", [PAIR])


def play_intents(player: Player) -> None:
    """A model that two runs want, and the start of a task."""
    say = player.say
    lease = say("intents.take_lease", "M", holder=f"{RUN}/p", seconds=25)
    say("intents.take_lease", "M", holder="other/p", seconds=25)
    say("intents.verify_lease", lease)
    made = say("intents.make_intent", lease=lease, run_id=RUN, action=LOAD, content_hash="c")
    say("intents.save_intent", made.intent_id, IntentState.UNKNOWN, lease=lease)
    say("intents.verify_settled", "M", except_run="other")
    say("intents.save_intent", made.intent_id, IntentState.CONFIRMED, task_id="T1")
    say("intents.release_lease", lease)
    say("intents.take_lease", "M", holder="other/p", seconds=25)
    say("intents.release_run", "other")


def play_loads(player: Player) -> None:
    """A plan, its load, a refusal, and the shadow that moved."""
    say = player.say
    plan = PlanRow(
        plan_hash=PLAN_HASH, run_id=RUN, flow="f", model_id="M", mapping_hash="h1",
        shadow_revision=0, periods=("Oct-26",), totals={}, created_at=START, state="made",
    )  # fmt: skip
    load = LoadRow(
        load_id=f"l{len(player.told)}", run_id=RUN, flow="f", plan_hash=PLAN_HASH, intent_id="i",
        task_id="T1", outcome="ok", chunks=1, cells_sent=2, cells_refused=1, result_hash="r",
        dump_hashes=(), created_at=START,
    )  # fmt: skip
    refused = RefusedSummary(
        load_id=load.load_id, flow="f", key=("101", "4000"), before=Decimal(0), after=Decimal(1),
        reasons=("no member",), cause="no member", period="Oct-26",
    )  # fmt: skip
    say("loads.save_plan", plan)
    say("loads.record_load", load, [refused])
    say("loads.load_refused", "f")
    say("loads.load_tallies", flows=["f"])
    say("loads.load_tally_page", flows=["f"], limit=5)
    say("loads.load_refused_run", "f", "r1", limit=5)
    say("postings.load_page", flow=None, states=(), limit=10, before="P0000001")
    say("approvals.load_approvals", before=PLAN_HASH)
    say("postings.load_page", flow="f", states=(), limit=10, skip=0)
    say("approvals.find_bar", PLAN_HASH, actor="kim")
    say("loads.load_refused_page", "f", cause="some", period="Oct-26")
    say("loads.find_refused", "f", range(1, 10))
    say("loads.count_refused", "f")
    say("loads.count_refused_periods", "f")
    say("loads.walk_refused", "f", periods=["Oct-26"], causes=["some"])
    say("loads.settle_refused", "f", [refused.key])
    say("loads.save_shadow", "f", "M", {"Oct-26": "hash"}, revision_before=0, why="loaded")


def play_postings(player: Player) -> None:
    """A posting that is sent and confirmed, and one that is in its way."""
    say = player.say
    posting = Posting(
        posting_key=KEY, flow="f", run_id=RUN, plan_hash=PLAN_HASH, connection="erp",
        kind="journal", subject="1", generation=1, content_hash="c", totals={}, made_at=START,
    )  # fmt: skip
    say("postings.make_posting", posting)
    say("postings.make_posting", replace(posting, posting_key="BBBBBBB2", plan_hash="other"))
    sent = say("postings.mark_sent", KEY, last=None)
    say("postings.save_posting", KEY, PostingState.CONFIRMED, receipt={"batch": "1"}, seen=sent)
    say("postings.save_posting", "CCCCCCC2", PostingState.CONFIRMED)


def play_approvals(player: Player) -> None:
    """A plan that one person approves, and that is applied."""
    say = player.say
    approval = Approval(
        plan_hash=PLAN_HASH, flow="f", run_id=RUN, maker="kim", needed=1, amounts={}, totals={},
        state=ApprovalState.WAITING, made_at=START, expires_at=START + timedelta(days=3),
    )  # fmt: skip
    state = ApprovalState.APPLIED
    say("approvals.request_approval", approval)
    say("approvals.decide", PLAN_HASH, actor="kim", approves=True, reason="mine")
    say("approvals.decide", PLAN_HASH[:6], actor="lee", approves=True, reason="seen")
    say("approvals.save_state", PLAN_HASH, state, before=ApprovalState.APPROVED)


def play_schedules(player: Player) -> None:
    """A schedule that is due, paused and resumed; one of its times goes through every state."""
    say, due_at = player.say, player.clock.now()
    firing = FiringRow(
        schedule="nightly", flow="f", due_at=due_at, run_id=f"run {len(player.told)}",
        state=FiringState.CLAIMED, reason="", actor="clock", request={}, looks=0, ended_at=None,
    )  # fmt: skip
    say("schedules.save_schedules", {"nightly": {"flow": "f"}}, lambda _its, _after: due_at)
    say("schedules.record_firing", firing)
    say("schedules.claim_due", ["f"], lambda _row, _is_open: None)
    player.clock.sleep(60)
    say("schedules.claim_open")
    say("schedules.save_waiting", firing, "busy")
    say("schedules.save_begun", firing)
    say("schedules.save_ended", firing, FiringState.STARTED)
    say("schedules.save_pause", "nightly", flow="f", actor="kim")
    say("schedules.save_resumption", "nightly", lambda _its, _after: None)


def play_sign_offs(player: Player) -> None:
    """A period that one person signs and takes back, and its maker may not sign."""
    say = player.say
    sign_off = SignOff(
        flow="f", ledger=PAIR[0], period=PAIR[1], proof_hash="p", run_id=RUN, signed_by="lee",
        comment="agreed", stated={}, signed_at=START,
    )  # fmt: skip
    signed = say("sign_offs.record_sign_off", sign_off, changed_at=None)
    say("sign_offs.record_sign_off", replace(sign_off, signed_by="kim"), changed_at=None)
    say("sign_offs.find_sign_off", signed.sign_off_id)
    say("sign_offs.withdraw_sign_off", signed.sign_off_id, actor="lee", reason="late line")
    say("sign_offs.withdraw_sign_off", "nothing", actor="lee", reason="late line")
    say("sign_offs.load_sign_offs", flow="f")
    say("audit.find_span", [RUN])
    for key in (RUN, "T1", PLAN_HASH[:8], KEY, "nothing"):
        say("traces.find_runs", key)
        say("traces.find_postings", key)
    say("traces.find_refused", "f", "101")
    say("traces.load_line_files", "erp")
    say("audit.load_range", 1, 2)
    say("sign_offs.find_newest", [SignedScope("f", *PAIR)])
    say("sign_offs.list_writers", SignedScope("f", *PAIR))


def play_closing(player: Player) -> None:
    """A period that is opened and closed, a connection that is away, and maintenance."""
    say = player.say
    period = Period(
        name="Nov-26", calendar="c", year=2026, number=11, date_first=START.date(),
        date_last=START.date(),
    )  # fmt: skip
    for state in (PeriodState.FUTURE, PeriodState.OPEN, PeriodState.CLOSED):
        say("closing.save_seen", "erp", "US", periods=[period], states={period.name: state})
    say("closing.load_events", START, limit=5)
    say("closing.claim_watches", ["erp"], hold=timedelta(minutes=5))
    say("closing.save_watch", "erp", problem="away", next_look=timedelta(0))
    window = MaintenanceRow(
        key=f"k{len(player.told)}", connection="erp", begins="02:00", ends="03:00", zone="UTC",
        reason="", is_filed=False, added_by="kim", added_at=START,
    )  # fmt: skip
    say("closing.save_maintenance", window)
    say("closing.save_maintenance", replace(window, key=f"{window.key}b"))
    say("closing.delete_maintenance", window.key)
    say("closing.save_filed_maintenance", [replace(window, key="filed", is_filed=True)])
    say("closing.delete_maintenance", "filed")
    say("schedules.save_recomputed", ["f"], lambda _its, after: after)


def play_standings(player: Player) -> None:
    """A period that ties out, comes to differ, and has lines that came late."""
    say = player.say
    nought = Decimal(0)
    amounts = StandingAmounts(
        currency="USD", erp=Decimal(1), debit=Decimal(2), archived=Decimal(1), excluded=(),
        unmapped=nought, suspense=nought, refused=nought, unsent=nought, held=Decimal(1),
        unexplained=nought, lines=len(player.told),
    )  # fmt: skip
    done = StageState.DONE
    standing = Standing(
        flow="f", ledger="US", period="Nov-26", member="Nov 26", date_first=START.date(),
        date_last=START.date(), status="open", read=done, mapped=done, loaded=done, tied=done,
        amounts=(amounts,), content_hash="c", report="r", run_id=RUN, at=player.clock.now(),
    )  # fmt: skip
    say("standings.save_standings", "f", [standing], members=["Nov 26"])
    say("standings.find_standing", "f", "US", "Nov-26")
    say("standings.load_standings", flows=["f"], first=START.date())
    say("standings.load_standing_page", after=("e", "US", "Nov-26"), limit=5)
    say("standings.load_changes", [("f", "US", "Nov-26")])


def play_people(player: Player) -> None:
    """Two admins, one of whom goes; the other stays, like it or not."""
    say, word = player.say, "halden works since 1921"
    for name in ("kim", "lee"):
        say("people.create_person", name, password=word, roles=[Role.ADMIN],
            display_name="", email="")  # fmt: skip
    say("people.create_person", "Kim!", password="1", roles=[], display_name="", email="")
    say("people.save_roles", "lee", [Role.VIEWER])
    say("people.save_password", "lee", word[::-1])
    say("people.save_active", "lee", is_active=False)
    say("people.save_active", "kim", is_active=False)
    say("identities.save_account", "kim", "kim@desk")
    say("identities.save_account", "lee", "lee@desk")
    say("identities.end_account", "lee@desk")
    say("identities.end_account", "nobody@desk")
    for subject in ("s1", "s2"):
        say("identities.save_identity", "kim", issuer="https://login.example", subject=subject)
    say("identities.save_identity", "lee", issuer="https://login.example", subject="s3")
    say("identities.end_identities", "lee")
    say("factors.create_factor", "kim")
    say("factors.confirm_factor", "kim", ["d1", "d2"])
    say("factors.save_digests", "lee", ["d3"])
    say("factors.take_step", "kim", 7)
    say("factors.take_digest", "kim", "d1")
    say("factors.delete_factor", "lee")


def play_tokens(player: Player) -> None:
    """A token that is used and taken back, one of nobody, and a run asked for twice."""
    say = player.say
    token = ApiToken(
        token_id=f"t{len(player.told)}", person="kim", name="night", rights=frozenset({Right.SEE}),
        created_at=START, created_by="kim", expires_at=START + timedelta(days=9),
    )  # fmt: skip
    say("tokens.create_token", token, digest="d")
    say("tokens.create_token", replace(token, person="nobody"), digest="d")
    say("tokens.find_digest", token.token_id)
    say("tokens.save_used", token.token_id)
    say("tokens.save_revoked", token.token_id, actor="lee")
    say("tokens.save_revoked", token.token_id, actor="lee")
    asked = AskedRun(actor="kim", key="once", digest="d", run_id=RUN)
    say("gauges.load_gauges")
    say("asked.claim", asked)
    say("asked.claim", replace(asked, digest="other", run_id="other"))
    say("asked.find_asked", "kim", "once")
    say("asked.find_asked", "ann", "once")


def play_alerts(player: Player) -> None:
    """An alert raised twice, told, acknowledged and over; one message fails, one is left."""
    say, told = player.say, START
    alert = NewAlert(
        event=AlertEvent.FAILED, severity=Severity.CRITICAL, subject="f", cause="busy", key="k1",
        title="Run failed", happened=("It failed.",), run_id=RUN, at=told,
    )  # fmt: skip
    say("alerts.record_note", "takeover", RUN)
    say("alerts.record_note", "takeover", RUN)
    # Numbers of rows are the database's; who has the first note is told by what is left.
    with_numbers = player.stores["alerts"].load_notes(limit=1)
    say("alerts.delete_notes", [one.number for one in with_numbers])
    say("alerts.save_mark", "missed", told)
    row = say("alerts.record_alert", alert)
    say("alerts.record_alert", alert)
    again = say("alerts.record_alert", replace(alert, key="k2")) or row
    name = again.alert_id if again else "nothing"
    say("alerts.load_occurrences", name)
    channels = [
        NewDelivery(alert_id=name, channel=channel, kind=DeliveryKind.RAISED, due_at=told)
        for channel in ("mail", "hook")
    ]
    say("alerts.save_deliveries", channels if again else [])
    say("alerts.load_told", name)
    claims = {"holder": "p", "seconds": 60, "lapses_max": 1, "limit": 2}
    for claimed in say("alerts.claim_deliveries", **claims):
        say("alerts.save_unsent", claimed.number, holder="p", error="away", due_at=None)
        say("alerts.save_again", claimed.number)
        say("alerts.save_sent", claimed.number, holder="p")
        say("alerts.save_skipped", claimed.number, holder="p", reason="over")
    say("alerts.record_test", "mail", error="")
    say("alerts.save_acknowledged", name, actor="kim", remark="mine")
    say("alerts.save_acknowledged", name, actor="kim", remark="mine")
    say("alerts.save_over", [name], by="run 2")
    say("alerts.save_acknowledged", "nothing", actor="kim", remark="")
    say("history.delete_before", told - timedelta(days=1), limit=5)
    say("history.delete_before", told + timedelta(days=1), limit=100)


def play_connections(player: Player) -> None:
    """A connection that was tested, and minutes that were counted."""
    look = ConnectionTest(
        connection="erp", actor="kim", at=START, milliseconds=12, is_whole=True,
        checks=(Check(subject="reach", state=CheckState.OK, finding="answers"),),
    )  # fmt: skip
    player.say("connections.record_test", look)
    player.say("connections.record_minute", START - timedelta(days=1))
    player.say("connections.record_minute", START - timedelta(days=1))


def play_small(player: Player) -> None:
    """The stores of few words."""
    say = player.say
    agreed = Agreement(code="s1", model={"n": "a"}, erp={"n": "A"}, run_id=RUN)
    say("agreements.save_agreements", "f", [agreed])
    say("mappings.save_mapping", "f", content_hash="h1", content="rules", actor="kim")
    say("mappings.save_applied", "f", "h1")
    taken = NewRules(content_hash="h1", content="rules", rules=1, deed=Deed.TAKEN, comment="")
    for based_on in (0, 1):
        say("mappings.save_version", "f", taken, based_on=based_on, actor="kim")
    play_unmapped(player)
    say("mappings.save_explained", "f", "file")
    say("secrets.save_blob", "password", key_id="k1", blob=b"1")
    say("secrets.replace_blob", "password", before=b"1", key_id="k2", blob=b"2")
    say("secrets.save_blob", "gone", key_id="k1", blob=b"1")
    say("secrets.delete_blob", "gone")
    say("transactions.begin", "both")
    say("audit.record", "run.started", subject="f", actor="kim", run_id=RUN, batch="b1")
    for _ in range(3):
        say("budget.acquire", "t")
    say("budget.hold", "t", 30)
    say("budget.acquire", "t", run_id=RUN)
    player.told.append(("the clock", repr(player.clock.now())))


def play_reading_rules(player: Player) -> None:
    """The history of rules, and the queue of what they do not reach."""
    say = player.say
    say("mappings.find_version", "f")
    say("mappings.load_versions", "f", limit=5)
    say("unmapped.load_placed", "f")
    say("unmapped.load_values", UnmappedFilter(), limit=5)
    say("unmapped.load_values", UnmappedFilter(), limit=5, after=(10**9, 0))
    say("unmapped.count_values", UnmappedFilter(flow="f"))
    say("unmapped.find_value", "f", *UNMAPPED)
    say("unmapped.load_amounts", "f", *UNMAPPED)
    known = UnmappedFilter(flow="f", dimension=UNMAPPED[0], text=UNMAPPED[2])
    say("unmapped.find_by_value", known)


def play_unmapped(player: Player) -> None:
    """A period is placed, and somebody looks after what no rule takes."""
    placed = PlacedRow(
        flow="f", member="Oct 26", mapping_hash="h1", document="d", run_id=RUN, at=START
    )
    told = UnmappedSum(
        dimension=UNMAPPED[0], fact=UNMAPPED[1], value=UNMAPPED[2], ledger=PAIR[0], period=PAIR[1],
        currency="USD", debit=Decimal("12.50"), credit=Decimal(0), lines=2,
        facts={"account": "68999"}, on=START.date(),
    )  # fmt: skip
    player.say("unmapped.save_placed", placed, [told])
    found = player.say("unmapped.find_value", "f", *UNMAPPED)
    player.say("unmapped.keep_periods", "f", {placed.member})
    player.say("unmapped.save_owner", found, owner="kim", note="asked", actor="kim")


def list_methods(stores: dict[str, Any]) -> set[str]:
    """The public methods of all stores; no store of the package may be missing."""
    from ml_connector.records.store import OrganisationStore  # noqa: PLC0415 - Django is set up.

    for module in pkgutil.iter_modules(ml_connector.records.__path__):
        importlib.import_module(f"ml_connector.records.{module.name}")
    kinds = {name: type(store) for name, store in stores.items()}
    assert set(OrganisationStore.__subclasses__()) <= set(kinds.values())
    return {
        f"{name}.{one}"
        for name, kind in kinds.items()
        for one in dir(kind)
        if one[0] != "_" and callable(getattr(kind, one))
    }


def dump_rows(organisation: str) -> dict[str, list[dict[str, Any]]]:
    """All that is stored of an organisation, table by table, past every store."""
    from ml_connector.records.models import Organisation  # noqa: PLC0415 - Django is set up by now.
    from ml_connector.records.models.owned import Owned  # noqa: PLC0415 - as above.

    number = Organisation.objects.get(name=organisation).pk
    return {
        kind.__name__: list(kind.of(number).order_by("pk").values())
        for kind in Owned.__subclasses__()
    }


@pytest.fixture
def organisations(records: Records) -> None:
    """Two of them, and the one every installation begins with."""
    create_organisation(OURS)
    create_organisation(THEIRS)


@pytest.mark.long
@pytest.mark.usefixtures("organisations")
def test_organisation_is_answered_as_if_it_were_alone() -> None:
    """Every method of every store: same answers, same refusals, same waits, same chain."""
    alone, beside = Player(OURS), Player(THEIRS)
    play(alone)
    before, number = dump_rows(OURS), len(alone.told)

    play(beside)

    for first, second in zip(alone.told, beside.told, strict=True):
        assert second == first
    assert dump_rows(OURS) == before
    play_reading(alone)
    play_reading(beside)
    assert alone.told[number:] == beside.told[number:]
    assert [name for name, rows in before.items() if not rows] == [], "the story leaves none empty"
    assert list_methods(alone.stores) <= {name for name, _ in alone.told}, "and calls every method"


@pytest.mark.usefixtures("organisations")
def test_ids_of_another_organisation_open_nothing() -> None:
    """A number or id that one was given is nothing to the other, and changes nothing."""
    ours, theirs = Player(OURS), Player(THEIRS)
    play_runs(ours)
    step = ours.say("runs.record_step_started", RUN, "read")
    lease = ours.say("intents.take_lease", "M", holder=f"{RUN}/p", seconds=25)
    made = ours.say("intents.make_intent", lease=lease, run_id=RUN, action=LOAD, content_hash="c")
    before = dump_rows(OURS)

    theirs.say("runs.record_step_finished", step, state="done", result={})
    theirs.say("intents.save_intent", made.intent_id, IntentState.REFUSED)
    theirs.say("intents.verify_lease", lease)
    theirs.say("intents.release_lease", lease)
    theirs.say("intents.release_run", RUN)
    theirs.say("intents.make_intent", lease=lease, run_id=RUN, action=LOAD, content_hash="c")
    theirs.say("runs.load_run", RUN)
    theirs.say("audit.find", RUN)

    answers = [text for _, text in theirs.told]
    assert [text.partition(":")[0] for text in answers] == [
        "UsageError", "UsageError", "BusyError", "None", "None", "BusyError", "UsageError", "[]",
    ]  # fmt: skip
    assert not any(OURS in text or "kim" in text for text in answers)
    assert dump_rows(OURS) == before
    assert dump_rows(THEIRS) == {name: [] for name in before}
