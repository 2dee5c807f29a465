"""Taking a posting back: its lines once more with the other sign, planned and approved like any."""

from decimal import Decimal

from ml_connector.domain.journals import reverse_lines
from ml_connector.domain.money import ZERO, render_plain
from ml_connector.errors import UsageError
from ml_connector.flows.bench import BudgetBench, read_document, store_document
from ml_connector.flows.writing.approved import parse_approved
from ml_connector.flows.writing.held import read_held
from ml_connector.flows.writing.journals import PlanBasis, parse_journal, plan_journals
from ml_connector.ports import JournalState, Json, PostingState


class NotReversibleError(UsageError):
    """Only a confirmed posting of the flow that was not reversed yet can be taken back."""

    code = "postings.not-reversible"


def plan_reversal(bench: BudgetBench, posting_key: str, run_id: str) -> Json:
    """A plan that takes the posting back: the ledger without it is what shall be held.

    Raises:
        NotReversibleError: The posting is unknown, not confirmed, reversed already, another flow's,
            or deleted in the ERP.
    """
    posting = bench.records.postings.find_posting(posting_key)
    if posting is None or posting.flow != bench.flow.name:
        raise _refuse(bench, posting_key, "is no posting of this flow")
    if posting.state is not PostingState.CONFIRMED or posting.kind != "journal":
        raise _refuse(bench, posting_key, f"is {posting.state}")
    if posting.reverses:
        raise _refuse(bench, posting_key, f"takes back {posting.reverses} itself")
    if posting.reversed_by:
        raise _refuse(bench, posting_key, f"was reversed by {posting.reversed_by}")
    journal = parse_journal(read_document(bench.archive, posting.content_hash))
    if bench.journals.find_journal(journal, posting_key).state is JournalState.ABSENT:
        raise _refuse(bench, posting_key, f"is not in {bench.source.connection} any more")
    pair = (journal.ledger, journal.period)
    held = read_held(bench, [pair])
    before = parse_approved(read_document(bench.archive, held["document"]))
    wanted: dict[str, Decimal] = before[pair]
    for line in reverse_lines(journal.lines):
        wanted[line.account] = wanted.get(line.account, ZERO) + line.amount
    document = store_document(
        bench.archive, {"|".join(pair): {k: render_plain(v) for k, v in wanted.items() if v}}
    )
    basis = PlanBasis(run_id=run_id, approved=document, held=held["document"], reverses=posting_key)
    return plan_journals(bench, basis)


def _refuse(bench: BudgetBench, posting_key: str, why: str) -> NotReversibleError:
    return NotReversibleError(
        f"Posting {posting_key} {why}.",
        written="Nothing was posted.",
        next_step=f"See the postings: `ml-connector postings list --flow {bench.flow.name}`.",
        posting=posting_key,
    )
