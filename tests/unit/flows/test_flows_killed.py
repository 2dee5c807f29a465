"""A flow killed after any call of its ports goes on to the same end."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.desk import FakeDesk
from tests.fakes.killing import Killer
from tests.fakes.ledger import line
from tests.fakes.steps import Crash

from ml_connector.errors import RunInterruptedError

MakeDesk = Callable[..., FakeDesk]
CALLS_MAX = 200
LEASE = 600


@pytest.mark.exhaustive
@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", [pytest.param("snapshot", marks=pytest.mark.exhaustive), "append"])
def test_flow_killed_after_any_call_loads_the_late_journal_once(
    make_desk: MakeDesk, mode: str
) -> None:
    """Each run brings a late cent and is killed after the next writing call: no cent is lost."""
    desk = make_desk(mode=mode)
    desk.source.post("0", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.run()
    total = Decimal(100)
    for at in range(1, CALLS_MAX):
        killer = desk.killer = Killer(at=at)
        desk.source.post(str(at), line(1, "US", "09-26", "101.4000.10", "0.01"))
        total += Decimal("0.01")
        starts = desk.target.starts.count("112")

        summary = run_to_the_end(desk)

        assert summary["state"] == "succeeded", killer.died
        assert desk.target.total("4000") == f"{total:.2f}", killer.died
        assert desk.target.starts.count("112") - starts == 1, killer.died
        if not killer.died:
            return
        desk.clock.sleep(LEASE)
    raise AssertionError(f"the run makes more than {CALLS_MAX} calls")


def run_to_the_end(desk: FakeDesk) -> dict[str, object]:
    """The summary of a run, resumed as often as it dies."""
    try:
        return desk.run()
    except Crash:
        return desk.resume()


class LostIntents:
    """Intents of a process that others take for dead while its start is on the way."""

    def __init__(self, intents: Any) -> None:
        self._intents = intents

    def __getattr__(self, name: str) -> Any:
        return getattr(self._intents, name)

    def save_intent(self, *args: Any, task_id: str = "", **kwargs: Any) -> Any:
        """Nothing of a started task is stored."""
        if task_id:
            raise RunInterruptedError("Lost.", written="Nothing.", next_step="Leave.")
        return self._intents.save_intent(*args, **kwargs)


def test_start_that_left_after_others_had_the_run_is_told_though_they_counted_none(
    make_desk: MakeDesk,
) -> None:
    """Its successor may have proven it absent and never look again: only its sender knows of it."""
    desk = make_desk()
    desk.source.post("0", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.records = replace(desk.records, intents=LostIntents(desk.records.intents))

    with pytest.raises(RunInterruptedError):
        desk.run()

    told = [one for one in desk.records.audit.find("actuals-1") if one.event == "task.late"]
    assert [one.subject for one in told] == [f"T{len(desk.target.starts)}"]
