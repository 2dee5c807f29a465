"""A run that the release before began is told of, moved on purpose, and ends with one load."""

from typing import Any

import pytest
from tests.conftest import ACTUALS

from ml_connector.errors import ConnectorError
from ml_connector.wiring import engines, open_house


def interrupt(office: Any, step: str) -> str:
    """A run that was stopped when that step was done."""
    with open_house(office.root, clock=office.clock) as house:

        def stop(_run_id: str, name: str, state: str) -> None:
            if (name, state) == (step, "done"):
                house.request_stop()

        house._on_step = stop
        with pytest.raises(ConnectorError):
            house.run(ACTUALS, {})
        return str(office.newest().run_id)


def test_run_of_another_version_waits_and_is_moved_on_purpose(
    office: Any, typist: Any, monkeypatch: pytest.MonkeyPatch, quiet_cells: dict[str, str]
) -> None:
    """Resuming it is refused and changes nothing, moving it where the code may go on is recorded.

    Then it goes on behind what was done, and the model holds what it holds after any other run.
    """
    run_id = interrupt(office, "load: start 1")
    assert len(office.company.starts()) == 1
    monkeypatch.setattr(engines, "APPLICATION_VERSION", 2)
    assert typist.type("migrate", "--after", "-o", "json").json == []
    resumed = typist.type("runs", "resume", run_id)
    assert resumed.code == 5
    assert "begun by engine version 1; this is version 2" in resumed.err
    assert f"`ml-connector runs move {run_id}`" in resumed.err
    assert str(office.newest().state) == "interrupted"
    for words in (("status",), ("runs", "show", run_id)):
        told = typist.type(*words)
        assert told.code == 0
        assert f"Run {run_id} was begun by version 1; this is version 2." in told.err
        assert f"`ml-connector runs move {run_id}`" in told.hints[-1]

    shown = typist.type("runs", "show", run_id, "-o", "json").json
    assert shown["waits"] == f"Run {run_id} was begun by version 1; this is version 2."

    refused = typist.type("runs", "move", run_id)
    assert refused.code == 5
    assert "version 2 does not go on with such runs" in refused.err
    monkeypatch.setattr(engines, "MOVES_FROM", frozenset({1}))
    assert "Either one run is named" in typist.type("runs", "move", run_id, "--all").err
    assert typist.type("runs", "move", "--all", "--from", "7", "-o", "json").json == []
    with open_house(office.root, clock=office.clock) as other:
        assert other.engine is not None  # Somebody works on the state folder.
        assert typist.type("runs", "move", run_id).code == 6
    (row,) = typist.type("runs", "move", "--all", "-o", "json").json
    assert (row["run"], row["what_became_of_it"]) == (run_id, "moved from version 1 to 2")
    assert typist.type("runs", "move", run_id).code == 0  # Again changes nothing.
    assert "begun by version" not in typist.type("runs", "show", run_id).err
    monkeypatch.setattr(engines, "MOVES_FROM", frozenset())
    monkeypatch.setattr(engines, "APPLICATION_VERSION", 1)
    back = typist.type("runs", "move", run_id)  # A version takes back what it began itself.
    assert (back.code, back.hints) == (0, [f"Go on: `ml-connector runs resume {run_id}`."])
    monkeypatch.setattr(engines, "MOVES_FROM", frozenset({1}))
    monkeypatch.setattr(engines, "APPLICATION_VERSION", 2)
    assert typist.type("runs", "move", run_id).code == 0

    assert typist.type("runs", "resume", run_id).code == 0
    assert office.company.cells() == quiet_cells
    assert len(office.company.starts()) == 1
    with open_house(office.root, clock=office.clock) as house:
        assert house.records.audit.verify()
        links = [one for one in house.records.audit.find(run_id) if one.event == "run.moved"]
        assert {(link.run_id, link.actor) for link in links} == {(run_id, house.actor)}
        details = [(one.details["version_before"], one.details["version_after"]) for one in links]
        assert details == [("1", "2"), ("2", "1"), ("1", "2")]
    assert typist.type("runs", "move", run_id).code == 2  # It has ended.
