"""What doctor asks a pod: reach, log-in, rights, set-up."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Final

from ml_connector.domain.ledger import Ledger
from ml_connector.domain.periods import Period
from ml_connector.errors import AccessDeniedError, ConnectorError, ProtocolError
from ml_connector.ports import Check, CheckState, Clock, LedgerSource
from ml_connector.systems.calls import NOT_FOUND
from ml_connector.systems.fusion import wire
from ml_connector.systems.fusion.client import FusionClient
from ml_connector.systems.fusion.connection import FusionSettings

SKEW_S_MAX: Final = 60.0
"""Assertions are back-dated by as much; watermarks do not depend on our clock."""
LEDGERS_PROBED_MAX: Final = 10
ADDRESS_STEP: Final = "Check `pod_url` and `api_version` of the connection."
LOV_PRIVILEGE: Final = "FUN_GET_ENTERPRISE_STRUCTURES_REST_SERVICE_PRIV"
_ORDER: Final = (CheckState.OK, CheckState.WARNING, CheckState.FAILED)

Findings = list[Check]


def run_checks(
    source: LedgerSource, client: FusionClient, *, settings: FusionSettings, clock: Clock
) -> Iterator[Check]:
    """Yield every finding, worst last; after a failed log-in nothing else is asked."""
    checks = _Checks(source, client, settings=settings, clock=clock)
    found = checks.run()
    yield from sorted(found, key=lambda each: _ORDER.index(each.state))


class _Checks:
    def __init__(
        self, source: LedgerSource, client: FusionClient, *, settings: FusionSettings, clock: Clock
    ) -> None:
        self._source = source
        self._client = client
        self._settings = settings
        self._clock = clock
        self._ledgers: list[Ledger] = []

    def run(self) -> Findings:
        reached = _guard("reach and log-in", self._check_pod)
        if any(each.state is CheckState.FAILED for each in reached):
            return reached
        return [
            *reached,
            *_guard("changes", self._check_description),
            *_guard("ledgers", self._check_ledgers),
            *_guard("charts", self._check_charts),
            *_guard("periods", self._check_periods),
            *_guard("journals", self._check_journals),
            *self._check_suppliers(),
        ]

    def _check_pod(self) -> Findings:
        offered, server_date = self._client.read_versions()
        found = [_ok("reach and log-in", f"{self._settings.pod_url} accepts the log-in.")]
        found.append(self._judge_versions(offered))
        found.append(self._judge_clock(server_date))
        return found

    def _judge_versions(self, offered: list[str] | None) -> Check:
        pinned, api = str(self._settings.framework_version), self._settings.api_version
        if offered is None:
            finding = f"The pod lists no API version {api}."
            return _warn("framework version", finding, "Correct `api_version` if reads fail.")
        if offered and pinned not in offered:
            finding = f"The pod offers {', '.join(offered)}, not the pinned {pinned}."
            return _warn("framework version", finding, "Set `framework_version` to 4.")
        return _ok("framework version", f"Version {pinned} of {api} is pinned.")

    def _judge_clock(self, server_date: datetime | None) -> Check:
        if server_date is None:
            finding = "The pod sends no time; watermarks are made of it."
            next_step = "Let the proxy between pass the Date header."
            return _fail("clock", finding, next_step, code=ProtocolError.code)
        skew_s = (server_date - self._clock.now()).total_seconds()
        if abs(skew_s) > SKEW_S_MAX:
            side = "ahead of" if skew_s > 0 else "behind"
            finding = f"The pod's clock is {abs(skew_s):.0f} s {side} this machine's."
            return _warn("clock", finding, "Let this machine follow a time server.")
        return _ok("clock", f"The pod's clock is within {SKEW_S_MAX:.0f} s of this machine's.")

    def _check_description(self) -> Findings:
        queryable = self._client.read_queryable(wire.BATCHES)
        if wire.CHANGED in queryable:
            return [_ok("changes", "Changed batches can be asked for by date.")]
        finding = "The pod cannot filter batches by change date; each run lists all of them."
        return [_warn("changes", finding, "Schedule incremental runs less often.")]

    def _check_ledgers(self) -> Findings:
        self._ledgers = self._source.read_ledgers()
        if not self._ledgers:
            finding = "The log-in works, and no ledger is visible: data access may be missing."
            return [_warn("ledgers", finding, "Give the user a data access set per ledger.")]
        names = ", ".join(f"{each.name} ({each.currency})" for each in self._ledgers)
        return [_ok("ledgers", f"{len(self._ledgers)} visible: {names}.")]

    def _check_charts(self) -> Findings:
        missing: dict[str, list[str]] = {}
        for ledger in self._ledgers:
            if self._source.find_chart(ledger.chart) is None:
                missing.setdefault(ledger.chart, []).append(ledger.name)
        if self._ledgers and not missing:
            return [_ok("charts", "Every visible ledger's chart is configured.")]
        return [
            _warn(
                "charts",
                f"Chart {chart!r} of {', '.join(names)} is not configured.",
                "Add its delimiter and segments under `charts` before using these ledgers.",
            )
            for chart, names in missing.items()
        ]

    def _check_periods(self) -> Findings:
        today = self._source.read_server_time().date()
        found = []
        for ledger in self._ledgers[:LEDGERS_PROBED_MAX]:
            period = _find_period(self._source.read_periods(ledger), today)
            if period is None:
                finding = f"The calendar of {ledger.name} has no period for {today}."
                found.append(_warn("periods", finding, "Extend the calendar in Fusion."))
                continue
            state = self._source.read_period_state(ledger, period)
            found.append(_ok("periods", f"{period.name} of {ledger.name} is {state}."))
        return found

    def _check_journals(self) -> Findings:
        if next(self._source.read_all_stamps(), None) is not None:
            return [_ok("journals", "Posted journal batches are visible.")]
        finding = "No posted journal batch is visible; missing rights look just like this."
        return [_warn("journals", finding, "Check the user's journal role and data access sets.")]

    def _check_suppliers(self) -> Findings:
        """Never a failure: whether any flow reads suppliers is not known here.

        A user who may not see them is not told of it; a flow that needs them says so itself.
        """
        try:
            supplier = self._client.find_supplier()
        except AccessDeniedError:
            return []
        except ConnectorError as error:
            if error.arguments.get("status") == NOT_FOUND:
                return []
            return [_warn("suppliers", error.refused, error.next_step)]
        if supplier is not None:
            return [_ok("suppliers", "Suppliers are visible.")]
        finding = "No supplier is visible; missing rights look just like this."
        next_step = "If a flow reads suppliers, check the user's data access to procurement units."
        return [_warn("suppliers", finding, next_step)]


def _guard(subject: str, body: Callable[[], Findings]) -> Findings:
    """The findings, or the error they ended with as a finding of its own."""
    try:
        return body()
    except AccessDeniedError as error:
        next_step = f"Grant the right, such as {LOV_PRIVILEGE}."
        return [_fail(subject, error.refused, next_step, code=error.code)]
    except ConnectorError as error:
        is_lost = error.arguments.get("status") == NOT_FOUND
        next_step = ADDRESS_STEP if is_lost else error.next_step
        return [_fail(subject, error.refused, next_step, code=error.code)]


def _find_period(periods: list[Period], today: date) -> Period | None:
    covering = (p for p in periods if p.date_first <= today <= p.date_last)
    return next((p for p in covering if not p.is_adjustment), None)


def _ok(subject: str, finding: str) -> Check:
    return Check(subject=subject, state=CheckState.OK, finding=finding)


def _warn(subject: str, finding: str, next_step: str) -> Check:
    return Check(subject=subject, state=CheckState.WARNING, finding=finding, next_step=next_step)


def _fail(subject: str, finding: str, next_step: str, *, code: str) -> Check:
    return Check(
        subject=subject, state=CheckState.FAILED, finding=finding, next_step=next_step, code=code
    )
