"""For every test: the network ends at this machine; the sandbox company, on a moved clock."""

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import structlog
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts
from tests.fakes.postgres import Postgres, running_postgres
from tests.fakes.rubbish import spare_rubbish
from tests.fakes.standing import Standing, lay_state
from tests.sampling import Case, choose_cases, find_implementation, load_examples

import ml_connector
from ml_connector.logs import OURS
from ml_connector.records import setup
from ml_connector.settings.project import PagesSettings
from ml_connector.wiring.pages import render_pages

SOURCE_ROOT = Path(ml_connector.__file__).parents[1]
HERE = Path(__file__).parent
WITHOUT_SOCKETS = {"unit", "laws"}
LOOPBACK = ["127.0.0.1", "::1", "localhost"]
LINES = 3_000
CASES_MAX = {"e2e": 1, "faults": 1, "contract": 2, "fidelity": 2, "unit": 4}
"""Like cases of one test that run at each change, by folder: the dearer, the fewer."""
LONGEST_S = 600
"""Tests that may take so long are begun first, the longest of them before the others."""
spare_rubbish()
# Whatever the caller's environment says: modules are compiled once, not by each worker and by each
# of the hundreds of processes that tests start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_sessionstart() -> None:
    """Django is set up once in a process: with pages, whichever test comes first."""
    load_examples(all_of_them=bool(os.environ.get("EXHAUSTIVE")))
    setup.configure(
        "sqlite:///nothing.db", secret_key="only for tests", pages=render_pages(PagesSettings())
    )
    _spare_hashing()


def _spare_hashing() -> None:
    """Passwords are hashed as before, but at the least cost: hundreds of tests make people."""
    from django.contrib.auth.hashers import Argon2PasswordHasher  # noqa: PLC0415 - once set up.

    Argon2PasswordHasher.time_cost = 1
    Argon2PasswordHasher.memory_cost = 8
    Argon2PasswordHasher.parallelism = 1


def pytest_collection_finish() -> None:
    """What there is by now, thousands of tests and modules, stays: no use to look through it."""
    spare_rubbish()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Unless all are asked for, only a few like cases of a test run, always the same.

    How many goes by the folder, but each implementation that a fixture stands for keeps its
    cases; what is marked `exhaustive` is left out. `make exhaustive` runs everything.
    """
    # Else the longest ends alone, long after all the others.
    items.sort(key=_find_length, reverse=True)
    if os.environ.get("EXHAUSTIVE"):
        return
    # First, or a case that is left out stands for those that are not.
    further = [item for item in items if item.get_closest_marker("exhaustive") is not None]
    others = [item for item in items if item.get_closest_marker("exhaustive") is None]
    chosen = list(choose_cases(map(_make_case, others)))
    kept = [item for item, runs in zip(others, chosen, strict=True) if runs]
    left = [item for item, runs in zip(others, chosen, strict=True) if not runs]
    # Somebody who names a single case wants just that one.
    if kept:
        config.hook.pytest_deselected(items=further + left)
        items[:] = kept


def _find_length(item: pytest.Item) -> int:
    limit = item.get_closest_marker("timeout")
    return limit.args[0] if limit and limit.args[0] >= LONGEST_S else 0


def _make_case(item: pytest.Item) -> Case:
    folder = item.path.relative_to(HERE).parts[0]
    return Case(
        test=item.nodeid.partition("[")[0],
        most=CASES_MAX.get(folder),
        implementation=find_implementation(item),
    )


@pytest.fixture(autouse=True)
def bounded_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """A unit that opens a socket fails; any other test reaches the loopback interface only."""
    folder = request.path.relative_to(HERE).parts[0]
    if folder in WITHOUT_SOCKETS:
        disable_socket(allow_unix_socket=True)
    else:
        socket_allow_hosts(LOOPBACK, allow_unix_socket=True)
    yield
    enable_socket()
    socket_allow_hosts(None)


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[None]:
    """What a test has set up for its log lines ends with it, as its streams do."""
    yield
    if not structlog.is_configured():
        return
    structlog.reset_defaults()
    root = logging.getLogger()
    root.handlers[:] = [
        one for one in root.handlers
        if not isinstance(one.formatter, structlog.stdlib.ProcessorFormatter)
    ]  # fmt: skip
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def postgres(standing: Standing) -> Iterator[Postgres]:
    """A PostgreSQL server for the session, or the one that `TEST_PG_URL` names.

    The variable names any database of it, by a user who may create others.
    """
    given = os.environ.get("TEST_PG_URL")
    if given:
        yield Postgres(url=given)
        return
    with running_postgres(standing.cluster()) as server:
        yield server


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Standing:
    """Where all workers of the session find what was made once for them."""
    own = tmp_path_factory.getbasetemp()
    # A worker's own folder lies in the session's.
    return Standing(folder=own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


@pytest.fixture(scope="session")
def fresh_state(standing: Standing) -> Path:
    """Databases of a project that holds nothing yet, for `lay_state`."""
    return standing.state()


@pytest.fixture(scope="session")
def object_store() -> Iterator[Any]:
    """An S3 server for the session: a `tests.fakes.s3.Store`."""
    from tests.fakes.s3 import running_store  # noqa: PLC0415 - pyarrow takes its time to load, and
    # the root conftest is read by every test process.

    with running_store() as server:
        yield server


@dataclass(slots=True)
class BridgedClock:
    """Our clock and the sandbox's move together: a wait of ours passes there too."""

    fusion: str
    at: datetime = field(default_factory=lambda: datetime(2026, 11, 22, 6, 0, tzinfo=UTC))

    def now(self) -> datetime:
        """The current instant."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Both clocks stand that many seconds later."""
        self.at += timedelta(seconds=seconds)
        call_control(self.fusion, "POST", "clock", {"advance_s": seconds})


def call_control(url: str, method: str, name: str, body: Any = None) -> Any:
    """The answer of a control operation of the sandbox."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{url}/__sandbox/{name}", data=data, method=method)
    try:
        with urlopen(request, timeout=60) as reply:
            content = reply.read()
    except HTTPError as error:
        with error:
            raise AssertionError(error.read().decode()) from error
    return json.loads(content) if content else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A running sandbox and the questions tests ask behind the product's back."""

    fusion: str
    anaplan: str
    jde: str
    state_dir: Path

    def clock(self) -> BridgedClock:
        """A clock that moves the sandbox's as well."""
        return BridgedClock(self.fusion)

    def erp(self, name: str, /, **body: Any) -> Any:
        """Do something in the ERP that no client could."""
        return call_control(self.fusion, "POST", name, body)["result"]

    def works(self, name: str, /, **body: Any) -> Any:
        """Do something in JD Edwards that no client could."""
        return call_control(self.jde, "POST", name, body)["result"]

    def model(self, name: str, /, **body: Any) -> Any:
        """Do something in the planning tenant that no client could."""
        return call_control(self.anaplan, "POST", name, body)["result"]

    def fail(self, url: str, **rule: Any) -> None:
        """The next requests that fit the rule are spoiled."""
        call_control(url, "POST", "faults", rule)

    def reset(self, *, jde: bool = False) -> None:
        """The servers are as on their first day; only the clock stands where it stood.

        JD Edwards only when it was used: its books take a while.
        """
        for url in (self.fusion, self.anaplan, *([self.jde] if jde else [])):
            call_control(url, "POST", "reset", {})

    def mend(self) -> None:
        """No request is spoiled any more."""
        for url in (self.fusion, self.anaplan, self.jde):
            call_control(url, "DELETE", "faults")

    def turn(self, url: str, **switches: Any) -> None:
        """Switches stand as given."""
        call_control(url, "POST", "switches", switches)

    def journal(self, url: str) -> list[dict[str, Any]]:
        """Every request the server has seen, oldest first."""
        return list(call_control(url, "GET", "journal")["lines"])

    def cells(self, module: str = "Actuals") -> dict[str, str]:
        """What the module holds: coordinates as text to the amount; zeros left out."""
        return {
            json.dumps(cell["coordinates"], sort_keys=True): str(cell["value"])
            for cell in self.model("read_cells", module=module)
            if cell["value"] not in (0, 0.0, "0", None, "")
        }

    def model_id(self, name: str = "Finance Planning") -> str:
        """The id of a planning model."""
        return str(call_control(self.anaplan, "GET", "info")["models"][name]["id"])

    def starts(self, action_path: str = "/imports/") -> list[str]:
        """Paths of the task starts the tenant has accepted, in order."""
        return [
            line["path"]
            for line in self.journal(self.anaplan)
            if line["method"] == "POST"
            and line["path"].endswith("/tasks")
            and action_path in line["path"]
            and line["status"] == 200
        ]


StartCompany = Callable[..., Company]


@pytest.fixture(scope="session")
def start_company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartCompany]:
    """Starts sandbox processes; they end with the session."""
    with ExitStack() as stack:

        def start(lines: int = LINES) -> Company:
            state = tmp_path_factory.mktemp("sandbox")
            process = stack.enter_context(
                subprocess.Popen(
                    [
                        sys.executable, "-m", "ml_connector.sandbox", "--state", str(state),
                        "--lines", str(lines), "--clock", "virtual", "--exit-with-stdin",
                    ],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                    env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
                )
            )  # fmt: skip
            stack.callback(process.kill)
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            return Company(
                fusion=ready["fusion"], anaplan=ready["anaplan"], jde=ready["jde"], state_dir=state
            )

        yield start


@pytest.fixture(scope="session")
def shared_company(start_company: StartCompany) -> Company:
    """One sandbox for the session; `company` hands it out reset."""
    return start_company()


@pytest.fixture
def company(shared_company: Company) -> Company:
    """The sandbox as on its first day."""
    shared_company.reset()
    return shared_company


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectMaker:
    """Writes project folders for the company, cut to what a test needs."""

    company: Company
    root: Path
    state: Path | None = None
    """Databases that the project begins with; without, its first command migrates its own."""

    def make(self, *, jde: bool = False, **changes: Any) -> Path:
        """A project folder; `changes` replace keys of its first actuals flow.

        With `jde` that is flows/actuals-jde.yaml; without, the project knows nothing of JD Edwards.
        """
        from ml_connector.wiring import write_sandbox_project  # noqa: PLC0415 - the root conftest
        # is read by every test process.

        if self.state is not None:
            lay_state(self.state, self.root)
        write_sandbox_project(
            self.root,
            fusion_url=self.company.fusion,
            anaplan_url=self.company.anaplan,
            jde_url=self.company.jde if jde else "",
        )
        flow = "actuals-jde" if jde else "actuals-fusion"
        change_yaml(self.root / "flows" / f"{flow}.yaml", changes)
        return self.root


@pytest.fixture
def projects(company: Company, fresh_state: Path, tmp_path: Path) -> ProjectMaker:
    """Makes a project folder for the company."""
    return ProjectMaker(company=company, root=tmp_path / "project", state=fresh_state)


ONE_LEDGER: dict[str, Any] = {
    "first_month": "2026-09",
    "ledgers": ["Halden US"],
    "dimensions_flow": None,
}
LISTS = {
    "Entities": ("Halden Company", "Halden Global Entity"),
    "Accounts": ("Halden Account", "Halden Global Account"),
    "Cost Centres": ("Halden Cost Centre", "Halden Global Department"),
}
ACTUALS = "actuals-fusion"
LOAD_ACTUALS = "112000000005"


@dataclass(slots=True)
class Office:
    """A project of one ledger from September on, each command in a house of its own."""

    company: Company
    root: Path
    clock: BridgedClock
    on_step: Callable[[str, str, str], None] | None = None
    """Told (run id, step name, state) of each step, in the midst of the run."""

    def run(self, flow: str = ACTUALS, **request: Any) -> Any:
        """A run of the flow that ended."""
        from ml_connector.wiring import open_house  # noqa: PLC0415 - as above.

        with open_house(self.root, clock=self.clock, on_step=self.on_step) as house:
            return house.run(flow, request)

    def resume(self, run_id: str) -> Any:
        """A stopped run that went on to its end."""
        from ml_connector.wiring import open_house  # noqa: PLC0415 - as above.

        with open_house(self.root, clock=self.clock, on_step=self.on_step) as house:
            return house.resume(run_id)

    def fail(self, action: Callable[..., Any], *args: Any, **request: Any) -> tuple[Any, Any]:
        """The error that `run` or `resume` stopped with, and the newest run as it stands."""
        from ml_connector.errors import ConnectorError  # noqa: PLC0415 - as above.

        with pytest.raises(ConnectorError) as caught:
            action(*args, **request)
        return caught.value, self.newest()

    def newest(self) -> Any:
        """The newest run in the history."""
        from ml_connector.wiring import open_house  # noqa: PLC0415 - as above.

        with open_house(self.root, clock=self.clock) as house:
            return next(iter(house.records.runs.load_runs(limit=1)), None)

    def change(self, file: str = f"flows/{ACTUALS}.yaml", **changes: Any) -> None:
        """Keys of a project file stand as given; None takes one away."""
        change_yaml(self.root / file, changes)

    def map(self, *rules: str) -> None:
        """The mapping file holds these rules, written `dimension,when,target`."""
        lines = ["dimension,when,target,precedence,valid_from,valid_to,note"]
        lines += [f"{rule},,,," for rule in rules]
        path = self.root / "mappings" / f"{ACTUALS}.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def tasks(self, action_id: str = LOAD_ACTUALS) -> list[str]:
        """Ids of the tasks of an action the tenant has, answered or not, oldest first."""
        found = self.company.model("read_tasks")
        return [task["task"] for task in found if task["object"] == action_id]


def change_yaml(path: Path, changes: dict[str, Any]) -> None:
    """Keys of a YAML file stand as given; None takes one away."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - as above.

    yaml = YAML()
    content = yaml.load(path)
    content.update(changes)
    for key in [key for key, value in content.items() if value is None]:
        del content[key]
    with path.open("w") as out:
        yaml.dump(content, out)


def fill_lists(company: Company) -> None:
    """The model's lists hold every code of the company; quicker than a run of F1."""
    from ml_connector.sandbox.company.accounts import find_value_set  # noqa: PLC0415 - as above.

    for name, value_sets in LISTS.items():
        found = [find_value_set(code) for code in value_sets]
        codes = {value.value for each in found if each is not None for value in each.values}
        company.model("add_items", list=name, items=[{"code": code} for code in sorted(codes)])
    company.model("add_items", list="Currencies", items=[{"code": "USD"}, {"code": "JPY"}])


@pytest.fixture(scope="session")
def office_template(
    shared_company: Company, fresh_state: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A project whose databases stand already: making them takes longer than a run."""
    from ml_connector.wiring import open_house  # noqa: PLC0415 - as above.

    root = tmp_path_factory.mktemp("office") / "project"
    ProjectMaker(company=shared_company, root=root, state=fresh_state).make(**ONE_LEDGER)
    with open_house(root, clock=shared_company.clock()) as house:
        assert house.engine is not None
    return root


@pytest.fixture
def office(company: Company, office_template: Path, tmp_path: Path) -> Office:
    """A fresh project of one ledger; the model's lists are filled."""
    fill_lists(company)
    root = tmp_path / "office"
    shutil.copytree(office_template, root)
    return Office(company=company, root=root, clock=company.clock())


@pytest.fixture(scope="session")
def quiet_cells(
    shared_company: Company, office_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What the model holds after a run of the office that nothing disturbed."""
    shared_company.reset()
    fill_lists(shared_company)
    root = tmp_path_factory.mktemp("quiet") / "project"
    shutil.copytree(office_template, root)
    run = Office(company=shared_company, root=root, clock=shared_company.clock()).run()
    assert str(run.state) == "succeeded"
    return shared_company.cells()
