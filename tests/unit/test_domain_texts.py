"""What people write is kept whole, or refused."""

import pytest

from ml_connector.domain.texts import TextTooLongError, verify_length


def test_text_is_kept_whole_or_refused_with_both_lengths() -> None:
    """A reason without its end may say the opposite."""
    assert verify_length(" as agreed ", most=9, what="The reason") == "as agreed"
    with pytest.raises(TextTooLongError, match=r"The reason has 1,001 characters; 1,000 is"):
        verify_length("x" * 1_001, most=1_000, what="The reason")


def test_line_break_counts_as_browsers_count_it() -> None:
    """What the field has taken is not refused for its line breaks."""
    assert verify_length("a\r\nb", most=3, what="The reason") == "a\nb"
