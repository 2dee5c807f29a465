"""What every part of the house works with; said here once, supplied by the house itself."""

from contextlib import ExitStack
from threading import Event
from typing import TYPE_CHECKING

from ml_connector.ports import Clock, Json, Records, RunRow
from ml_connector.settings import ActualsFlow, Flow, Project

if TYPE_CHECKING:
    from ml_connector.archive import FileArchive
    from ml_connector.flows.bench import ActualsBench, Bench
    from ml_connector.flows.scheduling import FlowPlace
    from ml_connector.vault import Vault


class Part:
    """One half, quarter or corner of a house."""

    project: Project
    clock: Clock
    actor: str
    """Who acts: a person, or an account that nobody is bound to."""
    holder: str
    """This process, as others see it."""
    _stop: Event
    _closers: ExitStack

    if TYPE_CHECKING:

        @property
        def records(self) -> Records:
            """All stores."""

        @property
        def archive(self) -> FileArchive:
            """The project's immutable files."""

        @property
        def vault(self) -> Vault:
            """The project's secrets."""

        def flow(self, name: str) -> Flow:
            """A flow's settings."""

        def actuals_flow(self, name: str) -> ActualsFlow:
            """The settings of an actuals flow."""

        def bench(self, flow: Flow) -> Bench:
            """The bench of any flow."""

        def actuals_bench(self, flow: ActualsFlow) -> ActualsBench:
            """The bench of an actuals flow."""

        def new_run_id(self) -> str:
            """An id for a run."""

        def enqueue_run(self, flow_name: str, request: Json, *, key: str = "") -> RunRow:
            """A run is recorded and handed to whoever executes runs."""

        def _find_place(self, flow_name: str) -> FlowPlace: ...
