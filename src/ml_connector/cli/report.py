"""A run in a controller's words: amounts by ledger and period, what differs, what to do next."""

from decimal import Decimal

from ml_connector.cli.options import Output
from ml_connector.cli.output import Listing, Money, hint, render_money, say, show, show_json
from ml_connector.ports import Json, RunRow, RunState

EXIT_CODES = {
    RunState.PARTLY: 3,
    RunState.UNTIED: 4,
    RunState.MOVING: 4,
    RunState.BLOCKED: 5,
    RunState.WAITING_APPROVAL: 5,
    RunState.UNKNOWN: 9,
    RunState.FAILED: 1,
    RunState.CANCELLED: 1,
    RunState.INTERRUPTED: 130,
}


def exit_code_of(row: RunRow) -> int:
    """The exit code of a finished run; 0 when it succeeded."""
    return EXIT_CODES.get(row.state, 0)


def tell_run(row: RunRow, output: Output) -> None:
    """The run on stdout: its summary as JSON, or its tie-out as a table."""
    if output == "json":
        show_json({"run": row.run_id, "flow": row.flow, **row.summary})
        return
    if "lists" in row.summary:
        show(_list_members(row.summary), output)
    else:
        _tell_actuals(row, output)
    say(f"Run {row.run_id} of {row.flow}: {row.state}.")
    _tell_next(row)


def _list_members(summary: Json) -> Listing:
    return Listing(
        columns=("List", "Members", "New", "Changed", "Refused", "Missing", "Only in model"),
        rows=[
            (
                name, row["members"], row["new"], row["changed"], row["refused"], row["missing"],
                row["only_in_model"],
            )
            for name, row in summary["lists"].items()
        ],
    )  # fmt: skip


def _tell_actuals(row: RunRow, output: Output) -> None:
    summary = row.summary
    if not summary["periods"]:
        say("Nothing has changed in the ledger since the last run.")
        return
    _tell_plan(summary)
    if summary["dry_run"]:
        show(_list_plan(summary), output)
        return
    show(list_tie_out(summary), output)
    for difference in summary["erp_differences"]:
        say(
            f"{difference['ledger']} {difference['period']}: the ERP and the archive differ in"
            f" {difference['combinations']} account combinations ({difference['state']})."
        )
    for difference in summary["differences"]:
        say(_name_difference(difference))


def _tell_plan(summary: Json) -> None:
    for currency, totals in summary["plan"].items():
        moved = render_money(Money(amount=Decimal(totals["amount_moved"]), currency=currency))
        cells = totals["added"] + totals["changed"] + totals["vanished"]
        say(
            f"{currency}: {cells:,} cells to send ({totals['added']:,} added,"
            f" {totals['changed']:,} changed, {totals['vanished']:,} vanished), {moved} moved;"
            f" {totals['unchanged']:,} unchanged."
        )


def _list_plan(summary: Json) -> Listing:
    rows = []
    for member, row in summary["plan_by_period"].items():
        for currency, totals in row["totals"].items():
            before, after = Decimal(totals["amount_before"]), Decimal(totals["amount_after"])
            cells = totals["added"] + totals["changed"] + totals["vanished"]
            amounts = (before, after, after - before)
            rows.append(
                (member, currency, cells, *(Money(amount=a, currency=currency) for a in amounts))
            )
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
        empty="No period was tied out.",
    )  # fmt: skip


def _amount(row: Json, name: str) -> Money:
    return Money(amount=Decimal(row[name]), currency=row["currency"])


def _sum_excluded(row: Json) -> Money:
    total = sum((Decimal(its[1]) for its in row["excluded"]), Decimal(0))
    return Money(amount=total, currency=row["currency"])


def _name_difference(difference: Json) -> str:
    key = " / ".join(str(part) for part in difference["key"])
    return f"{difference['hop']}: {key}: {difference['left']} against {difference['right']}."


def _tell_next(row: RunRow) -> None:
    summary = row.summary
    if row.state is RunState.PARTLY and summary.get("refused"):
        hint(
            f"see the {summary['refused']} refused summaries with their journal lines:"
            f" `ml-connector runs lines {row.run_id} --refused`"
        )
    elif row.state is RunState.PARTLY and summary.get("unmapped"):
        hint(f"see what no rule takes: `ml-connector unmapped list {row.flow}`")
    elif row.state is RunState.UNTIED:
        hint(
            f"look closer: `ml-connector runs show {row.run_id}`; when the model was edited or"
            f" restored: `ml-connector plan {row.flow} --against model`"
        )
    elif row.state is RunState.MOVING:
        hint(f"the books move; run again when they rest: `ml-connector run {row.flow}`")
