"""What some plans have besides, each drawn by itself: whatever else a seed draws stays as it is.

Writes come in late: the network holds them up, their sender hears that the connection is lost, or
is dead by then, and whoever looks in the meantime finds nothing. All do so within the time for
which a write without an answer is looked for. Processes wake up when others have their runs. The
model wants quiet for longer than the next request would wait. What it holds has to go again.
"""

import random
from dataclasses import replace

from tests.simulation.appending import APPEND, PROCESS
from tests.simulation.faults import (
    ACTUALS,
    ANAPLAN,
    BUDGETS,
    FUSION,
    JDE,
    ORCHESTRATION,
    Fault,
    Plan,
)
from tests.simulation.life import FROZEN
from tests.simulation.loopback import LATE
from tests.simulation.supplier_faults import REST, SUPPLIERS

QUIET = 0.06
"""Of the plans, in how many the model wants quiet for longer than its next request would wait."""
QUIET_S = (30, 90)
STARTS = r"/(imports|exports|processes)/\d+/tasks$"
EMPTIED, LOADED, REVERSED = 0.35, "loaded", "batch reversed"
"""Of the plans whose model is loaded, in how many something of it has to go."""
STILL = 0.06
"""Of the plans, in how many a process is frozen at such a write, and wakes up later."""
AT_WRITES = {ACTUALS: (1, 1, 2, 2, 4), APPEND: (1, 2), BUDGETS: (2, 4), SUPPLIERS: (2, 4)}
"""Before and after writes. In front of one that enters something nobody but it can know better: it
may be there twice, which is not promised otherwise."""
BELATED = 0.12
"""Of the plans, in how many a write is held up."""
IMPORT = r"/imports/\d+/tasks$"
CREATION = (FUSION, rf"{REST}/suppliers$", "POST")
PLACES = {
    ACTUALS: ((ANAPLAN, IMPORT, "POST"),),
    APPEND: ((ANAPLAN, PROCESS, "POST"),),
    BUDGETS: ((JDE, ORCHESTRATION, "POST"),),
    "suppliers": ((FUSION, rf"{REST}/suppliers/\d+$", "PATCH"), CREATION),
    "suppliers batch": ((FUSION, rf"{REST}/?$", "POST"), CREATION),
    "suppliers file": ((FUSION, rf"{REST}/erpintegrations", "POST"),),
}  # fmt: skip
"""The writes of a story, or of a project of it: system, path and method."""
SECONDS = {
    ACTUALS: (1, 15, 45, 60), APPEND: (1, 15, 45, 60), BUDGETS: (1, 45, 120, 220),
    SUPPLIERS: (1, 45, 220, 800),
}  # fmt: skip


def add_trouble(plan: Plan) -> Plan:
    """The plan with whatever it has besides."""
    return empty(quieten(freeze(belate(plan))))


def belate(plan: Plan) -> Plan:
    """In some plans a write is held up, and in half of these its process is gone by then."""
    rng = random.Random(f"belated {plan.story} {plan.seed}")
    if rng.random() >= BELATED:
        return plan
    system, path, method = rng.choice(PLACES.get(plan.variant) or PLACES[plan.story])
    seconds, nth = rng.choice(SECONDS[plan.story]), rng.choice((1, 1, 2))
    late = Fault(
        kind=LATE, system=system, path=path, method=method, nth=nth,
        detail=rng.choice((1, -1)) * seconds,
    )  # fmt: skip
    found = _add_fault(plan, late)
    return _replace_death(found) if late.detail < 0 else found


def freeze(plan: Plan) -> Plan:
    """In some plans a process stands still at a write, and others have its run when it wakes up."""
    rng = random.Random(f"frozen {plan.story} {plan.seed}")
    if rng.random() >= STILL:
        return plan
    return _replace_death(plan, (FROZEN, rng.choice(AT_WRITES[plan.story])))


def quieten(plan: Plan) -> Plan:
    """In some plans a start is refused for so long that others ask before it is over."""
    rng = random.Random(f"quiet {plan.story} {plan.seed}")
    if rng.random() >= QUIET:
        return plan
    nth = rng.choice((1, 2))
    rule = {
        "kind": "status", "status": 429, "retry_after": rng.choice(QUIET_S), "path": STARTS,
        "method": "POST", "nth": nth,
    }  # fmt: skip
    asked = Fault(
        kind="throttled 429", system=ANAPLAN, path=STARTS, method="POST", nth=nth, rule=rule
    )
    return _add_fault(plan, asked)


def empty(plan: Plan) -> Plan:
    """In some plans a batch is reversed that had cells of its own: they are empty again."""
    rng = random.Random(f"emptied {plan.story} {plan.seed}")
    if plan.variant != LOADED or rng.random() >= EMPTIED:
        return plan
    first, *others = plan.acts
    before = tuple(dict.fromkeys((*first.before, REVERSED)))
    return replace(plan, acts=(replace(first, before=before), *others))


def _add_fault(plan: Plan, fault: Fault) -> Plan:
    first, *others = plan.acts
    return replace(plan, acts=(replace(first, faults=(*first.faults, fault)), *others))


def _replace_death(plan: Plan, *deaths: tuple[str, int]) -> Plan:
    """The first process ends so, and not as was drawn: there are no more of them than before."""
    first, *others = plan.acts
    return replace(plan, acts=(replace(first, deaths=(*deaths, *first.deaths[1:])), *others))
