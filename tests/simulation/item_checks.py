"""What must hold of a numbered list of items, by the tenant's own books."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.simulation.books import Cell, Cells
from tests.simulation.checkers import Finding

LIST, MODULE = "Journal Items", "Journal Item Data"
KEY = ("Entity", "Account", "Cost Centre", "Currency", "Period")


def read_items(world: Any) -> Cells:
    """What the items of each key add up to; zeros left out."""
    found: defaultdict[Cell, Decimal] = defaultdict(Decimal)
    for values in _read_data(world).values():
        found[tuple(str(values.get(name) or "") for name in KEY)] += Decimal(
            str(values.get("Amount") or 0)
        )
    return {key: amount for key, amount in found.items() if amount}


def _read_data(world: Any) -> dict[str, dict[str, Any]]:
    """The line items of each item by its code."""
    found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for cell in world.pods.ask(world.pods.anaplan, "read_cells", module=MODULE):
        [item] = cell["coordinates"].values()
        found[item][cell["line_item"]] = cell["value"]
    return found


def check_items(world: Any) -> Iterator[Finding]:
    """No item is there twice, and none is without its cells."""
    items = world.pods.ask(world.pods.anaplan, "read_list", list=LIST)
    codes = Counter(item["code"] for item in items)
    for code, count in codes.items():
        if count > 1 or not code:
            yield Finding(checker="postings", text=f"{count} items have the code {code!r}")
    data = _read_data(world)
    if set(data) != set(codes):
        odd = sorted(set(data) ^ set(codes))[:4]
        yield Finding(checker="lines", text=f"items without cells, or cells without items: {odd}")
