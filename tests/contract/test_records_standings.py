"""Standings: the newest of each period of each ledger, what has come since, and their past."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection
from django.test.utils import CaptureQueriesContext

from ml_connector.ports import (
    Clock,
    Records,
    StageState,
    Standing,
    StandingAmounts,
)

FLOW = "actuals"
NAMED = Decimal(0)
AMOUNTS = StandingAmounts(
    currency="USD", erp=Decimal("100.50"), debit=Decimal(700), archived=Decimal("100.50"),
    excluded=(("closing", Decimal(1)),), unmapped=NAMED, suspense=NAMED, refused=NAMED,
    unsent=NAMED, held=Decimal("99.50"), unexplained=NAMED, lines=12,
)  # fmt: skip


def make(clock: Clock, period: str = "Oct-26", **fields: object) -> Standing:
    """A period that ties out, but for what is named."""
    whole = Standing(
        flow=FLOW, ledger="US", period=period, member="Oct 26", date_first=date(2026, 10, 1),
        date_last=date(2026, 10, 31), status="open", read=StageState.DONE, mapped=StageState.DONE,
        loaded=StageState.DONE, tied=StageState.DONE, amounts=(AMOUNTS,), content_hash="c1",
        report="r1", run_id="run 1", at=clock.now(),
    )  # fmt: skip
    return replace(whole, **fields)  # type: ignore[arg-type]  # names of fields, as the callers write them


def test_standing_is_found_as_it_was_saved(records: Records, records_clock: Clock) -> None:
    """Amounts, dates and stages come back whole; a period nobody looked at has none."""
    one = make(records_clock)
    records.standings.save_standings(FLOW, [one], members=["Oct 26"])

    found = records.standings.find_standing(FLOW, "US", "Oct-26")

    assert found == replace(one, changed_at=one.at)
    assert records.standings.load_standings() == [found]
    assert records.standings.find_standing(FLOW, "US", "Nov-26") is None
    assert found.is_whole
    assert found.amounts[0].excluded_total == 1


def test_proof_hash_is_the_same_while_the_books_are(records_clock: Clock) -> None:
    """Looking again voids no signature; a line, an amount, a placement or a refusal does."""
    one = make(records_clock)
    later = records_clock.now() + timedelta(days=1)
    more_noughts = replace(AMOUNTS, erp=Decimal("100.5000"))
    same = make(
        records_clock,
        run_id="run 2",
        at=later,
        status="closed",
        report="r2",
        amounts=(more_noughts,),
    )
    others = [
        make(records_clock, content_hash="c2"),
        make(records_clock, amounts=(replace(AMOUNTS, lines=13),)),
        make(records_clock, amounts=(replace(AMOUNTS, refused=Decimal("0.01")),)),
        make(records_clock, loaded=StageState.PARTLY),
        make(records_clock, member="Nov 26"),
    ]

    assert same.proof_hash == one.proof_hash
    assert len({one.proof_hash, *(other.proof_hash for other in others)}) == 1 + len(others)


def test_past_tells_only_what_changed(records: Records, records_clock: Clock) -> None:
    """The same again tells who looked last; something else is one change more."""
    first = make(records_clock)
    for told in (
        first,
        replace(first, run_id="run 2", at=first.at + timedelta(hours=1), status=""),
    ):
        records.standings.save_standings(FLOW, [told], members=["Oct 26"])
    seen = records.standings.find_standing(FLOW, "US", "Oct-26")
    off = replace(
        first, run_id="run 3", at=first.at + timedelta(hours=2), tied=StageState.WRONG,
        amounts=(replace(AMOUNTS, unexplained=Decimal("0.01")),),
    )  # fmt: skip
    records.standings.save_standings(FLOW, [off], members=["Oct 26"])

    past = records.standings.load_changes([(FLOW, "US", "Oct-26")])

    assert seen
    assert (seen.run_id, seen.changed_at, seen.status) == ("run 2", first.at, "open")
    assert [(one.run_id, one.is_tied, one.unexplained) for one in past] == [
        ("run 1", True, False), ("run 3", False, True),
    ]  # fmt: skip
    assert records.standings.load_changes([(FLOW, "US", "Oct-26")], since=off.at) == past[1:]
    assert records.standings.load_changes([]) == []


def test_what_stood_for_a_planning_period_and_is_not_told_is_gone(
    records: Records, records_clock: Clock
) -> None:
    """Cells of several ledgers that tie now leave no row; other planning periods keep theirs."""
    several = make(records_clock, "Oct 26", ledger="(several)")
    kept = make(records_clock, "Nov-26", member="Nov 26")
    records.standings.save_standings(
        FLOW, [make(records_clock), several, kept], members=["Oct 26", "Nov 26"]
    )
    moved = make(records_clock, member="Q4 26")
    records.standings.save_standings(FLOW, [moved], members=["Q4 26", "Oct 26"])

    found = {(one.ledger, one.period): one.member for one in records.standings.load_standings()}

    assert found == {("US", "Oct-26"): "Q4 26", ("US", "Nov-26"): "Nov 26"}


def test_period_with_something_new_is_owed(records: Records, records_clock: Clock) -> None:
    """A late line makes the period stand anew until it is loaded, whatever was proved before."""
    records.standings.save_standings(FLOW, [make(records_clock)], members=["Oct 26"])
    records.batches.record_touched(FLOW, [("US", "Oct-26")])

    late = records.standings.find_standing(FLOW, "US", "Oct-26")
    records.batches.settle_touched(FLOW, [("US", "Oct-26")])
    settled = records.standings.find_standing(FLOW, "US", "Oct-26")

    assert late
    assert (late.is_owed, late.is_tied, late.is_whole) == (True, False, False)
    assert settled
    assert settled.is_tied
    assert settled.proof_hash == late.proof_hash


def test_standings_are_found_by_flow_and_dates(records: Records, records_clock: Clock) -> None:
    """Those of the flows asked for that end within the dates; what has no dates always comes."""
    november = {"date_first": date(2026, 11, 1), "date_last": date(2026, 11, 30)}
    dateless = {"ledger": "(none)", "date_first": None, "date_last": None}
    told = [
        make(records_clock),
        make(records_clock, "Nov-26", **november),
        make(records_clock, "Oct 26", **dateless),
    ]
    records.standings.save_standings(FLOW, told, members=["Oct 26"])
    records.standings.save_standings(
        "other", [make(records_clock, flow="other")], members=["Oct 26"]
    )

    def ask(**asked: object) -> list[tuple[str, str]]:
        rows = records.standings.load_standings(**asked)  # type: ignore[arg-type]  # as above
        return [(row.flow, row.period) for row in rows]

    assert ask(flows=[FLOW]) == [(FLOW, "Oct 26"), (FLOW, "Oct-26"), (FLOW, "Nov-26")]
    assert ask(first=date(2026, 11, 1)) == [(FLOW, "Oct 26"), (FLOW, "Nov-26")]
    assert ask(flows=["other"], last=date(2026, 10, 31)) == [("other", "Oct-26")]
    assert ask(flows=[]) == []


def test_statements_do_not_grow_with_the_standings(records: Records, records_clock: Clock) -> None:
    """A page of a thousand periods asks twice, as a page of one does."""
    many = [make(records_clock, f"P{number}", member=f"M{number}") for number in range(300)]
    records.standings.save_standings(FLOW, many, members=[one.member for one in many])

    with CaptureQueriesContext(connection) as asked:
        found = records.standings.load_standings()

    assert len(found) == 300
    assert len(asked) == 2
