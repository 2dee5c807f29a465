"""Periods by the names people use, and the members they become."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ml_connector.domain.calendars import (
    find_period_of,
    sort_periods,
)
from ml_connector.domain.period_rules import (
    PeriodBlockedError,
    PeriodClashError,
    PeriodPatternError,
    PeriodRule,
    verify_period_rule,
)
from ml_connector.domain.periods import AdjustmentRule, Period

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def month_of(year: int, number: int) -> Period:
    """A regular period that is a calendar month."""
    first = date(year, number, 1)
    last = date(year + number // 12, number % 12 + 1, 1) - timedelta(days=1)
    return Period(
        name=f"{MONTHS[number - 1]}-{year % 100}",
        calendar="Month",
        year=year,
        number=number,
        date_first=first,
        date_last=last,
    )


def adjusting(name: str, on: date, number: int = 13) -> Period:
    """An adjustment period of one day."""
    return Period(
        name=name,
        calendar="Month",
        year=on.year,
        number=number,
        date_first=on,
        date_last=on,
        is_adjustment=True,
    )


ADJ = adjusting("Adj-26", date(2026, 12, 31))
REGULAR = [month_of(year, number) for year in (2025, 2026, 2027) for number in range(1, 13)]
PERIODS = [*REGULAR, ADJ]


def named(name: str) -> Period:
    """The period by its own name."""
    return next(period for period in PERIODS if period.name == name)


def test_sorting_follows_the_calendar() -> None:
    """The order given does not matter; an adjustment stands after what it adjusts."""
    shuffled = PERIODS[::-1]

    assert sort_periods(shuffled)[23:26] == [named("Dec-26"), ADJ, named("Jan-27")]
    assert find_period_of(date(2026, 12, 31), periods=shuffled) == named("Dec-26")
    assert find_period_of(date(2030, 1, 1), periods=shuffled) is None


def test_adjustments_stand_after_the_period_they_end_in_however_long_they_are() -> None:
    """An adjustment on the first day of a month and one over a whole year each find their place."""
    opening = adjusting("Open-26", date(2026, 1, 1), number=14)
    year = replace(adjusting("Year-26", date(2026, 12, 31), 15), date_first=date(2026, 1, 1))
    ordered = sort_periods([year, opening, *PERIODS])

    assert ordered[12:15] == [named("Jan-26"), opening, named("Feb-26")]
    assert ordered[24:28] == [named("Dec-26"), ADJ, year, named("Jan-27")]


@pytest.mark.parametrize(
    ("pattern", "member"),
    [
        ("%b %y", "Oct 26"),
        ("%B %Y", "October 2026"),
        ("%Y-%m", "2026-10"),
        ("FY{year:02} P{number:02}", "FY26 P10"),
        ("{year}/{number}", "2026/10"),
        ("{name}", "Oct-26"),
        ("100%%", "100%"),
    ],
)
def test_pattern_makes_the_member(pattern: str, member: str) -> None:
    """Months are English whatever the machine speaks; fiscal parts come from the calendar."""
    rule = PeriodRule(pattern=pattern)

    assert rule.target_member(named("Oct-26"), periods=PERIODS) == member


@pytest.mark.parametrize("pattern", ["%d", "%", "{month}", "{", "}", "{year:03}"])
def test_pattern_with_an_unknown_sign_is_refused(pattern: str) -> None:
    """A sign that stands for nothing is refused when the rule is made, with what may stand."""
    with pytest.raises(PeriodPatternError, match=r"\{number:02\}"):
        PeriodRule(pattern=pattern)
    with pytest.raises(PeriodPatternError):
        PeriodRule(adjustment_pattern=pattern)


@pytest.mark.parametrize(
    ("rule", "member"),
    [
        (PeriodRule(adjustment=AdjustmentRule.FOLD), "Dec 26"),
        (PeriodRule(adjustment=AdjustmentRule.EXCLUDE), None),
        (PeriodRule(adjustment=AdjustmentRule.OWN, adjustment_pattern="Adj %y"), "Adj 26"),
        (PeriodRule(adjustment=AdjustmentRule.FOLD, overrides={"Dec-26": "YE26"}), "YE26"),
        (PeriodRule(overrides={"Adj-26": "P13"}), "P13"),
        (PeriodRule(overrides={"FY2026-P13": "P13"}), "P13"),
        (PeriodRule(adjustment=AdjustmentRule.EXCLUDE, overrides={"Adj-26": "P13"}), "P13"),
    ],
)
def test_adjustment_period_goes_where_its_rule_says(rule: PeriodRule, member: str | None) -> None:
    """Fold, own member and exclusion each do what they say; an override wins over all."""
    assert rule.target_member(ADJ, periods=PERIODS) == member
    assert rule.target_member(named("Oct-26"), periods=PERIODS) == "Oct 26"


@pytest.mark.parametrize(
    ("rule", "setting"),
    [
        (
            PeriodRule(),
            "`adjustment` to one of fold-into-last, own-member, exclude, or an override",
        ),
        (PeriodRule(adjustment=AdjustmentRule.OWN), "the member as an override"),
    ],
)
def test_adjustment_period_without_a_place_blocks_and_names_the_setting(
    rule: PeriodRule, setting: str
) -> None:
    """What only a person can decide stops the run and says where to decide it."""
    with pytest.raises(PeriodBlockedError) as caught:
        rule.target_member(ADJ, periods=PERIODS)

    assert caught.value.exit_code == 5
    assert setting in caught.value.next_step
    assert "(`Adj-26: MEMBER`)" in caught.value.next_step


def test_fold_looks_for_the_regular_period_in_its_own_calendar() -> None:
    """An adjustment that ends in no regular period of its calendar has nowhere to be folded."""
    weekly = Period(
        name="W53", calendar="Week", year=2026, number=53,
        date_first=date(2026, 12, 28), date_last=date(2026, 12, 31),
    )  # fmt: skip
    rule = PeriodRule(adjustment=AdjustmentRule.FOLD)

    with pytest.raises(PeriodBlockedError, match="in no regular period"):
        rule.target_member(ADJ, periods=[weekly, ADJ])


def test_rule_that_would_merge_two_regular_periods_is_refused() -> None:
    """A pattern without a year gives three Octobers one member; all clashes are listed."""
    with pytest.raises(PeriodClashError, match=r"Oct \(Oct-25, Oct-26, Oct-27\); Nov"):
        verify_period_rule(PeriodRule(pattern="%b"), periods=PERIODS)
    verify_period_rule(PeriodRule(), periods=PERIODS)
    overrides = {p.name: "old" for p in PERIODS if p.year < 2027}
    verify_period_rule(PeriodRule(pattern="%b", overrides=overrides), periods=PERIODS)
