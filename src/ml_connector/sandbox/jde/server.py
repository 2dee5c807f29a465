"""The JDE server put together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.faults import Hook
from ml_connector.sandbox.http import Request, Response
from ml_connector.sandbox.jde import books
from ml_connector.sandbox.jde.asking import Asker
from ml_connector.sandbox.jde.callers import Doorkeeper
from ml_connector.sandbox.jde.dataservice import DataService
from ml_connector.sandbox.jde.discovery import Discovery
from ml_connector.sandbox.jde.orchestrator import Orchestrator
from ml_connector.sandbox.jde.practices import Practices
from ml_connector.sandbox.jde.readers import Readers
from ml_connector.sandbox.jde.refusals import html_page
from ml_connector.sandbox.jde.reports import Reports
from ml_connector.sandbox.jde.resultsets import ResultSets
from ml_connector.sandbox.jde.schema import TABLES, clear_tables, create_tables
from ml_connector.sandbox.jde.sessions import SessionBook, session_as_json, token_id
from ml_connector.sandbox.jde.sight import Sight
from ml_connector.sandbox.jde.signon import SignOn
from ml_connector.sandbox.jde.surface import Surface
from ml_connector.sandbox.jde.switches import JDE_SWITCHES
from ml_connector.sandbox.jde.token_service import TokenService
from ml_connector.sandbox.jde.transport import JdeHttpServer, RedactingJournal
from ml_connector.sandbox.jde.users import ENVIRONMENT, PASSWORD, ROLE, USERS, seed_users
from ml_connector.sandbox.server import SandboxServer

REST_ROOT = "/jderest"
LINES_DEFAULT = 10_000
Seed = Callable[["JdeServer"], None]


class JdeServer(SandboxServer):
    """Sign-on, data service and orchestrator over raw tables, and the hooks behind the stage."""

    def __init__(self, state_dir: Path, clock: SandboxClock, *, seed: Seed) -> None:
        super().__init__("jde", state_dir=state_dir, clock=clock, switches=JDE_SWITCHES)
        self.journal = RedactingJournal(self.store)
        self.practices = Practices()
        self.sight = Sight(store=self.store)
        self.sessions = SessionBook(clock=clock, switches=self.switches)
        self.sign_on = SignOn(self.switches)
        self._readers = Readers(self.store.path)
        self.results = ResultSets(self._readers)
        self._seed = seed
        create_tables(self.store)
        if not self.store.query("SELECT 1 FROM F0010 LIMIT 1"):
            seed(self)
        self._surface = self._build_surface()
        self._add_operations()

    def start(self, port: int = 0) -> str:
        """The server answers on a loopback port (0: any free one); its base address."""
        self._http = JdeHttpServer(port, self._take, self.clock.http_date)
        self._http.start()
        return self.url

    def stop(self) -> None:
        """The port is free and everything is closed."""
        super().stop()
        self.results.forget_token(None)
        self._readers.close()

    def answer(self, request: Request) -> Response:
        """Return the answer to any request but those of the control paths."""
        if request.path.startswith(REST_ROOT + "/"):
            return self._surface.answer(request)
        return html_page(404)

    def info(self) -> dict[str, Any]:
        """Return what a client needs to come in, and what clients did that they should not."""
        lines = self.store.query("SELECT COUNT(*) FROM F0911")[0][0]
        return {
            "users": dict.fromkeys(USERS, PASSWORD),
            "environment": ENVIRONMENT,
            "role": ROLE,
            "lines": lines,
            "sessions": len(self.sessions.living()),
            "disabled_users": self.sign_on.disabled_users(),
            "warnings": self.practices.counts(sessions_left=self.sessions.timed_out),
        }

    def reseed(self) -> None:
        """The company stands as on a fresh state folder; nobody is signed on."""
        self.results.forget_token(None)
        self.sessions.close_all()
        self.sessions.timed_out = 0
        self.sign_on.reset()
        self.practices.clear()
        self._reports.jobs.clear()
        self.sight.reset()
        with self.store.transaction():
            clear_tables(self.store)
            self._seed(self)

    def _build_surface(self) -> Surface:
        door = Doorkeeper(
            sessions=self.sessions,
            sign_on=self.sign_on,
            switches=self.switches,
            practices=self.practices,
        )
        tokens = TokenService(
            clock=self.clock,
            switches=self.switches,
            sessions=self.sessions,
            sign_on=self.sign_on,
            door=door,
            results=self.results,
            practices=self.practices,
        )
        self._reports = Reports(
            store=self.store, clock=self.clock, switches=self.switches, door=door
        )
        surface = Surface(
            clock=self.clock,
            switches=self.switches,
            door=door,
            tokens=tokens,
            data=self._build_data(),
            orchestrator=Orchestrator(
                store=self.store,
                clock=self.clock,
                switches=self.switches,
                door=door,
                pause=self.visitors.pause,
            ),
            discovery=Discovery(switches=self.switches, door=door),
            reports=self._reports,
            practices=self.practices,
            routes=self.router,
            origin=lambda: self.url,
        )
        surface.add_routes()
        return surface

    def _build_data(self) -> DataService:
        asker = Asker(
            store=self.store,
            clock=self.clock,
            switches=self.switches,
            sight=self.sight,
            practices=self.practices,
        )
        return DataService(
            clock=self.clock,
            switches=self.switches,
            readers=self._readers,
            results=self.results,
            asker=asker,
        )

    def _add_operations(self) -> None:
        books.register_operations(self)
        self.add_admin("restart_ais", self._restart_ais)
        self.add_admin("kill_jas", self._kill_jas)
        self.add_admin("list_sessions", self._list_sessions)
        self.add_admin("hide_columns", self._hide_columns)
        self.add_admin("hide_companies", self.sight.hide_companies)
        self.add_admin("enable_users", lambda _body: self.sign_on.reset())
        self.add_admin("drop_result_sets", self._drop_result_sets)
        for name in ("restart_ais", "kill_jas", "drop_result_sets"):
            self.faults.hooks[name] = self._hook(name)

    def _hook(self, name: str) -> Hook:
        operations = {
            "restart_ais": self._restart_ais,
            "kill_jas": self._kill_jas,
            "drop_result_sets": self._drop_result_sets,
        }

        def run(_request: Request, body: dict[str, Any]) -> None:
            operations[name](body)

        return run

    def _drop_result_sets(self, _body: dict[str, Any]) -> None:
        self.results.forget_token(None)

    def _restart_ais(self, _body: dict[str, Any]) -> dict[str, int]:
        self.results.forget_token(None)
        return {"sessions": self.sessions.close_all()}

    def _kill_jas(self, body: dict[str, Any]) -> dict[str, int]:
        wanted = body.get("id")
        tokens = [s.token for s in self.sessions.living() if wanted in {None, token_id(s.token)}]
        for token in tokens:
            self.results.forget_token(token)
        return {"sessions": sum(self.sessions.kill_jas(token) for token in tokens)}

    def _list_sessions(self, _body: dict[str, Any]) -> list[dict[str, Any]]:
        return [session_as_json(session) for session in self.sessions.living()]

    def _hide_columns(self, body: dict[str, Any]) -> dict[str, list[str]]:
        unknown = [
            f"{table}.{name}"
            for table, names in body.items()
            for name in names
            if table not in TABLES or name not in TABLES[table].by_alias
        ]
        if unknown:
            raise ValueError(f"There is no {unknown}.")
        return self.sight.hide_columns(body)


def build_jde_server(
    state_dir: Path, clock: SandboxClock, *, lines: int = LINES_DEFAULT
) -> JdeServer:
    """Return the server over a company of `lines` ledger rows, seeded but not yet listening."""

    def seed(server: JdeServer) -> None:
        seed_users(server.store)
        books.seed_books(server.store, lines=lines, now=clock.now_utc())

    return JdeServer(state_dir, clock, seed=seed)
