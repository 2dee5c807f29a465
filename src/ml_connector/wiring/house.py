"""One project folder with everything behind its ports, opened lazily.

A command that only lists runs never imports the engine, a client or the archive.
"""

import os
import pwd
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, cast

from ml_connector.ports import (
    Clock,
    Records,
    RequestBudget,
)
from ml_connector.settings import (
    Project,
)
from ml_connector.wiring.actions import Actions
from ml_connector.wiring.alerts import Alerts
from ml_connector.wiring.benches import Benches
from ml_connector.wiring.callers import CallerBudget, Callers
from ml_connector.wiring.close import Close
from ml_connector.wiring.decisions import Decisions
from ml_connector.wiring.engines import Engines
from ml_connector.wiring.evidence import EvidencePacks
from ml_connector.wiring.limits import Limits
from ml_connector.wiring.mappings import Mappings
from ml_connector.wiring.observer import StepListener
from ml_connector.wiring.once import once
from ml_connector.wiring.people import People
from ml_connector.wiring.projects import read_project
from ml_connector.wiring.questions import Questions
from ml_connector.wiring.schedules import Schedules
from ml_connector.wiring.serving import ServedEngine
from ml_connector.wiring.sign_in import FACTORS, SignIn
from ml_connector.wiring.signing_off import SigningOff
from ml_connector.wiring.systems import Systems
from ml_connector.wiring.telemetry import Telemetry
from ml_connector.wiring.tokens import Tokens
from ml_connector.wiring.unmapped import Unmapped
from ml_connector.wiring.workers import (
    HeardBudget,
    RunListener,
    SharedEngine,
    hear_records,
    is_shared,
)

if TYPE_CHECKING:
    from ml_connector.archive import FileArchive
    from ml_connector.engine.durable import DurableEngine
    from ml_connector.vault import StoredSecret, Vault

RECORDS_FILE = "records.db"
SIGNING_KEY = "pages.signing-key"


def find_account() -> str:
    """The account whose commands these are: the operating system's user at this host.

    By the process's own user id: LOGNAME and its like would let a maker approve as somebody else.
    """
    number = os.getuid()
    try:
        user = pwd.getpwuid(number).pw_name
    except KeyError:
        user = f"uid-{number}"
    return f"{user}@{socket.gethostname()}"


@contextmanager
def open_house(
    root: Path,
    *,
    overrides: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    on_step: StepListener | None = None,
) -> Iterator["House"]:
    """The project folder's house; everything it opened is closed at the end of the block.

    Raises:
        SettingsError: The folder holds faults; all of them are listed.
    """
    house = House(read_project(root, overrides), clock=clock, on_step=on_step)
    try:
        yield house
    finally:
        house.close()


class House(
    Systems,
    Benches,
    Questions,
    Mappings,
    Unmapped,
    Decisions,
    Actions,
    People,
    SignIn,
    SigningOff,
    EvidencePacks,
    Close,
    Telemetry,
    Tokens,
    Schedules,
    Alerts,
    Limits,
    Engines,
):
    """One project folder and all that stands behind its ports.

    Several may stand on the same insides: one for each person who acts at this moment.
    """

    __slots__ = ("_person",)
    _whole: "House"

    def __init__(
        self, project: Project, *, clock: Clock | None = None, on_step: StepListener | None = None
    ) -> None:
        from ml_connector.wiring.stopping import machine_clock  # noqa: PLC0415 - start-up time.

        self.project = project
        self._stop = Event()
        self.clock: Clock = clock or machine_clock(self._stop)
        self._person = ""
        self._whole = self
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._on_step = on_step
        self._on_run: RunListener | None = None
        self._callers = Callers()
        self._closers = ExitStack()

    def close(self) -> None:
        """The engine is down, clients are logged out, database connections are closed."""
        engine: DurableEngine | SharedEngine | ServedEngine | None = vars(self).get("engine")
        with self._closers:
            if engine is not None:
                # First: a run that still executes needs its clients and records to stop well.
                engine.close()
            self._stop.clear()  # Logging out sends a request.

    def request_stop(self) -> bool:
        """Whether there is an engine; its runs end their step and stop, resumable.

        Safe in a signal handler. Without an engine nothing is changed.
        """
        engine: DurableEngine | SharedEngine | ServedEngine | None = vars(self).get("engine")
        if engine is None:
            return False
        engine.request_stop()
        self._stop.set()
        return True

    @property
    def actor(self) -> str:
        """Who acts: a person, or an account that nobody is bound to."""
        return self._person or self._own_actor

    @actor.setter
    def actor(self, name: str) -> None:
        self._person = name

    @once
    def _own_actor(self) -> str:
        from ml_connector.records.opening import find_bound  # noqa: PLC0415 - start-up time.

        account = find_account()
        return find_bound(self._database, account) or account

    def acting_as(self, person: str) -> "House":
        """The same house, in which that person acts; what either opens, both have."""
        house = object.__new__(type(self))
        house.__dict__ = self.__dict__
        house._person = person
        return house

    # --- pages ----------------------------------------------------------------------------------

    def _describe_pages(self) -> dict[str, Any]:
        from ml_connector.wiring.pages import render_pages  # noqa: PLC0415 - start-up time.

        return render_pages(self.project.settings.pages)

    def load_signing_key(self) -> str:
        """The key that signs sessions; the same for every process that serves the pages."""
        if SIGNING_KEY not in {row.name for row in self.vault.list_secrets()}:
            with self.records.transactions.begin("the key of sessions"):
                if SIGNING_KEY not in {row.name for row in self.vault.list_secrets()}:
                    self.vault.save_secret(SIGNING_KEY, secrets.token_urlsafe(48))
        return self.vault.read_secret(f"secret:{SIGNING_KEY}")

    # --- stores -------------------------------------------------------------------------------

    @once
    def _database(self) -> str:
        """The records database, migrated; returns the organisation that is open."""
        from ml_connector.records import setup  # noqa: PLC0415 - start-up time.

        self._configure_database()
        setup.migrate()
        return self.project.settings.organisation

    def _configure_database(self) -> None:
        """The process works on the records database, which is as it was."""
        from ml_connector.records import setup  # noqa: PLC0415 - start-up time.

        self.project.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        url = self.project.settings.database_url
        setup.configure(
            url or f"sqlite:///{self.project.state_dir / RECORDS_FILE}",
            secret_key=secrets.token_urlsafe(32),
            pages=self._describe_pages(),
        )
        self._closers.callback(setup.close)  # Before: a refused database has been opened too.

    @once
    def records(self) -> Records:
        """All stores of the project's organisation."""
        from ml_connector.records.opening import open_records  # noqa: PLC0415 - start-up time.

        records = open_records(self._database, clock=self.clock)
        return hear_records(records, self._verify_heard) if is_shared(self.project) else records

    @once
    def budget(self) -> RequestBudget:
        """The request budget every client asks before it sends."""
        from ml_connector.records.allowance import Allowance  # noqa: PLC0415 - start-up time.
        from ml_connector.records.opening import open_budget  # noqa: PLC0415 - start-up time.
        from ml_connector.wiring.stopping import (  # noqa: PLC0415 - start-up time.
            StoppableBudget,
            budget_clock,
        )

        least: dict[str, int] = {}
        for connection in self.project.connections.values():
            model = cast("Any", connection)
            if model.requests_per_minute:
                key, most = model.budget_key(), model.requests_per_minute
                least[key] = min(least.get(key, most), most)
        ring = open_budget(
            self._database,
            clock=budget_clock(self.clock, self._stop),
            allowances={key: Allowance(requests=most) for key, most in least.items()},
        )
        told = CallerBudget(ring, self._callers)
        return HeardBudget(StoppableBudget(told, self._stop), self._verify_heard)

    @once
    def vault(self) -> "Vault":
        """The project's secrets."""
        from ml_connector.records.opening import open_secret_store  # noqa: PLC0415 - start-up time.
        from ml_connector.vault import Vault, find_keys  # noqa: PLC0415 - start-up time.

        key = self.project.settings.key
        keys = find_keys(
            keyring_account=key.keyring, variable=key.env or None,
            file=self.project.resolve(key.file) if key.file else None,
        )  # fmt: skip
        return Vault(
            open_secret_store(self._database, clock=self.clock), keys, folder=self.project.root
        )

    @once
    def archive(self) -> "FileArchive":
        """The project's immutable files, in a folder or in a bucket."""
        from ml_connector.wiring.archives import open_archive  # noqa: PLC0415 - start-up time.

        return open_archive(self.project, lambda: self.vault)

    # --- secrets ------------------------------------------------------------------------------

    def list_secrets(self) -> "list[StoredSecret]":
        """The stored secrets by name, open sessions and second factors left out."""
        from ml_connector.wiring.sessions import PREFIX  # noqa: PLC0415 - start-up time.

        return [
            row for row in self.vault.list_secrets() if not row.name.startswith((PREFIX, FACTORS))
        ]

    def save_secret(self, name: str, plain: str) -> None:
        """The secret is stored, encrypted; the audit chain knows its name only."""
        self.vault.save_secret(name, plain)
        self.records.audit.record("secret.saved", subject=name, actor=self.actor)

    def delete_secret(self, name: str) -> None:
        """The secret is gone."""
        self.vault.delete_secret(name)
        self.records.audit.record("secret.deleted", subject=name, actor=self.actor)

    def rotate_secrets(self) -> int:
        """Every secret is wrapped by a new key; returns how many."""
        count = self.vault.rotate()
        self.records.audit.record("secret.rotated", subject="all", actor=self.actor, count=count)
        return count
