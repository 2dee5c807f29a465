"""Whether the process lives and can work, with a database that is away, empty or there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import ml_connector

SOURCE_ROOT = Path(ml_connector.__file__).parents[1]
ASK = """
import json, sys
from ml_connector.records import setup
from ml_connector.settings.project import PagesSettings
from ml_connector.wiring.pages import render_pages
setup.configure("sqlite:///" + sys.argv[1], secret_key="-", pages=render_pages(PagesSettings()))
from django.test import RequestFactory
from ml_connector.errors import DatabaseAwayError
from ml_connector.web.views import health

def ask(view):
    answer = view(RequestFactory().get("/"))
    return [answer.status_code, answer.content.decode()]

class Away:
    def cursor(self):
        raise DatabaseAwayError("db", "gone", is_back=lambda: False)

told = {"empty": ask(health.ready)}
setup.migrate()
from ml_connector.records import open_records
open_records()
told["there"] = ask(health.ready)
health.connection = Away()
told["away"] = ask(health.ready)
told["lives"] = ask(health.live)
print(json.dumps(told))
"""


def test_process_is_ready_only_while_its_records_answer(tmp_path: Path) -> None:
    """It lives all the while, so that nobody restarts it for a database that is away."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path / "records.db")],
        capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
    )  # fmt: skip

    assert json.loads(done.stdout) == {
        "empty": [503, "records away\n"],
        "there": [200, "ready\n"],
        "away": [503, "records away\n"],
        "lives": [200, "lives\n"],
    }
