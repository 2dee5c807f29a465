"""Which batches there are, and a fingerprint of each that moves with any change of its lines."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Final

from ml_connector.domain.ledger import BatchStamp
from ml_connector.domain.money import render_plain
from ml_connector.domain.periods import Period
from ml_connector.errors import SettingsError
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import (
    LIST_VALUES_MAX,
    AggregateQuery,
    Cell,
    Condition,
    GroupRow,
    Row,
    Where,
    any_of,
    between,
    days_back,
    equal,
    is_blank,
    max_of,
    min_of,
    sum_of,
)
from ml_connector.systems.jde.connection import JdeSettings
from ml_connector.systems.jde.reference import Reference
from ml_connector.systems.jde.rows import ACCOUNT_LEDGER, POSTED, parse_text, parse_whole
from ml_connector.systems.jde.translation import parse_batch_id, render_batch_id
from ml_connector.systems.parallel import map_parallel

BATCHES_PER_CALL: Final = 50
"""Batch numbers in one list: what is customary, and few enough for the index to be used."""
DAYS_BACK_MIN: Final = 3
DAYS_BACK_MAX: Final = 36_500
STEP_FIRST: Final = 1_000
"""Batch numbers a sweep asks for at once; it widens where few are in use."""
STEP_MAX: Final = 50_000_000
GROUPS_FEW: Final = 250
GROUPS_MANY: Final = 1_500
SPAN_PER_BATCH: Final = 5
"""Numbers per wanted batch up to which a range is cheaper than lists: months are keyed in a row."""
LINES_UNKNOWN: Final = 100
"""Lines a batch is taken to have when its version does not say."""
BatchKey = tuple[str, int]
"""Type and number of a batch."""
FIGURES: Final = (sum_of("AA"), sum_of("UPMT"), max_of("UPMJ"))


class BeforeFirstDateError(SettingsError):
    """A period begins before the first GL date that is looked at."""

    code: ClassVar[str] = "jde.before-first-date"


@dataclass(frozen=True, slots=True, kw_only=True)
class StampReader:
    """Lists batches; safe to share between threads."""

    client: JdeClient
    reference: Reference
    settings: JdeSettings

    def read_changed(self, since: datetime, until: datetime) -> Iterator[BatchStamp]:
        """Yield batches with lines changed since, posted or not, ascending (J-40).

        The server counts days back from its own today, so no date of ours has to fit its zone; a
        day is looked at whole, and some days more.
        """
        days = (until.date() - since.date()).days + self.settings.overlap_days
        days = min(max(days, DAYS_BACK_MIN), DAYS_BACK_MAX)
        yield from self._read_found(self._find_batches(days_back("UPMJ", days)))

    def read_pending(self) -> Iterator[BatchStamp]:
        """Yield batches that have lines not yet posted."""
        found = self._read_found(self._find_batches(is_blank("POST")))
        yield from (stamp for stamp in found if stamp.is_pending)

    def read_periods(self, periods: Sequence[Period]) -> Iterator[BatchStamp]:
        """Yield the posted batches with lines in these periods, ascending.

        Raises:
            BeforeFirstDateError: A period begins before the first GL date that is looked at.
        """
        self._verify_looked_at(periods)
        found: set[BatchKey] = set()
        for pattern, year, number in sorted({(p.calendar, p.year, p.number) for p in periods}):
            companies = [c.co for c in self.reference.list_companies() if c.dtpn == pattern]
            for start in range(0, len(companies), LIST_VALUES_MAX):
                century, short = divmod(year, 100)
                found |= self._find_batches(
                    equal("POST", POSTED),
                    any_of("CO", companies[start : start + LIST_VALUES_MAX]),
                    equal("CTRY", century), equal("FY", short), equal("PN", number),
                )  # fmt: skip
        yield from (stamp for stamp in self._read_found(found) if stamp.is_posted)

    def read_all(self) -> Iterator[BatchStamp]:
        """Yield every posted batch from the first GL date on, ascending."""
        query = AggregateQuery(
            table=ACCOUNT_LEDGER,
            groups=("ICUT",),
            figures=(min_of("ICU"), max_of("ICU")),
            conditions=self.reference.wanted_lines(),
        )
        ranges = [
            (parse_text(keys[0]), parse_whole(figures[0]), parse_whole(figures[1]))
            for keys, _, figures in self.client.aggregate(query)
        ]
        stamps = [stamp for each in ranges for stamp in self._sweep(*each) if stamp.is_posted]
        yield from sorted(stamps, key=lambda stamp: stamp.batch_id)

    def read(self, batch_ids: Collection[str]) -> Iterator[BatchStamp]:
        """Yield those of the batches that have lines, posted or not, in no promised order."""
        scattered: set[BatchKey] = set()
        for icut, numbers in group_by_type(batch_ids).items():
            if is_dense(numbers):
                swept = self._sweep(icut, min(numbers), max(numbers))
                yield from (s for s in swept if _number_of(s) in numbers)
            else:
                scattered |= {(icut, number) for number in numbers}
        lists = cut_lists(scattered)
        for stamps in map_parallel(self._read_list, lists, threads=self.settings.parallel_max):
            yield from stamps

    def _verify_looked_at(self, periods: Sequence[Period]) -> None:
        first = self.settings.first_gl_date
        before = min(periods, key=lambda period: period.date_first, default=None)
        if before is not None and before.date_first < first:
            raise BeforeFirstDateError(
                f"{before.name} begins on {before.date_first}, and no line before {first} is looked"
                f" at (`first_gl_date` of {self.settings.name}); the period would be read in part.",
                written="Nothing was written.",
                next_step=f"Set `first_gl_date` to {before.date_first} or earlier, or raise"
                " `first_month` of the flow.",
                period=before.name,
            )

    def _read_found(self, keys: Collection[BatchKey]) -> Iterator[BatchStamp]:
        stamps = self.read([render_batch_id(*key) for key in keys])
        yield from sorted(stamps, key=lambda stamp: stamp.batch_id)

    def _find_batches(self, *conditions: Where) -> set[BatchKey]:
        query = AggregateQuery(
            table=ACCOUNT_LEDGER,
            groups=("ICUT", "ICU"),
            conditions=(*self.reference.wanted_lines(), *conditions),
            split_by="ICU",
        )
        return {_find_key(group.keys) for group in self.client.aggregate(query)}

    def _read_list(self, keys: Sequence[BatchKey]) -> list[BatchStamp]:
        icut = keys[0][0]
        query = self._fingerprint(equal_text("ICUT", icut), any_of("ICU", [k[1] for k in keys]))
        return build_stamps(self.client.aggregate(query))

    def _sweep(self, icut: str, first: int, last: int) -> Iterator[BatchStamp]:
        """Yield a type's batches by ranges of numbers, as wide as keeps the answers moderate."""
        step = STEP_FIRST
        while first <= last:
            end = min(first + step - 1, last)
            query = self._fingerprint(equal_text("ICUT", icut), between("ICU", first, end))
            groups = self.client.aggregate(query)
            yield from build_stamps(groups)
            if len(groups) < GROUPS_FEW:
                step = min(step * 2, STEP_MAX)
            elif len(groups) > GROUPS_MANY:
                step = max(step // 2, 1)
            first = end + 1

    def _fingerprint(self, *conditions: Where) -> AggregateQuery:
        return AggregateQuery(
            table=ACCOUNT_LEDGER,
            groups=("ICUT", "ICU", "POST"),
            figures=FIGURES,
            conditions=(*conditions, *self.reference.wanted_lines()),
            split_by="ICU",
        )


def build_stamps(groups: Iterable[GroupRow]) -> list[BatchStamp]:
    """A stamp for each batch among groups by batch and posting code."""
    by_batch: dict[BatchKey, dict[str, str]] = {}
    for keys, count, figures in groups:
        post = parse_text(keys[2])
        of_batch = by_batch.setdefault(_find_key(keys), {})
        assert post not in of_batch, "groups differ in their keys"
        of_batch[post] = ":".join((post, str(count), *map(_render_figure, figures)))
    return [
        BatchStamp(
            batch_id=render_batch_id(*key),
            version=" ".join(text for _, text in sorted(of_batch.items())),
            is_posted=POSTED in of_batch,
            is_pending="" in of_batch,
        )
        for key, of_batch in by_batch.items()
    ]


def find_lines(stamp: BatchStamp) -> int:
    """Posted rows the batch had when it was listed; a guess where its version does not say."""
    for part in stamp.version.split(" "):
        post, _, rest = part.partition(":")
        count = rest.partition(":")[0]
        if post == POSTED and count.isdecimal():
            return int(count)
    return LINES_UNKNOWN


def group_by_type(batch_ids: Iterable[str]) -> dict[str, set[int]]:
    """Numbers of the batches by their type; texts that name no batch are left out."""
    found: dict[str, set[int]] = {}
    for batch_id in batch_ids:
        if (key := parse_batch_id(batch_id)) is not None:
            found.setdefault(key[0], set()).add(key[1])
    return found


def is_dense(numbers: Collection[int]) -> bool:
    """Whether asking for the whole range takes fewer answers than asking for each number."""
    span = max(numbers) - min(numbers) + 1
    return len(numbers) > BATCHES_PER_CALL and span <= len(numbers) * SPAN_PER_BATCH


def cut_lists(keys: Collection[BatchKey]) -> Iterator[list[BatchKey]]:
    """Yield the batches in lists of one type each, short enough for one call."""
    of_type: list[BatchKey] = []
    for key in sorted(keys):
        if of_type and (of_type[0][0] != key[0] or len(of_type) == BATCHES_PER_CALL):
            yield of_type
            of_type = []
        of_type.append(key)
    if of_type:
        yield of_type


def equal_text(column: str, text: str) -> Condition:
    """The column holds the text, or nothing where the text is empty."""
    return equal(column, text) if text else is_blank(column)


def _number_of(stamp: BatchStamp) -> int:
    return int(stamp.batch_id.rpartition("-")[2])


def _find_key(keys: Row) -> BatchKey:
    return parse_text(keys[0]), parse_whole(keys[1])


def _render_figure(cell: Cell) -> str:
    return render_plain(cell) if isinstance(cell, Decimal) else parse_text(cell)
