"""The scope of a run: nothing that was asked for or posted is passed over in silence."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import adjustment, line, month

from ml_connector.domain.period_rules import PeriodBlockedError
from ml_connector.errors import ConnectorError

MakeDesk = Callable[..., FakeDesk]


def test_line_of_a_period_no_calendar_has_stops_the_run(desk: FakeDesk) -> None:
    """Lines in a period the ledger's calendar does not show are told, never passed over."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "1"))
    desk.run()
    desk.source.post("2", line(1, "US", "Nil-26", "101.4000.10", "1"))

    with pytest.raises(ConnectorError, match="Nil-26"):
        desk.run()


def test_amounts_in_an_adjustment_period_without_rule_stop_the_first_load(desk: FakeDesk) -> None:
    """An adjustment period that holds amounts and has no rule stops a load that never saw it."""
    desk.source.periods["US"].append(adjustment(month(9), "ADJ-26"))
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "1"))
    desk.source.post("2", line(1, "US", "ADJ-26", "101.4000.10", "5"))

    with pytest.raises(PeriodBlockedError, match="ADJ-26"):
        desk.run()


def test_asked_for_period_that_leads_nowhere_is_told(desk: FakeDesk) -> None:
    """A run asked for months it cannot take says so instead of succeeding with nothing."""
    desk.source.post("1", line(1, "US", "08-26", "101.4000.10", "1"))
    desk.change(first_month="2026-09")

    with pytest.raises(ConnectorError, match="08-26"):
        desk.run(periods=["08-26"])
    with pytest.raises(ConnectorError, match="2062-09"):
        desk.run(month_first="2062-09")


def test_period_of_one_ledger_is_that_of_no_other(make_desk: MakeDesk) -> None:
    """A name that other ledgers' calendars give to other months is taken of the ledger it is of."""
    desk = make_desk(ledgers=["US", "CA"])
    far = month(12, 2031)
    # Fiscal years that begin apart: the same name, five years later.
    desk.source.periods["CA"] = [*desk.source.periods["CA"][:1], replace(far, name="09-26")]
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "1"))

    with pytest.raises(ConnectorError, match="Dec 31"):
        desk.run(periods=["09-26"])
    assert desk.run(periods=["09-26"], ledger="US")["periods"] == ["Sep 26"]
    with pytest.raises(ConnectorError, match="09-26 of MX"):
        desk.run(periods=["09-26"], ledger="MX")
