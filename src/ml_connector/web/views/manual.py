"""The API's manual, drawn from its own description: nothing of it comes from elsewhere."""

from itertools import groupby
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from ml_connector.ports import Right
from ml_connector.web.api.access import Programs
from ml_connector.web.api.document import render_document, show_document
from ml_connector.web.api.problems import answer_missing
from ml_connector.web.guards import Asked, Gate, admit_person, needs

METHODS = ("get", "post", "put", "delete")


class Readers(Gate):
    """Lets in people as a page does, and programs by the token they show."""

    page = Right.SEE

    def __init__(self) -> None:
        self._programs = Programs({"GET": self.page})

    def admit(self, request: HttpRequest) -> HttpResponse | None:
        """None: the manual may be read."""
        if "Authorization" in request.headers:
            return self._programs.admit(request)
        return admit_person(request, self.page)


@needs(Readers())
def show_manual(request: Asked) -> HttpResponse:
    """Every operation by its area: what it asks for, what it answers; a program gets the document.

    A program looks here first, and a page to sign in at would tell it nothing.
    """
    if "Authorization" in request.headers:
        return show_document(request)
    document = render_document()
    rows = [
        _describe(document, address, method, operation)
        for address, its in document["paths"].items()
        for method, operation in its.items()
    ]
    areas = [(name, list(its)) for name, its in groupby(rows, key=lambda row: row["area"])]
    shown = {"document": document["info"], "areas": areas}
    return render(request, "pages/api_manual.html", shown)


show_openapi = csrf_exempt(needs(Programs({"GET": Right.SEE}))(show_document))


@needs(Programs(dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), Right.SEE)))
@csrf_exempt  # The gate asks for the form's token itself, and answers as a program reads it.
def show_nothing(request: Asked, rest: str = "") -> HttpResponse:  # noqa: ARG001 - the router passes it.
    """A program is told as one that there is nothing here."""
    return answer_missing(request, Http404(f"There is nothing at {request.path}."))


def _describe(
    document: dict[str, Any], address: str, method: str, operation: dict[str, Any]
) -> dict[str, Any]:
    done = {code: its for code, its in operation["responses"].items() if code < "300"}
    return {
        "area": operation["tags"][0], "method": method.upper(), "address": address,
        "summary": operation["summary"], "about": operation.get("description", ""),
        "right": operation["x-right"], "id": operation["operationId"],
        "parameters": [
            (one["name"], one["in"], _name_type(one["schema"]), one.get("description", ""))
            for one in operation["parameters"]
        ],
        "body": _list_fields(document, operation.get("requestBody", {})),
        "answers": [(code, _list_fields(document, its)) for code, its in done.items()],
    }  # fmt: skip


def _list_fields(document: dict[str, Any], holder: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Name, type and meaning of each field of a body."""
    schema: dict[str, Any] = next((its["schema"] for its in holder.get("content", {}).values()), {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return [
        (name, _name_type(its), its.get("description", ""))
        for name, its in schema.get("properties", {}).items()
    ]


def _name_type(schema: dict[str, Any]) -> str:
    """The type in a word or two."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1].removesuffix("Out")
    if "anyOf" in schema:
        return " or ".join(_name_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_name_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any")
