"""What is shown when there is nothing to show."""

import sys

from django.core.exceptions import DisallowedHost
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ml_connector.errors import DatabaseAwayError
from ml_connector.web.api.problems import CallRefusedError, render_problem
from ml_connector.web.unsent import API, show_away, show_full, show_stale

NO_HOST = ("No pages under this name", "They are served under another name than the address has.")
TOO_LARGE = ("More than a page takes", "The request is too large or has too many fields.")


def show_missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No such page or thing."""
    text = str(exception) if exception.args and isinstance(exception.args[0], str) else ""
    return render(request, "pages/missing.html", {"text": text}, status=404)


def show_unfit(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The request is larger than any form of ours, or came to a name that is not ours."""
    is_astray = isinstance(exception, DisallowedHost)
    title, text = NO_HOST if is_astray else TOO_LARGE
    next_step = (
        "Use the address of `pages.url` in ml-connector.yaml, or correct it there."
        if is_astray
        else "Send less at a time; files of rules may be 5 MB."
    )
    if request.path.startswith(API):
        return render_problem(CallRefusedError(text, status=400, next_step=next_step))
    # What the form held is not read again: reading it is what has failed.
    shown = {"title": title, "text": f"{text} Nothing was changed.", "next_step": next_step}
    return render(request, "pages/unsent.html", shown, status=400)


def show_broken(request: HttpRequest) -> HttpResponse:
    """A fault of ours, or of the records; details are in the log, not on the page."""
    error = sys.exc_info()[1]
    if isinstance(error, DatabaseAwayError):
        return show_away(request, error)
    if isinstance(error, OperationalError) and not request.path.startswith(API):
        return show_full(request)
    return render(request, "pages/broken.html", status=500)


def show_csrf(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's.
    """The form was too old, or came from elsewhere; of the API only what shows something asks."""
    if request.path.startswith(API):
        refused = CallRefusedError(
            f"{request.method} is nothing that {request.path} answers.",
            status=405, next_step="Use GET.",
        )  # fmt: skip
        answer = render_problem(refused)
        answer["Allow"] = "GET, HEAD"
        return answer
    return show_stale(request)
