"""People of an organisation: who signs in, and what each may do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Right(StrEnum):
    """What a page, a call or a command asks for."""

    SEE = "see"
    """Everything but secrets: runs, plans, amounts, people."""
    RUN = "run"
    """Start, resume and cancel runs; pause and trigger schedules."""
    MAP = "map"
    """Change mapping rules."""
    DECIDE = "decide"
    """Approve and reject plans of others; sign off a period."""
    ADMINISTER = "administer"
    """People, their roles, tokens, credentials, settings."""


class Role(StrEnum):
    """What a person was given; several may be held at once."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    MAPPER = "mapper"
    APPROVER = "approver"
    ADMIN = "admin"


RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.SEE}),
    Role.OPERATOR: frozenset({Right.SEE, Right.RUN}),
    Role.MAPPER: frozenset({Right.SEE, Right.MAP}),
    Role.APPROVER: frozenset({Right.SEE, Right.DECIDE}),
    Role.ADMIN: frozenset({Right.SEE, Right.ADMINISTER}),
}
"""An admin decides nothing by being one: who gives himself another role is in the audit chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody of the organisation.

    Attributes:
        name: Signs in with it; unique in the organisation, and the actor of whatever is done.
        display_name: As others read it; may be empty.
        email: For alerts; may be empty.
        roles: What was given.
        is_active: Whether the person may sign in.
        joined_at: When the person was added.
        signed_in_at: The last time; None: never.
        second_factor_at: Since when a second factor is asked for; None: there is none.
    """

    name: str
    display_name: str = ""
    email: str = field(default="", repr=False)
    roles: frozenset[Role] = frozenset()
    is_active: bool = True
    joined_at: datetime
    signed_in_at: datetime | None = None
    second_factor_at: datetime | None = None

    @property
    def rights(self) -> frozenset[Right]:
        """All that the roles give; nothing once the person is no longer active."""
        if not self.is_active:
            return frozenset()
        return frozenset(right for role in self.roles for right in RIGHTS[role])


class PersonStore(Protocol):
    """People of one organisation."""

    def create_person(
        self,
        name: str,
        *,
        password: str | None,
        roles: Iterable[Role],
        display_name: str,
        email: str,
    ) -> Person:
        """The person exists and may sign in; without a password, through a provider only.

        Raises:
            UsageError: The name is taken or unfit, or the password too weak; all faults at once.
        """

    def save_roles(self, name: str, roles: Iterable[Role]) -> Person:
        """These are the person's roles.

        Raises:
            UsageError: No such person, or nobody would be an active admin any more.
        """

    def save_active(self, name: str, *, is_active: bool) -> Person:
        """The person may sign in, or may not; open sessions of theirs end.

        Raises:
            UsageError: No such person, or nobody would be an active admin any more.
        """

    def save_password(self, name: str, password: str) -> Person:
        """The person signs in with this password; open sessions of theirs end.

        Raises:
            UsageError: No such person, or the password is too weak.
        """

    def find_by_email(self, email: str) -> list[Person]:
        """Whoever has this e-mail address, capitals aside."""

    def find_person(self, name: str) -> Person | None:
        """The person of that name."""

    def load_people(self, *, after: str = "", limit: int | None = None) -> list[Person]:
        """Everybody, by name; so many of those behind a name, where a limit is given."""
