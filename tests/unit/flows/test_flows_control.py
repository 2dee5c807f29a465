"""The control compares a planning period's ledgers in one step, and tells them apart."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import FakeSource, line, month

from ml_connector.domain.ledger import BatchStamp, CombinationKey
from ml_connector.domain.periods import Period

MakeDesk = Callable[..., FakeDesk]


@dataclass(slots=True, kw_only=True)
class ListeningSource(FakeSource):
    """Keeps the periods it was asked to list."""

    asked: set[tuple[str, str]] = field(default_factory=set)

    def read_period_stamps(self, periods: Sequence[Period]) -> Iterator[BatchStamp]:
        """As before, and kept."""
        self.asked |= {(period.calendar, period.name) for period in periods}
        return FakeSource.read_period_stamps(self, periods)


def key(ledger: str, account: str) -> CombinationKey:
    """A combination of September."""
    return CombinationKey(ledger, "09-26", "USD", f"101.{account}.10")


def test_ledger_that_differs_is_told_beside_one_that_ties(make_desk: MakeDesk) -> None:
    """A difference belongs to its ledger; the period waits, its other ledger counts as read."""
    desk = make_desk(ledgers=["US", "CA"])
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.source.post("2", line(1, "CA", "09-26", "101.4000.10", "7"))
    desk.source.shifts[key("CA", "4000")] = Decimal("0.01")

    [row] = desk.run()["erp_differences"]

    assert (row["ledger"], row["period"], row["combinations"]) == ("CA", "09-26", 1)
    [shown] = row["shown"]
    assert (Decimal(shown["erp"]), Decimal(shown["archived"])) == (Decimal("7.01"), Decimal(7))
    whole = desk.records.batches.load_whole("erp")
    assert ("US", "09-26") in whole
    assert ("CA", "09-26") not in whole
    assert desk.target.total("4000") == "0.00"


def test_differences_are_all_counted_and_few_are_shown(make_desk: MakeDesk) -> None:
    """However wrong the books, a step's result and the summary stay small."""
    desk = make_desk(ledgers=["US", "CA"])
    for ledger in desk.flow.ledgers:
        desk.source.post(ledger, line(1, ledger, "09-26", "101.4000.10", "100"))
        desk.source.shifts |= {key(ledger, f"{n:05}"): Decimal(1) for n in range(250)}

    rows = desk.run()["erp_differences"]

    assert [row["combinations"] for row in rows] == [250, 250]
    assert [len(row["shown"]) for row in rows] == [20, 0]


def test_balance_that_is_not_the_sum_of_its_lines_is_told(desk: FakeDesk) -> None:
    """Books out of order in the ERP itself hold a period back, whatever the archive says."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.source.breaks[key("US", "4000")] = Decimal("99.99")

    summary = desk.run()

    assert summary["state"] == "unexplained difference"
    [row] = summary["erp_differences"]
    assert (row["combinations"], row["breaks"]) == (0, 1)
    [shown] = row["breaks_shown"]
    assert (shown["balance"], shown["lines"]) == ("100", "99.99")
    assert desk.target.total("4000") == "0.00"
    assert ("US", "09-26") not in desk.records.batches.load_whole("erp")


def test_balance_that_is_the_sum_of_its_lines_says_nothing(desk: FakeDesk) -> None:
    """The second comparison is silent when it holds, and counts when only it fails."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.source.breaks[key("US", "4000")] = Decimal("100.0")

    assert desk.run()["state"] == "succeeded"


def test_ledger_that_does_not_come_to_zero_is_told(desk: FakeDesk) -> None:
    """What a right hides of lines and balances alike ties; only the ledger's own sum tells."""
    desk.source.post("1", line(1, "US", "08-26", "101.4000.10", "7"),
                     line(2, "US", "08-26", "101.5000.10", "-7"))  # fmt: skip
    desk.source.post("2", line(1, "US", "09-26", "101.4000.10", "100"))

    summary = desk.run()

    assert summary["unbalanced"] == [{"ledger": "US", "period": "09-26", "net": "100"}]
    assert summary["state"] == "succeeded"


def test_periods_of_one_name_in_two_calendars_are_both_listed(make_desk: MakeDesk) -> None:
    """A month that two calendars call the same is asked for in both of them."""
    desk = make_desk(ledgers=["JP", "US"])
    japan, america = desk.source.ledgers
    desk.source = source = ListeningSource(
        clock=desk.clock,
        ledgers=[replace(japan, calendar="April"), america],
        periods={"JP": [month(9, calendar="April")], "US": [month(9)]},
    )
    source.post("1", line(1, "US", "09-26", "101.4000.10", "7"))
    source.post("2", line(1, "JP", "09-26", "101.4000.10", "7"))

    desk.run()

    assert source.asked == {("April", "09-26"), ("Calendar", "09-26")}
