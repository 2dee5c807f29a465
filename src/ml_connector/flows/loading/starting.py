"""Starting a task in a model that may be busy: asked again only where nothing was started."""

from ml_connector.errors import BusyError, SystemUnavailableError
from ml_connector.flows.bench import Bench
from ml_connector.ports import Action

BUSY_WAITS_S = (10.0, 20.0, 30.0, 60.0)
"""Waits between starts that a busy or throttling model has refused."""


def submit_patiently(bench: Bench, action: Action) -> str:
    """The id of the started task; a model that is busy or throttles is asked again after a wait.

    Both answers say that nothing was started, so asking again is safe.

    Raises:
        OutcomeUnknownError: The reply was lost; nothing is asked again.
        BusyError: The model is still busy after two minutes; nothing was started.
    """
    for wait_s in BUSY_WAITS_S:
        try:
            return bench.target.submit_task(action)
        except (BusyError, SystemUnavailableError):
            bench.clock.sleep(wait_s)
    return bench.target.submit_task(action)
