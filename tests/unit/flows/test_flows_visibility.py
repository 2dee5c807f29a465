"""Lost rights look like quiet books; what a ledger has shown before tells the two apart."""

from collections.abc import Callable

import pytest
from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import line, month

from ml_connector.flows.ledger.visibility import BatchesHiddenError

MakeDesk = Callable[..., FakeDesk]


def test_ledger_is_hidden_though_a_batch_it_shares_with_another_is_shown(
    make_desk: MakeDesk,
) -> None:
    """A batch of two companies speaks for the one whose lines are still among it."""
    desk = make_desk(ledgers=["CA", "US"])
    of_us = line(1, "US", "09-26", "101.4000.10", "100")
    of_ca = line(2, "CA", "09-26", "101.4000.10", "40")
    desk.source.post("1", of_us, of_ca)
    desk.source.post("2", line(1, "CA", "08-26", "101.5000.10", "7"))
    desk.run()
    desk.source.post("1", of_us)
    desk.source.remove("2")

    with pytest.raises(BatchesHiddenError, match="ledger CA"):
        desk.run()

    assert desk.target.total("4000") == "140.00"


def test_ledger_whose_old_years_were_purged_is_not_taken_for_hidden(make_desk: MakeDesk) -> None:
    """A purge takes the lines of old periods; the later ones are still shown."""
    desk = make_desk()
    desk.source.periods["US"] = [month(number) for number in (8, 9, 10, 11)]
    for number in (8, 9, 10, 11):
        desk.source.post(str(number), line(1, "US", f"{number:02}-26", "101.4000.10", "1"))
    desk.run()
    for number in (8, 9, 10):
        desk.source.remove(str(number))
    desk.source.post("12", line(1, "US", "11-26", "101.4000.10", "2"))

    assert desk.run()["state"] == "succeeded"
    assert desk.target.total("4000") == "6.00"
