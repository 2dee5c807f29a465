"""What the ledger holds already: its balances, and our own journals it has not posted yet."""

from collections.abc import Mapping
from decimal import Decimal

from ml_connector.domain.journals import Journal
from ml_connector.domain.money import ZERO, render_plain
from ml_connector.errors import BlockedError
from ml_connector.flows.bench import BudgetBench, read_document, store_document
from ml_connector.flows.writing.journals import parse_journal
from ml_connector.ports import (
    UNSETTLED_POSTINGS,
    JournalState,
    Json,
    Measure,
    Posting,
    PostingState,
)

Pair = tuple[str, str]
POSTINGS_MAX = 5_000


class UnsettledPostingError(BlockedError):
    """An earlier posting has no known outcome, so nobody can say what the ledger holds."""

    code = "budgets.unsettled-posting"


def read_held(bench: BudgetBench, pairs: list[Pair]) -> Json:
    """Amounts by account of each ledger and period, debit positive, archived.

    Raises:
        UnsettledPostingError: A posting into one of the ledgers is open, unknown or quarantined.
    """
    _verify_settled(bench)
    held = {pair: _read_balances(bench, pair) for pair in pairs}
    waiting = 0
    for posting in _list_confirmed(bench):
        journal = parse_journal(read_document(bench.archive, posting.content_hash))
        pair = (journal.ledger, journal.period)
        unposted = _read_unposted(bench, posting, journal) if pair in held else {}
        waiting += bool(unposted)
        for account, amount in unposted.items():
            held[pair][account] = held[pair].get(account, ZERO) + amount
    document = {
        "|".join(pair): {k: render_plain(v) for k, v in sorted(its.items()) if v}
        for pair, its in held.items()
    }
    return {"document": store_document(bench.archive, document), "journals_waiting": waiting}


def _read_balances(bench: BudgetBench, pair: Pair) -> dict[str, Decimal]:
    ledger, period = bench.ledgers[pair[0]], bench.periods[pair]
    found: dict[str, Decimal] = {}
    for balance in bench.source.read_balances(ledger, period, Measure.BASE):
        key = balance.key.combination
        found[key] = found.get(key, ZERO) + balance.activity
    return found


def _verify_settled(bench: BudgetBench) -> None:
    open_ones = bench.records.postings.load_postings(
        connection=bench.source.connection, states=sorted(UNSETTLED_POSTINGS), limit=POSTINGS_MAX
    )
    if open_ones:
        named = ", ".join(
            f"{one.posting_key} ({one.subject}, {one.state})" for one in open_ones[:5]
        )
        raise UnsettledPostingError(
            f"{len(open_ones)} earlier postings into {bench.source.connection} are not settled:"
            f" {named}.",
            written="Nothing was posted by this run.",
            next_step=f"Settle them: `ml-connector postings settle {open_ones[0].posting_key}`.",
            postings=named,
        )


def _list_confirmed(bench: BudgetBench) -> list[Posting]:
    """Confirmed postings that were not seen posted yet."""
    found = bench.records.postings.load_postings(
        connection=bench.source.connection, states=[PostingState.CONFIRMED], limit=POSTINGS_MAX
    )
    return [one for one in found if one.kind == "journal" and not one.receipt.get("posted")]


def _read_unposted(bench: BudgetBench, posting: Posting, journal: Journal) -> Mapping[str, Decimal]:
    """What the ERP has under the key and its balances do not hold yet; told once they do.

    As the ERP shows it now: somebody may have changed or deleted the journal, or entered another
    one with its key. What was sent says nothing of that.
    """
    seen = bench.journals.find_journal(journal, posting.posting_key)
    if seen.state is JournalState.POSTED:
        bench.records.postings.save_posting(
            posting.posting_key, PostingState.CONFIRMED, receipt=posting.receipt | {"posted": True}
        )
    return seen.unposted
