"""A JD Edwards server for reading (one for all tests) and one that a test may change."""

import json
import shutil
import threading
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.jde.server import build_jde_server

DEVICE = "planning-connector-01"
WORD = "halden-password"
LINES = 2_500
PAGES_MAX = 200
LOOKS_MAX, LOOK_S = 600, 0.05
Json = Any


def loads(text: str) -> Json:
    """The parsed JSON text, numbers with a point as Decimal."""
    return json.loads(text, parse_float=Decimal)


def literals(text: str) -> Json:
    """The parsed JSON text, every number as the text that stood there."""
    return json.loads(text, parse_float=str, parse_int=str)


def misfits(actual: Json, golden: Json, where: str = "$") -> list[str]:
    """Where the value lacks a key of the golden one or holds another JSON type.

    A golden list of one element speaks for all; a golden null stands for null or text.
    """
    if _kind(actual) != _kind(golden) and not (golden is None and isinstance(actual, str)):
        return [f"{where}: {_kind(actual)} instead of {_kind(golden)}"]
    if isinstance(golden, dict):
        return [
            problem
            for key, wanted in golden.items()
            for problem in (
                misfits(actual[key], wanted, f"{where}.{key}")
                if key in actual
                else [f"{where}.{key}: missing"]
            )
        ]
    if isinstance(golden, list) and golden:
        return [p for n, one in enumerate(actual) for p in misfits(one, golden[0], f"{where}[{n}]")]
    return []


def _kind(value: Json) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float | Decimal):
        return "number"
    return type(value).__name__


class Ais:
    """A running server, a signed-on client, and the few moves most tests make."""

    loads = staticmethod(loads)
    literals = staticmethod(literals)
    misfits = staticmethod(misfits)

    def __init__(
        self, server: Any, clock: SandboxClock, http: httpx2.Client, *, folder: Path
    ) -> None:
        self.folder = folder
        self.server = server
        self.clock = clock
        self.http = http
        self.token = ""
        self.device = DEVICE

    @property
    def url(self) -> str:
        """The base address, without /jderest."""
        return str(self.server.url)

    # Behind the stage.

    def control(self, method: str, name: str, body: Json = None) -> Json:
        """The JSON answer of a control operation."""
        reply = self.http.request(method, f"{self.url}/__sandbox/{name}", json=body)
        assert reply.status_code < 300, f"{name}: {reply.text}"
        return loads(reply.text) if reply.content else None

    def do(self, operation: str, /, **body: Json) -> Json:
        """The result of an admin operation."""
        return self.control("POST", operation, body)["result"]

    def turn(self, **switches: Json) -> None:
        """The switches stand as given."""
        self.control("POST", "switches", switches)

    def fault(self, **rule: Json) -> None:
        """The fault rule is in force."""
        self.control("POST", "faults", rule)

    def advance(self, *, seconds: float = 0, minutes: float = 0, days: float = 0) -> None:
        """The clock has moved on."""
        self.control("POST", "clock", {"advance_s": seconds + minutes * 60 + days * 86_400})

    def set_clock(self, moment: str) -> None:
        """The clock stands at the given UTC moment."""
        self.control("POST", "clock", {"set": moment})

    def sessions(self) -> list[Json]:
        """The sessions the server holds."""
        found = self.do("list_sessions")
        return list(found["sessions"] if isinstance(found, dict) else found)

    def restart(self) -> None:
        """The process has ended and a new one serves the same state at another address."""
        folder = self.folder
        self.server.stop()
        self.clock = SandboxClock(folder, virtual=True)
        self.server = build_jde_server(folder, self.clock, lines=LINES)
        self.server.start()

    # Sessions.

    def login(self, user: str = "PLNSVC", word: str = WORD, **more: Json) -> Any:
        """The answer to a log-in with user and password in the body."""
        body = {"username": user, "password": word, **more}
        return self.post("/v2/tokenrequest", body, signed=False)

    def sign_on(self, user: str = "PLNSVC", device: str = DEVICE, **more: Json) -> Json:
        """Further calls carry a token of this user; the answer of the log-in."""
        reply = self.login(user, deviceName=device, **more)
        assert reply.status_code == 200, reply.text
        answer = loads(reply.text)
        self.token, self.device = answer["userInfo"]["token"], device
        return answer

    def headers(self) -> dict[str, str]:
        """The headers that carry token and device."""
        return {"jde-AIS-Auth": self.token, "jde-AIS-Auth-Device": self.device}

    # Calls.

    def send(self, method: str, path: str, *, signed: bool = True, **more: Any) -> Any:
        """The response to a request below /jderest, or to an absolute address."""
        headers = {**(self.headers() if signed else {}), **more.pop("headers", {})}
        url = path if "://" in path else f"{self.url}/jderest{path}"
        return self.http.request(method, url, headers=headers, **more)

    def post(self, path: str, body: Json = None, *, signed: bool = True, **more: Any) -> Any:
        """The response to a POST of a JSON body."""
        headers = {"Content-Type": "application/json", **more.pop("headers", {})}
        content = json.dumps(body).encode()
        return self.send("POST", path, signed=signed, headers=headers, content=content, **more)

    def query(self, body: Json, *, path: str = "/v2/dataservice", **more: Any) -> Any:
        """The response of the data service."""
        return self.post(path, body, **more)

    def read(self, body: Json, **more: Any) -> Json:
        """The parsed answer of a data request that must succeed."""
        reply = self.query(body, **more)
        assert reply.status_code == 200, reply.text
        answer = loads(reply.text)
        assert not answer.get("sysErrors"), reply.text
        return answer

    # Data requests.

    @staticmethod
    def when(column: str, operator: str = "EQUAL", *contents: object) -> Json:
        """One condition with literal values."""
        values = [{"content": str(c), "specialValueId": "LITERAL"} for c in contents]
        return {"controlId": column, "operator": operator, "value": values}

    @staticmethod
    def special(column: str, operator: str, special: str, content: str = "") -> Json:
        """One condition with a value the server works out."""
        value = [{"content": content, "specialValueId": special}]
        return {"controlId": column, "operator": operator, "value": value}

    @staticmethod
    def every(*conditions: Json, match: str = "MATCH_ALL") -> Json:
        """A query of these conditions."""
        return {"autoFind": True, "matchType": match, "condition": list(conditions)}

    def browsing(self, table: str, columns: str = "", *conditions: Json, **more: Json) -> Json:
        """The body of a BROWSE; columns are bare names separated by blanks."""
        body: Json = {
            "targetName": table, "targetType": "table", "dataServiceType": "BROWSE",
            "findOnEntry": "TRUE", "outputType": "GRID_DATA", "maxPageSize": "No Max",
        }  # fmt: skip
        if columns:
            body["returnControlIDs"] = "|".join(f"{table}.{c}" for c in columns.split())
        if conditions:
            body["query"] = self.every(*conditions)
        return {**body, **more}

    def grid(self, answer: Json, table: str, key: str = "fs_DATABROWSE_") -> Json:
        """The grid data of an answer."""
        form = answer[f"{key}{table}"]
        assert form["errors"] == []
        return form["data"]["gridData"]

    def rows(self, answer: Json, table: str) -> list[Json]:
        """The rows of an answer, keys without the table."""
        return [
            {key.removeprefix(f"{table}_"): value for key, value in row.items()}
            for row in self.grid(answer, table)["rowset"]
        ]

    def rows_at(self, answer: Json, position: int, table: str) -> list[Json]:
        """The rows of one request of a batch."""
        inner = {f"fs_DATABROWSE_{table}": answer[f"fs_{position}_DATABROWSE_{table}"]}
        return self.rows(inner, table)

    def browse(self, table: str, columns: str = "", *conditions: Json, **more: Json) -> list[Json]:
        """The rows of a BROWSE that must be complete."""
        answer = self.read(self.browsing(table, columns, *conditions, **more))
        assert self.grid(answer, table)["summary"]["moreRecords"] is False
        return self.rows(answer, table)

    def count(self, table: str, *conditions: Json, **more: Json) -> int:
        """The number of rows by COUNT."""
        body = {"targetName": table, "targetType": "table", "dataServiceType": "COUNT"}
        answer = self.read({**body, "query": self.every(*conditions), **more})
        found = answer[f"ds_{table}"]["count"]
        assert isinstance(found, int)
        return found

    def aggregate(
        self, table: str, functions: str, groups: str = "", *conditions: Json, **more: Json
    ) -> list[Json]:
        """The output rows; functions such as `SUM:AA COUNT:*`, groups as bare names."""
        answer = self.read(self.aggregation(table, functions, groups, *conditions, **more))
        return list(answer[f"ds_{table}"]["output"])

    def aggregation(
        self, table: str, functions: str, groups: str = "", *conditions: Json, **more: Json
    ) -> Json:
        """The body of an AGGREGATION."""
        pairs = [one.split(":") for one in functions.split()]
        wanted: Json = {"aggregations": [{"aggregation": f, "column": c} for f, c in pairs]}
        if groups:
            wanted["groupBy"] = [{"column": column} for column in groups.split()]
        wanted |= more.pop("aggregation", {})
        body = {
            "targetName": table, "targetType": "table", "dataServiceType": "AGGREGATION",
            "maxPageSize": "No Max", "query": self.every(*conditions), "aggregation": wanted,
        }  # fmt: skip
        return {**body, **more}

    def pages(self, body: Json) -> list[Json]:
        """Every page of a read with next-page processing, followed by POST."""
        answer = self.read({**body, "enableNextPageProcessing": True})
        found = [answer]
        while answer.get("links"):
            assert len(found) < PAGES_MAX
            reply = self.post(answer["links"][0]["href"])
            assert reply.status_code == 200, reply.text
            answer = loads(reply.text)
            found.append(answer)
        assert self.grid(answer, body["targetName"])["summary"]["moreRecords"] is False
        return found

    # Books.

    @staticmethod
    def trimmed(row: Json) -> Json:
        """The row with its text values trimmed."""
        return {name: v.strip() if isinstance(v, str) else v for name, v in row.items()}

    def balances(self) -> dict[tuple[Any, ...], Decimal]:
        """Net changes of F0902 by account, year, ledger, currency and period, without zeros."""
        nets = " ".join(f"AN{n:02}" for n in range(1, 15))
        found: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
        for row in map(self.trimmed, self.browse("F0902", f"AID FY LT SBL CRCD {nets}")):
            currency = row["CRCD"] if row["LT"] == "CA" else ""
            for number in range(1, 15):
                key = (row["AID"], row["FY"], row["LT"], row["SBL"], currency, number)
                found[key] += row[f"AN{number:02}"]
        return {key: amount for key, amount in found.items() if amount}

    def movements(self, rows: list[Json]) -> dict[tuple[Any, ...], Decimal]:
        """The same from posted F0911 rows."""
        found: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
        for row in map(self.trimmed, rows):
            if row["POST"] == "P" and row["LT"] in {"AA", "CA", "BA"}:
                currency = row["CRCD"] if row["LT"] == "CA" else ""
                key = (row["AID"], row["FY"], row["LT"], row["SBL"], currency, row["PN"])
                found[key] += row["AA"]
        return {key: amount for key, amount in found.items() if amount}

    # Journals.

    def accounts(self, company: str = "00001", posting_edit: str = "") -> list[Json]:
        """The accounts of a company with this posting edit code, by AID."""
        found = self.browse(
            "F0901", "AID MCU OBJ SUB PEC CO LDA DL01", self.when("CO", "EQUAL", company)
        )
        fit = [a for a in found if a["PEC"].strip() == posting_edit]
        return sorted(fit, key=lambda account: str(account["AID"]))

    def accounts_of(self, company: str) -> list[Json]:
        """The accounts of a company, whatever may be posted to them."""
        return self.browse("F0901", "AID", self.when("CO", "EQUAL", company))

    def lines(self, amounts: list[Json], *, accounts: list[Json] | None = None) -> list[Json]:
        """Journal lines of these amounts on free posting accounts."""
        free = accounts or [a for a in self.accounts() if "4000" <= a["OBJ"].strip() < "9000"]
        return [
            {
                "LineNumber": n + 1, "Account": self.account_input(free[n % len(free)]),
                "AccountId": free[n % len(free)]["AID"], "Subledger": "", "SubledgerType": "",
                "Amount": amount, "Units": 0, "Remark": "FY26 FC v3",
            }
            for n, amount in enumerate(amounts)
        ]  # fmt: skip

    @staticmethod
    def account_input(account: Json) -> str:
        """The account as it is typed in."""
        parts = [account[name].strip() for name in ("MCU", "OBJ", "SUB")]
        return ".".join(part for part in parts if part)

    def plan(self, key: str, lines: list[Json], **more: Json) -> Json:
        """The input of the budget orchestration."""
        amounts = [Decimal(str(line["Amount"])) for line in lines]
        debits = sum((amount for amount in amounts if amount > 0), Decimal(0))
        body = {
            "PlanBatchKey": key, "Company": "00001", "LedgerType": "BA", "DocumentType": "BX",
            "GLDate": "2026-11-30", "Explanation": "FY26 forecast v3", "CurrencyCode": "USD",
            "Lines": lines, "ExpectedLines": len(lines), "ExpectedDebits": str(debits),
            "PostAfterCreate": False,
        }  # fmt: skip
        return {**body, **more}

    def run(self, body: Json, name: str = "PLN_PostBudgetJournal", version: str = "v3") -> Any:
        """The response of an orchestration."""
        return self.post(f"{version and '/' + version}/orchestrator/{name}", body)

    @staticmethod
    def is_refused(reply: Any) -> bool:
        """The answer of an orchestration says that nothing was created."""
        body = reply.json()
        if reply.status_code == 200:
            return bool(body.get("Result") == "REJECTED")
        assert reply.status_code in {400, 500}, reply.text
        return bool(reply.status_code == 400 or body["jde__status"] == "ERROR")

    def write(self, key: str, amounts: list[Json], **more: Json) -> Json:
        """The answer of a budget journal that must be created."""
        reply = self.run(self.plan(key, self.lines(amounts), **more))
        assert reply.status_code == 200, reply.text
        answer = loads(reply.text)
        assert answer["Result"] == "CREATED", reply.text
        return answer

    def keyed(self, key: str, columns: str = "") -> list[Json]:
        """The journal rows that carry the key in R2, by line and ledger."""
        wanted = (
            columns or "KCO DCT DOC DGJ JELN LT EXTL POST CO AID AA CRCD PN FY CTRY ICUT ICU R2"
        )
        found = self.browse("F0911", wanted, self.when("R2", "EQUAL", key))
        return sorted(found, key=lambda row: (str(row.get("LT")), row.get("JELN", 0)))

    def await_keyed(self, key: str) -> list[Json]:
        """These rows once there are any: the server goes on when the caller has gone."""
        for _ in range(LOOKS_MAX):
            found = self.keyed(key)
            if found:
                return found
            threading.Event().wait(LOOK_S)
        raise AssertionError(f"no row carries {key}")


def start(folder: Path, *, lines: int) -> Iterator[Ais]:
    """A started server with a signed-on client, stopped afterwards."""
    clock = SandboxClock(folder, virtual=True)
    server = build_jde_server(folder, clock, lines=lines)
    server.start()
    # Without certificates to load a client is made in a tenth of the time.
    with httpx2.Client(timeout=30, verify=False) as http:
        ais = Ais(server, clock, http, folder=folder)
        yield ais
    ais.server.stop()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ais]:
    """The server that all reading tests share."""
    yield from start(tmp_path_factory.mktemp("jde"), lines=LINES)


@pytest.fixture
def ais(shared_server: Ais) -> Iterator[Ais]:
    """The shared server, signed on, no fetch limit; tests leave its rows and its clock alone."""
    shared_server.sign_on()
    shared_server.turn(dbFetchLimit=0)
    yield shared_server
    shared_server.server.switches.reset()
    shared_server.server.faults.clear()
    shared_server.http.cookies.clear()


@pytest.fixture(scope="session")
def small_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with a small company, to be copied."""
    folder = tmp_path_factory.mktemp("small")
    build_jde_server(folder, SandboxClock(folder, virtual=True), lines=LINES).stop()
    return folder


@pytest.fixture
def own(small_state: Path, tmp_path: Path) -> Iterator[Ais]:
    """A server of the test's own on its first day, signed on, no fetch limit."""
    shutil.copytree(small_state, tmp_path, dirs_exist_ok=True)
    for found in start(tmp_path, lines=LINES):
        found.sign_on()
        found.turn(dbFetchLimit=0)
        yield found


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Ais]:
    """A server with the company at its usual size, signed on, no fetch limit."""
    for found in start(tmp_path, lines=10_000):
        found.sign_on()
        found.turn(dbFetchLimit=0)
        yield found


@pytest.fixture(scope="session")
def ledger(shared_server: Ais) -> list[Json]:
    """Every F0911 row of the shared server."""
    shared_server.sign_on()
    shared_server.turn(dbFetchLimit=0)
    columns = (
        "KCO DCT DOC DGJ JELN LT EXTL ICU ICUT DICJ DSYJ POST CO AID MCU OBJ SUB SBL SBLT PN CTRY"
        " FY AA U UM CRCD CRR HDGJ BCRC EXA EXR R1 R2 USER UPMJ UPMT"
    )
    body = shared_server.browsing("F0911", columns, maxPageSize="1000")
    return [row for page in shared_server.pages(body) for row in shared_server.rows(page, "F0911")]
