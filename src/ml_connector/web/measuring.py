"""How long answers take, by page and outcome; each process tells its own."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Histogram, generate_latest

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30)
"""Seconds; a page is to take less than the fifth."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
OTHER = "other"

_registry = CollectorRegistry()
_seconds = Histogram(
    "ml_connector_http_request_seconds", "How long answers took.",
    ("route", "method", "status"), buckets=BUCKETS, registry=_registry,
)  # fmt: skip


class MeasuringMiddleware:
    """Counts every answer under its route, of which there are as many as the router has."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer, as it is."""
        begun = time.perf_counter()
        response = self._get_response(request)
        match = request.resolver_match
        method = request.method if request.method in METHODS else OTHER
        labels = (match.route if match else OTHER, method, f"{response.status_code // 100}xx")
        _seconds.labels(*labels).observe(time.perf_counter() - begun)
        return response


def render_latencies() -> bytes:
    """What this process has measured, in Prometheus' text format."""
    return generate_latest(_registry)
