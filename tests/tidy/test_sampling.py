"""Of like cases a few run at each change; no implementation of a port is lost by that."""

from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from tests.sampling import Case, choose_cases, find_implementation


def _cases(*order: tuple[int, ...], most: int | None) -> list[Case]:
    """Cases of one test; the first number of each says on which database."""
    return [
        Case(test="test_law", most=most, implementation=(("backend", case[0]),)) for case in order
    ]


def _chosen(cases: list[Case]) -> list[int]:
    return [number for number, runs in enumerate(choose_cases(cases)) if runs]


@pytest.mark.parametrize("databases", [1, 2, 3])
def test_every_implementation_keeps_cases_in_whatever_order(databases: int) -> None:
    """Each keeps its share and one at least, whether its cases stand together or alternate."""
    for count, most in product((1, 2, 3, 4, 5, 9, 40), (1, 2, 3, 4, 8)):
        grouped = list(product(range(databases), range(count)))
        alternating = sorted(grouped, key=lambda each: each[::-1])
        for order in (grouped, alternating):
            chosen = [order[number] for number in _chosen(_cases(*order, most=most))]

            for database in range(databases):
                kept = [case for each, case in chosen if each == database]
                assert 1 <= len(kept) <= max(1, most // databases)
                assert kept[0] == 0


def test_cases_on_two_databases_in_turn_are_not_all_of_one() -> None:
    """Every second of eight would be one database only."""
    order = [(number % 2, number) for number in range(8)]

    chosen = _chosen(_cases(*order, most=4))

    assert chosen == [0, 1, 4, 5]


def test_nothing_is_left_out_where_no_number_is_wanted() -> None:
    """A folder without a limit runs every case."""
    assert _chosen(_cases(*product(range(2), range(30)), most=None)) == list(range(60))


def test_tests_are_counted_apart() -> None:
    """Many cases of one test cost no case of another."""
    cases = [Case(test="test_many", most=2)] * 10 + [Case(test="test_few", most=2)] * 2

    assert _chosen(cases) == [0, 5, 10, 11]


def test_implementation_is_what_fixtures_are_parametrised_by(
    request: pytest.FixtureRequest, backend: str
) -> None:
    """The fixture's value counts; a plain argument of a test does not."""
    known: Any = SimpleNamespace(
        session=request.session, callspec=SimpleNamespace(indices={"backend": 1, "amount": 7})
    )
    known.iter_parents = request.node.iter_parents

    assert find_implementation(known) == (("backend", 1),)
    assert find_implementation(request.node) == (("backend", 0),)


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest) -> str:
    """A database, as contract suites have one."""
    return str(request.param)
