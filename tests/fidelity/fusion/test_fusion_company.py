"""The seeded company: the same every time, balanced, and with everything tests rely on."""

import tracemalloc
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import pytest

from ml_connector.sandbox.company import Company
from ml_connector.sandbox.company.accounts import END_OF_TIME, VALUE_SETS, find_value_set
from ml_connector.sandbox.company.calendars import HALDEN_APRIL, HALDEN_CALENDAR, closing_status
from ml_connector.sandbox.company.ledgers import AMERICAS, GLOBAL, LEDGERS
from ml_connector.sandbox.company.model import Batch, Journal, JournalLine
from ml_connector.sandbox.company.rates import find_rate

BATCHES = tuple(Company(lines=30_000).batches())
JOURNALS = tuple(journal for batch in BATCHES for journal in batch.journals)


def nets(journal: Journal) -> tuple[Decimal, Decimal]:
    """Entered and accounted debit minus credit."""
    zero = Decimal(0)
    entered = sum((x.entered_dr or zero) - (x.entered_cr or zero) for x in journal.lines)
    accounted = sum((x.accounted_dr or zero) - (x.accounted_cr or zero) for x in journal.lines)
    return Decimal(entered), Decimal(accounted)


def amounts(line: JournalLine) -> Iterator[Decimal]:
    """The amounts a line has."""
    for amount in (line.entered_dr, line.entered_cr, line.accounted_dr, line.accounted_cr):
        if amount is not None:
            yield amount


def test_company_is_the_same_each_time() -> None:
    """The same number of lines gives the same batches, to the last digit."""
    assert tuple(Company(lines=30_000).batches()) == BATCHES


def test_company_has_about_the_lines_asked_for() -> None:
    """The number of lines is met within five per cent."""
    lines = sum(len(journal.lines) for journal in JOURNALS)

    assert 28_500 <= lines <= 31_500
    assert 550 <= len(BATCHES) <= 850


def test_every_journal_balances_entered_and_accounted() -> None:
    """Double entry holds in each journal, in both measures."""
    unbalanced = [journal.name for journal in JOURNALS if any(nets(journal))]

    assert unbalanced == []


def test_every_line_has_one_side_and_a_known_combination() -> None:
    """A line is debit or credit, never both, and each segment is a postable value."""
    for journal in JOURNALS:
        chart = journal.ledger.chart
        postable = [
            {
                v.value
                for s in VALUE_SETS
                if s.code == seg.value_set
                for v in s.values
                if not v.summary
            }
            for seg in chart.segments
        ]
        for line in journal.lines:
            assert (line.entered_dr is None) != (line.entered_cr is None)
            parts = chart.split(line.combination)
            assert all(p in allowed for p, allowed in zip(parts, postable, strict=True))


def test_accounted_amounts_have_no_more_decimals_than_the_ledger_takes() -> None:
    """Yen have none, dinars three."""
    for journal in JOURNALS:
        step = Decimal(1).scaleb(-journal.ledger.decimals)
        for line in journal.lines:
            amount = line.accounted_dr or line.accounted_cr or Decimal(0)
            assert amount == amount.quantize(step)


def test_all_amounts_are_decimals_above_nothing() -> None:
    """No seeded line is empty or negative."""
    assert all(
        isinstance(amount, Decimal) and amount > 0
        for journal in JOURNALS
        for line in journal.lines
        for amount in amounts(line)
    )


def test_company_holds_every_kind_of_batch_that_tests_rely_on() -> None:
    """Sources, foreign currency, STAT, encumbrance, letters, copies, sizes: all are there."""
    statuses = Counter(batch.status for batch in BATCHES)

    assert {"Payables", "Receivables", "Manual", "Spreadsheet", "Assets"} == {
        batch.source for batch in BATCHES
    }
    assert {"EUR", "GBP", "STAT"} <= {journal.currency for journal in JOURNALS}
    assert sum(batch.actual_flag == "E" for batch in BATCHES) >= 3
    assert statuses["U"] >= 5
    assert statuses["E"] == statuses["S"] == 1
    assert any(len(batch.journals) > 25 for batch in BATCHES)
    assert sum(len(journal.lines) > 500 for journal in JOURNALS) >= 3


def test_some_batches_hold_journals_of_two_ledgers_of_one_chart() -> None:
    """The batch names no ledger because it may hold several."""
    mixed = [batch for batch in BATCHES if len({j.ledger.name for j in batch.journals}) > 1]

    assert mixed
    assert all(j.ledger.chart is batch.chart for batch in mixed for j in batch.journals)


def test_some_journals_belong_to_another_period_than_their_batch() -> None:
    """The batch's period is only a default."""
    assert any(j.period != batch.default_period for batch in BATCHES for j in batch.journals)


def test_secondary_ledger_is_filled_by_copies_only() -> None:
    """Each batch of the reporting ledger names its parent, which is in the books."""
    names = {batch.name for batch in BATCHES}
    copies = [batch for batch in BATCHES if batch.parent_batch]

    assert copies
    assert all(batch.parent_batch in names for batch in copies)
    assert {j.ledger.name for batch in copies for j in batch.journals} == {"Halden US Reporting"}
    assert not any(
        j.ledger.category == "SECONDARY" and not b.parent_batch for b in BATCHES for j in b.journals
    )


def test_reversal_pair_names_each_other_and_cancels() -> None:
    """The reversal takes back what the original posted."""
    original = next(j for j in JOURNALS if j.reversed_by)
    reversal = next(j for j in JOURNALS if j.reverses == original.name)

    assert original.reversed_by == reversal.name
    assert [x.entered_dr for x in original.lines] == [x.entered_cr for x in reversal.lines]


def test_unposted_batches_stand_in_the_open_period_only() -> None:
    """Whatever is not posted belongs to November 2026."""
    assert {batch.default_period for batch in BATCHES if batch.status != "P"} == {"Nov-26"}


def test_adjusting_periods_of_closed_years_have_journals() -> None:
    """Adj-24 and Adj-25 are used, Adj-26 is not."""
    used = {journal.period for journal in JOURNALS if journal.period.startswith("Adj")}

    assert used == {"Adj-24", "Adj-25"}


def test_batch_names_are_unique_with_period_and_chart() -> None:
    """A batch name alone says too little; with period and chart it is enough."""
    keys = Counter((batch.name, batch.default_period, batch.chart.name) for batch in BATCHES)

    assert max(keys.values()) == 1
    assert len({batch.name for batch in BATCHES}) < len(BATCHES)


def test_journal_keys_are_unique_inside_a_batch() -> None:
    """Name, ledger and currency tell the journals of a batch apart."""
    for batch in BATCHES:
        keys = [(j.name, j.ledger.name, j.currency) for j in batch.journals]
        assert len(set(keys)) == len(keys)


def test_calendars_number_the_same_period_text_differently() -> None:
    """Apr-26 is period 4 of 2026 in one calendar and period 1 of 2027 in the other."""
    january = HALDEN_CALENDAR.period("Apr-26")
    april = HALDEN_APRIL.period("Apr-26")

    assert (january.year, january.number) == (2026, 4)
    assert (april.year, april.number) == (2027, 1)


def test_adjusting_period_shares_the_last_day_with_december() -> None:
    """Two periods hold 31 December; a date alone does not say which."""
    adjusting = HALDEN_CALENDAR.period("Adj-26")

    assert adjusting.number == 13
    assert adjusting.first_day == adjusting.last_day == HALDEN_CALENDAR.period("Dec-26").last_day


@pytest.mark.parametrize(
    ("period", "status"),
    [("Jan-24", "P"), ("Sep-26", "C"), ("Oct-26", "C"), ("Nov-26", "O"), ("Dec-26", "F"),
     ("Adj-26", "N"), ("Adj-25", "C")],
)  # fmt: skip
def test_period_stands_as_agreed(period: str, status: str) -> None:
    """The first year is closed for good, November open, December enterable."""
    assert closing_status(HALDEN_CALENDAR.period(period)) == status


def test_charts_differ_in_order_width_and_delimiter() -> None:
    """Nothing can be split by habit."""
    assert (AMERICAS.delimiter, GLOBAL.delimiter) == (".", "-")
    assert AMERICAS.position("account") == GLOBAL.position("account") == 2
    assert AMERICAS.position("costCentre") != GLOBAL.position("department")
    assert GLOBAL.split("J01-2100-510200-0000") == ("J01", "2100", "510200", "0000")


def test_value_sets_hold_all_types_and_all_kinds_of_values() -> None:
    """Types A L O R E, summary, disabled and ended values, and two ways to say no end."""
    values = [value for value_set in VALUE_SETS for value in value_set.values]

    assert {v.account_type for v in values} == {None, *"ALORE"}
    assert any(v.summary for v in values)
    assert any(not v.enabled for v in values)
    assert any(v.ends_on == END_OF_TIME for v in values)
    assert any(v.ends_on is not None and v.ends_on < END_OF_TIME for v in values)
    assert all(v.value != "68990" for v in values)


def test_each_ledger_has_several_entities() -> None:
    """One entity would hide a mapping that ignores it."""
    assert all(len(ledger.entities) >= 2 for ledger in LEDGERS)


def test_unknown_value_set_is_none() -> None:
    """Looking for a set that is not there is no error."""
    assert find_value_set("Nobody's") is None


def test_rate_of_a_currency_to_itself_is_one() -> None:
    """Home currency needs no conversion, on any day."""
    assert find_rate("USD", "USD", HALDEN_CALENDAR.period("Jan-26").first_day) == 1


@pytest.mark.exhaustive
def test_memory_does_not_grow_with_the_company() -> None:
    """Batches are made one at a time."""
    tracemalloc.start()
    for _batch in Company(lines=100_000).batches():
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 20_000_000


def test_small_company_still_has_its_named_batches() -> None:
    """The named batches come even when fewer lines are asked for."""
    batches: list[Batch] = list(Company(lines=100).batches())

    assert any(batch.name == "Payables of many sites" for batch in batches)
    assert any(len(j.lines) > 500 for batch in batches for j in batch.journals)
