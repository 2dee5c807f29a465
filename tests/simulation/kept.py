"""Plans that once ended badly, kept whole: what a seed draws may change, what they did may not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.simulation.faults import Act, Fault, Plan

FILE = Path(__file__).with_name("kept.json")


def load_kept() -> Iterator[Plan]:
    """Yield every plan that is kept, oldest first."""
    for row in json.loads(FILE.read_text(encoding="utf-8")):
        yield Plan(**{**row, "acts": tuple(_read_act(act) for act in row["acts"])})


def _read_act(row: dict[str, Any]) -> Act:
    faults = tuple(Fault(**fault) for fault in row["faults"])
    deaths = tuple((kind, number) for kind, number in row["deaths"])
    return Act(**{**row, "before": tuple(row["before"]), "faults": faults, "deaths": deaths})
