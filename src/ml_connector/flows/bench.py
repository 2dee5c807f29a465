"""What a run works with: the ports of one flow, and small documents too large for a step result."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ml_connector.ports import Archive, Clock, LedgerSource, PlanningTarget, Records
from ml_connector.settings import ActualsFlow, DimensionsFlow

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
