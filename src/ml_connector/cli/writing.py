"""Commands about what is written into an ERP: plans that wait for people, and postings."""

from decimal import Decimal
from typing import Annotated

from cyclopts import Parameter

from ml_connector.cli.options import Options, opened, output_of
from ml_connector.cli.output import Listing, Money, hint, render_money, say, show
from ml_connector.cli.report import exit_code_of, tell_run
from ml_connector.errors import OutcomeUnknownError
from ml_connector.flows.answers.plans_listings import list_revisions
from ml_connector.ports import (
    UNSETTLED_POSTINGS,
    Approval,
    ApprovalState,
    Posting,
    PostingState,
)

HASH_SHOWN = 12
Reason = Annotated[str, Parameter(help="Why, for the history.")]


def list_approvals(
    *,
    everything: Annotated[
        bool, Parameter(name="--all", negative=(), help="Those that are decided, too.")
    ] = False,
    options: Options | None = None,
) -> int:
    """List the plans that wait for people, newest first."""
    states = () if everything else (ApprovalState.WAITING,)
    with opened(options) as house:
        rows = [
            (
                one.plan_hash[:HASH_SHOWN], one.flow, str(one.state), _render_moved(one), one.maker,
                f"{one.approvals} of {one.needed}", f"{one.expires_at:%Y-%m-%d %H:%M}",
            )
            for one in house.records.approvals.load_approvals(states=states)
        ]  # fmt: skip
    show(
        Listing(
            columns=("Plan", "Flow", "State", "Moves", "Made by", "Approved", "Expires (UTC)"),
            rows=rows,
            empty="No plan waits for anybody.",
        ),
        output_of(options),
    )
    return 0


def _render_moved(approval: Approval) -> str:
    if "changes" in approval.totals:
        return f"{approval.totals['changes'] + approval.totals['creations']:,} suppliers"
    return ", ".join(
        f"{render_money(Money(amount=amount, currency=currency))} {currency}"
        for currency, amount in sorted(approval.amounts.items())
    )


def show_approval(plan: str, /, *, options: Options | None = None) -> int:
    """Show a plan: its journals line by line, in money, and what people said of it."""
    with opened(options) as house:
        found = house.find_approval(plan)
        if house.writing_flow(found.flow).kind == "suppliers":
            show(list_revisions(house.list_revisions(found)), output_of(options))
            _tell_approval(found)
            return 0
        rows = [
            (
                row.ledger, row.period, row.part, row.account, row.text,
                Money(amount=max(row.amount, Decimal(0)), currency=row.currency),
                Money(amount=max(-row.amount, Decimal(0)), currency=row.currency), row.currency,
                row.reverses,
            )
            for row in house.list_planned(found)
        ]  # fmt: skip
    columns = ("Ledger", "Period", "Part", "Account", "Name", "Debit", "Credit", "Currency",
               "Takes back")  # fmt: skip
    show(Listing(columns=columns, rows=rows, empty="It has no lines."), output_of(options))
    _tell_approval(found)
    return 0


def _tell_approval(found: Approval) -> None:
    say(
        f"Plan {found.plan_hash} of {found.flow}, made by {found.maker}: {found.state};"
        f" {found.approvals} of {found.needed} have approved."
    )
    for decision in found.decisions:
        word = "approved" if decision.is_approval else "rejected"
        say(f"{decision.at:%Y-%m-%d %H:%M} {decision.actor} {word}: {decision.reason}")
    if found.state is ApprovalState.WAITING:
        hint(f"decide: `ml-connector approvals approve {found.plan_hash[:HASH_SHOWN]} --reason …`")


def approve(plan: str, /, *, reason: Reason = "", options: Options | None = None) -> int:
    """Approve a plan; once enough people have, it is posted at once, exactly as it is."""
    with opened(options) as house:
        found = house.find_approval(plan)
        # Approved and not applied: whoever approved it last was interrupted between the two.
        is_decided = found.state is ApprovalState.APPROVED
        decided = found if is_decided else house.decide(plan, approves=True, reason=reason)
        if decided.state is not ApprovalState.APPROVED:
            say(f"Approved; {decided.approvals} of {decided.needed} people have.")
            return 5
        row = house.apply_approved(decided)
    tell_run(row, output_of(options))
    return exit_code_of(row)


def reject(plan: str, /, *, reason: Reason = "", options: Options | None = None) -> int:
    """Reject a plan; it is never posted."""
    with opened(options) as house:
        decided = house.reject_plan(plan, reason=reason)
    say(f"Plan {decided.plan_hash[:HASH_SHOWN]} is rejected; nothing of it was posted.")
    return 0


def list_postings(
    *,
    flow: Annotated[str | None, Parameter(help="Of this flow only.")] = None,
    unsettled: Annotated[
        bool, Parameter(negative=(), help="Those whose outcome is not known only.")
    ] = False,
    options: Options | None = None,
) -> int:
    """List postings, newest first."""
    states = sorted(UNSETTLED_POSTINGS) if unsettled else ()
    with opened(options) as house:
        found = house.records.postings.load_postings(flow=flow, states=states)
    show(
        Listing(
            columns=("Key", "Subject", "State", "Lines", "Debit", "Credit", "Currency",
                     "Documents", "Sent (UTC)", "Takes back", "Taken back by", "Reason"),
            rows=[_row(one) for one in found],
            empty="No posting waits to be settled." if unsettled else "Nothing was posted.",
        ),
        output_of(options),
    )  # fmt: skip
    return 0


def _row(posting: Posting) -> tuple[str | int | Money, ...]:
    totals, currency = posting.totals, str(posting.totals.get("currency", ""))
    amounts = [
        Money(amount=Decimal(totals[side]), currency=currency) if currency else ""
        for side in ("debit", "credit")
    ]
    return (
        posting.posting_key,
        posting.subject,
        str(posting.state),
        totals["lines"] if currency else totals["attributes"],
        *amounts,
        currency,
        ", ".join(posting.receipt.get("documents", [])) or posting.receipt.get("number", ""),
        f"{posting.sent_at:%Y-%m-%d %H:%M}" if posting.sent_at else "",
        posting.reverses,
        posting.reversed_by,
        posting.reason,
    )


def show_posting(key: str, /, *, options: Options | None = None) -> int:
    """Show a posting: what was sent under its key, and what became of it."""
    with opened(options) as house:
        found = house.find_posting(key)
        if found.kind == "supplier":
            show(list_revisions([house.find_revision(found)]), output_of(options))
            said = f"Posting {found.posting_key}, {found.subject}: {found.state}. {found.reason}"
            say(said.rstrip())
            _tell_reversal(found)
            return 0
        lines = house.list_posted(found)
    currency = str(found.totals["currency"])
    show(
        Listing(
            columns=("Account", "Debit", "Credit", "Currency"),
            rows=[
                (
                    line.account,
                    Money(amount=max(line.amount, Decimal(0)), currency=currency),
                    Money(amount=max(-line.amount, Decimal(0)), currency=currency),
                    currency,
                )
                for line in lines
            ],
        ),
        output_of(options),
    )
    where = ", ".join(found.receipt.get("batches", [])) or "no batch"
    say(f"Posting {found.posting_key}, {found.subject}: {found.state} ({where}). {found.reason}")
    _tell_reversal(found)
    return 0


def _tell_reversal(found: Posting) -> None:
    if found.reverses:
        say(f"It takes back {found.reverses}.")
    if found.reversed_by:
        say(f"It was taken back by {found.reversed_by}.")


def settle(key: str, /, *, options: Options | None = None) -> int:
    """Look in the ERP what became of a posting, and settle it by that."""
    with opened(options) as house:
        posting, seen = house.settle_posting(key)
    if posting.kind == "supplier":
        say(f"The ERP was looked at for {posting.subject} (key {posting.posting_key}): {seen}.")
    else:
        say(f"The ERP shows posting {posting.posting_key} as {seen}.")
    if posting.state in UNSETTLED_POSTINGS:
        say(f"It stays {posting.state}.")
        if posting.state is PostingState.QUARANTINED:
            hint("mend or delete it in the ERP, then settle it again")
        else:
            hint("it may still arrive; look again when the flow's settle time has passed")
        return OutcomeUnknownError.exit_code
    say(f"It is {posting.state} now.")
    return 0


def reverse(key: str, /, *, options: Options | None = None) -> int:
    """Take a confirmed posting back by a counter-posting, which is approved like any plan."""
    with opened(options) as house:
        row = house.reverse_posting(key)
    tell_run(row, output_of(options))
    return exit_code_of(row)
