"""A budget flow on real sockets: what planners approve, what the ledger then holds, counted raw."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from tests.fakes.books_desk import CONNECTION, BooksDesk, build_desk
from tests.fakes.writing_desk import WritingDesk

from ml_connector.errors import ConnectorError
from ml_connector.ports import Check, Posting, RunRow
from ml_connector.wiring import House

FLOW = "budgets-jde"
ORCHESTRATION = "/orchestrator/PLN_PostBudgetJournal"
MAKER, CONTROLLER, DIRECTOR = "maker@halden", "controller@halden", "director@halden"
MONTHS = {"Oct 26": 10, "Nov 26": 11}
PLACES_OF_CENTS = Decimal("0.01")
SMALL: dict[str, Any] = {
    "ledgers": ["00001/BA"], "last_month": "2026-11", "approval": {"people": 0},
}  # fmt: skip
"""Two months of one company; nobody is asked."""
REVENUE = "4"
"""First digit of the object accounts whose sign the model turns."""


class Place(NamedTuple):
    """An account of company 00001 as the model and as the ledger name it."""

    aid: str
    unit: str
    account: str

    @property
    def sign(self) -> int:
        """What an amount of the model is multiplied by to be the ledger's."""
        return -1 if self.account.startswith(REVENUE) else 1


Amounts = dict[tuple[Place, str], Decimal]
"""In the ledger's sign, by account and month."""


@dataclass(slots=True)
class BudgetDesk(WritingDesk, BooksDesk):
    """Acts as one person at a time; every command opens the house anew."""

    actor: str = MAKER
    places: list[Place] = field(default_factory=list)
    timeout_s: int = 0
    """Seconds an answer of the orchestration is waited for; fewer than settings would allow."""

    # --- commands ---------------------------------------------------------------------------------

    def _prepare(self, house: House) -> None:
        if not self.timeout_s:
            return
        connections: Any = house.project.connections
        settings = connections[CONNECTION]
        changed = settings.orchestration.model_copy(update={"timeout_s": self.timeout_s})
        connections[CONNECTION] = settings.model_copy(update={"orchestration": changed})

    def run(self, flow: str = FLOW, **request: Any) -> RunRow:
        """A run of the flow that ended."""
        with self.house() as house:
            return house.run(flow, request)

    def fail(self, flow: str = FLOW, **request: Any) -> tuple[Any, RunRow]:
        """The error a run stopped with, and the run as it stands."""
        with pytest.raises(ConnectorError) as caught:
            self.run(flow, **request)
        return caught.value, self.newest()

    def doctor(self) -> dict[str, Check]:
        """What doctor finds of the flow."""
        return self.look_at(FLOW)

    def postings(self) -> list[Posting]:
        """All postings, oldest first."""
        with self.house() as house:
            return list(reversed(house.records.postings.load_postings()))

    def change(self, **changes: Any) -> None:
        """Keys of the flow stand as given; None takes one away."""
        self._change(f"flows/{FLOW}.yaml", changes)

    # --- the model --------------------------------------------------------------------------------

    def plan(self, amounts: Mapping[tuple[Place, str], Any], **body: Any) -> None:
        """The view shows these amounts, given in the ledger's sign, and no others."""
        cells = [
            {
                "company": "00001", "account": place.account, "business_unit": place.unit,
                "period": month, "amount": str(Decimal(amount) * place.sign),
            }
            for (place, month), amount in amounts.items()
        ]  # fmt: skip
        self.company.model("fill_budget", cells=cells, **body)

    # --- the ledger, raw --------------------------------------------------------------------------

    def held(self, *, posted: bool | None = None) -> Amounts:
        """Lines of ledger type BA in the flow's months, by account; zeros left out."""
        post = {None: "", True: " AND POST = 'P'", False: " AND POST <> 'P'"}[posted]
        rows = self.books(
            "SELECT trim(AID), PN, SUM(AA) FROM F0911 WHERE trim(CO) = '00001' AND LT = 'BA'"
            f" AND FY = 26 AND PN IN (10, 11){post} GROUP BY 1, 2"
        )
        return self._name(((aid, number, amount) for aid, number, amount in rows))

    def balances(self) -> Amounts:
        """Balances of ledger type BA in the same months."""
        rows = self.books(
            "SELECT trim(AID), SUM(AN10), SUM(AN11) FROM F0902 WHERE trim(CO) = '00001'"
            " AND LT = 'BA' AND FY = 26 GROUP BY 1"
        )
        return self._name(
            (aid, number, amount)
            for aid, *both in rows
            for number, amount in zip(MONTHS.values(), both, strict=True)
        )

    def _name(self, rows: Any) -> Amounts:
        months = {number: month for month, number in MONTHS.items()}
        known = {place.aid: place for place in self.places}
        return {
            (known[aid], months[number]): Decimal(amount) * PLACES_OF_CENTS
            for aid, number, amount in rows
            if amount
        }

    def documents(self, key: str) -> list[str]:
        """Documents that bear the key, as they are named in F0911."""
        return [f"00001-{kind}-{number}" for kind, number, _ in self.keyed().get(key, [])]

    def keyed(self) -> dict[str, list[tuple[str, int, int]]]:
        """Documents by posting key: type, number and count of lines, all raw."""
        found: dict[str, list[tuple[str, int, int]]] = {}
        for key, kind, number, lines in self.books(
            "SELECT trim(R2), trim(DCT), DOC, COUNT(*) FROM F0911 WHERE LT = 'BA'"
            " AND trim(R2) <> '' GROUP BY 1, 2, 3 ORDER BY 3"
        ):
            found.setdefault(key, []).append((kind, number, lines))
        return found

    def close_account(self, place: Place, edit_code: str = "I") -> None:
        """The account has another posting edit code: inactive, heading, units."""
        self.books("UPDATE F0901 SET PEC = ? WHERE trim(AID) = ?", edit_code, place.aid)

    def post_batches(self) -> None:
        """R09801 posts whatever batch of ours waits."""
        for (number,) in self.books(
            "SELECT DISTINCT ICU FROM F0911 WHERE LT = 'BA' AND POST <> 'P' AND trim(R2) <> ''"
        ):
            self.do("post_batch", batch=f"G-{number}")

    def sends(self) -> int:
        """Calls of the orchestration that reached the server's door."""
        return len(self.calls(ORCHESTRATION))


def build_budget_desk(company: Any, root: Any) -> BudgetDesk:
    """A desk of a project that stands already; its places are those of company 00001."""
    plain = build_desk(company, root)
    desk = BudgetDesk(company=company, root=root, clock=plain.clock)
    desk.places = [
        Place(aid, unit, f"{obj}.{sub}" if sub else obj)
        for aid, unit, obj, sub in desk.books(
            "SELECT trim(AID), trim(MCU), trim(OBJ), trim(SUB) FROM F0901"
            " WHERE trim(CO) = '00001' AND trim(PEC) = '' AND trim(OBJ) BETWEEN '4000' AND '8999'"
            " ORDER BY trim(MCU), trim(OBJ), trim(SUB)"
        )
    ]
    return desk


def once_at(step: str, act: Callable[[], Any]) -> Callable[[str, str, str], None]:
    """Does something once, when a step whose name begins so has begun."""
    acts = [act]

    def listen(_run_id: str, name: str, state: str) -> None:
        if acts and name.startswith(step) and state == "started":
            acts.pop()()

    return listen
