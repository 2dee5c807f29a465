"""Records of sign-offs: who stands for a period, for which proof, and who took it back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from ml_connector.ports.world import Json


class SignedScope(NamedTuple):
    """What is signed: a period of one ledger or company, as one flow brings it to its model."""

    flow: str
    ledger: str
    period: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff:
    """One person's word that a period is reconciled.

    Attributes:
        sign_off_id: Names it for ever; made of its content by the store.
        flow: Of the period.
        ledger: Or company, as the standing names it.
        period: The ledger's own name of it.
        number: The how many-th of its period, from 1 on.
        proof_hash: Of exactly what was signed; other books have another one.
        run_id: The run that proved it.
        signed_by: Who.
        comment: In their own words; never empty.
        stated: The amounts that are named and not in the model, as the books stood.
        signed_at: When.
        withdrawn_by: Who took it back; empty: nobody.
        withdrawn_at: When it was taken back.
        reason: Why it was taken back.
    """

    flow: str
    ledger: str
    period: str
    proof_hash: str
    run_id: str
    signed_by: str
    comment: str
    stated: Json
    sign_off_id: str = ""
    number: int = 0
    signed_at: datetime
    withdrawn_by: str = ""
    withdrawn_at: datetime | None = None
    reason: str = ""

    @property
    def scope(self) -> SignedScope:
        """What it is about."""
        return SignedScope(self.flow, self.ledger, self.period)

    def holds(self, proof_hash: str, *, changed_at: datetime | None) -> bool:
        """Whether it stands: not taken back, and the books have not changed since.

        Books that changed and changed back have been others in between: nobody signed those.

        Args:
            proof_hash: Of the books as they are.
            changed_at: When they came to be so; None: always were.
        """
        is_same = bool(proof_hash) and self.proof_hash == proof_hash
        is_later = changed_at is not None and changed_at > self.signed_at
        return self.withdrawn_at is None and is_same and not is_later


class SignOffStore(Protocol):
    """Sign-offs of one organisation; rows are appended, never changed or removed."""

    def record_sign_off(self, sign_off: SignOff, *, changed_at: datetime | None) -> SignOff:
        """The period is signed; id, number and instant are the store's.

        Of two people who sign at once, one has signed and the other is told so. Nobody signs who
        has started or resumed a run that proved the period, changed how it stands or wrote into it
        since its last signature that was not taken back.

        Args:
            sign_off: What is signed.
            changed_at: Since when the books are so.

        Raises:
            UsageError: Nobody is named, no comment is given, or nothing is proved.
            BlockedError: The person made such a run, or the very same proof is signed already.
        """

    def withdraw_sign_off(self, sign_off_id: str, *, actor: str, reason: str) -> SignOff:
        """The sign-off is taken back; it stays to be seen. Who may do so the caller has asked.

        Raises:
            UsageError: There is no such sign-off, or no reason is given.
            BlockedError: It was taken back before, or the period was signed anew since.
        """

    def list_writers(self, scope: SignedScope) -> set[str]:
        """The runs that ever changed how the period stands, or sent something of it."""

    def find_sign_off(self, sign_off_id: str) -> SignOff | None:
        """The sign-off of this id."""

    def find_newest(self, scopes: Iterable[SignedScope]) -> Mapping[SignedScope, SignOff]:
        """The newest sign-off of each period that ever had one; only it can hold."""

    def load_sign_offs(
        self, *, flow: str = "", ledger: str = "", period: str = "", limit: int = 200,
        before: str = "",
    ) -> list[SignOff]:  # fmt: skip
        """Sign-offs that fit all that is given, newest first; those older than `before`."""
