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
WAITING_MAX = 5_000
"""Journals that may wait for the ERP to post them; each is looked for by its key."""
NAMED_MAX = 5
"""Postings that a message names."""


class UnsettledPostingError(BlockedError):
    """An earlier posting has no known outcome, so nobody can say what the ledger holds."""

    code = "budgets.unsettled-posting"


class TooManyWaitingError(BlockedError):
    """More journals wait for the ERP to post them than can be counted as held."""

    code = "budgets.too-many-waiting"


class LeftPeriodError(BlockedError):
    """What shall be written lies in a ledger or month that the flow does not write any more."""

    code = "budgets.left-period"


def read_held(bench: BudgetBench, pairs: list[Pair], *, plan_hash: str = "") -> Json:
    """Amounts by account of each ledger and period, debit positive, archived.

    Args:
        bench: Of the flow.
        pairs: The ledgers and periods.
        plan_hash: A plan on its way, whose journals hold nothing before they are sent.

    Raises:
        LeftPeriodError: The flow's ledgers and months are no longer those of the pairs.
        UnsettledPostingError: A posting into the ERP is open, unknown or quarantined.
        TooManyWaitingError: What the ERP has not posted yet is more than can be counted.
    """
    _verify_written(bench, pairs)
    _verify_settled(bench, plan_hash)
    held = {pair: _read_balances(bench, pair) for pair in pairs}
    waiting = 0
    for posting in _list_waiting(bench):
        journal = _read_journal(bench, posting)
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


def _verify_written(bench: BudgetBench, pairs: list[Pair]) -> None:
    left = [" ".join(pair) for pair in pairs if pair not in bench.periods]
    if left:
        raise LeftPeriodError(
            f"The flow {bench.flow.name} does not write {', '.join(left[:NAMED_MAX])} any more:"
            " its ledgers or months were changed since.",
            written="This look at the ledger posted nothing.",
            next_step="Put them back into `ledgers`, `first_month` and `last_month` of"
            f" flows/{bench.flow.name}.yaml for as long as this takes, then try again.",
            periods=", ".join(left),
        )


def _read_balances(bench: BudgetBench, pair: Pair) -> dict[str, Decimal]:
    ledger, period = bench.ledgers[pair[0]], bench.periods[pair]
    found: dict[str, Decimal] = {}
    for balance in bench.source.read_balances(ledger, period, Measure.BASE):
        key = balance.key.combination
        found[key] = found.get(key, ZERO) + balance.activity
    return found


def _verify_settled(bench: BudgetBench, plan_hash: str) -> None:
    # One alone stops the run, so what a limit leaves out changes nothing. A plan's journals are
    # made and settled one by one, so one of its own may stand among them.
    found = bench.records.postings.load_postings(
        connection=bench.source.connection, states=sorted(UNSETTLED_POSTINGS), limit=NAMED_MAX + 1
    )
    open_ones = [one for one in found if one.sent_at or one.plan_hash != plan_hash]
    if open_ones:
        named = ", ".join(f"{one.posting_key} ({one.subject}, {one.state})" for one in open_ones)
        raise UnsettledPostingError(
            f"Earlier postings into {bench.source.connection} are not settled, such as: {named}.",
            written="This look at the ledger posted nothing.",
            next_step=f"Settle them: `ml-connector postings settle {open_ones[0].posting_key}`.",
            postings=named,
        )


def _list_waiting(bench: BudgetBench) -> list[Posting]:
    """All confirmed journals that the ERP was not seen to have posted; one left out counts twice.

    Raises:
        TooManyWaitingError: There are too many, and looking at them made them no fewer.
    """
    found = _load_waiting(bench)
    if len(found) > WAITING_MAX:
        # Those of months that no flow reads any more are not noted as posted by themselves.
        for posting in found:
            _read_unposted(bench, posting, _read_journal(bench, posting))
        found = _load_waiting(bench)
    if len(found) <= WAITING_MAX:
        return found
    named = ", ".join(f"{one.posting_key} ({one.subject})" for one in found[:NAMED_MAX])
    raise TooManyWaitingError(
        f"More than {WAITING_MAX:,} of our journals wait to be posted in"
        f" {bench.source.connection}, such as: {named}.",
        written="This look at the ledger posted nothing.",
        next_step="Post the waiting journals in the ERP, then resume or run again.",
        postings=named,
    )


def _load_waiting(bench: BudgetBench) -> list[Posting]:
    """One more than may wait, so that none is left out unseen."""
    return bench.records.postings.load_postings(
        connection=bench.source.connection,
        states=[PostingState.CONFIRMED],
        awaits_posting=True,
        limit=WAITING_MAX + 1,
    )


def _read_journal(bench: BudgetBench, posting: Posting) -> Journal:
    return parse_journal(read_document(bench.archive, posting.content_hash))


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
