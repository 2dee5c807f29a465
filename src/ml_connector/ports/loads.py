"""Records of loads: plans, shadows, refused summaries, versions of rules."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

from ml_connector.domain.summaries import SummaryKey
from ml_connector.ports.rules import RuleHistory
from ml_connector.ports.world import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRow:
    """One upload, import and result."""

    load_id: str
    run_id: str
    flow: str
    plan_hash: str
    intent_id: str
    task_id: str
    outcome: str
    chunks: int
    cells_sent: int
    cells_refused: int
    result_hash: str
    dump_hashes: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedSummary:
    """A summary the model did not take, with the reason in its own words."""

    load_id: str
    flow: str
    key: SummaryKey
    before: Decimal
    after: Decimal
    reasons: tuple[str, ...]
    is_settled: bool = False
    cause: str = ""
    """Why, in a controller's words; what is refused for one cause is counted together."""
    period: str = ""
    """The planning period; empty where there is none."""
    currency: str = ""
    number: int = field(default=0, compare=False, repr=False)
    """Its place among all refusals, given by the store."""
    run_id: str = field(default="", compare=False, repr=False)
    """The run that sent it, given by the store."""

    @property
    def lacking(self) -> Decimal:
        """What the model would hold more, or less, had it taken the summary."""
        return self.after - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedTally:
    """What is refused and open for one cause, in one period and currency.

    Attributes:
        cause: Empty: recorded before causes were kept; of those no amount is known.
        amount: What the model lacks, whatever its sign.
        place: Behind it the next ones are asked for.
    """

    flow: str
    cause: str
    period: str
    currency: str
    count: int
    amount: Decimal
    place: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """A saved plan: a file in the archive, and what it was made from."""

    plan_hash: str
    run_id: str
    flow: str
    model_id: str
    mapping_hash: str
    shadow_revision: int
    periods: tuple[str, ...]
    totals: Json
    created_at: datetime
    state: str


class OpenRefusal(NamedTuple):
    """An open refusal in short, for those who look through very many."""

    key: SummaryKey
    cause: str
    reasons: tuple[str, ...]
    load_id: str
    number: int
    """Grows with each that is recorded."""


class LoadStore(Protocol):
    """Plans, shadows, loads, refused summaries."""

    def save_plan(self, plan: PlanRow) -> None:
        """The plan is known by its hash; saving it again changes nothing but its state."""

    def find_plan(self, plan_hash: str) -> PlanRow | None:
        """The plan by its hash."""

    def load_shadow(self, flow: str, model_id: str) -> tuple[int, dict[str, str]]:
        """Shadow revision, and the shadow file's hash by target period; (0, {}) before any load."""

    def save_shadow(
        self, flow: str, model_id: str, files: Mapping[str, str], *, revision_before: int, why: str
    ) -> int:
        """These periods have new shadow files; returns the new revision.

        Raises:
            BusyError: The shadow moved meanwhile.
        """

    def record_load(self, load: LoadRow, refused: Iterable[RefusedSummary]) -> None:
        """The load and its refused summaries are stored, all or none; repeatable by load id."""

    def load_loads(self, *, run_id: str | None = None, flow: str | None = None) -> list[LoadRow]:
        """Loads, oldest first."""

    def load_refused(
        self, flow: str, *, run_id: str | None = None, open_only: bool = True
    ) -> list[RefusedSummary]:
        """Refused summaries, oldest load first."""

    def walk_refused(
        self,
        flow: str,
        *,
        periods: Collection[str] | None = None,
        causes: Collection[str] = (),
        keys: Collection[SummaryKey] = (),
    ) -> Iterator[OpenRefusal]:
        """Yield open refusals in no promised order, some hundreds in memory at a time.

        Args:
            flow: Of the loads.
            periods: Of these planning periods, and those of older versions, which told none.
            causes: With `keys`, of any of these where any is named.
            keys: See above.
        """

    def count_refused_periods(self, flow: str) -> dict[str, int]:
        """How many refused summaries are open by planning period; empty where none was told."""

    def count_refused(self, flow: str) -> int:
        """How many refused summaries are open."""

    def load_tallies(self, *, flows: Collection[str], limit: int = 5_000) -> list[RefusedTally]:
        """What is refused and open in these flows, by cause, period and currency; most first."""

    def load_tally_page(
        self, *, flows: Collection[str], after: str = "", limit: int
    ) -> list[RefusedTally]:
        """The same behind a place, by flow, cause, period and currency; what has no cause is last.

        Raises:
            UsageError: There is no such place.
        """

    def load_refused_run(
        self, flow: str, run_id: str, *, after: int = 0, limit: int
    ) -> list[RefusedSummary]:
        """Open refusals of a run behind that number, by load and intersection."""

    def load_refused_page(
        self, flow: str, *, cause: str, period: str, after: int = 0, limit: int = 100
    ) -> list[RefusedSummary]:
        """Open refusals of one cause and period behind that number, oldest first."""

    def find_refused(self, flow: str, numbers: Collection[int]) -> list[RefusedSummary]:
        """The open refusals of these numbers."""

    def settle_refused(
        self, flow: str, keys: Iterable[SummaryKey], *, except_load: str = ""
    ) -> int:
        """Open refusals of these keys are settled, those of one load left out; returns how many."""


class MappingStore(RuleHistory, Protocol):
    """Versions of a flow's mapping rules, by content hash, and the history of what was in force."""

    def save_mapping(
        self, flow: str, *, content_hash: str, content: str, actor: str, rules: int = 0
    ) -> int:
        """The content is a numbered version; the same hash keeps its number.

        While the project's file decides, the history notes that its rules are others now.
        """

    def find_mapping(self, content_hash: str) -> str | None:
        """The content of a version."""

    def load_applied(self, flow: str) -> str:
        """Hash of the rules the model was last loaded by; empty before the first load."""

    def save_applied(self, flow: str, content_hash: str) -> None:
        """The model holds amounts by these rules: the mapping, and the settings beside it."""

    def load_explained(self, flow: str) -> str:
        """Hash of what keyed combinations stood for at the flow's last look; empty before it."""

    def save_explained(self, flow: str, file_hash: str) -> None:
        """What keyed combinations stand for has been looked at."""
