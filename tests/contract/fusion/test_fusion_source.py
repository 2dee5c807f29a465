"""The ledger source over a healthy pod: what the port promises, held against the pod's own sums."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.ledger import Batch, BatchStamp, Ledger, Line
from ml_connector.domain.periods import Period
from ml_connector.ports import LedgerSource, Measure
from ml_connector.systems.fusion.adapter import FusionSource

STAT = "STAT"
Sums = dict[tuple[str, ...], Decimal]


def find_ledger(source: LedgerSource, name: str) -> Ledger:
    """The ledger of this name."""
    return next(each for each in source.read_ledgers() if each.name == name)


def find_period(source: LedgerSource, ledger: Ledger, name: str) -> Period:
    """The period of this name."""
    return next(each for each in source.read_periods(ledger) if each.name == name)


def read_whole(source: LedgerSource, stamps: Iterable[BatchStamp]) -> list[Batch]:
    """The batches, none of them gone."""
    batches = [batch for _, batch in source.read_batches(list(stamps))]
    assert all(batch is not None for batch in batches)
    return [batch for batch in batches if batch is not None]


def list_lines(batches: Iterable[Batch], *, actual: bool = True) -> list[Line]:
    """The lines of actuals, or of encumbrances."""
    return [line for batch in batches if batch.is_actual is actual for line in batch.lines]


def sum_pod(pod: Any, **filters: Any) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """The pod's own totals of its posted lines."""
    totals = pod.perform("totals", **filters)["totals"]
    return {
        (each["ledger"], each["period"], each["combination"], each["currency"]): (
            each["lines"], Decimal(each["accounted_dr"]), Decimal(each["accounted_cr"]),
            Decimal(each["entered_dr"]), Decimal(each["entered_cr"]),
        )
        for each in totals
    }  # fmt: skip


def sum_lines(lines: Iterable[Line]) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """Our totals of the same grain."""
    sums: dict[tuple[str, ...], list[Any]] = defaultdict(lambda: [0, *[Decimal(0)] * 4])
    for line in lines:
        at = sums[(line.ledger, line.period, line.combination, line.entered_currency)]
        amounts = (1, line.debit, line.credit, line.entered_debit, line.entered_credit)
        for index, amount in enumerate(amounts):
            at[index] += amount
    return {key: tuple(values) for key, values in sums.items()}


def net_by_combination(lines: Iterable[Line], measure: Measure) -> Sums:
    """Nets as the source promises balances: accounted or entered, statistical units left out."""
    sums: Sums = defaultdict(Decimal)
    for line in lines:
        if line.entered_currency == STAT:
            continue
        if measure is Measure.ENTERED:
            key = (line.ledger, line.period, line.entered_currency, line.combination)
            sums[key] += line.entered_debit - line.entered_credit
        else:
            key = (line.ledger, line.period, line.currency, line.combination)
            sums[key] += line.debit - line.credit
    return {key: net for key, net in sums.items() if net}


def test_every_posted_line_is_read_once_and_to_the_last_decimal(
    pod: Any, books: list[Batch]
) -> None:
    """What was read equals the pod's own totals, per combination, side and currency."""
    assert sum_lines(list_lines(books)) == sum_pod(pod)
    assert sum_lines(list_lines(books, actual=False)) == sum_pod(pod, actual_flag="E")
    assert list_lines(books, actual=False)


@pytest.mark.parametrize("measure", list(Measure))
def test_lines_tie_to_balances_in_every_period(
    source: FusionSource, books: list[Batch], measure: Measure
) -> None:
    """The pod's balances are the lines' nets in every period that has any."""
    ours = net_by_combination(list_lines(books), measure)
    ledgers = {each.name: each for each in source.read_ledgers()}
    theirs: Sums = {}
    for name, period_name in sorted({key[:2] for key in ours}):
        period = find_period(source, ledgers[name], period_name)
        for balance in source.read_balances(ledgers[name], period, measure):
            if balance.activity:
                theirs[tuple(balance.key)] = balance.activity

    assert theirs == ours


def test_stamps_ascend_and_name_posted_batches_only(pod: Any, source: FusionSource) -> None:
    """Each batch once, by id; those in preparation are left out."""
    ids = [int(stamp.batch_id) for stamp in source.read_all_stamps()]
    posted = pod.server.store.query("SELECT _id FROM je_batches WHERE Status = 'P' ORDER BY _id")
    others = pod.server.store.query("SELECT COUNT(*) FROM je_batches WHERE Status <> 'P'")

    assert ids == [row[0] for row in posted]
    assert others[0][0] > 0


@pytest.mark.parametrize("page_size", [1, 7, 500])
def test_listing_is_the_same_for_every_page_size(pod: Any, build: Any, page_size: int) -> None:
    """Pages cut the listing differently and lose nothing."""
    assert list(build(pod, page_size=page_size).read_all_stamps()) == list(
        build(pod).read_all_stamps()
    )


def test_changed_stamps_are_those_of_the_window(source: FusionSource) -> None:
    """Both ends belong to the window."""
    everything = list(source.read_all_stamps())
    by_time = sorted(datetime.fromisoformat(stamp.version) for stamp in everything)
    since, until = by_time[10], by_time[30]

    found = list(source.read_changed_stamps(since, until))

    assert found == [
        stamp for stamp in everything if since <= datetime.fromisoformat(stamp.version) <= until
    ]
    assert len(found) == 21


def test_changed_stamps_fall_back_to_a_sweep_when_the_date_is_not_queryable(
    pod: Any, build: Any
) -> None:
    """A pod that cannot filter gives the same answer, only slower."""
    since = datetime(2026, 8, 1, tzinfo=UTC)
    until = datetime(2026, 11, 3, 8, tzinfo=UTC)
    filtered = list(build(pod).read_changed_stamps(since, until))
    pod.turn(batch_last_update_queryable=False)

    swept = list(build(pod).read_changed_stamps(since, until))

    assert swept == filtered
    assert filtered


def test_window_of_another_zone_means_the_same_instants(source: FusionSource) -> None:
    """Instants are compared, not clock faces."""
    since = datetime(2026, 8, 1, tzinfo=UTC)
    until = datetime(2026, 11, 3, 8, tzinfo=UTC)
    east = (datetime.fromisoformat("2026-08-01T09:00:00+09:00"), until)

    assert list(source.read_changed_stamps(*east)) == list(source.read_changed_stamps(since, until))


def test_period_stamps_are_those_of_the_default_period(pod: Any, source: FusionSource) -> None:
    """By header: the batch's own default period and calendar decide."""
    ledger = find_ledger(source, "Halden US")
    periods = [find_period(source, ledger, name) for name in ("Sep-26", "Oct-26")]
    wanted = pod.server.store.query(
        "SELECT _id FROM je_batches WHERE Status = 'P' AND UserPeriodSetName = ?"
        " AND DefaultPeriodName IN ('Sep-26', 'Oct-26')",
        (ledger.calendar,),
    )

    found = [int(stamp.batch_id) for stamp in source.read_period_stamps(periods)]

    assert sorted(found) == sorted(row[0] for row in wanted)
    assert len(set(found)) == len(found) > 0


def test_period_stamps_of_no_period_are_none(source: FusionSource) -> None:
    """Nothing asked, nothing found."""
    assert list(source.read_period_stamps([])) == []


def test_line_takes_period_and_date_from_its_journal(pod: Any, source: FusionSource) -> None:
    """The batch's default period is only a default."""
    rows = pod.server.store.query(
        "SELECT b._id, b.DefaultPeriodName, h.PeriodName, h.DefaultEffectiveDate FROM je_batches b"
        " JOIN je_headers h ON h._parent = b._id"
        " WHERE b.Status = 'P' AND h.PeriodName <> b.DefaultPeriodName"
    )
    assert rows
    for batch_id, default, period, at in rows:
        (batch,) = read_whole(source, [stamp_of(batch_id)])
        assert (period, date.fromisoformat(at)) in {
            (line.period, line.accounting_date) for line in batch.lines
        }
        assert default != period


def test_batch_with_many_journals_and_long_journals_is_whole(
    pod: Any, source: FusionSource
) -> None:
    """More journals than a nested page, more lines than a page: all there, numbered once."""
    store = pod.server.store
    many = store.query("SELECT _parent FROM je_headers GROUP BY _parent HAVING COUNT(*) > 25")
    long = store.query(
        "SELECT DISTINCT h._parent FROM je_headers h JOIN je_lines l ON l._parent = h._id"
        " GROUP BY h._id HAVING COUNT(*) > 500"
    )
    assert many
    assert long
    for row in (*many, *long):
        (batch,) = read_whole(source, [stamp_of(row[0])])
        count = store.query(
            "SELECT COUNT(*) FROM je_lines l JOIN je_headers h ON h._id = l._parent"
            " WHERE h._parent = ?",
            (row[0],),
        )[0][0]
        assert len(batch.lines) == count
        assert len({(line.ledger, line.journal, line.number) for line in batch.lines}) == count


def test_encumbrances_are_told_from_actuals(pod: Any, books: list[Batch]) -> None:
    """Neither mark of an encumbrance passes for an actual."""
    actual = {batch.batch_id: batch.is_actual for batch in books}
    marked = pod.server.store.query("SELECT _id, ActualFlag FROM je_batches WHERE Status = 'P'")

    assert actual == {str(row[0]): row[1] == "A" for row in marked}


def test_statistical_lines_keep_their_unit(books: list[Batch]) -> None:
    """Head counts are units, told by the entered currency."""
    units = [line for line in list_lines(books) if line.entered_currency == STAT]

    assert units
    assert STAT not in {line.currency for line in units}


def test_line_carries_source_category_and_names(source: FusionSource, books: list[Batch]) -> None:
    """What mappings and people look at is there."""
    lines = list_lines(books)

    sources = {line.source for line in lines}
    assert {"Payables", "Receivables", "Manual", "Spreadsheet", "Assets"} <= sources
    assert all(line.category and line.journal and line.chart for line in lines)
    assert all(batch.name and batch.posted_on for batch in books)
    for line in lines:
        chart = source.find_chart(line.chart)
        assert chart is not None
        chart.split(line.combination)


def test_deleted_and_unposted_batches_are_none(own_pod: Any, build: Any) -> None:
    """Gone and not posted look alike: there is nothing to archive."""
    source = build(own_pod)
    gone, *_ = source.read_all_stamps()
    own_pod.perform("delete_batch", JeBatchId=int(gone.batch_id), force=True)
    unposted = own_pod.server.store.query("SELECT _id FROM je_batches WHERE Status = 'U'")[0][0]

    results = dict(source.read_batches([gone, stamp_of(unposted), stamp_of(1)]))

    assert list(results.values()) == [None, None, None]


@pytest.mark.parametrize("letter", ["U", "S", "I", "E"])
def test_letters_other_than_p_are_not_posted(own_pod: Any, build: Any, letter: str) -> None:
    """Selected, under way, in error: not posted, whatever the letter."""
    source = build(own_pod)
    before = list(source.read_all_stamps())
    made = own_pod.perform("create_batch", **form(status=letter))["JeBatchId"]

    assert list(source.read_all_stamps()) == before
    assert dict(source.read_batches([stamp_of(made)])) == {stamp_of(made): None}


def test_posting_a_batch_brings_it_into_the_window(own_pod: Any, build: Any) -> None:
    """A batch counts from its posting on."""
    source = build(own_pod)
    made = own_pod.perform("create_batch", **form(status="U"))["JeBatchId"]
    since = source.read_server_time() + timedelta(seconds=60)
    own_pod.clock.sleep(120)
    own_pod.perform("post_batch", JeBatchId=made)

    found = list(source.read_changed_stamps(since, since + timedelta(hours=1)))

    assert [stamp.batch_id for stamp in found] == [str(made)]
    (batch,) = read_whole(source, found)
    assert [str(line.debit - line.credit) for line in batch.lines] == ["12.5", "-12.5"]


def test_reversal_changes_the_original_and_adds_a_batch(own_pod: Any, build: Any) -> None:
    """Both batches turn up in the window."""
    source = build(own_pod)
    made = own_pod.perform("create_batch", **form())["JeBatchId"]
    since = source.read_server_time() + timedelta(seconds=60)
    own_pod.clock.sleep(120)
    reversal = own_pod.perform("reverse_batch", JeBatchId=made, period="Nov-26")["JeBatchId"]

    found = source.read_changed_stamps(since, since + timedelta(hours=1))

    assert {stamp.batch_id for stamp in found} == {str(made), str(reversal)}


def test_rows_that_leave_the_window_while_it_is_read_hide_no_others(
    own_pod: Any, build: Any
) -> None:
    """Keyed reading does not slip when rows drop out between two pages."""
    source = build(own_pod, page_size=3)
    until = datetime(2026, 11, 3, 8, tzinfo=UTC)
    everything = [
        s.batch_id for s in source.read_changed_stamps(until - timedelta(days=999), until)
    ]
    own_pod.clock.sleep(60)

    found = []
    for stamp in source.read_changed_stamps(until - timedelta(days=999), until):
        found.append(stamp.batch_id)
        own_pod.perform("touch_batch", JeBatchId=int(stamp.batch_id))
        if len(found) == 4:
            own_pod.perform("touch_batch", JeBatchId=int(everything[10]))

    # Number 11 was touched on page two, before page four was asked for: it is the next window's.
    assert found == [*everything[:10], *everything[11:]]


def stamp_of(batch_id: int) -> BatchStamp:
    """A stamp of any version: only the id decides what is read."""
    return BatchStamp(batch_id=str(batch_id), version="any")


def form(**changes: Any) -> dict[str, Any]:
    """A small batch in an open period."""
    lines = [
        {"combination": "101.10.68010.120.000.000", "debit": "12.5"},
        {"combination": "101.00.22100.000.000.000", "credit": "12.5"},
    ]
    journal = {"name": "Test", "ledger": "Halden US", "period": "Nov-26", "lines": lines}
    return {"name": "Test batch", "journals": [journal], **changes}
