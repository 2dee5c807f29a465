"""Batches that change under the eyes of a read: it loads them all the same."""

from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import line


def test_batch_touched_after_the_read_began_is_loaded_by_the_same_run(desk: FakeDesk) -> None:
    """It was posted before; a run that passed it over would say it succeeded without it."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "7"))
    desk.run()
    amount = line(1, "US", "10-26", "101.5000.10", "3")
    desk.source.post("2", amount)

    def touch(step: str) -> None:
        if step == "read: server time":
            desk.source.post("2", amount)

    during = desk.run(after_body=touch)
    later = desk.run()

    assert during["periods"] == ["Oct 26"]
    assert desk.target.total("5000") == "3.00"
    assert (later["state"], later["periods"], later["cells"]) == ("succeeded", [], 0)
