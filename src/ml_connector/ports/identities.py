"""How people are told apart: accounts, identities at providers, second factors."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

AGENT = "agent:"
"""How actors begin that are programs; `agent:NAME/OWNER` acts for the owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a person is at a provider.

    Attributes:
        issuer: The provider's own address.
        subject: What the provider calls the person; never given to another one there.
        bound_at: When the person first signed in so.
    """

    issuer: str
    subject: str
    bound_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a provider says of somebody who has signed in there; verified as said by it.

    Attributes:
        issuer: The provider's own address.
        subject: What it calls the person.
        email: Empty: it does not say.
        is_email_verified: Whether it knows that the address is theirs.
        name: What they are called there for signing in; may be empty.
        display_name: As others read it; may be empty.
        groups: Of the claim that roles come from; None: the claim is not there.
    """

    issuer: str
    subject: str
    email: str = ""
    is_email_verified: bool = False
    name: str = ""
    display_name: str = ""
    groups: tuple[str, ...] | None = None


class IdentityStore(Protocol):
    """Accounts and identities of one organisation's people."""

    def save_account(self, name: str, account: str) -> None:
        """Commands of that account are the person's from now on.

        Raises:
            UsageError: No such person, or the account is somebody's already.
        """

    def end_account(self, account: str) -> str:
        """The account is nobody's any more; returns whose it was, which stays remembered.

        Raises:
            UsageError: The account is nobody's.
        """

    def find_account(self, account: str) -> str | None:
        """Whose account it is."""

    def load_accounts(self, name: str) -> list[str]:
        """The person's accounts."""

    def save_identity(self, name: str, *, issuer: str, subject: str) -> None:
        """The subject is the person from now on.

        Raises:
            UsageError: No such person, the subject is somebody else, or the person is another one
                at the issuer.
        """

    def find_identity(self, *, issuer: str, subject: str) -> str | None:
        """Who the subject is."""

    def load_identities(self, name: str) -> list[Identity]:
        """Who the person is at each provider."""

    def end_identities(self, name: str) -> int:
        """The person is bound to no provider any more; returns to how many they were.

        Raises:
            UsageError: No such person.
        """

    def find_names(self, actors: Iterable[str]) -> frozenset[str]:
        """Every name under which the same people act or have acted, these included.

        A person, their accounts (former ones too) and their programs are one and the same when it
        is asked who made a plan and who may approve it.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """A person's second factor.

    Attributes:
        made_at: When it was made; tells it from one before.
        confirmed_at: Since when it is asked for; None: no code of it was shown yet.
        codes_left: Recovery codes that were not used.
    """

    made_at: datetime
    confirmed_at: datetime | None
    codes_left: int


class FactorStore(Protocol):
    """Second factors of one organisation's people; the secrets themselves are the vault's."""

    def create_factor(self, name: str) -> SecondFactor:
        """The person has a new factor, not confirmed yet; one before is gone.

        Raises:
            UsageError: No such person.
        """

    def confirm_factor(self, name: str, digests: Iterable[str]) -> SecondFactor:
        """The factor is asked for from now on; these stand for its recovery codes.

        Raises:
            UsageError: No such person, or no factor was made.
        """

    def save_digests(self, name: str, digests: Iterable[str]) -> SecondFactor:
        """These stand for the recovery codes, and none before.

        Raises:
            UsageError: No such person, or no factor was made.
        """

    def find_factor(self, name: str) -> SecondFactor | None:
        """The person's factor."""

    def take_step(self, name: str, step: int) -> bool:
        """Whether the code of that step of time was not used yet, nor a later one; it is now."""

    def take_digest(self, name: str, digest: str) -> bool:
        """Whether the recovery code was not used yet; it is now."""

    def delete_factor(self, name: str) -> bool:
        """The person has none any more; whether they had one."""
