"""Whether the ERP still shows what it has shown: lost rights look like quiet books.

A user without data access gets empty lists instead of refusals, so that a run could go on finding
no changes for years. What is known to be there is therefore looked at.
"""

from collections.abc import Iterable, Iterator, Mapping

from ml_connector.domain.ledger import BatchStamp
from ml_connector.errors import AccessDeniedError
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.ledger.books import Pair
from ml_connector.ports import BatchRevision, Json

BATCHES_LOOKED_AT_MAX = 3
"""One posted batch may be gone for a reason of its own; so many of one ledger at once are not."""
PERIODS_SEARCHED_MAX = 12


class BatchesHiddenError(AccessDeniedError):
    """Batches that were read before are not shown any more."""

    code = "visibility.batches-hidden"


class LedgerSilentError(AccessDeniedError):
    """A ledger shows neither journals nor balances in any period that was looked at."""

    code = "visibility.ledger-silent"


def verify_known_visible(bench: ActualsBench) -> None:
    """Of each ledger whose batches are archived at least one is still shown.

    Raises:
        BatchesHiddenError: A ledger shows none of those looked at; names them.
    """
    whole = bench.records.batches.load_whole(bench.source.connection)
    for ledger in bench.flow.ledgers:
        known = _pick_known(bench, [pair for pair in whole if pair[0] == ledger])
        if known and not any(_is_shown(bench, ledger, revision) for revision in known):
            raise _hidden(bench, ledger, known)


def _pick_known(bench: ActualsBench, pairs: list[Pair]) -> list[BatchRevision]:
    """The smallest archived batch of each of some periods, for each is read whole.

    Where names of periods sort by time these are the latest: purges take the lines of old years.
    """
    known: dict[str, BatchRevision] = {}
    for pair in sorted(pairs, reverse=True)[:PERIODS_SEARCHED_MAX]:
        found = bench.records.batches.load_current(bench.source.connection, *pair)
        if found:
            smallest = min(found, key=lambda one: (one.lines, one.batch_id))
            known[smallest.batch_id] = smallest
        if len(known) == BATCHES_LOOKED_AT_MAX:
            break
    return list(known.values())


def _is_shown(bench: ActualsBench, ledger: str, revision: BatchRevision) -> bool:
    """Whether the batch still has lines of the ledger; those of others speak for themselves."""
    stamp = BatchStamp(batch_id=revision.batch_id, version=revision.version)
    batches = [batch for _, batch in bench.source.read_batches([stamp]) if batch is not None]
    return any(line.ledger == ledger for batch in batches for line in batch.lines)


def _hidden(bench: ActualsBench, ledger: str, known: list[BatchRevision]) -> BatchesHiddenError:
    named = ", ".join(f"{one.batch_id} ({one.name})" for one in known)
    return BatchesHiddenError(
        f"{bench.source.connection} no longer shows the batches {named} of ledger {ledger}, which"
        " were read before.",
        written="Nothing was sent; the archive keeps what it holds.",
        next_step=f"Check the integration user's data access to {ledger}:"
        f" `ml-connector connections test {bench.source.connection}`; then run again.",
        ledger=ledger,
    )


def verify_ledgers_speak(bench: ActualsBench, controls: Mapping[Pair, Json]) -> Json:
    """Each ledger shows a line or a balance somewhere: in these periods, or in one read before.

    A ledger that has spoken before may be quiet: in the first days of a month some always are.

    Raises:
        LedgerSilentError: A ledger shows nothing at all, and never has.
    """
    whole = bench.records.batches.load_whole(bench.source.connection)
    by_ledger: dict[str, list[Pair]] = {}
    for pair in controls:
        by_ledger.setdefault(pair[0], []).append(pair)
    for ledger, pairs in by_ledger.items():
        if any(controls[pair]["balances"] or _holds_batches(bench, pair) for pair in pairs):
            continue
        if not _pick_known(bench, [pair for pair in whole if pair[0] == ledger]):
            raise _silent(bench, ledger, [period for _, period in pairs])
    return {"ledgers": sorted(by_ledger)}


def _holds_batches(bench: ActualsBench, pair: Pair) -> bool:
    return bool(bench.records.batches.load_current(bench.source.connection, *pair))


def _silent(bench: ActualsBench, ledger: str, periods: list[str]) -> LedgerSilentError:
    return LedgerSilentError(
        f"{bench.source.connection} shows neither journals nor balances of ledger {ledger} in"
        f" {', '.join(_name_some(periods))}.",
        written="Nothing was sent.",
        next_step=f"Let the integration user see {ledger} (Fusion: a data access set; JD Edwards:"
        " row security of the company); when it is really empty, take it out of `ledgers` in"
        f" flows/{bench.flow.name}.yaml until it is used.",
        ledger=ledger,
    )


def _name_some(names: Iterable[str], most: int = 6) -> Iterator[str]:
    listed = list(names)
    yield from listed[:most]
    if len(listed) > most:
        yield f"{len(listed) - most} more"
