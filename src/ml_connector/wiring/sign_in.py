"""Who is who: accounts of people, second factors, and people whom a provider vouches for."""

import re
import secrets
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

from ml_connector.errors import CredentialsError, UsageError
from ml_connector.ports import Claims, Person, Role
from ml_connector.wiring.once import once
from ml_connector.wiring.parts import Part

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.twofactor.totp import TOTP

    from ml_connector.systems.providers import Provider

FACTORS = "factor/"
"""Where the names of such secrets begin; they are no credentials of the project's."""
SECRET_BYTES = 20
DIGITS, STEP_S = 6, 30
STEPS_ASIDE = 1
"""Codes before and after the present one that are taken: clocks differ, and people type."""
CODES = 10
CODE_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Nothing that is read as another letter."""
CODE_PARTS, PART_LETTERS = 3, 4
ACCOUNT = re.compile(r"[^\s@:/]+@[^\s@:/]+")
NAME_MAX = 60
NAMES_TRIED_MAX = 20


class UnfitAccountError(UsageError):
    """An account is not written as USER@HOST."""

    code = "people.unfit-account"


class FactorNeededError(UsageError):
    """A role asks for a second factor."""

    code = "people.factor-needed"


class ProviderUnknownError(UsageError):
    """No provider of that name is configured."""

    code = "sign-in.provider-unknown"


class SignInRefusedError(CredentialsError):
    """A provider knows somebody who may not sign in here."""

    code = "sign-in.refused"


class SignIn(Part):
    """The house's door; the house itself supplies records, vault and clock."""

    if TYPE_CHECKING:

        def add_person(
            self, name: str, *, password: str | None, roles: Iterable[Role],
            display_name: str = "", email: str = "",
        ) -> Person:  # fmt: skip
            """The person exists and may sign in."""

        def acting_as(self, person: str) -> "SignIn":
            """The same house, in which that person acts."""

    # --- accounts -----------------------------------------------------------------------------

    def bind_account(self, name: str, account: str) -> None:
        """Commands of that account are the person's from now on.

        Raises:
            UsageError: No such person, no account, or one that is somebody's.
        """
        if not ACCOUNT.fullmatch(account):
            raise UnfitAccountError(
                f"{account!r} is no account of an operating system.",
                written="Nothing was changed.",
                next_step="Write it as USER@HOST, as `ml-connector runs list` shows who ran.",
                account=account,
            )
        with self.records.transactions.begin(f"the account {account}"):
            self.records.identities.save_account(name, account)
            self._tell("person.bound", name, account=account)

    def free_account(self, account: str) -> str:
        """The account is nobody's any more; returns whose it was.

        Raises:
            UsageError: It is nobody's.
        """
        with self.records.transactions.begin(f"the account {account}"):
            name = self.records.identities.end_account(account)
            self._tell("person.freed", name, account=account)
        return name

    def free_identities(self, name: str) -> int:
        """The person is bound to no provider any more, and may bind anew by signing in.

        Raises:
            UsageError: No such person.
        """
        with self.records.transactions.begin(f"who {name} is at providers"):
            count = self.records.identities.end_identities(name)
            self._tell("person.unbound", name, providers=str(count))
        return count

    # --- second factors -----------------------------------------------------------------------

    def needs_factor(self, person: Person) -> bool:
        """Whether a role of the person asks for a second factor."""
        return bool(person.roles & set(self.project.settings.pages.sign_in.mfa_required_for))

    def begin_factor(self, name: str) -> str:
        """A new factor that nothing asks for yet; returns what an authenticator app reads.

        One the person has is asked for until the new one is confirmed.
        """
        if self.records.factors.find_factor(name) is None:
            self.records.factors.create_factor(name)
        self.vault.save_secret(_name_begun(name), secrets.token_hex(SECRET_BYTES))
        return self.render_begun_factor(name)

    def render_begun_factor(self, name: str) -> str:
        """What an authenticator app reads of the factor that was begun.

        Raises:
            CredentialsError: None was.
        """
        issuer = f"ml-connector {self.project.settings.organisation}"
        return self._read_totp(_name_begun(name)).get_provisioning_uri(name, issuer)

    def confirm_factor(self, name: str, code: str) -> list[str] | None:
        """The recovery codes of the factor that is asked for from now on; None: a wrong code.

        Raises:
            CredentialsError: No factor was begun.
        """
        if not self._take_code(name, code, _name_begun(name)):
            return None
        codes = _make_codes()
        plain = self.vault.read_secret(f"secret:{_name_begun(name)}")
        with self.records.transactions.begin(f"the second factor of {name}"):
            self.vault.save_secret(f"{FACTORS}{name}", plain)
            self.vault.delete_secret(_name_begun(name))
            self.records.factors.confirm_factor(name, _digest(name, codes))
            self._tell("person.factor-added", name)
        return codes

    def renew_codes(self, name: str) -> list[str]:
        """New recovery codes; none before is good any more.

        Raises:
            UsageError: The person has no factor.
        """
        codes = _make_codes()
        with self.records.transactions.begin(f"the recovery codes of {name}"):
            self.records.factors.save_digests(name, _digest(name, codes))
            self._tell("person.codes-made", name)
        return codes

    def take_code(self, name: str, code: str) -> bool:
        """Whether it is a code of the person's second factor, or a recovery code; then it is used.

        Nothing is true of a factor that was not confirmed.
        """
        factor = self.records.factors.find_factor(name)
        if factor is None or factor.confirmed_at is None:
            return False
        if self._take_code(name, code, f"{FACTORS}{name}"):
            return True
        with self.records.transactions.begin(f"the recovery code of {name}"):
            is_taken = self.records.factors.take_digest(name, *_digest(name, [code]))
            if is_taken:
                left = str(factor.codes_left - 1)
                self.records.audit.record("person.code-used", subject=name, actor=name, left=left)
        return is_taken

    def remove_factor(self, name: str) -> None:
        """The person needs no second factor any more.

        Raises:
            FactorNeededError: A role asks for one.
        """
        person = self.records.people.find_person(name)
        if person is not None and self.needs_factor(person):
            raise FactorNeededError(
                f"A role of {name} asks for a second factor.",
                written="Nothing was changed.",
                next_step="Set up another one instead, or ask an admin for other roles.",
                person=name,
            )
        self.reset_factor(name)

    def reset_factor(self, name: str) -> bool:
        """The person has no second factor, and sets up another where a role asks for one."""
        with self.records.transactions.begin(f"the second factor of {name}"):
            had_one = self.records.factors.delete_factor(name)
            kept = {row.name for row in self.vault.list_secrets()}
            for one in kept & {f"{FACTORS}{name}", _name_begun(name)}:
                self.vault.delete_secret(one)
            if had_one:
                self._tell("person.factor-removed", name)
        return had_one

    def _read_totp(self, kept: str) -> "TOTP":
        from cryptography.hazmat.primitives.hashes import SHA1  # noqa: PLC0415 - start-up time.
        from cryptography.hazmat.primitives.twofactor.totp import TOTP  # noqa: PLC0415 - as above.

        key = bytes.fromhex(self.vault.read_secret(f"secret:{kept}"))
        # SHA-1 is what authenticator apps know; as a keyed hash of a counter it is sound.
        return TOTP(key, DIGITS, SHA1(), STEP_S)  # noqa: S303 - see above.

    def _take_code(self, name: str, code: str, kept: str) -> bool:
        given = re.sub(r"[\s-]", "", code)
        if not re.fullmatch(rf"[0-9]{{{DIGITS}}}", given):
            return False
        totp, now = self._read_totp(kept), int(self.clock.now().timestamp()) // STEP_S
        for step in range(now - STEPS_ASIDE, now + STEPS_ASIDE + 1):
            if secrets.compare_digest(totp.generate(step * STEP_S), given.encode()):
                return self.records.factors.take_step(name, step)
        return False

    # --- providers ----------------------------------------------------------------------------

    @once
    def _providers(self) -> "dict[str, Provider]":
        from ml_connector.systems.providers import Provider  # noqa: PLC0415 - start-up time.

        made = {}
        for one in self.project.settings.pages.sign_in.oidc:
            settings = one
            if one.ca_bundle is not None:
                settings = one.model_copy(update={"ca_bundle": self.project.resolve(one.ca_bundle)})
            made[one.name] = Provider(settings, secrets=self.vault, clock=self.clock)
            self._closers.callback(made[one.name].close)
        return made

    def find_provider(self, name: str) -> "Provider":
        """The provider of that name.

        Raises:
            ProviderUnknownError: There is none.
        """
        found = self._providers.get(name)
        if found is None:
            raise ProviderUnknownError(
                f"There is no provider {name!r} to sign in with.",
                written="Nobody was signed in.",
                next_step="Name it in `pages.sign_in.oidc` of ml-connector.yaml.",
                provider=name,
            )
        return found

    def admit(self, provider: "Provider", claims: Claims) -> Person:
        """The person whom the provider vouches for, with the roles it says.

        At first somebody is known by an e-mail address the provider has verified, and bound to
        what it calls them; from then on by that alone, whatever address they have.

        Raises:
            SignInRefusedError: Nobody here is this person, or they may not sign in.
        """
        name = self.records.identities.find_identity(issuer=claims.issuer, subject=claims.subject)
        if name is None:
            name = self._bind(provider, claims)
        person = self.records.people.find_person(name)
        if person is None or not person.is_active:
            raise _refuse(provider, f"{name} may not sign in any more")
        return self._follow_claims(provider, claims, person)

    def _bind(self, provider: "Provider", claims: Claims) -> str:
        """The person that the provider's subject is from now on."""
        if not claims.email:
            raise _refuse(provider, "it does not say your e-mail address")
        if not claims.is_email_verified:
            raise _refuse(provider, f"it has not verified the address {claims.email}")
        found = self.records.people.find_by_email(claims.email)
        if len(found) > 1:
            raise _refuse(provider, f"several people here have the address {claims.email}")
        with self.records.transactions.begin(f"who signs in as {claims.email}"):
            name = found[0].name if found else self._add(provider, claims)
            self.records.identities.save_identity(
                name, issuer=claims.issuer, subject=claims.subject
            )
            self._tell_of(provider, "person.identity-bound", name, subject_there=claims.subject)
        return name

    def _add(self, provider: "Provider", claims: Claims) -> str:
        roles = _map_roles(provider, claims)
        if not provider.settings.adds_people or not roles:
            raise _refuse(provider, f"nobody here has the address {claims.email}")
        name = self._find_free_name(claims.name.partition("@")[0] or claims.email.partition("@")[0])
        self.acting_as(_name_actor(provider)).add_person(
            name, password=None, roles=roles, display_name=claims.display_name, email=claims.email
        )
        return name

    def _find_free_name(self, wanted: str) -> str:
        fit = re.sub(r"[^a-z0-9._-]+", "-", wanted.lower()).strip("._-")[:NAME_MAX].rstrip("._-")
        fit = fit if len(fit) > 1 else f"person{fit}"
        tried = (fit if not number else f"{fit}-{number + 1}" for number in range(NAMES_TRIED_MAX))
        free = (name for name in tried if self.records.people.find_person(name) is None)
        return next(free, f"{fit[:40]}-{secrets.token_hex(4)}")

    def _follow_claims(self, provider: "Provider", claims: Claims, person: Person) -> Person:
        """The roles are what the provider says now, where it is asked for them."""
        if (
            not provider.settings.roles_claim
            or (roles := _map_roles(provider, claims)) == person.roles
        ):
            return person
        with self.records.transactions.begin(f"the roles of {person.name}"):
            try:
                changed = self.records.people.save_roles(person.name, roles)
            except UsageError as error:
                # Nobody may take the last admin away, a provider neither; the chain says so.
                self._tell_of(provider, "person.roles-kept", person.name, reason=error.refused)
                return person
            self._tell_of(
                provider, "person.roles", person.name,
                before=", ".join(sorted(person.roles)), roles=", ".join(sorted(roles)),
            )  # fmt: skip
        return changed

    def record_sign_in(self, name: str, **how: str) -> None:
        """The audit chain says that the person has signed in, and how."""
        self.records.audit.record("person.signed-in", subject=name, actor=name, **how)

    def _tell_of(self, provider: "Provider", event: str, name: str, **details: str) -> None:
        self.records.audit.record(event, subject=name, actor=_name_actor(provider), **details)

    def _tell(self, event: str, name: str, **details: str) -> None:
        self.records.audit.record(event, subject=name, actor=self.actor, **details)


def _name_actor(provider: "Provider") -> str:
    """Who acts when a provider says something; a blank, so that it is no person and no account."""
    return f"provider {provider.settings.name}"


def _map_roles(provider: "Provider", claims: Claims) -> frozenset[Role]:
    given = provider.settings.roles
    return frozenset(Role(given[group]) for group in claims.groups or () if group in given)


def _refuse(provider: "Provider", why: str) -> SignInRefusedError:
    title = provider.settings.title or provider.settings.name
    return SignInRefusedError(
        f"{title} knows you, but {why}.",
        written="Nobody was signed in.",
        next_step="Ask an admin to add you, or to look at your address on the page People.",
        provider=provider.settings.name,
    )


def _name_begun(name: str) -> str:
    """Where the secret of a factor is kept until a code of it was shown."""
    return f"{FACTORS}{name}/begun"


def _make_codes() -> list[str]:
    return [
        "-".join(
            "".join(secrets.choice(CODE_LETTERS) for _ in range(PART_LETTERS))
            for _ in range(CODE_PARTS)
        )
        for _ in range(CODES)
    ]


def _digest(name: str, codes: Iterable[str]) -> list[str]:
    """Of long random codes a plain hash tells nothing; the name keeps two people's apart."""
    plain = (re.sub(r"[\s-]", "", code).lower() for code in codes)
    return [sha256(f"{name} {code}".encode()).hexdigest() for code in plain]
