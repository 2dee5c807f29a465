"""A supplier flow on real sockets: what planners revise, what Fusion holds, asked over the wire."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from tests.conftest import call_control, change_yaml
from tests.fakes.writing_desk import WritingDesk

from ml_connector.errors import ConnectorError
from ml_connector.ports import Check, Posting, RunRow

FLOW = "supplier-revisions-fusion"
LIST_FLOW = "suppliers-fusion"
CONNECTIONS = ("anaplan-sandbox", "fusion-sandbox")
EXPORT = "Supplier Revisions"
MAKER, CONTROLLER = "maker@halden", "controller@halden"
REST = "/fscmRestApi/resources/11.13.18.05"
SUPPLIERS, JOBS = f"{REST}/suppliers", f"{REST}/erpintegrations"
ONE, MANY = rf"{SUPPLIERS}/\d+$", rf"{SUPPLIERS}$"
READER = base64.b64encode(b"INTEGRATION.USER:halden-password").decode()
PAGE = 500
NOBODY_ASKED: dict[str, Any] = {"approval": {"people": 0}}
Row = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class PodDesk(WritingDesk):
    """Acts as one person at a time; every command opens the house anew."""

    company: Any
    root: Path
    clock: Any
    actor: str = MAKER
    on_step: Callable[[str, str, str], None] | None = None
    seen: int = field(default=0)
    """Requests the pod had answered when the test began."""

    # --- commands ---------------------------------------------------------------------------------

    def run(self, flow: str = FLOW, **request: Any) -> RunRow:
        """A run of the flow that ended."""
        with self.house() as house:
            return house.run(flow, request)

    def fail(self, **request: Any) -> Any:
        """The error a run stopped with, or was not begun for."""
        with pytest.raises(ConnectorError) as caught:
            self.run(**request)
        return caught.value

    def newest(self) -> RunRow:
        """The newest run in the history."""
        with self.house() as house:
            return next(iter(house.records.runs.load_runs(limit=1)))

    def doctor(self) -> dict[str, Check]:
        """What doctor finds of the flow."""
        return self.look_at(FLOW)

    def postings(self) -> dict[str, Posting]:
        """The newest posting of each supplier, by subject."""
        with self.house() as house:
            found = house.records.postings.load_postings()
        return {one.subject: one for one in reversed(found)}

    def states(self) -> dict[str, str]:
        """States of the newest postings by subject."""
        return {subject: str(one.state) for subject, one in self.postings().items()}

    def change(self, **changes: Any) -> None:
        """Keys of the flow stand as given; None takes one away."""
        change_yaml(self.root / f"flows/{FLOW}.yaml", changes)

    # --- the model --------------------------------------------------------------------------------

    def stock(self, *numbers: str, **values: str) -> None:
        """The model's list has these suppliers of Fusion, each with the values; quicker than F4."""
        held = self.held()
        wanted = [
            {"code": number, "name": f"{number} {held[number]['Supplier']}", "values": values}
            for number in numbers
        ]
        self.company.model("add_suppliers", suppliers=wanted)

    def revise(self, revised: dict[str, Row]) -> None:
        """Planners have written these values, by supplier and header."""
        suppliers = [{"code": code, "values": values} for code, values in revised.items()]
        self.company.model("revise_suppliers", suppliers=suppliers)

    def form(self, **values: str) -> None:
        """The export is made in this form."""
        self.company.model("set_export_form", export=EXPORT, **values)

    def turn_model(self, **switches: Any) -> None:
        """Switches of the tenant stand as given; a double underscore in a name is the dot."""
        named = {name.replace("__", "."): value for name, value in switches.items()}
        self.company.turn(self.company.anaplan, **named)

    # --- the pod ----------------------------------------------------------------------------------

    def turn(self, **switches: Any) -> None:
        """Switches of the pod stand as given."""
        self.company.turn(self.company.fusion, **switches)

    def spoil(self, **rule: Any) -> None:
        """The next requests to the pod that fit the rule are spoiled."""
        self.company.fail(self.company.fusion, **rule)

    def alter(self, number: str, **members: Any) -> None:
        """A clerk changes the supplier on the pod's own pages."""
        self.company.erp("change_supplier", SupplierNumber=number, **members)

    def held(self, condition: str = "SupplierId > 0") -> dict[str, Row]:
        """Suppliers by number as anybody else reads them over the wire."""
        url = (
            f"{self.company.fusion}{SUPPLIERS}?q={quote(condition)}&onlyData=true&limit={PAGE}"
            "&orderBy=SupplierId:asc"
        )
        headers = {"Authorization": f"Basic {READER}", "REST-Framework-Version": "4"}
        with urlopen(Request(url, headers=headers), timeout=60) as reply:
            items = json.loads(reply.read()).get("items", [])
        assert len(items) < PAGE, "more suppliers than one page holds"
        return {item["SupplierNumber"]: item for item in items}

    def changed_since(self, before: dict[str, Row]) -> dict[str, Row]:
        """Whatever members stand otherwise than before, by supplier; who and when left out."""
        after = self.held()
        assert set(before) <= set(after), "a supplier is gone"
        return {
            number: found
            for number, row in after.items()
            if (
                found := {
                    name: value
                    for name, value in row.items()
                    if name not in STAMPS and value != before.get(number, {}).get(name)
                }
            )
        }

    def writes(self, path: str = "") -> list[Row]:
        """Requests that would write and reached the pod in this test, oldest first."""
        return [
            line
            for line in self.company.journal(self.company.fusion)[self.seen :]
            if line["method"] in {"PATCH", "POST"} and REST in line["path"] and path in line["path"]
        ]


STAMPS = frozenset({"LastUpdateDate", "LastUpdatedBy", "CreationDate", "CreatedBy"})


def build_pod_desk(company: Any, root: Path, **changes: Any) -> PodDesk:
    """A desk of a project that stands already and knows these two flows alone."""
    for file in (*root.glob("flows/*.yaml"), *root.glob("connections/*.yaml")):
        if file.stem not in {FLOW, LIST_FLOW, *CONNECTIONS}:
            file.unlink()
    clock = company.clock()
    clock.at = datetime.fromisoformat(call_control(company.fusion, "GET", "clock")["now"])
    desk = PodDesk(company=company, root=root, clock=clock)
    desk.change(**changes)
    desk.seen = len(company.journal(company.fusion))
    return desk
