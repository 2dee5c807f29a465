"""Which refusals a replay sends again, as it was asked: all of them, or those that were chosen."""

from collections.abc import Callable, Iterator

from ml_connector.ports import Json, LoadStore
from ml_connector.ports.loads import OpenRefusal


def choose(request: Json) -> Callable[[OpenRefusal], bool]:
    """Whether a refusal is one of those that are sent again; all of them where none is named."""
    chosen = request.get("chosen") or {}
    if not chosen:
        return lambda _row: True
    keys = {tuple(key) for key in chosen.get("keys", ())}
    causes = frozenset(chosen.get("causes", ()))
    return lambda row: row.key in keys or row.cause in causes


def walk_chosen(loads: LoadStore, flow: str, request: Json) -> Iterator[OpenRefusal]:
    """Yield the open refusals that are sent again; the database looks at no others."""
    chosen = request.get("chosen") or {}
    keys, causes = [tuple(key) for key in chosen.get("keys", ())], chosen.get("causes", ())
    # Chosen, and none named, is nothing; to the store it would be no choice at all.
    if keys or causes or not chosen:
        yield from loads.walk_refused(flow, causes=causes, keys=keys)
