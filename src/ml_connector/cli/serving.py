"""Commands that stay: a server or a worker executes what is queued, and what is due."""

import sys
from threading import Thread
from typing import TYPE_CHECKING

from ml_connector.cli.options import Options, opened

if TYPE_CHECKING:
    from ml_connector.wiring import House


def serve(*, options: Options | None = None) -> int:
    """Show pages, execute queued and scheduled runs until Ctrl-C or SIGTERM; on any database.

    The first signal ends the steps that run, and nothing new begins; the second leaves at once.
    On SQLite commands hand their runs to this process while it is there.
    """
    with opened(options) as house:
        from ml_connector.web.charts import warm_up  # noqa: PLC0415 - Django's web half.
        from ml_connector.web.serving import Pages  # noqa: PLC0415 - as above.

        where = house.project.settings.pages
        _say_hello(house, "Server")
        with Pages(house, host=where.host, port=where.port) as pages:
            _say(f"Pages: {pages.url}")
            # Beside the pages, which answer already; whoever stops the process does not wait.
            Thread(target=warm_up, name="charts", daemon=True).start()
            house.serve(_tell_run, _tell)
        _say("Stopping: nothing new begins here.")
    return 0


def worker(*, options: Options | None = None) -> int:
    """Execute queued and scheduled runs until Ctrl-C or SIGTERM; for projects on PostgreSQL.

    The first signal ends the steps that run and leaves their runs to other workers; the second
    leaves at once, and the others go on with its runs some seconds later.
    """
    with opened(options) as house:
        _say_hello(house, "Worker")
        house.work(_tell_run, _tell)
        _say("Stopping: what was begun is left to others.")
    return 0


def _say_hello(house: "House", what: str) -> None:
    organisation = house.project.settings.organisation
    _say(f"{what} {house.holder} executes the runs of organisation {organisation}.")


def _tell_run(run_id: str, what: str) -> None:
    _tell(f"Run {run_id} {what}")


def _tell(text: str) -> None:
    # What became of something may end with a whole sentence of its own.
    _say(text if text.endswith(".") else f"{text}.")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
