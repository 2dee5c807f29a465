"""The planning target when things go wrong: lost replies, dead tokens, limits, states."""

import gzip
import json
from typing import Any

import pytest

from ml_connector.errors import (
    AccessDeniedError,
    BlockedError,
    BusyError,
    ConnectorError,
    CredentialsError,
    OutcomeUnknownError,
    ProtocolError,
    RefusedError,
    SystemUnavailableError,
)
from ml_connector.ports import ActionKind, LoadOutcome, TaskState
from ml_connector.systems.anaplan.adapter import AnaplanTarget

CURRENCIES = "Code,Name\nEUR,Euro\nGBP,Pound\nUSD,Dollar\n"
STARTS = r"/imports/\d+/tasks$"


@pytest.fixture
def ready(find_action: Any, upload: Any) -> Any:
    """An import whose file is whole."""
    action = find_action("Load Currencies")
    upload(action.file_id, CURRENCIES)
    return action


# --- starting a task --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset_after"},
        {"kind": "close_after"},
        {"kind": "truncate_body", "cut_at": 20},
        {"kind": "status", "status": 503, "effect": True},
        {"kind": "status", "status": 500, "effect": True},
        {"kind": "html", "status": 502, "effect": True},
        {"kind": "status", "status": 200, "body": '{"task":{"taskId":"AB', "effect": True},
        {"kind": "status", "status": 200, "body": "{}", "effect": True},
        {"kind": "html", "status": 200, "effect": True},
    ],
    ids=str,
)
def test_lost_start_is_unknown_and_its_task_is_found(
    fault: dict[str, Any], target: AnaplanTarget, sandbox: Any, ready: Any, finish: Any
) -> None:
    """One POST leaves, the outcome is unknown, and the task list holds the one task it began."""
    sandbox.spoil(method="POST", path=STARTS, **fault)
    with pytest.raises(OutcomeUnknownError, match="not known"):
        target.submit_task(ready)
    assert len(sandbox.calls("/tasks", "POST")) == 1
    (stamp,) = target.read_task_stamps(ready)
    assert finish(ready, stamp.task_id).outcome is LoadOutcome.OK


@pytest.mark.parametrize("kind", ["reset_before", "close_before"])
def test_start_that_never_arrived_is_unknown_too(
    kind: str, target: AnaplanTarget, sandbox: Any, ready: Any
) -> None:
    """The client cannot tell a lost request from a lost reply, so it says neither."""
    sandbox.spoil(method="POST", path=STARTS, kind=kind)
    with pytest.raises(OutcomeUnknownError):
        target.submit_task(ready)
    assert target.read_task_stamps(ready) == []


def test_start_with_a_dead_token_is_not_repeated(
    target: AnaplanTarget, sandbox: Any, ready: Any
) -> None:
    """A 401 leads to the task list like a lost reply; the next call logs in again."""
    sandbox.do("kill_token", path=STARTS)
    with pytest.raises(OutcomeUnknownError, match="token had died"):
        target.submit_task(ready)
    assert len(sandbox.calls("/tasks", "POST")) == 1
    assert target.read_task_stamps(ready) == []
    assert len(sandbox.calls("/token/authenticate")) == 2


def test_start_past_the_allowance_is_not_begun_and_holds_everybody(
    target: AnaplanTarget, sandbox: Any, budget: Any, ready: Any
) -> None:
    """A 429 says that nothing was started; the pause it names is everybody's."""
    sandbox.spoil(method="POST", path=STARTS, kind="status", status=429, retry_after=9)
    with pytest.raises(SystemUnavailableError):
        target.submit_task(ready)
    assert [seconds for _, seconds in budget.holds] == [9]
    assert len(sandbox.calls("/tasks", "POST")) == 1
    assert target.submit_task(ready)


def test_second_start_on_a_busy_model_is_busy_where_the_model_says_so(
    target: AnaplanTarget, sandbox: Any, ready: Any
) -> None:
    """A 409 is told as busy; nothing was started."""
    sandbox.turn(busy__mode="409")
    sandbox.do("hold_lock", seconds=60)
    with pytest.raises(BusyError, match=r"is busy.*[Nn]othing was .*started"):
        target.submit_task(ready)
    assert target.read_task_stamps(ready) == []


@pytest.mark.parametrize(
    ("state", "kind", "words"),
    [
        ("LOCKED", BusyError, "locked.*owner to unlock"),
        ("ARCHIVED", BlockedError, "archived.*owner to unarchive"),
        ("MAINTENANCE", BlockedError, "offline.*owner to bring it online"),
        ("PRODUCTION_MAINTENANCE", BlockedError, "offline"),
    ],
)
def test_model_that_may_not_be_written_refuses_a_start(
    state: str, kind: type[ConnectorError], words: str, target: AnaplanTarget, sandbox: Any,
    ready: Any,
) -> None:  # fmt: skip
    """Each state is named, with what the model's owner must do."""
    sandbox.do("set_model_state", state=state)
    with pytest.raises(kind, match=words):
        target.submit_task(ready)


def test_deployed_model_refuses_changes_of_structure(
    target: AnaplanTarget, sandbox: Any, ready: Any
) -> None:
    """A 425 says that the change belongs into the development model."""
    sandbox.spoil(method="POST", path=STARTS, kind="status", status=425)
    with pytest.raises(BlockedError, match=r"deployed mode.*development model"):
        target.submit_task(ready)


def test_start_of_an_unknown_action_is_refused(target: AnaplanTarget, ready: Any) -> None:
    """An action that was deleted in the model starts nothing."""
    gone = type(ready)(kind=ActionKind.IMPORT, name="Gone", action_id="112000009999")
    with pytest.raises(RefusedError, match="112000009999"):
        target.submit_task(gone)
    assert target.read_task_stamps(gone) == []


def test_vanished_task_is_told(target: AnaplanTarget, sandbox: Any, ready: Any) -> None:
    """A task the server forgot is vanished, not failed."""
    task_id = target.submit_task(ready)
    sandbox.do("set_task_fate", task=task_id, fate="vanished")
    assert target.read_task(ready, task_id).state is TaskState.VANISHED


# --- tokens -----------------------------------------------------------------------------------


def test_token_that_dies_in_mid_upload_costs_one_chunk_twice(
    target: AnaplanTarget, sandbox: Any, find_action: Any, upload: Any, finish: Any
) -> None:
    """A 401 at the second chunk: one new log-in, that chunk again, no other."""
    action = find_action("Load Currencies")
    sandbox.do("kill_token", path=r"/chunks/1$")
    upload(action.file_id, CURRENCIES, size=15)
    sent = [call.rsplit("/", 1)[1] for call in sandbox.calls("/chunks/", "PUT")]
    assert sent == ["0", "1", "1", "2"]
    assert len(sandbox.calls("/token/authenticate")) == 2
    assert finish(action, target.submit_task(action)).outcome is LoadOutcome.OK
    assert len(sandbox.do("read_list", list="Currencies")) == 3


@pytest.mark.parametrize("mode", ["same-value", "rotate"])
def test_token_is_prolonged_before_it_ends(
    mode: str, target: AnaplanTarget, sandbox: Any, clock: Any
) -> None:
    """In two hours of calls nothing is ever answered 401, whether tokens rotate or not."""
    sandbox.turn(auth__refresh=mode)
    for _ in range(24):
        target.read_actions(ActionKind.EXPORT)
        clock.sleep(300)
    lines = sandbox.tell("GET", "journal")["lines"]
    assert [line["status"] for line in lines if line["status"] == 401] == []
    assert len(sandbox.calls("/token/authenticate")) == 1
    assert 3 <= len(sandbox.calls("/token/refresh")) <= 5


@pytest.mark.parametrize("life_s", [1, 20, 90])
def test_short_lives_are_borne(
    life_s: int, target: AnaplanTarget, sandbox: Any, clock: Any
) -> None:
    """Tokens that live for seconds are renewed as often as they need it."""
    sandbox.turn(auth__life_s=life_s)
    for _ in range(5):
        assert target.read_actions(ActionKind.EXPORT)
        clock.sleep(40)


def test_second_refusal_of_a_fresh_token_is_final(target: AnaplanTarget, sandbox: Any) -> None:
    """A server that refuses every token is asked twice, not for ever."""
    sandbox.spoil(path=r"/exports", kind="status", status=401, times=None, body={})
    with pytest.raises(CredentialsError):
        target.read_actions(ActionKind.EXPORT)
    assert len(sandbox.calls("/exports")) == 2


@pytest.mark.parametrize("layout", ["v2", "v1"])
def test_certificate_logs_in(layout: str, connect: Any, sandbox: Any, safe: Any) -> None:
    """Both layouts are taken from a server whose clock is years from ours."""
    sandbox.turn(auth__cert_format=layout)
    issued = sandbox.do("issue_certificate", email="certificate@halden.example")
    safe.texts |= {"file:cert": issued["certificate"], "secret:key": issued["private_key"]}
    auth = {"method": "certificate", "certificate": "file:cert", "private_key": "secret:key",
            "format": layout}  # fmt: skip
    assert connect(auth=auth).read_actions(ActionKind.EXPORT)
    tries = len(sandbox.calls("/token/authenticate"))
    assert tries == (2 if layout == "v2" else 1)


def test_unregistered_certificate_is_refused(connect: Any, sandbox: Any, safe: Any) -> None:
    """The refusal says to have it registered."""
    issued = sandbox.do("issue_certificate", email="certificate@halden.example")
    other = sandbox.do("issue_certificate", email="planner@halden.example")
    safe.texts |= {"file:cert": issued["certificate"], "secret:key": other["private_key"]}
    auth = {"method": "certificate", "certificate": "file:cert", "private_key": "secret:key"}
    with pytest.raises(CredentialsError, match="does not belong"):
        connect(auth=auth).read_actions(ActionKind.EXPORT)
    assert sandbox.calls("/token/authenticate") == []


# --- limits and broken answers ----------------------------------------------------------------


def test_retry_after_is_obeyed_by_everybody(
    target: AnaplanTarget, sandbox: Any, clock: Any, budget: Any
) -> None:
    """A 429 holds the whole allowance for as long as it says; then the call goes through."""
    target.read_actions(ActionKind.PROCESS)
    before_s = clock.slept_s
    sandbox.spoil(path=r"/exports", kind="status", status=429, retry_after=17)
    assert target.read_actions(ActionKind.EXPORT)
    assert [seconds for _, seconds in budget.holds] == [17]
    assert 17 <= clock.slept_s - before_s < 25
    assert len(sandbox.calls("/exports")) == 2


def test_empty_bucket_is_waited_for(target: AnaplanTarget, sandbox: Any) -> None:
    """When others have spent the tenant's allowance, calls wait and succeed."""
    sandbox.do("drain_bucket")
    assert target.read_actions(ActionKind.EXPORT)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html", "status": 502},
        {"kind": "status", "status": 503, "body": ""},
        {"kind": "html", "status": 504},
        {"kind": "status", "status": 500, "body": '{"status":{"co'},
        {"kind": "reset_after"},
        {"kind": "truncate_body", "cut_at": 30},
    ],
    ids=str,
)
def test_reading_is_repeated_until_it_is_answered(
    fault: dict[str, Any], target: AnaplanTarget, sandbox: Any
) -> None:
    """One broken answer of whatever kind is not the caller's concern."""
    sandbox.spoil(path=r"/exports", **fault)
    assert "Export Actuals" in {action.name for action in target.read_actions(ActionKind.EXPORT)}
    assert len(sandbox.calls("/exports")) == 2


@pytest.mark.parametrize("body", ["HTML", "empty", "truncated JSON", "JSON"])
def test_lasting_fault_is_unavailable_whatever_its_body(
    body: str, target: AnaplanTarget, sandbox: Any
) -> None:
    """After the tries are spent the system is unavailable, and the page is not quoted whole."""
    target.read_actions(ActionKind.PROCESS)
    content = {"HTML": "<html><body>secret page</body></html>", "empty": "",
               "truncated JSON": '{"status":{"co', "JSON": {"status": {"code": 503}}}  # fmt: skip
    sandbox.spoil(path="/exports", kind="status", status=503, body=content[body], times=None)
    with pytest.raises(SystemUnavailableError) as caught:
        target.read_actions(ActionKind.EXPORT)
    assert "secret page" not in str(caught.value)
    assert 2 <= len(sandbox.calls("/exports")) <= 5


@pytest.mark.parametrize("body", ['{"exports":[{"id":"11', "<html>portal</html>", "[]", ""])
def test_success_that_cannot_be_read_is_off_contract(
    body: str, target: AnaplanTarget, sandbox: Any
) -> None:
    """Cut JSON with status 200 is refused, never taken for an empty list."""
    sandbox.spoil(path="/exports", kind="status", status=200, body=body)
    with pytest.raises(ProtocolError):
        target.read_actions(ActionKind.EXPORT)


def test_page_that_ends_too_early_is_off_contract(target: AnaplanTarget, sandbox: Any) -> None:
    """A total that the rows never reach is not silently cut."""
    body = {"meta": {"paging": {"currentPageSize": 1, "totalSize": 2}},
            "exports": [{"id": "116000000001", "name": "A"}]}  # fmt: skip
    empty = {"meta": {"paging": {"currentPageSize": 0, "totalSize": 2}}}
    sandbox.spoil(path="/exports", kind="status", status=200, body=body)
    sandbox.spoil(path="/exports", kind="status", status=200, body=empty)
    with pytest.raises(ProtocolError, match="1 of 2"):
        target.read_actions(ActionKind.EXPORT)


def test_repeated_row_is_off_contract(target: AnaplanTarget, sandbox: Any) -> None:
    """Pages that slipped between two requests are noticed."""
    body = {"meta": {"paging": {"currentPageSize": 1, "totalSize": 2}},
            "exports": [{"id": "116000000001", "name": "A"}]}  # fmt: skip
    sandbox.spoil(path="/exports", kind="status", status=200, body=body, times=2)
    with pytest.raises(ProtocolError, match="repeats a row"):
        target.read_actions(ActionKind.EXPORT)


# --- uploads ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["500-without-body", "500-but-done", "504-but-done", "slow"])
def test_completion_is_settled_by_the_chunk_list(
    mode: str, target: AnaplanTarget, sandbox: Any, find_action: Any, upload: Any, finish: Any
) -> None:
    """A completion that is answered with a fault is judged by the chunks the file holds."""
    sandbox.turn(complete__mode=mode)
    action = find_action("Load Currencies")
    upload(action.file_id, CURRENCIES, size=9)
    assert finish(action, target.submit_task(action)).outcome is LoadOutcome.OK


def test_completion_with_missing_chunks_is_unknown(
    target: AnaplanTarget, sandbox: Any, find_action: Any
) -> None:
    """When neither the answer nor the list confirms the file, the caller is told so."""
    action = find_action("Load Currencies")
    target.submit_chunk_count(action.file_id, 1)
    target.submit_chunk(action.file_id, 0, gzip.compress(b"Code\n"))
    sandbox.spoil(path="/complete", kind="status", status=500, times=None)
    with pytest.raises(OutcomeUnknownError, match="lists 1 of 2 chunks"):
        target.submit_upload_complete(action.file_id, 2)


def test_stale_counter_is_not_believed(
    target: AnaplanTarget, sandbox: Any, find_action: Any, upload: Any
) -> None:
    """After the content expired the file still shows a count; the chunk list shows none."""
    action = find_action("Load Currencies")
    upload(action.file_id, CURRENCIES)
    sandbox.do("expire_file", file="currencies.csv", email="integration@halden.example")
    assert target.read_chunk_count(action.file_id) == 0


def test_chunk_survives_a_lost_reply(
    target: AnaplanTarget, sandbox: Any, find_action: Any, upload: Any, finish: Any
) -> None:
    """A chunk whose reply was lost is sent again and stands once."""
    action = find_action("Load Currencies")
    sandbox.spoil(path=r"/chunks/0$", method="PUT", kind="reset_after")
    upload(action.file_id, CURRENCIES, size=20)
    assert finish(action, target.submit_task(action)).outcome is LoadOutcome.OK


# --- the model --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "words"),
    [("Locked", "unlock"), ("Archive", "unarchive"), ("Offline", "online")],
)
def test_model_that_cannot_be_written_is_told_before_anything_is_sent(
    model: str, words: str, connect: Any
) -> None:
    """Each state says what the model's owner must do."""
    state = connect(model=model).read_model_state()
    assert (state.name, state.is_writable) == (model, False)
    assert words in state.finding


def test_model_that_can_be_written_is_told_too(connect: Any) -> None:
    """A deployed model takes data, with a word of caution."""
    assert connect().read_model_state().finding == ""
    deployed = connect(model="Deployed").read_model_state()
    assert deployed.is_writable
    assert "production data" in deployed.finding


def test_closed_model_is_opened_and_waited_for(connect: Any, sandbox: Any, clock: Any) -> None:
    """A closed model is asked to open once, then looked at every five seconds."""
    for step in ("Closed", "Closed", "Opening"):
        body = {"requestStatus": {"currentStep": step, "progress": -1.0}}
        sandbox.spoil(path="/status$", kind="status", status=200, body=body)
    assert connect(model="Closed").read_model_state().is_writable
    assert clock.slept_s == 15
    assert len(sandbox.calls("/open", "POST")) == 1


def test_model_that_never_opens_is_given_up(connect: Any, sandbox: Any, clock: Any) -> None:
    """Waiting ends after a quarter of an hour, with a finding instead of an error."""
    sandbox.spoil(
        path="/status$", kind="status", status=200, times=None,
        body={"requestStatus": {"currentStep": "Closed", "progress": -1.0}},
    )  # fmt: skip
    state = connect(model="Closed").read_model_state()
    assert not state.is_writable
    assert "closed" in state.finding
    assert 900 <= clock.slept_s < 960


def test_unknown_state_is_tried_and_told(connect: Any, sandbox: Any) -> None:
    """A state nobody has heard of does not stop a load by itself."""
    found = sandbox.model("Lab")
    body = {"model": {"id": found["id"], "name": "Lab", "activeState": "HIBERNATING"}}
    sandbox.spoil(path=rf"/models/{found['id']}\?", kind="status", status=200, body=body)
    state = connect(model="Lab").read_model_state()
    assert state.is_writable
    assert "HIBERNATING" in state.finding


def test_hidden_model_is_explained(connect: Any) -> None:
    """The model's head is shown to everybody; its status is what proves access."""
    nobody = connect(user="noaccess@halden.example")
    with pytest.raises(AccessDeniedError, match="role in the model"):
        nobody.read_model_state()
    with pytest.raises(AccessDeniedError, match="404"):
        nobody.read_actions(ActionKind.IMPORT)


def test_unknown_model_is_explained(connect: Any) -> None:
    """A wrong id points at the settings."""
    with pytest.raises(AccessDeniedError, match="model_id"):
        connect(model_id="0" * 32).read_model_state()


def test_wrong_workspace_is_explained(connect: Any) -> None:
    """A model in another workspace answers 404, which the text names."""
    with pytest.raises(AccessDeniedError, match="workspace_id"):
        connect(workspace_id="8" * 32).read_actions(ActionKind.IMPORT)


def test_no_secret_is_in_any_error(connect: Any, sandbox: Any) -> None:
    """Neither password nor token stands in a text, a record or a repr."""
    sandbox.spoil(path="/exports", kind="status", status=403, body="halden-password")
    target = connect()
    with pytest.raises(AccessDeniedError) as caught:
        target.read_actions(ActionKind.EXPORT)
    assert "AnaplanAuthToken" not in json.dumps(caught.value.render_record())
