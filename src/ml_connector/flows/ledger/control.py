"""Control totals: what the archive holds of a period is what the ERP says it holds."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from threading import Lock

from ml_connector.domain.ledger import Balance, Totals
from ml_connector.domain.money import ZERO, render_plain
from ml_connector.domain.pools import ExactPool
from ml_connector.flows.bench import ActualsBench, read_document, store_document
from ml_connector.flows.ledger.books import Books, Pair
from ml_connector.flows.ledger.reading import (
    list_current,
    list_everything,
    read_listed,
    read_pairs,
)
from ml_connector.ports import Json, Measure, Steps, TotalsSorter

ROUNDS_MAX = 2
"""Times a differing period is read again before the difference counts as one."""
BALANCES_AT_ONCE = 4
"""Ledgers of a planning period whose balances are asked for side by side: each takes seconds."""
DIFFERENCES_SHOWN_MAX = 20
"""Differences shown of one pair; all are counted."""
BREAKS_SHOWN_MAX = 5
"""Balances shown of a pair that differ from the ERP's own lines; all are counted."""
DIFFERENCES_STORED_MAX = 200
"""Differences shown of all pairs of a planning period, so that a step's result stays small."""

TIED = "tied"
OFF = "off"
MOVING = "moving"

Stream = Iterator[tuple[tuple[str, ...], Totals]]
Members = Mapping[str, Sequence[Pair]]


def control_members(
    steps: Steps, bench: ActualsBench, books: Books, members: Members
) -> dict[Pair, Json]:
    """Each pair's control: tied, off, or moving; tied pairs count as read whole.

    A difference is first looked for in what changed meanwhile and in batches filed under other
    periods, then in the batches themselves. A pair that still differs, and otherwise than at the
    look before because the ERP's side moved, is moving; one whose differences stand still is off,
    whatever else is posted.
    """
    controls: dict[Pair, Json] = {}
    for member, pairs in members.items():
        controls |= _control_step(steps, bench, books, member=member, pairs=pairs)
    before: dict[Pair, Json] = {}
    for round_number in range(1, ROUNDS_MAX + 1):
        off = [pair for pair, control in controls.items() if control["state"] == OFF]
        if not off:
            break
        before = dict(controls)
        _read_again(steps, bench, off, round_number)
        for member, pairs in members.items():
            if set(pairs) & set(off):
                controls |= _control_step(steps, bench, books, member=member, pairs=pairs)
    for pair, control in controls.items():
        if control["state"] == OFF and _is_moving(control, before[pair]):
            control["state"] = MOVING
    return controls


def _is_moving(now: Json, before: Json) -> bool:
    """Whether the ERP is being posted into, so that what was read may be loaded.

    The last round has read batches again, so the archive's side may have moved by itself: lines
    that were purged, or are hidden now, must not leave the model because of that. Nor must they
    while others are posted: balances that differ from the ERP's own lines by the same amounts at
    both looks are not about to agree.
    """
    if now["breaks"] and now["breaks_digest"] == before["breaks_digest"]:
        return False
    return bool(now["digest"] != before["digest"] and now["erp_digest"] != before["erp_digest"])


def _read_again(steps: Steps, bench: ActualsBench, off: Sequence[Pair], round_number: int) -> None:
    """What changed meanwhile is read; in the last round also the archived batches themselves."""
    label = f"control: read again {round_number}"
    listing = steps.step(f"{label}, list", partial(list_everything, bench))
    read_listed(steps, bench, listing, label=f"{label}, batches")
    if round_number == ROUNDS_MAX:
        listing = steps.step(f"{label}, list archived", partial(list_current, bench, off))
        read_listed(steps, bench, listing, label=f"{label}, archived batches")


def _control_step(
    steps: Steps, bench: ActualsBench, books: Books, *, member: str, pairs: Sequence[Pair]
) -> dict[Pair, Json]:
    body = partial(control_member, bench, books, pairs, run_id=steps.run_id)
    found = steps.step(f"control: {member}", body)
    files = {name: found[name] for name in ("erp", "archived")}
    rows = read_document(bench.archive, found["document"])
    return {pair: row | files for pair, row in zip(pairs, rows, strict=True)}


def control_member(
    bench: ActualsBench, books: Books, pairs: Sequence[Pair], *, run_id: str
) -> Json:
    """The archive's totals of a planning period against the ERP's own, per account combination.

    Returns the two files, and a document with state, count and some differences of each pair in its
    order; also where the ERP's balances are not what its own lines add up to.
    """
    erp_hash, shown = store_balances(bench, books, pairs)
    archived_hash = store_archived(bench, pairs)
    found = _sort_differences(
        pairs,
        find_differences(
            bench.archive.read_totals(erp_hash), bench.archive.read_totals(archived_hash)
        ),
    )
    for pair in pairs:
        _add_breaks(found[pair], shown[pair])
    if Measure(bench.flow.measure) is Measure.BASE:
        for pair in pairs:
            if found[pair]["state"] == TIED:
                bench.records.batches.record_whole(bench.source.connection, *pair, run_id=run_id)
    document = store_document(bench.archive, [found[pair] for pair in pairs])
    return {"erp": erp_hash, "archived": archived_hash, "document": document}


def _add_breaks(row: Json, shown: "Shown") -> None:
    """A pair whose balances and lines differ in the ERP itself is off, whatever the archive says.

    Either its lines changed since they were read, or its books are out of order.
    """
    row |= {
        "balances": shown.balances, "breaks": shown.breaks, "breaks_shown": shown.breaks_shown,
        "breaks_digest": f"{shown.breaks_digest:x}", "erp_digest": f"{shown.erp_digest:x}",
        "net": render_plain(shown.net),
    }  # fmt: skip
    if shown.breaks:
        row["state"] = OFF
        row["digest"] = f"{row['digest']} {shown.breaks_digest:x}"


def _sort_differences(
    pairs: Sequence[Pair], differences: Iterator[tuple[tuple[str, ...], Decimal, Decimal]]
) -> dict[Pair, Json]:
    found: dict[Pair, Json] = {p: {"state": TIED, "differences": 0, "shown": []} for p in pairs}
    digests = {pair: hashlib.sha256() for pair in pairs}
    for number, (key, erp, archived) in enumerate(differences):
        ledger, period, currency, combination = key
        row = found[ledger, period]
        row["state"] = OFF
        row["differences"] += 1
        digests[ledger, period].update(f"{key}{erp}{archived}".encode())
        if number < DIFFERENCES_STORED_MAX and row["differences"] <= DIFFERENCES_SHOWN_MAX:
            row["shown"].append(
                {"combination": combination, "currency": currency, "erp": render_plain(erp),
                 "archived": render_plain(archived)}
            )  # fmt: skip
    return {pair: row | {"digest": digests[pair].hexdigest()} for pair, row in found.items()}


@dataclass(slots=True, kw_only=True)
class Shown:
    """What a pair's balances showed besides their movements.

    `balances` counts those at rest too: none at all is no quiet period but one the user may not
    see. `breaks` counts the balances that are not what the ERP's own lines add up to. The digests,
    of what moved and of by how much balances and lines differ, are the same in any order. The net
    of a whole ledger is zero in every period; where it is not, rights may hide a part of it.
    """

    balances: int = 0
    breaks: int = 0
    breaks_shown: list[Json] = field(default_factory=list)
    breaks_digest: int = 0
    erp_digest: int = 0
    net: Decimal = ZERO

    def take(self, balance: Balance) -> None:
        """The balance is counted, and compared with its lines where they are known."""
        self.balances += 1
        self.net += balance.activity
        self.erp_digest ^= _digest(balance, balance.activity)
        if balance.of_lines is None or balance.of_lines == balance.activity:
            return
        self.breaks += 1
        self.breaks_digest ^= _digest(balance, balance.activity - balance.of_lines)
        row = {
            "combination": balance.key.combination, "currency": balance.key.currency,
            "balance": render_plain(balance.activity), "lines": render_plain(balance.of_lines),
        }  # fmt: skip
        if self.breaks <= BREAKS_SHOWN_MAX:
            self.breaks_shown.append(row)


def _digest(balance: Balance, amount: Decimal) -> int:
    text = f"{tuple(balance.key)} {render_plain(amount)}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16])


def store_balances(
    bench: ActualsBench, books: Books, pairs: Sequence[Pair]
) -> tuple[str, dict[Pair, Shown]]:
    """The ERP's movements of the pairs, archived in key order; returns the file's hash.

    Also what each pair's balances showed besides.
    """
    with (
        bench.archive.sorter() as sorter,
        ExactPool(BALANCES_AT_ONCE) as pool,
    ):
        read = partial(_read_balances, bench, books, sorter, Lock())
        shown = dict(zip(pairs, pool.map(read, pairs), strict=True))
        return bench.archive.write_totals(sorter.merged()).file_hash, shown


def _read_balances(
    bench: ActualsBench, books: Books, sorter: TotalsSorter, guard: Lock, pair: Pair
) -> Shown:
    ledger, period = books.ledgers[pair[0]], books.period(pair)
    shown = Shown()
    for balance in bench.source.read_balances(ledger, period, Measure(bench.flow.measure)):
        shown.take(balance)
        if not balance.activity:
            continue  # Absent is zero, and most combinations of a chart do not move in a period.
        with guard:
            sorter.add(tuple(balance.key), Totals(debit=balance.activity))
    return shown


def store_archived(bench: ActualsBench, pairs: Sequence[Pair]) -> str:
    """The archive's totals of the pairs per combination, archived; returns the file's hash."""
    with bench.archive.sorter() as sorter:
        for line_sum in read_pairs(bench, pairs):
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
