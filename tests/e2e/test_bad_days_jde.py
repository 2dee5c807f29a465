"""Bad days of JD Edwards, from end to end: what is told, what is left, what heals it."""

from typing import Any

import pytest
from tests.conftest import call_control
from tests.fakes.books_desk import BooksDesk, after_step, unexplained

from ml_connector.errors import (
    CredentialsError,
    SystemUnavailableError,
)
from ml_connector.ports import RunState
from ml_connector.systems.jde.refusals import SignOnBlockedError, SignOnFailedError

SMALL_PAGES = {"page_size": 20}
"""So that the few lines of the test come in many pages."""
PAGES = "/dataservice/next"

# --- answers that fail in the middle --------------------------------------------------------------


@pytest.mark.exhaustive
def test_read_that_loses_its_result_between_pages_begins_anew(
    books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """An expired result costs no log-in, a restart and a lost half of the session one each."""
    books_desk.connect(**SMALL_PAGES)
    for nth, hook in ((3, "drop_result_sets"), (8, "restart_ais"), (60, "kill_jas")):
        books_desk.spoil(kind="hook", hook=hook, path=PAGES, nth=nth)

    run = books_desk.run()

    assert run.state is RunState.SUCCEEDED
    assert unexplained(run) == {"0"}
    assert books_desk.cells() == quiet_books
    assert books_desk.logins == 3


@pytest.mark.exhaustive
def test_dead_token_is_replaced_whatever_is_said_of_it(
    books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """A restart between two reads costs one log-in, with either status and any body."""
    books_desk.turn(deadTokenStatus=403, deadTokenBody="html")
    books_desk.on_step = after_step(
        "read: server time", lambda: books_desk.turn(deadTokenStatus=444, deadTokenBody="empty")
    )
    for nth in (5, 20):
        books_desk.spoil(kind="hook", hook="restart_ais", path="/dataservice", nth=nth)

    run = books_desk.run()

    assert run.state is RunState.SUCCEEDED
    assert books_desk.cells() == quiet_books
    assert books_desk.logins == 3


@pytest.mark.exhaustive
def test_links_to_other_hosts_lead_to_the_configured_one(
    books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """A proxy that knows the server by another name or scheme changes nothing of what is read."""
    books_desk.turn(nextHost="wrong")
    books_desk.connect(**SMALL_PAGES)
    books_desk.on_step = after_step(
        "read: server time", lambda: books_desk.turn(nextHost="http", publicOrigin="https://a.b")
    )

    run = books_desk.run()

    assert run.state is RunState.SUCCEEDED
    assert books_desk.cells() == quiet_books
    assert len(books_desk.calls(PAGES)) > 3


@pytest.mark.exhaustive
def test_answers_that_are_none_are_asked_for_again(
    books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """Whatever a proxy or a starting server puts in place of an answer, no line is lost."""
    rules: list[dict[str, Any]] = [
        {"kind": "html", "status": 500},
        {"kind": "html", "status": 502},
        {"kind": "status", "status": 500, "body": ""},
        {"kind": "status", "status": 200, "body": "<html>Sign in</html>"},
        {"kind": "truncate_body", "cut_at": 100},
        {"kind": "reset_before"},
        {"kind": "close_after"},
    ]
    for number, rule in enumerate(rules):
        books_desk.spoil(path="/dataservice", nth=6 + 5 * number, **rule)

    run = books_desk.run()

    fired = call_control(books_desk.company.jde, "GET", "faults")["rules"]
    assert run.state is RunState.SUCCEEDED
    assert books_desk.cells() == quiet_books
    assert [rule["fired"] for rule in fired] == [1] * len(rules)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "html", "status": 500, "body": "<html>java.lang.NullPointerException</html>"},
        {"kind": "status", "status": 200, "body": '{"fs_DATABROWSE_F0911": {"data": {"grid'},
    ],
    ids=["500 page", "cut JSON"],
)
def test_server_that_stays_away_is_told_and_a_resume_goes_on(
    rule: dict[str, Any], books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """After minutes of patience the run stops as unavailable; later it goes on to the same end."""
    books_desk.on_step = after_step(
        "backfill: list batches", lambda: books_desk.spoil(path="/dataservice", times=None, **rule)
    )

    error, stopped = books_desk.fail()
    cells_then = books_desk.cells()
    books_desk.company.mend()
    run = books_desk.resume(stopped.run_id)

    assert isinstance(error, SystemUnavailableError)
    assert error.exit_code == 8
    assert "<html" not in str(error)
    assert stopped.state is RunState.FAILED
    assert cells_then == {}
    assert run.state is RunState.SUCCEEDED
    assert books_desk.cells() == quiet_books


def test_server_that_is_down_is_told_before_anything_is_asked(books_desk: BooksDesk) -> None:
    """Nothing listens at the address: after the patience of a nightly restart, a plain error."""
    books_desk.connect(ais_url="http://127.0.0.1:9")
    began = books_desk.clock.now()

    error, run = books_desk.fail()

    assert isinstance(error, SystemUnavailableError)
    assert error.exit_code == 8
    assert "jde-sandbox" in error.refused
    assert run.state is RunState.FAILED
    assert 60 < (books_desk.clock.now() - began).total_seconds() <= 900


# --- log-ins --------------------------------------------------------------------------------------


def test_wrong_password_is_tried_once_and_locks_nobody(
    books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """One attempt for the whole run, members first; the right one works at once."""
    books_desk.turn(badLogin="403ThenDisabled", signOnAttempts=2)
    books_desk.change(dimensions_flow="dimensions-jde")
    books_desk.save_password("halden-passwort")

    error, run = books_desk.fail()
    attempts = books_desk.logins
    books_desk.save_password("halden-password")
    healed = books_desk.resume(run.run_id)

    assert isinstance(error, CredentialsError)
    assert error.exit_code == 7
    assert attempts == 1
    assert "PLNSVC" in error.refused
    assert "not tried again" in error.written
    assert "halden-passwort" not in str(error)
    assert healed.state is RunState.SUCCEEDED
    assert books_desk.cells() == quiet_books


@pytest.mark.exhaustive
def test_password_is_warned_of_before_it_expires_and_told_after(books_desk: BooksDesk) -> None:
    """`doctor` says that it is about to; a run goes on till then and stops afterwards."""
    books_desk.turn(passwordExpiry="aboutToExpire")
    warned = books_desk.check()["password"]
    run = books_desk.run()
    books_desk.turn(passwordExpiry="expired")
    error, stopped = books_desk.fail()

    assert str(warned.state) == "warning"
    assert "about to expire" in warned.finding
    assert "secrets set" in warned.next_step
    assert run.state is RunState.SUCCEEDED
    assert isinstance(error, CredentialsError)
    assert "expired" in error.next_step
    assert stopped.state is RunState.FAILED


@pytest.mark.parametrize("position", ["405Login", "405Every"])
def test_405_is_told_in_both_its_readings(position: str, books_desk: BooksDesk) -> None:
    """The HTML server does not know the AIS server, or a gateway does not know us; no retry."""
    books_desk.turn(allowedHosts=position)

    error, _ = books_desk.fail()
    checked = books_desk.check()

    assert isinstance(error, SignOnBlockedError)
    assert error.exit_code == 7
    assert "Allowed Hosts" in error.next_step
    assert "outbound address" in error.next_step
    assert books_desk.logins <= 2
    failed = [each for each in checked.values() if str(each.state) == "failed"]
    assert "Allowed Hosts" in failed[0].next_step


def test_gateway_that_answers_403_is_told_from_a_wrong_password(books_desk: BooksDesk) -> None:
    """A page in place of JSON says that somebody else has refused; it is tried once too."""
    books_desk.turn(allowedHosts="403Gateway")

    error, _ = books_desk.fail()

    assert isinstance(error, CredentialsError)
    assert "gateway" in error.refused
    assert books_desk.logins <= 1


@pytest.mark.exhaustive
def test_server_without_room_for_a_session_says_so(
    books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """Users used up is a trouble that passes: nothing is asked for without a session."""
    books_desk.turn(sessionsMax=0)
    error, stopped = books_desk.fail()
    books_desk.turn(sessionsMax=1)
    run = books_desk.resume(stopped.run_id)

    assert isinstance(error, SignOnFailedError)
    assert error.exit_code == 8
    assert "number of users" in error.next_step
    assert run.state is RunState.SUCCEEDED
    assert books_desk.cells() == quiet_books


@pytest.mark.exhaustive
def test_balancer_without_stickiness_of_its_own_is_satisfied(
    books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """Two nodes that know nothing of each other's sessions are told apart by the cookie."""
    books_desk.turn(loadBalanced="2 nodes")
    books_desk.connect(**SMALL_PAGES)

    run = books_desk.run()

    assert run.state is RunState.SUCCEEDED
    assert books_desk.cells() == quiet_books
    assert books_desk.logins == 1


@pytest.mark.exhaustive
def test_session_that_could_not_be_ended_is_ended_by_the_next_command(
    books_desk: BooksDesk,
) -> None:
    """A log-out that nobody answered leaves a session; whoever comes next ends it."""
    books_desk.spoil(kind="reset_before", path="/tokenrequest/logout", times=1)
    run = books_desk.run()
    left = len(books_desk.sessions())

    books_desk.check()

    assert run.state is RunState.SUCCEEDED
    assert left == 1
    assert books_desk.sessions() == []
