"""What `doctor` tells about an Anaplan connection."""

from typing import Any

import pytest

from ml_connector.ports import Check, CheckState

OK, WARNING, FAILED = CheckState.OK, CheckState.WARNING, CheckState.FAILED


def states(checks: list[Check]) -> dict[str, CheckState]:
    """The checks by subject; each subject once."""
    found = {check.subject: check.state for check in checks}
    assert len(found) == len(checks)
    return found


def test_healthy_connection_is_ok_throughout(connect: Any) -> None:
    """Every question is asked and answered, and nothing is left to do."""
    checks = list(connect().check())
    assert states(checks) == dict.fromkeys(
        ("reach", "log-in", "user", "workspace", "model", "model state", "rights"), OK
    )
    findings = {check.subject: check.finding for check in checks}
    assert "35 minutes" in findings["log-in"]
    assert "integration@halden.example" in findings["user"]
    assert "Halden Finance" in findings["workspace"]
    assert [check.next_step for check in checks if check.next_step] == []


def test_wrong_password_is_one_failed_log_in(connect: Any, sandbox: Any, safe: Any) -> None:
    """The service was reached, the log-in failed; it is not tried twice."""
    safe.texts["secret:word"] = "wrong"
    checks = list(connect().check())
    assert states(checks) == {"reach": OK, "log-in": FAILED}
    assert "secret:word" in checks[-1].next_step
    assert len(sandbox.calls("/token/authenticate")) == 1


def test_unreachable_service_is_told_as_such(connect: Any) -> None:
    """Nothing listens: the first finding is the last."""
    checks = list(connect(auth_url="http://127.0.0.1:9").check())
    assert states(checks) == {"reach": FAILED}
    assert checks[0].next_step


def test_user_without_access_fails_at_the_model(connect: Any) -> None:
    """The model is listed and its tasks look empty, but its state cannot be read."""
    checks = list(connect(user="noaccess@halden.example").check())
    assert states(checks) == {
        "reach": OK, "log-in": OK, "user": OK, "workspace": OK, "model": OK, "model state": FAILED,
    }  # fmt: skip
    assert "role" in checks[-1].next_step


def test_unknown_ids_name_what_there_is(connect: Any) -> None:
    """Wrong ids are answered with the names and ids the user may see."""
    checks = list(connect(workspace_id="8" * 32, model_id="9" * 32).check())
    found = {check.subject: check for check in checks}
    assert found["workspace"].state is FAILED
    assert "Halden Finance" in found["workspace"].finding
    assert found["model"].state is FAILED
    assert found["model state"].state is FAILED


def test_unlisted_model_names_the_others(connect: Any, sandbox: Any) -> None:
    """A model id of another workspace is told with the models of this one."""
    lab = sandbox.model("Lab")
    checks = {one.subject: one for one in connect(model_id=lab["id"]).check()}
    assert checks["model"].state is FAILED
    assert "Finance Planning" in checks["model"].finding


@pytest.mark.parametrize(
    ("model", "state", "word"),
    [("Locked", FAILED, "unlock"), ("Archive", FAILED, "unarchive"), ("Deployed", WARNING, "data")],
)
def test_model_state_is_a_finding(connect: Any, model: str, state: CheckState, word: str) -> None:
    """A model that cannot be written is told with who must do what."""
    checks = {check.subject: check for check in connect(model=model).check()}
    assert checks["model state"].state is state
    assert word in checks["model state"].finding
    assert checks["model state"].next_step


def test_certificate_is_checked_for_its_end(
    connect: Any, sandbox: Any, safe: Any, clock: Any
) -> None:
    """The day a certificate ends is told, two months ahead as a warning."""
    issued = sandbox.do("issue_certificate", email="certificate@halden.example")
    safe.texts |= {"file:cert": issued["certificate"], "secret:key": issued["private_key"]}
    auth = {"method": "certificate", "certificate": "file:cert", "private_key": "secret:key"}
    checks = list(connect(auth=auth).check())
    assert (checks[0].subject, checks[0].state) == ("certificate", OK)
    assert "2033-12-29" in checks[0].finding
    clock.at = clock.at.replace(year=2033, month=11, day=15)
    checks = list(connect(auth=auth).check())
    assert (checks[0].state, checks[0].next_step != "") == (WARNING, True)


def test_unreadable_certificate_is_a_finding(connect: Any, safe: Any) -> None:
    """A wrong reference fails the certificate and the log-in, and nothing is thrown."""
    safe.texts |= {"file:cert": "no PEM", "secret:key": "no PEM"}
    auth = {"method": "certificate", "certificate": "file:cert", "private_key": "secret:key"}
    checks = list(connect(auth=auth).check())
    assert states(checks)["certificate"] is FAILED
    assert states(checks)["log-in"] is FAILED
