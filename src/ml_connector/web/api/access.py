"""Who may call: a program by its token, or somebody who has signed in at a page of ours."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from ml_connector.errors import ConnectorError
from ml_connector.ports import Person, Right
from ml_connector.web.api.problems import CallRefusedError, render_problem
from ml_connector.web.api.tries import Tries
from ml_connector.web.api.words import Words, verify_words
from ml_connector.web.desk import find_house
from ml_connector.web.guards import Gate, find_person

BODY_BYTES_MAX = 1_000_000
"""Of one call; rules and reasons are small, and lines are never sent here."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SCHEME = "bearer "


tries = Tries()


class Programs(Gate):
    """Lets in whoever shows a token, or a session and a form token of ours; by method."""

    def __init__(
        self, rights: Mapping[str, Right], words: Mapping[str, Words] | None = None
    ) -> None:
        self.rights = rights
        self._words = words or {}

    def admit(self, request: HttpRequest) -> HttpResponse | None:
        """None: the operation may answer, as this person."""
        try:
            self._admit(request)
        except ConnectorError as error:
            # Also a database that is away: whoever calls is told so as by an operation.
            answer = render_problem(error)
            if answer.status_code == 405:
                answer["Allow"] = ", ".join(self._list_methods())
            return answer
        return None

    def _list_methods(self) -> list[str]:
        return sorted({*self.rights, *(["HEAD"] if "GET" in self.rights else [])})

    def _admit(self, request: HttpRequest) -> None:
        if request.method == "HEAD":
            request.method = "GET"  # The same answer; whoever serves it leaves out what follows.
        right = self.rights.get(request.method or "")
        if right is None:
            raise CallRefusedError(
                f"{request.method} is nothing that {request.path} answers.",
                status=405, next_step=f"Use {', '.join(self._list_methods())}.",
            )  # fmt: skip
        _verify_size(request)
        person, rights = find_caller(request)
        if right not in rights:
            raise CallRefusedError(
                f"This needs the right to {right}, which is not given here.",
                status=403, next_step="Ask an admin, or make a token with this right.",
            )  # fmt: skip
        if words := self._words.get(request.method or ""):
            verify_words(request, words)
        request.person = person  # type: ignore[attr-defined]  # see `Asked`
        request.rights = rights  # type: ignore[attr-defined]  # as above
        request.house = find_house().acting_as(person.name)  # type: ignore[attr-defined]  # as above


def find_caller(request: HttpRequest) -> tuple[Person, frozenset[Right]]:
    """Who calls, and what they may do here.

    Raises:
        CallRefusedError: Nobody known; or a page of another site has made a browser call.
    """
    shown = request.headers.get("Authorization", "")
    if shown:
        return _find_by_token(request, shown)
    person = find_person(request)
    if person is None:
        raise _unknown("Nobody is signed in, and no token was shown.")
    if request.method not in SAFE and _is_forged(request):
        raise CallRefusedError(
            "The call comes with a session and without the form token of our own pages.",
            status=403, next_step="Send the header X-CSRFToken, or use a token of your own.",
        )  # fmt: skip
    return person, person.rights


def _find_by_token(request: HttpRequest, shown: str) -> tuple[Person, frozenset[Right]]:
    place, token = request.META.get("REMOTE_ADDR", ""), shown[len(SCHEME) :].strip()
    if not shown.lower().startswith(SCHEME):
        raise _unknown("Only bearer tokens are understood.")
    if wait_s := tries.find_wait(place, token):
        raise CallRefusedError(
            "Too many wrong tokens were shown from here.",
            status=429, next_step="Wait, and correct the token.", wait_s=wait_s,
        )  # fmt: skip
    holder = find_house().find_holder(token)
    tries.record(place, token, is_right=holder is not None)
    if holder is None:
        raise _unknown("The token opens nothing: it is wrong, expired, revoked or its person out.")
    request.token = holder.token  # type: ignore[attr-defined]  # see `Asked`
    return holder.person, holder.rights


def _unknown(refused: str) -> CallRefusedError:
    return CallRefusedError(
        refused,
        status=401,
        next_step="Make a token on the page Tokens.",
    )


def _verify_size(request: HttpRequest) -> None:
    size = request.META.get("CONTENT_LENGTH") or "0"
    if not size.isdigit() or int(size) > BODY_BYTES_MAX:
        raise CallRefusedError(
            f"The body is {size} bytes; at most {BODY_BYTES_MAX} are taken.",
            status=413, next_step="Send less at a time.",
        )  # fmt: skip
    _ = request.body  # Whatever it is called: read as a form, it could not be read again.


def _is_forged(request: HttpRequest) -> bool:
    """Whether Django's own check objects; views of the API are exempt from it before this."""
    check = CsrfViewMiddleware(lambda _: HttpResponse())
    request.csrf_processing_done = False  # type: ignore[attr-defined]  # the middleware's own mark
    check.process_request(request)
    return check.process_view(request, _no_view, (), {}) is not None


def _no_view(_: HttpRequest) -> HttpResponse:
    return HttpResponse()
