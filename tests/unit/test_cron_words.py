"""Cron expressions in words, where words are surely right."""

from datetime import time, timedelta

import pytest

from ml_connector.domain.cron_words import tell_cron, tell_every, tell_working_day


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("5 * * * *", "every hour at minute 5"),
        ("0 6 * * *", "at 06:00"),
        ("0 6 * * MON-FRI", "at 06:00, Monday to Friday"),
        ("30 6,18 * * 1,5", "at 06:30, 18:30, Monday and Friday"),
        ("0 6 * * 7", "at 06:00, Sunday"),
        ("0 6 1,15 * *", "at 06:00, on day 1 and 15 of the month"),
        ("0 22 L * *", "at 22:00, on the last day of the month"),
        # Where words might mislead, the expression itself.
        ("*/7 * * * *", "cron */7 * * * *"),
        ("0 6 1 * MON", "cron 0 6 1 * MON"),
        ("0 6 * 1 *", "cron 0 6 * 1 *"),
        ("0 6 * * 1#2", "cron 0 6 * * 1#2"),
        ("0 1-5 * * *", "cron 0 1-5 * * *"),
        ("0,10,20 1,2 * * *", "cron 0,10,20 1,2 * * *"),
    ],
)
def test_cron_is_told_in_words_or_as_it_was_written(cron: str, words: str) -> None:
    """Plain ones read as people say them."""
    assert tell_cron(cron) == words


def test_working_days_and_intervals_are_told_as_people_say_them() -> None:
    """Ordinals, the last day of all, units that fit."""
    at = time(6)
    assert [tell_working_day(number, at) for number in (1, 2, 3, 11, 22, -1, -2)] == [
        "at 06:00 on the 1st working day after the period",
        "at 06:00 on the 2nd working day after the period",
        "at 06:00 on the 3rd working day after the period",
        "at 06:00 on the 11th working day after the period",
        "at 06:00 on the 22nd working day after the period",
        "at 06:00 on the last working day of the period",
        "at 06:00 on the 2nd last working day of the period",
    ]
    every = [timedelta(minutes=15), timedelta(minutes=60), timedelta(minutes=90), timedelta(days=2)]
    assert [tell_every(one) for one in every] == [
        "every 15 minutes", "every hour", "every 90 minutes", "every 2 days",
    ]  # fmt: skip
