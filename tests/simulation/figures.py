"""What many seeds came to, in a few lines."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.simulation.driving import Played

DOUBLES = frozenset({"tasks", "one task", "postings"})
LOSSES = frozenset({"lines", "tie-out"})


@dataclass(slots=True, kw_only=True)
class Figures:
    """Sums over seeds."""

    seeds: int = 0
    processes: int = 0
    busiest: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    checkers: Counter[str] = field(default_factory=Counter)
    failed: list[Played] = field(default_factory=list)

    def add(self, played: Played) -> None:
        """The seed counts."""
        self.seeds += 1
        self.processes += played.processes
        self.busiest = max(self.busiest, played.busiest)
        self.happened.update(played.happened)
        self.outcomes.update(played.outcomes)
        self.checkers.update({finding.checker for finding in played.findings})
        if played.findings:
            self.failed.append(played)

    def render(self) -> Iterator[str]:
        """The figures, a line each."""
        yield f"seeds run: {self.seeds}, in {self.processes} processes"
        yield f"faults injected: {_list_counts(self.happened)}"
        yield f"outcomes: {_list_counts(self.outcomes)}"
        yield f"duplicates: {sum(self.checkers[name] for name in DOUBLES)}"
        yield f"losses: {sum(self.checkers[name] for name in LOSSES)}"
        yield f"highest requests in any 60 s: {self.busiest}"
        yield f"seeds that failed: {', '.join(_list_failed(self.failed)) or 'none'}"


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
        yield f"{played.plan.seed} ({', '.join(names)})"
