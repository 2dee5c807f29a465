"""A project of JD Edwards cut to what a test needs, and what can be asked and done behind it."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import call_control, change_yaml

from ml_connector.errors import ConnectorError
from ml_connector.ports import RunRow
from ml_connector.wiring import open_house

FLOW = "actuals-jde"
DIMENSIONS = "dimensions-jde"
MODULE = "JDE Actuals"
CONNECTION = "jde-sandbox"
COMPANIES = ["00001", "00077", "00200", "00300"]
ONE_COMPANY: dict[str, Any] = {
    "first_month": "2026-09", "ledgers": ["00001"], "dimensions_flow": None,
}  # fmt: skip
"""Two closed months and the open one of the largest company: a run of seconds."""


@dataclass(slots=True)
class BooksDesk:
    """Opens the project's house anew for each command, as a person would."""

    company: Any
    root: Path
    clock: Any
    on_step: Callable[[str, str, str], None] | None = None

    # --- commands ---------------------------------------------------------------------------------

    def run(self, flow: str = FLOW, **request: Any) -> RunRow:
        """A run of the flow that ended."""
        with open_house(self.root, clock=self.clock, on_step=self.on_step) as house:
            return house.run(flow, request)

    def resume(self, run_id: str) -> RunRow:
        """A stopped run that went on to its end."""
        with open_house(self.root, clock=self.clock, on_step=self.on_step) as house:
            return house.resume(run_id)

    def fail(self, flow: str = FLOW, **request: Any) -> tuple[Any, RunRow]:
        """The error a run stopped with, and the run as it stands."""
        with pytest.raises(ConnectorError) as caught:
            self.run(flow, **request)
        return caught.value, self.newest()

    def newest(self) -> RunRow:
        """The newest run in the history."""
        with open_house(self.root, clock=self.clock) as house:
            return next(iter(house.records.runs.load_runs(limit=1)))

    def check(self) -> dict[str, Any]:
        """What doctor finds of the connection, by subject; the worst of each."""
        with open_house(self.root, clock=self.clock) as house:
            return {check.subject: check for check in house.system(CONNECTION).check()}

    # --- settings ---------------------------------------------------------------------------------

    def change(self, **changes: Any) -> None:
        """Keys of the flow stand as given; None takes one away."""
        self._change(f"flows/{FLOW}.yaml", changes)

    def connect(self, **changes: Any) -> None:
        """Keys of the connection stand as given; None takes one away."""
        self._change(f"connections/{CONNECTION}.yaml", changes)

    def sign_on_as(self, user: str) -> None:
        """The connection's user is this one."""
        auth = {"method": "password", "user": user, "password": f"secret:{CONNECTION}.password"}
        self.connect(auth={**auth, "environment": "JPY920", "role": "*ALL"})

    def save_password(self, plain: str) -> None:
        """The connection's secret is this."""
        with open_house(self.root, clock=self.clock) as house:
            house.save_secret(f"{CONNECTION}.password", plain)

    def _change(self, file: str, changes: dict[str, Any]) -> None:
        change_yaml(self.root / file, changes)

    # --- the server -------------------------------------------------------------------------------

    def turn(self, **switches: Any) -> None:
        """Switches of JD Edwards stand as given."""
        self.company.turn(self.company.jde, **switches)

    def spoil(self, **rule: Any) -> None:
        """The next requests to JD Edwards that fit the rule are spoiled."""
        self.company.fail(self.company.jde, **rule)

    def do(self, name: str, /, **body: Any) -> Any:
        """Something happens in JD Edwards that no client could do."""
        return self.company.works(name, **body)

    def pass_days(self, days: float) -> None:
        """It is so much later, here and there."""
        self.clock.sleep(days * 86_400)

    def sessions(self) -> list[Any]:
        """Sessions the server holds open."""
        return list(self.do("list_sessions"))

    def calls(self, ending: str) -> list[dict[str, Any]]:
        """Requests to a path of the server that ends so, oldest first."""
        lines = self.company.journal(self.company.jde)
        return [line for line in lines if line["path"].partition("?")[0].endswith(ending)]

    @property
    def logins(self) -> int:
        """Log-ins that were asked for."""
        return len(self.calls("/tokenrequest"))

    def books(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the server's raw tables; written to, where the statement says so."""
        path = self.company.state_dir / "jde.sqlite"
        with closing(sqlite3.connect(path, timeout=30)) as tables, tables:
            return tables.execute(sql, values).fetchall()

    def enter(self, amount: str, day: str = "2026-10-20", **changes: Any) -> Any:
        """A travel expense paid from the bank, posted unless `post` is false."""
        lines = [
            {"account": "30.8720", "amount": amount},
            {"account": "1.1110.BEAR", "amount": f"-{amount}"},
        ]
        entry = {"company": "00001", "gl_date": day, "lines": lines, "post": True}
        return self.do("create_journal", **{**entry, "may_be_prior": True, **changes})

    # --- the model --------------------------------------------------------------------------------

    def fill_lists(self) -> None:
        """The model's lists hold every code of the books; quicker than a run of F1."""
        accounts = self.books("SELECT DISTINCT trim(OBJ), trim(SUB) FROM F0901")
        units = self.books("SELECT trim(MCU) FROM F0006")
        lists = {
            "JDE Companies": COMPANIES,
            "JDE Accounts": [f"{obj}.{sub}" if sub else obj for obj, sub in accounts],
            "JDE Business Units": [unit for (unit,) in units],
            "Currencies": [code for (code,) in self.books("SELECT trim(CRCD) FROM F0013")],
        }
        for name, codes in lists.items():
            items = [{"code": code} for code in sorted(codes)]
            self.company.model("add_items", list=name, items=items)

    def cells(self) -> dict[str, str]:
        """What the model holds, by intersection."""
        return dict(self.company.cells(MODULE))

    def travel(self, month: str = "Oct 26") -> Decimal:
        """What the model holds in a month of the expense that `enter` posts to."""
        found = [
            Decimal(value)
            for key, value in self.cells().items()
            if (at := json.loads(key))["Time"] == month
            and (at["JDE Accounts"], at["JDE Business Units"]) == ("8720", "30")
        ]
        return sum(found, Decimal(0))

    def loads(self) -> int:
        """Loads of the module that the model has started."""
        return len(self.company.starts())


def cut_project(root: Path) -> None:
    """The project knows actuals and members of JD Edwards alone.

    Reading the files of a project takes a good part of a command.
    """
    kept = {FLOW, DIMENSIONS, CONNECTION, "anaplan-sandbox"}
    for file in (*root.glob("flows/*.yaml"), *root.glob("connections/*.yaml")):
        if file.stem not in kept:
            file.unlink()


def build_desk(company: Any, root: Path) -> BooksDesk:
    """A desk whose clock stands where the server's does."""
    clock = company.clock()
    clock.at = datetime.fromisoformat(call_control(company.jde, "GET", "clock")["now"])
    return BooksDesk(company=company, root=root, clock=clock)


def unexplained(row: RunRow) -> set[str]:
    """The unexplained amounts of a run's tie-out."""
    return {its["unexplained"] for its in row.summary["tie_out"]}


def after_step(name: str, act: Callable[[], Any]) -> Callable[[str, str, str], None]:
    """Does something once, when the first step of a name that begins so is done."""
    acts = [act]

    def listen(_run_id: str, step: str, state: str) -> None:
        if acts and step.startswith(name) and state == "done":
            acts.pop()()

    return listen
