"""The engine forgets old runs; people do not notice."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conftest import BridgedClock

from ml_connector.ports import RunState
from ml_connector.wiring import open_house

DAYS = 31


@pytest.mark.long
def test_pruned_run_is_shown_in_full_and_the_flow_goes_on(office: Any) -> None:
    """Steps, tie-out, loads and audit links are the records'; the next run plans from them."""

    def look() -> list[object]:
        with open_house(office.root, clock=office.clock) as house:
            stores, run_id = house.records, run.run_id
            return [
                stores.runs.load_run(run_id), stores.runs.load_steps(run_id),
                stores.loads.load_loads(run_id=run_id), stores.intents.load_intents(run_id=run_id),
                stores.audit.find(run_id), stores.audit.verify(),
            ]  # fmt: skip

    run = office.run()
    before = look()
    # The engine's library writes down when a run has ended by the machine's time.
    later = BridgedClock(office.company.fusion, at=datetime.now(UTC) + timedelta(days=DAYS))
    with open_house(office.root, clock=later) as house:
        assert house.engine is not None

    (file,) = office.root.rglob("engine.db")
    with closing(sqlite3.connect(file)) as client:
        assert client.execute("SELECT count(*) FROM workflow_status").fetchone() == (0,)
        assert client.execute("SELECT count(*) FROM operation_outputs").fetchone() == (0,)
    assert look() == before
    assert office.run().state is RunState.SUCCEEDED
