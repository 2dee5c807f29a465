"""What happens in the books is found: keyed, posted late, deleted, renamed, purged, mended."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.ledger import Balance, Batch, BatchStamp, Line
from ml_connector.domain.periods import PeriodState
from ml_connector.ports import LedgerSource, Measure
from ml_connector.systems.jde.adapter import JdeSource
from ml_connector.systems.jde.translation import LineUnfitError

JOURNAL = [
    {"account": "1.2130", "amount": "100.00"},
    {"account": "1.1110.BEAR", "amount": "-100.00"},
]
OVER_ALL = timedelta(days=4000)


def by_id(stamps: Iterable[BatchStamp]) -> dict[str, BatchStamp]:
    """Stamps by batch, each once."""
    listed = list(stamps)
    found = {stamp.batch_id: stamp for stamp in listed}
    assert len(found) == len(listed)
    return found


def changed(ais: Any, source: LedgerSource, *, days: int = 0) -> dict[str, BatchStamp]:
    """What changed since so many days ago."""
    now = ais.clock.now()
    return by_id(source.read_changed_stamps(now - timedelta(days=days), now))


def read_one(source: LedgerSource, batch_id: str) -> Batch | None:
    """The batch as it is now."""
    ((_, batch),) = source.read_batches([BatchStamp(batch_id=batch_id, version="")])
    return batch


def balances_of(source: LedgerSource, name: str, period: str) -> dict[str, Balance]:
    """The base balances of a period by account id."""
    ledger = next(each for each in source.read_ledgers() if each.name == name)
    found = next(each for each in source.read_periods(ledger) if each.name == period)
    return {b.key.combination: b for b in source.read_balances(ledger, found, Measure.BASE)}


def nets(lines: Iterable[Line]) -> dict[str, Decimal]:
    """Net by account id."""
    found: dict[str, Decimal] = {}
    for line in lines:
        found[line.combination] = found.get(line.combination, Decimal(0)) + line.debit - line.credit
    return found


def test_every_question_gives_a_batch_the_same_version(ais: Any, source: JdeSource) -> None:
    """Whichever way a batch is found, it is told in one version, so it is read once."""
    everything = by_id(source.read_all_stamps())
    ledger = source.read_ledgers()[0]
    periods = [p for p in source.read_periods(ledger) if p.year == 2026]
    found = changed(ais, source, days=OVER_ALL.days)

    assert everything == {key: stamp for key, stamp in found.items() if stamp.is_posted}
    assert by_id(source.read_stamps(list(found))) == found
    assert by_id(source.read_period_stamps(periods)).items() < everything.items()
    assert list(everything) == sorted(everything)
    assert list(found) == sorted(found)


def test_periods_list_the_batches_with_lines_in_them(source: JdeSource, books: list[Batch]) -> None:
    """A period's stamps are those of the companies that have its calendar, and no other."""
    ledger = next(each for each in source.read_ledgers() if each.name == "00077")
    period = next(p for p in source.read_periods(ledger) if p.name == "FY2026-P01")
    others = next(
        p for p in source.read_periods(source.read_ledgers()[0]) if p.name == "FY2026-P10"
    )
    wanted = {
        batch.batch_id
        for batch in books
        if any(
            (line.period, line.ledger[:5] == "00077") == ("FY2026-P01", True)
            for line in batch.lines
        )
    }

    assert by_id(source.read_period_stamps([period])).keys() == wanted != set()
    assert wanted < by_id(source.read_period_stamps([period, others, period])).keys()
    assert list(source.read_period_stamps([])) == []


def test_unknown_batches_are_not_there(source: JdeSource) -> None:
    """Ids of nothing, and texts that are no ids, are passed over or gone."""
    odd = ["G-1", "QQ-15001", "nonsense", "", "G-"]

    assert list(source.read_stamps(odd)) == []
    assert [batch for _, batch in source.read_batches(
        [BatchStamp(batch_id=each, version="") for each in odd]
    )] == [None] * len(odd)  # fmt: skip


def test_batch_posted_late_is_found_though_nothing_says_it_changed(
    own_ais: Any, build: Any
) -> None:
    """Posting leaves the change date alone; the batch was pending, and is asked for by its id."""
    source = build(own_ais)
    pending = by_id(source.read_pending_stamps())
    done = own_ais.perform("pass_day")["posted"]
    late = done["batch"]
    batch = read_one(source, late)

    assert pending[late].is_pending
    assert not pending[late].is_posted
    assert late not in changed(own_ais, source, days=1)
    assert late not in by_id(source.read_pending_stamps())
    (stamp,) = source.read_stamps([late])
    assert (stamp.is_posted, stamp.is_pending) == (True, False)
    assert stamp.version != pending[late].version
    assert batch is not None
    assert nets(batch.lines) == {aid: Decimal(net) for aid, net in done["amounts"].items()}
    assert {line.accounting_date.isoformat() for line in batch.lines} == {done["gl_date"]}
    assert {line.period for line in batch.lines} == {"FY2026-P10"}


def test_batch_posted_late_is_listed_where_posting_moves_the_date(own_ais: Any, build: Any) -> None:
    """Where posting does move the change date, the look for changes finds it as well."""
    own_ais.turn(postTouchesUpmj=True)
    source = build(own_ais)
    late = own_ais.perform("pass_day")["posted"]["batch"]

    assert changed(own_ais, source, days=1)[late].is_posted


def test_late_posting_keeps_lines_and_balances_tied(own_ais: Any, build: Any) -> None:
    """The closed month moves by exactly what was posted into it."""
    source = build(own_ais)
    before = balances_of(source, "00001", "FY2026-P10")
    amounts = own_ais.perform("pass_day")["posted"]["amounts"]
    after = balances_of(source, "00001", "FY2026-P10")
    moved = {
        aid: after[aid].activity - (before[aid].activity if aid in before else 0)
        for aid in after
        if aid not in before or after[aid].activity != before[aid].activity
    }

    assert moved == {aid: Decimal(net) for aid, net in amounts.items()}
    assert [b for b in after.values() if b.of_lines != b.activity] == []


def test_deleted_batch_leaves_the_pending_ones_and_is_gone(own_ais: Any, build: Any) -> None:
    """A document deleted before posting is no more, to any question."""
    source = build(own_ais)
    pending = by_id(source.read_pending_stamps())
    gone = own_ais.perform("pass_day")["deleted"]["batch"]

    assert gone in pending
    assert gone not in by_id(source.read_pending_stamps())
    assert list(source.read_stamps([gone])) == []
    assert read_one(source, gone) is None


def test_renamed_account_keeps_its_id_and_changes_what_it_stands_for(
    own_ais: Any, build: Any
) -> None:
    """Lines stay under their account id; the account master explains it anew."""
    source = build(own_ais)
    before = dict(source.read_combinations("account-master"))
    batches = {s.batch_id: b for s, b in source.read_batches(list(source.read_all_stamps()))}
    done = own_ais.perform("pass_day")
    renamed, late = done["renamed"], done["posted"]["batch"]
    after = dict(source.read_combinations("account-master"))
    again = {s.batch_id: b for s, b in source.read_batches(list(source.read_all_stamps()))}
    differing = {aid for aid in before if before[aid] != after[aid]}

    assert before.keys() == after.keys()
    assert differing == {renamed["aid"]}
    assert f"|{renamed['after']['business_unit']}|" in after[renamed["aid"]]
    # The day also posts the late batch, and whatever else it reports as created.
    assert {key: again[key] for key in batches} == batches
    assert late in again


def test_pending_batch_counts_for_nothing_until_it_is_posted(own_ais: Any, build: Any) -> None:
    """What was keyed is listed as pending; its lines appear with its posting."""
    source = build(own_ais)
    keyed = own_ais.perform("create_journal", company="00001", gl_date="2026-11-02", lines=JOURNAL)
    stamp = changed(own_ais, source)[keyed["batch"]]

    assert (stamp.is_posted, stamp.is_pending) == (False, True)
    assert read_one(source, keyed["batch"]) is None
    own_ais.perform("post_batch", batch=keyed["batch"])
    batch = read_one(source, keyed["batch"])
    assert batch is not None
    assert sum(line.debit for line in batch.lines) == 100
    assert {line.journal for line in batch.lines} == {keyed["document"]}


def test_batch_posted_in_part_counts_with_what_is_posted(own_ais: Any, build: Any) -> None:
    """A document added to a posted batch makes it pending again and takes nothing away."""
    source = build(own_ais)
    first = own_ais.perform("create_journal", company="00001", gl_date="2026-11-02", lines=JOURNAL)
    own_ais.perform("post_batch", batch=first["batch"])
    whole = read_one(source, first["batch"])
    row = {"ICUT": "G", "ICU": int(first["batch"].partition("-")[2]), "POST": " ", "AA": 700,
           "AID": "00004535", "MCU": "1", "OBJ": "2130"}  # fmt: skip
    own_ais.perform("add_row", values=row)
    (stamp,) = source.read_stamps([first["batch"]])
    again = read_one(source, first["batch"])

    assert (stamp.is_posted, stamp.is_pending) == (True, True)
    assert first["batch"] in by_id(source.read_pending_stamps())
    assert whole is not None
    assert again is not None
    assert again.lines == whole.lines


def test_foreign_document_is_read_with_both_of_its_amounts(own_ais: Any, build: Any) -> None:
    """What was entered in another currency is one line with two amounts."""
    source = build(own_ais)
    keyed = own_ais.perform(
        "create_journal", company="00001", gl_date="2026-11-02", currency="EUR", lines=JOURNAL
    )
    own_ais.perform("post_batch", batch=keyed["batch"])
    batch = read_one(source, keyed["batch"])

    assert batch is not None
    assert len(batch.lines) == 2
    assert {line.entered_currency for line in batch.lines} == {"EUR"}
    assert {abs(line.entered_debit - line.entered_credit) for line in batch.lines} == {100}
    assert {line.currency for line in batch.lines} == {"USD"}
    assert 100 not in {abs(line.debit - line.credit) for line in batch.lines}


@pytest.mark.parametrize("zones", ["UTC/UTC", "-5/-5", "+9/-8"])
def test_nothing_keyed_around_midnight_is_lost(own_ais: Any, build: Any, zones: str) -> None:
    """Change dates carry no zone, and two servers may disagree about the day."""
    own_ais.turn(serverZones=zones)
    source = build(own_ais)
    own_ais.clock.sleep((15 * 60 + 59) * 60)
    since = source.read_server_time()
    keyed = []
    for _ in range(3):
        keyed.append(own_ais.perform(
            "create_journal", company="00001", gl_date="2026-11-02", lines=JOURNAL
        )["batch"])  # fmt: skip
        own_ais.clock.sleep(120)
        until = source.read_server_time()

        assert set(keyed) <= by_id(source.read_changed_stamps(since, until)).keys()


def test_changes_are_found_by_a_read_that_comes_days_after_it_began(
    own_ais: Any, build: Any
) -> None:
    """A run that failed and goes on later asks about the days before it failed, too."""
    source = build(own_ais)
    since = source.read_server_time()
    keyed = own_ais.perform("create_journal", company="00001", gl_date="2026-11-02", lines=JOURNAL)
    own_ais.clock.sleep(timedelta(days=8).total_seconds())
    until = source.read_server_time()
    own_ais.clock.sleep(timedelta(days=12).total_seconds())

    assert keyed["batch"] in by_id(source.read_changed_stamps(since, until))


def test_posting_ahead_opens_the_period_within_minutes(own_ais: Any, build: Any) -> None:
    """A later period is open once something is posted in it; what is kept grows old."""
    source = build(own_ais)
    ledger = next(each for each in source.read_ledgers() if each.name == "00001")
    december = next(p for p in source.read_periods(ledger) if p.name == "FY2026-P12")
    before = source.read_period_state(ledger, december)
    keyed = own_ais.perform("create_journal", company="00001", gl_date="2026-12-05", lines=JOURNAL)
    own_ais.perform("post_batch", batch=keyed["batch"])
    own_ais.clock.sleep(301)

    assert before is PeriodState.FUTURE
    assert source.read_period_state(ledger, december) is PeriodState.OPEN


def test_purged_lines_show_against_the_balances(own_ais: Any, build: Any) -> None:
    """Purging takes lines and leaves balances; the balance tells both."""
    source = build(own_ais)
    before = by_id(source.read_all_stamps())
    own_ais.perform("purge", company="00001", fiscal_year=2024)
    balances = balances_of(source, "00001", "FY2024-P05")
    after = by_id(source.read_all_stamps())

    assert [b for b in balances.values() if b.activity]
    assert {b.of_lines for b in balances.values()} == {Decimal(0)}
    assert after.keys() < before.keys()
    assert read_one(source, min(before.keys() - after.keys())) is None


def test_broken_balance_shows_against_its_lines(own_ais: Any, build: Any) -> None:
    """A balance out of step is told beside what its lines add up to."""
    source = build(own_ais)
    before = balances_of(source, "00001", "FY2026-P09")
    aid = next(aid for aid, b in before.items() if b.activity)
    own_ais.perform("break_balances", aid=aid, year=2026, period=9, amount="1.00")
    after = balances_of(source, "00001", "FY2026-P09")
    differing = {aid for aid, b in after.items() if b.of_lines != b.activity}

    assert differing == {aid}
    assert after[aid].of_lines == before[aid].activity != after[aid].activity


def test_amount_changed_by_hand_changes_the_version(own_ais: Any, build: Any) -> None:
    """An update past all rules, without a change date, still makes another version."""
    source = build(own_ais)
    batch_id = next(iter(by_id(source.read_all_stamps())))
    (before,) = source.read_stamps([batch_id])
    own_ais.perform("change_posted_amount", batch=batch_id, by="5.00")
    (after,) = source.read_stamps([batch_id])

    assert after.version != before.version


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"PN": 15}, "period 15"),
        ({"AID": " "}, "no account"),
        ({"CO": "00999"}, "00999"),
    ],
)
def test_row_that_cannot_be_a_line_stops_its_batch_by_name(
    own_ais: Any, build: Any, values: dict[str, Any], told: str
) -> None:
    """Such a row is refused with its document; nothing of its batch is taken."""
    row = {"AID": "00004535", "MCU": "1", "OBJ": "2130", "AA": 1000, **values}
    made = own_ais.perform("add_row", values=row)["row"]
    batch_id = f"{made['ICUT'].strip()}-{made['ICU']}"

    with pytest.raises(LineUnfitError, match=told) as refused:
        read_one(build(own_ais), batch_id)

    assert str(made["DOC"]) in refused.value.refused


def test_reading_goes_on_when_the_server_restarts(
    own_ais: Any, build: Any, books: list[Batch]
) -> None:
    """A session that dies between batches is replaced, and no line is lost or doubled."""
    source = build(own_ais, page_size=100, parallel_max=1)
    stamps = list(source.read_all_stamps())
    lines = 0
    for number, (_, batch) in enumerate(source.read_batches(stamps)):
        if number == len(stamps) // 2:
            own_ais.perform("restart_ais")
        lines += len(batch.lines) if batch else 0

    assert lines == sum(len(batch.lines) for batch in books)


def test_dates_of_lines_are_pure_dates(books: list[Batch]) -> None:
    """A GL date has no time and no zone."""
    assert {type(line.accounting_date) for batch in books for line in batch.lines} == {date}
