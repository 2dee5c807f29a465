"""One request budget, real processes, real sockets: exact, shared alike, held by all."""

import pytest
from scripts.promises.budget import count_most
from scripts.promises.budget_floor import PERSON, WIDE, Course, play
from tests.fakes.postgres import Postgres

from ml_connector.records import Allowance

LOADED = Allowance(requests=40, window_s=2.0, margin_s=2.0)
"""Half of the margin is for the way to the server, which a loaded machine makes long."""


@pytest.mark.long
def test_four_processes_share_one_budget_exactly_alike_and_stop_at_one_retry_after(
    postgres: Postgres,
) -> None:
    """As the server sees twenty runs and a person: the law holds, all get something, all hold.

    The person's very first request is refused with Retry-After before the runs begin.
    """
    course = Course(
        key="tenant", allowance=LOADED, seconds=10.0, refuses_nth=1, retry_after_s=2,
        person_pause_s=0.2,
    )  # fmt: skip
    with postgres.database() as url:
        seen = play(url, course)
    instants, counts = seen.instants(), seen.count_by_run()
    assert seen.refused_at == instants[0]
    assert instants[1] >= seen.refused_at + 2
    assert count_most(instants, LOADED.window_s) <= LOADED.requests
    assert len(counts) == 20
    assert min(counts.values()) >= 1
    # Eight readers would get eight shares of twenty-seven, each for itself.
    assert counts[WIDE] <= 0.15 * sum(counts.values())
    assert [who for _, who in seen.arrivals].count(PERSON) >= 3
