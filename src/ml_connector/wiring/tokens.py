"""Tokens of programs: made by a person for themselves, never worth more than that person is."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from ml_connector.errors import BlockedError, UsageError
from ml_connector.ports import ApiToken, Person, Right
from ml_connector.wiring.parts import Part

MARK = "mlc"
"""How every token begins, so that scanners for lost credentials can tell one."""
ID_BYTES = 6
SECRET_BYTES = 32
"""So many that nobody guesses; hence a plain digest is enough at rest."""
TOKEN = re.compile(rf"{MARK}_([0-9a-f]{{{2 * ID_BYTES}}})_[A-Za-z0-9_-]{{43}}")
NAME_CHARACTERS_MAX = 80
DAYS_DEFAULT = 90
DAYS_MAX = 366
LIVE_MAX = 50
"""Tokens of one person that open something at a time."""
LISTED_MAX = 1_000
USED_EVERY = timedelta(minutes=1)
"""How exactly the last use is known; a program that asks often does not write each time."""


class UnfitTokenError(UsageError):
    """A token cannot be made so."""

    code = "tokens.unfit"


class UnknownTokenError(UsageError):
    """There is no such token."""

    code = "tokens.unknown"


class ForeignTokenError(BlockedError):
    """A person makes and takes back tokens of their own; an admin takes back anybody's."""

    code = "tokens.foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenHolder:
    """Who shows a token, and what it lets them do at this moment."""

    token: ApiToken
    person: Person

    @property
    def rights(self) -> frozenset[Right]:
        """What the token was made for, of what its person may do now."""
        return self.token.rights & self.person.rights


class Tokens(Part):
    """The house's tokens; the house itself supplies records and clock."""

    def make_token(
        self, name: str, *, rights: Iterable[Right], days: int = DAYS_DEFAULT, person: str = ""
    ) -> tuple[ApiToken, str]:
        """The token, and what has to be shown for it; the latter is told this once.

        Args:
            name: What it is for.
            rights: What it may do; of these, only what its person may at the time.
            days: How long.
            person: Whose; the actor's own, unless somebody at the command line says whose.

        Raises:
            UsageError: It cannot be made so; all faults at once.
            ForeignTokenError: It would be another person's.
        """
        owner = self._find_owner(person)
        name, wanted = name.strip(), frozenset(rights)
        faults = [*_find_faults(name, days), *self._find_excess(owner, wanted)]
        if faults:
            raise UnfitTokenError(
                f"A token {name!r} of {owner.name} cannot be made so: {'; '.join(faults)}.",
                written="Nothing was stored.",
                next_step="Correct it and try again.",
                person=owner.name,
            )
        now, token_id = self.clock.now(), secrets.token_hex(ID_BYTES)
        token = ApiToken(
            token_id=token_id, person=owner.name, name=name, rights=wanted, created_at=now,
            created_by=self.actor, expires_at=now + timedelta(days=days),
        )  # fmt: skip
        plain = f"{MARK}_{token_id}_{secrets.token_urlsafe(SECRET_BYTES)}"
        with self.records.transactions.begin(f"the token {token_id}"):
            self.records.tokens.create_token(token, digest=_digest(plain))
            self.records.audit.record(
                "token.made", subject=token_id, actor=self.actor, person=owner.name, name=name,
                rights=_render(wanted), expires_at=token.expires_at.isoformat(timespec="seconds"),
            )  # fmt: skip
        return token, plain

    def revoke_token(self, token_id: str) -> ApiToken:
        """The token opens nothing any more; one that was taken back before stays as it was.

        Raises:
            UnknownTokenError: There is none, or none of the actor's own.
        """
        token = self.records.tokens.find_token(token_id.removeprefix(f"{MARK}_"))
        if token is None or not self._may_revoke(token):
            raise UnknownTokenError(
                f"There is no token {token_id!r}.",
                written="Nothing was changed.",
                next_step="List them: `ml-connector tokens list`.",
                token=token_id,
            )
        with self.records.transactions.begin(f"the end of token {token.token_id}"):
            revoked = self.records.tokens.save_revoked(token.token_id, actor=self.actor)
            if revoked is not None:
                self.records.audit.record(
                    "token.revoked", subject=token.token_id, actor=self.actor, person=token.person
                )
        return revoked or token

    def list_tokens(
        self, person: str = "", *, before: str = "", limit: int = LISTED_MAX
    ) -> list[ApiToken]:
        """The newest first: of one person, else of all whom the actor may see.

        Those older than one token, where it is named.
        """
        actor = self.records.people.find_person(self.actor)
        if actor is not None and Right.ADMINISTER not in actor.rights:
            person = actor.name
        return self.records.tokens.load_tokens(person=person or None, limit=limit, before=before)

    def find_holder(self, plain: str) -> TokenHolder | None:
        """Who shows this token, if it still opens anything; its use is noted to the minute."""
        fits = TOKEN.fullmatch(plain)
        digest = self.records.tokens.find_digest(fits[1]) if fits else None
        if fits is None or digest is None or not hmac.compare_digest(digest, _digest(plain)):
            return None
        token, now = self.records.tokens.find_token(fits[1]), self.clock.now()
        person = self.records.people.find_person(token.person) if token else None
        if token is None or person is None or not person.is_active or not token.is_live(now):
            return None
        if token.used_at is None or now - token.used_at >= USED_EVERY:
            self.records.tokens.save_used(token.token_id)
        return TokenHolder(token=token, person=person)

    def _find_owner(self, person: str) -> Person:
        actor = self.records.people.find_person(self.actor)
        if actor is not None and person not in ("", actor.name):
            raise ForeignTokenError(
                f"{actor.name} cannot make a token of {person}.",
                written="Nothing was stored.",
                next_step=f"Let {person} make it: whoever holds a token acts as its person.",
                person=person,
            )
        owner = actor or self.records.people.find_person(person)
        if owner is None or not owner.is_active:
            raise UnfitTokenError(
                f"There is nobody named {person or self.actor!r} who may sign in.",
                written="Nothing was stored.",
                next_step="List people: `ml-connector users list`.",
                person=person,
            )
        return owner

    def _find_excess(self, owner: Person, wanted: frozenset[Right]) -> list[str]:
        faults = [] if wanted else ["it has no right"]
        if more := wanted - owner.rights:
            faults.append(f"{owner.name} has no right to {_render(more)}")
        now = self.clock.now()
        held = self.records.tokens.load_tokens(person=owner.name, limit=LISTED_MAX)
        if sum(token.is_live(now) for token in held) >= LIVE_MAX:
            faults.append(f"{owner.name} has {LIVE_MAX} tokens already; revoke one")
        return faults

    def _may_revoke(self, token: ApiToken) -> bool:
        actor = self.records.people.find_person(self.actor)
        return actor is None or actor.name == token.person or Right.ADMINISTER in actor.rights


def _find_faults(name: str, days: int) -> list[str]:
    faults = []
    if not name or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        faults.append(f"a name has 1 to {NAME_CHARACTERS_MAX} printable characters")
    if not 1 <= days <= DAYS_MAX:
        faults.append(f"it lasts 1 to {DAYS_MAX} days, not {days}")
    return faults


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


def _render(rights: Iterable[Right]) -> str:
    return ", ".join(sorted(rights))
