"""The pages as served by the command, over a project with a history, and people of every role."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener

import pytest
from scripts.browsing import serving_pages
from tests.conftest import ONE_LEDGER, Company, ProjectMaker, StartCompany, fill_lists
from tests.fakes.alert_seeds import add_channels, plant_alerts
from tests.fakes.decision_seeds import plant
from tests.fakes.schedule_seeds import add_schedules, plant_schedules

import ml_connector

SOURCE_ROOT = Path(ml_connector.__file__).parents[1]
PASSWORD = "halden works since 1921"
ROLES = ("viewer", "operator", "mapper", "approver", "admin")
WAIT_S = 60
LIST_ROUTES = """
import json, sys
from pathlib import Path
from ml_connector.wiring import open_house
with open_house(Path(sys.argv[1])) as house:
    assert house.records is not None
    from ml_connector.web.guards import MARK, Open
    from ml_connector.web.urls import urlpatterns
    found = []
    for one in urlpatterns:
        right = getattr(one.callback, MARK, None)
        right = getattr(right, "page", right)  # Of a page that programs may ask for too.
        by_method = getattr(right, "rights", {"": "open" if right is Open else right})
        found += [(str(one.pattern), method, right) for method, right in by_method.items()]
    print(json.dumps(found))
"""


class _Stay(HTTPRedirectHandler):
    """Answers are looked at, not followed."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    text: str
    headers: Message
    content: bytes = field(repr=False)


class Visitor:
    """Somebody at a browser, without scripts."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._cookies = CookieJar()
        self._open = build_opener(HTTPCookieProcessor(self._cookies), _Stay()).open

    def get(self, path: str, **headers: str) -> Answer:
        """The page at this path."""
        return self._send(Request(f"{self.url}{path}", headers=headers))

    def call(
        self, method: str, path: str, body: Any = None, *, is_ours: bool = True, **headers: str
    ) -> Answer:
        """A call of the API: with the session and the form's token, or with headers of its own."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if is_ours and "Authorization" not in sent:
            cookies = {cookie.name: cookie.value for cookie in self._cookies}
            sent["X-CSRFToken"] = cookies.get("ml-connector-csrf") or ""
        data = None if method == "GET" else json.dumps({} if body is None else body).encode()
        url = f"{self.url}/api/v1{path}"
        return self._send(Request(url, data=data, headers=sent, method=method))

    def post(self, path: str, fields: dict[str, Any], *, is_ours: bool = True) -> Answer:
        """A form sent; with the token of our own pages unless it comes from elsewhere."""
        token = {cookie.name: cookie.value for cookie in self._cookies}.get("ml-connector-csrf", "")
        sent = fields | ({"csrfmiddlewaretoken": token} if is_ours else {})
        return self._send(
            Request(f"{self.url}{path}", data=urlencode(sent, doseq=True).encode(), method="POST")
        )

    def sign_in(self, name: str, password: str = PASSWORD, *, way: str = "/") -> Answer:
        """The answer to name and password."""
        self.get("/sign-in/")
        return self.post("/sign-in/", {"name": name, "password": password, "next": way})

    def _send(self, request: Request) -> Answer:
        try:
            with self._open(request, timeout=WAIT_S) as reply:
                return _read(reply)
        except HTTPError as error:
            with error:
                return _read(error)


def _read(reply: Any) -> Answer:
    content = reply.read()
    text = content.decode("utf-8", errors="replace")
    return Answer(status=reply.status, text=text, headers=reply.headers, content=content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The pages of a project."""

    url: str
    project: Path
    run_id: str
    routes: list[tuple[str, str]]
    """Pages, and the right each asks for."""
    operations: list[tuple[str, str, str]]
    """What programs call: address, method and right."""
    samples: dict[str, str] = field(default_factory=dict)
    """Parts of addresses that lead to something which was planted."""
    signed_in: dict[str, Visitor] = field(default_factory=dict, repr=False)

    def visitor(self, name: str = "") -> Visitor:
        """Somebody who has signed in anew, unless no name is given."""
        visitor = Visitor(self.url)
        if name:
            assert visitor.sign_in(name).status == 302
        return visitor

    def member(self, role: str) -> Visitor:
        """Who has that role, signed in once for all tests; nobody signs them out."""
        if role not in self.signed_in:
            self.signed_in[role] = self.visitor(role)
        return self.signed_in[role]

    def house(self) -> Any:
        """The project's house, beside the serving process."""
        from ml_connector.wiring import open_house  # noqa: PLC0415 - only tests that ask pay.

        return open_house(self.project)


@pytest.fixture(scope="session")
def systems(start_company: StartCompany) -> Company:
    """A sandbox that nobody else uses: the server asks it whenever it likes while it lives."""
    return start_company()


@pytest.fixture(scope="session")
def site(
    systems: Company, fresh_state: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A project with one run of actuals and a person of each role, served by the command."""
    from ml_connector.ports import Role  # noqa: PLC0415 - as above.
    from ml_connector.wiring import open_house  # noqa: PLC0415 - as above.

    fill_lists(systems)
    root = tmp_path_factory.mktemp("pages") / "project"
    ProjectMaker(company=systems, root=root, state=fresh_state).make(**ONE_LEDGER)
    add_channels(root)
    add_schedules(root)
    with open_house(root, clock=systems.clock()) as house:
        run = house.run("actuals-fusion", {})
        for role in ROLES:
            house.add_person(role, password=PASSWORD, roles=[Role(role)])
        house.add_person("chief", password=PASSWORD, roles=list(Role))
        plant_schedules(house, run_id=run.run_id)
        samples = plant(house, run.run_id) | plant_alerts(house, run_id=run.run_id)
        samples["<path:file>"] = find_run_file(house, run.run_id)
    with serving_pages(root) as url:
        listed = list_routes(root)
        routes = [(path, right) for path, method, right in listed if not method]
        operations = [(path, method, right) for path, method, right in listed if method]
        yield Site(
            url=url, project=root, run_id=run.run_id, routes=routes, operations=operations,
            samples=samples,
        )  # fmt: skip


def find_run_file(house: Any, run_id: str) -> str:
    """A file of the run that the archive holds: what the model said of its load."""
    loads = house.records.loads.load_loads(run_id=run_id)
    found = next(load.result_hash for load in loads if len(load.result_hash) == 64)
    return f"{run_id}/{found}"


def list_routes(root: Path) -> list[tuple[str, str, str]]:
    """Address, method and right of all there is; pages answer whatever method they like."""
    done = subprocess.run(
        [sys.executable, "-c", LIST_ROUTES, str(root)],
        capture_output=True, text=True, check=True, env=_environment(),
    )  # fmt: skip
    return [(path, method, right) for path, method, right in json.loads(done.stdout)]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE_ROOT)}
