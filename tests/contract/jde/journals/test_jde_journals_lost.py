"""Journals whose answer is lost or says too little: sent once, and found again by their key."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from ml_connector.errors import OutcomeUnknownError, SystemUnavailableError
from ml_connector.ports import JournalState
from ml_connector.systems.jde.orchestrations import JournalUnclearError
from ml_connector.systems.jde.refusals import SessionRefusedError

ORCHESTRATOR = "/orchestrator/"
Handle = Callable[[httpx2.Request], httpx2.Response]


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "reset_after"},
        {"kind": "close_after"},
        {"kind": "truncate_body", "cut_at": 20},
        {"kind": "status", "status": 502, "effect": True},
        {"kind": "html", "status": 503, "effect": True},
        {"kind": "html", "status": 504, "effect": True},
    ],
    ids=lambda rule: f"{rule['kind']}-{rule.get('status', '')}",
)
def test_lost_answer_leaves_the_outcome_open_and_the_journal_is_there_once(
    desk: Any, rule: dict[str, Any]
) -> None:
    """The call took effect; it is sent once, and found whole by its key."""
    source, key = desk.connect(), desk.key()
    journal = desk.journal("10", "-4")
    desk.ais.spoil(path=ORCHESTRATOR, times=1, **rule)

    with pytest.raises(OutcomeUnknownError):
        source.submit_journal(journal, desk.head(key))
    assert desk.meddler.sendings == 1
    assert source.find_journal(journal, key).state is JournalState.ENTERED
    assert len(desk.rows(key)) == 2


@pytest.mark.parametrize(
    "rule",
    [{"kind": "reset_before"}, {"kind": "close_before"}, {"kind": "status", "status": 502}],
    ids=lambda rule: str(rule["kind"]),
)
def test_call_that_never_arrived_looks_the_same_and_is_found_absent(
    desk: Any, rule: dict[str, Any]
) -> None:
    """Nobody can tell the two apart from here; only the ledger can."""
    source, key = desk.connect(), desk.key()
    journal = desk.journal("10")
    desk.ais.spoil(path=ORCHESTRATOR, times=1, **rule)

    with pytest.raises(OutcomeUnknownError):
        source.submit_journal(journal, desk.head(key))
    assert desk.meddler.sendings == 1
    assert source.find_journal(journal, key).state is JournalState.ABSENT


def test_answer_later_than_the_time_out_leaves_the_outcome_open(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server goes on when the caller has gone."""
    source, key = desk.orchestrate(timeout_s=30), desk.key()
    journal = desk.journal("10")

    real: Handle = desk.meddler.handle_request

    def late(request: httpx2.Request) -> httpx2.Response:
        reply = real(request)
        if ORCHESTRATOR in request.url.path:
            raise httpx2.ReadTimeout("late", request=request)
        return reply

    monkeypatch.setattr(desk.meddler, "handle_request", late)
    with pytest.raises(OutcomeUnknownError):
        source.submit_journal(journal, desk.head(key))
    assert source.find_journal(journal, key).state is JournalState.ENTERED


@pytest.mark.parametrize("form", ["string", "nested"])
def test_run_that_enters_and_then_fails_is_found_whole(desk: Any, form: str) -> None:
    """Status 500 in the server's words; the journal is there."""
    desk.ais.turn(orchestrationBehaviour="fails", messageForm=form)
    source, key = desk.connect(), desk.key()
    journal = desk.journal("10", "20")

    with pytest.raises(JournalUnclearError, match="Read back failed"):
        source.submit_journal(journal, desk.head(key))
    assert desk.meddler.sendings == 1
    assert source.find_journal(journal, key).state is JournalState.ENTERED


def test_run_that_enters_half_is_found_partial(desk: Any) -> None:
    """Fewer lines than were sent, named with their document."""
    desk.ais.turn(orchestrationBehaviour="half")
    source, key = desk.connect(), desk.key()
    journal = desk.journal("10", "20", "30", "40")

    with pytest.raises(JournalUnclearError):
        source.submit_journal(journal, desk.head(key))
    found = source.find_journal(journal, key)

    assert found.state is JournalState.PARTIAL
    assert 0 < found.lines < 4
    assert found.amounts.items() <= dict(journal.lines).items()
    assert len(found.documents) == len(found.batch_ids) == 1


def test_orchestration_without_a_look_of_its_own_leaves_two_documents(desk: Any) -> None:
    """Somebody sends the same key meanwhile; both documents are told."""
    desk.ais.turn(orchestrationBehaviour="unchecked")
    source, other, key = desk.connect(), desk.connect(), desk.key()
    journal = desk.journal("10", "20")
    desk.meddler.before(1, lambda: other.submit_journal(journal, desk.head(key)))
    source.submit_journal(journal, desk.head(key))
    found = source.find_journal(journal, key)

    assert found.state is JournalState.DOUBLE
    assert (found.lines, len(found.documents), len(found.batch_ids)) == (4, 2, 2)


@pytest.mark.parametrize("status", [444, 403])
@pytest.mark.parametrize("body", ["short", "html", "empty"])
def test_session_that_died_is_renewed_and_the_journal_sent_once_more(
    desk: Any, status: int, body: str
) -> None:
    """A refused token comes before anything is executed."""
    desk.ais.turn(deadTokenStatus=status, deadTokenBody=body)
    source, key = desk.connect(), desk.key()
    journal = desk.journal("10")
    desk.meddler.before(1, lambda: desk.ais.perform("restart_ais"))
    receipt = source.submit_journal(journal, desk.head(key))

    assert not receipt.is_duplicate
    assert desk.meddler.sendings == 2
    assert len(desk.rows(key)) == 1


def test_session_refused_twice_is_no_answer_to_the_journal(desk: Any) -> None:
    """Two refusals before execution: nothing was entered, and the server cannot be used now."""
    source, key = desk.connect(), desk.key()
    for number in (1, 2):
        desk.meddler.before(number, lambda: desk.ais.perform("restart_ais"))

    with pytest.raises(SessionRefusedError):
        source.submit_journal(desk.journal("10"), desk.head(key))
    assert desk.meddler.sendings == 2
    assert desk.rows(key) == []


def test_lines_that_appear_under_a_refused_session_are_never_sent_again(desk: Any) -> None:
    """The answer claims that nothing was executed, and the ledger says otherwise."""
    source, other, key = desk.connect(), desk.connect(), desk.key()
    journal = desk.journal("10")

    def enter_and_restart() -> None:
        other.submit_journal(journal, desk.head(key))
        desk.ais.perform("restart_ais")

    desk.meddler.before(1, enter_and_restart)
    with pytest.raises(JournalUnclearError, match="444"):
        source.submit_journal(journal, desk.head(key))
    assert len(desk.rows(key)) == 1
    assert source.find_journal(journal, key).state is JournalState.ENTERED


def test_half_dead_session_is_found_out_before_anything_is_sent(desk: Any) -> None:
    """The HTML server has lost its half: the look before renews the session."""
    source, key = desk.connect(), desk.key()
    source.submit_journal(desk.journal("10"), desk.head(desk.key()))
    desk.ais.perform("kill_jas")
    receipt = source.submit_journal(desk.journal("10"), desk.head(key))

    assert receipt.batch_id
    assert desk.meddler.sendings == 2


def test_server_that_is_away_is_waited_for_before_anything_leaves(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What never left may be tried again: the connection was refused twice."""
    source, key = desk.connect(), desk.key()
    real: Handle = desk.meddler.handle_request
    left = [2]

    def refuse(request: httpx2.Request) -> httpx2.Response:
        if ORCHESTRATOR in request.url.path and left[0]:
            left[0] -= 1
            raise httpx2.ConnectError("refused", request=request)
        return real(request)

    monkeypatch.setattr(desk.meddler, "handle_request", refuse)
    source.submit_journal(desk.journal("10"), desk.head(key))

    assert desk.meddler.sendings == 1
    assert len(desk.rows(key)) == 1


def test_server_that_stays_away_entered_nothing(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection at all is no open outcome."""
    source, key = desk.connect(), desk.key()
    real: Handle = desk.meddler.handle_request

    def refuse(request: httpx2.Request) -> httpx2.Response:
        if ORCHESTRATOR in request.url.path:
            raise httpx2.ConnectError("refused", request=request)
        return real(request)

    monkeypatch.setattr(desk.meddler, "handle_request", refuse)
    with pytest.raises(SystemUnavailableError) as caught:
        source.submit_journal(desk.journal("10"), desk.head(key))

    assert not isinstance(caught.value, OutcomeUnknownError)
    assert desk.rows(key) == []
