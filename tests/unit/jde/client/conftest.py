"""An AIS server that answers from a script, path by path, and clients over it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import Query
from ml_connector.systems.jde.connection import JdeSettings

AIS = "https://ais.example:8443"
ROOT = "/jderest"
Reply = str | int | httpx2.Response | Exception
Replies = Reply | list[Reply] | Callable[[httpx2.Request], Reply]
COLUMNS = ("DOC", "AA", "MCU", "EXA")


class MovedClock:
    """A clock that only sleeping and the test move."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 3, 8, tzinfo=UTC)
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        """The instant it stands at."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """It stands that much later."""
        self.sleeps.append(seconds)
        self.at += timedelta(seconds=seconds)


class Vault:
    """One password, which a test may change."""

    def __init__(self) -> None:
        self.password = "opensesame-of-plnsvc"

    def read_secret(self, reference: str) -> str:
        """The plain text."""
        assert reference == "secret:jde"
        return self.password


class Sessions:
    """Sessions that are open, as a store keeps them."""

    def __init__(self, *left: str) -> None:
        self.left = list(left)
        self.saved: list[str] = []
        self.forgotten = 0

    def save_session(self, connection: str, token: str) -> None:
        """The session is kept."""
        assert connection == "erp"
        self.saved.append(token)

    def forget_session(self, connection: str) -> None:
        """The session is forgotten."""
        assert connection == "erp"
        self.forgotten += 1

    def take_left_sessions(self, connection: str) -> list[str]:
        """What others left; once."""
        assert connection == "erp"
        taken, self.left = self.left, []
        return taken


def make_page(
    *rows: str, more: bool = False, link: str = "", table: str = "F0911", **changes: Any
) -> str:
    """An answer with raw rows; `link` is the query of a link to the next page."""
    columns = changes.pop("columns", {f"{table}_{name}": name for name in COLUMNS})
    records = changes.pop("records", len(rows))
    errors = changes.pop("errors", [])
    links = (
        [{"rel": "next", "context": "x", "href": f"http://inner:7001{ROOT}/v2/dataservice/next?{link}"}]
        if link
        else None
    )  # fmt: skip
    known = json.dumps(columns)
    summary = json.dumps({"records": records, "moreRecords": more})
    rest = "".join(
        f",{json.dumps(key)}:{json.dumps(value)}"
        for key, value in {
            "sysErrors": [],
            **({"links": links} if links else {}),
            **changes,
        }.items()
    )
    return (
        f'{{"fs_DATABROWSE_{table}":{{"title":"x","data":{{"gridData":{{"id":54,"columns":{known},'
        f'"rowset":[{",".join(rows)}],"summary":{summary}}}}},"errors":{json.dumps(errors)},'
        f'"warnings":[]}},"stackId":1,"rid":"48e4"{rest}}}'
    )


def make_row(number: int, amount: str = "1.50", text: str = "x ") -> str:
    """A raw row, its keys in an order of its own."""
    cells = [
        f'"F0911_AA":{amount}', f'"F0911_DOC":{number}',
        f'"F0911_EXA":{json.dumps(text)}', '"F0911_MCU":"          30"',
    ]  # fmt: skip
    turn = number % len(cells)
    return "{" + ",".join(cells[turn:] + cells[:turn]) + "}"


def make_json(status: int, /, **body: Any) -> httpx2.Response:
    """A JSON answer of that status."""
    return httpx2.Response(status, json=body)


class Ais:
    """Answers each path in turn, the last answer for ever; gives tokens t1, t2 and so on."""

    page = staticmethod(make_page)
    row = staticmethod(make_row)
    answer = staticmethod(make_json)

    def __init__(self) -> None:
        self.answers: dict[str, list[Reply] | Callable[[httpx2.Request], Reply]] = {}
        self.requests: list[httpx2.Request] = []
        self.clock = MovedClock()
        self.vault = Vault()
        self.grants = 0
        self.user: dict[str, Any] = {"simpleDateFormat": "MM/dd/yyyy", "decimalFormat": "."}
        self.on("/v2/tokenrequest", lambda _request: self.grant())
        self.on("/v2/tokenrequest/logout", "")

    def on(self, path: str, replies: Replies) -> None:
        """The path answers so."""
        is_plain = isinstance(replies, list) or callable(replies)
        self.answers[ROOT + path] = replies if is_plain else [replies]  # type: ignore[assignment,list-item]  # callables and lists are told apart at run time

    def on_data(self, *replies: Reply) -> None:
        """The data service answers so."""
        self.on("/v2/dataservice", list(replies))

    def on_next(self, *replies: Reply) -> None:
        """Next pages come so."""
        self.on("/v2/dataservice/next", list(replies))

    def grant(self, **changes: Any) -> str:
        """The answer to a log-in."""
        self.grants += 1
        body = {
            "username": "PLNSVC", "environment": "JPY920", "role": "*ALL",
            "userInfo": {"token": self.token(), **self.user},
            "userAuthorized": False, "passwordAboutToExpire": False, **changes,
        }  # fmt: skip
        return json.dumps(body)

    def token(self) -> str:
        """The newest token."""
        return f"044r7yXa0Vb2p9Q1mZ+3C/h8KQ==MDE5MDU3TOKEN{self.grants}=="

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """The next answer of the path; 404 where nothing is scripted."""
        self.requests.append(request)
        answers = self.answers.get(request.url.path, [404])
        if callable(answers):
            reply = answers(request)
        else:
            reply = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, httpx2.Response):
            # A response is read once; each request gets one of its own.
            return httpx2.Response(reply.status_code, headers=reply.headers, content=reply.content)
        if isinstance(reply, int):
            return httpx2.Response(reply)
        return httpx2.Response(200, content=reply.encode())

    def asked(self, ending: str) -> list[httpx2.Request]:
        """Requests whose path ends so."""
        return [each for each in self.requests if each.url.path.endswith(ending)]

    def bodies(self, ending: str = "/dataservice") -> list[Any]:
        """Their bodies."""
        return [json.loads(each.content) for each in self.asked(ending)]

    def tokens(self, ending: str = "/dataservice") -> list[str]:
        """The tokens they carried."""
        return [each.headers["jde-AIS-Auth"] for each in self.asked(ending)]

    @property
    def logins(self) -> int:
        """How many log-ins were asked for."""
        return len(self.asked("/tokenrequest"))

    @property
    def logouts(self) -> list[str]:
        """The tokens that were given back."""
        return [body["token"] for body in self.bodies("/logout")]

    @staticmethod
    def connect_settings(**changes: Any) -> JdeSettings:
        """Settings of a connection to this script."""
        plain = {
            "name": "erp",
            "ais_url": AIS,
            "auth": {"method": "password", "user": "PLNSVC", "password": "secret:jde"},
        }
        return JdeSettings.model_validate({**plain, **changes})

    def connect(self, sessions: Sessions | None = None, **changes: Any) -> JdeClient:
        """A client over this script."""
        return JdeClient(
            self.connect_settings(**changes),
            clock=self.clock,
            secrets=self.vault,
            sessions=sessions,
            transport=httpx2.MockTransport(self),
        )


@pytest.fixture
def ais() -> Ais:
    """A server that knows log-ins only."""
    return Ais()


@pytest.fixture
def store() -> Callable[..., Sessions]:
    """Makes session stores."""
    return Sessions


@pytest.fixture
def query() -> Query:
    """Four columns of the account ledger."""
    return Query(table="F0911", columns=COLUMNS)


@pytest.fixture
def client(ais: Ais) -> Iterator[JdeClient]:
    """A client of the script with pages of two rows."""
    client = ais.connect(page_size=2)
    yield client
    client.close()
