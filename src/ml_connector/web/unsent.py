"""Forms that were sent and not taken: what somebody had written is shown, never lost."""

from collections.abc import Iterable, Iterator
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ml_connector.errors import DatabaseAwayError
from ml_connector.ports import Right
from ml_connector.web.api.problems import render_problem

NOTHING = "\0"
"""The one character that no text has and that PostgreSQL does not keep."""
KEPT = {
    "reason": "Reason", "comment": "Comment", "note": "Note", "remark": "Remark",
    "when": "When", "target": "Member", "display_name": "Known as",
}  # fmt: skip
"""Fields that people write themselves and that hold no secret, with their titles."""
API = "/api/"
AGAIN_S = 30
"""When whoever met an absent database may look again."""


def list_written(request: HttpRequest) -> list[tuple[str, str]]:
    """What the form held of a person's own words, with the fields' titles."""
    if request.method != "POST":
        return []
    found = ((title, request.POST.get(name, "").strip()) for name, title in KEPT.items())
    return [(title, text) for title, text in found if text]


def refuse_unstorable(request: HttpRequest) -> HttpResponse | None:
    """The answer to a form or an address with a character that no text has; None: it has none.

    Programs are told by the API in their own way.
    """
    if request.path.startswith(API) or not any(NOTHING in text for text in _list_sent(request)):
        return None
    title = "What was sent cannot be read"
    text = "It holds the character U+0000, which no text has. Nothing was changed."
    return _show(
        request, title, text, "Type it anew instead of pasting it, and send it again.", 400
    )


def show_ended(request: HttpRequest) -> HttpResponse:
    """The form came after its session had ended."""
    text = "You were signed out before the form was sent. Nothing was changed."
    return _show(
        request, "The session has ended", text, "Sign in, open the page anew, repeat.", 403
    )


def show_stale(request: HttpRequest) -> HttpResponse:
    """The form was opened in an earlier session, or comes from elsewhere."""
    text = "It was opened before you signed in, or in another browser. Nothing was changed."
    next_step = "Go back, load the page again, and repeat."
    return _show(request, "The form is out of date", text, next_step, 403)


def show_not_allowed(request: HttpRequest, right: Right) -> HttpResponse:
    """No role of the person gives the right, or none does any more."""
    shown = {"right": right, "kept": list_written(request)}
    return render(request, "pages/refused.html", shown, status=403)


def show_no_page(request: HttpRequest, refused: HttpResponse) -> HttpResponse:
    """The address takes a form and shows nothing; somebody has opened or reloaded it."""
    is_bare = refused.status_code == HTTPStatus.METHOD_NOT_ALLOWED and not refused.content
    if not is_bare or request.path.startswith(API):
        return refused
    text = "This address takes a form and shows nothing by itself. Nothing was changed."
    shown = _show(request, "There is no such page", text, "Begin at the page of the form.", 405)
    shown["Allow"] = refused["Allow"]
    return shown


def show_away(request: HttpRequest, error: DatabaseAwayError) -> HttpResponse:
    """The database of the records does not answer; where it is, only the log tells."""
    if request.path.startswith(API):
        return render_problem(error)
    text = "The database does not answer: it is restarted, or away. What was stored before stands."
    if request.method == "POST":
        text += " Whether what you have just sent was stored is not known."
    shown = {
        "title": "The records do not answer", "text": text,
        "next_step": "Load the page again in a minute, and look before you send anything twice.",
        "kept": list_written(request), "is_away": True,
    }  # fmt: skip
    answer = render(request, "pages/unsent.html", shown, status=503)
    answer["Retry-After"] = str(AGAIN_S)
    return answer


def show_full(request: HttpRequest) -> HttpResponse:
    """The database takes nothing: it has no room, or another program holds it."""
    text = "The disk is full, or the database is held by another program. What was stored stands."
    next_step = "Look at the disk of the records; then repeat what you did."
    answer = _show(request, "The records cannot be written", text, next_step, 503)
    answer["Retry-After"] = str(AGAIN_S)
    return answer


def _list_sent(request: HttpRequest) -> Iterator[str]:
    yield request.path_info
    yield from _walk(request.GET.lists())
    if request.method == "POST":
        yield from _walk(request.POST.lists())


def _walk(fields: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    for name, values in fields:
        yield name
        yield from values


def _show(request: HttpRequest, title: str, text: str, next_step: str, status: int) -> HttpResponse:
    shown = {"title": title, "text": text, "next_step": next_step, "kept": list_written(request)}
    return render(request, "pages/unsent.html", shown, status=status)
