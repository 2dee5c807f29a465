"""Calls of the Anaplan client that no honest server can be made to answer."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from ml_connector.errors import (
    BusyError,
    ConnectorError,
    OutcomeUnknownError,
    ProtocolError,
    RefusedError,
    SystemUnavailableError,
    UsageError,
)
from ml_connector.systems.anaplan import wire
from ml_connector.systems.anaplan.client import AnaplanClient, TaskPath
from ml_connector.systems.anaplan.downloads import read_dump, read_export
from ml_connector.systems.anaplan.naming import find_named
from ml_connector.systems.anaplan.time_members import find_leaf_periods
from ml_connector.systems.http import HttpClient, HttpOptions

IMPORT = TaskPath(family="imports", action_id="112000000001")
OUTPUT = "116000000001"
Handler = Callable[[httpx2.Request], httpx2.Response]


class MovedClock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 3, 8, tzinfo=UTC)

    def now(self) -> datetime:
        """The instant it stands at."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """It stands that much later."""
        self.at += timedelta(seconds=seconds)


class Server:
    """Answers from a script by the end of the path; 404 for everything else."""

    def __init__(self) -> None:
        self.answers: dict[str, list[httpx2.Response | Exception]] = {}
        self.requests: list[httpx2.Request] = []

    def on(self, ending: str, *answers: httpx2.Response | Exception) -> None:
        """Requests whose path ends so get these answers in turn, the last one ever after."""
        self.answers[ending] = list(answers)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """The next answer."""
        self.requests.append(request)
        for ending, answers in self.answers.items():
            if request.url.path.endswith(ending):
                found = answers.pop(0) if len(answers) > 1 else answers[0]
                if isinstance(found, Exception):
                    raise found
                return httpx2.Response(found.status_code, content=found.content)
        return httpx2.Response(404, json={"status": {"code": 404, "message": "Not Found"}})

    def times(self, request: httpx2.Request) -> int:
        """How often a request like this one came."""
        return sum(one.url == request.url for one in self.requests)


def page(key: str, *rows: dict[str, Any], total: int | None = None) -> httpx2.Response:
    """A page of a collection."""
    count = len(rows) if total is None else total
    paging = {"currentPageSize": len(rows), "offset": 0, "totalSize": count}
    return httpx2.Response(200, json={"meta": {"paging": paging}, key: list(rows)})


@pytest.fixture
def server() -> Server:
    """The scripted server."""
    return Server()


@pytest.fixture
def client(server: Server) -> Iterator[AnaplanClient]:
    """A client of one model."""
    http = HttpClient(
        HttpOptions(system="Anaplan", origin="https://api.example"),
        clock=MovedClock(),
        transport=httpx2.MockTransport(server.answer),
    )
    with http:
        yield AnaplanClient(http, workspace_id="8" * 32, model_id="F" * 32, locale="en_US")


# --- starting ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.ReadTimeout("slow"),
        httpx2.WriteError("cut"),
        httpx2.RemoteProtocolError("closed"),
        httpx2.Response(401),
        httpx2.Response(500),
        httpx2.Response(502, text="<html>"),
        httpx2.Response(504),
        httpx2.Response(200, json={"task": {"taskId": None}}),
        httpx2.Response(200, json={"task": []}),
        httpx2.Response(204),
    ],
    ids=str,
)
def test_start_is_sent_once_whatever_comes_back(
    answer: httpx2.Response | Exception, server: Server, client: AnaplanClient
) -> None:
    """No answer, a fault, or an answer without a task: the outcome is unknown after one POST."""
    server.on("/tasks", answer)
    with pytest.raises(OutcomeUnknownError):
        client.submit_task(IMPORT)
    assert len(server.requests) == 1
    assert json.loads(server.requests[0].content) == {"localeName": "en_US"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [(409, BusyError), (423, BusyError), (429, SystemUnavailableError), (404, RefusedError),
     (400, RefusedError), (410, SystemUnavailableError)],
)  # fmt: skip
def test_refused_start_says_that_nothing_began(
    status: int, kind: type[ConnectorError], server: Server, client: AnaplanClient
) -> None:
    """A clear no is not an unknown outcome, and is not repeated either."""
    server.on("/tasks", httpx2.Response(status, json={"status": {"message": "No."}}))
    with pytest.raises(kind) as caught:
        client.submit_task(IMPORT)
    assert not isinstance(caught.value, OutcomeUnknownError)
    assert "Nothing was" in caught.value.written
    assert len(server.requests) == 1


def test_connection_that_was_never_made_may_be_tried_again(
    server: Server, client: AnaplanClient
) -> None:
    """Where not one byte has left, nothing can have been started."""
    server.on("/tasks", httpx2.ConnectError("refused"))
    with pytest.raises(SystemUnavailableError):
        client.submit_task(IMPORT)


@pytest.mark.parametrize("text", ["Load Actuals", "", "1/2", "..", "ü", "1?x", "%2e", "a" * 65])
def test_names_never_stand_in_an_address(text: str, server: Server, client: AnaplanClient) -> None:
    """What is no id is refused before anything is sent."""
    calls: list[Callable[[], object]] = [
        lambda: client.submit_task(TaskPath(family="imports", action_id=text)),
        lambda: client.find_task(IMPORT, text),
        lambda: client.read_import(text),
        lambda: client.find_list_items(text),
        lambda: client.find_chunk(text, "0"),
        lambda: client.render_dump_path(TaskPath(family="processes", action_id="118"), "AB", text),
    ]
    for call in calls:
        with pytest.raises(UsageError):
            call()
    assert server.requests == []


# --- paging -----------------------------------------------------------------------------------


def test_next_links_are_never_followed(server: Server, client: AnaplanClient) -> None:
    """A page that is complete by its own count ends the reading, whatever `next` says."""
    body = json.loads(page("imports", {"id": "1", "name": "A"}, {"id": "2", "name": "B"}).content)
    body["meta"]["paging"]["next"] = "https://evil.example/imports?limit=20&offset=20"
    server.on("/imports", httpx2.Response(200, json=body))
    assert [one.id for one in client.read_imports()] == ["1", "2"]
    assert len(server.requests) == 1


def test_pages_begin_after_the_rows_received(server: Server, client: AnaplanClient) -> None:
    """A server that sends fewer rows than asked for loses none."""
    server.on("/imports", page("imports", {"id": "1"}, {"id": "2"}, total=3),
              page("imports", {"id": "3"}, total=3))  # fmt: skip
    assert [one.id for one in client.read_imports()] == ["1", "2", "3"]
    assert server.requests[1].url.params["offset"] == "2"


def test_collection_without_paging_is_one_page(server: Server, client: AnaplanClient) -> None:
    """Where the service tells no total, what came is all."""
    server.on("/lineItems", httpx2.Response(200, json={"items": [{"id": "1", "name": "Amount"}]}))
    assert [one.name for one in client.read_line_items()] == ["Amount"]


def test_endless_collection_is_given_up(server: Server, client: AnaplanClient) -> None:
    """A total that always runs ahead ends at the limit of pages."""
    counter = iter(range(10**6))

    def endless(request: httpx2.Request) -> httpx2.Response:
        server.requests.append(request)
        return page("imports", {"id": str(next(counter))}, total=10**6)

    server.answer = endless  # type: ignore[method-assign]  # the script has no generator
    http = HttpClient(
        HttpOptions(system="Anaplan", origin="https://api.example"),
        clock=MovedClock(),
        transport=httpx2.MockTransport(endless),
    )
    with http, pytest.raises(ProtocolError, match="1000 pages"):
        AnaplanClient(http, workspace_id="8", model_id="F", locale="en_US").read_imports()
    assert len(server.requests) == 1000


# --- contents ---------------------------------------------------------------------------------


def dump_path(client: AnaplanClient) -> str:
    """Where the dump of a task is."""
    return client.render_dump_path(IMPORT, "AB1", "112000000001")


@pytest.mark.parametrize("status", [400, 404, 204])
def test_missing_dump_is_nothing(status: int, server: Server, client: AnaplanClient) -> None:
    """All the ways the service has to say that there is no dump."""
    server.on("/dump/chunks", httpx2.Response(status))
    assert list(read_dump(client, dump_path(client))) == []


def test_dump_with_an_empty_list_is_asked_for_whole(server: Server, client: AnaplanClient) -> None:
    """A list without chunks is no proof that there is no content."""
    server.on("/dump/chunks", httpx2.Response(200, json={"meta": {"paging": {"totalSize": 0}}}))
    server.on("/dump", httpx2.Response(200, text="x"))
    assert list(read_dump(client, dump_path(client))) == [b"x"]
    server.on("/dump", httpx2.Response(204))
    assert list(read_dump(client, dump_path(client))) == []


def test_dump_that_is_dropped_in_between_is_refused(server: Server, client: AnaplanClient) -> None:
    """Gone before the first byte it is nothing; gone after that it is torn."""
    server.on("/dump/chunks", page("chunks", {"id": "0"}, {"id": "1"}))
    assert list(read_dump(client, dump_path(client))) == []
    server.on("/dump/chunks/0", httpx2.Response(200, text="a"))
    with pytest.raises(ProtocolError, match="dropped while it was being read"):
        list(read_dump(client, dump_path(client)))


def test_chunks_are_joined_in_the_order_of_their_numbers(
    server: Server, client: AnaplanClient
) -> None:
    """Chunk 10 comes after chunk 9 even where the list is sorted as text."""
    numbers = sorted(map(str, range(12)))
    server.on(f"/{OUTPUT}/chunks", page("chunks", *({"id": number} for number in numbers)))
    for number in numbers:
        server.on(f"/chunks/{number}", httpx2.Response(200, text=f"[{number}]"))
    content = b"".join(read_export(client, OUTPUT)).decode()
    assert content == "".join(f"[{number}]" for number in range(12))


def test_export_with_zero_bytes_is_empty(server: Server, client: AnaplanClient) -> None:
    """An output without a byte is no fault, listed or not."""
    server.on("/chunks/0", httpx2.Response(200))
    for listed in (page("chunks", {"id": "0"}), page("chunks")):
        server.on(f"/{OUTPUT}/chunks", listed)
        assert list(read_export(client, OUTPUT)) == []


def test_export_whose_chunks_are_gone_is_told(server: Server, client: AnaplanClient) -> None:
    """A stale list is torn; no list and no content is an export that was not run."""
    server.on(f"/{OUTPUT}/chunks", page("chunks", {"id": "0"}))
    with pytest.raises(ProtocolError, match="no longer has"):
        list(read_export(client, OUTPUT))
    server.on(f"/{OUTPUT}/chunks", page("chunks"))
    with pytest.raises(RefusedError, match="Run the export"):
        list(read_export(client, OUTPUT))


# --- names and periods ------------------------------------------------------------------------


def test_two_objects_of_one_name_are_refused_with_their_ids() -> None:
    """A name must mean one thing; the refusal tells which two it means."""
    rows = [
        wire.Named(id="1", name="A"),
        wire.Named(id="2", name="A"),
        wire.Named(id="3", name="B"),
    ]
    assert find_named(rows, "B", kind="list").id == "3"
    with pytest.raises(RefusedError, match="2 objects of kind list named 'A': 1, 2"):
        find_named(rows, "A", kind="list")
    with pytest.raises(RefusedError, match="no list named 'b'"):
        find_named(rows, "b", kind="list")
    with pytest.raises(RefusedError, match="no list named 'b'"):
        find_named([], "b", kind="list")


@pytest.mark.parametrize(
    ("names", "leaves"),
    [
        ("Jan 26|Feb 26|Q1 FY26|H1 FY26|FY26|YTD FY26|All Periods", "Jan 26|Feb 26"),
        ("Sept. 2026|März 26|FY26|YTG 26", "Sept. 2026|März 26"),
        ("Week 1 FY26|Week 2 FY26|Jan 26|FY26", "Week 1 FY26|Week 2 FY26"),
        ("1 Jan 26|2 Jan 26|Week 1 FY26|Jan 26|FY26", "1 Jan 26|2 Jan 26"),
        ("Week 1 FY26|Week 2 FY26|Q1 FY26|FY26", "Week 1 FY26|Week 2 FY26"),
        ("P01 FY26|P02 FY26|H1 FY26|FY26", "P01 FY26|P02 FY26"),
        ("1 Jan 26|2 Jan 26|FY26", "1 Jan 26|2 Jan 26"),
        ("FY25|FY26", ""),
        ("", ""),
    ],
)
def test_leaf_periods_are_the_finest_kind_that_occurs(names: str, leaves: str) -> None:
    """Days before weeks before months; else every member not named like a summary."""
    found = find_leaf_periods([name for name in names.split("|") if name])
    assert found == [leaf for leaf in leaves.split("|") if leaf]
