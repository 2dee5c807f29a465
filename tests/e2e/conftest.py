"""Commands as somebody types them: in this process, streams apart, on the moved clock."""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.books_desk import ONE_COMPANY, BooksDesk, build_desk, cut_project

SECRETS = ("halden-secret", "halden-password")


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What a command left: its exit code, what it printed where."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The data, parsed; nothing else may stand on stdout."""
        return json.loads(self.out)

    @property
    def csv(self) -> list[dict[str, str]]:
        """The rows of the listing by column title."""
        return list(csv.DictReader(io.StringIO(self.out), strict=True))

    @property
    def markdown(self) -> list[list[str]]:
        """The cells of a markdown table, titles first; every row as wide as the first."""
        rows = [line[2:-2].split(" | ") for line in self.out.splitlines() if line]
        assert len({len(row) for row in rows}) == 1, "the rows differ in width"
        assert set("".join(rows[1])) <= {"-", ":"}, "the second line is no rule"
        return [rows[0], *rows[2:]]

    @property
    def hints(self) -> list[str]:
        """The next commands that were named."""
        return [line[6:] for line in self.err.splitlines() if line.startswith("hint: ")]


@dataclass(slots=True)
class Terminal:
    """Types commands into a project; secrets on any stream fail the test."""

    project: Path | None = None
    typed: list[tuple[str, ...]] = field(default_factory=list)

    def type(
        self, *arguments: str, stdin: str = "", sits: bool = False, cwd: bool = False
    ) -> Printed:
        """What `ml-connector ARGUMENTS` leaves.

        Args:
            *arguments: After the program's name.
            stdin: What is typed or piped into the command.
            sits: Somebody sits at a terminal and types; else it is piped.
            cwd: Leaves the project to be found.
        """
        from ml_connector.cli.main import run_command  # noqa: PLC0415 - costs what it costs a
        # command; only the tests that type pay.

        self.typed.append(arguments)
        where = [] if cwd or self.project is None else ["--project", str(self.project)]
        out, err = io.StringIO(), io.StringIO()
        with (
            redirect_stdout(out),
            redirect_stderr(err),
            _typed(Keyboard(stdin) if sits else io.StringIO(stdin)),
        ):
            code = run_command([*arguments, *where])
        printed = Printed(code=code, out=out.getvalue(), err=err.getvalue())
        for secret in SECRETS:
            assert secret not in printed.out + printed.err, f"{arguments} printed a secret"
        assert "\x1b" not in printed.out + printed.err, f"{arguments} printed colours to a pipe"
        return printed


class Keyboard(io.StringIO):
    """A terminal somebody types at."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@contextmanager
def _typed(stream: io.StringIO) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", stream)
        yield


def move_clock(patch: pytest.MonkeyPatch, clock: Any) -> None:
    """Commands of this process take their time from that clock."""
    patch.setattr("ml_connector.wiring.stopping.machine_clock", lambda _stop: clock)
    patch.delenv("ML_CONNECTOR_PROJECT", raising=False)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal without a project."""
    monkeypatch.delenv("ML_CONNECTOR_PROJECT", raising=False)
    return Terminal()


@pytest.fixture
def typist(office: Any, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal in the office's project."""
    move_clock(monkeypatch, office.clock)
    return Terminal(office.root)


@pytest.fixture(scope="module")
def archive_desk(
    shared_company: Any,
    office_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Terminal]:
    """A terminal in a project that has loaded three months, with one refused summary in the last.

    For tests that only read: it is made once per module, which asks for no other company.
    """
    shared_company.reset()
    root = tmp_path_factory.mktemp("archive") / "project"
    shutil.copytree(office_template, root)
    with pytest.MonkeyPatch.context() as patch:
        clock = shared_company.clock()
        move_clock(patch, clock)
        terminal = Terminal(root)
        assert terminal.type("run", "dimensions-fusion").code == 0
        assert terminal.type("run", "actuals-fusion").code == 0
        rules = root / "mappings" / "actuals-fusion.csv"
        header, _, rest = rules.read_text().partition("\n")
        rules.write_text(f"{header}\naccount,account=6899*,69990,,,,A member there is not.\n{rest}")
        shared_company.erp("late_journals")
        clock.sleep(60)
        assert terminal.type("run", "actuals-fusion").code == 3
        yield terminal


@pytest.fixture(scope="session")
def books_template(
    shared_company: Any, fresh_state: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A project of one company of JD Edwards whose databases stand already."""
    from tests.conftest import ProjectMaker  # noqa: PLC0415 - only tests of JD Edwards pay.

    from ml_connector.wiring import open_house  # noqa: PLC0415 - as above.

    root = tmp_path_factory.mktemp("books") / "project"
    maker = ProjectMaker(company=shared_company, root=root, state=fresh_state)
    maker.make(jde=True, **ONE_COMPANY)
    cut_project(root)
    with open_house(root, clock=build_desk(shared_company, root).clock) as house:
        assert house.engine is not None
    return root


@pytest.fixture
def books_desk(company: Any, books_template: Path, tmp_path: Path) -> Iterator[BooksDesk]:
    """A fresh project of one company; no session may outlive the test."""
    company.reset(jde=True)
    root = tmp_path / "books"
    shutil.copytree(books_template, root)
    desk = build_desk(company, root)
    desk.fill_lists()
    yield desk
    assert desk.sessions() == []


@pytest.fixture(scope="session")
def quiet_books(
    shared_company: Any, books_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What the model holds after a run of that project that nothing disturbed."""
    shared_company.reset(jde=True)
    root = tmp_path_factory.mktemp("quiet") / "books"
    shutil.copytree(books_template, root)
    desk = build_desk(shared_company, root)
    desk.fill_lists()
    assert str(desk.run().state) == "succeeded"
    return desk.cells()


@pytest.fixture(scope="session")
def budget_template(
    shared_company: Any, fresh_state: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A project with one small budget flow whose databases stand already."""
    from tests.conftest import ProjectMaker  # noqa: PLC0415 - only tests of budgets pay.
    from tests.fakes.budget_desk import SMALL, BudgetDesk  # noqa: PLC0415 - as above.

    from ml_connector.wiring import open_house  # noqa: PLC0415 - as above.

    root = tmp_path_factory.mktemp("budgets") / "project"
    ProjectMaker(company=shared_company, root=root, state=fresh_state).make(jde=True)
    desk = BudgetDesk(company=shared_company, root=root, clock=shared_company.clock())
    desk.change(**SMALL)
    with open_house(root, clock=desk.clock) as house:
        assert house.engine is not None
    return root


@pytest.fixture
def budget_desk(company: Any, budget_template: Path, tmp_path: Path) -> Iterator[Any]:
    """A fresh project that posts a budget; no session may outlive the test."""
    from tests.fakes.budget_desk import build_budget_desk  # noqa: PLC0415 - as above.

    company.reset(jde=True)
    root = tmp_path / "budgets"
    shutil.copytree(budget_template, root)
    made = build_budget_desk(company, root)
    yield made
    assert made.sessions() == []


@pytest.fixture
def approved(budget_desk: Any) -> Any:
    """What planners approve: the plan held already, some accounts moved, and some new ones."""
    amounts = budget_desk.held()
    for number, key in enumerate(sorted(amounts)):
        amounts[key] += Decimal("0.01") * number
    spare = [place for place in budget_desk.places if (place, "Oct 26") not in amounts]
    for number, place in enumerate(spare[:4]):
        amounts[place, "Oct 26"] = Decimal("1250.50") * (number + 1)
        amounts[place, "Nov 26"] = Decimal(-300)
    budget_desk.plan(amounts)
    return amounts
