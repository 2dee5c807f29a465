"""What a call may say at all: words of its query by name, a body where one is read."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from ninja.operation import Operation

from ml_connector.web.api.problems import UnfitCallError

NOTHING = frozenset({b"", b"{}"})
"""Bodies that say nothing; many clients cannot send none."""
READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What one operation reads of a call, beyond its address and headers."""

    query: frozenset[str]
    repeated: frozenset[str]
    """Of these, any number may be given."""
    has_body: bool


def find_words(operation: Operation) -> Words:
    """What the operation reads."""
    models = {model.__ninja_param_source__: model for model in operation.models}
    query = models.get("query")
    return Words(
        query=frozenset(query.__ninja_flatten_map__ if query else ()),
        repeated=frozenset(query.__ninja_collection_fields__ if query else ()),
        has_body="body" in models,
    )


def verify_words(request: HttpRequest, words: Words) -> None:
    """Whatever the call says is read; a word in vain might have been meant to change what is done.

    Raises:
        UnfitCallError: A word of the query is unknown or there twice, or a body is not read here.
    """
    faults = [*_list_faults(request, words)]
    is_silent = words.has_body or request.method in READING
    if not is_silent and request.body.strip() not in NOTHING:
        faults.append(("body", "Nothing is read of it here: send none, or {}"))
    if faults:
        raise UnfitCallError(faults)


def _list_faults(request: HttpRequest, words: Words) -> Iterator[tuple[str, str]]:
    for name, values in request.GET.lists():
        if name not in words.query:
            known = ", ".join(sorted(words.query)) or "none"
            yield f"query.{name}", f"No such parameter; there are: {known}"
        elif len(values) > 1 and name not in words.repeated:
            yield f"query.{name}", f"Given {len(values)} times; once is meant"
