"""Journals over a sandbox AIS server whose books these tests may change, with a meddler between."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from ml_connector.domain.journals import Journal, JournalLine
from ml_connector.ports import JournalHead
from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.jde.server import build_jde_server
from ml_connector.systems.jde.adapter import JdeSource
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import Query, equal

LINES = 2500
NOVEMBER = date(2026, 11, 30)
COLUMNS = ("KCO", "DCT", "DOC", "DGJ", "LT", "ICUT", "ICU", "POST", "CO", "AID", "AA", "EXA", "EXR",
           "PN", "FY", "R2")  # fmt: skip


class OneSecret:
    """The password of every user of the sandbox."""

    def read_secret(self, _reference: str) -> str:
        """The plain text."""
        return "halden-password"


class Meddler(httpx2.BaseTransport):
    """Passes requests on and keeps them; before the nth to an orchestration something happens."""

    def __init__(self) -> None:
        self.inner = httpx2.HTTPTransport()
        self.bodies: list[bytes] = []
        self.plans: dict[int, Callable[[], object]] = {}

    def before(self, number: int, act: Callable[[], object]) -> None:
        """This happens just before that sending."""
        self.plans[number] = act

    @property
    def sendings(self) -> int:
        """How often an orchestration was called."""
        return len(self.bodies)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The server's answer."""
        if "/orchestrator/" in request.url.path:
            self.bodies.append(request.read())
            self.plans.pop(self.sendings, lambda: None)()
        return self.inner.handle_request(request)

    def close(self) -> None:
        """Every connection is closed."""
        self.inner.close()


@dataclass(slots=True, kw_only=True)
class Desk:
    """A server, a source over it, and the journals a test writes."""

    ais: Any
    stack: ExitStack
    keys: Iterator[str]
    meddler: Meddler = field(default_factory=Meddler)

    def connect(self, **changes: Any) -> JdeSource:
        """A source with settings changed; closed after the test."""
        source = JdeSource(
            self.ais.settings(**changes),
            clock=self.ais.clock,
            secrets=OneSecret(),
            transport=self.meddler,
        )
        self.stack.callback(source.close)
        return source

    def orchestrate(self, **changes: Any) -> JdeSource:
        """A source with settings of the orchestration changed."""
        return self.connect(orchestration=changes)

    def key(self) -> str:
        """A posting key nobody has."""
        return next(self.keys)

    def head(self, key: str, **changes: Any) -> JournalHead:
        """What a journal says besides its lines."""
        plain = JournalHead(
            posting_key=key, document_type="BX", explanation="Approved plan 0123456789ab"
        )
        return replace(plain, **changes)

    def journal(self, *amounts: str, ledger: str = "00001/BA", **changes: Any) -> Journal:
        """A journal of these amounts on open accounts of the ledger's company."""
        company = ledger.partition("/")[0]
        accounts = self.open_accounts(company)
        currency = {"00001": "USD", "00077": "CAD", "00200": "JPY", "00300": "KWD"}[company]
        plain = Journal(
            ledger=ledger, period="FY2026-P11", gl_date=NOVEMBER, currency=currency,
            part=1, parts=1,
            lines=tuple(
                JournalLine(account, Decimal(amount))
                for account, amount in zip(accounts, amounts, strict=False)
            ),
        )  # fmt: skip
        return replace(plain, **changes)

    def open_accounts(self, company: str, posting_edit: str = "") -> list[str]:
        """Expense accounts of the company with this posting edit code."""
        rows = self.read("F0901", ("AID", "OBJ", "PEC"), CO=company)
        return sorted(
            str(aid) for aid, obj, pec in rows
            if (pec or "") == posting_edit and (posting_edit or "5000" <= str(obj) < "9000")
        )  # fmt: skip

    def rows(self, key: str) -> list[dict[str, Any]]:
        """The lines that bear the key, as the server shows them."""
        found = self.read("F0911", COLUMNS, R2=key)
        return [dict(zip(COLUMNS, row, strict=True)) for row in found]

    def read(self, table: str, columns: tuple[str, ...], **equals: Any) -> list[tuple[Any, ...]]:
        """Rows of a table, by a client of its own."""
        client = JdeClient(
            self.ais.settings(device_name="witness"), clock=self.ais.clock, secrets=OneSecret()
        )
        conditions = tuple(equal(column, value) for column, value in equals.items())
        try:
            query = Query(table=table, columns=columns, conditions=conditions)
            return [row for rows in client.browse_windows(query, split_by="UPMT") for row in rows]
        finally:
            client.close()


@pytest.fixture(scope="session")
def journal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One server that all tests of journals write into, each under keys of its own."""
    folder = tmp_path_factory.mktemp("jde-journals")
    server = build_jde_server(folder, SandboxClock(folder, virtual=True), lines=LINES)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def keys() -> Iterator[str]:
    """Posting keys, each once."""
    return (f"CT{number:06d}" for number in itertools.count(222_222))


@pytest.fixture
def desk(ais: Any, journal_server: Any, keys: Iterator[str]) -> Iterator[Desk]:
    """A server with every switch at its default, and journals to be written."""
    with ExitStack() as stack:
        http = stack.enter_context(httpx2.Client(trust_env=False, verify=False, timeout=60))
        own = type(ais)(
            server=journal_server, clock=type(ais.clock)(journal_server.clock), http=http
        )
        yield Desk(ais=own, stack=stack, keys=keys)
    journal_server.switches.reset()
    journal_server.faults.clear()
