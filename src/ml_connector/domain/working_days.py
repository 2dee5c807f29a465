"""Working days, and the moments that are counted by them from the ends of periods."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

LOOKED_MAX = 400
"""Days that one count walks; a calendar with so few working days has none that matter."""
DAY = timedelta(days=1)
MONDAY_TO_FRIDAY = frozenset(range(5))
SHORT_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LONG_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

FindHoliday = Callable[[date], str]
"""What a public holiday is called; empty on every other day."""


def find_no_holiday(_day: date) -> str:
    """No day is a public holiday."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingDays:
    """Which days are worked: some days of each week, less holidays and own days off."""

    weekdays: frozenset[int] = MONDAY_TO_FRIDAY
    """Days of the week that are worked; 0 is Monday."""
    find_holiday: FindHoliday = find_no_holiday
    own: Mapping[date, str] = field(default_factory=dict)
    """Days off besides, and why."""
    worked: frozenset[date] = frozenset()
    """Days that are worked although they would be off."""

    def tell_off(self, day: date) -> str:
        """Why the day is off; empty on a working day."""
        if day in self.worked:
            return ""
        named = self.own.get(day) or self.find_holiday(day)
        if named:
            return named
        return "" if day.weekday() in self.weekdays else LONG_DAYS[day.weekday()]

    def is_working(self, day: date) -> bool:
        """Whether the day is worked."""
        return not self.tell_off(day)


def find_working_day(days: WorkingDays, end: date, number: int) -> date | None:
    """The working day of that number, counted from the last day of a period.

    1 is the first working day after it, -1 the last one of the period itself; there is no 0. None
    where so many working days do not come.
    """
    assert number
    step = DAY if number > 0 else -DAY
    day = end + DAY if number > 0 else end
    left = abs(number)
    for _ in range(LOOKED_MAX):
        left -= days.is_working(day)
        if not left:
            return day
        day += step
    return None


def count_working_days(days: WorkingDays, end: date, day: date) -> int:
    """The number of a day towards the end of a period, were it worked: WD+2 is 2."""
    step = 1 if day > end else -1
    count, at = 0, end + DAY if step > 0 else end
    while (at <= day) if step > 0 else (at >= day):
        count += step * days.is_working(at)
        at += step * DAY
    return count


def walk_working_days(
    days: WorkingDays, ends: Sequence[date], *, number: int, at: time
) -> Callable[[datetime], Iterator[datetime]]:
    """A walk of the wall times at that working day of each period; it ends with the periods."""
    found = {find_working_day(days, end, number) for end in ends}
    walls = sorted(datetime.combine(day, at) for day in found if day is not None)

    def walk(after: datetime) -> Iterator[datetime]:
        return (wall for wall in walls if wall > after)

    return walk


def list_month_ends(around: date, *, years: int) -> list[date]:
    """The last days of the calendar months of so many years before and after."""
    firsts = [
        date(year, month, 1)
        for year in range(around.year - years, around.year + years + 1)
        for month in range(1, 13)
    ]
    return [first - DAY for first in firsts]
