"""What an actuals run came to, as tables: its plan, its tie-out."""

from decimal import Decimal

from ml_connector.flows.answers.listing import Listing, Money
from ml_connector.ports import Json

MOVES = ("added", "changed", "vanished")


def list_plan(summary: Json) -> Listing:
    """What would change, by period and currency, in money."""
    rows = []
    for member, row in summary["plan_by_period"].items():
        for currency, totals in row["totals"].items():
            cells = sum(totals[move] for move in MOVES)
            before, after = Decimal(totals["amount_before"]), Decimal(totals["amount_after"])
            amounts = (before, after, after - before)
            if cells:
                shown = (Money(amount=amount, currency=currency) for amount in amounts)
                rows.append((member, currency, cells, *shown))
    return Listing(
        columns=("Period", "Currency", "Cells", "Held", "Shall hold", "Difference"),
        rows=rows,
        empty="Nothing would change.",
    )


def list_tie_out(summary: Json) -> Listing:
    """The tie-out by ledger, period and currency; every column in the ledger's own sign."""
    return Listing(
        columns=(
            "Ledger", "Period", "Currency", "Lines", "Debits", "ERP net", "Excluded", "Unmapped",
            "Refused", "Model", "Unexplained",
        ),
        rows=[
            (
                row["ledger"], row["period"], row["currency"], row["lines"],
                _amount(row, "debit"), _amount(row, "erp"), _sum_excluded(row),
                _amount(row, "unmapped"), _amount(row, "refused"), _amount(row, "held"),
                _amount(row, "unexplained"),
            )
            for row in summary["tie_out"]
        ],
        empty="Nothing has changed in the ledger since the last run.",
    )  # fmt: skip


def _amount(row: Json, name: str) -> Money:
    return Money(amount=Decimal(row[name]), currency=row["currency"])


def _sum_excluded(row: Json) -> Money:
    total = sum((Decimal(its[1]) for its in row["excluded"]), Decimal(0))
    return Money(amount=total, currency=row["currency"])
