"""What a run works with: the ports of one flow, and small documents too large for a step result."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ml_connector.domain.ledger import Ledger
from ml_connector.domain.periods import Period
from ml_connector.ports import (
    Archive,
    Clock,
    FileColumn,
    JournalTarget,
    LedgerRules,
    LedgerSource,
    PlanningTarget,
    Records,
    SupplierTarget,
)
from ml_connector.settings import ActualsFlow, BudgetFlow, DimensionsFlow, SupplierFlow

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The ports a run of any flow needs."""

    source: LedgerSource
    target: PlanningTarget
    records: Records
    archive: Archive
    clock: Clock
    actor: str
    holder: str
    """This process, for model leases: `RUN/PROCESS` is made of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionsBench(Bench):
    """The bench of F1."""

    flow: DimensionsFlow
    parents_files: dict[str, str] = field(default_factory=dict)
    """Text of each list's parents file, by list name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActualsBench(Bench):
    """The bench of F2 and F3."""

    flow: ActualsFlow
    mapping_text: str
    ledgers_by_flow: dict[str, tuple[str, ...]]
    """Every actuals flow of the same source with its ledgers: each owes its model what a read
    touches of them."""
    dimensions: DimensionsBench | None = None
    facts: frozenset[str] | None = None
    """Names the rules may use for what they ask about a line; None leaves them unchecked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetBench(Bench):
    """The bench of F6: the model is read, the ERP is written.

    What is looked up once per run and pinned is filled in by `load_budget_books`.
    """

    flow: BudgetFlow
    journals: JournalTarget
    """The same ERP as `source`, as one that takes journals."""
    ledgers: Mapping[str, Ledger] = field(default_factory=dict)
    periods: Mapping[tuple[str, str], Period] = field(default_factory=dict)
    """The periods of the flow's months by ledger and name."""
    members: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """What the model calls them."""
    rules: Mapping[str, LedgerRules] = field(default_factory=dict)

    @property
    def decimals(self) -> dict[str, int]:
        """Decimals of each ledger's currency, by currency."""
        return {self.ledgers[name].currency: rule.decimals for name, rule in self.rules.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierBench(Bench):
    """The bench of F5: the model is read, suppliers of the ERP are written."""

    flow: SupplierFlow
    suppliers: SupplierTarget
    """The same ERP as `source`, as one whose suppliers can be written."""
    template: tuple[FileColumn, ...] = ()
    """The columns of its import file; empty: no file is sent."""


WritingBench = BudgetBench | SupplierBench
"""The bench of any flow that writes into an ERP."""


def store_document(archive: Archive, value: Any) -> str:
    """The value is archived as canonical JSON; returns its hash, small enough for a step result."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return archive.write_bytes([text.encode()], suffix="json").file_hash


def read_document(archive: Archive, file_hash: str) -> Any:
    """The value a document was made of."""
    return json.loads(b"".join(archive.read_bytes(file_hash)))


def cut(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Yield slices of at most `size` items, in order."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
