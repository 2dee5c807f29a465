"""A budget run in a controller's words: journals planned or posted, and the tie-out."""

from decimal import Decimal

from ml_connector.cli.options import Output
from ml_connector.cli.output import Listing, Money, render_money, say, show
from ml_connector.ports import Json

AMOUNTS = ("approved", "before", "posted", "refused", "after", "unexplained")


def tell_budget(summary: Json, output: Output) -> None:
    """The tie-out once something was posted, before that the journals of the plan."""
    show(_list_tie_out(summary) if summary.get("tie_out") else _list_journals(summary), output)
    for posting in summary["postings"]:
        if posting["state"] != "confirmed":
            say(
                f"{posting['subject']} (key {posting['posting_key']}): {posting['state']}."
                f" {posting['reason']}"
            )
        for warning in posting["receipt"].get("warnings", []):
            say(f"{posting['subject']}: the ERP warns: {warning}")
        if posting["state"] == "confirmed" and posting.get("reverses"):
            say(f"Posting {posting['posting_key']} takes back {posting['reverses']}.")
    for row in summary.get("differences", []):
        amounts = ", ".join(f"{name} {row[name]}" for name in AMOUNTS[:-1])
        say(f"{row['ledger']} {row['period']} account {row['account']}: {amounts}.")
    _tell_replaced(summary)
    _tell_read(summary.get("read", {}))
    for currency, amount in summary["moved"].items():
        moved = render_money(Money(amount=Decimal(amount), currency=currency))
        say(f"{moved} {currency} {'moved' if summary['postings'] else 'would move'}.")


def _tell_replaced(summary: Json) -> None:
    """What stays in periods that are replaced, and what is not there to be taken back."""
    for row in summary.get("others", []):
        debit, credit = (
            render_money(Money(amount=Decimal(row[side]), currency=row["currency"]))
            for side in ("debit", "credit")
        )
        say(
            f"{row['ledger']} {row['period']}: {debit} debit and {credit} credit"
            f" {row['currency']} on {row['accounts']:,} accounts are not of this flow's journals;"
            " they stay, and what stands anew is less by them."
        )
    for row in summary.get("gone", []):
        say(
            f"{row['subject']} (key {row['posting_key']}) is not in the ERP any more; nothing of it"
            " is taken back."
        )


def _tell_read(read: Json) -> None:
    """What the plan was made from, as far as somebody might expect otherwise."""
    if read.get("journals_waiting"):
        say(
            f"{read['journals_waiting']:,} earlier journals are entered and not posted in the ERP"
            " yet; they count as held."
        )
    if read.get("ignored"):
        say(f"{read['ignored']:,} rows of the view are of other companies, months or versions.")
    if read.get("not_shown"):
        say(
            f"The view shows nothing of {', '.join(read['not_shown'])}; what the ledger holds there"
            " is left as it is."
        )
    for warning in read.get("service", []):
        say(f"The ERP's service for journals: {warning}")
    if read.get("warned"):
        say(f"The ERP will warn of {', '.join(read['warned'])}.")


def _list_journals(summary: Json) -> Listing:
    return Listing(
        columns=("Journal", "Lines", "Debit", "Credit", "Currency", "Takes back"),
        rows=[
            (
                row["subject"],
                row["lines"],
                Money(amount=Decimal(row["debit"]), currency=row["currency"]),
                Money(amount=Decimal(row["credit"]), currency=row["currency"]),
                row["currency"],
                row.get("reverses", ""),
            )
            for row in summary["journals"]
        ],
        empty="The ledger holds what was approved; there is nothing to post.",
    )


def _list_tie_out(summary: Json) -> Listing:
    rows = []
    for row in summary["tie_out"]:
        currency = row["currency"]
        amounts = (Money(amount=Decimal(row[name]), currency=currency) for name in AMOUNTS)
        rows.append((row["ledger"], row["period"], currency, *amounts))
    columns = tuple(name.capitalize() for name in AMOUNTS)
    return Listing(columns=("Ledger", "Period", "Currency", *columns), rows=rows)
