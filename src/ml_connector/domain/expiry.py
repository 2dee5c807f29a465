"""Where in the close calendar a day falls: what ends then, ends while people need it, or not."""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

CLOSE_DAYS = 10
"""Working days after a period's end in which books are closed, as a rule."""
LOOKED_MAX = 400
"""Days looked through for working days; a calendar with so few has no close that matters."""
DAY = timedelta(days=1)
IsWorking = Callable[[date], bool]


def is_weekday(day: date) -> bool:
    """Whether the day is one of Monday to Friday."""
    return day.weekday() < 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePlace:
    """A day as the close counts it.

    Attributes:
        month: The month that is closed, by its last day.
        working_day: How many working days have passed since, the day itself counted.
    """

    month: date
    working_day: int

    def render(self) -> str:
        """As people say it: WD+1 of the close of October 2026."""
        return f"WD+{self.working_day} of the close of {self.month:%B %Y}"


def find_close_place(day: date, *, is_working: IsWorking = is_weekday) -> ClosePlace:
    """The place of the day in the close of the month before it, or of its own on the last day."""
    month = find_month_end(day)
    if month != day:
        month = day.replace(day=1) - DAY
    passed = sum(is_working(month + DAY * number) for number in range(1, (day - month).days + 1))
    return ClosePlace(month=month, working_day=passed)


def find_month_end(day: date) -> date:
    """The last day of the day's month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def find_next_close_end(today: date, *, is_working: IsWorking = is_weekday) -> date:
    """The last working day of the close of this month, which is the next one to come."""
    day, left = find_month_end(today), CLOSE_DAYS
    for _ in range(LOOKED_MAX):
        day += DAY
        left -= is_working(day)
        if not left:
            break
    return day
