"""The Anaplan server: one port for the authentication service and the Integration API."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml_connector.sandbox.anaplan.actions_api import ActionsApi
from ml_connector.sandbox.anaplan.admin import AdminDesk
from ml_connector.sandbox.anaplan.bucket import TokenBucket
from ml_connector.sandbox.anaplan.engine import TaskEngine
from ml_connector.sandbox.anaplan.envelope import RefusedError, render_error
from ml_connector.sandbox.anaplan.files_api import FilesApi
from ml_connector.sandbox.anaplan.lists_api import ListsApi
from ml_connector.sandbox.anaplan.modules_api import ModulesApi
from ml_connector.sandbox.anaplan.oauth import OAuthService
from ml_connector.sandbox.anaplan.positions import SWITCHES
from ml_connector.sandbox.anaplan.reads_api import ReadsApi
from ml_connector.sandbox.anaplan.routing import ModelRoutes
from ml_connector.sandbox.anaplan.runner import FORCED
from ml_connector.sandbox.anaplan.runtime import ModelRuntime
from ml_connector.sandbox.anaplan.seed import (
    seed_definitions,
    seed_models,
    seed_users,
    seed_workspaces,
)
from ml_connector.sandbox.anaplan.tenant_api import TenantApi
from ml_connector.sandbox.anaplan.tokens import TokenService
from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.http import Request, Response
from ml_connector.sandbox.server import SandboxServer

_USERS = "users"
_MODELS = "models"
_SLASHES = re.compile(r"/{2,}")


class AnaplanServer(SandboxServer):
    """One tenant with its people, workspaces and models."""

    def __init__(self, state_dir: Path, clock: SandboxClock) -> None:
        super().__init__("anaplan", state_dir=state_dir, clock=clock, switches=SWITCHES)
        self.users: dict[str, dict[str, Any]] = {}
        self.workspaces = seed_workspaces()
        self.models: dict[str, ModelRuntime] = {}
        self.engine = TaskEngine(self.store, clock, self.switches, self.models, self.lock)
        self.tokens = TokenService(self.store, clock, self.switches, self.users)
        self.tokens.base_url = lambda: self.url
        self.oauth = OAuthService(self.store, clock, self.tokens)
        self.bucket = TokenBucket(clock, self.switches)
        routes = ModelRoutes(self)
        for api in (TenantApi, FilesApi, ActionsApi, ListsApi, ModulesApi, ReadsApi):
            api(self, routes)
        self.desk = AdminDesk(self)
        self._load()

    def start(self, port: int = 0) -> str:
        """The server answers and, in real time, carries out what is due."""
        self.engine.start_worker()
        return super().start(port)

    def stop(self) -> None:
        """The worker has ended, the port is free, the store is closed."""
        self.engine.stop_worker()
        super().stop()

    def answer(self, request: Request) -> Response:
        """The reply of whichever service the path belongs to."""
        # Real clients send doubled slashes and one trailing slash; both are accepted.
        request.path = _SLASHES.sub("/", request.path)
        if len(request.path) > 1:
            request.path = request.path.removesuffix("/")
        try:
            return self._answer_service(request)
        except RefusedError as refusal:
            return render_error(request, refusal, at=self.clock.now_utc(), switches=self.switches)

    def refuse(self, request: Request, status: int) -> Response:  # noqa: ARG002 - the base class names it
        """The error envelope for a path or verb nobody knows."""
        raise RefusedError(status)

    def find_model(self, model_id: str, workspace: str | None) -> ModelRuntime | None:
        """The model, unless the path names a workspace it is not in."""
        model = self.models.get(model_id)
        if model is None or workspace not in {None, model.header["workspace"]}:
            return None
        return model

    def hold_until(self, at: float) -> None:
        """The request has been kept open until the sandbox time is reached."""
        if self.clock.virtual and self.switches["busy.virtual_wait"] == "jump":
            self.clock.advance(max(0.0, at - self.clock.now()))
        else:
            self.clock.wait_until(at, limit_s=float(self.switches["busy.hold_limit_s"]))

    @contextlib.contextmanager
    def stepping_aside(self) -> Iterator[None]:
        """Others may use the server while a handler that holds its lock waits."""
        self.lock.release()
        try:
            yield
        finally:
            self.lock.acquire()

    def save_user(self, email: str) -> None:
        """The store holds the user as in memory."""
        self.store.save(_USERS, email, self.users[email])

    def info(self) -> dict[str, Any]:
        """Ids, users and addresses of the tenant."""
        return self.desk.info()

    def reseed(self) -> None:
        """People, models, files, tasks and tokens are as on a fresh state folder."""
        with self.lock:
            self.engine.clear()
            self.tokens.kill_all()
            self.oauth.clear()
            self.bucket.fill()
            for model in self.models.values():
                model.files.clear()
                model.dumps.clear()
            self.store.clear_space(FORCED)
            self._seed()
            self._load()

    def _answer_service(self, request: Request) -> Response:
        if request.path.startswith("/token/"):
            if self.switches["limits.count_auth"] == "on":
                self._spend()
            return self.tokens.answer(request)
        if request.path.startswith(("/oauth/", "/auth/")):
            return self.oauth.answer(request)
        if not request.path.startswith("/2/0/"):
            raise RefusedError(404)
        request.user = self.tokens.find_user(request.headers.get("authorization", ""))
        if request.user is None:
            raise RefusedError(401)
        self._spend()
        return super().answer(request)

    def _spend(self) -> None:
        with self.lock:
            wait_s = self.bucket.take()
        if wait_s is not None:
            raise RefusedError(429, headers=(("Retry-After", str(wait_s)),))

    def _load(self) -> None:
        if not self.store.load_space(_MODELS):
            self._seed()
        self.users.clear()
        self.users.update(self.store.load_space(_USERS))
        self.models.clear()
        for header in self.store.load_space(_MODELS).values():
            model = ModelRuntime(header, self.store, self.clock)
            model.data.load()
            self.models[model.id] = model
        self.engine.recover()

    def _seed(self) -> None:
        with self.store.transaction():
            self.store.clear_space(_USERS)
            for email, user in seed_users().items():
                self.store.save(_USERS, email, user)
            for header in seed_models().values():
                model = ModelRuntime(header, self.store, self.clock)
                model.data.seed(seed_definitions(model.id))
                model.save()


def build_anaplan_server(state_dir: Path, clock: SandboxClock) -> AnaplanServer:
    """The server over its state folder, seeded where the folder is fresh; not yet listening."""
    return AnaplanServer(state_dir, clock)
