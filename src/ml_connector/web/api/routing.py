"""Every address of the API, its document, and the one gate in front of each."""

import json
from collections.abc import Iterator
from decimal import Decimal
from inspect import getclosurevars, isfunction
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import URLPattern, path
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.operation import Operation
from ninja.parser import Parser

from ml_connector import __version__
from ml_connector.errors import ConnectorError
from ml_connector.ports import Right
from ml_connector.web.api import (
    alerts,
    audit,
    close,
    connections,
    errors,
    flows,
    limits,
    maintenance,
    mapping,
    mapping_edits,
    people,
    plans,
    postings,
    problems,
    reconciliation,
    reconciliation_details,
    refused,
    run_plans,
    runs,
    schedules,
    secrets,
    tokens,
    trace,
    unmapped,
)
from ml_connector.web.api.access import Programs
from ml_connector.web.api.words import find_words
from ml_connector.web.guards import MARK

ROOT = "api/v1/"
ABOUT = (
    "What the commands and pages of ml-connector do, for programs. Amounts are decimal text with"
    " their currency, instants are UTC. Whatever is refused is told as a problem (RFC 9457): what"
    " was refused, what has been written, what to do next."
)
ROUTERS: tuple[tuple[str, Any], ...] = (
    ("close", close), ("flows", flows), ("runs", runs), ("runs", run_plans), ("plans", plans),
    ("postings", postings), ("refused", refused), ("mapping", mapping), ("mapping", mapping_edits),
    ("unmapped", unmapped), ("reconciliation", reconciliation),
    ("reconciliation", reconciliation_details), ("schedules", schedules),
    ("maintenance", maintenance), ("trace", trace), ("connections", connections),
    ("limits", limits), ("secrets", secrets), ("people", people), ("tokens", tokens),
    ("alerts", alerts), ("audit", audit), ("errors", errors),
)  # fmt: skip


HANDLERS: dict[type[Exception], Any] = {
    Exception: problems.answer_broken,
    ConnectorError: problems.answer_error,
    Http404: problems.answer_missing,
    ValidationError: problems.answer_unfit,
    HttpError: problems.answer_unreadable,
}


class ExactParser(Parser):
    """Reads numbers exactly, and objects only."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """What was sent."""
        try:
            found = json.loads(
                request.body, parse_float=Decimal, parse_constant=_refuse,
                object_pairs_hook=_keep_once,
            )  # fmt: skip
        except (ValueError, RecursionError) as error:
            raise HttpError(400, f"it is no JSON: {error}") from error
        if not isinstance(found, dict):
            raise HttpError(400, "it is no JSON object")
        return found


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _keep_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object; of two values under one name nobody could tell which is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} is there twice")
    return found


def _make_api() -> NinjaAPI:
    made = NinjaAPI(
        title="ml-connector", version=__version__, description=ABOUT, openapi_url=None,
        docs_url=None, parser=ExactParser(), urls_namespace="api",
    )  # fmt: skip
    for name, module in ROUTERS:
        made.add_router(f"/{name}", module.router, tags=[name])
    for kind, answer in HANDLERS.items():
        made.add_exception_handler(kind, answer)
    return made


api = _make_api()


def list_routes() -> Iterator[URLPattern]:
    """Yield every address of the API, each with the rights its methods ask for."""
    seen = set()
    for route in api.urls[0]:
        assert isinstance(route, URLPattern), "routers are flat"
        address = f"{ROOT}{route.pattern}"
        if not isfunction(route.callback) or address in seen:
            continue  # The library's own welcome, or a second method of the same address.
        seen.add(address)
        view = getclosurevars(route.callback).nonlocals["self"]
        words = {method: find_words(one) for one in view.operations for method in one.methods}
        setattr(route.callback, MARK, Programs(_find_rights(view.operations), words))
        name = "api-error" if address.startswith(f"{ROOT}errors/") else f"api-{route.name}"
        yield path(address, route.callback, name=name)


def list_operations() -> Iterator[tuple[str, str, Right]]:
    """Yield address as the document writes it, method and right of every operation."""
    for prefix, router in api._routers:  # noqa: SLF001 - the library has no public way to them.
        for address, view in router.path_operations.items():
            for method, right in _find_rights(view.operations).items():
                yield f"{ROOT}{prefix.strip('/')}{address}", method, right


def _find_rights(operations: list[Operation]) -> dict[str, Right]:
    """The right of each method; an operation that says none breaks the start."""
    return {
        method: getattr(operation.view_func, MARK)
        for operation in operations
        for method in operation.methods
    }
