"""The request budget: exact in every sliding window, in line order, over all processes."""

import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.db import transaction

from ml_connector.errors import SystemUnavailableError
from ml_connector.ports import Clock, Records, RequestBudget
from ml_connector.records import Allowance, create_organisation, open_budget

Move = Callable[[float], None]
Spawn = Callable[..., "subprocess.Popen[str]"]
Sql = Callable[..., list[tuple[object, ...]]]
SMALL = Allowance(requests=10, window_s=60)
KEY = "tenant"


def send(clock: Clock, requests: int, allowance: Allowance = SMALL) -> list[float]:
    """Seconds from the start at which that many requests, wanted at once, go out."""
    budget = open_budget(clock=clock, allowances={KEY: allowance})
    start = clock.now()
    sent = []
    for _ in range(requests):
        budget.acquire(KEY)
        sent.append((clock.now() - start).total_seconds())
    return sent


def count_most(sent: Iterable[float], window_s: float) -> int:
    """The most requests any sliding window holds; both ends belong to it."""
    instants = sorted(sent)
    return max(
        sum(1 for other in instants if instant - window_s <= other <= instant)
        for instant in instants
    )


def test_no_sliding_window_holds_more_than_the_allowance(
    records: Records, records_clock: Clock
) -> None:
    """The eleventh request of ten waits for the first to be a window old, and its margin."""
    sent = send(records_clock, 35)
    assert count_most(sent, 60) == 10
    assert sent[10] - sent[0] == pytest.approx(60.25)
    assert sent[30] - sent[20] == pytest.approx(60.25)


def test_burst_after_idleness_is_whole_but_paced(records: Records, records_clock: Clock) -> None:
    """All ten may go at once, at five times the lasting rate."""
    sent = send(records_clock, 10)
    assert sent[0] == 0
    assert [later - earlier for earlier, later in pairwise(sent)] == pytest.approx([1.2] * 9)


def test_default_allowance_is_that_of_a_planning_tenant(
    records: Records, records_clock: Clock
) -> None:
    """Six hundred a minute, where nothing else is configured."""
    budget = open_budget(clock=records_clock)
    start = records_clock.now()
    for _ in range(601):
        budget.acquire("other")
    assert (records_clock.now() - start).total_seconds() == pytest.approx(60.25)


def test_ring_survives_a_restart(records: Records, records_clock: Clock) -> None:
    """A process that begins anew does not begin a new window."""
    first = send(records_clock, 10)
    before = records_clock.now()
    (wait,) = send(records_clock, 1)
    assert (before + timedelta(seconds=wait) - records_clock.now()).total_seconds() == 0
    assert wait == pytest.approx(60.25 - first[-1])


def test_keys_and_organisations_have_allowances_of_their_own(
    records: Records, records_clock: Clock
) -> None:
    """A spent allowance keeps no other tenant waiting."""
    send(records_clock, 10)
    create_organisation("north")
    start = records_clock.now()
    open_budget(clock=records_clock).acquire("other tenant")
    open_budget("north", clock=records_clock, allowances={KEY: SMALL}).acquire(KEY)
    assert records_clock.now() == start


def test_hold_makes_everybody_wait(records: Records, records_clock: Clock, move: Move) -> None:
    """Retry-After told to one process holds all; a shorter one does not end a longer one."""
    told: RequestBudget = open_budget(clock=records_clock, allowances={KEY: SMALL})
    told.hold(KEY, 30)
    told.hold(KEY, 5)
    told.hold("other tenant", 500)
    assert send(records_clock, 1) == [30]
    told.hold(KEY, 0)
    told.hold(KEY, -9)
    assert send(records_clock, 1) == pytest.approx([1.2])


def test_hold_reaches_those_who_already_wait(records: Records, records_clock: Clock) -> None:
    """A grant booked before the hold is given up, and the next one is after it."""
    budget = open_budget(clock=records_clock, allowances={KEY: SMALL})
    for _ in range(10):
        budget.acquire(KEY)

    @dataclass
    class InterruptedClock:
        """A clock whose first sleep sees another process being told to hold."""

        holds: int = 1

        def now(self) -> datetime:
            """The current instant."""
            return records_clock.now()

        def sleep(self, seconds: float) -> None:
            """The clock stands later; the first time a hold came meanwhile."""
            records_clock.sleep(seconds)
            if self.holds:
                self.holds -= 1
                budget.hold(KEY, 100)

    held_from = records_clock.now()
    open_budget(clock=InterruptedClock(), allowances={KEY: SMALL}).acquire(KEY)
    waited = (records_clock.now() - held_from).total_seconds()
    assert waited == pytest.approx(100 + 60.25 - 9 * 1.2)


def test_grant_that_is_used_too_late_is_given_up(
    records: Records, records_clock: Clock, sql: Sql
) -> None:
    """A process that was frozen in its sleep does not send into somebody else's window."""
    send(records_clock, 10)

    @dataclass
    class OversleepingClock:
        """A clock whose first sleep lasts three seconds too long."""

        oversleeps: int = 1

        def now(self) -> datetime:
            """The current instant."""
            return records_clock.now()

        def sleep(self, seconds: float) -> None:
            """The clock stands later than asked for, the first time."""
            records_clock.sleep(seconds + 3 * self.oversleeps)
            self.oversleeps = 0

    sent = send(OversleepingClock(), 10)
    due = 60.25 - 9 * 1.2
    assert sent[0] == pytest.approx(due + 3)
    # The first grant was burnt: ten requests cost eleven grants, the last of them in a new window.
    assert sql("SELECT grants FROM records_budgethead") == [(21,)]
    assert sent[9] - sent[0] == pytest.approx(60.25 - 3)


def test_caller_that_is_always_late_gives_up(records: Records, records_clock: Clock) -> None:
    """The number of grants one request may burn is bounded."""

    @dataclass
    class CreepingClock:
        """A clock on which every look takes a second."""

        def now(self) -> datetime:
            """The current instant, a second after the last one."""
            records_clock.sleep(1)
            return records_clock.now()

        def sleep(self, seconds: float) -> None:
            """The clock stands later."""
            records_clock.sleep(seconds)

    with pytest.raises(SystemUnavailableError, match="passed by unused"):
        open_budget(clock=CreepingClock()).acquire(KEY)


def test_wait_of_hours_is_refused_and_books_nothing(
    records: Records, records_clock: Clock, sql: Sql
) -> None:
    """A run stops with a reason instead of hanging; no server makes it wait longer than an hour."""
    budget = open_budget(clock=records_clock, allowances={KEY: SMALL})
    budget.hold(KEY, 10_000_000)
    assert send(records_clock, 1) == [3600]
    once = Allowance(requests=1, window_s=4000)
    slow = open_budget(clock=records_clock, allowances={"slow": once})
    slow.acquire("slow")
    before = sql("SELECT grants, granted_us FROM records_budgethead")
    with pytest.raises(SystemUnavailableError, match="no grant for the next 4000 seconds"):
        slow.acquire("slow")
    assert sql("SELECT grants, granted_us FROM records_budgethead") == before


def test_changed_allowance_keeps_the_newest_grants(records: Records, records_clock: Clock) -> None:
    """A smaller or larger allowance holds from the next request, past ones counted."""
    send(records_clock, 10)
    start = records_clock.now()
    larger = replace(SMALL, requests=12)
    assert len([wait for wait in send(records_clock, 2, larger) if wait < 60]) == 2
    smaller = replace(SMALL, requests=3)
    (wait,) = send(records_clock, 1, smaller)
    assert wait > 50
    assert records_clock.now() > start


def test_waiting_inside_a_transaction_is_a_mistake_of_ours(
    records: Records, records_clock: Clock
) -> None:
    """A wait would keep every other process from writing."""
    budget = open_budget(clock=records_clock)
    with transaction.atomic(), pytest.raises(AssertionError):
        budget.acquire(KEY)


@pytest.mark.parametrize("nothing", [{"requests": 0}, {"window_s": 0.0}, {"margin_s": 0.01}])
def test_allowance_of_nothing_is_refused(nothing: dict[str, float]) -> None:
    """A setting that would let nothing through ever is no setting."""
    with pytest.raises(ValueError, match="let nothing through"):
        Allowance(**nothing)  # type: ignore[arg-type] # The values are of the named fields.


def test_threads_of_one_process_share_the_allowance(
    records: Records, records_clock: Clock, sql: Sql
) -> None:
    """Many threads book one grant each, none twice."""
    # The threads move one clock by turns, so each finds itself later than it slept for.
    budget = open_budget(clock=records_clock, allowances={KEY: Allowance(margin_s=1000)})
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _: budget.acquire(KEY), range(60)))
    assert sql("SELECT grants FROM records_budgethead") == [(60,)]
    granted = [at for (at,) in sql("SELECT granted_us FROM records_budgetslot") if at]
    assert len(set(granted)) == 60


SEND = """
import time
budget = open_budget(allowances={"tenant": Allowance(requests=40, window_s=2.0, margin_s=0.5)})
print("ready"); sys.stdin.readline()
until = time.time() + float(sys.argv[1])
while time.time() < until:
    budget.acquire("tenant")
    print(f"{time.time():.6f}")
"""


@pytest.mark.long
def test_four_processes_stay_exact_and_none_starves(records: Records, spawn: Spawn) -> None:
    """Real processes, real clock: no sliding window over the limit, everybody gets a share."""
    processes = [spawn(SEND, "6") for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    sent = [[float(line) for line in process.communicate()[0].split()] for process in processes]
    everything = sorted(instant for instants in sent for instant in instants)
    # The instants are read after the grant; the half margin left to the sender covers that way.
    assert count_most(everything, 2.0) <= 40
    assert len(everything) >= 80
    assert min(len(instants) for instants in sent) >= len(everything) / 4 / 4
