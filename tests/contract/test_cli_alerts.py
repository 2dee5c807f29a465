"""The commands about alerts, on a project that has nothing but records."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.channels import Hook, open_hook
from tests.fakes.standing import lay_state

from ml_connector.cli.main import run_command
from ml_connector.ports import RunState
from ml_connector.wiring import open_house

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
SETTINGS = """
key: {file: .key}
alerts:
  channels:
    - {name: hook, address: "file:hook-address"}
    - {name: mail, address: "secret:alerts/mail", to: approvers}
  rules:
    - {channels: [hook], least: critical}
"""


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A webhook that listens."""
    with open_hook() as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path, fresh_state: Path, hook: Hook) -> Path:
    """A project with a run that failed."""
    root = tmp_path / "project"
    lay_state(fresh_state, root)
    (root / "ml-connector.yaml").write_text(SETTINGS, encoding="utf-8")
    (root / "hook-address").write_text(hook.url, encoding="utf-8")
    with open_house(root) as house:
        runs = house.records.runs
        runs.create_run(run_id="r1", flow="f", kind="actuals", actor="kim", request={})
        runs.save_run("r1", RunState.FAILED, error={"code": "busy", "refused": "It is busy."})
    return root


def test_alerts_are_listed_sent_and_looked_after(
    folder: Path, hook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without any server: what a run noted is raised by the next command that asks."""

    def command(*words: str) -> tuple[int, str]:
        code = run_command(["alerts", *words, "--project", str(folder)])
        told = capsys.readouterr()
        return code, told.out + told.err

    code, text = command("list", "--output", "json")
    (alert,) = json.loads(text.partition("\nhint:")[0])
    assert (code, alert["alert"], alert["state"]) == (0, "f: run failed", "open")
    assert command("send") == (0, "Sent 1 messages.\n")
    assert command("send") == (0, "Sent 0 messages.\n")
    assert command("test", "hook") == (0, "The channel hook took the message.\n")
    assert [one["title"] for one in hook.got] == [
        "[critical] f: run failed", "ml-connector: test",
    ]  # fmt: skip
    assert command("ack", alert["id"], "--remark", "mine")[0] == 0
    code, text = command("ack", alert["id"])
    assert (code, "already" in text) == (1, True)
    for words, exit_code in ((("ack", "nothing"), 2), (("test", "nowhere"), 2),
                             (("test", "mail"), 1)):  # fmt: skip
        assert command(*words)[0] == exit_code, words
    code, text = command("messages", "--output", "csv")
    assert [line.split(",")[3] for line in text.splitlines()] == [
        "State", "failed", "sent", "sent",
    ]  # fmt: skip
    code, text = command("channels")
    for part in ("webhook", "There is no secret alerts/mail", "everything", "critical"):
        assert part in text, part
    assert "mine" not in command("list", "--all")[1]
