"""What is traced of a segment value: the newest periods that have begun, and where they go."""

import pytest
from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import line, month

from ml_connector.flows.answers import trace
from ml_connector.flows.answers.trace import trace_value


def test_periods_that_have_not_begun_hide_none_of_those_that_have(
    desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A calendar knows years to come; of those that have begun the newest ones are told."""
    monkeypatch.setattr(trace, "MEMBERS_MAX", 2)
    for number, period in enumerate(("08-26", "09-26", "10-26")):
        desk.source.post(str(number), line(1, "US", period, "101.4000.10", "7"))
    desk.run()
    ahead = [month(11), month(12), *(month(number, 2027) for number in range(1, 13))]
    desk.source.periods["US"] = [*desk.source.periods["US"], *ahead]
    desk.run()

    told = [entry.text for entry in trace_value(desk.bench(), "4000")]

    assert [text.partition(":")[0] for text in told] == ["US 09-26", "US 10-26"]
    assert list(trace_value(desk.bench(), "7777")) == []
