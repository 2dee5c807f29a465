"""What is shown when there is nothing to show."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ml_connector.web.unsent import show_stale


def show_missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No such page or thing."""
    text = str(exception) if exception.args and isinstance(exception.args[0], str) else ""
    return render(request, "pages/missing.html", {"text": text}, status=404)


def show_broken(request: HttpRequest) -> HttpResponse:
    """A fault of ours; details are in the log, not on the page."""
    return render(request, "pages/broken.html", status=500)


def show_csrf(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's.
    """The form was too old, or came from elsewhere."""
    return show_stale(request)
