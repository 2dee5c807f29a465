"""Which seeds are played together, and which kinds of trouble they must all have seen."""

from collections.abc import Iterator

from tests.simulation.appending import APPEND
from tests.simulation.faults import ACTUALS, BUDGETS, Plan
from tests.simulation.life import FROZEN
from tests.simulation.supplier_faults import SUPPLIERS

MIX = "mix"
SHARES = {BUDGETS: 12, ACTUALS: 5, SUPPLIERS: 2, APPEND: 1}
"""Seeds of each story in twenty."""


def list_seeds(story: str, *, first: int, count: int) -> list[tuple[str, int]]:
    """So many (story, seed); of a mix the stories take turns, each from its own first seed on."""
    if story != MIX:
        return [(story, seed) for seed in range(first, first + count)]
    dealt = dict.fromkeys(SHARES, first)
    found = []
    for name in _take_turns(count):
        found.append((name, dealt[name]))
        dealt[name] += 1
    return found


def _take_turns(count: int) -> Iterator[str]:
    """Whoever is furthest behind its share is next."""
    total, taken = sum(SHARES.values()), dict.fromkeys(SHARES, 0)
    for number in range(1, count + 1):
        name = max(SHARES, key=lambda one: SHARES[one] * number / total - taken[one])
        taken[name] += 1
        yield name


def list_kinds(plan: Plan) -> Iterator[str]:
    """Every kind of trouble the plan has drawn, by the names it is told by when it happens."""
    for act in plan.acts:
        yield from act.before
        yield from (fault.kind for fault in act.faults)
        yield from (
            FROZEN if place == FROZEN else f"killed at a {place}" for place, _ in act.deaths
        )
