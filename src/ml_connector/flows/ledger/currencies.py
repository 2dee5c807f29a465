"""The currency of a cell: its own dimension says it, else its ledger, else the flow's only one."""

from collections.abc import Sequence

from ml_connector.domain.ledger import Ledger
from ml_connector.domain.summaries import SummaryKey
from ml_connector.errors import SettingsError
from ml_connector.ports import Json
from ml_connector.settings import ActualsFlow


class MixedCurrenciesError(SettingsError):
    """The flow's cells would add amounts of several currencies."""

    code = "currencies.mixed"


def pin_currencies(flow: ActualsFlow, ledgers: Sequence[Ledger]) -> Json:
    """Where the currency of a cell is found, pinned for the run.

    Raises:
        MixedCurrenciesError: Ledgers of several currencies would share cells.
    """
    sources = [dimension.source for dimension in flow.dimensions]
    by_ledger = {ledger.name: ledger.currency for ledger in ledgers}
    if "currency" in sources:
        return {"currency_at": sources.index("currency")}
    if "ledger" in sources:
        return {"ledger_at": sources.index("ledger"), "by_ledger": by_ledger}
    only = sorted(set(by_ledger.values()))
    if len(only) > 1:
        raise MixedCurrenciesError(
            f"The ledgers of flow {flow.name} keep their books in {', '.join(only)}, and no"
            " dimension of the flow tells currencies apart.",
            written="Nothing was read or sent.",
            next_step=f"Add a dimension with `source: currency` to flows/{flow.name}.yaml, or give"
            " each currency a flow of its own.",
            flow=flow.name,
        )
    return {"only": only[0]}


def currency_of(pinned: Json, key: SummaryKey) -> str:
    """The currency of an intersection's amount; empty for a ledger the flow does not know."""
    if "currency_at" in pinned:
        return key[pinned["currency_at"]]
    if "ledger_at" in pinned:
        return str(pinned["by_ledger"].get(key[pinned["ledger_at"]], ""))
    return str(pinned["only"])
