"""One run of an actuals flow: what it was asked, what it pinned, and what it has found so far."""

from dataclasses import dataclass, field

from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.ledger.books import Books, Pair
from ml_connector.flows.placing.summing import Placer
from ml_connector.ports import Json, Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class ActualsRun:
    """The fixed part of a run: everything in it is the same after a crash and a resume."""

    steps: Steps
    request: Json
    bench: ActualsBench
    pins: Json
    books: Books
    placer: Placer

    @property
    def sends(self) -> bool:
        """Whether the run may write into the model."""
        return not (self.request.get("dry_run") or self.request.get("reconcile"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a run has found, by planning period or ledger period."""

    members: dict[str, list[Pair]]
    controls: dict[Pair, Json]
    sums: dict[str, Json]
    """Only periods whose archive agrees with the ERP."""
    held_back: frozenset[str]
    """Periods with lines no rule maps, while the flow blocks those."""
    lists: Json = field(default_factory=dict)
    """Lists the model did not take whole before the facts, with what it did not take."""
    reading: Json = field(default_factory=dict)
    """What the read found besides changed batches: pending, deleted, renamed."""
    beyond: dict[str, int] = field(default_factory=dict)
    """Loaded periods out of scope that changed rules would move, with their cells."""
    planned: Json = field(default_factory=dict)
    delivered: Json = field(default_factory=dict)
    proof: dict[str, Json] = field(default_factory=dict)

    @property
    def sendable(self) -> dict[str, Json]:
        """The sums that may be planned and sent."""
        return {m: row for m, row in self.sums.items() if m not in self.held_back}
