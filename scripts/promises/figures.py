"""What was measured, beside what was promised."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured thing.

    Attributes:
        name: In a controller's or an operator's words, lower case.
        value: As it is shown, with its unit.
        promise: What the product says of it; empty where the figure is told and nothing promised.
        holds: Whether the promise was kept; true where there is none.
    """

    name: str
    value: str
    promise: str = ""
    holds: bool = True


def render_figures(title: str, figures: Iterable[Figure]) -> Iterator[str]:
    """Yield the heading and one line a figure; a broken promise is marked by a word."""
    yield title
    for one in figures:
        promise = f"  (promised: {one.promise})" if one.promise else ""
        yield f"  {one.name}: {one.value}{promise}{'' if one.holds else '  BROKEN'}"


def tell_machine() -> Figure:
    """How busy the machine is: processes that want to run, on average, beside its cores."""
    minute, _, quarter = os.getloadavg()
    cores = len(os.sched_getaffinity(0))
    return Figure(
        name="processes that wanted to run, in the last minute and quarter of an hour",
        value=f"{minute:.1f} and {quarter:.1f} on {cores} cores",
    )
