"""Back-dated journals: what a close that was not quite one leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.company.ledgers import AMERICAS, LEDGERS_BY_NAME
from ml_connector.sandbox.company.model import Ledger
from ml_connector.sandbox.fusion.desk import Change, Desk
from ml_connector.sandbox.fusion.values import ValueDesk

DEFAULT_PERIODS = (("Halden US", "Sep-26"), ("Halden Japan", "Sep-26"))
NEW_VALUE_SET = "Halden Account"
NEW_VALUE = "68990"
NEW_DESCRIPTION = "Late freight accruals"
_Pair = tuple[str, str, str]
_AMERICAS_ENTRIES: tuple[_Pair, ...] = (
    ("{}.30.68990.120.000.000", "{}.00.23100.000.000.000", "4812.35"),
    ("{}.20.68010.310.000.000", "{}.00.22100.000.000.000", "1250.5"),
)
_GLOBAL_ENTRIES: tuple[_Pair, ...] = (
    ("{}-2100-510200-0000", "{}-0000-231000-0000", "1250000"),
    ("{}-3100-580100-0000", "{}-0000-221000-0000", "86400"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LateJournals:
    """Posts a handful of journals into periods that are over."""

    desk: Desk
    values: ValueDesk

    def post(self, change: Change, body: Mapping[str, Any]) -> dict[str, Any]:
        """A batch of two journals stands in each (ledger, period) of `periods`.

        The first run also adds natural account 68990, which no mapping can know yet.
        """
        self.values.add_if_missing(
            change.stamp,
            NEW_VALUE_SET,
            {"Value": NEW_VALUE, "Description": NEW_DESCRIPTION, "AccountType": "E"},
        )
        periods = body.get("periods", DEFAULT_PERIODS)
        batches = [self._post_one(change, str(ledger), str(name)) for ledger, name in periods]
        value = {
            "value_set": NEW_VALUE_SET,
            "value": NEW_VALUE,
            "description": NEW_DESCRIPTION,
        }
        return {"batches": batches, "new_value": value}

    def _post_one(self, change: Change, ledger_name: str, period: str) -> dict[str, Any]:
        ledger = LEDGERS_BY_NAME[ledger_name]
        journals = [
            {
                "name": f"{period} late entry {number}",
                "ledger": ledger_name,
                "period": period,
                "category": "Accrual",
                "lines": lines,
            }
            for number, lines in enumerate(_entries(ledger), 1)
        ]
        form = {
            "name": f"Late entries {ledger_name} {period} {change.next_id}",
            "journals": journals,
            "allow_closed": True,
        }
        return {**self.desk.create(change, form), "ledger": ledger_name, "period": period,
                "journals": journals}  # fmt: skip


def _entries(ledger: Ledger) -> list[list[dict[str, str]]]:
    entries = _AMERICAS_ENTRIES if ledger.chart is AMERICAS else _GLOBAL_ENTRIES
    entity = ledger.entities[0].value
    return [
        [
            {"combination": debit.format(entity), "debit": amount},
            {"combination": credit.format(entity), "credit": amount},
        ]
        for debit, credit, amount in entries
    ]
