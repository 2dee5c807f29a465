"""Reads outlive restarts, dead tokens and lost results: every row once, one log-in, none left."""

from typing import Any

import pytest

from ml_connector.errors import ConnectorError, CredentialsError
from ml_connector.systems.jde.conditions import Query
from ml_connector.systems.jde.refusals import (
    SignOnBlockedError,
    SignOnFailedError,
    TableDeniedError,
)
from ml_connector.systems.jde.service import DENIAL_HOLDS

DEAD_BODIES = ["short", "ServiceErrorResponse", "empty", "html"]


@pytest.fixture
def whole(wire: Any, keys: Query) -> list[Any]:
    """What a read that nothing disturbs brings."""
    return sorted(wire.connect(page_size=50_000).browse(keys), key=repr)


def test_restart_in_mid_page_costs_one_log_in_and_no_row(
    wire: Any, keys: Query, whole: list[Any]
) -> None:
    """A server that restarts before the fourth page is read from the start again, once."""
    wire.meddler.paths.clear()
    client = wire.connect(page_size=500)
    wire.meddler.before("/next", 4, lambda: wire.ais.perform("restart_ais"))

    rows = client.browse(keys)

    pages = -(-len(whole) // 500)
    assert sorted(rows, key=repr) == whole
    assert len(rows) == client.count("F0911")
    assert wire.logins == 2
    assert wire.meddler.count("/next") == 4 + pages - 1
    assert wire.meddler.count("/dataservice") == 3


def test_undisturbed_read_takes_no_more_pages_than_needed(
    wire: Any, keys: Query, whole: list[Any]
) -> None:
    """One first page, and a link for each of the others."""
    wire.meddler.paths.clear()

    rows = wire.connect(page_size=500).browse(keys)

    assert sorted(rows, key=repr) == whole
    assert wire.meddler.count("/next") == -(-len(whole) // 500) - 1


def test_result_that_expires_is_read_anew(wire: Any, keys: Query, whole: list[Any]) -> None:
    """A minute's pause between two pages loses the result, and nothing else."""
    wire.meddler.paths.clear()
    client = wire.connect(page_size=500)
    wire.meddler.before("/next", 3, lambda: wire.ais.clock.sleep(61))

    assert sorted(client.browse(keys), key=repr) == whole
    assert wire.logins == 1
    assert wire.meddler.count("/dataservice") == 2


@pytest.mark.parametrize("body", DEAD_BODIES)
@pytest.mark.parametrize("status", [444, 403])
def test_dead_token_is_replaced_whatever_the_server_says(
    wire: Any, keys: Query, status: int, body: str
) -> None:
    """Both statuses, with each body, mean one new log-in and one replay."""
    wire.ais.turn(deadTokenStatus=status, deadTokenBody=body)
    client = wire.connect()
    client.read_session()
    wire.ais.perform("restart_ais")

    assert client.count("F0010") == 4
    assert wire.logins == 2


@pytest.mark.parametrize("status", [444, 500])
def test_pages_of_a_replaced_token_are_not_read_on(
    wire: Any, keys: Query, whole: list[Any], status: int
) -> None:
    """A session that dies between pages takes its result along, however that is said."""
    wire.ais.turn(nextOtherToken=status)
    client = wire.connect(page_size=500)
    wire.meddler.before("/next", 2, lambda: client._session.renew(1))

    assert sorted(client.browse(keys), key=repr) == whole


def test_lost_half_of_the_session_is_mended_by_a_log_in(wire: Any) -> None:
    """The HTML server forgets a session that the AIS server still knows."""
    client = wire.connect()
    client.read_session()
    wire.ais.perform("kill_jas")

    assert client.count("F0010") == 4
    assert wire.logins == 2


def test_session_that_idled_away_is_replaced(wire: Any) -> None:
    """After an hour of silence the next call logs in anew."""
    client = wire.connect()
    client.count("F0010")
    wire.ais.clock.sleep(3600)

    assert client.count("F0010") == 4
    assert wire.logins == 2


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "html", "status": 500},
        {"kind": "html", "status": 502},
        {"kind": "html", "status": 200},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 429},
        {"kind": "truncate_body"},
        {"kind": "reset_before"},
        {"kind": "reset_after"},
    ],
)
@pytest.mark.parametrize("path", [r"dataservice$", r"dataservice/next"])
def test_spoiled_answer_costs_no_row(
    wire: Any, keys: Query, whole: list[Any], path: str, rule: dict[str, Any]
) -> None:
    """Whatever becomes of one answer, the rows are those of an undisturbed read."""
    client = wire.connect(page_size=500)
    client.read_session()
    wire.ais.spoil(path=path, times=1, **rule)

    assert sorted(client.browse(keys), key=repr) == whole
    assert wire.logins == 2


def test_next_pages_that_always_fail_are_done_without(
    wire: Any, keys: Query, whole: list[Any]
) -> None:
    """A balancer that never leads back to the right server costs time, not rows."""
    wire.ais.spoil(path=r"dataservice/next", kind="html", status=500, times=None)

    assert sorted(wire.connect(page_size=500).browse(keys), key=repr) == whole


# --- log-in and rights --------------------------------------------------------------------------


def test_wrong_password_is_sent_once(wire: Any, keys: Query) -> None:
    """A server that locks users after some refusals never gets that far."""
    wire.ais.turn(badLogin="403ThenDisabled")
    wire.secret.password = "wrong"
    client = wire.connect()

    for _ in range(5):
        with pytest.raises(CredentialsError, match="PLNSVC"):
            client.browse(keys)

    assert wire.logins == 1
    assert wire.ais.control("GET", "info")["disabled_users"] == []


@pytest.mark.parametrize("position", ["405Login", "405Every"])
def test_blocked_sign_on_tells_both_readings(wire: Any, keys: Query, position: str) -> None:
    """Nothing is retried, and the message names hosts and gateway."""
    wire.ais.turn(allowedHosts=position)
    client = wire.connect()

    for _ in range(2):
        with pytest.raises(SignOnBlockedError, match=r"Allowed Hosts.*gateway"):
            client.browse(keys)

    assert wire.logins == 1


def test_block_of_each_call_is_told_too(wire: Any, keys: Query) -> None:
    """A gateway may begin to block after the log-in."""
    client = wire.connect()
    client.read_session()
    wire.ais.turn(allowedHosts="405Every")

    with pytest.raises(SignOnBlockedError):
        client.browse(keys)


def test_users_used_up_is_a_passing_trouble(wire: Any, keys: Query) -> None:
    """A server without room for another user may have some later."""
    wire.ais.turn(sessionsMax=0)

    with pytest.raises(SignOnFailedError, match="number of users"):
        wire.connect().browse(keys)


@pytest.mark.parametrize("status", [403, 500])
def test_denied_table_is_named(wire: Any, status: int) -> None:
    """A table the user may not read is told apart from a dead token, with one more log-in."""
    wire.ais.turn(deniedTables=["F0911"], deniedAs=status)
    client = wire.connect()

    for _ in range(4):
        with pytest.raises(ConnectorError, match="F0911"):
            client.count("F0911")
    assert client.count("F0010") == 4
    assert wire.logins == 2
    assert wire.sessions_open() == 1


def test_granted_right_is_noticed(wire: Any) -> None:
    """A table that was refused is asked for again."""
    wire.ais.turn(deniedTables=["F0911"])
    client = wire.connect()
    with pytest.raises(TableDeniedError):
        client.count("F0911")

    wire.ais.turn(deniedTables=[])

    assert client.count("F0911") > 0
    wire.ais.clock.sleep(DENIAL_HOLDS.total_seconds())
    wire.ais.perform("restart_ais")
    assert client.count("F0911") > 0


def test_password_that_is_about_to_expire_is_told(wire: Any) -> None:
    """The log-in's warning comes through."""
    assert wire.connect().read_session().is_password_expiring is False

    wire.ais.turn(passwordExpiry="aboutToExpire")

    assert wire.connect().read_session().is_password_expiring is True


# --- devices, nodes, sessions -------------------------------------------------------------------


def test_device_is_named_on_each_call(wire: Any, keys: Query, whole: list[Any]) -> None:
    """A server that checks devices strictly is satisfied, next pages and log-out included."""
    wire.ais.turn(deviceCheck="on", missingDevice="reject")
    client = wire.connect(page_size=500)

    assert len(client.browse(keys)) == len(whole)
    assert wire.logins == 2
    client.close()
    assert wire.warnings().get("loginWithoutDevice") is None


def test_node_is_kept_behind_a_balancer(wire: Any, keys: Query, whole: list[Any]) -> None:
    """With two nodes each call finds the one that knows the token."""
    wire.ais.turn(loadBalanced="2 nodes")
    client = wire.connect(page_size=500)
    before = wire.logins

    assert sorted(client.browse(keys), key=repr) == whole
    assert wire.logins == before + 1
    client.close()


def test_close_leaves_no_session(wire: Any, keys: Query) -> None:
    """After restarts and refusals, a closed client has given back what it held."""
    client = wire.connect(page_size=500)
    client.browse(keys)
    wire.ais.perform("restart_ais")
    client.browse(keys)
    assert wire.sessions_open() == 1

    client.close()

    assert wire.sessions_open() == 0
    assert wire.sessions.open == []


def test_session_of_a_killed_process_is_ended_by_the_next(wire: Any) -> None:
    """What a killed process left open is closed at the first log-in of another."""
    killed = wire.connect()
    killed.read_session()
    wire.sessions.kill()
    assert wire.sessions_open() == 1

    following = wire.connect()
    assert wire.sessions_open() == 1
    following.read_session()

    assert wire.sessions_open() == 1
    assert wire.sessions.left == []


def test_session_of_a_killed_process_is_ended_on_its_node(wire: Any) -> None:
    """Behind a balancer the left session is sought where it lives."""
    wire.ais.turn(loadBalanced="2 nodes")
    wire.connect().read_session()
    wire.sessions.kill()

    wire.connect().read_session()

    assert wire.sessions_open() == 1


def test_threads_share_one_session(wire: Any, keys: Query, whole: list[Any]) -> None:
    """However many threads read through a restart, there is one new log-in.

    A fault that the server reports is another matter: it may get a new session of its own (J-19).
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - this test alone

    client = wire.connect(page_size=500, parallel_max=4)
    before = wire.logins
    wire.meddler.before("/next", 6, lambda: wire.ais.perform("restart_ais"))
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda _: client.browse(keys), range(4)))

    assert [sorted(rows, key=repr) == whole for rows in read] == [True] * 4
    faults = sum(line.status == 500 for line in wire.ais.server.journal.lines())
    assert before + 2 <= wire.logins <= before + 2 + faults
