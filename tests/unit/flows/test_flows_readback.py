"""Reading back: what somebody typed into the model is shown, never fatal, never written over."""

from typing import Any

import pytest
from tests.fakes.ledger import line
from tests.fakes.steps import Crash

from ml_connector.domain.money import TooManyDigitsError
from ml_connector.flows.planning.shadow import ModelHoldsCellsError
from ml_connector.ports import RunState

FORTY_THOUSAND = "101.4000.10"


@pytest.mark.parametrize("text", ["0.3333333333333333", "0.30000000000000004", "1e30"])
def test_cell_no_ledger_could_hold_is_a_difference_and_heals(desk: Any, text: str) -> None:
    """A third, a double's dust or a monster in a cell ends untied; the model's word mends it."""
    desk.source.post("1", line(1, "US", "09-26", FORTY_THOUSAND, "0.30"))
    desk.run()
    key = next(key for key in desk.target.cells if "Sep 26" in key)
    desk.target.cells[key] = text

    compared = desk.run(reconcile=True)
    healed = desk.run(against="model")

    assert compared["state"] == "unexplained difference"
    assert healed["state"] == "succeeded"
    assert desk.target.total("4000") == "0.30"


def test_period_never_loaded_is_not_written_over(desk: Any) -> None:
    """Cells somebody typed into a month this flow has not loaded yet stop its first load."""
    desk.source.post("1", line(1, "US", "09-26", FORTY_THOUSAND, "1"))
    desk.run(periods=["09-26"])
    desk.target.cells["101", "4000", "Aug 26", "Actual", "USD"] = "55"
    desk.source.post("2", line(1, "US", "08-26", FORTY_THOUSAND, "1"))

    with pytest.raises(ModelHoldsCellsError):
        desk.run()

    assert desk.target.cells["101", "4000", "Aug 26", "Actual", "USD"] == "55"


def test_delta_of_too_many_digits_is_refused_before_it_is_sent(make_desk: Any) -> None:
    """Two amounts a cell can keep may differ by one it cannot."""
    desk = make_desk(mode="append")
    desk.source.post("1", line(1, "US", "09-26", FORTY_THOUSAND, "-9999999999999.99"))
    desk.run()
    desk.source.post("2", line(1, "US", "09-26", FORTY_THOUSAND, "19999999999999.98"))

    with pytest.raises(TooManyDigitsError):
        desk.run()


def test_model_loaded_by_a_run_that_did_not_end_names_that_run(desk: Any) -> None:
    """Its cells are nobody's riddle: the run that sent them is to be finished."""

    def die(step: str) -> None:
        if step == "load: refused":
            raise Crash

    desk.source.post("1", line(1, "US", "09-26", FORTY_THOUSAND, "1"))
    with pytest.raises(Crash):
        desk.run(die)
    desk.records.runs.save_run("actuals-1", RunState.FAILED)

    with pytest.raises(ModelHoldsCellsError, match="run actuals-1 has loaded") as caught:
        desk.run()

    assert "`ml-connector runs resume actuals-1`" in caught.value.next_step
