"""Signing in: people of this organisation only, a second factor where asked for, few tries."""

import time
from dataclasses import dataclass
from typing import Any

from axes.attempts import get_cool_off_threshold  # type: ignore[import-untyped]  # it has no types
from axes.handlers.database import AxesDatabaseHandler  # type: ignore[import-untyped]  # it has no types
from axes.models import AccessAttempt  # type: ignore[import-untyped]  # it has no types
from django.contrib.auth import get_user_model, login
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme

from ml_connector.ports import Person
from ml_connector.web.desk import find_house

BACKEND = "ml_connector.web.signing.OrganisationBackend"
PENDING = "sign-in.pending"
"""In the session: who has shown a password and owes a code."""
PROOF = "sign-in.proof"
"""In the session: which second factor was shown, or that the provider has asked for one."""
AT = "sign-in.at"
"""In the session: when its person signed in."""
BY_PROVIDER = "provider"
PENDING_S = 600
FRESH_S = 15 * 60
"""For so long after signing in one may change how one signs in."""
CODES_WRONG_MAX = 10
"""Wrong codes for one person within a quarter of an hour, from wherever, before they wait."""
ADDRESS_WRONG_MAX = 100
"""Wrong passwords and codes from one address, whatever the names, before the address waits."""
UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104 - stands for no address; nothing listens at it.


class OrganisationBackend(ModelBackend):
    """Names are unique within an organisation; those of others are not looked at."""

    def authenticate(
        self,
        request: HttpRequest | None,  # noqa: ARG002 - Django passes it.
        username: str | None = None,
        password: str | None = None,
        **_: Any,
    ) -> AbstractBaseUser | None:
        """The person whose name and password these are."""
        if username is None or password is None:
            return None
        user = find_user(username)
        if user is None:
            # As long as for somebody there is, so that nobody learns names by the clock.
            get_user_model()().set_password(password)
            return None
        is_right = user.check_password(password) and self.user_can_authenticate(user)
        return user if is_right else None

    def get_user(self, user_id: int) -> AbstractBaseUser | None:
        """The person of the session, while they may sign in."""
        user = _people().filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None


class FactorBackend(OrganisationBackend):
    """The second step: a code of the person's second factor, or a recovery code."""

    def authenticate(  # type: ignore[override]  # a code takes the password's place
        self,
        request: HttpRequest | None,  # noqa: ARG002 - Django passes it.
        username: str,
        code: str,
    ) -> AbstractBaseUser | None:
        """The person whose code it is."""
        user = find_user(username)
        if user is None or not self.user_can_authenticate(user):
            return None
        return user if find_house().take_code(username, code) else None


def find_user(name: str) -> Any:
    """Django's user of a person."""
    return _people().filter(username=name).first()


def _people() -> Any:
    name = find_house().project.settings.organisation
    return get_user_model()._default_manager.filter(organisation__name=name)  # noqa: SLF001 - Django's own word


# --- wrong tries ------------------------------------------------------------------------------


class TriesHandler(AxesDatabaseHandler):  # type: ignore[misc]  # axes has no types
    """Besides one name from one address: one name from anywhere, one address for any name."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        """Whether this try has to wait, be it right or wrong."""
        if _is_walled(request, credentials):
            # What it knows by its own count it marks itself.
            request.axes_locked_out = True  # type: ignore[attr-defined]  # axes' mark
            return True
        return bool(super().is_locked(request, credentials))


def _is_walled(request: HttpRequest, credentials: dict[str, Any] | None) -> bool:
    name = name_tries(request, credentials)
    wrong_max = find_house().project.settings.pages.sign_in.names_wrong_max
    if name and _count(request, username=name) >= (
        CODES_WRONG_MAX if _is_code(request, credentials) else wrong_max
    ):
        return True
    address = find_address(request)
    is_known = address != UNKNOWN_ADDRESS
    return is_known and _count(request, ip_address=address) >= ADDRESS_WRONG_MAX


def _count(request: HttpRequest, **which: str) -> int:
    since = get_cool_off_threshold(request)
    rows = AccessAttempt.objects.filter(attempt_time__gte=since, **which)
    return rows.aggregate(all=Sum("failures_since_start"))["all"] or 0


def name_tries(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str | None:
    """What wrong tries are counted by: the organisation's person, passwords and codes apart."""
    name = (credentials or {}).get("username")
    if not name:
        return None
    what = " code" if _is_code(request, credentials) else ""
    return f"{find_house().project.settings.organisation}/{name}{what}"


def _is_code(_: HttpRequest, credentials: dict[str, Any] | None) -> bool:
    return "code" in (credentials or {})


def find_address(request: HttpRequest) -> str:
    """Where a browser is; behind a proxy that is not trusted nobody knows."""
    pages = find_house().project.settings.pages
    if pages.url and not pages.trusted_proxy:
        return UNKNOWN_ADDRESS
    return request.META.get("REMOTE_ADDR") or UNKNOWN_ADDRESS


def refuse_throttled(request: HttpRequest, *_: object, **__: object) -> HttpResponse:
    """Too many wrong tries: what to do."""
    return render(request, "pages/throttled.html", status=429)


# --- the steps --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Somebody between password and code."""

    name: str
    where: str
    how: str


def proceed(
    request: HttpRequest, person: Person, *, where: str, how: str, is_proved: bool = False
) -> HttpResponse:
    """The person is signed in; or asked for a code first, where they have a second factor."""
    if person.second_factor_at is not None and not is_proved:
        # Another session for it, and nobody in it: until the code nothing is open.
        request.session.cycle_key()
        request.session[PENDING] = {
            "name": person.name, "where": where, "how": how, "at": time.time(),
        }  # fmt: skip
        return redirect("sign-in-second")
    enter(request, person, how=how, proof=BY_PROVIDER if is_proved else "")
    return HttpResponseRedirect(where)


def enter(request: HttpRequest, person: Person, *, how: str, proof: str) -> None:
    """The session is the person's, under a new key."""
    login(request, find_user(person.name), backend=BACKEND)
    request.session[PROOF] = proof
    request.session[AT] = time.time()
    find_house().record_sign_in(person.name, how=how)


def find_pending(request: HttpRequest) -> Pending | None:
    """Who owes a code, if they were asked lately."""
    held = request.session.get(PENDING)
    if not held or time.time() - held["at"] > PENDING_S:
        return None
    return Pending(name=held["name"], where=held["where"], how=held["how"])


def name_proof(person: Person) -> str:
    """What the session remembers of a second factor: this very one."""
    at = person.second_factor_at
    return "" if at is None else at.isoformat()


def is_proved(request: HttpRequest, person: Person) -> bool:
    """Whether the session has shown the second factor that the person has now."""
    return request.session.get(PROOF, "") in (name_proof(person), BY_PROVIDER)


def is_lacking(request: HttpRequest, person: Person) -> bool:
    """Whether a role asks for a second factor and there is none."""
    if person.second_factor_at is not None or request.session.get(PROOF) == BY_PROVIDER:
        return False
    return find_house().needs_factor(person)


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person signed in lately enough to change how they sign in."""
    at: float = request.session.get(AT, 0)
    return time.time() - at < FRESH_S


def find_way(request: HttpRequest) -> str:
    """Where to go on; only to a page of ours."""
    where = request.POST.get("next") or request.GET.get("next") or "/"
    is_ours = url_has_allowed_host_and_scheme(
        where, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return where if is_ours else "/"
