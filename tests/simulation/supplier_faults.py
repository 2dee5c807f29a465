"""What goes wrong around suppliers, drawn from the seed: as for actuals, and at their resources."""

import random
from dataclasses import replace
from typing import Any

from tests.simulation.faults import (
    ACTS,
    DRAWN,
    FUSION,
    LOGIN,
    WORDS,
    Act,
    Fault,
    Plan,
)
from tests.simulation.suppliers import VARIANTS

SUPPLIERS = "suppliers"
FAULTS_MAX = 4
REST = "/fscmRestApi/resources/[^/]+"
PLACES = (
    (rf"{REST}/suppliers/\d+$", "PATCH", 4),
    (rf"{REST}/suppliers/\d+", "GET", 12),
    (rf"{REST}/suppliers\?", "GET", 12),
    (rf"{REST}/suppliers$", "POST", 2),
    (rf"{REST}/?$", "POST", 2),
    (rf"{REST}/erpintegrations", "POST", 2),
    (rf"{REST}/erpintegrations", "GET", 8),
)
"""Where suppliers are read and written: path, method, and about how often in a run."""
BEHIND = {
    "suppliers": (0, 1, 2, 3),
    "suppliers batch": (1, 2, 4, 4),
    "suppliers file": (1, 2, 5, 6),
}
"""Places that matter, by way of sending."""
KINDS = (
    "lost before", "lost before", "lost after", "lost after", "lost after", "throttled",
    "throttled", "denied", "gateway page", "gateway page", "cut body", "cut body", "slow body",
    "new batch", "batch touched", "batch touched", "batch touched", "busy", "token dies",
    "task cancelled", "task vanished", "clock jumps", "archive full", "records full",
    "budget drained", "model locked",
)  # fmt: skip
AT_MODEL = frozenset({"busy", "token dies", "task cancelled", "task vanished", "model locked"})
MOVES = ("planners revise", "planners revise", "planners revise", "new supplier", "clerk changes")
OTHERS = ("clerk changes", "clerk agrees", "planners revise", "new supplier", "bad row",
          "clock jumps")  # fmt: skip
TURNED = {
    "new batch": "planners revise",
    "batch touched": "clerk changes",
}
"""What happens in this story instead."""
SWITCHES: dict[str, tuple[Any, ...]] = {
    "supplier_duplicates": ("accept", "accept", "accept"),
    "batch_failure": ("own_status", "no_path"), "batch_transaction": ("part",),
    "ess_rejected_rows": ("warning", "error"), "ess_import_fails": ("warning", "error"),
    "ess_blank_status": (True,), "ess_seconds_per_state": (60, 400), "ess_parent_follows": (True,),
    "not_found_after_create_s": (40, 400), "supplier_names_queryable": (False,),
    "child_change_moves_supplier": (True,), "error_body": ("html", "empty"),
    "import_status_code": (200,),
}  # fmt: skip
"""Decisions of the pod that a seed may turn; peace turns them back."""
CALLS_MAX, STEPS_MAX = 150, 60


def draw_supplier_plan(seed: int) -> Plan:
    """The plan of the seed; the same one everywhere."""
    rng = random.Random(f"suppliers {seed}")
    variant = rng.choice(sorted(VARIANTS))
    acts = tuple(_draw_act(rng, variant) for _ in range(rng.choice(ACTS)))
    turned = {name: rng.choice(values) for name, values in SWITCHES.items() if rng.random() < 0.1}
    switches = {FUSION: turned} if turned else {}
    return Plan(seed=seed, story=SUPPLIERS, variant=variant, switches=switches, acts=acts)


def _draw_act(rng: random.Random, variant: str) -> Act:
    before = (rng.choice(MOVES), *rng.sample(OTHERS, rng.choice((0, 0, 1, 2, 3))))
    faults = tuple(_draw_one(rng, variant) for _ in range(rng.randint(1, FAULTS_MAX)))
    deaths = tuple(_draw_death(rng) for _ in range(rng.choice((0, 1, 1, 2, 3))))
    return Act(
        before=before, faults=faults, deaths=deaths, word=rng.choice(WORDS),
        pause_s=rng.choice((1.0, 60.0, 900.0, 9000.0)),
    )  # fmt: skip


def _draw_death(rng: random.Random) -> tuple[str, int]:
    kind = rng.choice(("call", "step"))
    return kind, rng.randint(1, CALLS_MAX if kind == "call" else STEPS_MAX)


def _draw_one(rng: random.Random, variant: str) -> Fault:
    drawn = rng.choice(KINDS)
    fault = DRAWN[drawn](rng, drawn)
    kind = TURNED.get(fault.kind, fault.kind)
    is_near = rng.random() < 0.8 and fault.path not in LOGIN.values() and drawn not in AT_MODEL
    if not is_near:
        return replace(fault, kind=kind)
    path, method, most = PLACES[rng.choice(BEHIND[variant])]
    nth = rng.randint(1, most)
    rule = {**fault.rule, "path": path, "method": method, "nth": nth} if fault.rule else {}
    return replace(fault, kind=kind, system=FUSION, path=path, method=method, nth=nth, rule=rule)
