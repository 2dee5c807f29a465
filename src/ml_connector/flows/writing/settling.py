"""Settling a posting by hand: what the ERP shows now decides, and a person has asked for it."""

from datetime import timedelta

from ml_connector.errors import UsageError
from ml_connector.flows.bench import BudgetBench, read_document
from ml_connector.flows.writing.journals import parse_journal
from ml_connector.ports import (
    UNSETTLED_POSTINGS,
    JournalFound,
    JournalState,
    Posting,
    PostingState,
)


class NothingToSettleError(UsageError):
    """The posting is unknown, or settled already."""

    code = "postings.nothing-to-settle"


def settle_posting(bench: BudgetBench, posting_key: str) -> tuple[Posting, JournalFound]:
    """The posting as it stands after a look at the ERP, and what was seen.

    Whole in the ERP it is confirmed. Absent for longer than the settle time it never was entered,
    or was deleted there, and is refused: the next run plans what is missing anew. A part of it
    stays quarantined until somebody has completed or deleted it in the ERP.

    Raises:
        NothingToSettleError: There is nothing to settle.
    """
    posting = bench.records.postings.find_posting(posting_key)
    if posting is None or posting.state not in UNSETTLED_POSTINGS:
        raise NothingToSettleError(
            f"Posting {posting_key} is {posting.state if posting else 'not known'}.",
            written="Nothing was changed.",
            next_step="See the postings: `ml-connector postings list`.",
            posting=posting_key,
        )
    journal = parse_journal(read_document(bench.archive, posting.content_hash))
    found = bench.journals.find_journal(journal, posting_key)
    state, reason = _decide(bench, posting, found)
    if state is None:
        return posting, found
    receipt = {"batches": list(found.batch_ids), "documents": list(found.documents)}
    saved = bench.records.postings.save_posting(
        posting_key, state, receipt=receipt if found.batch_ids else None, reason=reason
    )
    bench.records.audit.record(
        f"posting.{state}", subject=posting_key, actor=bench.actor, run_id=posting.run_id,
        what=posting.subject, content=posting.content_hash, reason=reason or "settled by a person",
    )  # fmt: skip
    return saved, found


def _decide(
    bench: BudgetBench, posting: Posting, found: JournalFound
) -> tuple[PostingState | None, str]:
    if found.state in (JournalState.ENTERED, JournalState.POSTED, JournalState.FAILED):
        return PostingState.CONFIRMED, ""
    if found.state is JournalState.ABSENT:
        settle = timedelta(minutes=bench.flow.settle_minutes)
        if posting.sent_at is None or bench.clock.now() >= posting.sent_at + settle:
            return PostingState.REFUSED, "absent from the ERP when it was looked for"
        return None, ""
    return PostingState.QUARANTINED, f"found {found.state}"
