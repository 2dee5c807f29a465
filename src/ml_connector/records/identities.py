"""Accounts of operating systems and identities at providers, and whose they are."""

from collections.abc import Iterable

from django.db import IntegrityError
from django.db.models import QuerySet

from ml_connector.errors import UsageError
from ml_connector.ports.identities import AGENT, Identity
from ml_connector.records.models import PersonAccount, PersonIdentity, User
from ml_connector.records.people import explain_nobody
from ml_connector.records.store import OrganisationStore


class AccountTakenError(UsageError):
    """An account is somebody's already."""

    code = "people.account-taken"


class AccountUnknownError(UsageError):
    """An account is nobody's."""

    code = "people.account-unknown"


class IdentityTakenError(UsageError):
    """A provider's subject is somebody else, or the person another subject."""

    code = "people.identity-taken"


class IdentityRecords(OrganisationStore):
    """A `ports.IdentityStore`."""

    def save_account(self, name: str, account: str) -> None:
        """Commands of that account are the person's from now on; see `ports.IdentityStore`."""
        with self._writing(f"the account {account}"):
            user = self._find_user(name)
            held = self.find_account(account)
            if held is not None:
                raise AccountTakenError(
                    f"The account {account} is bound to {held} already.",
                    written="Nothing was changed.",
                    next_step=f"Free it first: `ml-connector users unbind {account}`.",
                    account=account, person=held,
                )  # fmt: skip
            PersonAccount.of(self._id).create(
                organisation_id=self._id, user=user, account=account, bound_at=self._clock.now()
            )

    def end_account(self, account: str) -> str:
        """The account is nobody's any more; see `ports.IdentityStore`."""
        with self._writing(f"the account {account}"):
            held = self.find_account(account)
            if held is None:
                raise AccountUnknownError(
                    f"The account {account} is bound to nobody.",
                    written="Nothing was changed.",
                    next_step="List people and their accounts: `ml-connector users list`.",
                    account=account,
                )
            self._live().filter(account=account).update(ended_at=self._clock.now())
        return held

    def find_account(self, account: str) -> str | None:
        """Whose account it is; see `ports.IdentityStore`."""
        return self._live().filter(account=account).values_list("user__username", flat=True).first()

    def load_accounts(self, name: str) -> list[str]:
        """The person's accounts; see `ports.IdentityStore`."""
        rows = self._live().filter(user__username=name).order_by("account")
        return list(rows.values_list("account", flat=True))

    def save_identity(self, name: str, *, issuer: str, subject: str) -> None:
        """The subject is the person from now on; see `ports.IdentityStore`."""
        try:
            with self._writing(f"who {name} is at {issuer}"):
                PersonIdentity.of(self._id).create(
                    organisation_id=self._id, user=self._find_user(name),
                    issuer=issuer, subject=subject, bound_at=self._clock.now(),
                )  # fmt: skip
        except IntegrityError as error:
            raise IdentityTakenError(
                f"{name} is bound to another account at {issuer}, or this one to another person.",
                written="Nothing was changed.",
                next_step=f"Unbind {name} on the page People, then sign in again.",
                person=name, issuer=issuer,
            ) from error  # fmt: skip

    def find_identity(self, *, issuer: str, subject: str) -> str | None:
        """Who the subject is; see `ports.IdentityStore`."""
        rows = PersonIdentity.of(self._id).filter(issuer=issuer, subject=subject)
        return rows.values_list("user__username", flat=True).first()

    def load_identities(self, name: str) -> list[Identity]:
        """Who the person is at each provider; see `ports.IdentityStore`."""
        rows = PersonIdentity.of(self._id).filter(user__username=name).order_by("issuer")
        return [
            Identity(issuer=row.issuer, subject=row.subject, bound_at=row.bound_at) for row in rows
        ]

    def end_identities(self, name: str) -> int:
        """The person is bound to no provider any more; see `ports.IdentityStore`."""
        with self._writing(f"who {name} is at providers"):
            user = self._find_user(name)
            return PersonIdentity.of(self._id).filter(user=user).delete()[0]

    def find_names(self, actors: Iterable[str]) -> frozenset[str]:
        """Every name under which the same people act; see `ports.IdentityStore`."""
        return find_names(self._id, actors)

    def _live(self) -> QuerySet[PersonAccount]:
        return PersonAccount.of(self._id).filter(ended_at=None)

    def _find_user(self, name: str) -> User:
        user: User | None = User.objects.filter(organisation_id=self._id, username=name).first()
        if user is None:
            raise explain_nobody(name)
        return user


def find_names(organisation_id: int, actors: Iterable[str]) -> frozenset[str]:
    """Every name under which the same people act or have acted, these included.

    Two looks: from accounts to people, and from people to all the accounts they ever had. One who
    shares an account with another is thereby the same as they are, which errs on the safe side.
    """
    names = {one for actor in actors for one in (actor, _find_owner(actor))}
    rows = PersonAccount.of(organisation_id)
    people = {*names, *rows.filter(account__in=names).values_list("user__username", flat=True)}
    accounts = rows.filter(user__username__in=people).values_list("account", flat=True)
    return frozenset({*people, *accounts})


def _find_owner(actor: str) -> str:
    """For whom a program acts; anybody else acts for themselves."""
    return actor.partition("/")[2] or actor if actor.startswith(AGENT) else actor
