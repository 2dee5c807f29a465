"""Settling a posting by hand: what the ERP shows now decides, and a person has asked for it."""

from datetime import timedelta

from ml_connector.errors import UsageError
from ml_connector.flows.bench import BudgetBench, WritingBench, read_document
from ml_connector.flows.writing.journals import parse_journal
from ml_connector.flows.writing.postings import Outcome, save_outcome
from ml_connector.ports import (
    UNSETTLED_POSTINGS,
    JournalFound,
    JournalState,
    Posting,
    PostingState,
)

BY_HAND = "settled by a person"


class NothingToSettleError(UsageError):
    """The posting is unknown, or settled already."""

    code = "postings.nothing-to-settle"


class ElsewherePostingError(UsageError):
    """The posting went to another ERP than the flow writes now, so a look would find nothing."""

    code = "postings.other-connection"


def settle_posting(bench: BudgetBench, posting_key: str) -> tuple[Posting, JournalFound]:
    """The posting as it stands after a look at the ERP, and what was seen.

    Whole in the ERP it is confirmed. Absent for longer than the settle time it never was entered,
    or was deleted there, and is refused: the next run plans what is missing anew. A part of it
    stays quarantined until somebody has completed or deleted it in the ERP.

    Raises:
        NothingToSettleError: There is nothing to settle.
        ElsewherePostingError: It went to another ERP than the flow writes now.
        BusyError: A run has sent it while this looked; nothing is stored.
    """
    posting = bench.records.postings.find_posting(posting_key)
    if posting is None or posting.state not in UNSETTLED_POSTINGS:
        raise NothingToSettleError(
            f"Posting {posting_key} is {posting.state if posting else 'not known'}.",
            written="Nothing was changed.",
            next_step="See the postings: `ml-connector postings list`.",
            posting=posting_key,
        )
    verify_same_erp(bench, posting)
    journal = parse_journal(read_document(bench.archive, posting.content_hash))
    settle = timedelta(minutes=bench.flow.settle_minutes)
    # The time before the look counts: what takes effect during it may have been missed.
    is_over = posting.sent_at is None or bench.clock.now() >= posting.sent_at + settle
    found = bench.journals.find_journal(journal, posting_key)
    state, reason = _decide(found, is_over=is_over)
    if state is None:
        return posting, found
    receipt = {"batches": list(found.batch_ids), "documents": list(found.documents)}
    outcome = Outcome(
        state=state, receipt=receipt if found.batch_ids else None, reason=f"{BY_HAND}: {reason}"
    )
    return save_outcome(bench, posting, outcome, run_id=posting.run_id), found


def verify_same_erp(bench: WritingBench, posting: Posting) -> None:
    """The flow writes the ERP that the posting went to: only there it is absent or entered.

    Raises:
        ElsewherePostingError: It writes another one now, or its connection leads to another.
    """
    source = bench.source
    if posting.connection != source.connection:
        raise ElsewherePostingError(
            f"Posting {posting.posting_key} went to {posting.connection}, and flow"
            f" {bench.flow.name} writes {source.connection} now.",
            written="Nothing was changed.",
            next_step=f"Set `target` of flows/{bench.flow.name}.yaml back for as long as this"
            " takes, then settle again.",
            posting=posting.posting_key,
        )
    went_to = find_address(bench, posting.plan_hash)
    if went_to != source.address:
        raise ElsewherePostingError(
            f"Posting {posting.posting_key} went to {posting.connection} at {went_to}, and that"
            f" connection leads to {source.address} now.",
            written="Nothing was changed.",
            next_step=f"Set connections/{source.connection}.yaml back for as long as this takes,"
            " then settle again.",
            posting=posting.posting_key,
        )


def find_address(bench: WritingBench, plan_hash: str) -> str:
    """Where the ERP was that the plan was made for; where it is now, if the plan does not say."""
    held = read_document(bench.archive, plan_hash).get("address")
    return str(held or bench.source.address)


def _decide(found: JournalFound, *, is_over: bool) -> tuple[PostingState | None, str]:
    if found.state in (JournalState.ENTERED, JournalState.POSTED, JournalState.FAILED):
        return PostingState.CONFIRMED, f"found {found.state}"
    if found.state is JournalState.ABSENT:
        return (PostingState.REFUSED if is_over else None), "absent when it was looked for"
    return PostingState.QUARANTINED, f"found {found.state}"
