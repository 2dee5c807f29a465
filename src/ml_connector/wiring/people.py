"""People: who may sign in and what they may do; every change is in the audit chain."""

from collections.abc import Iterable

from ml_connector.ports import Person, Role
from ml_connector.wiring.parts import Part


class People(Part):
    """The house's people; the house itself supplies the records."""

    def add_person(
        self,
        name: str,
        *,
        password: str | None,
        roles: Iterable[Role],
        display_name: str = "",
        email: str = "",
    ) -> Person:
        """The person exists and may sign in; without a password, through a provider only.

        Raises:
            UsageError: The name or the password is unfit; all faults at once.
        """
        held = frozenset(roles)
        with self.records.transactions.begin(f"the person {name}"):
            person = self.records.people.create_person(
                name, password=password, roles=held, display_name=display_name, email=email
            )
            self._tell("person.added", name, roles=_render(held))
        return person

    def save_roles(self, name: str, roles: Iterable[Role]) -> Person:
        """These are the person's roles.

        Raises:
            UsageError: No such person, or nobody would be an active admin any more.
        """
        before = self.records.people.find_person(name)
        held = frozenset(roles)
        with self.records.transactions.begin(f"the roles of {name}"):
            person = self.records.people.save_roles(name, held)
            were = _render(before.roles) if before else ""
            self._tell("person.roles", name, before=were, roles=_render(held))
        return person

    def save_active(self, name: str, *, is_active: bool) -> Person:
        """The person may sign in, or may not.

        Raises:
            UsageError: No such person, or nobody would be an active admin any more.
        """
        with self.records.transactions.begin(f"the person {name}"):
            person = self.records.people.save_active(name, is_active=is_active)
            self._tell("person.enabled" if is_active else "person.disabled", name)
        return person

    def save_password(self, name: str, password: str) -> Person:
        """The person signs in with this password; what it is nobody is told.

        Raises:
            UsageError: No such person, or the password is too weak.
        """
        with self.records.transactions.begin(f"the password of {name}"):
            person = self.records.people.save_password(name, password)
            self._tell("person.password", name)
        return person

    def _tell(self, event: str, name: str, **details: str) -> None:
        self.records.audit.record(event, subject=name, actor=self.actor, **details)


def _render(roles: Iterable[Role]) -> str:
    return ", ".join(sorted(roles))
