"""Laws of calendars: every period has one place, and folding loses nothing."""

from collections import Counter
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ml_connector.domain.period_rules import PeriodRule, verify_period_rule
from ml_connector.domain.periods import AdjustmentRule, Period


@st.composite
def calendars(draw: st.DrawFn) -> list[Period]:
    """A calendar of adjoining periods of four or five weeks, some of them adjusted."""
    first = draw(st.dates(date(2024, 1, 1), date(2026, 12, 31)))
    periods: list[Period] = []
    for number in range(1, draw(st.integers(1, 14)) + 1):
        last = first + timedelta(days=draw(st.sampled_from([27, 34])))
        fields = {"calendar": "C", "year": 2026}
        periods.append(
            Period(name=f"P{number}", number=number, date_first=first, date_last=last, **fields)  # type: ignore[arg-type]  # mixed values
        )
        if draw(st.integers(0, 3)) == 0:
            begin = draw(st.sampled_from([first, last]))
            periods.append(
                Period(
                    name=f"A{number}",
                    calendar="C",
                    year=2026,
                    number=50 + number,
                    date_first=begin,
                    date_last=last,
                    is_adjustment=True,
                )
            )
        first = last + timedelta(days=1)
    return draw(st.permutations(periods))


RULES = st.builds(
    PeriodRule,
    pattern=st.just("{year} {number:02}"),
    adjustment=st.sampled_from([r for r in AdjustmentRule if r is not AdjustmentRule.BLOCK]),
    adjustment_pattern=st.just("A {number:02}"),
)


@given(periods=calendars(), data=st.data())
def test_folding_keeps_the_totals_of_the_year(periods: list[Period], data: st.DataObject) -> None:
    """Amounts summed by member add up to the amounts by period, adjustments with their period."""
    rule = PeriodRule(pattern="{number}", adjustment=AdjustmentRule.FOLD)
    amounts = {p.name: data.draw(st.integers(-9, 9)) for p in periods}
    by_member: Counter[str] = Counter()
    for period in periods:
        member = rule.target_member(period, periods=periods)
        assert member == period.name[1:]
        by_member[member] += amounts[period.name]

    assert sum(by_member.values()) == sum(amounts.values())


@given(periods=calendars(), rule=RULES)
def test_every_period_has_a_member_unless_it_is_an_excluded_adjustment(
    periods: list[Period], rule: PeriodRule
) -> None:
    """Only adjustments, and only where the rule excludes them, go to no member."""
    left_out = [p for p in periods if rule.target_member(p, periods=periods) is None]

    assert all(period.is_adjustment for period in left_out)
    assert left_out == [] or rule.adjustment is AdjustmentRule.EXCLUDE
    verify_period_rule(rule, periods=periods)
