"""The request budget, measured: exact, used, shared alike, quick for people, held by all.

`python -m scripts.promises.budget [--quick]`. Four real processes with five runs each, one of
which reads with eight threads, and a person in a fifth, share 600 requests a minute (quick: 200 in
20 seconds) through one PostgreSQL. What counts is when requests arrive at a real server. Leaves
with 1 when a promise was broken.
"""

import argparse
import statistics
import sys
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from scripts.promises.budget_floor import PERSON, WIDE, Course, Seen, play
from scripts.promises.figures import Figure, render_figures
from tests.fakes.postgres import running_postgres

from ml_connector.records import Allowance

USED_PERCENT_MIN = 90
PERSON_S_MAX = 1.0
WINDOWS = 1.25
"""How many windows are watched."""
RETRY_AFTER_S = 5
HELD_NTH = 40
SETTLED_S = 1.0
"""Requests that were under way when another one was refused have arrived by then."""


def measure(*, is_quick: bool = False) -> list[Figure]:
    """The figures; about a minute and a half, or half a minute when quick."""
    allowance = Allowance(requests=200, window_s=20.0, margin_s=0.5) if is_quick else Allowance()
    lasting = Course(key="lasting", allowance=allowance, seconds=WINDOWS * allowance.window_s)
    held = Course(
        key="held", allowance=Allowance(), seconds=RETRY_AFTER_S + 8.0,
        refuses_nth=HELD_NTH, retry_after_s=RETRY_AFTER_S,
    )  # fmt: skip
    with running_postgres() as server, server.database() as url:
        watched, quiet = play(url, lasting), play(url, held)
    return [
        *render_use(watched, allowance),
        *render_shares(watched.count_by_run()),
        *render_waits(watched),
        *render_hold(quiet),
    ]


def count_most(instants: Sequence[float], window_s: float) -> int:
    """The most requests in any sliding window, both ends in it; the instants are in order."""
    return max(
        number + 1 - bisect_left(instants, at - window_s) for number, at in enumerate(instants)
    )


def find_least_use(instants: Sequence[float], allowance: Allowance) -> float:
    """The least part of what was allowed since the beginning, at any time past the first window."""
    began, rate = instants[0], allowance.requests / allowance.window_s
    return min(
        number / (rate * (at - began))
        for number, at in enumerate(instants)
        if at - began >= allowance.window_s
    )


def render_use(seen: Seen, allowance: Allowance) -> list[Figure]:
    """Never more than allowed, and nearly all of it."""
    instants, window_s = seen.instants(), allowance.window_s
    most, percent = count_most(instants, window_s), 100 * find_least_use(instants, allowance)
    return [
        Figure(
            name=f"most requests in any {window_s:.0f} s",
            value=str(most),
            promise=f"{allowance.requests} at most",
            holds=most <= allowance.requests,
        ),
        Figure(
            name=f"part of the allowance used while all want to send, {len(instants)} requests",
            value=f"{percent:.1f} %",
            promise=f"{USED_PERCENT_MIN} % at least, at any time past the first {window_s:.0f} s",
            holds=percent >= USED_PERCENT_MIN,
        ),
    ]


def render_shares(counts: dict[str, int]) -> list[Figure]:
    """What each run got, and the one that reads with eight threads."""
    others = [count for run, count in counts.items() if run != WIDE]
    low, high = min(counts.values()), max(counts.values())
    return [
        Figure(
            name=f"requests of each of {len(counts)} runs, lowest and highest",
            value=f"{low} and {high}",
            promise="the lowest half of the highest at least",
            holds=2 * low >= high,
        ),
        Figure(
            name="share of the run with eight readers, a run with one being 1",
            value=f"{counts[WIDE] / statistics.mean(others):.2f}",
        ),
    ]


def render_waits(seen: Seen) -> list[Figure]:
    """How long a person waits beside twenty runs, and a run between two requests."""
    waits = seen.person_waits
    median, worst = statistics.median(waits), max(waits)
    return [
        Figure(
            name=f"a person's request beside them, median and worst of {len(waits)}",
            value=f"{median * 1000:.0f} ms and {worst * 1000:.0f} ms",
            promise=f"{PERSON_S_MAX * 1000:.0f} ms in the median at most",
            holds=median <= PERSON_S_MAX,
        ),
        Figure(
            name="longest time in which no run was granted anything",
            value=f"{_find_longest_pause(seen):.1f} s",
        ),
    ]


def _find_longest_pause(seen: Seen) -> float:
    runs = sorted(at for at, who in seen.arrivals if who != PERSON)
    return max(later - earlier for earlier, later in pairwise(runs))


def render_hold(seen: Seen) -> list[Figure]:
    """One process is told Retry-After: all are quiet, and all go on."""
    assert seen.refused_at is not None, "no request was refused"
    since = [at - seen.refused_at for at in seen.instants() if at > seen.refused_at]
    under_way = [at for at in since if at <= SETTLED_S]
    quiet = [at for at in since if SETTLED_S < at < RETRY_AFTER_S]
    after = [at for at in since if at >= RETRY_AFTER_S]
    return [
        Figure(
            name=f"requests within {SETTLED_S} s of a 429, under way already",
            value=f"{len(under_way)}, the last after {max(under_way, default=0) * 1000:.0f} ms",
        ),
        Figure(
            name=f"requests of all processes until its Retry-After of {RETRY_AFTER_S} s was over",
            value=str(len(quiet)),
            promise="none",
            holds=not quiet,
        ),
        Figure(
            name="the first request after it",
            value=f"{after[0]:.2f} s after the 429" if after else "none",
            promise="requests go on by themselves",
            holds=bool(after),
        ),
    ]


def main(arguments: Sequence[str]) -> int:
    """The figures are printed; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    figures = measure(is_quick=parser.parse_args(arguments).quick)
    print("\n".join(render_figures("One request budget, four processes, twenty runs", figures)))
    return 0 if all(one.holds for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
