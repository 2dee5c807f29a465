"""Replacing: which of our earlier journals a plan takes back before the amounts stand anew.

What is taken back is what the ERP shows now: a journal that was deleted there is not taken back,
for nothing of it is held, and one that was changed there is left to a person. Whatever else the
ledger holds stays, our own journals that cannot be taken back among it.
"""

from collections.abc import Iterator

from ml_connector.domain.journals import Journal, find_moves
from ml_connector.errors import BlockedError
from ml_connector.flows.bench import BudgetBench, read_document, store_document
from ml_connector.flows.writing.approved import parse_approved
from ml_connector.flows.writing.journals import parse_journal
from ml_connector.ports import JournalFound, JournalState, Json, Posting, PostingState

Pair = tuple[str, str]
EARLIER_MAX = 50_000
"""Confirmed postings of a flow that are looked through, newest first. Older ones would count as
entered by others, so even then nothing is doubled."""
STANDS = frozenset({JournalState.ENTERED, JournalState.POSTED, JournalState.FAILED})
"""How a journal looks that the ERP holds exactly as it was sent."""
SHOWN_MAX = 5


class ChangedPostingError(BlockedError):
    """An earlier journal was changed in the ERP, so its counter-journal would not take it back."""

    code = "budgets.posting-changed"


def read_earlier(
    bench: BudgetBench, approved_hash: str, held_hash: str, *, plan_hash: str = ""
) -> Json:
    """Our journals in each period that differs from what was approved, archived, newest first.

    Those a reversal has taken back are passed over. Reads only.

    Args:
        bench: Of the flow.
        approved_hash: The document of what was approved.
        held_hash: The document of what the ledger holds.
        plan_hash: A plan on its way, whose journals take nothing back before they are sent.

    Raises:
        ChangedPostingError: The ERP holds a part of one, or something else; names all of them.
    """
    pairs = _find_differing(bench, approved_hash, held_hash)
    standing: dict[str, list[list[str]]] = {}
    gone: list[Json] = []
    changed: list[tuple[Posting, JournalFound]] = []
    for posting, journal in _list_standing(bench, pairs, plan_hash):
        found = bench.journals.find_journal(journal, posting.posting_key)
        if found.state in STANDS:
            row = [posting.posting_key, posting.content_hash]
            standing.setdefault(f"{journal.ledger}|{journal.period}", []).append(row)
        elif found.state is JournalState.ABSENT:
            gone.append({"posting_key": posting.posting_key, "subject": posting.subject})
        else:
            changed.append((posting, found))
    if changed:
        raise _refuse_changed(bench, changed)
    return {"document": store_document(bench.archive, {"standing": standing, "gone": gone})}


def _find_differing(bench: BudgetBench, approved_hash: str, held_hash: str) -> set[Pair]:
    approved = parse_approved(read_document(bench.archive, approved_hash))
    held = parse_approved(read_document(bench.archive, held_hash))
    return {
        pair for pair, amounts in approved.items() if any(find_moves(amounts, held.get(pair, {})))
    }


def _list_standing(
    bench: BudgetBench, pairs: set[Pair], plan_hash: str
) -> Iterator[tuple[Posting, Journal]]:
    """Confirmed journals of the flow that are not reversed and are no reversals, newest first.

    Taken back in this order the ledger passes through what was approved before, so a counter-
    journal that is refused leaves an earlier version and no mixture.
    """
    found = bench.records.postings.load_postings(
        flow=bench.flow.name,
        connection=bench.source.connection,
        states=[PostingState.CONFIRMED],
        limit=EARLIER_MAX,
    )
    for posting in found:
        if posting.kind != "journal" or posting.reverses or _is_reversed(bench, posting, plan_hash):
            continue
        journal = parse_journal(read_document(bench.archive, posting.content_hash))
        if (journal.ledger, journal.period) in pairs:
            yield posting, journal


def _is_reversed(bench: BudgetBench, posting: Posting, plan_hash: str) -> bool:
    """Whether it was taken back, or is about to be by another plan."""
    if not posting.reversed_by or not plan_hash:
        return bool(posting.reversed_by)
    reversal = bench.records.postings.find_posting(posting.reversed_by)
    assert reversal is not None, "a reversal is noted by being made"
    return reversal.plan_hash != plan_hash or reversal.sent_at is not None


def _refuse_changed(
    bench: BudgetBench, changed: list[tuple[Posting, JournalFound]]
) -> ChangedPostingError:
    named = "; ".join(
        f"{posting.posting_key} ({posting.subject}) is found {found.state}, {found.lines} lines in"
        f" {', '.join(found.documents) or 'no document'}"
        for posting, found in changed[:SHOWN_MAX]
    )
    key = changed[0][0].posting_key
    return ChangedPostingError(
        f"{len(changed)} earlier journals are not in {bench.source.connection} as they were sent:"
        f" {named}. Their counter-journals would not take back what stands there.",
        written="Nothing was posted.",
        next_step="Set their documents right in the ERP; or take each back as it was sent, which"
        f" leaves the change: `ml-connector postings reverse {key}`. Then run again.",
        postings=", ".join(posting.posting_key for posting, _ in changed[:SHOWN_MAX]),
    )
