"""Periods by account and cell, kept for a while: their files never change, and people page."""

from collections import OrderedDict
from threading import Lock

from ml_connector.flows.answers.reconciliation_accounts import PeriodDetail, read_detail
from ml_connector.ports import Archive
from ml_connector.ports.standings import Standing

DETAILS_MAX = 4
"""Periods that stay in memory, and"""
ROWS_MAX = 250_000
"""accounts and cells of theirs, some 500 bytes each; the newest one stays however large it is."""
Key = tuple[str, str, str]

_kept: OrderedDict[Key, PeriodDetail] = OrderedDict()
_guard = Lock()


def find_detail(archive: Archive, standing: Standing) -> PeriodDetail:
    """The period as its tie-out saw it; pages and calls that go through it read its files once.

    Named by the report, whose hash is of what it says: two organisations share no more than that.
    """
    if not standing.report:
        return PeriodDetail()
    key = (standing.report, standing.ledger, standing.period)
    with _guard:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    found = read_detail(archive, standing)
    with _guard:
        _kept[key] = found
        _kept.move_to_end(key)
        while len(_kept) > 1 and (len(_kept) > DETAILS_MAX or _count_rows() > ROWS_MAX):
            _kept.popitem(last=False)
    return found


def _count_rows() -> int:
    return sum(len(its.accounts) + len(its.cells) for its in _kept.values())
