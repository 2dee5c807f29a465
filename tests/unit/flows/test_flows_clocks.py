"""Clocks that disagree: what has been read is never taken to reach into the future."""

from datetime import timedelta

from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import line


def test_changes_are_found_once_a_clock_that_was_ahead_is_set_right(desk: FakeDesk) -> None:
    """A day in the future is nobody's last look; changes since the real one are asked for."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.source.ahead = timedelta(days=5)
    desk.run()
    desk.source.ahead = timedelta(0)
    desk.clock.sleep(timedelta(days=2).total_seconds())
    desk.source.post("2", line(1, "US", "09-26", "101.4000.10", "7"))
    desk.clock.sleep(timedelta(days=5).total_seconds())

    desk.run()

    assert desk.target.total("4000") == "107.00"


def test_changes_are_found_though_the_clock_of_the_erp_is_behind(desk: FakeDesk) -> None:
    """The last look is told by its clock as well."""
    desk.source.ahead = -timedelta(days=3)
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.run()
    desk.source.ahead = timedelta(0)
    desk.source.post("2", line(1, "US", "09-26", "101.4000.10", "7"))

    desk.run()

    assert desk.target.total("4000") == "107.00"
