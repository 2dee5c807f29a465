"""A process that is frozen in the middle of a transaction holds nobody up for long."""

import subprocess
from collections.abc import Callable
from datetime import timedelta

from ml_connector.ports import Records
from ml_connector.records.setup import IDLE_TRANSACTION_S, parse_database_url

Spawn = Callable[..., "subprocess.Popen[str]"]
FROZEN = """
import signal
from ml_connector.records import setup
setup.IDLE_TRANSACTION_S = 1
from ml_connector.records import close
close()
configure(sys.argv[1], secret_key='only for tests')
from ml_connector.records.models import Organisation
from ml_connector.records.store import writing
with writing("what is never stored"):
    Organisation.objects.select_for_update().get(name="default")
    print("holds it", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
print("thought it was stored", flush=True)
"""


def test_lock_of_a_frozen_process_is_gone_with_its_transaction(
    postgresql_only: None, records: Records, records_url: str, spawn: Spawn
) -> None:
    """The server ends the session; whoever waited writes, and the frozen one stores nothing."""
    frozen = spawn(FROZEN, records_url)
    assert frozen.stdout is not None
    assert frozen.stdout.readline() == "holds it\n"

    records.audit.record("run.started", subject="flow", actor="kim", run_id="r1")

    assert records.audit.verify() == 1
    frozen.send_signal(18)
    out, err = frozen.communicate(timeout=20)
    assert frozen.returncode != 0
    assert "thought it was stored" not in out
    assert "terminating connection due to idle-in-transaction timeout" in err


def test_sessions_on_postgresql_are_given_that_time(postgresql_only: None) -> None:
    """Whatever options the URL brings itself are kept."""
    url = "postgresql://u:p@h/db?options=-c%20lock_timeout%3D5s"
    options = parse_database_url(url)["default"]["OPTIONS"]["options"]
    milliseconds = IDLE_TRANSACTION_S * timedelta(seconds=1) // timedelta(milliseconds=1)
    assert options.split(" -c ") == [
        f"-c idle_in_transaction_session_timeout={milliseconds}", "lock_timeout=5s",
    ]  # fmt: skip
