"""A JDE server over a handful of raw rows, with a client that speaks to its socket."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.jde.server import JdeServer

WORD = "halden-password"
DEVICE = "unit-tests"
COMPANIES = [("00001", "USD"), ("00200", "JPY"), ("00300", "KWD")]
CURRENCIES = [("USD", "2"), ("JPY", "0"), ("KWD", "3"), ("EUR", "2")]
LEDGER_COLUMNS = (
    "KCO", "DCT", "DOC", "DGJ", "JELN", "LT", "POST", "CO", "AID", "MCU", "AA", "CRCD", "ICUT",
    "ICU", "UPMJ", "EXA",
)  # fmt: skip
LEDGER = [
    ("00001", "JE", 41207, 126031, 1, "AA", "P", "00001", "00062411", "          30", 677823,
     "USD", "G", 15981, 126033, 'Café "Nord"\x07'),
    ("00001", "JE", 41207, 126031, 2, "AA", "P", "00001", "00004532", "           1", -1617639,
     "USD", "G", 15981, 126033, ""),
    ("00001", "JE", 41208, 126059, 1, "AA", "", "00001", "00062411", "          30", 120000,
     "EUR", "G", 15982, 126306, "100% done"),
    ("00001", "JE", 41208, 126059, 1, "CA", "", "00001", "00062411", "          30", 17500000,
     "JPY", "G", 15982, 126306, ""),
    ("00200", "JE", 41207, 126031, 1, "AA", "P", "00200", "00070001", "        YARD", -5,
     "JPY", "G", 15983, 0, ""),
    ("00300", "JE", 41207, 126031, 1, "AA", "P", "00300", "00080001", "         M30",
     123456789012345, "KWD", "G", 15984, 126033, ""),
]  # fmt: skip


@dataclass(slots=True)
class Client:
    """A caller of one server; `token` goes with every call once signed on."""

    server: JdeServer
    clock: SandboxClock
    http: httpx2.Client
    token: str = ""
    device: str | None = DEVICE
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """The answer at a path below /jderest."""
        headers = dict(more.pop("headers", {})) | self.headers
        if self.token:
            headers["jde-AIS-Auth"] = self.token
        if self.token and self.device:
            headers["jde-AIS-Auth-Device"] = self.device
        return self.http.request(method, f"/jderest{path}", headers=headers, **more)

    def login(self, **more: Any) -> httpx2.Response:
        """The answer to a sign-on."""
        body = {"username": "PLNSVC", "password": WORD, "deviceName": DEVICE, **more}
        return self.http.post("/jderest/v2/tokenrequest", json=body)

    def sign_on(self, **more: Any) -> dict[str, Any]:
        """A session is open and used from now on."""
        told: dict[str, Any] = self.login(**more).json()
        self.token = told["userInfo"]["token"]
        return told

    def ask(self, table: str, service: str = "BROWSE", **more: Any) -> httpx2.Response:
        """The answer to a data request."""
        body = {"targetName": table, "targetType": "table", "dataServiceType": service, **more}
        if service == "BROWSE":
            body.setdefault("findOnEntry", "TRUE")
        return self.call("POST", "/v2/dataservice", json=body)

    def rows(self, table: str, columns: str, *conditions: Any, **more: Any) -> list[Any]:
        """The rows of a browse, as lists in the order of the columns."""
        query = {"condition": list(conditions)}
        reply = self.ask(table, returnControlIDs=columns, query=query, **more)
        assert reply.status_code == 200, reply.text
        rows = reply.json()[f"fs_DATABROWSE_{table}"]["data"]["gridData"]["rowset"]
        return [[row[f"{table}_{name}"] for name in columns.split("|")] for row in rows]

    def groups(self, table: str, measure: str, column: str, *by: str, **more: Any) -> list[Any]:
        """The output of an aggregation."""
        asked = {
            "aggregations": [{"aggregation": measure, "column": column}],
            "groupBy": [{"column": one} for one in by],
        }
        reply = self.ask(table, "AGGREGATION", aggregation=asked, **more)
        assert reply.status_code == 200, reply.text
        output: list[Any] = reply.json()[f"ds_{table}"]["output"]
        return output

    def turn(self, **switches: Any) -> None:
        """The switches stand as given."""
        self.server.switches.turn(switches)

    def do(self, operation: str, **body: Any) -> Any:
        """The result of an operation behind the stage."""
        reply = self.http.post(f"/__sandbox/{operation}", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()["result"]

    def read(self, name: str) -> Any:
        """What a control path shows."""
        return self.http.get(f"/__sandbox/{name}").json()


def condition(column: str, operator: str, *contents: str, special: str = "LITERAL") -> Any:
    """One condition of a query."""
    values = [{"content": one, "specialValueId": special} for one in contents]
    return {"controlId": column, "operator": operator, "value": values}


def seed(server: JdeServer) -> None:
    """The handful of rows stands in the tables."""
    store = server.store
    store.execute_many("INSERT INTO F0010 (CO, CRCD) VALUES (?, ?)", COMPANIES)
    store.execute_many("INSERT INTO F0013 (CRCD, CDEC) VALUES (?, ?)", CURRENCIES)
    store.execute_many(
        "INSERT INTO F0005 (SY, RT, KY) VALUES (?, ?, ?)", [("09", "LT", "        AA")]
    )
    marks = ", ".join("?" * len(LEDGER_COLUMNS))
    store.execute_many(f"INSERT INTO F0911 ({', '.join(LEDGER_COLUMNS)}) VALUES ({marks})", LEDGER)


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Client]:
    """A client of a fresh server that has not signed on."""
    clock = SandboxClock(tmp_path, virtual=True)
    server = JdeServer(tmp_path, clock, seed=seed)
    url = server.start()
    with httpx2.Client(base_url=url, timeout=30, verify=False) as http:
        yield Client(server, clock, http)
    server.stop()


@pytest.fixture
def ais(stranger: Client) -> Client:
    """The same, signed on."""
    stranger.sign_on()
    return stranger


@pytest.fixture(name="condition")
def make_condition() -> Any:
    """Builds conditions."""
    return condition
