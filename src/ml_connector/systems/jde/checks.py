"""What doctor asks an AIS server: reach, log-in, rights, set-up, and how its books behave."""

from collections.abc import Callable, Iterator
from typing import Final

from ml_connector.errors import ConnectorError
from ml_connector.ports import Check, CheckState, Clock
from ml_connector.systems.jde.calendars import render_period
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.connection import JdeSettings
from ml_connector.systems.jde.findings import Findings, fail, ok, warn
from ml_connector.systems.jde.probes import Probes
from ml_connector.systems.jde.reference import Reference

CAPABILITIES: Final = (
    "dataservice", "outputType", "nextPage", "dataServiceAggregation", "complexQuery",
)  # fmt: skip
"""What reading needs, by the vendor's names; servers spell their lists as they like."""
SKEW_HOURS_MAX: Final = 12.0
"""A day's overlap of the looks for changes covers every zone up to this difference."""
COMPANIES_SHOWN_MAX: Final = 20
ORCHESTRATIONS_SHOWN_MAX: Final = 10
_ORDER: Final = (CheckState.OK, CheckState.WARNING, CheckState.FAILED)


def run_checks(
    client: JdeClient, reference: Reference, *, settings: JdeSettings, clock: Clock
) -> Iterator[Check]:
    """Yield every finding, worst last; after a failed log-in nothing else is asked."""
    checks = _Checks(client, reference, settings=settings, clock=clock)
    yield from sorted(checks.run(), key=lambda each: _ORDER.index(each.state))


class _Checks:
    def __init__(
        self, client: JdeClient, reference: Reference, *, settings: JdeSettings, clock: Clock
    ) -> None:
        self._client = client
        self._reference = reference
        self._settings = settings
        self._clock = clock
        self._probes = Probes(client, reference, settings=settings, clock=clock)

    def run(self) -> Findings:
        found: Findings = []
        for subject, body in (("reach", self._check_reach), ("log-in", self._check_login)):
            found += _guard(subject, body)
            if any(each.state is CheckState.FAILED for each in found):
                return found
        return [
            *found,
            *_guard("clock", self._check_clock),
            *_guard("companies", self._check_companies),
            *self._check_tables(),
            *_guard("ledger types", self._check_ledger_types),
            *_guard("dates", self._probes.check_dates),
            *_guard("row limit", self._probes.check_row_limit),
            *_guard("group limit", self._probes.check_group_limit),
            *_guard("posting", self._probes.check_posting),
            *_guard("orchestrations", self._check_orchestrations),
        ]

    def _check_reach(self) -> Findings:
        config = self._client.read_config()
        found = [ok("reach", f"{self._settings.ais_url} is {config.version}, API {config.api}.")]
        known = {name.casefold() for name in config.capabilities}
        missing = [name for name in CAPABILITIES if name.casefold() not in known]
        if missing:
            finding = f"The server does not list {', '.join(missing)} among what it can do."
            found.append(warn("capabilities", finding, "Update the Tools release if reads fail."))
        else:
            found.append(ok("capabilities", "The server can do all that reading needs."))
        return found

    def _check_login(self) -> Findings:
        session = self._client.read_session()
        finding = (
            f"{session.user} is logged in to {session.environment} as {session.role}; dates are"
            f" written {session.date_format}."
        )
        found = [ok("log-in", finding)]
        if session.is_password_expiring:
            finding = f"The password of {session.user} is about to expire."
            next_step = "Change it in JD Edwards and store it: `ml-connector secrets set NAME`."
            found.append(warn("password", finding, next_step))
        return found

    def _check_clock(self) -> Findings:
        at = self._client.read_server_time()
        if at is None:
            finding = "The server sends no time; looks for changes go by this machine's clock."
            return [warn("clock", finding, "Let the proxy between pass the Date header.")]
        hours = abs((at - self._clock.now()).total_seconds()) / 3600
        if hours > SKEW_HOURS_MAX:
            finding = f"The server's clock and this machine's are {hours:.0f} hours apart."
            return [warn("clock", finding, "Set whichever of the two is wrong.")]
        return [ok("clock", "The server's clock and this machine's agree on the day.")]

    def _check_companies(self) -> Findings:
        companies = self._reference.list_companies()
        missing = set(self._settings.companies) - {company.co for company in companies}
        if missing:
            finding = f"These companies are not visible: {', '.join(sorted(missing))}."
            next_step = "Give the user row security for them, or correct `companies`."
            return [fail("companies", finding, next_step, code="books.ledger-not-visible")]
        if not companies:
            finding = "The log-in works, and no company is visible: row security may hide all."
            return [warn("companies", finding, "Give the user row security for the companies.")]
        shown = [f"{each.co} ({each.crcd})" for each in companies[:COMPANIES_SHOWN_MAX]]
        more = len(companies) - len(shown)
        names = ", ".join(shown) + (f" and {more} more" if more else "")
        found = [ok("companies", f"{len(companies)} visible: {names}.")]
        for company in companies[:COMPANIES_SHOWN_MAX]:
            found += _guard(f"company {company.co}", self._check_company, company.co)
        return found

    def _check_company(self, co: str) -> Findings:
        company = next(each for each in self._reference.list_companies() if each.co == co)
        current = self._reference.find_calendar(company.dtpn).find_current(company)
        if not company.crcd:
            finding, next_step = f"Company {co} has no currency.", "Set it in Company Names."
            return [warn(f"company {co}", finding, next_step)]
        return [ok(f"company {co}", f"Its books stand in {render_period(*current)}.")]

    def _check_tables(self) -> Findings:
        return [
            check
            for table in self._probes.tables
            for check in _guard(f"table {table}", self._probes.check_table, table)
        ]

    def _check_ledger_types(self) -> Findings:
        types = self._reference.verify_ledger_types()
        return [ok("ledger types", f"{', '.join(types)} exist and hold money.")]

    def _check_orchestrations(self) -> Findings:
        try:
            names = sorted(row.name for row in self._client.discover())
        except ConnectorError as error:
            finding = f"Orchestrations cannot be listed; reading needs none. {error.refused}"
            return [warn("orchestrations", finding, error.next_step)]
        if not names:
            return [ok("orchestrations", "None is visible; reading needs none.")]
        shown = ", ".join(names[:ORCHESTRATIONS_SHOWN_MAX])
        return [ok("orchestrations", f"{len(names)} visible: {shown}.")]


def _guard(subject: str, body: Callable[..., Findings], *arguments: str) -> Findings:
    """The findings, or the error they ended with as a finding of its own."""
    try:
        return body(*arguments)
    except ConnectorError as error:
        return [fail(subject, error.refused, error.next_step, code=error.code)]
