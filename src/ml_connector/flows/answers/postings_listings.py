"""Postings as people look them up: what was sent under a key, what became of it, what to do."""

from collections.abc import Sequence
from decimal import Decimal

from ml_connector.domain.journals import JournalLine
from ml_connector.flows.answers.listing import Cell, Link, Listing, Money, State, Tone
from ml_connector.ports import Posting, PostingState

TONES = {
    PostingState.OPEN: Tone.BUSY,
    PostingState.CONFIRMED: Tone.GOOD,
    PostingState.REFUSED: Tone.WRONG,
    PostingState.UNKNOWN: Tone.WRONG,
    PostingState.QUARANTINED: Tone.WRONG,
}
SUPPLIER = "supplier"
ADVICE = {
    PostingState.OPEN: "Its run sends it; where the run has stopped, resume it.",
    PostingState.UNKNOWN: "It was sent and nobody knows whether it arrived. Never enter it by hand"
    " meanwhile: settle it, which looks into the ERP and sends nothing.",
    PostingState.QUARANTINED: "The ERP holds a part of it, or something else under its key."
    " Complete or delete it there, then settle it.",
    PostingState.REFUSED: "Nothing of it is in the ERP; the next run plans anew what is missing.",
}


def show_posting_state(state: PostingState) -> State:
    """The state of a posting as a cell."""
    return State(word=str(state), tone=TONES[state])


def advise(posting: Posting) -> str:
    """What there is to do about a posting; nothing where all is well."""
    if posting.state is PostingState.OPEN and posting.sent_at is not None:
        return ADVICE[PostingState.UNKNOWN]
    return ADVICE.get(posting.state, "")


def list_postings(postings: Sequence[Posting], *, empty: str = "Nothing was posted.") -> Listing:
    """Postings as a table, newest first."""
    return Listing(
        columns=("Posting", "What", "Flow", "State", "Debit", "Credit", "Documents", "Sent (UTC)",
                 "Takes back", "Taken back by"),
        rows=[
            (
                _link(one.posting_key), one.subject, Link(text=one.flow, kind="flow", key=one.flow),
                show_posting_state(one.state), _money(one, "debit"), _money(one, "credit"),
                tell_documents(one), one.sent_at, _link(one.reverses), _link(one.reversed_by),
            )
            for one in postings
        ],
        empty=empty,
    )  # fmt: skip


def tell_documents(posting: Posting) -> str:
    """What the ERP calls it."""
    receipt = posting.receipt
    found = receipt.get("documents") or receipt.get("batches") or []
    return ", ".join(str(one) for one in found) if isinstance(found, list) else str(found)


def list_receipt(posting: Posting) -> Listing:
    """What the ERP answered, a fact a row."""
    return Listing(
        columns=("Fact", "The ERP's word"),
        rows=[(name.replace("_", " "), _tell(value)) for name, value in posting.receipt.items()],
        empty="The ERP has answered nothing that was kept.",
    )


def _tell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def list_posted_lines(lines: Sequence[JournalLine], *, currency: str) -> Listing:
    """Every line that is sent under the key."""
    rows: list[tuple[Cell, ...]] = []
    for line in lines:
        money = Money(amount=abs(line.amount), currency=currency)
        rows.append((line.account, *((money, None) if line.amount >= 0 else (None, money))))
    return Listing(columns=("Account", "Debit", "Credit"), rows=rows)


def _money(posting: Posting, name: str) -> Money | None:
    if posting.kind == SUPPLIER or name not in posting.totals:
        return None
    currency = str(posting.totals["currency"])
    return Money(amount=Decimal(posting.totals[name]), currency=currency)


def _link(key: str) -> Link | None:
    return Link(text=key, kind="posting", key=key) if key else None
