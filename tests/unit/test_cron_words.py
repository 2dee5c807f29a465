"""Cron expressions in words, where words are surely right."""

import pytest

from ml_connector.domain.cron_words import tell_cron


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
