"""Laws of plans and of the sums they are made from."""

from collections import defaultdict
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ml_connector.domain.ledger import Scope, Totals
from ml_connector.domain.plan import Change, PlanTotals, count_plan, plan_cells
from ml_connector.domain.signs import SignRule
from ml_connector.domain.summaries import (
    Contribution,
    Summary,
    SummaryKey,
    sign_amount,
    sum_contributions,
)

AMOUNTS = st.integers(-500, 500).map(lambda cents: Decimal(cents).scaleb(-2))
KEYS: st.SearchStrategy[SummaryKey] = st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"))
CELLS = st.dictionaries(KEYS, AMOUNTS, max_size=9)


def summaries_of(cells: dict[SummaryKey, Decimal]) -> list[Summary]:
    """Summaries in key order."""
    return [Summary(key, cells[key], 1) for key in sorted(cells)]


@given(cells=CELLS, shadow=CELLS)
def test_shadow_and_plan_together_are_the_summaries(
    cells: dict[SummaryKey, Decimal], shadow: dict[SummaryKey, Decimal]
) -> None:
    """A model that holds the shadow and takes the plan holds the summaries, and nothing else."""
    held = dict(shadow)
    for cell in plan_cells(summaries_of(cells), sorted(shadow.items())):
        assert held.get(cell.key, 0) == cell.before
        held[cell.key] = cell.after

    assert {k: v for k, v in held.items() if v} == {k: v for k, v in cells.items() if v}


@given(cells=CELLS)
def test_a_plan_against_what_it_made_is_empty(cells: dict[SummaryKey, Decimal]) -> None:
    """Planning twice sends nothing the second time."""
    again = list(plan_cells(summaries_of(cells), sorted(cells.items())))

    assert all(cell.before == cell.after for cell in again)
    assert len(again) == len(cells)


@given(cells=CELLS, shadow=CELLS)
def test_plan_totals_add_up(
    cells: dict[SummaryKey, Decimal], shadow: dict[SummaryKey, Decimal]
) -> None:
    """Every key is counted once, and before plus the moves is after."""
    totals, moved = PlanTotals(), Decimal(0)
    for cell in plan_cells(summaries_of(cells), sorted(shadow.items())):
        totals = count_plan(totals, cell)
        moved += cell.after - cell.before
        if cell.before != cell.after:
            assert (cell.change is Change.ADDED) == (cell.before == 0)
            assert (cell.change is Change.VANISHED) == (cell.after == 0)

    assert totals.cells + totals.unchanged == len(cells.keys() | shadow.keys())
    assert totals.amount_before + moved == totals.amount_after == sum(cells.values())
    assert totals.lines == len(cells)


@given(rows=st.lists(st.tuples(KEYS, st.sampled_from([1, -1]), AMOUNTS, AMOUNTS), max_size=12))
def test_summaries_are_the_signed_nets_of_their_contributions(
    rows: list[tuple[SummaryKey, int, Decimal, Decimal]],
) -> None:
    """Each intersection's amount and lines are those of its contributions, signs applied."""
    scope = Scope("L", "P", "EUR")
    given_rows = [
        Contribution(key, scope, sign, Totals(debit=debit, credit=credit, lines=2))
        for key, sign, debit, credit in sorted(rows)
    ]
    amounts: dict[SummaryKey, Decimal] = defaultdict(Decimal)
    for key, sign, debit, credit in rows:
        amounts[key] += sign * (debit - credit)

    summed = list(sum_contributions(given_rows))
    assert {row.key: row.amount for row in summed} == amounts
    assert sum(row.lines for row in summed) == 2 * len(rows)


@given(amount=AMOUNTS, account_type=st.sampled_from(["Revenue", "Asset"]))
def test_undoing_a_sign_rule_gives_back_the_amount(amount: Decimal, account_type: str) -> None:
    """What was signed as the model shows it is the ledger's again, whatever the type."""
    rule = SignRule(flip_types=frozenset({"Revenue"}))
    applied = sign_amount(amount, sign=rule.sign_of(account_type))

    assert rule.undo_sign(applied, account_type=account_type) == amount
    assert abs(applied) == abs(amount)
