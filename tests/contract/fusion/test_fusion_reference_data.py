"""Ledgers, periods, members and balances over a healthy pod."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from ml_connector.domain.ledger import Ledger
from ml_connector.domain.periods import Period, PeriodState
from ml_connector.errors import RefusedError, SettingsError, UsageError
from ml_connector.ports import CheckState, LedgerSource, Measure
from ml_connector.systems.fusion.adapter import FusionSource


def find_ledger(source: LedgerSource, name: str) -> Ledger:
    """The ledger of this name."""
    return next(each for each in source.read_ledgers() if each.name == name)


def find_period(source: LedgerSource, ledger: Ledger, name: str) -> Period:
    """The period of this name."""
    return next(each for each in source.read_periods(ledger) if each.name == name)


def test_ledgers_are_all_but_the_sets(source: FusionSource) -> None:
    """Five ledgers with currency, chart, calendar and kind; no ledger set."""
    found = {
        each.name: (each.currency, each.chart, each.calendar, each.kind)
        for each in source.read_ledgers()
    }

    assert found == {
        "Halden Canada": ("CAD", "Halden Americas Chart", "Halden Calendar", "primary"),
        "Halden Japan": ("JPY", "Halden Global Chart", "Halden April", "primary"),
        "Halden Kuwait": ("KWD", "Halden Global Chart", "Halden Calendar", "primary"),
        "Halden US": ("USD", "Halden Americas Chart", "Halden Calendar", "primary"),
        "Halden US Reporting": ("EUR", "Halden Americas Chart", "Halden Calendar", "secondary"),
    }


def test_periods_come_in_order_with_adjustments_after_theirs(source: FusionSource) -> None:
    """By first date; the adjusting period follows December."""
    periods = source.read_periods(find_ledger(source, "Halden US"))
    last = periods[-2:]

    assert [period.name for period in last] == ["Dec-26", "Adj-26"]
    assert [period.is_adjustment for period in last] == [False, True]
    assert last[1].number == 13
    assert last[1].date_last == last[0].date_last == date(2026, 12, 31)
    assert len(periods) == 39


def test_fiscal_year_of_an_april_calendar_is_the_year_it_ends_in(source: FusionSource) -> None:
    """Period 1 is April, of the year in which the fiscal year ends."""
    period = find_period(source, find_ledger(source, "Halden Japan"), "Apr-26")

    assert (period.year, period.number, period.date_first) == (2027, 1, date(2026, 4, 1))


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("Jan-24", PeriodState.PERMANENTLY_CLOSED),
        ("Oct-26", PeriodState.CLOSED),
        ("Nov-26", PeriodState.OPEN),
        ("Dec-26", PeriodState.FUTURE),
        ("Adj-26", PeriodState.NEVER_OPENED),
    ],
)
def test_period_state_is_the_general_ledgers(
    source: FusionSource, name: str, state: PeriodState
) -> None:
    """Each of the five states, of the general ledger and no other application."""
    ledger = find_ledger(source, "Halden US")

    assert source.read_period_state(ledger, find_period(source, ledger, name)) is state


def test_state_of_another_applications_period_is_not_taken(own_pod: Any, build: Any) -> None:
    """Payables may have closed what the general ledger keeps open."""
    own_pod.perform(
        "set_period_status", ledger="Halden US", period="Nov-26", status="C", application=200
    )
    source = build(own_pod)
    ledger = find_ledger(source, "Halden US")

    state = source.read_period_state(ledger, find_period(source, ledger, "Nov-26"))
    assert state is PeriodState.OPEN


def test_state_of_an_unknown_period_is_refused(source: FusionSource) -> None:
    """No state is not a state."""
    ledger = find_ledger(source, "Halden US")
    period = replace(find_period(source, ledger, "Nov-26"), name="Nov-99")

    with pytest.raises(RefusedError, match="Nov-99"):
        source.read_period_state(ledger, period)


def test_periods_of_an_unknown_calendar_are_refused(source: FusionSource) -> None:
    """No periods at all means a wrong name or missing rights."""
    ledger = replace(find_ledger(source, "Halden US"), calendar="Lunar")

    with pytest.raises(RefusedError, match="Lunar"):
        source.read_periods(ledger)


def test_server_time_is_the_pods(pod: Any, source: FusionSource) -> None:
    """Watermarks are made of the pod's time, whatever ours is."""
    pod.clock.ahead = timedelta(days=400)

    assert source.read_server_time() == pod.server.clock.now_utc().replace(microsecond=0)


def test_values_carry_type_flags_and_dates(source: FusionSource) -> None:
    """Letters are read as letters; the end of time is no end."""
    values = {each.code: each for each in source.read_members("value-set:Halden Account")}
    summary = dict(values["10000"].properties)

    assert summary["summary"] == "Y"
    assert {dict(each.properties)["account_type"] for each in values.values()} == set("ALORE")
    assert all(dict(each.properties)["end"] < "4712" for each in values.values())
    assert any(dict(each.properties)["enabled"] == "N" for each in values.values())
    for each in values.values():
        properties = dict(each.properties)
        is_ended = bool(properties["end"]) and properties["end"] < "2026-11-03"
        assert each.is_active is (properties["enabled"] == "Y" and not is_ended)
    assert not all(each.is_active for each in values.values())


def test_leading_zeros_of_values_stay(source: FusionSource) -> None:
    """A code is text."""
    codes = {each.code for each in source.read_members("value-set:Halden Cost Centre")}

    assert any(code.startswith("0") for code in codes)


def test_ledgers_and_currencies_are_dimensions(source: FusionSource) -> None:
    """Both may become planning lists."""
    ledgers = {each.code: dict(each.properties) for each in source.read_members("ledgers")}
    currencies = {each.code: each for each in source.read_members("currencies")}

    assert ledgers["Halden Kuwait"]["currency"] == "KWD"
    assert {"USD", "JPY", "KWD"} <= set(currencies)
    assert all(each.is_active for each in currencies.values())


@pytest.mark.parametrize(
    ("dimension", "kind"), [("accounts", UsageError), ("value-set:No Such Set", RefusedError)]
)
def test_unknown_dimension_is_refused(
    source: FusionSource, dimension: str, kind: type[Exception]
) -> None:
    """The error names what was asked for."""
    with pytest.raises(kind, match=dimension.removeprefix("value-set:")):
        list(source.read_members(dimension))


def test_balances_of_an_unconfigured_chart_are_not_asked_for(pod: Any, build: Any) -> None:
    """Without its segments the question cannot be put."""
    source = build(pod, charts=[])
    ledger = find_ledger(source, "Halden US")
    period = find_period(source, ledger, "Oct-26")

    with pytest.raises(SettingsError, match="Halden Americas Chart"):
        list(source.read_balances(ledger, period, Measure.BASE))
    assert not pod.requests("ledgerBalances")


@pytest.mark.parametrize("change", [{"name": "Halden Mars"}, {"chart": "Halden Global Chart"}])
def test_balances_that_end_in_an_error_row_are_refused(
    source: FusionSource, change: dict[str, str]
) -> None:
    """An error inside a 200 is an error, in the pod's words."""
    ledger = find_ledger(source, "Halden US")
    period = find_period(source, ledger, "Oct-26")

    with pytest.raises(RefusedError, match="not valid"):
        list(source.read_balances(replace(ledger, **change), period, Measure.BASE))


def test_balances_of_a_name_the_finder_cannot_carry_are_refused(
    pod: Any, source: FusionSource
) -> None:
    """A comma would end the name and begin another variable."""
    ledger = replace(find_ledger(source, "Halden US"), name="Halden, US")
    period = find_period(source, ledger, "Oct-26")

    with pytest.raises(RefusedError, match="comma"):
        list(source.read_balances(ledger, period, Measure.BASE))
    assert not pod.requests("ledgerBalances")


def test_discover_names_what_flows_refer_to(source: FusionSource) -> None:
    """Ledgers, charts, calendars and value sets."""
    found = {(each.kind, each.name) for each in source.discover()}

    assert {
        ("ledger", "Halden Japan"),
        ("chart", "Halden Global Chart"),
        ("calendar", "Halden April"),
        ("value-set", "Halden Global Account"),
    } <= found


def test_check_of_a_healthy_pod_finds_nothing_to_do(source: FusionSource) -> None:
    """All is well, and says so per subject."""
    checks = list(source.check())

    assert {each.state for each in checks} == {CheckState.OK}, checks
    subjects = {each.subject for each in checks}
    assert {"reach and log-in", "framework version", "clock", "changes"} <= subjects
    assert {"ledgers", "charts", "periods", "journals"} <= subjects
