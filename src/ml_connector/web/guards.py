"""Who may see which page: every view says it, and one that does not is never shown."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect

from ml_connector.errors import DatabaseAwayError
from ml_connector.ports import Person, Right
from ml_connector.web.desk import find_house
from ml_connector.web.signing import is_lacking, is_proved
from ml_connector.web.unsent import (
    refuse_unstorable,
    show_away,
    show_ended,
    show_no_page,
    show_not_allowed,
)
from ml_connector.wiring import House
from ml_connector.wiring.callers import answering_person

View = TypeVar("View", bound=Callable[..., Any])
MARK = "ml_connector_right"
FACTOR_MARK = "ml_connector_factor"


class Open:
    """Marks a page for anybody, signed in or not."""


class Asked(HttpRequest):
    """A request of a person, with the house that acts for them."""

    person: Person
    house: House
    rights: frozenset[Right]
    """What may be done by this request: the person's rights, or what of them a token has."""


class Gate(ABC):
    """Marks what lets in others than people at a page, such as programs, by its own rules."""

    @abstractmethod
    def admit(self, request: HttpRequest) -> HttpResponse | None:
        """None: the view may answer, and `request` is an `Asked`; else what is answered."""


def needs(right: Right | type[Open] | Gate) -> Callable[[View], View]:
    """Only who has the right gets an answer of the view."""

    def mark(view: View) -> View:
        setattr(view, MARK, right)
        return view

    return mark


class RightsMiddleware:
    """Asks before each view; a view that says nothing is a fault of ours."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer; nothing signed in for is kept by a cache."""
        with answering_person():
            refused = refuse_unstorable(request)
            response = refused or show_no_page(request, self._get_response(request))
        if not request.path.startswith(settings.STATIC_URL):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], *_: object
    ) -> HttpResponse | None:
        """None: the view may answer."""
        try:
            return self._admit(request, view)
        except DatabaseAwayError as error:
            return show_away(request, error)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """That the records are away is told as that; it is no fault of a view."""
        return show_away(request, error) if isinstance(error, DatabaseAwayError) else None

    def _admit(self, request: HttpRequest, view: Callable[..., Any]) -> HttpResponse | None:
        right = getattr(view, MARK)
        if right is Open:
            return None
        if isinstance(right, Gate):
            return right.admit(request)
        return admit_person(request, right, may_lack_factor=hasattr(view, FACTOR_MARK))


def admit_person(
    request: HttpRequest, right: Right, *, may_lack_factor: bool = False
) -> HttpResponse | None:
    """None: who is signed in has the right, and `request` is an `Asked`; else what is answered."""
    person = _find_signed_in(request)
    if person is None:
        return ask_to_sign_in(request)
    if is_lacking(request, person) and not may_lack_factor:
        return redirect("account-factor")
    request.person = person  # type: ignore[attr-defined]  # see `Asked`
    request.rights = person.rights  # type: ignore[attr-defined]  # as above
    if right not in person.rights:
        return show_not_allowed(request, right)
    request.house = find_house().acting_as(person.name)  # type: ignore[attr-defined]  # as above
    return None


def leads_to_factor(view: View) -> View:
    """Also for who has yet to set up the second factor that a role of theirs asks for."""
    setattr(view, FACTOR_MARK, True)
    return view


def find_person(request: HttpRequest) -> Person | None:
    """Who is signed in and still active, with a second factor where one is asked for."""
    person = _find_signed_in(request)
    return None if person is None or is_lacking(request, person) else person


def _find_signed_in(request: HttpRequest) -> Person | None:
    if not request.user.is_authenticated:
        return None
    person = find_house().records.people.find_person(request.user.get_username())
    return person if person is not None and is_proved(request, person) else None


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """The way to the sign-in page and back; a part of a page is told to go there as a whole.

    No way leads back to a form that was sent: its page shows what was written in it instead.
    """
    back = getattr(request, "htmx", None) and request.htmx.current_url_abs_path  # type: ignore[attr-defined]  # the middleware's
    if request.method == "POST" and not back:
        return show_ended(request)
    where = f"{settings.LOGIN_URL}?{urlencode({'next': back or request.get_full_path()})}"
    if getattr(request, "htmx", False):
        return HttpResponse(status=204, headers={"HX-Redirect": where})
    return HttpResponseRedirect(where)
