"""The systems behind a project's connections, one client per connection and process."""

from collections.abc import Callable
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any

from ml_connector.errors import UsageError
from ml_connector.ports import LedgerSource, PlanningTarget, RequestBudget
from ml_connector.wiring.near import list_names
from ml_connector.wiring.once import once
from ml_connector.wiring.parts import Part

if TYPE_CHECKING:
    from ml_connector.wiring.sessions import SealedSessions

SESSIONS_FOLDER = "sessions"


class Systems(Part):
    """The outward half of a house; the house itself supplies project, vault, clock and budget."""

    if TYPE_CHECKING:

        @property
        def budget(self) -> RequestBudget:
            """The request budget every client asks before it sends."""

    def _connection(self, name: str, kind: str) -> Any:
        connection = self.project.connections.get(name)
        if connection is None:
            raise UsageError(
                f"There is no connection {name!r}; there are:"
                f" {list_names(name, self.project.connections)}",
                written="Nothing was read or sent.",
                next_step="List them: `ml-connector connections list`.",
                connection=name,
            )
        assert not kind or getattr(connection, "kind", "") == kind, "settings checked the kinds"
        return connection

    def find_kind(self, name: str) -> str:
        """The kind of a connection: fusion, jde, anaplan."""
        return str(self._connection(name, "").kind)

    def source(self, name: str) -> LedgerSource:
        """The ERP behind a connection; one client per name and process."""
        make = self._make_jde if self.find_kind(name) == "jde" else self._make_fusion
        source: LedgerSource = self._keep(f"source {name}", partial(make, name))
        return source

    def _make_fusion(self, name: str) -> LedgerSource:
        from ml_connector.systems.fusion.adapter import FusionSource  # noqa: PLC0415 - start-up.

        settings = self._connection(name, "fusion")
        return FusionSource(settings, secrets=self.vault, clock=self.clock, budget=self.budget)

    def _make_jde(self, name: str) -> LedgerSource:
        from ml_connector.systems.jde.adapter import JdeSource  # noqa: PLC0415 - start-up.

        return JdeSource(
            self._connection(name, "jde"),
            secrets=self.vault,
            clock=self.clock,
            budget=self.budget,
            sessions=self._sessions,
        )

    @once
    def _sessions(self) -> "SealedSessions":
        from ml_connector.wiring.sessions import SealedSessions  # noqa: PLC0415 - start-up time.

        sessions = SealedSessions(self.vault, self.project.state_dir / SESSIONS_FOLDER)
        self._closers.callback(sessions.close)
        return sessions

    def target(self, name: str) -> PlanningTarget:
        """The planning model behind a connection; one client per name and process."""
        from ml_connector.systems.anaplan.adapter import AnaplanTarget  # noqa: PLC0415 - start-up.

        target: PlanningTarget = self._keep(
            f"target {name}",
            lambda: AnaplanTarget(
                self._connection(name, "anaplan"),
                secrets=self.vault,
                clock=self.clock,
                budget=self.budget,
            ),
        )
        return target

    def system(self, name: str) -> LedgerSource | PlanningTarget:
        """Whatever stands behind a connection, for checks and discovery."""
        return self.target(name) if self.find_kind(name) == "anaplan" else self.source(name)

    @once
    def _keeping(self) -> RLock:
        """Two threads that ask for one client are given one."""
        return RLock()

    @once
    def _kept(self) -> dict[str, Any]:
        return {}

    def _set_up_logs(self) -> None:
        """Log lines look as the project says; only what talks to a system or runs flows logs."""
        from ml_connector.logs import set_up_logs  # noqa: PLC0415 - start-up time.

        settings = self.project.settings
        set_up_logs(log_format=settings.log_format, level=settings.log_level)

    def _keep(self, key: str, make: Callable[[], Any]) -> Any:
        with self._keeping:
            if key not in self._kept:
                self._set_up_logs()
                self._kept[key] = made = make()
                self._closers.callback(made.close)
            return self._kept[key]
