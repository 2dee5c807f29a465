"""Numbers about the whole of an organisation, for whoever watches it from outside."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ml_connector.ports.runs import RunState
from ml_connector.ports.standings import StageState


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetGauge:
    """How much of one allowance of requests is used."""

    key: str
    size: int
    used: int
    """Requests of the last minute."""
    waiting: int
    """Requests that are promised a later place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """What stands in the records at one instant, so that every process tells the same.

    Attributes:
        runs: How many there are, by flow and state.
        good_at: When the newest good run of a flow ended.
        periods: Ledger periods by flow, stage and how the stage stands.
        unmapped: Values that no rule takes, by flow.
        refused: Summaries refused and open, by flow.
        owed: Periods touched since they were last loaded, by flow.
        budgets: Allowances that were ever drawn on.
        leases: Whether somebody may write into a model now, by model.
    """

    runs: Mapping[tuple[str, RunState], int]
    good_at: Mapping[str, datetime]
    periods: Mapping[tuple[str, str, StageState], int]
    unmapped: Mapping[str, int]
    refused: Mapping[str, int]
    owed: Mapping[str, int]
    budgets: tuple[BudgetGauge, ...]
    leases: Mapping[str, bool]


class GaugeStore(Protocol):
    """Numbers of one organisation."""

    def load_gauges(self) -> Gauges:
        """All of them, in as many questions whatever there is."""
