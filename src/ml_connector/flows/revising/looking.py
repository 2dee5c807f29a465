"""Looking at the ERP until it tells what became of what was sent.

A request without an answer may have taken effect, may do so yet, or never arrived: the server goes
on when the caller has gone. Only when the settle time has passed since the sending does a supplier
that stands untouched count as not written.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from ml_connector.domain.pools import ExactPool
from ml_connector.errors import (
    OutcomeUnknownError,
    ProtocolError,
    RunInterruptedError,
    SystemUnavailableError,
)
from ml_connector.flows.bench import SupplierBench
from ml_connector.flows.revising.outcomes import Item, confirm, quarantine, refuse
from ml_connector.flows.revising.shown import (
    UNDER_WAY,
    Shown,
    Sight,
    judge_change,
    judge_creation,
)
from ml_connector.flows.writing.postings import CLOCK_LAG_MAX_S, SETTLE_WAITS_S, make_waits
from ml_connector.ports import Posting, Steps, SupplierMissingError

STOP_LOOK_S = 2.0
"""A pause looks this often whether a stop was asked for."""
NAMED_MAX = 10
One = TypeVar("One")
Other = TypeVar("Other")


class RevisionUnclearError(OutcomeUnknownError):
    """Whether suppliers were written is not known, and looking did not tell."""

    code = "suppliers.unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A chunk on its way: the run's steps and its bench."""

    steps: Steps
    bench: SupplierBench

    @property
    def settle(self) -> timedelta:
        """How long what was sent may still take effect."""
        return timedelta(minutes=self.bench.flow.settle_minutes)


def look(bench: SupplierBench, item: Item) -> Sight:
    """What the ERP shows of the revision now."""
    revision = item.revision
    if revision.is_creation:
        found = bench.suppliers.find_supplier(number=revision.number, name=revision.name)
        return judge_creation(revision, found.rows)
    try:
        row = bench.suppliers.read_supplier(revision.number)
    except SupplierMissingError as error:
        return Sight(shown=Shown.ABSENT, words=error.refused)
    return judge_change(revision, row)


def find_sight(bench: SupplierBench, item: Item) -> Sight | None:
    """As `look`; None when the ERP cannot be read just now, which says nothing."""
    try:
        return look(bench, item)
    except (SystemUnavailableError, ProtocolError):
        return None


def call_at_once(
    call: Callable[[One], Other], items: Sequence[One], *, at_once: int
) -> list[Other]:
    """The call's answers in order, some calls under way together; for remote calls only."""
    if len(items) < 2 or at_once < 2:
        return [call(item) for item in items]
    with ExactPool(min(at_once, len(items))) as pool:
        return list(pool.map(call, items))


def settle_seen(bench: SupplierBench, item: Item, sight: Sight) -> Posting | None:
    """The posting settled by what was seen; None when the ERP may still be working on it."""
    if sight.shown is Shown.TAKEN and sight.row is not None:
        return confirm(bench, item, sight.row)
    if sight.shown is Shown.OVERTAKEN:
        return refuse(bench, item, render_overtaken(sight))
    if sight.shown is Shown.UNCLEAR:
        return quarantine(bench, item, sight.words)
    return None


def render_overtaken(sight: Sight) -> str:
    """Why a change was left away that somebody else's change stood in the way of."""
    return f"changed in the ERP since the plan: {sight.words}" if sight.words else (
        "changed in the ERP since the plan"
    )  # fmt: skip


def look_back(sending: Sending, items: Sequence[Item]) -> list[Item]:
    """Items that were not written, once it is certain; all others are settled.

    Those that never were sent are not looked at. A request takes effect whole, and names a version
    or a new name; so anything but an untouched or absent supplier is final as soon as it is seen.

    Raises:
        RevisionUnclearError: The ERP could not be read when the settle time had passed, or the
            clock does not get there.
        RunInterruptedError: A stop was asked for.
    """
    unwritten = [item for item in items if not item.was_sent]
    left = [item for item in items if item.was_sent]
    patience = Patience(sending)
    while left:
        # The time before the look counts: what takes effect during it may have been missed.
        now, waiting = sending.bench.clock.now(), []
        for item, sight in look_all(sending.bench, left):
            is_early = now < find_deadline(sending, item)
            if is_early and (sight is None or sight.shown in UNDER_WAY):
                waiting.append(item)
            elif not _settle_late(sending, item, sight):
                unwritten.append(item)
        left = waiting
        if left:
            patience.pause(left)
    return unwritten


class Patience:
    """Pauses between looks, until the settle time has passed by any clock that goes right."""

    def __init__(self, sending: Sending, waits_s: Sequence[float] = SETTLE_WAITS_S) -> None:
        self._sending = sending
        self._waits = make_waits(waits_s)
        self._waited_s = 0.0

    def pause(self, items: Sequence[Item]) -> None:
        """Some seconds have passed; the items are those that are still waited for.

        Raises:
            RevisionUnclearError: So much was waited that the clock has been set back.
            RunInterruptedError: A stop was asked for meanwhile.
        """
        if self._waited_s > self._sending.settle.total_seconds() + CLOCK_LAG_MAX_S:
            raise _render_set_back(self._sending, items)
        wait_s = next(self._waits)
        pause(self._sending, wait_s)
        self._waited_s += wait_s


def _render_set_back(sending: Sending, items: Sequence[Item]) -> RevisionUnclearError:
    sent_at = max(item.posting.sent_at for item in items if item.posting.sent_at)
    return RevisionUnclearError(
        f"{name_items(items)} left at {sent_at:%Y-%m-%d %H:%M:%S} UTC, and this machine's clock"
        f" shows {sending.bench.clock.now():%Y-%m-%d %H:%M:%S} UTC: it was set back.",
        written="What the ERP holds is not known; nothing was sent after it.",
        next_step=f"Set the clock right, then `ml-connector runs resume {sending.steps.run_id}`.",
        postings=", ".join(item.posting.posting_key for item in items[:NAMED_MAX]),
    )


def look_all(bench: SupplierBench, items: Sequence[Item]) -> list[tuple[Item, Sight | None]]:
    """Each item with what the ERP shows of it; None where it cannot be read just now."""
    sights = call_at_once(lambda item: find_sight(bench, item), items, at_once=bench.flow.at_once)
    return list(zip(items, sights, strict=True))


def _settle_late(sending: Sending, item: Item, sight: Sight | None) -> bool:
    """Whether the item is settled; it is not when it was not written."""
    if sight is None:
        raise render_unreadable(sending, item)
    if sight.shown is Shown.ABSENT and not item.revision.is_creation:
        quarantine(sending.bench, item, f"it was sent, and then: {sight.words}")
        return True
    return settle_seen(sending.bench, item, sight) is not None


def find_deadline(sending: Sending, item: Item) -> datetime:
    """When what was sent no longer takes effect."""
    return (item.posting.sent_at or sending.bench.clock.now()) + sending.settle


def pause(sending: Sending, seconds: float) -> None:
    """That many seconds have passed.

    Raises:
        RunInterruptedError: A stop was asked for meanwhile.
    """
    left_s = seconds
    while left_s > 0 and not sending.steps.is_stop_requested():
        sending.bench.clock.sleep(min(left_s, STOP_LOOK_S))
        left_s -= STOP_LOOK_S
    if sending.steps.is_stop_requested():
        raise RunInterruptedError(
            "The run stopped while it waited for suppliers to show what was sent.",
            written="What was sent takes effect or not; nothing else was sent.",
            next_step="A resume looks first and goes on from there:"
            f" `ml-connector runs resume {sending.steps.run_id}`.",
            run=sending.steps.run_id,
        )


def render_unclear(sending: Sending, items: Sequence[Item], *, sends: int) -> RevisionUnclearError:
    """The error for suppliers that were sent more than once and never shown."""
    named = name_items(items)
    return RevisionUnclearError(
        f"{sending.bench.source.connection} did not answer {sends} times for {named}, and does not"
        " show what was sent.",
        written="As far as the ERP shows nothing of it was written; nothing was sent after it.",
        next_step="Look at the ERP and the network, then"
        f" `ml-connector runs resume {sending.steps.run_id}` looks again and sends once more.",
        postings=", ".join(item.posting.posting_key for item in items[:NAMED_MAX]),
    )


def render_unreadable(sending: Sending, item: Item) -> RevisionUnclearError:
    """The error for an ERP that cannot be read when it is time to know."""
    return RevisionUnclearError(
        f"{sending.bench.source.connection} cannot be read, so whether {name_items([item])} was"
        " written is not known.",
        written="It was sent; nothing was sent after it.",
        next_step=f"When the ERP answers again: `ml-connector runs resume {sending.steps.run_id}`.",
        postings=item.posting.posting_key,
    )


def name_items(items: Sequence[Item]) -> str:
    """The subjects and keys, the first of them."""
    named = ", ".join(f"{i.subject} (key {i.posting.posting_key})" for i in items[:NAMED_MAX])
    more = len(items) - NAMED_MAX
    return f"{named} and {more:,} more" if more > 0 else named
