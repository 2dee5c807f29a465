"""A batch whose change date does not move when it is posted is found all the same."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fakes.desk import FakeDesk, make_flow
from tests.fakes.ledger import line
from tests.fakes.steps import Crash


def post_silently(desk: FakeDesk, batch_id: str, amount: str) -> None:
    """The batch is posted now, and its change date says that nothing has happened for a month."""
    desk.source.entered.pop(batch_id, None)
    desk.source.post(batch_id, line(1, "US", "09-26", "101.4000.10", amount))
    posted = desk.source.batches[batch_id]
    long_ago = posted.updated_at - timedelta(days=30)
    desk.source.batches[batch_id] = replace(posted, updated_at=long_ago, version="as entered")


def test_pending_batch_counts_once_it_is_posted_without_a_new_date(desk: FakeDesk) -> None:
    """The next run asks for what was pending by its id, whatever its change date says."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.source.entered["2"] = ()
    first = desk.run()
    post_silently(desk, "2", "7")

    second = desk.run()

    assert first["reading"]["pending"] == 1
    assert desk.target.total("4000") == "107.00"
    assert second["reading"]["settled_shown"] == ["2"]
    assert second["reading"]["pending"] == 0


def test_batch_partly_posted_is_read_again_when_the_rest_is(desk: FakeDesk) -> None:
    """A version that does not move does not keep the rest of a batch out."""
    post_silently(desk, "1", "100")
    desk.source.entered["1"] = ()
    desk.run()
    desk.source.entered.clear()
    held = desk.source.batches["1"]
    rest = line(2, "US", "09-26", "101.4000.10", "7")
    desk.source.batches["1"] = replace(held, lines=(*held.lines, rest))

    desk.run()

    assert desk.target.total("4000") == "107.00"


def test_deleted_batch_is_told_once_and_changes_nothing(desk: FakeDesk) -> None:
    """What was never posted never counted; that it is gone is said by name, one time."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.source.entered["2"] = ()
    desk.run()
    desk.source.entered.clear()

    second, third = desk.run(), desk.run()

    assert second["reading"]["gone_shown"] == ["2"]
    assert second["cells"] == 0
    assert third["reading"]["gone"] == 0


def test_pending_batches_stay_noted_when_the_run_dies_before_it_has_read(desk: FakeDesk) -> None:
    """Nothing is forgotten between the listing and the reading: a resumed run goes on with it."""
    desk.source.entered["2"] = ()
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.run()
    post_silently(desk, "2", "7")
    desk.twice = True

    desk.run()

    assert desk.target.total("4000") == "107.00"


def test_pending_batch_is_not_forgotten_by_an_older_run_that_goes_on(desk: FakeDesk) -> None:
    """A run resumed late takes nothing from what another flow has noted meanwhile."""
    other = desk.beside(make_flow("other"))
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.run()
    other.run()

    def die(step: str) -> None:
        if step == "read: note pending":
            raise Crash(step)

    with pytest.raises(Crash):
        desk.run(die)
    desk.source.entered["2"] = ()
    other.run()
    desk.steps["actuals-2"].after_body = lambda _: None
    desk.resume()
    post_silently(desk, "2", "7")

    summary = other.run()

    assert summary["reading"]["settled_shown"] == ["2"]
    assert other.target.total("4000") == "107.00"
