"""The close at a glance: one word for each chain, money at stake, what is late, what is left."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.working_days import WorkingDays
from ml_connector.flows.answers.cockpit import (
    Cell,
    burn_down,
    find_closing_month,
    list_closing,
    list_late,
    make_grids,
    sum_stakes,
)
from ml_connector.flows.answers.cockpit_listings import (
    list_late_cells,
    list_standings,
    tell_burn_down,
)
from ml_connector.flows.answers.listing import Money, Tone
from ml_connector.flows.answers.reconciliation import SignedStanding
from ml_connector.ports import SignOff, StageState, Standing, StandingAmounts, StandingChange

DONE, PARTLY, NOT_YET = StageState.DONE, StageState.PARTLY, StageState.NOT_YET
WRONG, MOVING = StageState.WRONG, StageState.MOVING
AT = datetime(2026, 11, 3, 9, tzinfo=UTC)
OCTOBER = date(2026, 10, 31)


def make(ledger: str = "US", period: str = "Oct-26", **fields: Any) -> Standing:
    """A period that ties out, but for what is named; amounts by name as texts."""
    names = ("erp", "debit", "archived", "unmapped", "suspense", "refused", "unsent", "held",
             "unexplained")  # fmt: skip
    money = {name: Decimal(fields.pop(name, 0)) for name in names}
    row = StandingAmounts(currency=fields.pop("currency", "USD"), excluded=(), lines=1, **money)
    whole = Standing(
        flow="actuals", ledger=ledger, period=period, member=period.replace("-", " "),
        date_first=date(2026, 10, 1), date_last=OCTOBER, status="open", read=DONE, mapped=DONE,
        loaded=DONE, tied=DONE, amounts=(row,), content_hash="c", report="r", run_id="run 1", at=AT,
        changed_at=AT,
    )  # fmt: skip
    return replace(whole, **fields)


def place(standing: Standing | None = None, sign_off: SignOff | None = None) -> Cell:
    """The standing in a grid; none: nobody has looked."""
    its = standing or make()
    signed = SignedStanding(standing=standing, sign_off=sign_off) if standing else None
    return Cell(
        flow=its.flow, ledger=its.ledger, period=its.period, member=its.member,
        date_last=its.date_last, signed=signed,
    )  # fmt: skip


def sign(standing: Standing) -> SignOff:
    """A signature on exactly this."""
    return SignOff(
        flow=standing.flow, ledger=standing.ledger, period=standing.period,
        proof_hash=standing.proof_hash, run_id="run 1", signed_by="lee", comment="agreed",
        stated={}, signed_at=AT + timedelta(hours=1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "word", "tone"),
    [
        ({}, "tied out", Tone.GOOD),
        ({"is_owed": True}, "owed", Tone.WAITS),
        ({"mapped": PARTLY, "loaded": NOT_YET, "tied": NOT_YET}, "unmapped", Tone.WAITS),
        ({"loaded": PARTLY}, "refused", Tone.WAITS),
        ({"loaded": NOT_YET, "tied": NOT_YET}, "not sent", Tone.WAITS),
        ({"read": MOVING, "tied": MOVING}, "books moving", Tone.BUSY),
        ({"read": WRONG, "tied": NOT_YET}, "differs", Tone.WRONG),
        ({"mapped": PARTLY, "tied": WRONG}, "differs", Tone.WRONG),
    ],
)
def test_cell_says_the_worst_that_is_true(fields: Any, word: str, tone: Tone) -> None:
    """One word for the chain; a difference outweighs what has a name."""
    state = place(make(**fields)).state

    assert (state.word, state.tone) == (word, tone)


def test_signature_holds_for_what_was_signed_alone() -> None:
    """Signed with something refused by name it is signed off; other books are not."""
    short = make(loaded=PARTLY, refused="3")
    later = replace(short, content_hash="other")

    assert place(short, sign(short)).state.word == "signed off"
    assert place(later, sign(short)).state.word == "refused"
    assert place(make(), sign(short)).state.word == "changed since signed"
    assert place().state.word == "not read"
    chain = dict(place(make(is_owed=True)).chain)
    assert [chain[name].word for name in ("period", "read", "loaded")] == ["open", "done", "owed"]


def test_stakes_never_cancel_and_currencies_are_never_added() -> None:
    """A difference of one company in one direction is not made good by another's."""
    both = [
        make(unexplained="5"),
        make("EU", unexplained="-5"),
        make("JP", currency="JPY", refused="7"),
    ]
    usd, jpy = sum_stakes(both)

    assert (usd.currency, usd.unexplained, usd.periods) == ("USD", Decimal(10), 2)
    assert (jpy.currency, jpy.refused, jpy.unexplained) == ("JPY", Decimal(7), Decimal(0))
    assert place(make(unmapped="2", unexplained="1")).stake == Money(
        amount=Decimal(1), currency="USD"
    )
    assert place(make()).stake is None


def test_grid_has_its_newest_periods_and_folds_adjustments_in() -> None:
    """The newest first; two periods of one planning period share a cell; no ledger stands last."""
    september = make(period="Sep-26", date_last=date(2026, 9, 30))
    adjustment = make(period="Adj-26", member="Oct 26")
    cells = [place(one) for one in (make(), september, adjustment, make("(none)"), make("Asia"))]
    (grid,) = make_grids(cells, {"actuals": "actuals"}, columns_max=2)
    (newest,) = make_grids(cells, {}, columns_max=1)

    assert grid.members == ("Oct 26", "Sep 26")
    assert grid.ledgers == ("Asia", "US", "(none)")
    assert [cell.period for cell in grid.cells["US", "Oct 26"]] == ["Oct-26", "Adj-26"]
    assert grid.tied == (5, 5)
    assert newest.members == ("Oct 26",)
    assert dict(grid.rows)["Asia"] == [("Oct 26", (cells[-1],)), ("Sep 26", ())]


def test_late_is_what_has_ended_and_does_not_tie_out() -> None:
    """The worst first; a period that has not ended, or ties out, is not late."""
    november = make(period="Nov-26", date_last=date(2026, 11, 30), tied=NOT_YET)
    wrong = make("EU", tied=WRONG, unexplained="0.01")
    cells = [place(make()), place(make("AS", loaded=NOT_YET, tied=NOT_YET)), place(november),
             place(wrong)]  # fmt: skip
    late = list_late(cells, date(2026, 11, 4))
    rows = list_late_cells(late, today=date(2026, 11, 4), days=WorkingDays()).rows

    assert [cell.ledger for cell in late] == ["EU", "AS"]
    assert rows[0][4] == Money(amount=Decimal("0.01"), currency="USD")
    assert rows[0][5] == 3, "Monday to Wednesday"
    assert list_late(cells, OCTOBER) == []


def test_burn_down_counts_what_was_left_at_each_days_end() -> None:
    """What was tied and came to differ counts as left again; today is what is open now."""
    cells = [place(make(name)) for name in ("A", "B", "C", "D")]
    cells.append(place(make("(several)")))

    def change(ledger: str, day: int, *, is_tied: bool = True) -> StandingChange:
        at = datetime(2026, 11, day, 23, tzinfo=UTC)
        return StandingChange(
            flow="actuals", ledger=ledger, period="Oct-26", is_tied=is_tied, unexplained=False,
            proof_hash="p", run_id="r", at=at,
        )  # fmt: skip

    month = find_closing_month(cells, date(2026, 11, 4))
    past = [change("A", 2), change("B", 2), change("B", 3, is_tied=False), change("B", 4)]
    burnt = burn_down(
        list_closing(cells, month), past, month=month, days=WorkingDays(),
        now=datetime(2026, 11, 5, 9, tzinfo=UTC),
    )  # fmt: skip

    assert burnt is not None
    # 31 October is a Saturday; working days are 2, 3, 4 and 5 November.
    assert burnt.days == (("+1", 2), ("+2", 3), ("+3", 2), ("+4", 0))
    assert burnt.planned == (("+1", 4), ("+2", 3), ("+3", 2), ("+4", 1), ("+5", 0))
    assert tell_burn_down(burnt).endswith("4 of 4 periods tie out, 0 are left.")
    before = datetime(2026, 11, 1, 9, tzinfo=UTC)
    assert burn_down(cells, [], month=month, days=WorkingDays(), now=before) is None
    assert burn_down([], [], month="", days=WorkingDays(), now=AT) is None
    assert find_closing_month([], OCTOBER) == ""


def test_every_standing_is_in_the_file() -> None:
    """A row for each currency; what nobody looked at, and what has no amounts, has one too."""
    bare = replace(make("EU"), amounts=())
    listing = list_standings([place(make(erp="5", held="5")), place(bare), place()])

    assert [len(row) for row in listing.rows] == [len(listing.columns)] * 3
    assert listing.rows[0][14] == Money(amount=Decimal(5), currency="USD")
