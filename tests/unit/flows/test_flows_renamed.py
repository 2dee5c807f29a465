"""Of a keyed chart the archive keeps ids; what they stand for follows the ERP's account master."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import line

from ml_connector.domain.ledger import Chart
from ml_connector.errors import RefusedError
from ml_connector.flows.ledger.renaming import find_renamed

MakeDesk = Callable[..., FakeDesk]
KEYED = Chart(name="Master", delimiter="|", segments=("id", "entity", "account"), is_keyed=True)


@pytest.fixture
def keyed(make_desk: MakeDesk) -> FakeDesk:
    """A desk whose ERP writes account ids into its lines."""
    desk = make_desk()
    desk.source.chart = KEYED
    desk.source.ledgers = [replace(one, chart="Master") for one in desk.source.ledgers]
    desk.source.combinations["Master"] = {"A1": "A1|101|4000", "A2": "A2|101|5000"}
    desk.source.post("1", line(1, "US", "08-26", "A1", "60", chart="Master"))
    desk.source.post("2", line(1, "US", "09-26", "A1", "40", chart="Master"))
    desk.source.post("3", line(1, "US", "10-26", "A2", "7", chart="Master"))
    return desk


def rename(desk: FakeDesk, combination: str, text: str) -> None:
    """The account master says something else of an id."""
    desk.source.combinations["Master"][combination] = text


def test_amounts_of_a_renamed_account_move_in_every_period(keyed: FakeDesk) -> None:
    """Old member to zero, new member to the amount; periods without the account are left alone."""
    keyed.run()
    assert keyed.target.total("4000") == "100.00"
    rename(keyed, "A1", "A1|101|6000")

    second, third = keyed.run(), keyed.run()

    assert keyed.target.total("4000") == "0.00"
    assert keyed.target.total("6000") == "100.00"
    assert second["periods"] == ["Aug 26", "Sep 26"]
    assert second["reading"]["renamed_shown"] == [["A1", "account 4000 → 6000"]]
    assert second["state"] == "succeeded"
    assert third["periods"] == []


def test_new_account_moves_no_period(keyed: FakeDesk) -> None:
    """The account master grows every day; only what held amounts can move them."""
    keyed.run()
    rename(keyed, "A3", "A3|101|6000")

    assert keyed.run()["periods"] == []


def test_rename_stays_owed_when_the_run_was_asked_for_other_periods(keyed: FakeDesk) -> None:
    """A run of October alone has seen the new name and not loaded the others."""
    keyed.run()
    rename(keyed, "A1", "A1|101|6000")

    keyed.run(periods=["10-26"])
    assert keyed.target.total("6000") == "0.00"
    keyed.run()

    assert keyed.target.total("6000") == "100.00"


def test_account_the_master_hides_stops_the_run_by_name(keyed: FakeDesk) -> None:
    """Nobody guesses where the amounts of an unknown account belong."""
    del keyed.source.combinations["Master"]["A2"]

    with pytest.raises(RefusedError, match="'A2'") as caught:
        keyed.run()

    assert caught.value.code == "summing.combination-unknown"
    assert keyed.target.total("4000") == "0.00"


def test_rename_is_found_though_the_account_was_hidden_in_between(keyed: FakeDesk) -> None:
    """What an id stood for is remembered until the master says something else of it."""
    keyed.run()
    hidden = keyed.source.combinations["Master"].pop("A1")
    keyed.run()
    rename(keyed, "A1", hidden.replace("4000", "6000"))

    keyed.run()

    assert keyed.target.total("4000") == "0.00"
    assert keyed.target.total("6000") == "100.00"


def test_fact_added_to_the_chart_moves_what_it_says_and_stops_nothing(keyed: FakeDesk) -> None:
    """A category code named in the connection later on is one more thing an id stands for."""
    keyed.run()
    keyed.source.chart = replace(KEYED, segments=(*KEYED.segments, "r001"))
    for combination, text in {"A1": "A1|101|4000|X", "A2": "A2|101|5000|"}.items():
        rename(keyed, combination, text)

    summary = keyed.run()

    assert summary["reading"]["renamed_shown"][0] == ["A1", "A1|101|4000 → A1|101|4000|X"]
    assert summary["state"] == "succeeded"
    assert keyed.target.total("4000") == "100.00"


def test_account_opened_while_a_run_reads_is_known_to_the_next_run(keyed: FakeDesk) -> None:
    """What ids stand for is looked up once per run; the error says that a new run helps."""

    def open_account(step: str) -> None:
        if step == "preflight":
            rename(keyed, "A9", "A9|101|6000")
            keyed.source.post("9", line(1, "US", "09-26", "A9", "5", chart="Master"))

    with pytest.raises(RefusedError, match="'A9'") as caught:
        keyed.run(open_account)
    with pytest.raises(RefusedError, match="'A9'"):
        keyed.resume()
    keyed.run()

    assert "ml-connector run actuals" in caught.value.next_step
    assert keyed.target.total("6000") == "5.00"


def test_renamed_are_those_both_know_and_name_otherwise() -> None:
    """New and vanished accounts are not renamed ones."""
    before = {"M": {"1": "a", "2": "b", "3": "c"}, "Old": {"1": "x"}}
    now = {"M": {"1": "a", "2": "B", "4": "d"}}

    assert find_renamed(before, now) == {("M", "2"): ("b", "B")}
