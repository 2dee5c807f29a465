"""What people write: its length, and nothing of it cut off without a word."""

from ml_connector.errors import UsageError


class TextTooLongError(UsageError):
    """A text is longer than what is kept of it."""

    code = "text.too-long"


def verify_length(text: str, *, most: int, what: str) -> str:
    """The text as it is kept: without blanks around it, its line breaks one character each.

    Browsers count a line break as one character and send two.

    Args:
        text: As it came.
        most: Characters that are kept.
        what: What errors call the text: "The reason".

    Raises:
        TextTooLongError: It is longer; nothing of it is kept.
    """
    plain = text.replace("\r\n", "\n").strip()
    if len(plain) > most:
        raise TextTooLongError(
            f"{what} has {len(plain):,} characters; {most:,} is the most.",
            written="Nothing was changed.",
            next_step="Say it shorter.",
            characters=len(plain), most=most,
        )  # fmt: skip
    return plain
