"""The picture of differences: the gravest ledgers, the newest periods, sizes that are exact."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.flows.answers import reconciliation_heat as heat
from ml_connector.flows.answers.listing import Tone
from ml_connector.flows.answers.reconciliation import SignedStanding
from ml_connector.ports.standings import MONEY, StageState, Standing, StandingAmounts
from ml_connector.web.charts import Heat, plot_heat
from ml_connector.web.charts.drawing import draw

DONE = StageState.DONE
ZERO = Decimal(0)
AT = datetime(2026, 11, 1, tzinfo=UTC)


def make_row(ledger: str, month: int, currency: str = "USD", **amounts: str) -> SignedStanding:
    """A period that ties out but for these amounts."""
    told: dict[str, Any] = dict.fromkeys(MONEY, ZERO)
    told |= {name: Decimal(amount) for name, amount in amounts.items()}
    its = StandingAmounts(currency=currency, excluded=(), lines=1, **told)
    standing = Standing(
        flow="f", ledger=ledger, period=f"{month:02}/26", member=f"M{month:02}",
        date_first=date(2026, month, 1), date_last=date(2026, month, 28), status="open",
        read=DONE, mapped=DONE if not its.unmapped else StageState.PARTLY, loaded=DONE, tied=DONE,
        amounts=(its,), content_hash="", report="", run_id="r", at=AT,
    )  # fmt: skip
    return SignedStanding(standing=standing, sign_off=None)


def test_gravest_ledgers_come_first_and_the_newest_periods_are_shown() -> None:
    """Unexplained before what has a name; a period without a difference is calm."""
    rows = [make_row("calm", month) for month in range(1, 10)]
    rows += [make_row("named", 9, unmapped="-5000000"), make_row("wrong", 8, unexplained="-0.01")]

    fields = heat.list_fields(rows)

    places = [(one.standing.ledger, one.standing.member) for one in fields]
    assert places[:2] == [("wrong", "M08"), ("named", "M09")]
    assert [member for ledger, member in places if ledger == "calm"] == [
        "M04", "M05", "M06", "M07", "M08", "M09",
    ]  # fmt: skip
    wrong, named, calm = fields[0], fields[1], fields[2]
    assert (wrong.state.tone, wrong.kind, named.kind) == (Tone.WRONG, "unexplained", "unmapped")
    assert named.strength == 100
    assert heat.FAINTEST <= wrong.strength < named.strength
    assert (calm.difference, calm.strength) == (None, heat.CALM)
    assert heat.tell_heat(fields) == (
        "1 of the 3 ledgers shown differ unexplained; the most is 0.01 USD unexplained, of wrong"
        " in M08."
    )
    assert heat.list_heat(fields).rows[2][4:6] == ("nothing", None)


def test_sizes_are_weighed_within_a_currency_and_narrowed_to_one() -> None:
    """A million yen beside a thousand dollars says nothing of either."""
    rows = [
        make_row("a", 9, "JPY", unexplained="1000000"), make_row("b", 9, unexplained="1000"),
        make_row("c", 9, unexplained="500"),
    ]  # fmt: skip
    strengths = {one.standing.ledger: one.strength for one in heat.list_fields(rows)}
    assert strengths == {"a": 100, "b": 100, "c": 60}
    only = heat.list_fields(rows, currency="USD")
    assert [one.difference is None for one in only if one.standing.ledger == "a"] == [True]


def test_one_field_tells_of_the_flow_where_the_period_differs_most() -> None:
    """A ledger that two flows read has one field, and the worse of the two is in it."""
    calm = make_row("a", 9)
    other = SignedStanding(standing=replace(calm.standing, flow="g"), sign_off=None)
    wrong = make_row("a", 9, unexplained="1")
    [field] = heat.list_fields([calm, wrong, other])
    assert field.difference is not None
    assert heat.list_fields([]) == []
    assert heat.tell_heat(heat.list_fields([calm])) == "Nothing differs in the 1 ledger shown."


@pytest.mark.parametrize(
    ("amount", "told"),
    [("0.99", "<1"), ("-12.5", "12"), ("999.99", "999"), ("1999", "1.9k"), ("99999", "99k"),
     ("1999999", "1.9M"), ("19999999", "19M"), ("12345678901", "12,345M")],
)  # fmt: skip
def test_size_in_a_field_is_cut_and_never_rounded_up(amount: str, told: str) -> None:
    """What is short of a million is not told as one."""
    assert heat.shorten(Decimal(amount)) == told


def test_heat_map_is_drawn_with_its_texts_in_both_schemes() -> None:
    """Each field is a rectangle, as opaque as it is strong."""
    spec = plot_heat(
        [Heat(row="Halden US", column="Oct 26", text="1.9M", tone="wrong", strength=50)]
    )
    assert spec["data"]["values"][0]["depth"] == "0.225"
    for scheme in ("light", "dark"):
        svg = draw(spec, scheme=scheme, width="wide")
        assert "1.9M" in svg
        assert "Halden US" in svg
