"""The ledgers and calendars a run looks at, pinned once per run, and which member each becomes."""

from dataclasses import dataclass
from datetime import date

from ml_connector.domain.calendars import UnknownPeriodError
from ml_connector.domain.ledger import Ledger
from ml_connector.domain.period_rules import (
    PeriodBlockedError,
    PeriodRule,
    verify_period_rule,
)
from ml_connector.domain.periods import AdjustmentRule, Period
from ml_connector.errors import AccessDeniedError, RefusedError
from ml_connector.flows.bench import ActualsBench, read_document, store_document
from ml_connector.flows.ledger.currencies import pin_currencies
from ml_connector.ports import Json
from ml_connector.settings import ActualsFlow, PeriodRules

Pair = tuple[str, str]
"""A ledger and one of its own period names."""


class LedgerNotVisibleError(AccessDeniedError):
    """A ledger named by the flow is not among those the user may see."""

    code = "books.ledger-not-visible"


class PeriodUnknownError(RefusedError):
    """Lines lie in a period that the ledger's calendar does not show."""

    code = "books.period-unknown"


def pin_books(bench: ActualsBench) -> Json:
    """The flow's ledgers and calendars are archived; returns the document's hash.

    With it come the charts of the ledgers, and where the currency of a cell is found.
    """
    seen = {ledger.name: ledger for ledger in bench.source.read_ledgers()}
    missing = [name for name in bench.flow.ledgers if name not in seen]
    if missing:
        raise LedgerNotVisibleError(
            f"The ledgers {', '.join(missing)} of flow {bench.flow.name} are not visible at"
            f" {bench.source.connection}; visible are: {', '.join(sorted(seen)) or 'none'}.",
            written="Nothing was read or sent.",
            next_step="Let the integration user see them (Fusion: a data access set; JD Edwards:"
            " row security of the company, and `companies` and `ledger_types` of the connection),"
            f" or correct `ledgers` in flows/{bench.flow.name}.yaml.",
            ledgers=", ".join(missing),
        )
    chosen = [seen[name] for name in bench.flow.ledgers]
    currencies = pin_currencies(bench.flow, chosen)
    periods = {ledger.name: list(bench.source.read_periods(ledger)) for ledger in chosen}
    for calendar in periods.values():
        verify_period_rule(period_rule(bench.flow.periods), periods=calendar)
    document = store_document(
        bench.archive,
        {
            "ledgers": [render_ledger(ledger) for ledger in chosen],
            "periods": {name: [render_period(p) for p in its] for name, its in periods.items()},
        },
    )
    charts = sorted({ledger.chart for ledger in chosen})
    return {"books": document, "charts": charts, "currencies": currencies}


def render_ledger(ledger: Ledger) -> Json:
    """The ledger as it is pinned."""
    return {field: getattr(ledger, field) for field in Ledger.__dataclass_fields__}


def render_period(period: Period) -> Json:
    """The period as it is pinned."""
    return {
        "name": period.name,
        "calendar": period.calendar,
        "year": period.year,
        "number": period.number,
        "date_first": period.date_first.isoformat(),
        "date_last": period.date_last.isoformat(),
        "is_adjustment": period.is_adjustment,
    }


def parse_period(row: Json) -> Period:
    """The period that was pinned."""
    dates = {name: date.fromisoformat(row[name]) for name in ("date_first", "date_last")}
    return Period(**{**row, **dates})


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Ledgers and periods by name, with the planning member of each period."""

    ledgers: dict[str, Ledger]
    periods: dict[str, dict[str, Period]]
    members: dict[Pair, str]
    """Planning period of each pair from the flow's first month on; excluded ones are absent."""
    unplaced: dict[Pair, PeriodBlockedError]
    """Pairs no setting places yet; they stop a run only when it meets lines in them."""
    earlier: frozenset[str] = frozenset()
    """Planning periods that lie before the flow's first month; the model keeps what it holds."""

    def period(self, pair: Pair) -> Period:
        """The period of a pair.

        Raises:
            UnknownPeriodError: The ledger's calendar has no such period.
        """
        found = self.periods[pair[0]].get(pair[1])
        if found is None:
            raise UnknownPeriodError(pair[1], ledger=pair[0], candidates=self.periods[pair[0]])
        return found

    def verify_placed(self, pair: Pair) -> None:
        """The pair's period has a member, or the rule leaves it out on purpose.

        Raises:
            PeriodBlockedError: An adjustment period without a rule; names the setting.
            PeriodUnknownError: Lines lie in a period that the calendar does not show.
        """
        if pair in self.unplaced:
            raise self.unplaced[pair]
        ledger, period = pair
        if ledger in self.periods and period not in self.periods[ledger]:
            raise PeriodUnknownError(
                f"Journal lines of ledger {ledger} are posted to period {period!r}, which its"
                " calendar does not show.",
                written="Nothing was sent.",
                next_step="Give the integration user the right to read the whole calendar, then run"
                " again.",
                ledger=ledger, period=period,
            )  # fmt: skip

    def pairs_of(self, member: str) -> list[Pair]:
        """The pairs that make up a planning period, by ledger and name."""
        return sorted(pair for pair, its in self.members.items() if its == member)


def load_books(bench: ActualsBench, books_hash: str) -> Books:
    """The pinned books of the run."""
    document = read_document(bench.archive, books_hash)
    periods = {
        ledger: {row["name"]: parse_period(row) for row in rows}
        for ledger, rows in document["periods"].items()
    }
    members, unplaced = _find_members(bench.flow, periods)
    return Books(
        ledgers={row["name"]: Ledger(**row) for row in document["ledgers"]},
        periods=periods,
        members=members,
        unplaced=unplaced,
        earlier=_find_earlier(bench.flow, periods),
    )


def period_rule(rules: PeriodRules) -> PeriodRule:
    """A flow's rule from ledger periods to planning periods."""
    return PeriodRule(
        pattern=rules.pattern,
        adjustment=AdjustmentRule(rules.adjustment),
        adjustment_pattern=rules.adjustment_pattern,
        overrides=dict(rules.overrides),
    )


def _find_members(
    flow: ActualsFlow, periods: dict[str, dict[str, Period]]
) -> tuple[dict[Pair, str], dict[Pair, PeriodBlockedError]]:
    rule = period_rule(flow.periods)
    found: dict[Pair, str] = {}
    unplaced: dict[Pair, PeriodBlockedError] = {}
    for ledger, by_name in periods.items():
        for period in by_name.values():
            if period.month < flow.first_month:
                continue
            try:
                member = rule.target_member(period, periods=by_name.values())
            except PeriodBlockedError as error:
                unplaced[ledger, period.name] = error
            else:
                if member is not None:
                    found[ledger, period.name] = member
    return found, unplaced


def _find_earlier(flow: ActualsFlow, periods: dict[str, dict[str, Period]]) -> frozenset[str]:
    """Planning periods of regular periods before the first month."""
    rule = period_rule(flow.periods)
    members = {
        rule.target_member(period, periods=())
        for by_name in periods.values()
        for period in by_name.values()
        if period.month < flow.first_month and not period.is_adjustment
    }
    return frozenset(member for member in members if member is not None)
