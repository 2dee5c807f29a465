"""What a process that stays tells of what it does, each thing once."""

import logging
from collections.abc import Callable

from ml_connector.errors import ConnectorError

logger = logging.getLogger(__name__)

Tell = Callable[[str], None]


def say_nothing(_text: str) -> None:
    """Nobody hears of schedules."""


def tell_error(error: Exception) -> str:
    """What is wrong, in a line; the log has the rest of what nobody expected."""
    if isinstance(error, ConnectorError):
        return error.refused
    logger.error("serving.unexpected_error", exc_info=error)
    return f"{type(error).__name__}: {error}"


class TellOnce:
    """Says what changed: a firing that waits says so once, not at each look."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: dict[str, str] = {}

    def tell(self, subject: str, text: str) -> None:
        """It is told, unless it is what was told of the subject before."""
        if self._told.get(subject) != text:
            self._tell(text)
        self._told[subject] = text

    def forget(self, subject: str) -> None:
        """Whatever comes next of the subject is told."""
        self._told.pop(subject, None)
