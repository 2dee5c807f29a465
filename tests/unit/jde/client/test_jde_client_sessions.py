"""One session for all: opened late, renewed once, ended at the end; secrets are shown nowhere."""

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx2
import pytest

from ml_connector.errors import (
    ConnectorError,
    CredentialsError,
    ProtocolError,
    RunInterruptedError,
    SystemUnavailableError,
)
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import Query
from ml_connector.systems.jde.refusals import (
    SessionRefusedError,
    SessionsDieError,
    SignOnBlockedError,
    SignOnFailedError,
    TableDeniedError,
)
from ml_connector.systems.jde.session import RENEWALS_PER_HOUR_MAX, parse_cookie

DEAD = [444, 403, 401]


def test_nobody_logs_in_before_it_is_needed(ais: Any, client: JdeClient) -> None:
    """A client that is only made and closed sends nothing."""
    client.close()

    assert ais.requests == []


def test_log_in_tells_what_is_configured(ais: Any, query: Query) -> None:
    """User, secret, device, environment and role are sent; what is empty is left out."""
    auth = {"method": "password", "user": "PLNSVC", "password": "secret:jde", "role": "*ALL"}
    session = ais.connect(auth=auth, name="erp").read_session()

    assert ais.bodies("/tokenrequest") == [
        {
            "username": "PLNSVC",
            "password": ais.vault.password,
            "deviceName": "ml-connector-erp",
            "role": "*ALL",
        }
    ]
    assert (session.user, session.environment, session.logins) == ("PLNSVC", "JPY920", 1)
    assert (session.date_format, session.is_password_expiring) == ("MM/dd/yyyy", False)


def test_signed_token_goes_into_headers(ais: Any) -> None:
    """A log-in by signed token shows no user, and names device and environment."""
    auth = {"method": "jwt", "token": "secret:jde", "environment": "JPD920"}
    ais.connect(auth=auth, device_name="box-7").read_session()

    (asked,) = ais.asked("/tokenrequest")
    assert asked.headers["Authorization"] == f"Bearer {ais.vault.password}"
    assert asked.headers["jde-AIS-Auth-Device"] == "box-7"
    assert asked.headers["jde-AIS-Auth-Environment"] == "JPD920"
    assert "jde-AIS-Auth-Role" not in asked.headers
    assert "username" not in json.loads(asked.content)


def test_each_call_carries_token_and_device(ais: Any, client: JdeClient, query: Query) -> None:
    """The token is tied to the device, so each call repeats both."""
    ais.on_data(ais.page())

    client.browse(query)

    (asked,) = ais.asked("/dataservice")
    assert asked.headers["jde-AIS-Auth"] == ais.token()
    assert asked.headers["jde-AIS-Auth-Device"] == "ml-connector-erp"
    assert asked.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", DEAD)
def test_dead_session_is_renewed_once_and_the_read_replayed(
    ais: Any, client: JdeClient, query: Query, status: int
) -> None:
    """Whatever a server says of a dead token, the read goes on under a new one."""
    ais.on_data(status, ais.page(ais.row(1)))

    assert len(client.browse(query)) == 1
    assert ais.logins == 2
    assert len(set(ais.tokens())) == 2


@pytest.mark.parametrize("status", DEAD)
def test_many_rejections_of_one_token_cause_one_log_in(ais: Any, query: Query, status: int) -> None:
    """Threads whose token died together wait for one log-in and share its token."""
    threads, first = 4, threading.Barrier(4, timeout=10)

    def answer(request: httpx2.Request) -> object:
        if request.headers["jde-AIS-Auth"].endswith("TOKEN1=="):
            first.wait()
            return status
        return ais.page(ais.row(1))

    ais.on("/v2/dataservice", answer)
    client = ais.connect()
    client.read_session()
    with ThreadPoolExecutor(threads) as pool:
        read = list(pool.map(lambda _: client.browse(query), range(threads)))

    assert [len(rows) for rows in read] == [1] * threads
    assert ais.logins == 2


def test_refusal_that_stays_is_missing_rights(ais: Any, client: JdeClient, query: Query) -> None:
    """A table that is refused under a new session as well is named, in both readings."""
    ais.on_data(httpx2.Response(403, json={"message": "Authorization Failure"}))

    with pytest.raises(TableDeniedError, match=r"F0911 .*403") as caught:
        client.browse(query)

    assert "right to F0911" in str(caught.value)
    assert "session itself" in str(caught.value)
    assert (ais.logins, len(ais.asked("/dataservice"))) == (2, 2)


def test_refused_table_costs_no_further_log_ins(ais: Any, client: JdeClient, query: Query) -> None:
    """What was refused under a new session is refused at once while that session lives."""
    ais.on_data(403)

    for _ in range(5):
        with pytest.raises(TableDeniedError):
            client.browse(query)

    assert ais.logins == 2


def test_refused_table_gets_another_log_in_after_a_while(
    ais: Any, client: JdeClient, query: Query
) -> None:
    """A refusal is not believed for ever: the session may have died meanwhile."""
    ais.on_data(403)
    with pytest.raises(TableDeniedError):
        client.browse(query)

    ais.clock.sleep(601)
    with pytest.raises(TableDeniedError):
        client.browse(query)

    assert ais.logins == 3


def test_refused_table_leaves_others_their_log_in(
    ais: Any, client: JdeClient, query: Query
) -> None:
    """A dead token is renewed for one table though another is known to be refused."""
    other = Query(table="F0902", columns=("AID",))
    ais.on_data(403, 403, 403, ais.page('{"F0902_AID":"1"}', table="F0902", columns=None))
    with pytest.raises(TableDeniedError):
        client.browse(query)

    assert client.browse(other) == [("1",)]
    assert ais.logins == 3


def test_replaced_session_is_ended(ais: Any, client: JdeClient, query: Query) -> None:
    """A token that was refused for want of rights still counts as a user, so it is given back."""
    ais.on_data(403)
    with pytest.raises(TableDeniedError):
        client.browse(query)
    client.close()

    assert [token[-8:] for token in ais.logouts] == ["TOKEN1==", "TOKEN2=="]


def test_token_refused_at_birth_is_no_endless_loop(
    ais: Any, client: JdeClient, query: Query
) -> None:
    """A new token that is refused as well ends the read, with the likely reasons."""
    ais.on_data(httpx2.Response(444, text="<html>nothing to read</html>"))

    with pytest.raises(SessionRefusedError, match="load balancer"):
        client.browse(query)

    assert ais.logins == 2


def test_log_ins_are_capped_per_hour(ais: Any, client: JdeClient, query: Query) -> None:
    """A server that kills every session is not flooded with log-ins; an hour later it goes on."""
    whole = ais.page()
    ais.on_data(*[444, whole] * RENEWALS_PER_HOUR_MAX, 444, whole)
    for _ in range(RENEWALS_PER_HOUR_MAX):
        client.browse(query)

    with pytest.raises(SessionsDieError, match=str(RENEWALS_PER_HOUR_MAX)):
        client.browse(query)
    assert ais.logins == 1 + RENEWALS_PER_HOUR_MAX

    ais.clock.sleep(3601)
    client.browse(query)
    assert ais.logins == 2 + RENEWALS_PER_HOUR_MAX


def test_refused_secret_is_sent_once(ais: Any, client: JdeClient, query: Query) -> None:
    """Each further refusal may lock the user, so nobody tries the same secret again."""
    ais.on("/v2/tokenrequest", httpx2.Response(403, json={"message": "Authorization Failure"}))

    for ask in (client.read_session, lambda: client.browse(query), client.read_session):
        with pytest.raises(CredentialsError, match=r"PLNSVC .*status 403.*secret:jde"):
            ask()

    assert ais.logins == 1


def test_another_secret_is_tried(ais: Any, client: JdeClient) -> None:
    """A changed password is taken without a restart."""
    ais.on("/v2/tokenrequest", [403, ais.grant()])
    with pytest.raises(CredentialsError):
        client.read_session()

    ais.vault.password = "another"

    assert client.read_session().user == "PLNSVC"
    assert ais.logins == 2


def test_threads_share_a_refused_log_in(ais: Any, query: Query) -> None:
    """Threads that wait for a log-in get its refusal instead of trying too."""
    ais.on("/v2/tokenrequest", 403)
    client = ais.connect()

    def ask(_number: int) -> type[ConnectorError]:
        with pytest.raises(ConnectorError) as caught:
            client.browse(query)
        return type(caught.value)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(ask, range(4))) == {CredentialsError}
    assert ais.logins == 1


class CountedLock:
    """Tells when the fourth thread has come to the door."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.fourth = threading.Event()

    def __enter__(self) -> None:
        self.count += 1
        if self.count == 4:
            self.fourth.set()
        self.lock.acquire()

    def __exit__(self, *_error: object) -> None:
        self.lock.release()


def test_threads_share_a_log_in_that_nobody_answered(ais: Any, query: Query) -> None:
    """Ten minutes of waiting for a server are spent once, not once per thread."""
    client, lock = ais.connect(), CountedLock()
    client._session._lock = lock

    def answer(_request: httpx2.Request) -> int:
        assert lock.fourth.wait(timeout=10)
        return 503

    ais.on("/v2/tokenrequest", answer)

    def ask(_number: int) -> int:
        with pytest.raises(SystemUnavailableError):
            client.browse(query)
        return int(ais.logins)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4)))) == 1


def test_gateways_page_is_suspected_when_a_log_in_is_refused_by_one(
    ais: Any, client: JdeClient
) -> None:
    """A refusal that is a page of HTML may not be the AIS server's at all."""
    ais.on("/v2/tokenrequest", httpx2.Response(403, text="<html>blocked</html>"))

    with pytest.raises(CredentialsError, match="gateway"):
        client.read_session()


@pytest.mark.parametrize(
    "body", ['{"message":"Allowed Hosts on the HTML Server"}', "<html>405</html>"]
)
def test_405_at_sign_on_tells_both_readings(ais: Any, client: JdeClient, body: str) -> None:
    """The caller learns of the Allowed Hosts and of gateways, and nothing is tried again."""
    ais.on("/v2/tokenrequest", httpx2.Response(405, text=body))

    for _ in range(2):
        with pytest.raises(SignOnBlockedError) as caught:
            client.read_session()
        assert "Allowed Hosts" in str(caught.value)
        assert "gateway" in str(caught.value)
        assert "ais_url" in str(caught.value)

    assert ais.logins == 1


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (httpx2.Response(500, json={"message": "User limit reached"}), SignOnFailedError, "limit"),
        (httpx2.Response(400, json={"message": "Bad JSON"}), SignOnFailedError, "Bad JSON"),
        (httpx2.Response(401), CredentialsError, "gateway"),
        (httpx2.Response(404), ConnectorError, "ais_url"),
        (httpx2.Response(445), CredentialsError, "445"),
        (httpx2.Response(302, headers={"Location": "https://sso/x"}), CredentialsError, "to sso"),
        (httpx2.Response(200, text="<html>Sign in</html>"), ProtocolError, "without a token"),
        (httpx2.Response(200, json={"userInfo": None}), ProtocolError, "without a token"),
        (httpx2.Response(200, json={"userInfo": {"token": ""}}), ProtocolError, "without a token"),
    ],
)  # fmt: skip
def test_log_in_that_fails_says_why(
    ais: Any, client: JdeClient, reply: httpx2.Response, error: type[Exception], words: str
) -> None:
    """Each way a log-in can fail has its own words, and none is mistaken for success."""
    ais.on("/v2/tokenrequest", reply)

    with pytest.raises(error, match=words):
        client.read_session()

    assert ais.logins == 1


def test_log_in_waits_for_a_server_that_starts(ais: Any, client: JdeClient) -> None:
    """A server that is away or half up is waited for before a log-in fails."""
    away = [httpx2.ConnectError("refused"), 503, httpx2.Response(500, text="<html>x</html>")]
    ais.on("/v2/tokenrequest", [*away, ais.grant()])

    assert client.read_session().logins == 1
    assert len(ais.clock.sleeps) == 3


def test_server_that_stays_away_is_given_up(ais: Any, client: JdeClient) -> None:
    """After ten minutes the run stops, to be resumed."""
    ais.on("/v2/tokenrequest", 503)

    with pytest.raises(SystemUnavailableError):
        client.read_session()

    assert sum(ais.clock.sleeps) <= 600
    assert ais.logins > 5


# --- the end ------------------------------------------------------------------------------------


def test_close_ends_the_session_and_forgets_it(ais: Any, query: Query, store: Any) -> None:
    """A session is saved while it lives, ended on close, and then forgotten."""
    ais.on_data(ais.page())
    sessions = store()
    client = ais.connect(sessions)

    client.browse(query)
    assert sessions.saved == [ais.token()]
    assert sessions.forgotten == 0
    client.close()

    assert ais.logouts == [ais.token()]
    assert sessions.forgotten == 1
    (ended,) = ais.asked("/logout")
    assert ended.headers["jde-AIS-Auth-Device"] == "ml-connector-erp"


@pytest.mark.parametrize("reply", [500, 404, httpx2.ConnectError("x"), httpx2.ReadTimeout("x")])
def test_close_never_raises_and_keeps_what_it_could_not_end(
    ais: Any, store: Any, reply: object
) -> None:
    """A session that may live on stays saved, so that a later start ends it; nobody waits."""
    sessions = store()
    client = ais.connect(sessions)
    client.read_session()
    ais.on("/v2/tokenrequest/logout", reply)

    client.close()

    assert len(ais.asked("/logout")) == 1
    assert ais.clock.sleeps == []
    assert sessions.forgotten == 0


@pytest.mark.parametrize("status", [444, 403])
def test_session_that_is_gone_already_is_forgotten(ais: Any, store: Any, status: int) -> None:
    """Ending a dead session is a success."""
    sessions = store()
    client = ais.connect(sessions)
    client.read_session()
    ais.on("/v2/tokenrequest/logout", status)

    client.close()

    assert sessions.forgotten == 1


def test_close_survives_a_store_that_fails(ais: Any, store: Any) -> None:
    """Whatever fails at the end, the work's own outcome is what is told."""
    sessions = store()
    client = ais.connect(sessions)
    client.read_session()

    def fail(_connection: str) -> None:
        raise OSError("disk")

    sessions.forget_session = fail
    client.close()

    assert ais.logouts == [ais.token()]


def test_closed_client_opens_no_session(ais: Any, client: JdeClient, query: Query) -> None:
    """A thread that still works when the client is closed cannot leave a session behind."""
    client.read_session()
    client.close()

    with pytest.raises(RunInterruptedError):
        client.browse(query)

    assert ais.logins == 1


def test_stop_does_not_keep_a_session_open(ais: Any, query: Query) -> None:
    """The budget stops every request once a stop is asked for; the log-out goes through."""

    class Stopped:
        is_stopped = False

        def acquire(self, key: str) -> None:
            if self.is_stopped:
                raise RunInterruptedError(key, written="", next_step="")

        def hold(self, key: str, seconds: float) -> None:
            raise AssertionError

    budget = Stopped()
    client = JdeClient(
        ais.connect_settings(), clock=ais.clock, secrets=ais.vault, budget=budget,
        transport=httpx2.MockTransport(ais),
    )  # fmt: skip
    client.read_session()
    budget.is_stopped = True
    with pytest.raises(RunInterruptedError):
        client.browse(query)
    client.close()

    assert ais.logouts == [ais.token()]


def test_left_sessions_are_ended_at_the_first_log_in(ais: Any, store: Any) -> None:
    """What killed processes left open is ended once somebody is logged in."""
    sessions = store("044left1==", "044left2== JSESSIONID=node2; x=y")
    ais.on("/v2/tokenrequest/logout", [444, ""])
    client = ais.connect(sessions)

    client.read_session()

    assert ais.logouts == ["044left1==", "044left2=="]
    assert ais.asked("/logout")[1].headers["Cookie"] == "JSESSIONID=node2; x=y"
    assert sessions.saved == [ais.token()]


# --- cookies ------------------------------------------------------------------------------------


def test_node_cookie_goes_with_its_token(ais: Any, query: Query, store: Any) -> None:
    """A token is known to one node only, so its cookie is sent along and dropped with it."""
    numbered = ["JSESSIONID=n1; Path=/jderest; HttpOnly", "JSESSIONID=n2; Path=/jderest"]
    ais.on(
        "/v2/tokenrequest",
        lambda _r: httpx2.Response(
            200, headers={"Set-Cookie": numbered[ais.grants]}, content=ais.grant()
        ),
    )
    ais.on_data(ais.page(), 444, ais.page())
    sessions = store()
    client = ais.connect(sessions)

    client.browse(query)
    client.browse(query)

    cookies = [each.headers["Cookie"] for each in ais.asked("/dataservice")]
    assert cookies == ["JSESSIONID=n1", "JSESSIONID=n1", "JSESSIONID=n2"]
    assert "Cookie" not in ais.asked("/tokenrequest")[1].headers
    assert sessions.saved[-1] == f"{ais.token()} JSESSIONID=n2"


def test_node_cookie_is_taken_from_the_body_when_no_header_sets_it(
    ais: Any, client: JdeClient, query: Query
) -> None:
    """Some servers tell the node's cookie in the answer to the log-in alone."""
    ais.on("/v2/tokenrequest", ais.grant(aisSessionCookie="k3V!-1029384756!1769850000123"))
    ais.on_data(ais.page())

    client.browse(query)

    cookie = ais.asked("/dataservice")[0].headers["Cookie"]
    assert cookie == "JSESSIONID=k3V!-1029384756!1769850000123"


def test_cookies_of_later_answers_are_kept(ais: Any, client: JdeClient, query: Query) -> None:
    """A balancer may move a session or add a mark of its own at any answer."""
    again = httpx2.Response(200, headers=[("Set-Cookie", "lb=a"), ("Set-Cookie", "m=1; Max-Age=5")],
                            content=ais.page())  # fmt: skip
    gone = httpx2.Response(200, headers={"Set-Cookie": "lb=; Max-Age=0"}, content=ais.page())
    ais.on_data(again, gone, ais.page())

    for _ in range(3):
        client.browse(query)

    cookies = [each.headers.get("Cookie") for each in ais.asked("/dataservice")]
    assert cookies == [None, "lb=a; m=1", "m=1"]


@pytest.mark.parametrize(
    ("cookie", "parsed"),
    [
        ("a=b", ("a", "b", False)),
        (" a = b=c ; Path=/; Secure", ("a", "b=c", False)),
        ("a=b; Max-Age=0", ("a", "b", True)),
        ("a=b; max-age = 0", ("a", "b", True)),
        ("a=", ("a", "", True)),
        ("a=b; Max-Age=01", ("a", "b", False)),
    ],
)
def test_cookie_is_parsed(cookie: str, parsed: tuple[str, str, bool]) -> None:
    """Name, value, and whether it is taken back."""
    assert parse_cookie(cookie) == parsed


# --- secrets ------------------------------------------------------------------------------------


def test_no_secret_is_shown_whatever_fails(
    ais: Any, query: Query, store: Any, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    """Password, tokens, cookies and links stand in no error, log line or description."""
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    cookie = "n1k3Vabcdefghijklmnopqrstuvwxyz0123456789"

    def echo(request: httpx2.Request, status: int) -> httpx2.Response:
        said = f"{dict(request.headers)} {request.content!r} {request.url}"
        return httpx2.Response(status, json={"message": said})

    def log_in(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(
            200, headers={"Set-Cookie": f"JSESSIONID={cookie}"}, content=ais.grant()
        )

    for status in (400, 403, 444, 500, 502, 409):
        for path in ("/v2/dataservice", "/v2/dataservice/next", "/v2/tokenrequest"):
            ais.on("/v2/tokenrequest", log_in)
            link = f"token={ais.token()}&rid=1"
            ais.on_data(ais.page(ais.row(1), more=True, link=link))
            ais.on(path, partial(echo, status=status))
            client = ais.connect(store(), page_size=1)
            try:
                shown.append(repr(client.browse(query)))
            except ConnectorError as error:
                shown += [str(error), repr(error.arguments), repr(error.__cause__)]
            shown += [repr(client), repr(client.__dict__)]
            client.close()

    shown += [caplog.text, *capsys.readouterr()]
    everything = "\n".join(shown)
    assert "status 400" in everything
    assert ais.vault.password not in everything
    assert "044r7y" not in everything
    assert cookie not in everything
    assert "rid=1" not in everything
