"""Control totals: what the archive holds of a period is what the ERP says it holds."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial

from ml_connector.domain.ledger import Totals
from ml_connector.domain.money import ZERO, render_plain
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.books import Books, Pair
from ml_connector.flows.reading import list_current, list_everything, read_listed
from ml_connector.ports import Json, Measure, Steps

ROUNDS_MAX = 2
"""Times a differing period is read again before the difference counts as one."""
DIFFERENCES_SHOWN_MAX = 20

TIED = "tied"
OFF = "off"
MOVING = "moving"

Stream = Iterator[tuple[tuple[str, ...], Totals]]


def control_pairs(
    steps: Steps, bench: ActualsBench, books: Books, pairs: Sequence[Pair]
) -> dict[Pair, Json]:
    """Each pair's control: tied, off, or moving; tied pairs count as read whole.

    A difference is first looked for in what changed meanwhile and in batches filed under other
    periods, then in the batches themselves; what still differs is moving when anything moved.
    """
    controls = {pair: _control_step(steps, bench, books, pair) for pair in pairs}
    moved = 0
    for round_number in range(1, ROUNDS_MAX + 1):
        off = [pair for pair, control in controls.items() if control["state"] == OFF]
        if not off:
            break
        moved = _read_again(steps, bench, off, round_number)
        for pair in off:
            controls[pair] = _control_step(steps, bench, books, pair)
    for control in controls.values():
        if control["state"] == OFF and moved:
            control["state"] = MOVING
    return controls


def _read_again(steps: Steps, bench: ActualsBench, off: Sequence[Pair], round_number: int) -> int:
    """What changed meanwhile is read; in the last round also the archived batches themselves."""
    label = f"control: read again {round_number}"
    listing = steps.step(f"{label}, list", partial(list_everything, bench))
    moved = read_listed(steps, bench, listing, label=f"{label}, batches")
    if round_number == ROUNDS_MAX:
        listing = steps.step(f"{label}, list archived", partial(list_current, bench, off))
        read_listed(steps, bench, listing, label=f"{label}, archived batches")
    return moved


def _control_step(steps: Steps, bench: ActualsBench, books: Books, pair: Pair) -> Json:
    return steps.step(f"control: {pair[0]} {pair[1]}", partial(control_pair, bench, books, pair))


def control_pair(bench: ActualsBench, books: Books, pair: Pair) -> Json:
    """The archive's totals of a pair against the ERP's own, per account combination."""
    erp_hash = store_balances(bench, books, pair)
    archived_hash = store_archived(bench, pair)
    differences = list(
        find_differences(
            bench.archive.read_totals(erp_hash), bench.archive.read_totals(archived_hash)
        )
    )
    if not differences and Measure(bench.flow.measure) is Measure.BASE:
        bench.records.batches.record_whole(bench.source.connection, *pair, run_id="")
    return {
        "state": OFF if differences else TIED,
        "erp": erp_hash,
        "archived": archived_hash,
        "differences": len(differences),
        "shown": [
            {
                "combination": key[3],
                "currency": key[2],
                "erp": render_plain(erp),
                "archived": render_plain(archived),
            }
            for key, erp, archived in differences[:DIFFERENCES_SHOWN_MAX]
        ],
    }


def store_balances(bench: ActualsBench, books: Books, pair: Pair) -> str:
    """The ERP's movements of the pair, archived in key order; returns the file's hash."""
    ledger, period = books.ledgers[pair[0]], books.period(pair)
    with bench.archive.sorter() as sorter:
        for balance in bench.source.read_balances(ledger, period, Measure(bench.flow.measure)):
            sorter.add(tuple(balance.key), Totals(debit=balance.activity))
        return bench.archive.write_totals(sorter.merged()).file_hash


def store_archived(bench: ActualsBench, pair: Pair) -> str:
    """The archive's totals of the pair per combination, archived; returns the file's hash."""
    revisions = bench.records.batches.load_current(bench.source.connection, *pair)
    with bench.archive.sorter() as sorter:
        for line_sum in bench.archive.read_line_sums(
            revisions, ledger=pair[0], period=pair[1], measure=Measure(bench.flow.measure)
        ):
            key = (line_sum.ledger, line_sum.period, line_sum.currency, line_sum.combination)
            sorter.add(key, line_sum.totals)
        return bench.archive.write_totals(sorter.merged()).file_hash


def find_differences(
    left: Stream, right: Stream
) -> Iterator[tuple[tuple[str, ...], Decimal, Decimal]]:
    """Yield (key, left net, right net) where two ascending streams differ; absent is zero."""
    at_left, at_right = next(left, None), next(right, None)
    while at_left is not None or at_right is not None:
        if at_right is None or (at_left is not None and at_left[0] < at_right[0]):
            assert at_left is not None
            pair = (at_left[0], at_left[1].net, ZERO)
            at_left = next(left, None)
        elif at_left is None or at_right[0] < at_left[0]:
            pair = (at_right[0], ZERO, at_right[1].net)
            at_right = next(right, None)
        else:
            pair = (at_left[0], at_left[1].net, at_right[1].net)
            at_left, at_right = next(left, None), next(right, None)
        if pair[1] != pair[2]:
            yield pair
