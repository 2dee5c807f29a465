"""The house of a simulated process: the real one over loopback transports and a mortal life."""

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

import httpx2
from tests.simulation.engine import RunMemory, SimEngine
from tests.simulation.life import Life

from ml_connector.ports import Clock, LedgerSource, PlanningTarget
from ml_connector.settings import Project
from ml_connector.systems.anaplan.adapter import AnaplanTarget
from ml_connector.systems.fusion.adapter import FusionSource
from ml_connector.systems.jde.adapter import JdeSource
from ml_connector.wiring.house import House
from ml_connector.wiring.workers import hear_records


class SimHouse(House):
    """Records, archive, vault, budget, clients and flows are real; engine and wire are not."""

    def __init__(
        self,
        project: Project,
        *,
        clock: Clock,
        life: Life,
        transports: Mapping[str, httpx2.BaseTransport],
        memory: dict[str, RunMemory],
    ) -> None:
        super().__init__(project, clock=clock)
        self._life = life
        self._transports = transports
        self._watch_stores()
        self.engine: Any = SimEngine(
            memory, observer=self._make_history(), run_flow=self._run_flow, life=life
        )

    def _watch_stores(self) -> None:
        life, stores = self._life, vars(self)
        records, archive = self.records, self.archive
        # As where several processes work: one whose runs others have finds out before it stores.
        stores["records"] = life.watch_records(hear_records(records, self._verify_heard))
        stores["archive"] = life.watch(archive, "archive")

    def _make_fusion(self, name: str) -> LedgerSource:
        return FusionSource(
            self._connection(name, "fusion"), secrets=self.vault, clock=self.clock,
            budget=self.budget, transport=self._transports["fusion"],
        )  # fmt: skip

    def _make_jde(self, name: str) -> LedgerSource:
        return JdeSource(
            self._connection(name, "jde"), secrets=self.vault, clock=self.clock,
            budget=self.budget, sessions=self._sessions, transport=self._transports["jde"],
        )  # fmt: skip

    def let_go(self) -> None:
        """The system frees what a dead process had locked."""
        sessions = vars(self).get("_sessions")
        if sessions is not None and sessions._lock is not None:
            os.close(sessions._lock)
            sessions._lock = None

    def target(self, name: str) -> PlanningTarget:
        """The planning model, reached without a socket."""
        target: PlanningTarget = self._keep(f"target {name}", partial(self._make_anaplan, name))
        return target

    def _make_anaplan(self, name: str) -> AnaplanTarget:
        return AnaplanTarget(
            self._connection(name, "anaplan"), secrets=self.vault, clock=self.clock,
            budget=self.budget, transport=self._transports["anaplan"],
        )  # fmt: skip
