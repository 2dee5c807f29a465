"""The state folder is backed up, restored elsewhere and upgraded, by the steps of the guide."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ml_connector.wiring import open_house

FLOW = "actuals-fusion"
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "backup-and-upgrade.md"
MAKE_FIRST = """
import sys
from django.core.management import call_command
from ml_connector.records import setup
setup.configure("sqlite:///" + sys.argv[1], secret_key="only for tests")
call_command("migrate", "records", "0001", verbosity=0)
setup.close()
"""
OLD_RUN = """
INSERT INTO records_run
  (organisation_id, run_id, flow, kind, actor, state, request, summary, created_at, finished_at)
VALUES (1, '250101-080000-0001', 'actuals-fusion', 'actuals', 'somebody', 'failed', '{}', '{}',
        '2025-01-01 08:00:00', '2025-01-01 08:01:00')
"""


def follow_guide(heading: str, folder: Path, backup: Path) -> None:
    """The first block of commands under the heading of the guide is typed in the folder."""
    section = GUIDE.read_text().partition(f"## {heading}\n")[2]
    found = re.search(r"```\n(.*?)```", section, re.DOTALL)
    assert found is not None
    subprocess.run(
        ["bash", "-euc", found[1]], cwd=folder, check=True,
        env={**os.environ, "BACKUP": str(backup)},
    )  # fmt: skip


def restore(office: Any, backup: Path, root: Path, *, key: bool = True) -> None:
    """The project stands in another folder, its state from the backup."""
    left_out = shutil.ignore_patterns(".state", *([] if key else [".key"]))
    shutil.copytree(office.root, root, ignore=left_out)
    follow_guide("Restore", root, backup)


@pytest.mark.exhaustive
def test_restored_state_goes_on_where_it_was(office: Any, typist: Any, tmp_path: Path) -> None:
    """Elsewhere: nothing to do, the audit chain verifies, the secrets open, the trace is there."""
    typist.type("run", FLOW)
    with open_house(office.root, clock=office.clock) as house:
        assert house.engine is not None  # A backup is taken while an engine runs.
        follow_guide("Back up", office.root, tmp_path / "backup")
    links = typist.type("audit", "verify", "-o", "json").json["links"]
    restore(office, tmp_path / "backup", tmp_path / "elsewhere")
    starts = len(office.tasks())

    typist.project = tmp_path / "elsewhere"
    verified = typist.type("audit", "verify", "-o", "json")
    reconciled = typist.type("reconcile", FLOW)
    again = typist.type("run", FLOW)

    assert verified.json["links"] == links
    assert reconciled.code == again.code == 0, again.err
    assert "nothing to do" in again.err
    assert len(office.tasks()) == starts
    assert typist.type("trace", "68010", "-o", "json").json


@pytest.mark.exhaustive
def test_backup_without_its_key_opens_no_secret(office: Any, typist: Any, tmp_path: Path) -> None:
    """The key is no part of the backup; without it a log-in ends with a clear error, exit 7."""
    typist.type("run", FLOW)
    follow_guide("Back up", office.root, tmp_path / "backup")
    restore(office, tmp_path / "backup", tmp_path / "elsewhere", key=False)

    typist.project = tmp_path / "elsewhere"
    refused = typist.type("run", FLOW, "-o", "json")
    looked = typist.type("runs", "list", "-o", "json")

    key = (office.root / ".key").read_text().splitlines()[-1]
    kept = [path.read_bytes() for path in (tmp_path / "backup").rglob("*") if path.is_file()]
    assert refused.code == 7
    assert refused.json["error"]["code"] == "key.missing"
    assert refused.hints
    assert looked.code == 0
    assert not any(key.encode() in content for content in kept)


@pytest.mark.exhaustive
def test_first_database_is_upgraded_with_its_rows(office: Any, typist: Any, tmp_path: Path) -> None:
    """A database at the first migration keeps its runs and takes new ones."""
    records = office.root / ".state" / "records.db"
    for path in records.parent.glob("records.db*"):
        path.unlink()
    subprocess.run([sys.executable, "-c", MAKE_FIRST, str(records)], check=True)
    with closing(sqlite3.connect(records)) as database, database:
        database.execute(OLD_RUN)
    for name, text in (
        ("fusion-sandbox.client_secret", "halden-secret"),
        ("anaplan-sandbox.password", "halden-password"),
    ):
        assert typist.type("secrets", "set", name, stdin=text).code == 0

    ran = typist.type("run", FLOW)
    runs = typist.type("runs", "list", "-o", "json").json

    assert ran.code == 0, ran.err
    assert [row["state"] for row in runs] == ["succeeded", "failed"]
    assert runs[-1]["run"] == "250101-080000-0001"
    assert typist.type("audit", "verify").code == 0


@pytest.mark.parametrize("words", [("status",), ("run", FLOW), ("secrets", "list")])
def test_newer_database_is_refused(office: Any, typist: Any, words: tuple[str, ...]) -> None:
    """A database a later version has written stays as it is; the error names what is unknown."""
    records = office.root / ".state" / "records.db"
    with closing(sqlite3.connect(records)) as database, database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('records', '9999_later', '2030-01-01 00:00:00')"
        )

    refused = typist.type(*words, "-o", "json")

    assert refused.code == 2
    assert "9999_later" in refused.json["error"]["refused"]
    assert refused.json["error"]["written"] == "Nothing was changed."
