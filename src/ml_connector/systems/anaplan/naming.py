"""Objects found by the name the settings give them."""

import difflib
from collections.abc import Sequence
from typing import Final

from ml_connector.errors import RefusedError
from ml_connector.systems.anaplan.wire import Named

CANDIDATES_MAX: Final = 10


def find_named(rows: Sequence[Named], name: str, *, kind: str) -> Named:
    """The one object of that name; upper and lower case count.

    Raises:
        RefusedError: None or several carry it; names the candidates.
    """
    found = [row for row in rows if row.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(row.id for row in found)
        refused = f"The model has {len(found)} objects of kind {kind} named {name!r}: {ids}."
    else:
        refused = f"The model has no {kind} named {name!r}{_render_near(rows, name)}."
    raise RefusedError(
        refused,
        written="Nothing was written.",
        next_step=f"Correct the {kind}'s name in the flow; `ml-connector discover CONNECTION` "
        "lists all names.",
        kind=kind,
        name=name,
    )


def _render_near(rows: Sequence[Named], name: str) -> str:
    names = [row.name for row in rows]
    near = difflib.get_close_matches(name, names, n=CANDIDATES_MAX, cutoff=0.5) or names
    return f"; there is {', '.join(map(repr, near[:CANDIDATES_MAX]))}" if near else ""
