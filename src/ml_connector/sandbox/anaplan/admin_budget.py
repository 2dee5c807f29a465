"""What planners do to the budget of JD Edwards' companies, without their pages."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ml_connector.sandbox.anaplan.data import Cell, Changes, ItemList, Key, ModelData
from ml_connector.sandbox.anaplan.definitions import TIME_ID, VERSIONS_ID
from ml_connector.sandbox.anaplan.runtime import ModelRuntime
from ml_connector.sandbox.anaplan.seed_jde import ACCOUNTS, BUSINESS_UNITS, COMPANIES
from ml_connector.sandbox.anaplan.seed_jde_budget import AMOUNT

if TYPE_CHECKING:
    from ml_connector.sandbox.anaplan.server import AnaplanServer

_LISTS = {"company": COMPANIES, "account": ACCOUNTS, "business_unit": BUSINESS_UNITS}
_CELLS_MAX = 100_000
Body = dict[str, Any]


class BudgetDesk:
    """Registers the operation; `find_model` tells the model a body means."""

    def __init__(self, server: "AnaplanServer", find_model: Callable[[Body], ModelRuntime]) -> None:
        self._server = server
        self._model = find_model
        server.add_admin("fill_budget", self.fill_budget)

    def fill_budget(self, body: Body) -> Body:
        """The version {version} of the budget is {cells} and, unless {keep}, nothing else.

        A cell names company, account and business unit by code, and month and amount, which is a
        number or a text in the model's own sign. Members that the lists lack are added, so that
        nothing has to be loaded before; of cells at one place the last one counts.
        """
        cells = list(body["cells"])
        if len(cells) > _CELLS_MAX:
            raise ValueError(f"{len(cells):,} cells; at most {_CELLS_MAX:,} are taken.")
        with self._server.lock:
            data = self._model(body).data
            data.commit(Changes(lists=_add_members(data, cells)))
            version = data.names(VERSIONS_ID)[str(body.get("version", "Budget"))]
            values = {} if body.get("keep") else _clear(data, version)
            values |= {_place(data, one, version): float(one["amount"]) for one in cells}
            data.commit(Changes(cells={AMOUNT: values}))
        return {"cells": len(cells)}


def _add_members(data: ModelData, cells: list[Body]) -> dict[str, ItemList]:
    """The lists that lack a member of the cells, with it."""
    grown: dict[str, ItemList] = {}
    for name, key in _LISTS.items():
        missing = sorted({one[name] for one in cells} - set(data.lists[key].by_code))
        if missing:
            grown[key] = data.lists[key].copy()
            for code in missing:
                grown[key].add(code=code, name=code)
    return grown


def _clear(data: ModelData, version: int) -> dict[Key, Cell | None]:
    return {key: None for key in data.cells[AMOUNT] if key[3] == version}


def _place(data: ModelData, cell: Body, version: int) -> Key:
    members = [data.lists[key].by_code[cell[name]] for name, key in _LISTS.items()]
    return (*members, version, data.names(TIME_ID)[cell["period"]])
