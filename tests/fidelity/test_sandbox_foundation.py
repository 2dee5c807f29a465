"""Transport, clock, store, switches, faults and journal, shown on a server of two paths."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ml_connector.sandbox.clock import SEED_TIME, SandboxClock
from ml_connector.sandbox.http import Request, Response, json_response
from ml_connector.sandbox.server import SandboxServer
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import choice

LOOKS_MAX, LOOK_S = 3_000, 0.02
StartServer = Callable[[SandboxServer], str]
Control = Callable[..., Any]


class CountingServer(SandboxServer):
    """Counts POSTs in its store and echoes bodies."""

    def __init__(self, state_dir: Path, clock: SandboxClock) -> None:
        super().__init__(
            "counting", state_dir=state_dir, clock=clock, switches={"tone": choice("low", "high")}
        )
        self.router.add("POST", r"/count", self._count)
        self.router.add("GET", r"/count/(?P<id>\d+)", self._echo)
        self.router.add("POST", r"/echo", lambda r: Response(status=200, body=r.body))
        self.faults.hooks["mark"] = lambda _, arguments: self.store.save("c", "mark", arguments)
        self.add_admin("set_count", lambda body: self.store.save("c", "n", body["n"]))

    def count(self) -> int:
        """How many POSTs had an effect."""
        return int(self.store.find("c", "n") or 0)

    def reseed(self) -> None:
        """Nothing was counted."""
        self.store.clear_space("c")

    def _count(self, request: Request) -> Response:
        request.user = "counter"
        self.store.save("c", "n", self.count() + 1)
        return json_response({"n": self.count()})

    def _echo(self, request: Request) -> Response:
        return json_response({"id": request.params["id"], "query": request.query})


@pytest.fixture
def server(state_dir: Path, clock: SandboxClock, start_server: StartServer) -> CountingServer:
    """A started counting server."""
    counting = CountingServer(state_dir, clock)
    start_server(counting)
    return counting


@pytest.fixture
def client(server: CountingServer) -> Iterator[httpx2.Client]:
    """A client of the counting server."""
    with httpx2.Client(base_url=server.url, timeout=10, verify=False) as http_client:
        yield http_client


def test_answer_carries_the_date_of_the_sandbox_clock(
    client: httpx2.Client, clock: SandboxClock
) -> None:
    """The Date header tells sandbox time, not the machine's."""
    clock.set(datetime(2027, 1, 31, 12, 0, 5, tzinfo=UTC))
    assert client.get("/count/1").headers["Date"] == "Sun, 31 Jan 2027 12:00:05 GMT"


def test_path_parts_and_decoded_query_reach_the_handler(client: httpx2.Client) -> None:
    """Named groups and repeated, percent-encoded parameters arrive in order."""
    body = client.get("/count/7?a=%2Bid&a=2&empty=").json()
    assert body == {"id": "7", "query": [["a", "+id"], ["a", "2"], ["empty", ""]]}


def test_connection_is_kept_for_many_requests(server: CountingServer) -> None:
    """One connection carries several requests, until the client asks to close it."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    connection.request("GET", "/count/1")
    connection.getresponse().read()
    first = connection.sock
    connection.request("GET", "/count/2", headers={"Connection": "close"})
    last = connection.getresponse()
    assert connection.sock is None or connection.sock is first
    assert last.headers["Connection"] == "close"
    assert json.loads(last.read())["id"] == "2"
    connection.close()


def test_chunked_body_and_expectation_are_understood(server: CountingServer) -> None:
    """A body of unknown length arrives whole, after 100 Continue where it was asked for."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(
            b"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 100")
        raw.sendall(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")
        assert raw.recv(1000).endswith(b"abcde")


@pytest.mark.parametrize(
    "sent",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon here\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nContent-Length: 9999999999999\r\n\r\n",
    ],
)
def test_malformed_request_closes_the_connection(server: CountingServer, sent: bytes) -> None:
    """What is no HTTP gets no answer and the server lives on."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(sent)
        assert raw.recv(100) == b""
    assert httpx2.get(f"{server.url}/count/1").status_code == 200


def test_unknown_path_and_wrong_verb_are_told_apart(client: httpx2.Client) -> None:
    """A known path with another method is 405, an unknown one 404."""
    assert client.get("/nowhere").status_code == 404
    assert client.delete("/count").status_code == 405


def test_journal_tells_who_asked_what_and_never_credentials(
    client: httpx2.Client, server: CountingServer
) -> None:
    """A line has time, user, method, path with query, safe headers, body digest and status."""
    client.post("/count?x=1", content=b"abc", headers={"Authorization": "Basic c2VjcmV0"})
    (line,) = server.journal.lines()
    assert (line.method, line.path, line.user, line.status) == (
        "POST",
        "/count?x=1",
        "counter",
        200,
    )
    assert line.body_length == 3
    assert line.body_sha256.startswith("ba7816bf")
    assert line.at == SEED_TIME.isoformat()
    assert "c2VjcmV0" not in str(line)


def test_control_requests_leave_no_trace_in_the_journal(
    client: httpx2.Client, server: CountingServer, control: Control
) -> None:
    """The side door is not part of what is watched, and the journal can be cleared."""
    control(server.url, "GET", "info")
    client.get("/count/1")
    assert len(control(server.url, "GET", "journal")["lines"]) == 1
    control(server.url, "DELETE", "journal")
    assert control(server.url, "GET", "journal") == {"lines": []}


@pytest.mark.parametrize("kind", ["reset_before", "close_before"])
def test_fault_before_the_effect_leaves_no_effect(
    client: httpx2.Client, server: CountingServer, kind: str
) -> None:
    """The connection dies and nothing was done."""
    server.faults.add({"kind": kind, "path": "/count"})
    with pytest.raises(httpx2.TransportError):
        client.post("/count")
    assert server.count() == 0
    assert server.journal.lines()[-1].status is None


@pytest.mark.parametrize("kind", ["reset_after", "close_after"])
def test_fault_after_the_effect_loses_only_the_reply(
    client: httpx2.Client, server: CountingServer, kind: str
) -> None:
    """The connection dies although the work was done."""
    server.faults.add({"kind": kind, "path": "/count"})
    with pytest.raises(httpx2.TransportError):
        client.post("/count")
    assert server.count() == 1
    assert server.journal.lines()[-1].fault == kind


def test_status_fault_carries_body_headers_and_retry_after(
    client: httpx2.Client, server: CountingServer
) -> None:
    """A refused request gets what the rule says; with `effect` it is carried out first."""
    server.faults.add(
        {"kind": "status", "status": 429, "retry_after": 7, "body": {"a": 1}, "headers": {"X": "y"}}
    )
    reply = client.post("/count")
    assert (reply.status_code, reply.headers["Retry-After"], reply.headers["X"], reply.json()) == (
        429,
        "7",
        "y",
        {"a": 1},
    )
    assert server.count() == 0
    server.faults.add({"kind": "html", "status": 504, "effect": True})
    reply = client.post("/count")
    assert reply.status_code == 504
    assert reply.text.startswith("<html>")
    assert server.count() == 1


def test_truncated_body_is_noticed_by_the_client(
    client: httpx2.Client, server: CountingServer
) -> None:
    """The length promises more than arrives."""
    server.faults.add({"kind": "truncate_body", "cut_at": 3})
    with pytest.raises(httpx2.RemoteProtocolError):
        client.get("/count/1")


def test_slow_body_arrives_whole_and_the_connection_lives(
    client: httpx2.Client, server: CountingServer
) -> None:
    """A dripping answer is complete in the end."""
    server.faults.add({"kind": "slow_body", "pieces": 5, "pause_s": 0.001})
    assert client.get("/count/1").json()["id"] == "1"
    assert client.get("/count/2").json()["id"] == "2"


@pytest.mark.parametrize("has_effect", [True, False])
def test_delay_outlasts_an_impatient_client(
    client: httpx2.Client, server: CountingServer, *, has_effect: bool
) -> None:
    """A client that stops reading early does not know whether the work was done."""
    server.faults.add({"kind": "delay", "delay_s": 3600, "effect": has_effect})
    with pytest.raises(httpx2.ReadTimeout):
        client.post("/count", timeout=0.1)


def test_rules_fire_at_the_nth_hit_every_kth_and_so_many_times(
    client: httpx2.Client, server: CountingServer
) -> None:
    """`nth`, `every` and `times` choose among the matching requests only."""
    server.faults.add({"kind": "status", "path": "/count/1", "nth": 2, "every": 3, "times": 2})
    client.get("/count/9")
    statuses = [client.get("/count/1").status_code for _ in range(9)]
    assert statuses == [200, 503, 200, 200, 503, 200, 200, 200, 200]
    assert server.faults.rules()[0]["hits"] == 9
    server.faults.clear()
    server.faults.add({"kind": "status", "method": "post", "times": None})
    assert [client.post("/count").status_code for _ in range(3)] == [503] * 3
    assert client.get("/count/1").status_code == 200


def test_hook_runs_before_the_request_with_its_arguments(
    client: httpx2.Client, server: CountingServer
) -> None:
    """A server's own effect can be tied to a request."""
    server.faults.add({"kind": "hook", "hook": "mark", "arguments": {"by": 3}})
    assert client.post("/count").json() == {"n": 1}
    assert server.store.find("c", "mark") == {"by": 3}


@pytest.mark.parametrize(
    "rule",
    [{"kind": "earthquake"}, {"kind": "status", "wen": 3}, {"kind": "hook", "hook": "none"},
     {"kind": "status", "path": "("}],
)  # fmt: skip
def test_unknown_fault_rule_is_refused(
    server: CountingServer, client: httpx2.Client, rule: dict[str, Any]
) -> None:
    """A rule that means nothing is a 400 and nothing is added."""
    assert client.post("/__sandbox/faults", json=rule).status_code == 400
    assert server.faults.rules() == []


def test_fault_counters_survive_a_restart(server: CountingServer, state_dir: Path) -> None:
    """A rule that has fired does not fire again in the next process."""
    server.faults.add({"kind": "status", "path": "/count"})
    httpx2.post(f"{server.url}/count")
    reopened = CountingServer(state_dir, server.clock)
    assert reopened.faults.rules()[0]["fired"] == 1
    reopened.store.close()


def test_switches_take_known_values_only(client: httpx2.Client, control: Control) -> None:
    """A typing error in a switch is refused whole."""
    url = str(client.base_url).rstrip("/")
    assert control(url, "GET", "switches") == {"tone": "low"}
    for wrong in ({"tune": "high"}, {"tone": "shrill"}):
        assert client.post("/__sandbox/switches", json=wrong).status_code == 400
    assert control(url, "POST", "switches", {"tone": "high"}) == {"tone": "high"}


def test_reset_brings_back_the_first_day(
    client: httpx2.Client, server: CountingServer, control: Control
) -> None:
    """State, switches, faults and journal are fresh; time stays where it is."""
    client.post("/count")
    control(server.url, "POST", "switches", {"tone": "high"})
    control(server.url, "POST", "faults", {"kind": "status"})
    control(server.url, "POST", "clock", {"advance_s": 60})
    control(server.url, "POST", "reset")
    assert server.count() == 0
    assert server.switches["tone"] == "low"
    assert server.faults.rules() == []
    assert server.journal.lines() == []
    assert control(server.url, "GET", "clock")["now"] == "2026-11-03T08:01:00+00:00"


@pytest.mark.parametrize("has_effect", [True, False])
def test_request_that_a_client_gave_up_on_is_not_of_the_day_after_a_reset(
    client: httpx2.Client, server: CountingServer, control: Control, *, has_effect: bool
) -> None:
    """Neither its effect nor its line in the journal; nor is it waited for."""
    server.faults.add({"kind": "delay", "delay_s": 3600, "effect": has_effect})
    with pytest.raises(httpx2.ReadTimeout):
        client.post("/count", timeout=0.2)
    await_fired(server)
    control(server.url, "POST", "reset")
    assert server.count() == 0
    assert server.journal.lines() == []


def await_fired(server: CountingServer) -> None:
    """The request has come in, and its rule is at work: its client may have been quicker."""
    for _ in range(LOOKS_MAX):
        if server.faults.rules()[0]["fired"]:
            return
        threading.Event().wait(LOOK_S)
    raise AssertionError("the request never came in")


def test_control_names_what_it_does_not_know(client: httpx2.Client) -> None:
    """An unknown control is 404 with the known ones; a bad body is 400."""
    reply = client.post("/__sandbox/sett_count", json={"n": 1})
    assert reply.status_code == 404
    assert "set_count" in reply.json()["known"]
    assert client.post("/__sandbox/set_count", json={}).status_code == 400
    assert client.post("/__sandbox/set_count", json=[]).status_code == 400
    assert client.post("/__sandbox/set_count", json={"n": 5}).json() == {"result": None}
    assert client.post("/count").json() == {"n": 6}


def test_virtual_clock_moves_only_when_told(clock: SandboxClock, state_dir: Path) -> None:
    """Virtual time stands still, survives a restart, and goes on from there in real time."""
    assert clock.now_utc() == SEED_TIME
    clock.advance(3600)
    assert SandboxClock(state_dir, virtual=True).now_utc().hour == 9
    real = SandboxClock(state_dir, virtual=False)
    assert 3600 <= real.now() - SEED_TIME.timestamp() < 3700


def test_waiting_ends_when_the_clock_is_moved(clock: SandboxClock) -> None:
    """A wait in virtual time ends by `advance`, or gives up after real seconds."""
    at = clock.now() + 10
    assert not clock.wait_until(at, limit_s=0.01)
    clock.advance(11)
    assert clock.wait_until(at, limit_s=0.01)


def test_store_transaction_is_all_or_nothing(state_dir: Path) -> None:
    """What raises inside a transaction leaves nothing behind, nested or not."""
    store = Store(state_dir / "x.sqlite")

    def fail_half_way() -> None:
        with store.transaction():
            store.save("s", "a", 1)
            with store.transaction():
                store.save_blob("s", "b", b"2")
            raise KeyError

    with pytest.raises(KeyError):
        fail_half_way()
    assert store.load_space("s") == {}
    assert store.find_blob("s", "b") is None
    store.save("s", "a", {"x": [1, None]})
    store.close()
    again = Store(state_dir / "x.sqlite")
    assert again.find("s", "a") == {"x": [1, None]}
    again.close()
