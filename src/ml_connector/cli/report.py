"""A run in a controller's words: amounts by ledger and period, what differs, what to do next."""

from collections.abc import Iterator
from decimal import Decimal

from ml_connector.cli.budget_report import tell_budget
from ml_connector.cli.next_step import find_next
from ml_connector.cli.options import Output
from ml_connector.cli.output import Listing, Money, hint, render_money, say, show, show_json
from ml_connector.cli.supplier_report import count_suppliers, tell_suppliers
from ml_connector.flows.answers.actuals_listings import MOVES, list_plan, list_tie_out
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
SHOWN_MAX = 5
"""Members not taken that are named after a run; the summary as JSON names more."""


def exit_code_of(row: RunRow) -> int:
    """The exit code of a finished run; 0 when it succeeded."""
    return EXIT_CODES.get(row.state, 0)


def count_changes(summary: Json) -> int:
    """Cells, journals, suppliers or list members that the run sent, or would have."""
    if "suppliers" in summary:
        return count_suppliers(summary)
    if "journals" in summary:
        return len(summary["journals"])
    if "lists" in summary:
        return sum(row["new"] + row["changed"] for row in summary["lists"].values())
    return int(summary["cells"])


def tell_run(row: RunRow, output: Output, *, next_step: str = "") -> None:
    """The run on stdout: its summary as JSON, or its tie-out as a table; a hint what comes next."""
    if output == "json":
        show_json({"run": row.run_id, "flow": row.flow, **row.summary})
        return
    if "suppliers" in row.summary:
        tell_suppliers(row.summary, output)
    elif "journals" in row.summary:
        tell_budget(row.summary, output)
    elif "lists" in row.summary:
        show(_list_members(row.summary), output)
        _tell_members(row.summary)
    else:
        _tell_actuals(row.summary, output)
    say(_conclude(row))
    next_step = next_step or find_next(row, changes=count_changes(row.summary))
    if next_step:
        hint(next_step)


def _list_members(summary: Json) -> Listing:
    columns = {
        "members": "Members", "new": "New", "changed": "Changed", "refused": "Refused",
        "warned": "Values not taken", "missing": "Missing", "only_in_model": "Only in model",
    }  # fmt: skip
    return Listing(
        columns=("List", *columns.values()),
        rows=[
            (name, *(row.get(column, 0) for column in columns))
            for name, row in summary["lists"].items()
        ],
    )


def _tell_members(summary: Json) -> None:
    """The first members the model did not take, or not whole, with its own reasons."""
    for name, row in summary["lists"].items():
        for text in _tell_not_taken(name, row):
            say(text)


def _tell_not_taken(name: str, row: Json) -> Iterator[str]:
    heads = {
        "refused": "{name}: {count:,} refused, and not in the list as the source has them:",
        "warned": "{name}: of {count:,} members in the list values are missing; the next run sends"
        " them again:",
    }
    for what, head in heads.items():
        if not row.get(what):
            continue
        yield head.format(name=name, count=row[what])
        shown = row.get(f"{what}_shown", [])[:SHOWN_MAX]
        yield from (f"  {one['code']}: {one['reason']}" for one in shown)
    if row.get("unclear"):
        yield (
            f"{name}: whether the values of {row['unclear']:,} members were taken nobody can say;"
            f" the next run sends them again. {row['unclear_reason']}"
        )


def _tell_actuals(summary: Json, output: Output) -> None:
    show(list_plan(summary) if summary["dry_run"] else list_tie_out(summary), output)
    reading = summary.get("reading", {})
    for text in (*_tell_reading(reading), *_tell_refused(summary), *_tell_beyond(summary)):
        say(text)
    for name, row in summary.get("lists_short", {}).items():
        counts = ", ".join(f"{kind} {row[kind]:,}" for kind in row if row[kind])
        say(f"The model did not take list {name} whole: {counts}.")
    for currency, totals in summary["plan"].items():
        if any(totals[move] for move in MOVES):
            say(_tell_moves(currency, totals, is_sent=summary["loaded"]))
    for member, combinations in summary["unmapped"].items():
        say(f"{member} is held back: no rule takes {combinations:,} account combinations of it.")
    if summary.get("tie_out_count", 0) > len(summary["tie_out"]):
        say(
            f"Shown are {len(summary['tie_out']):,} of {summary['tie_out_count']:,} rows; all that"
            " is unexplained is among them as far as it fits."
        )
    for difference in summary["erp_differences"]:
        say(
            f"{difference['ledger']} {difference['period']}: the ERP and the archive differ in"
            f" {difference['combinations']:,} account combinations ({difference['state']})."
        )
        _tell_breaks(difference)
    for row in summary.get("unbalanced", []):
        say(
            f"{row['ledger']} {row['period']}: the balances shown to the user come to {row['net']}"
            " and not to zero; a right may hide a part of the ledger."
        )
    for text in _tell_differences(summary):
        say(text)


def _tell_beyond(summary: Json) -> Iterator[str]:
    """What changed rules would move besides; a run that sends refuses to leave it out."""
    beyond = summary.get("beyond", {})
    if not beyond:
        return
    named = ", ".join(list(beyond)[:SHOWN_MAX]) + (", …" if len(beyond) > SHOWN_MAX else "")
    yield (
        f"The rules have changed and would move {sum(beyond.values()):,} cells of {len(beyond):,}"
        f" other loaded periods as well ({named}); a run stops without `--remap`."
    )


def _tell_differences(summary: Json) -> Iterator[str]:
    """The first cells that differ, and how many there are."""
    shown = summary["differences"]
    yield from (row["sentence"] for row in shown)
    count = summary.get("differences_count", len(shown))
    if count > len(shown):
        yield (
            f"Shown are {len(shown):,} of {count:,} differences; a period's page in Reconciliation"
            " lists its cells, those that differ first."
        )


def _tell_reading(reading: Json) -> Iterator[str]:
    """What the read found besides changed batches."""
    if reading.get("pending"):
        yield f"{reading['pending']:,} batches are entered and not posted yet; none of them counts."
    if reading.get("settled"):
        yield f"Posted meanwhile: {_name(reading, 'settled')}."
    if reading.get("gone"):
        yield f"Deleted before they were posted: {_name(reading, 'gone')}."
    if reading.get("renamed"):
        named = "; ".join(f"{key}: {how}" for key, how in reading["renamed_shown"][:5])
        yield f"{reading['renamed']:,} accounts were renamed; their amounts follow. {named}"


def _tell_refused(summary: Json) -> Iterator[str]:
    """What the model has refused, of this run or an earlier one, and still lacks."""
    for member, count in summary.get("still_refused", {}).items():
        yield (
            f"{member}: the model lacks {count:,} summaries it has refused;"
            f" `ml-connector replay {summary['flow']}` sends them again."
        )


def _name(reading: Json, what: str) -> str:
    shown = reading[f"{what}_shown"]
    more = reading[what] - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def _tell_breaks(difference: Json) -> None:
    """Where the ERP's balances are not the sum of its own lines."""
    if not difference.get("breaks"):
        return
    say(
        f"  In {difference['breaks']:,} accounts the ERP's own balance is not what its lines add"
        " up to; its integrity report shows them:"
    )
    for row in difference["breaks_shown"]:
        balance, lines = (
            render_money(Money(amount=Decimal(row[name]), currency=row["currency"]))
            for name in ("balance", "lines")
        )
        say(f"    {row['combination']}: balance {balance}, lines {lines} {row['currency']}.")


def _tell_moves(currency: str, totals: Json, *, is_sent: bool) -> str:
    moves = ", ".join(f"{totals[move]:,} {move}" for move in MOVES if totals[move])
    moved = render_money(Money(amount=Decimal(totals["amount_moved"]), currency=currency))
    return f"{moved} {currency} {'moved' if is_sent else 'would move'}: {moves}."


def _conclude(row: RunRow) -> str:
    """The last sentence: what became of the run."""
    summary, name = row.summary, f"Run {row.run_id} of {row.flow}"
    if row.state is RunState.SUCCEEDED and summary["dry_run"]:
        return f"{name} looked only: {_count(summary)} would be sent; nothing was."
    if row.state is RunState.SUCCEEDED and row.request.get("reconcile"):
        return (
            f"{name} compared only, and left nothing unexplained: {_count(summary)} are still to be"
            " sent; nothing was."
        )
    if row.state is RunState.SUCCEEDED and not count_changes(summary):
        return f"{name} succeeded: nothing to do, both sides are in step."
    if row.state is RunState.SUCCEEDED:
        return f"{name} succeeded: {_count(summary)} sent, nothing unexplained."
    return f"{name} ended as: {row.state}."


def _count(summary: Json) -> str:
    kinds = {"suppliers": "suppliers", "journals": "journals", "lists": "members"}
    what = next((word for key, word in kinds.items() if key in summary), "cells")
    return f"{count_changes(summary):,} {what}"
