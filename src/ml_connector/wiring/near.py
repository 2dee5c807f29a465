"""Names that somebody mistyped."""

from collections.abc import Iterable
from difflib import get_close_matches

NAMES_LISTED_MAX = 20


def list_names(given: str, known: Iterable[str]) -> str:
    """What there is instead of `given`, the nearest first; the tail of an error's sentence."""
    names = sorted(known)
    near = get_close_matches(given, names, n=1)
    question = f"; did you mean {near[0]}?" if near else "."
    more = f" and {len(names) - NAMES_LISTED_MAX} more" if len(names) > NAMES_LISTED_MAX else ""
    return f"{', '.join(names[:NAMES_LISTED_MAX]) or 'none'}{more}{question}"
