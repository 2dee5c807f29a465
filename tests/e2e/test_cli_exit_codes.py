"""Each class of ending has its exit code, and the most dangerous of several wins."""

from itertools import combinations
from typing import Any

import pytest

from ml_connector.errors import DANGER, find_exit_code, find_worst
from ml_connector.ports.connections import ConnectionTest
from ml_connector.wiring import open_house

FLOW = "actuals-fusion"


def test_period_never_opened_fails_the_run(office: Any, typist: Any) -> None:
    """1: the ledger says no, and will say so again."""
    failed = typist.type("run", FLOW, "--period", "Dec-26", "-o", "json")

    assert failed.code == failed.json["exit_code"] == 1
    assert failed.json["error"]["code"] == "scope.period-not-readable"
    assert failed.hints == ["Open them in the ERP, or ask for other periods."]


def test_guard_blocks_the_run_and_the_json_says_which(office: Any, typist: Any) -> None:
    """5: a guard stopped the plan; nothing was sent."""
    office.change(guards={"cells_max": 10})

    blocked = typist.type("run", FLOW, "-o", "json")

    assert blocked.code == blocked.json["exit_code"] == 5
    assert "cells_max" in str(blocked.json["error"])
    assert office.company.cells() == {}


def test_held_state_folder_is_busy(office: Any, typist: Any) -> None:
    """6: an engine works on the folder; what only reads works meanwhile."""
    with open_house(office.root, clock=office.clock) as house:
        assert house.engine is not None
        busy = typist.type("run", FLOW)
        looked = typist.type("status")

    assert (busy.code, busy.out) == (6, "")
    assert looked.code == 0


@pytest.mark.parametrize("words", [("run", FLOW), ("doctor",), ("connections", "test", "LEFT")])
@pytest.mark.parametrize(
    ("connection", "secret"),
    [("fusion-sandbox", "client_secret"), ("anaplan-sandbox", "password")],
)
def test_wrong_secret_is_told_as_credentials(
    office: Any, typist: Any, words: tuple[str, ...], connection: str, secret: str
) -> None:
    """7: the log-in was refused; which connection is named, the secret is not."""
    typist.type("secrets", "set", f"{connection}.{secret}", stdin="not-the-password")

    refused = typist.type(*(connection if word == "LEFT" else word for word in words))

    assert refused.code == 7
    assert "not-the-password" not in refused.out + refused.err


def test_missing_secret_is_told_as_credentials(office: Any, typist: Any) -> None:
    """7: nothing stands under the name; how to store it is the hint."""
    typist.type("secrets", "delete", "fusion-sandbox.client_secret")

    refused = typist.type("discover", "fusion-sandbox")

    assert refused.code == 7
    assert "`ml-connector secrets set fusion-sandbox.client_secret`" in refused.hints[0]


@pytest.mark.parametrize("words", [("run", FLOW), ("doctor",), ("discover",)])
def test_silent_system_is_unavailable(office: Any, typist: Any, words: tuple[str, ...]) -> None:
    """8: every try was spent; the command may be repeated, and a run that stopped goes on."""
    office.company.fail(office.company.fusion, kind="status", status=503, every=1, path="/fscm")

    unavailable = typist.type(*words)
    office.company.mend()

    assert unavailable.code == 8
    assert "resume the run" not in unavailable.out + unavailable.err
    if words[0] != "run":
        assert "runs resume" not in unavailable.err
        return
    run = typist.type("runs", "list", "-o", "json").json[0]["run"]
    assert unavailable.hints[-1].endswith(f", then `ml-connector runs resume {run}`.")
    assert typist.type("runs", "show", run).hints == unavailable.hints
    assert typist.type("runs", "resume", run).code == 0


def test_connection_that_never_answers_is_unavailable(
    office: Any, typist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """8, though nothing was found out by the time nobody waits any longer."""
    mute = ConnectionTest(
        connection="anaplan-sandbox", actor="kim", at=office.clock.now(), milliseconds=30_000,
        is_whole=False, checks=(),
    )  # fmt: skip
    monkeypatch.setattr("ml_connector.wiring.House.test_connection", lambda *_: mute)

    silent = typist.type("connections", "test", "anaplan-sandbox")

    assert silent.code == 8
    assert "anaplan-sandbox left questions unanswered for 30 s" in silent.hints[-1]


@pytest.mark.exhaustive
def test_lost_start_that_cannot_be_looked_for_is_an_unknown_outcome(
    office: Any, typist: Any
) -> None:
    """9 wins over 8: the start's answer is lost and then the system is; a resume adopts it."""
    tasks = r"/imports/.*/tasks(\?|$)"
    anaplan = office.company.anaplan
    office.company.fail(anaplan, kind="reset_after", method="POST", path=tasks)
    office.company.fail(
        anaplan, kind="status", status=503, method="GET", path=tasks, nth=2, every=1
    )

    unknown = typist.type("run", FLOW, "-o", "json")
    run = typist.type("runs", "list", "-o", "json").json[0]
    cancelled = typist.type("runs", "cancel", run["run"])
    office.company.mend()
    resumed = typist.type("runs", "resume", run["run"])

    assert unknown.code == unknown.json["exit_code"] == cancelled.code == 9
    assert run["state"] == "outcome unknown"
    assert f"runs resume {run['run']}" in unknown.err
    assert resumed.code == 0, resumed.err
    assert len(office.tasks()) == 1


def test_doctor_leaves_with_the_worst_of_its_findings(office: Any, typist: Any) -> None:
    """7 wins over 8: one system refuses the log-in, the other does not answer at all."""
    typist.type("secrets", "set", "anaplan-sandbox.password", stdin="not-the-password")
    office.company.fail(office.company.fusion, kind="status", status=503, every=1, path="/fscm")

    looked = typist.type("doctor", "-o", "json")
    office.company.mend()

    states = {row["where"]: row["state"] for row in looked.json}
    assert looked.code == 7
    assert states["anaplan-sandbox"] == states["fusion-sandbox"] == "failed"
    assert "2 checks failed" in looked.hints[0]


def test_doctor_tells_an_archived_model_as_blocked(office: Any, typist: Any) -> None:
    """5: nothing can be loaded until somebody opens the model."""
    office.company.model("set_model_state", state="ARCHIVED")

    looked = typist.type("doctor")

    assert looked.code == 5
    assert "archived" in looked.out


def test_most_dangerous_exit_code_wins() -> None:
    """9, 4, 7, 8, 6, 5, 3, 1, in that order; nothing at all is 0."""
    order = [9, 4, 7, 8, 6, 5, 3, 1]

    assert [code for code in DANGER if code in order] == order
    assert all(find_worst(pair) == pair[0] for pair in combinations(order, 2))
    assert find_worst([]) == 0
    assert find_exit_code("no-class-carries-this") == 1
