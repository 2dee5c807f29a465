"""The history of a flow's mapping rules: who changed them, when, why, and what is in force."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Deed(StrEnum):
    """What made a version."""

    SEEN = "seen in the file"
    """A run met other rules in the project's file than the history ended with."""
    TAKEN = "taken over"
    """The records keep the rules from now on, beginning with those of the file."""
    SAVED = "saved"
    IMPORTED = "imported"
    RESTORED = "restored"
    RETURNED = "returned"
    """The project's file decides again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVersion:
    """A deed in the history of a flow's rules; from then on its content was in force.

    Attributes:
        number: From 1 within the flow.
        content_hash: Of the rules; a restored content has the hash it had before.
        rules: How many.
        is_kept: Whether the records keep the rules; else the project's file does.
    """

    flow: str
    number: int
    content_hash: str
    rules: int
    is_kept: bool
    deed: Deed
    comment: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRules:
    """Rules about to be a version."""

    content_hash: str
    content: str
    rules: int
    deed: Deed
    comment: str
    is_kept: bool = True


class RuleHistory(Protocol):
    """Part of `MappingStore`: versions of a flow's rules."""

    def save_version(self, flow: str, new: NewRules, *, based_on: int, actor: str) -> RuleVersion:
        """The rules are the flow's newest version.

        Args:
            flow: Whose rules.
            new: What they are.
            based_on: Number of the version they were made from; 0 where there was none.
            actor: Who saves them.

        Raises:
            BusyError: Somebody saved meanwhile.
        """

    def find_version(self, flow: str, number: int | None = None) -> RuleVersion | None:
        """The version of that number, or the newest."""

    def load_versions(self, flow: str, *, limit: int, before: int = 0) -> list[RuleVersion]:
        """Versions, newest first; those before a number where one is given."""
