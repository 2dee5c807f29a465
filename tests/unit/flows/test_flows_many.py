"""Many companies make long tie-outs; what a run stores of itself stays small."""

import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import line

from ml_connector.domain.ledger import CombinationKey
from ml_connector.flows.proving.outcome import ROWS_MAX

MakeDesk = Callable[..., FakeDesk]
LEDGERS = [f"{number:05}" for number in range(350)]
COMBINATION = "101.4000.10"
MONTHS = ("08-26", "09-26", "10-26")


@pytest.mark.long
@pytest.mark.exhaustive
def test_hundreds_of_companies_fit_a_run_and_the_odd_one_is_shown(make_desk: MakeDesk) -> None:
    """A difference of one company is among the rows a summary keeps, whatever its place."""
    desk = make_desk(ledgers=LEDGERS)
    for month in MONTHS:
        lines = (line(n, ledger, month, COMBINATION, "1.5") for n, ledger in enumerate(LEDGERS))
        desk.source.post(month, *lines)
    key = CombinationKey(LEDGERS[-1], "10-26", "USD", COMBINATION)

    first = desk.run()
    desk.source.breaks[key] = Decimal(7)
    second = desk.run(reconcile=True)

    assert (len(first["tie_out"]), first["tie_out_count"]) == (ROWS_MAX, 1_050)
    assert first["state"] == "succeeded"
    assert [row["ledger"] for row in second["erp_differences"]] == [LEDGERS[-1]]
    assert max(len(json.dumps(result)) for _, result in desk.steps["actuals-1"].history) < 100_000
