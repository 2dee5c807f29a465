"""How much of the ledger the rules reached when a planning period was last placed, in money."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ml_connector.domain.ledger import Totals
from ml_connector.flows.bench import read_document
from ml_connector.flows.placing.tallying import parse_totals
from ml_connector.ports import Archive, Records
from ml_connector.ports.unmapped import PlacedRow

ALL = "*"
"""Asks for every planning period together."""
MEMBERS_MAX = 36
"""Planning periods added up for one answer, the newest placings."""
DOCUMENTS_KEPT = 48
"""Documents that stay read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What was found when periods were placed.

    Attributes:
        asked: The planning period, or every one.
        members: Those that can be asked for, the newest placing first.
        placed: Totals by ledger, period, currency and placement.
        rules: Totals by rule id and currency.
        newest: The placing told of, or the newest of them.
        left_out: Unmapped values that were too many to be told one by one.
    """

    asked: str
    members: tuple[str, ...] = ()
    placed: Mapping[tuple[str, str, str, str], Totals] = field(default_factory=dict)
    rules: Mapping[tuple[str, str], Totals] = field(default_factory=dict)
    newest: PlacedRow | None = None
    left_out: int = 0

    def sum_placed(self) -> dict[tuple[str, str], Totals]:
        """Totals by currency and placement, ledgers and periods together."""
        found: dict[tuple[str, str], Totals] = {}
        for (_, _, currency, placement), totals in self.placed.items():
            key = (currency, placement)
            found[key] = found.get(key, Totals()) + totals
        return dict(sorted(found.items()))


def load_reach(records: Records, archive: Archive, flow: str, member: str = "") -> Reach:
    """What was found when the planning period was last placed; all of them unless one is named."""
    rows = records.unmapped.load_placed(flow)
    names = tuple(row.member for row in rows)
    if not rows:
        return Reach(asked=member)
    asked = member if member in names else ALL
    chosen = rows[:MEMBERS_MAX] if asked == ALL else [r for r in rows if r.member == asked]
    placed: dict[Any, Totals] = {}
    rules: dict[Any, Totals] = {}
    left_out = 0
    kept_by: Any = archive  # Each archive is one object for as long as its house is open.
    for row in chosen:
        document = _read(kept_by, row.document)
        left_out += document["left_out"]
        for its in document["placed"]:
            _grow(placed, tuple(its[:4]), parse_totals(its))
        for its in document["rules"]:
            _grow(rules, (its[1], its[2]), parse_totals(its))
    return Reach(
        asked=asked, members=names, placed=dict(sorted(placed.items())), rules=rules,
        newest=chosen[0], left_out=left_out,
    )  # fmt: skip


@lru_cache(maxsize=DOCUMENTS_KEPT)
def _read(archive: Any, file_hash: str) -> Any:
    """The document, which never changes; pages ask for the same ones again and again."""
    return read_document(archive, file_hash)


def _grow(sums: dict[Any, Totals], key: Any, totals: Totals) -> None:
    sums[key] = sums.get(key, Totals()) + totals
