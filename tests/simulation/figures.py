"""What many seeds came to, in a few lines: by story, and in sum."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.driving import Played
from tests.simulation.mix import list_kinds

DOUBLES = frozenset({"tasks", "one task", "postings"})
LOSSES = frozenset({"lines", "tie-out"})


@dataclass(slots=True, kw_only=True)
class Figures:
    """Sums over seeds."""

    seeds: int = 0
    processes: int = 0
    busiest: int = 0
    drawn: set[str] = field(default_factory=set)
    happened: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    checkers: Counter[str] = field(default_factory=Counter)
    failed: list[Played] = field(default_factory=list)

    def add(self, played: Played) -> None:
        """The seed counts."""
        self.seeds += 1
        self.processes += played.processes
        self.busiest = max(self.busiest, played.busiest)
        self.drawn.update(list_kinds(played.plan))
        self.happened.update(played.happened)
        self.outcomes.update(played.outcomes)
        self.checkers.update({finding.checker for finding in played.findings})
        if played.findings:
            self.failed.append(played)

    @property
    def duplicates(self) -> int:
        """Seeds in which something was there twice."""
        return sum(self.checkers[name] for name in DOUBLES)

    @property
    def losses(self) -> int:
        """Seeds in which something was lost."""
        return sum(self.checkers[name] for name in LOSSES)

    @property
    def missing(self) -> list[str]:
        """Kinds of faults that were drawn and never happened."""
        return sorted(self.drawn - self.happened.keys())

    def render(self) -> Iterator[str]:
        """The figures, a line each."""
        yield f"seeds run: {self.seeds}, in {self.processes} processes"
        yield f"faults that happened: {_list_counts(self.happened)}"
        yield f"kinds drawn that never happened: {', '.join(self.missing) or 'none'}"
        yield f"outcomes: {_list_counts(self.outcomes)}"
        yield f"duplicates: {self.duplicates}"
        yield f"losses: {self.losses}"
        yield f"highest requests in any 60 s: {self.busiest}"
        yield f"seeds that failed: {', '.join(_list_failed(self.failed)) or 'none'}"


@dataclass(slots=True, kw_only=True)
class Tally:
    """Figures of each story, and of all."""

    stories: dict[str, Figures] = field(default_factory=dict)
    total: Figures = field(default_factory=Figures)

    def add(self, played: Played) -> None:
        """The seed counts."""
        self.stories.setdefault(played.plan.story, Figures()).add(played)
        self.total.add(played)

    def sum(self) -> dict[str, Any]:
        """All stories as plain values."""
        total = self.total
        return {
            "seeds": total.seeds, "processes": total.processes, "busiest": total.busiest,
            "happened": dict(total.happened), "missing": total.missing,
            "duplicates": total.duplicates, "losses": total.losses,
            "findings": sum(total.checkers.values()),
            "stories": {name: one.seeds for name, one in sorted(self.stories.items())},
            "failed": list(_list_failed(total.failed)),
        }  # fmt: skip

    def render(self) -> Iterator[str]:
        """Story by story, then all in sum."""
        for name, figures in sorted(self.stories.items()):
            yield f"story {name}"
            yield from (f"  {line}" for line in figures.render())
        if len(self.stories) > 1:
            yield "all stories"
            yield from self.total.render()


def render_story(played: Played) -> Iterator[str]:
    """One seed: its plan, what happened, which checker spoke."""
    yield f"seed {played.plan.seed} of {played.plan.story}"
    yield from played.plan.render()
    yield f"happened: {', '.join(played.happened) or 'nothing'}"
    yield from (f"  {line}" for line in played.told)
    yield from (f"{finding.checker} says: {finding.text}" for finding in played.findings)
    yield "every checker is content" if not played.findings else "the seed fails"


def _list_counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "none"


def _list_failed(failed: Iterable[Played]) -> Iterator[str]:
    for played in failed:
        names = sorted({finding.checker for finding in played.findings})
        yield f"{played.plan.story} {played.plan.seed} ({', '.join(names)})"
