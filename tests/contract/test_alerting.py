"""Alerting from the end of a run to the channel: told once, in money, and never in a storm."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from tests.contract.conftest import Move
from tests.fakes.channels import Hook, open_hook, open_mail_box

from ml_connector.alerting.sender import AppriseSender, ChannelRefusedError
from ml_connector.domain.alerts import AlertEvent, Severity
from ml_connector.errors import ConnectorError, DatabaseAwayError, SystemUnavailableError
from ml_connector.flows.alerting.desk import AlertDesk
from ml_connector.flows.alerting.raising import end_alerts, raise_alerts, raise_noted
from ml_connector.flows.alerting.sending import send_due, send_test
from ml_connector.flows.alerting.watching import watch
from ml_connector.ports import Approval, ApprovalState, Clock, Records, Role, RunState
from ml_connector.ports.alerts import DeliveryState, Message, NewAlert
from ml_connector.ports.schedules import FiringRow, FiringState
from ml_connector.settings.alerts import AlertSettings
from ml_connector.wiring.alerts import AlertLook

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""What the library of the channels imports, when it loads them."""
PASSWORD = "halden works since 1921"
EVERYTHING = {
    "channels": [{"name": "hook", "address": "env:HOOK"}],
    "rules": [{"channels": ["hook"]}],
}
AWAY = {
    "code": "unavailable", "refused": "Anaplan does not answer.",
    "written": "Nothing was sent.", "next_step": "Resume the run.",
}  # fmt: skip
TIE_OUT = [
    {"currency": "USD", "unexplained": "1200.50", "unmapped": "10", "refused": "3"},
    {"currency": "USD", "unexplained": "-200.50", "unmapped": "5", "refused": "0"},
    {"currency": "EUR", "unexplained": "0", "unmapped": "0", "refused": "0"},
]


@dataclass(slots=True)
class Sent:
    """A sender that keeps what it is given, or fails as it is told."""

    messages: list[Message] = field(default_factory=list)
    fails: list[ConnectorError] = field(default_factory=list)
    on_sent: Callable[[], None] | None = None

    def submit_message(self, _address: str, message: Message) -> None:
        """It is kept."""
        if self.fails:
            raise self.fails.pop(0)
        self.messages.append(message)
        if self.on_sent is not None:
            self.on_sent()

    def verify_address(self, address: str) -> str:
        """Any will do."""
        return address


@dataclass(slots=True)
class Addresses:
    """Addresses of channels by reference."""

    plain: Mapping[str, str] = field(default_factory=dict)

    def read_secret(self, reference: str) -> str:
        """The address."""
        return self.plain.get(reference, "json://127.0.0.1/x")


@dataclass(slots=True)
class Office:
    """A desk of alerting, and runs that end as told."""

    desk: AlertDesk
    sent: Sent
    runs: int = 0

    def end(
        self,
        state: RunState,
        flow: str = "actuals",
        *,
        error: Any = None,
        request: Any = None,
        **summary: Any,
    ) -> str:
        """A run that ended so."""
        self.runs += 1
        run_id, runs = f"r{self.runs}", self.desk.records.runs
        runs.create_run(
            run_id=run_id, flow=flow, kind="actuals", actor="kim", request=request or {}
        )
        runs.save_run(run_id, RunState.RUNNING)
        runs.save_run(run_id, state, summary=summary, error=error)
        return run_id

    def tell(self) -> list[str]:
        """Titles of what leaves now."""
        self.sent.messages.clear()
        raise_noted(self.desk)
        send_due(self.desk)
        return [message.title for message in self.sent.messages]


@pytest.fixture
def office(records: Records, records_clock: Clock) -> Office:
    """Everything goes to one webhook."""
    return open_office(records, records_clock, EVERYTHING)


def open_office(
    records: Records, clock: Clock, settings: Mapping[str, Any], **changes: Any
) -> Office:
    """An office with these settings."""
    sent = Sent()
    desk = AlertDesk(
        records=records, clock=clock, settings=AlertSettings.model_validate(settings), sender=sent,
        secrets=Addresses(), holder="one", flows=("actuals",), url="https://connector.example",
        **changes,
    )  # fmt: skip
    return Office(desk=desk, sent=sent)


def test_failed_run_is_told_once_and_its_end_once(office: Office) -> None:
    """What happened, what is written, what to do, where to look; then that it is over."""
    run_id = office.end(RunState.FAILED, error=AWAY)
    titles = office.tell()
    (message,) = office.sent.messages
    assert titles == ["[critical] actuals: run failed"]
    for text in (run_id, AWAY["refused"], AWAY["written"], f"Next: {AWAY['next_step']}",
                 "https://connector.example/alerts/"):  # fmt: skip
        assert text in message.body

    office.end(RunState.FAILED, error=AWAY)
    assert office.tell() == []
    assert office.desk.records.alerts.load_open()[0].count == 2

    last = office.end(RunState.SUCCEEDED, periods=["Oct 26"], lines=5)
    assert office.tell() == ["[critical] Over: actuals: run failed"]
    assert f"It is over: run {last} succeeded" in office.sent.messages[0].body
    assert "2 times since" in office.sent.messages[0].body
    office.end(RunState.SUCCEEDED)
    assert office.tell() == []


def test_amounts_are_totals_by_currency(office: Office) -> None:
    """Each state in its own words; and no account is named with its amount."""
    office.end(RunState.UNTIED, "a", tie_out=TIE_OUT, loaded=True, erp_differences_count=2)
    office.end(RunState.UNTIED, "b", tie_out=TIE_OUT, differences=[{"hop": "load to model"}])
    office.end(RunState.PARTLY, "c", tie_out=TIE_OUT, refused=1, cells=1000)
    office.end(RunState.PARTLY, "d", tie_out=TIE_OUT, refused=20, cells=1000)
    office.end(RunState.PARTLY, "e", tie_out=TIE_OUT, unmapped={"Oct 26": 3, "Nov 26": 0})
    office.end(RunState.MOVING, "f")
    office.end(RunState.BLOCKED, "g", error={"code": "plan.guard", "refused": "It is 38 %.\nmore"})
    office.end(RunState.BLOCKED, "h",
               error={"code": "shadow.model-holds-cells", "refused": "4000: 12.00"})  # fmt: skip
    office.end(RunState.UNKNOWN, "i", error={"code": "outcome-unknown", "refused": "Lost."})
    office.end(RunState.INTERRUPTED, "j", error={"code": "interrupted", "refused": "Stopped."})
    office.end(RunState.INTERRUPTED, "k", error=AWAY)
    office.tell()

    told = {one.subject: one for one in office.desk.records.alerts.load_open()}
    assert {name: one.event.value for name, one in told.items()} == {
        "a": "untied", "b": "drift", "c": "refused", "d": "refusal-rate", "e": "unmapped",
        "f": "moving", "g": "blocked", "h": "drift", "i": "unknown", "k": "failed",
    }  # fmt: skip
    assert told["a"].happened == (
        "Unexplained: 1,000.00 USD.", "Lines and balances of the ERP differ in 2 ledger periods.",
    )  # fmt: skip
    assert told["c"].happened == ("The model refused 1 of 1,000 summaries, 3.00 USD in all.",)
    assert told["c"].written == "The other 999 are in the model."
    assert "15.00 USD" in told["e"].happened[0]
    assert told["g"].happened[1] == "It is 38 %."
    assert "12.00" not in str(told["h"])


def test_many_alerts_at_once_are_one_message(office: Office) -> None:
    """Fifty flows that one outage stops make one message, each alert a line of it."""
    for number in range(30):
        office.end(RunState.FAILED, f"flow-{number:02}", error=AWAY)

    titles = office.tell()

    assert titles == ["[critical] 30 alerts, the worst is critical"]
    body = office.sent.messages[0].body
    assert body.count("- [critical] flow-") == 20
    assert "and 10 more" in body
    states = {one.state for one in office.desk.records.alerts.load_deliveries()}
    assert states == {DeliveryState.SENT}


def test_what_ends_differently_says_so(office: Office) -> None:
    """A run that got through but left something ends what stopped runs, and nothing else."""
    office.end(RunState.FAILED, error=AWAY)
    office.end(RunState.PARTLY, tie_out=TIE_OUT, refused=1, cells=1000)
    office.tell()
    assert [one.event.value for one in office.desk.records.alerts.load_open()] == ["refused"]

    office.end(RunState.UNTIED, tie_out=TIE_OUT)
    office.tell()
    assert {one.event.value for one in office.desk.records.alerts.load_open()} == {
        "refused", "untied",
    }  # fmt: skip

    office.end(RunState.SUCCEEDED, dry_run=True)
    office.tell()
    assert len(office.desk.records.alerts.load_open()) == 2


def test_run_that_goes_on_and_is_cancelled_ends_its_own_alert(office: Office) -> None:
    """What became of it is known then."""
    run_id = office.end(RunState.UNKNOWN, error={"code": "outcome-unknown"})
    office.tell()
    office.desk.records.runs.save_run(run_id, RunState.CANCELLED)

    assert office.tell() == ["[critical] Over: actuals: outcome unknown"]


def test_success_without_lines_where_there_were_some_is_told(office: Office) -> None:
    """A ledger the user sees no more looks like an empty one."""
    office.end(RunState.SUCCEEDED, periods=["Sep 26"], lines=7)
    office.end(RunState.SUCCEEDED, periods=[], lines=0)
    assert office.tell() == []

    office.end(RunState.SUCCEEDED, periods=["Oct 26"], lines=0)

    assert office.tell() == ["[warning] actuals: no lines where there used to be"]
    assert "had found 7" in office.sent.messages[0].body


def test_repeats_are_summed_into_one_reminder_until_somebody_looks(
    office: Office, move: Move
) -> None:
    """Told at most once a day, and no more once it is acknowledged."""
    office.end(RunState.FAILED, error=AWAY)
    office.tell()
    for _ in range(3):
        office.end(RunState.FAILED, error=AWAY)
    raise_noted(office.desk)
    watch(office.desk)
    early = office.tell()
    move(25 * 3600)
    watch(office.desk)
    watch(office.desk)
    late = office.tell()
    (alert,) = office.desk.records.alerts.load_open()
    office.desk.records.alerts.save_acknowledged(alert.alert_id, actor="kim", remark="")
    office.end(RunState.FAILED, error=AWAY)
    move(25 * 3600)
    raise_noted(office.desk)
    watch(office.desk)

    assert (early, late) == ([], ["[critical] Still: actuals: run failed (4 times)"])
    assert office.tell() == []


def test_rules_choose_by_event_flow_and_severity_and_wait_for_the_morning(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """Quiet hours hold back what is not bad enough; what was over by then is never told."""
    channels = [{"name": name, "address": "env:X"} for name in ("all", "night", "budget")]
    quiet = {"from": "20:00", "to": "09:00", "zone": "Europe/Berlin"}  # It is 8 in Berlin.
    office = open_office(records, records_clock, {
        "channels": channels,
        "rules": [
            {"channels": ["night"], "quiet": quiet},
            {"channels": ["all"], "least": "critical", "events": ["failed", "refused"]},
            {"channels": ["budget"], "flows": ["budget"]},
        ],
    })  # fmt: skip
    office.end(RunState.FAILED, error=AWAY)
    office.end(RunState.PARTLY, "other", tie_out=TIE_OUT, refused=1, cells=1000)
    office.tell()
    waiting = {one.channel for one in records.alerts.load_deliveries()
               if one.state is DeliveryState.WAITING}  # fmt: skip
    told = [one.channel for one in records.alerts.load_deliveries() if one.sent_at]
    office.end(RunState.SUCCEEDED, "other")
    office.tell()
    move(3600)
    later = office.tell()

    assert sorted(told) == ["all", "night"]
    assert waiting == {"night"}
    assert later == []
    assert "over before it was told" in str(
        [one.error for one in records.alerts.load_deliveries(channel="night")]
    )


def test_waiting_plan_is_told_to_approvers_other_than_its_maker(
    records: Records, records_clock: Clock
) -> None:
    """Under whatever name the maker acts; and that it is decided is told as its end."""
    settings = {
        "channels": [{"name": "people", "address": "env:MAIL", "to": "approvers"}],
        "rules": [{"channels": ["people"], "events": ["approval"]}],
    }
    office = open_office(records, records_clock, settings)
    for name, role in (("kim", Role.APPROVER), ("lee", Role.APPROVER), ("max", Role.ADMIN)):
        records.people.create_person(
            name, password=PASSWORD, roles=[role], display_name="", email=f"{name}@halden.example"
        )
    records.approvals.request_approval(
        Approval(
            plan_hash="3f5a0c" + "0" * 58, flow="actuals", run_id="r1", maker="Kim", needed=1,
            amounts={"USD": Decimal("12.5")}, totals={}, state=ApprovalState.WAITING,
            made_at=records_clock.now(), expires_at=records_clock.now() + timedelta(days=7),
        )
    )  # fmt: skip
    office.end(RunState.WAITING_APPROVAL)

    assert office.tell() == ["[info] actuals: a plan waits for approval"]
    (message,) = office.sent.messages
    assert message.recipients == ("lee@halden.example",)
    assert "12.50 USD" in message.body

    records.approvals.decide("3f5a0c" + "0" * 58, actor="lee", approves=True, reason="")
    watch(office.desk)
    assert office.tell() == ["[info] Over: actuals: a plan waits for approval"]

    records.people.save_roles("lee", [Role.VIEWER])
    with pytest.raises(ConnectorError, match="nobody but the maker"):
        _only_maker(office, records)


def _only_maker(office: Office, records: Records) -> None:
    records.people.save_roles("kim", [Role.VIEWER])
    send_test(office.desk, "people")


def test_flow_without_a_good_run_in_time_is_late_until_it_has_one(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """A flow that has never begun is not late."""
    expected = [{"flow": name, "hours": 26} for name in ("actuals", "never")]
    office = open_office(records, records_clock, {**EVERYTHING, "expected": expected})
    office.end(RunState.SUCCEEDED)
    raise_noted(office.desk)
    move(25 * 3600)
    watch(office.desk)
    early = office.tell()
    move(2 * 3600)
    watch(office.desk)
    watch(office.desk)
    late = office.tell()
    office.end(RunState.SUCCEEDED)

    assert (early, late) == ([], ["[warning] actuals: late"])
    assert office.tell() == ["[warning] Over: actuals: late"]


def test_times_of_schedules_that_were_missed_are_told_once(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """Those of before alerting began are old news."""
    office = open_office(records, records_clock, EVERYTHING, schedules=("nightly",))
    record_missed(records, records_clock.now() - timedelta(hours=1))
    move(1)
    watch(office.desk)
    assert office.tell() == []
    move(60)
    record_missed(records, records_clock.now() - timedelta(minutes=5))
    move(1)
    watch(office.desk)
    watch(office.desk)

    assert office.tell() == ["[warning] actuals: schedule nightly was missed"]
    move(25 * 3600)
    watch(office.desk)
    assert records.alerts.load_open() == []


def record_missed(records: Records, due_at: datetime) -> None:
    """A time that passed while nothing was running."""
    records.schedules.record_firing(
        FiringRow(
            schedule="nightly", flow="actuals", due_at=due_at, run_id="", state=FiringState.MISSED,
            reason="nothing was running", actor="schedule nightly", request={}, looks=0,
            ended_at=None,
        )
    )  # fmt: skip


def test_credential_that_ends_is_told_until_it_is_renewed(
    records: Records, records_clock: Clock
) -> None:
    """Whoever finds it, finds it again at each look; it is told once."""
    ending: list[NewAlert] = []
    office = open_office(records, records_clock, EVERYTHING, find_ending=lambda: ending)
    ending.append(
        NewAlert(
            event=AlertEvent.EXPIRING, severity=Severity.WARNING, subject="anaplan",
            cause="certificate x", key="e1", title="anaplan: its certificate ends",
            at=records_clock.now(),
        )
    )  # fmt: skip
    watch(office.desk)
    watch(office.desk)
    told = office.tell()
    ending.clear()
    watch(office.desk)

    assert told == ["[warning] anaplan: its certificate ends"]
    assert office.tell() == ["[warning] Over: anaplan: its certificate ends"]


def test_channel_that_is_away_is_tried_again_later_and_longer(office: Office, move: Move) -> None:
    """A run never hears of it; after the last try it waits for a person."""
    office.end(RunState.FAILED, error=AWAY)
    office.sent.fails = [
        SystemUnavailableError("Away.", written="", next_step="") for _ in range(6)
    ]
    waits = []
    for _ in range(6):
        office.tell()
        (row,) = office.desk.records.alerts.load_deliveries()
        waits.append((row.due_at - office.desk.clock.now()).total_seconds())
        move(waits[-1])

    assert waits[:5] == [30, 120, 480, 1920, 7680]
    assert (row.state, row.error, row.attempts) == (DeliveryState.FAILED, "Away.", 6)
    move(86_400)
    assert office.tell() == []
    assert office.desk.records.alerts.save_again(row.number)
    assert office.tell() == ["[critical] actuals: run failed"]


def test_two_senders_tell_it_once(office: Office) -> None:
    """Whichever of them comes while the other sends finds nothing to do."""
    office.end(RunState.FAILED, error=AWAY)
    second = replace(office.desk, holder="two")
    office.sent.on_sent = lambda: (send_due(second), raise_noted(second))  # type: ignore[assignment]  # what they return does not matter.

    assert office.tell() == ["[critical] actuals: run failed"]


def test_message_of_a_killed_sender_comes_once_more_and_says_so(office: Office, move: Move) -> None:
    """At least once, at most twice."""
    office.end(RunState.FAILED, error=AWAY)

    class KilledError(BaseException):
        """The process ends between sending and noting it."""

    def die() -> None:
        raise KilledError

    office.sent.on_sent = die
    bodies = []
    for _ in range(3):
        try:
            office.tell()
        except KilledError:
            bodies += [message.body for message in office.sent.messages]
        move(121)

    assert len(bodies) == 2
    assert "may come a second time" not in bodies[0]
    assert "may come a second time" in bodies[1]
    assert office.desk.records.alerts.load_deliveries()[0].state is DeliveryState.UNCLEAR


def test_process_that_stops_leaves_its_messages_to_others(office: Office) -> None:
    """They are not begun, so nobody has to say that they may come twice."""
    office.end(RunState.FAILED, error=AWAY)
    other = office.desk
    office.desk = replace(office.desk, holder="two", is_stopping=lambda: True)
    assert office.tell() == []
    office.desk = other

    assert office.tell() == ["[critical] actuals: run failed"]
    assert "second time" not in office.sent.messages[0].body


def test_note_that_makes_no_sense_keeps_no_other_from_being_told(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """It is dropped, and the log says so."""
    office.end(RunState.UNTIED, "odd", tie_out=[{"currency": "USD", "unexplained": "much"}])
    office.desk.records.alerts.record_note("run", "no such run", state="failed")
    office.end(RunState.FAILED, error=AWAY)

    assert office.tell() == ["[critical] actuals: run failed"]
    assert "alerts.note_dropped" in caplog.text
    assert office.desk.records.alerts.load_notes(limit=9) == []


def test_webhook_gets_the_alert_and_its_refusals_are_shown(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """A real server, which first answers 500; its address is in nothing that is kept."""
    with open_hook() as hook:
        office = open_office(records, records_clock, EVERYTHING)
        office.desk = with_address(office.desk, hook.url.replace("//", "//bot:geheim7@"))
        hook.answers = [500]
        office.end(RunState.FAILED, error=AWAY)
        office.tell()
        (row,) = records.alerts.load_deliveries()
        assert row.state is DeliveryState.WAITING
        assert "error=500" in row.error
        assert "geheim7" not in row.error
        move(30)
        office.tell()

        assert [one["title"] for one in hook.got] == ["[critical] actuals: run failed"] * 2
        assert hook.got[1]["type"] == "failure"
        assert AWAY["refused"] in hook.got[1]["message"]
        assert records.alerts.load_deliveries()[0].state is DeliveryState.SENT
        try_addresses(office, hook)


def with_address(desk: AlertDesk, address: str) -> AlertDesk:
    """A desk with a real sender, and this address behind every channel."""
    secrets = Addresses({"env:HOOK": address, "env:MAIL": address})
    return replace(desk, sender=AppriseSender(), secrets=secrets)


def try_addresses(office: Office, hook: Hook) -> None:
    """What is no address, or not a safe one, is refused before anything is sent."""
    before = len(hook.got)
    for address, finding in (
        ("no address", "no scheme"), ("nothing://x", "none that is known"),
        ("json://hooks.example/x", "not encrypted"), ("jsons://h.example/?verify=no", "verify"),
        ("mailto://u:p@mail.example?mode=insecure&to=a@b.example", "password unencrypted"),
    ):  # fmt: skip
        with pytest.raises(ChannelRefusedError, match=finding):
            send_test(with_address(office.desk, address), "hook")
    with pytest.raises(SystemUnavailableError, match="did not take"):
        send_test(with_address(office.desk, "json://127.0.0.1:9/"), "hook")
    assert len(hook.got) == before
    newest = office.desk.records.alerts.load_deliveries(limit=1)[0]
    assert (newest.kind.value, newest.state.value) == ("test", "failed")


def test_mail_reaches_the_people_it_is_for(records: Records, records_clock: Clock) -> None:
    """A real mail server; the channel's own address names nobody."""
    settings = {
        "channels": [{"name": "people", "address": "env:MAIL", "to": "approvers"}],
        "rules": [{"channels": ["people"]}],
    }
    records.people.create_person(
        "lee", password=PASSWORD, roles=[Role.APPROVER], display_name="",
        email="lee@halden.example",
    )  # fmt: skip
    with open_mail_box() as box:
        office = open_office(records, records_clock, settings)
        address = f"mailto://{box.host}?from=connector@halden.example&mode=insecure"
        office.desk = with_address(office.desk, address)
        office.end(RunState.FAILED, error=AWAY)
        office.tell()
        send_test(office.desk, "people")
        box.refuses = True
        with pytest.raises(SystemUnavailableError):
            send_test(office.desk, "people")

    assert [to for to, _ in box.mails] == [["lee@halden.example"]] * 2
    assert "run failed" in box.mails[0][1]


def test_certificate_that_cannot_be_read_is_not_said_to_be_renewed(
    records: Records, records_clock: Clock
) -> None:
    """Its alert stays, for it would never be told again."""
    alert = NewAlert(
        event=AlertEvent.EXPIRING, severity=Severity.WARNING, subject="anaplan", cause="x",
        key="e1", title="anaplan: its certificate ends", at=records_clock.now(),
    )  # fmt: skip
    ending, unread = [alert], list[str]()
    office = open_office(
        records, records_clock, EVERYTHING, find_ending=lambda: ending, find_unread=lambda: unread
    )
    watch(office.desk)
    ending.clear()
    unread.append("anaplan")
    watch(office.desk)
    assert [one.cause for one in records.alerts.load_open()] == ["x"]

    unread.clear()
    watch(office.desk)
    assert records.alerts.load_open() == []


def test_alert_stands_with_its_messages_or_not_at_all(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies between the two leaves nothing that nobody will ever be told."""
    alert = NewAlert(
        event=AlertEvent.OUTAGE, severity=Severity.CRITICAL, subject="", cause="x", key="o1",
        title="An outage", at=office.desk.clock.now(),
    )  # fmt: skip

    def die(*_: Any) -> int:
        raise SystemExit

    store = office.desk.records.alerts
    with monkeypatch.context() as patched:
        patched.setattr(type(store), "save_deliveries", die)
        with pytest.raises(SystemExit):
            raise_alerts(office.desk, [alert])
    assert store.load_open() == []

    raise_alerts(office.desk, [alert])
    with monkeypatch.context() as patched:
        patched.setattr(type(store), "save_deliveries", die)
        with pytest.raises(SystemExit):
            end_alerts(office.desk, store.load_open(), by="somebody")
    assert [one.title for one in store.load_open()] == ["An outage"]


def test_missed_time_that_was_stored_late_is_told(
    records: Records, records_clock: Clock, move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that broke off, or a firing that was dated before a look and stored after it."""
    office = open_office(records, records_clock, EVERYTHING, schedules=("nightly",))
    watch(office.desk)
    record_missed(records, records_clock.now())
    move(60)
    with monkeypatch.context() as patched:
        patched.setattr(type(records.alerts), "save_deliveries", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            watch(office.desk)
    watch(office.desk)
    assert office.tell() == ["[warning] actuals: schedule nightly was missed"]

    records.alerts.save_mark("missed", records_clock.now() + timedelta(seconds=5))
    record_missed(records, records_clock.now())
    watch(office.desk)
    assert records.alerts.load_open()[0].count == 2


def test_slow_channels_do_not_use_up_the_claim_of_others(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """What cannot be begun in time is given back, so that nobody sends it as well."""
    channels = [{"name": f"c{number}", "address": "env:HOOK"} for number in range(10)]
    rules = [{"channels": [one["name"] for one in channels]}]
    office = open_office(records, records_clock, {"channels": channels, "rules": rules})
    office.sent.on_sent = lambda: move(19)
    office.end(RunState.FAILED, error=AWAY)

    assert len(office.tell()) == 4
    assert all(row.lapses == 0 for row in records.alerts.load_deliveries())
    assert [len(office.tell()) for _ in range(3)] == [4, 2, 0]


def test_alert_about_periods_outlasts_runs_that_did_not_look_at_them(office: Office) -> None:
    """Refused summaries that are still refused, and runs of some periods while others are owed."""
    office.end(RunState.PARTLY, refused=3, cells=1_000)
    office.end(RunState.PARTLY, still_refused={"Sep 26": 3})
    office.end(RunState.UNTIED)
    office.tell()
    records = office.desk.records
    records.batches.record_touched("actuals", [("L1", "Sep-26")])
    office.end(RunState.SUCCEEDED, request={"periods": ["Oct-26"]})
    office.tell()
    events = {one.event for one in records.alerts.load_open()}
    assert events == {AlertEvent.REFUSED, AlertEvent.UNTIED}

    records.batches.settle_touched("actuals", [("L1", "Sep-26")])
    office.end(RunState.SUCCEEDED, request={"periods": ["Sep-26"]})
    office.tell()
    assert records.alerts.load_open() == []


def test_run_that_only_looked_is_no_good_run(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """A flow is late whatever was planned or compared meanwhile."""
    settings = {**EVERYTHING, "expected": [{"flow": "actuals", "hours": 24}]}
    office = open_office(records, records_clock, settings)
    office.end(RunState.SUCCEEDED)
    move(25 * 3600)
    office.end(RunState.SUCCEEDED, request={"dry_run": True})
    office.end(RunState.SUCCEEDED, request={"reconcile": True})
    assert office.tell() == []
    watch(office.desk)
    assert office.tell() == ["[warning] actuals: late"]

    office.end(RunState.SUCCEEDED, request={"reconcile": True})
    assert office.tell() == []
    office.end(RunState.SUCCEEDED)
    assert office.tell() == ["[warning] Over: actuals: late"]


def test_only_a_database_that_was_away_is_told_as_an_outage(office: Office, move: Move) -> None:
    """Other faults of a look are told where it runs; none keeps messages from leaving."""
    fails: list[Exception] = [ValueError("a fault of ours")]

    def make_desk(_: Any) -> AlertDesk:
        if fails:
            raise fails.pop(0)
        return replace(office.desk, find_ending=lambda: 1 / 0)  # type: ignore[arg-type,return-value]  # it fails.

    house: Any = SimpleNamespace(clock=office.desk.clock, _alert_desk=make_desk)
    told: list[str] = []
    look = AlertLook(house, told.append, bool)
    for fault in (None, DatabaseAwayError("db", "gone", is_back=bool)):
        office.end(RunState.FAILED, error=AWAY)
        fails += [fault] if fault else []
        look()
        move(120)
        look()
        titles = [one.title for one in office.desk.records.alerts.load_open()]
        assert ("The records database answers again" in titles) is bool(fault)

    assert "[critical] actuals: run failed" in [one.title for one in office.sent.messages]
    assert any("ZeroDivisionError" in text for text in told)
