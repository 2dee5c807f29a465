"""Which refusals a replay sends again, as it was asked: all of them, or those that were chosen."""

from collections.abc import Callable

from ml_connector.ports import Json, RefusedSummary


def choose(request: Json) -> Callable[[RefusedSummary], bool]:
    """Whether a refusal is one of those that are sent again; all of them where none is named."""
    chosen = request.get("chosen") or {}
    if not chosen:
        return lambda _row: True
    keys = {tuple(key) for key in chosen.get("keys", ())}
    causes = frozenset(chosen.get("causes", ()))
    return lambda row: row.key in keys or row.cause in causes
