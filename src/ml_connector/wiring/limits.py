"""Connections as people look after them: tests, secrets, what ends when, requests, who writes."""

from collections.abc import Iterator
from concurrent.futures import TimeoutError as TooLateError
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from ml_connector.domain.alerts import SEVERITIES, AlertEvent
from ml_connector.domain.expiry import ClosePlace, find_close_place, find_next_close_end
from ml_connector.domain.pools import ExactPool
from ml_connector.errors import BusyError, ConnectorError
from ml_connector.ports import Check, CheckState, Intent
from ml_connector.ports.alerts import NewAlert
from ml_connector.ports.connections import (
    ConnectionTest,
    HeldModel,
    MinuteOfRequests,
    Requests,
)
from ml_connector.settings.references import REFERENCE
from ml_connector.wiring.once import once
from ml_connector.wiring.parts import Part

if TYPE_CHECKING:
    from ml_connector.domain.working_days import WorkingDays
    from ml_connector.ports import LedgerSource, PlanningTarget
    from ml_connector.vault import StoredSecret

TEST_S = 30.0
"""How long a test is waited for; what it found by then is kept."""
CHECKS_MAX = 100
"""Findings of one test that are kept."""
HISTORY = timedelta(hours=24)
"""How far back requests are shown minute by minute."""


class ConnectionTestedError(BusyError):
    """The connection is being tested already."""

    code = "connections.being-tested"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The connection {name} is being tested at this moment.",
            written="No second test was begun.",
            next_step="Look again in a few seconds.",
            connection=name,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretUse:
    """A secret a connection logs in with; never its text.

    Attributes:
        setting: Dotted key of the setting that refers to it.
        reference: Where it is: secret:NAME, env:NAME, file:PATH.
        key_id: Version of the key that wraps it; empty where it is not kept here.
        saved_at: Since when it is what it is.
        is_missing: Whether nothing is stored under its name.
    """

    setting: str
    reference: str
    key_id: str = ""
    saved_at: datetime | None = None
    is_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateEnd:
    """When a connection's certificate ends, and what is being closed then.

    Attributes:
        connection: Whose.
        ends_at: Its last instant; None when it cannot be read.
        place: That day in the close calendar.
        is_soon: Whether it ends before the next close is over, or within the days set.
        problem: Why it cannot be read.
    """

    connection: str
    ends_at: datetime | None
    place: ClosePlace | None
    is_soon: bool
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionView:
    """A connection in a list."""

    name: str
    kind: str
    flows: tuple[str, ...]
    budget_key: str
    last: ConnectionTest | None
    certificate: CertificateEnd | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionDetail:
    """A connection with everything known of it."""

    view: ConnectionView
    settings: dict[str, str]
    secrets: list[SecretUse]
    tests: list[ConnectionTest]
    requests: Requests | None
    minutes: list[MinuteOfRequests]
    models: list[HeldModel]
    unsettled: list[Intent]


class Limits(Part):
    """The house's connections, requests and keys; the house itself supplies the systems."""

    patience_s: float = TEST_S
    """How long a test is waited for."""

    if TYPE_CHECKING:

        def _connection(self, name: str, kind: str) -> Any: ...

        def system(self, name: str) -> LedgerSource | PlanningTarget:
            """Whatever stands behind a connection."""

        def list_secrets(self) -> list[StoredSecret]:
            """The stored secrets by name."""

        def find_close_days(self) -> WorkingDays:
            """The working days by which books are closed."""

    def list_connections(self) -> list[ConnectionView]:
        """Every connection of the folder, by name, with what its last test found."""
        names = sorted(self.project.connections)
        tests = self.records.connections.load_last_tests(names)
        return [self._see_connection(name, tests.get(name)) for name in names]

    def view_connection(self, name: str) -> ConnectionDetail:
        """One of them with everything known of it; asks no other system.

        Raises:
            UsageError: There is no such connection.
        """
        settings, store = self._connection(name, ""), self.records.connections
        tests = store.load_tests(name)
        view = self._see_connection(name, tests[0] if tests else None)
        model_id = getattr(settings, "model_id", "")
        keys = {one.key: one for one in store.load_requests()} if view.budget_key else {}
        since = self.clock.now() - HISTORY
        return ConnectionDetail(
            view=view, settings=_list_plain(settings), secrets=self._list_uses(settings),
            tests=tests, requests=keys.get(view.budget_key),
            minutes=store.load_minutes(view.budget_key, since=since) if view.budget_key else [],
            models=[one for one in store.load_models() if one.model_id == model_id],
            unsettled=[one for one in store.load_unsettled() if one.model_id == model_id],
        )  # fmt: skip

    def test_connection(self, name: str) -> ConnectionTest:
        """Reach, log-in and rights are looked at, and what was found is kept.

        Waits no longer than `TEST_S`; what was found by then is kept, and said to be a part.

        Raises:
            UsageError: There is no such connection.
            ConnectionTestedError: Somebody in this process tests it at this moment.
        """
        self._connection(name, "")
        self._begin_test(name)
        at, found = self.clock.now(), list[Check]()
        is_whole = self._collect_checks(name, found)
        passed = self.clock.now() - at
        test = ConnectionTest(
            connection=name, actor=self.actor, at=at, is_whole=is_whole,
            milliseconds=passed // timedelta(milliseconds=1), checks=tuple(found[:CHECKS_MAX]),
        )  # fmt: skip
        failed = sum(one.state is CheckState.FAILED for one in test.checks)
        with self.records.transactions.begin(f"the test of connection {name}"):
            self.records.connections.record_test(test)
            self.records.audit.record(
                "connection.tested", subject=name, actor=self.actor,
                failed=failed, is_whole=is_whole,
            )  # fmt: skip
        return test

    def list_requests(self) -> list[Requests]:
        """Every allowance of requests as it is used at this moment."""
        return self.records.connections.load_requests()

    def list_models(self) -> list[HeldModel]:
        """Every model anybody wrote into, those held now first."""
        return self.records.connections.load_models()

    def list_unsettled(self) -> list[Intent]:
        """Task starts whose outcome is not known; each keeps its model shut."""
        return self.records.connections.load_unsettled()

    def list_certificates(self) -> list[CertificateEnd]:
        """When the certificates that connections log in with end."""
        found = (self._find_certificate(name) for name in sorted(self.project.connections))
        return [one for one in found if one is not None]

    def list_endings(self) -> list[NewAlert]:
        """Alerts of certificates that end before the next close is over, or soon."""
        now = self.clock.now()
        return [
            _make_ending(one, now)
            for one in self.list_certificates()
            if one.is_soon and one.ends_at
        ]

    def list_unread_certificates(self) -> list[str]:
        """Connections whose certificate cannot be read now, so that nobody knows when it ends."""
        return [one.connection for one in self.list_certificates() if one.ends_at is None]

    # --- insides ----------------------------------------------------------------------------------

    def _see_connection(self, name: str, last: ConnectionTest | None) -> ConnectionView:
        settings: Any = self.project.connections[name]
        flows = (flow for flow in self.project.flows.values() if name in (flow.source, flow.target))
        return ConnectionView(
            name=name, kind=str(settings.kind), flows=tuple(sorted(flow.name for flow in flows)),
            budget_key=settings.budget_key() if settings.requests_per_minute else "",
            last=last, certificate=self._find_certificate(name),
        )  # fmt: skip

    def _find_certificate(self, name: str) -> CertificateEnd | None:
        from ml_connector.systems.certificates import (  # noqa: PLC0415 - start-up time.
            read_certificate_end,
        )

        auth = getattr(self.project.connections[name], "auth", None)
        reference = getattr(auth, "certificate", None)
        if not reference:
            return None
        try:
            ends_at = read_certificate_end(self.vault.read_secret(str(reference)))
        except ConnectorError as error:
            return CertificateEnd(
                connection=name, ends_at=None, place=None, is_soon=False, problem=error.refused
            )
        today = self.clock.now().date()
        days = timedelta(days=self.project.settings.alerts.expiring_days)
        is_working = self.find_close_days().is_working
        last = max(find_next_close_end(today, is_working=is_working), today + days)
        return CertificateEnd(
            connection=name, ends_at=ends_at,
            place=find_close_place(ends_at.date(), is_working=is_working),
            is_soon=ends_at.date() <= last,
        )  # fmt: skip

    def _list_uses(self, settings: Any) -> list[SecretUse]:
        stored = {row.name: row for row in self.list_secrets()}
        uses = []
        for key, text in _walk(settings.model_dump(mode="json", by_alias=True)):
            if not REFERENCE.fullmatch(text):
                continue
            kind, _, name = text.partition(":")
            row = stored.get(name) if kind == "secret" else None
            uses.append(
                SecretUse(
                    setting=key, reference=text, key_id=row.key_id if row else "",
                    saved_at=row.saved_at if row else None,
                    is_missing=kind == "secret" and row is None,
                )
            )  # fmt: skip
        return uses

    def _collect_checks(self, name: str, found: list[Check]) -> bool:
        """Whether every question was answered in time; answers are put into the list."""

        def collect() -> None:
            try:
                found.extend(self.system(name).check())
            finally:
                # Only now: one that is not waited for any more still asks.
                self._end_test(name)

        pool = ExactPool(max_workers=1, thread_name_prefix="test")
        try:
            pool.submit(collect).result(timeout=self.patience_s)
        except TooLateError:
            return False
        except ConnectorError as error:
            found.append(
                Check(
                    subject="connection", state=CheckState.FAILED, finding=error.refused,
                    next_step=error.next_step, code=error.code,
                )
            )  # fmt: skip
        finally:
            pool.shutdown(wait=False)
        return True

    @once
    def _tested(self) -> tuple[Lock, set[str]]:
        return Lock(), set()

    def _begin_test(self, name: str) -> None:
        gate, tested = self._tested
        with gate:
            if name in tested:
                raise ConnectionTestedError(name)
            tested.add(name)

    def _end_test(self, name: str) -> None:
        gate, tested = self._tested
        with gate:
            tested.discard(name)


def _make_ending(one: CertificateEnd, now: datetime) -> NewAlert:
    assert one.ends_at is not None
    assert one.place is not None
    end = f"{one.ends_at:%Y-%m-%d %H:%M} UTC"
    return NewAlert(
        event=AlertEvent.EXPIRING, severity=SEVERITIES[AlertEvent.EXPIRING],
        subject=one.connection, cause=f"certificate {one.ends_at:%Y-%m-%dT%H:%M:%SZ}",
        key=f"expiring:{one.connection}:{one.ends_at:%Y-%m-%dT%H:%M:%SZ}", at=now,
        title=f"{one.connection}: its certificate ends {one.ends_at:%Y-%m-%d}",
        happened=(f"It ends {end}, which is {one.place.render()}.",),
        written="Nothing has stopped yet; log-ins fail from then on.",
        next_step="Get a new one, let the tenant's administrator register it, and store it with"
        " `ml-connector secrets set`.",
    )  # fmt: skip


def _list_plain(settings: Any) -> dict[str, str]:
    """Settings that are no references to secrets, as text."""
    values = settings.model_dump(mode="json", by_alias=True)
    return {key: text for key, text in _walk(values) if text and not REFERENCE.fullmatch(text)}


def _walk(values: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(values, dict):
        for key, value in values.items():
            yield from _walk(value, f"{path}.{key}" if path else str(key))
    elif isinstance(values, list):
        yield path, ", ".join(str(one) for one in values)
    elif values is not None:
        yield path, str(values)
