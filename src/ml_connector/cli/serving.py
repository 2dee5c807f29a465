"""Commands that stay: a worker executes what others have queued."""

import sys

from ml_connector.cli.options import Options, opened


def worker(*, options: Options | None = None) -> int:
    """Execute queued runs until Ctrl-C or SIGTERM; for projects on PostgreSQL.

    The first signal ends the steps that run and leaves their runs to other workers; the second
    leaves at once, and the others go on with its runs some seconds later.
    """
    with opened(options) as house:
        organisation = house.project.settings.organisation
        _say(f"Worker {house.holder} executes the runs of organisation {organisation}.")
        house.work(lambda run_id, what: _say(f"Run {run_id} {what}."))
        _say("Stopping: what was begun is left to others.")
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
