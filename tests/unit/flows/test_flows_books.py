"""What the books hold is found, or the run says what it did not find."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import adjustment, line, month

from ml_connector.domain.dimensions import Member
from ml_connector.domain.ledger import CombinationKey
from ml_connector.errors import ConnectorError

MakeDesk = Callable[..., FakeDesk]
DAY = 86_400
OFF = CombinationKey("US", "08-26", "USD", "101.4000.10")


def test_lasting_difference_stays_one_while_other_batches_move(desk: FakeDesk) -> None:
    """A period that differs from the ERP is off, however busy the rest of the books is."""
    desk.source.post("1", line(1, "US", "08-26", "101.4000.10", "1"))
    desk.source.shifts[OFF] = Decimal("0.01")
    posted = iter(range(100, 200))

    def post_elsewhere() -> None:
        number = next(posted)
        desk.source.post(str(number), line(1, "US", "09-26", "101.4000.10", "1"))

    desk.source.on_balances = post_elsewhere
    summary = desk.run(periods=["08-26"])

    assert summary["state"] == "unexplained difference"
    assert desk.target.cells == {}


def test_books_that_move_while_they_are_read_are_moving(desk: FakeDesk) -> None:
    """A period posted to between each reading of lines and balances is moving, not off."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "1"))
    posted = iter(range(100, 200))

    def post_here() -> None:
        number = next(posted)
        desk.source.post(str(number), line(1, "US", "09-26", "101.4000.10", "1"))

    desk.source.on_balances = post_here
    moving = desk.run(periods=["09-26"])
    desk.source.on_balances = None
    quiet = desk.run()

    assert moving["state"] == "books moving"
    assert quiet["state"] == "succeeded"
    assert "Sep 26" in quiet["periods"]


def test_batch_filed_under_another_period_is_found_by_the_balances(desk: FakeDesk) -> None:
    """Lines of a period whose batch header names another one are found at the first load."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "1"), filed="10-26")

    summary = desk.run(periods=["09-26"])

    assert summary["state"] == "succeeded"
    assert desk.target.total("Sep 26") == "1.00"


def test_batch_that_vanished_leaves_the_model(desk: FakeDesk) -> None:
    """A posted batch the ERP no longer has is found by the balances, and its cells go to zero."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "1"))
    desk.source.post("2", line(1, "US", "09-26", "101.5000.10", "2"))
    desk.run()
    desk.source.remove("2")
    desk.clock.sleep(DAY)

    compared = desk.run(reconcile=True)
    desk.run()

    assert compared["cells"] == 1
    assert desk.target.total("5000") == "0.00"


def test_empty_adjustment_period_without_rule_is_no_matter(desk: FakeDesk) -> None:
    """An adjustment period without a rule stops nothing while it holds nothing."""
    desk.source.periods["US"].append(adjustment(month(9), "ADJ-26"))
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "1"))

    assert desk.run()["state"] == "succeeded"


@pytest.mark.parametrize("rule", ["fold-into-last", "own-member", "exclude"])
def test_adjustment_period_goes_where_its_rule_says(make_desk: MakeDesk, rule: str) -> None:
    """Adjustments are folded, have a member of their own, or stay out, and tie out each way."""
    periods = {"adjustment": rule, "adjustment_pattern": "Dec 26"}
    desk = make_desk(periods=periods)
    desk.source.periods["US"].append(adjustment(month(9), "ADJ-26"))
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "1"))
    desk.source.post("2", line(1, "US", "ADJ-26", "101.4000.10", "5"))

    summary = desk.run()

    wanted = {"fold-into-last": ("6.00", "0.00"), "own-member": ("1.00", "5.00")}
    held = desk.target.total("Sep 26"), desk.target.total("Dec 26")
    assert summary["state"] == "succeeded"
    assert held == wanted.get(rule, ("1.00", "0.00"))


def test_account_of_unknown_type_is_not_loaded_with_a_guessed_sign(make_desk: MakeDesk) -> None:
    """Where signs are turned by account type, an account without a type stops its period."""
    desk = make_desk(signs={"flip": ["R"], "account_types": {"Chart": "value-set:A"}})
    desk.source.members["value-set:A"] = [
        Member(code="4000", name="4000", properties=(("account_type", "R"),))
    ]
    desk.source.post("1", line(1, "US", "09-26", "101.5000.10", "-7"))

    with pytest.raises(ConnectorError, match="5000"):
        desk.run()


def test_several_ledgers_and_signs_share_an_intersection_to_the_cent(make_desk: MakeDesk) -> None:
    """Amounts of two ledgers, of turned and of kept sign, on one cell tie out in the ledger's."""
    desk = make_desk(
        ledgers=["US", "CA"],
        signs={"flip": ["R"], "account_types": {"Chart": "value-set:A"}},
    )
    desk.rules = ("entity,,101,,,,", "account,,9999,,,,")
    desk.source.members["value-set:A"] = [
        Member(code=code, name=code, properties=(("account_type", kind),))
        for code, kind in (("4000", "R"), ("5000", "E"))
    ]
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "-100.10"))
    desk.source.post("2", line(1, "CA", "09-26", "102.5000.10", "0.30"))
    desk.source.post("3", line(1, "CA", "09-26", "102.4000.10", "0.05"))

    summary = desk.run()

    assert summary["state"] == "succeeded"
    assert {row["unexplained"] for row in summary["tie_out"]} == {"0"}
    assert desk.target.total("9999") == "100.35"
