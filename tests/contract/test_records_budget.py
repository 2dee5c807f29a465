"""The request budget: exact in every sliding window, in line order, over all processes."""

import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Event, Semaphore

import pytest
from django.db import transaction

from ml_connector.errors import SystemUnavailableError
from ml_connector.ports import Clock, Records, RequestBudget
from ml_connector.records import Allowance, create_organisation, open_budget

Move = Callable[[float], None]
Spawn = Callable[..., "subprocess.Popen[str]"]
Sql = Callable[..., list[tuple[object, ...]]]
SMALL = Allowance(requests=10, window_s=60, margin_s=0.25)
KEY = "tenant"


RUN, PERSON = "run", ""


def send(
    clock: Clock, requests: int, allowance: Allowance = SMALL, *, run_id: str = RUN
) -> list[float]:
    """Seconds from the start at which that many requests, wanted at once, go out."""
    budget = open_budget(clock=clock, allowances={KEY: allowance})
    start = clock.now()
    sent = []
    for _ in range(requests):
        budget.acquire(KEY, run_id=run_id)
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
    """Of ten a run has nine: its tenth request waits for the first to be a window old."""
    sent = send(records_clock, 35)
    assert count_most(sent, 60) == 9
    assert sent[9] - sent[0] == pytest.approx(60.25)
    assert sent[27] - sent[18] == pytest.approx(60.25)


def test_burst_after_idleness_is_paced_and_of_half_the_allowance(
    records: Records, records_clock: Clock
) -> None:
    """Half may go at five times the lasting rate; then requests go at little more than that."""
    sent = send(records_clock, 9)
    assert sent[0] == 0
    gaps = [later - earlier for earlier, later in pairwise(sent)]
    assert gaps == pytest.approx([1.2] * 4 + [60.25 / 9 / 1.2] * 4)


def test_default_allowance_is_that_of_a_planning_tenant(
    records: Records, records_clock: Clock, sql: Sql
) -> None:
    """Six hundred a minute, where nothing else is configured."""
    open_budget(clock=records_clock).acquire("other")
    assert sql("SELECT size FROM records_budgethead") == [(600,)]
    assert sql("SELECT count(*) FROM records_budgetslot") == [(600,)]
    assert (Allowance().requests, Allowance().window_s) == (600, 60)


@pytest.mark.parametrize(("requests", "reserve"), [(1, 0), (2, 1), (10, 1), (39, 1), (600, 30)])
def test_people_have_a_twentieth_and_one_at_least(requests: int, reserve: int) -> None:
    """Runs always keep one, and so of a single one all."""
    assert Allowance(requests=requests).reserve == reserve


def test_people_do_not_wait_behind_runs(records: Records, records_clock: Clock) -> None:
    """With every place of the line used, a person is granted the reserve at once, then lines up."""
    forty = replace(SMALL, requests=40)
    start = records_clock.now()
    runs = send(records_clock, 38, forty)
    people = [runs[-1] + at for at in send(records_clock, 3, forty, run_id=PERSON)]
    assert people[:2] == [runs[-1]] * 2
    assert people[2] == pytest.approx(60.25)
    since = (records_clock.now() - start).total_seconds()
    runs += [since + at for at in send(records_clock, 80, forty)]
    assert count_most([*runs, *people], 60) == 40
    assert send(records_clock, 1, Allowance(requests=1), run_id=PERSON)[0] > 30


def test_people_leave_their_reserve_alone_while_the_line_is_free(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """What is kept is kept for when it is needed."""
    for _ in range(9):
        send(records_clock, 1, run_id=PERSON)
        move(6)
    assert send(records_clock, 1)[0] > 6
    assert send(records_clock, 1, run_id=PERSON) == [0]


def test_places_of_an_earlier_version_stay_used(
    records: Records, records_clock: Clock, sql: Sql
) -> None:
    """Where all ten went to runs in line order, the minute of the change holds ten in all."""
    send(records_clock, 1)
    epoch = datetime.fromtimestamp(0, tz=records_clock.now().tzinfo)
    now_us = (records_clock.now() - epoch) // timedelta(microseconds=1)
    earlier = [-3.0 * (9 - age) for age in range(10)]
    for age, at in enumerate(earlier):
        sql(
            f"UPDATE records_budgetslot SET granted_us = {now_us + round(at * 1e6)}"
            f" WHERE slot = {(age + 4) % 10}"
        )
    sql(f"UPDATE records_budgethead SET grants = 74, granted_us = {now_us}")
    start = records_clock.now()
    people = send(records_clock, 2, run_id=PERSON)
    since = (records_clock.now() - start).total_seconds()
    runs = [since + at for at in send(records_clock, 30)]
    assert count_most([*earlier, *people, *runs], 60) == 10
    assert people[0] > 30


def test_ring_survives_a_restart(records: Records, records_clock: Clock) -> None:
    """A process that begins anew does not begin a new window."""
    first = send(records_clock, 9)
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
    open_budget(clock=records_clock).acquire("other tenant", run_id=RUN)
    north = open_budget("north", clock=records_clock, allowances={KEY: SMALL})
    north.acquire(KEY, run_id=RUN)
    assert records_clock.now() == start


def test_hold_makes_everybody_wait(records: Records, records_clock: Clock, move: Move) -> None:
    """Retry-After told to one process holds all, people too; a shorter one ends no longer one."""
    told: RequestBudget = open_budget(clock=records_clock, allowances={KEY: SMALL})
    told.hold(KEY, 30)
    told.hold(KEY, 5)
    told.hold("other tenant", 500)
    assert send(records_clock, 1, run_id=PERSON) == [30]
    told.hold(KEY, 30)
    assert send(records_clock, 1) == [30]
    told.hold(KEY, 0)
    told.hold(KEY, -9)
    assert send(records_clock, 1) == pytest.approx([1.2])


def test_hold_reaches_those_who_already_wait(records: Records, records_clock: Clock) -> None:
    """A grant booked before the hold is given up, and the next one is after it."""
    budget = open_budget(clock=records_clock, allowances={KEY: SMALL})
    last = send(records_clock, 9)[-1]

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
    interrupted = open_budget(clock=InterruptedClock(), allowances={KEY: SMALL})
    interrupted.acquire(KEY, run_id=RUN)
    waited = (records_clock.now() - held_from).total_seconds()
    assert waited == pytest.approx(100 + 60.25 - last)


def test_grant_that_is_used_too_late_is_given_up(
    records: Records, records_clock: Clock, sql: Sql
) -> None:
    """A process that was frozen in its sleep does not send into somebody else's window."""
    last = send(records_clock, 9)[-1]

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

    sent = send(OversleepingClock(), 9)
    assert 60.25 - last + 3 <= sent[0] < 60.25 - last + 6
    # The first grant was given up, its place was not: nine requests go without a gap.
    assert sql("SELECT grants FROM records_budgethead") == [(19,)]
    assert sent[8] - sent[0] == pytest.approx(8 * 60.25 / 9 / 1.2)


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
    """A run stops with a reason instead of hanging; no server makes it wait past ten minutes."""
    budget = open_budget(clock=records_clock, allowances={KEY: SMALL})
    budget.hold(KEY, 10_000_000)
    assert send(records_clock, 1) == [600]
    once = Allowance(requests=1, window_s=4000)
    slow = open_budget(clock=records_clock, allowances={"slow": once})
    slow.acquire("slow")
    before = sql("SELECT grants, granted_us FROM records_budgethead")
    with pytest.raises(SystemUnavailableError, match="no grant for the next 4001 seconds"):
        slow.acquire("slow")
    assert sql("SELECT grants, granted_us FROM records_budgethead") == before


def test_changed_allowance_keeps_the_newest_grants(records: Records, records_clock: Clock) -> None:
    """A smaller or larger allowance holds from the next request, past ones counted."""
    send(records_clock, 9)
    start = records_clock.now()
    larger = replace(SMALL, requests=12)
    assert len([wait for wait in send(records_clock, 2, larger) if wait < 60]) == 2
    smaller = replace(SMALL, requests=3)
    (wait,) = send(records_clock, 1, smaller)
    assert wait > 50
    assert records_clock.now() > start


def test_processes_that_differ_in_their_allowance_forget_no_young_grant(
    records: Records, records_clock: Clock, sql: Sql
) -> None:
    """However often it changes to and fro, no window holds more than the largest of them.

    What is older than any window is forgotten: places do not pile up.
    """
    small, large = replace(SMALL, requests=3), replace(SMALL, requests=12)
    start, sent = records_clock.now(), []
    for _ in range(6):
        since = (records_clock.now() - start).total_seconds()
        sent += [since + at for at in send(records_clock, 7, large)]
        open_budget(clock=records_clock, allowances={KEY: small}).hold(KEY, 0)
        assert sql("SELECT size FROM records_budgethead") == [(3,)]
        assert sql("SELECT count(*) <= 12 FROM records_budgetslot") in ([(1,)], [(True,)])
    assert count_most(sent, 60) <= 12


def test_what_a_larger_allowance_adds_is_kept_for_people_first(
    records: Records, records_clock: Clock
) -> None:
    """They need not wait until the runs have used up what was added."""
    send(records_clock, 9)
    send(records_clock, 1, run_id=PERSON)
    larger = replace(SMALL, requests=12)
    waits = send(records_clock, 1, larger)
    assert waits[0] < 10
    assert send(records_clock, 1, larger, run_id=PERSON) == [0]
    assert send(records_clock, 1, larger)[0] > 10


def test_line_of_a_smaller_allowance_is_not_taken_for_a_clock_that_was_set_back(
    records: Records, records_clock: Clock, sql: Sql, caplog: pytest.LogCaptureFixture
) -> None:
    """Who waits in it still has its place when the allowance is raised; others come after."""
    send(records_clock, 9)
    ahead = "granted_us = granted_us + 600000000"
    sql(f"UPDATE records_budgetslot SET {ahead}", f"UPDATE records_budgethead SET {ahead}")
    larger = Allowance()
    assert larger.line_us < 600_000_000
    assert send(records_clock, 1, larger)[0] > 600 - larger.line_us / 1e6
    assert not caplog.records


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
        list(threads.map(lambda one: budget.acquire(KEY, run_id=f"{one % 6}"), range(60)))
    assert sql("SELECT grants FROM records_budgethead") == [(60,)]
    granted = [at for (at,) in sql("SELECT granted_us FROM records_budgetslot") if at]
    assert len(set(granted)) == 60


def test_run_has_one_place_in_line_however_many_threads_it_reads_with(
    records: Records, records_clock: Clock, sql: Sql
) -> None:
    """While one of its readers waits for a grant, others of it book none; other runs do."""
    send(records_clock, 9)
    waiting, released = Semaphore(0), Event()

    @dataclass
    class StandingClock:
        """A clock on which a wait begins, and ends when all may go on."""

        def now(self) -> datetime:
            """The current instant."""
            return records_clock.now()

        def sleep(self, seconds: float) -> None:
            """The clock stands later once it is released."""
            waiting.release()
            assert released.wait(60)
            records_clock.sleep(seconds)

    # All move one clock, so each finds itself later than it slept for.
    tolerant = replace(SMALL, margin_s=1000)
    budget = open_budget(clock=StandingClock(), allowances={KEY: tolerant})
    with ThreadPoolExecutor(5) as threads:
        readers = [threads.submit(budget.acquire, KEY, run_id="wide") for _ in range(4)]
        assert waiting.acquire(timeout=60)
        readers.append(threads.submit(budget.acquire, KEY, run_id="narrow"))
        assert waiting.acquire(timeout=60)
        booked = sql("SELECT grants FROM records_budgethead")
        released.set()
        for reader in readers:
            reader.result()
    assert booked == [(11,)]


@pytest.mark.parametrize("back", [60, 400, 430, 3_600, 100_000])
def test_clock_that_was_set_back_costs_some_windows_and_no_exactness(
    records: Records, records_clock: Clock, move: Move, back: int
) -> None:
    """By real time no minute holds more than allowed, and requests go on soon after."""
    allowance = replace(SMALL, requests=20)
    line_s = allowance.line_us / 1e6
    runs = send(records_clock, 19, allowance)
    people = [runs[-1]] * len(send(records_clock, 1, allowance, run_id=PERSON))
    move(-back)
    later = [runs[-1] + at for at in send(records_clock, 1, allowance)]
    later += [later[0] + at for at in send(records_clock, 2, allowance, run_id=PERSON)]
    later += [later[-1] + at for at in send(records_clock, 20, allowance)]
    assert count_most([*runs, *people, *later], 60) <= 20
    assert 60 < later[0] - runs[0] <= min(back, line_s) + 60.25 + 0.01
    assert later[-1] - later[0] <= 2 * 60.25
    assert 400 < line_s < 430


def test_clock_that_was_set_back_is_told_once(
    records: Records, records_clock: Clock, move: Move, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever wonders why requests wait finds the reason and the length in the log."""
    send(records_clock, 9)
    move(-7_200)
    assert send(records_clock, 9)[0] == pytest.approx(60.25)
    (told,) = caplog.records
    assert "budget.clock_set_back key=tenant ahead_s=7200 wait_s=60" in told.getMessage()


def test_hold_of_a_clock_that_was_set_back_ends_within_a_window(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """Nobody is kept waiting for hours by what a server asked for minutes; new holds count."""
    budget = open_budget(clock=records_clock, allowances={KEY: SMALL})
    budget.hold(KEY, 300)
    move(-7_200)
    assert send(records_clock, 1) == [60.25]
    budget.hold(KEY, 300)
    move(-7_200)
    budget.hold(KEY, 100)
    assert send(records_clock, 1, run_id=PERSON) == [100]


def test_waiter_whose_clock_is_set_back_lines_up_again(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """A grant that is not due on waking is no grant; the next one is a window away, not hours."""
    last = send(records_clock, 9)[-1]

    @dataclass
    class SetBackClock:
        """A clock that somebody sets back during the first wait on it."""

        backs: int = 1
        waited: float = 0

        def now(self) -> datetime:
            """The current instant."""
            return records_clock.now()

        def sleep(self, seconds: float) -> None:
            """The clock stands later; the first time it is set back meanwhile."""
            self.waited += seconds
            records_clock.sleep(seconds - 7_200 * self.backs)
            self.backs = 0

    clock = SetBackClock()
    open_budget(clock=clock, allowances={KEY: SMALL}).acquire(KEY, run_id=RUN)
    assert clock.waited == pytest.approx(60.25 - last + 60.25)


def test_grants_of_a_server_whose_clock_was_ahead_count_as_granted_now(
    records: Records, sql: Sql
) -> None:
    """By the real clock, of the machine or of the database server, the same holds."""
    short = Allowance(requests=2, window_s=0.5, margin_s=0.5)
    budget = open_budget(allowances={KEY: short})
    budget.acquire(KEY)
    budget.acquire(KEY)
    ahead = "granted_us = granted_us + 7200000000"
    sql(f"UPDATE records_budgetslot SET {ahead}", f"UPDATE records_budgethead SET {ahead}")
    started = time.monotonic()
    budget.acquire(KEY, run_id=RUN)
    assert time.monotonic() - started >= 0.9


def test_line_is_booked_no_further_ahead_than_it_may_be_long(
    records: Records, records_clock: Clock, sql: Sql
) -> None:
    """Who comes to a full line asks again when it is shorter, and is granted what it would be."""
    last = send(records_clock, 9)[-1]
    full_us = SMALL.line_us - 15_000_000
    sql(
        f"UPDATE records_budgetslot SET granted_us = granted_us + {full_us}",
        f"UPDATE records_budgethead SET granted_us = granted_us + {full_us}",
    )

    @dataclass
    class NotingClock:
        """A clock that notes how long it is slept on."""

        slept: list[float]

        def now(self) -> datetime:
            """The current instant."""
            return records_clock.now()

        def sleep(self, seconds: float) -> None:
            """The clock stands later."""
            self.slept.append(seconds)
            records_clock.sleep(seconds)

    clock = NotingClock([])
    send(clock, 1)
    over_s = 60.25 - last - 15
    assert clock.slept == pytest.approx([over_s, SMALL.line_us / 1e6])


SEND = """
import time
budget = open_budget(allowances={"tenant": Allowance(requests=20, window_s=1.0, margin_s=1.0)})
print("ready"); sys.stdin.readline()
until = time.time() + float(sys.argv[1])
while time.time() < until:
    budget.acquire("tenant", run_id=sys.argv[2])
    print(f"{time.time():.6f}")
"""


@pytest.mark.long
def test_four_processes_on_one_file_stay_exact_and_none_starves(
    sqlite_only: None, records: Records, spawn: Spawn
) -> None:
    """Real processes, real clock: no sliding window over the limit, everybody gets a share."""
    processes = [spawn(SEND, "4", run_id) for run_id in ("a", "b", "c", PERSON)]
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
    assert count_most(everything, 1.0) <= 20
    # A share, not a number: on a busy machine all of them get on more slowly.
    assert everything
    assert all(len(instants) * 10 >= len(everything) for instants in sent)
