"""People of an organisation and their roles; Django's own users hold the passwords."""

import re
from collections import defaultdict
from collections.abc import Iterable

from django.contrib.auth.password_validation import get_password_validators, validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import OuterRef, QuerySet, Subquery

from ml_connector.errors import UsageError
from ml_connector.ports import Person, Role
from ml_connector.records.models import PersonRole, SecondFactor, User
from ml_connector.records.store import OrganisationStore

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}[a-z0-9]")
"""Names are typed, spoken, and stand in the audit chain: lower case, nothing that looks alike, and
no @: `user@host` is an account that nobody is bound to."""
RULES = "django.contrib.auth.password_validation"
ATTRIBUTES = ("username", "display_name", "email")
PASSWORD_RULES = (
    {"NAME": f"{RULES}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{RULES}.CommonPasswordValidator"},
    {"NAME": f"{RULES}.NumericPasswordValidator"},
    {
        "NAME": f"{RULES}.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ATTRIBUTES},
    },
)
"""Here and in no setting: they hold however the records were opened."""


class UnfitPersonError(UsageError):
    """A name is taken or unfit, or a password too weak."""

    code = "people.unfit"


class UnknownPersonError(UsageError):
    """There is nobody of that name."""

    code = "people.unknown"


class LastAdminError(UsageError):
    """Nobody would be left who may give roles."""

    code = "people.last-admin"


class PersonRecords(OrganisationStore):
    """A `ports.PersonStore`."""

    def create_person(
        self,
        name: str,
        *,
        password: str | None,
        roles: Iterable[Role],
        display_name: str,
        email: str,
    ) -> Person:
        """The person exists and may sign in; see `ports.PersonStore`."""
        user = User(organisation_id=self._id, username=name, display_name=display_name, email=email)
        weak = _find_password_faults(password, user) if password is not None else []
        _verify_fit([*_find_name_faults(name), *weak], name)
        user.set_password(password)
        try:
            with self._writing(f"the person {name}"):
                user.save()
                self._users().filter(pk=user.pk).update(joined_at=self._clock.now())
                self._give(user, roles)
        except IntegrityError as error:
            raise _unfit(name, ["the name is taken"]) from error
        return self._load(name)

    def save_roles(self, name: str, roles: Iterable[Role]) -> Person:
        """These are the person's roles; see `ports.PersonStore`."""
        with self._writing(f"the roles of {name}"):
            user = self._find_user(name)
            PersonRole.of(self._id).filter(user=user).delete()
            self._give(user, roles)
            self._verify_admin(name)
        return self._load(name)

    def save_active(self, name: str, *, is_active: bool) -> Person:
        """The person may sign in, or may not; see `ports.PersonStore`."""
        with self._writing(f"the person {name}"):
            user = self._find_user(name)
            user.is_active = is_active
            user.save(update_fields=["is_active"])
            self._verify_admin(name)
        return self._load(name)

    def save_password(self, name: str, password: str) -> Person:
        """The person signs in with this password; see `ports.PersonStore`."""
        user = self._find_user(name)
        _verify_fit(_find_password_faults(password, user), name)
        user.set_password(password)
        with self._writing(f"the password of {name}"):
            user.save(update_fields=["password"])
        return self._load(name)

    def find_by_email(self, email: str) -> list[Person]:
        """Whoever has this e-mail address."""
        found = self._render(self._users().filter(email__iexact=email).exclude(email=""))
        # A database may take a dotless i for an i, and one address for another's.
        return [one for one in found if one.email.lower() == email.lower()]

    def find_person(self, name: str) -> Person | None:
        """The person of that name."""
        return next(iter(self._render(self._users().filter(username=name))), None)

    def load_people(self, *, after: str = "", limit: int | None = None) -> list[Person]:
        """Everybody, by name; see `ports.PersonStore`."""
        rows = self._users().order_by("username")
        names = rows.filter(username__gt=after).values_list("username", flat=True)[:limit]
        return self._render(rows if limit is None else rows.filter(username__in=list(names)))

    def _give(self, user: User, roles: Iterable[Role]) -> None:
        PersonRole.of(self._id).bulk_create(
            PersonRole(organisation_id=self._id, user=user, role=role.value)
            for role in sorted(set(roles))
        )

    def _users(self) -> QuerySet[User]:
        return User.objects.filter(organisation_id=self._id)

    def _find_user(self, name: str) -> User:
        user: User | None = self._users().filter(username=name).first()
        if user is None:
            raise explain_nobody(name)
        return user

    def _load(self, name: str) -> Person:
        found = self.find_person(name)
        assert found is not None, "just stored"
        return found

    def _verify_admin(self, name: str) -> None:
        admins = PersonRole.of(self._id).filter(user__is_active=True, role=Role.ADMIN.value)
        if not admins.exists():
            raise LastAdminError(
                f"Without {name} nobody would be an admin any more.",
                written="Nothing was changed.",
                next_step="Make somebody else one: `ml-connector users roles NAME --role admin`.",
                person=name,
            )

    def _render(self, users: QuerySet[User]) -> list[Person]:
        factors = SecondFactor.of(self._id).filter(user=OuterRef("pk"))
        users = users.annotate(factor_at=Subquery(factors.values("confirmed_at")[:1]))
        held: defaultdict[int, set[Role]] = defaultdict(set)
        for row in (
            PersonRole.of(self._id)
            .filter(user__in=users.values("pk"))
            .values_list("user_id", "role")
        ):
            held[row[0]].add(Role(row[1]))
        return [
            Person(
                name=user.username, display_name=user.display_name, email=user.email,
                roles=frozenset(held[user.pk]),
                is_active=user.is_active, joined_at=user.joined_at, signed_in_at=user.last_login,
                second_factor_at=user.factor_at,  # type: ignore[attr-defined]  # annotated above
            )
            for user in users
        ]  # fmt: skip


def _find_name_faults(name: str) -> list[str]:
    if NAME.fullmatch(name):
        return []
    return ["a name has 2 to 64 of a-z, 0-9, dot, hyphen and underscore"]


def _find_password_faults(password: str, user: User) -> list[str]:
    try:
        validate_password(password, user, get_password_validators(PASSWORD_RULES))
    except ValidationError as error:
        return [text.rstrip(".") for text in error.messages]
    return []


def _verify_fit(faults: list[str], name: str) -> None:
    if faults:
        raise _unfit(name, faults)


def _unfit(name: str, faults: list[str]) -> UnfitPersonError:
    return UnfitPersonError(
        f"{name!r} cannot be kept so: {'; '.join(faults)}.",
        written="Nothing was changed.",
        next_step="Correct it and try again.",
        person=name,
    )


def explain_nobody(name: str) -> UnknownPersonError:
    """What is said of a name that is nobody's."""
    return UnknownPersonError(
        f"There is nobody named {name!r}.",
        written="Nothing was changed.",
        next_step="List them: `ml-connector users list`.",
        person=name,
    )
