"""Which of many like cases run at each change: a few, but of every implementation some."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings

Implementation = tuple[tuple[str, int], ...]
"""The fixtures a case is parametrised by, such as the kind of database, each with its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case of a test."""

    test: str
    most: int | None = None
    """How many like cases of the test are wanted; None: all."""
    implementation: Implementation = ()


def choose_cases(cases: Iterable[Case]) -> Iterator[bool]:
    """Whether each case runs; the same answer for the same cases.

    What a fixture stands for (a database, an archive) is never sampled away: every
    implementation keeps at least one case of each test, and its share of those wanted.
    """
    cases = list(cases)
    counts = Counter((case.test, case.implementation) for case in cases)
    implementations = Counter(test for test, _ in counts)
    seen: Counter[tuple[str, Implementation]] = Counter()
    for case in cases:
        alike = case.test, case.implementation
        number, count = seen[alike], counts[alike]
        seen[alike] += 1
        share = count if case.most is None else case.most // implementations[case.test]
        yield number % -(-count // max(1, share)) == 0


def find_implementation(item: pytest.Item) -> Implementation:
    """What the case's own fixtures are parametrised by; its plain arguments are left out."""
    spec = getattr(item, "callspec", None)
    if spec is None:
        return ()
    # Only what somebody defined is known there; plain arguments pass as fixtures made up for them.
    fixtures = item.session._fixturemanager
    return tuple(
        (name, number)
        for name, number in sorted(spec.indices.items())
        if fixtures.getfixturedefs(name, item)
    )


def load_examples(*, all_of_them: bool) -> None:
    """How laws are searched: always by the same examples at each change, or by many drawn anew.

    There is no deadline on a shared machine.
    """
    settings.register_profile(
        "exhaustive", deadline=None, print_blob=True, max_examples=300,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )  # fmt: skip
    settings.register_profile(
        "change", settings.get_profile("exhaustive"), derandomize=True, max_examples=30
    )
    settings.load_profile("exhaustive" if all_of_them else "change")
