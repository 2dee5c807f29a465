"""What a plan counts, and the guards that stop it."""

from decimal import Decimal

import pytest

from ml_connector.domain.plan import (
    Change,
    PlanGuardError,
    PlanGuards,
    PlannedCell,
    PlanTotals,
    count_plan,
    plan_cells,
    verify_plan,
)
from ml_connector.domain.streams import OutOfOrderError
from ml_connector.domain.summaries import Summary

TOTALS = {
    "EUR": PlanTotals(
        added=10, changed=20, vanished=30, unchanged=40, amount_moved=Decimal("1234.50"), lines=9
    ),
    "USD": PlanTotals(changed=5, unchanged=5, amount_moved=Decimal(999), lines=1),
}
"""65 of 110 cells would be sent; 100 are held, 30 of them would go to zero."""


def test_plan_adds_changes_and_empties_cells() -> None:
    """Each key of either side is one cell with both amounts; a cell without summary goes to 0."""
    summaries = [Summary(("a",), Decimal(1), 1), Summary(("c",), Decimal(3), 2)]
    shadow = [(("b",), Decimal(2)), (("c",), Decimal(3))]
    cells = list(plan_cells(summaries, shadow))

    assert cells == [
        PlannedCell(("a",), Decimal(0), Decimal(1), 1),
        PlannedCell(("b",), Decimal(2), Decimal(0), 0),
        PlannedCell(("c",), Decimal(3), Decimal(3), 2),
    ]
    assert [cell.change for cell in cells[:2]] == [Change.ADDED, Change.VANISHED]


def test_plan_totals_count_cells_amounts_and_lines() -> None:
    """Totals name what was added, changed, emptied and left, and what would move."""
    totals = PlanTotals()
    for before, after, lines in [(0, 5, 1), (5, 7, 2), (3, 0, 0), (4, 4, 3)]:
        totals = count_plan(totals, PlannedCell(("k",), Decimal(before), Decimal(after), lines))

    assert totals == PlanTotals(
        added=1, changed=1, vanished=1, unchanged=1, amount_before=Decimal(12),
        amount_after=Decimal(16), amount_moved=Decimal(10), lines=6,
    )  # fmt: skip
    assert (totals.cells, totals.cells_held) == (3, 3)


@pytest.mark.parametrize("keys", [["b", "a"], ["a", "a"]])
def test_plan_refuses_inputs_out_of_order(keys: list[str]) -> None:
    """A side that repeats a key or goes back would plan the wrong cells."""
    with pytest.raises(OutOfOrderError):
        list(plan_cells([Summary((key,), Decimal(1), 1) for key in keys], []))
    with pytest.raises(OutOfOrderError):
        list(plan_cells([], [((key,), Decimal(1)) for key in keys]))


@pytest.mark.parametrize(
    ("guards", "text"),
    [
        (PlanGuards(cells_max=64), "65 cells would be sent, cells_max allows 64"),
        (
            PlanGuards(cells_ratio_max=Decimal("0.59")),
            "65 of 110 cells would be sent, cells_ratio_max allows 59%",
        ),
        (
            PlanGuards(amount_moved_max=Decimal(1000)),
            "1,234.50 EUR would move, amount_moved_max allows 1,000 EUR",
        ),
        (
            PlanGuards(vanished_ratio_max=Decimal("0.29")),
            "30 of 100 held cells would go to zero, vanished_ratio_max allows 29%",
        ),
    ],
)
def test_guard_stops_the_plan_and_says_by_how_much(guards: PlanGuards, text: str) -> None:
    """A tripped guard blocks with counts or money, and with what the flow allows."""
    with pytest.raises(PlanGuardError) as caught:
        verify_plan(TOTALS, guards=guards)

    assert caught.value.tripped == (text,)
    assert text in str(caught.value)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    "guards",
    [
        PlanGuards(),
        PlanGuards(cells_max=65),
        PlanGuards(cells_ratio_max=Decimal("0.6")),
        PlanGuards(amount_moved_max=Decimal("1234.50")),
        PlanGuards(vanished_ratio_max=Decimal("0.3")),
    ],
)
def test_guard_lets_pass_what_it_allows(guards: PlanGuards) -> None:
    """A limit that is just reached is not passed; amounts of currencies are not added."""
    verify_plan(TOTALS, guards=guards)


def test_every_tripped_guard_is_told_at_once() -> None:
    """One stop names all reasons, the money of each currency on its own."""
    guards = PlanGuards(
        cells_max=0,
        cells_ratio_max=Decimal(0),
        amount_moved_max=Decimal(1),
        vanished_ratio_max=Decimal(0),
    )

    with pytest.raises(PlanGuardError, match=r"5 guard\(s\)") as caught:
        verify_plan(TOTALS, guards=guards)
    assert [text for text in caught.value.tripped if "USD" in text] == [
        "999 USD would move, amount_moved_max allows 1 USD"
    ]


def test_empty_source_does_not_empty_the_model() -> None:
    """No lines at all and cells to zero is a fault of the source until a person says otherwise."""
    emptied = {"EUR": PlanTotals(vanished=3)}

    with pytest.raises(PlanGuardError, match="the source holds no lines, and 3 cells"):
        verify_plan(emptied, guards=PlanGuards())
    verify_plan(emptied, guards=PlanGuards(empty_source_blocks=False))
    verify_plan({"EUR": PlanTotals(vanished=3, lines=1)}, guards=PlanGuards())
    verify_plan({}, guards=PlanGuards())


def test_first_load_is_no_mass_change() -> None:
    """Where the model holds nothing yet, every cell is new and no ratio says anything."""
    first = {"EUR": PlanTotals(added=50, lines=50)}

    verify_plan(first, guards=PlanGuards(cells_ratio_max=Decimal(0), vanished_ratio_max=Decimal(0)))
