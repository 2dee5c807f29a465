"""Charts: exact labels, the colours of the pages, one picture for each scheme and width."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import RequestFactory

from ml_connector.flows.answers.listing import Listing, Money
from ml_connector.web.charts import Chart, Step, drawing, find_chart, find_drawn, plot_waterfall
from ml_connector.web.charts.themes import COLOURS, DARK, LIGHT, paint
from ml_connector.web.tables import Table

STYLES = Path("src/ml_connector/web/static/pages/pages.css")


def make_chart(amount: str = "9007199254740993.01") -> Chart:
    """A waterfall of one total that no double holds."""
    total = Decimal(amount)
    listing = Listing(
        columns=("Step", "Amount"), rows=[("ERP", Money(amount=total, currency="USD"))]
    )
    steps = [Step(label="ERP", amount=total, is_total=True, tone="good")]
    return Chart(
        name="bridge", title="Bridge", alt="", spec=plot_waterfall(steps, currency="USD"),
        table=Table(name="bridge-table", title="Bridge", listing=listing),
    )  # fmt: skip


def test_colours_are_those_of_the_pages() -> None:
    """Every token of the charts has the value that the style sheet gives it, in both schemes."""
    light, dark = STYLES.read_text().split("@media screen and (prefers-color-scheme: dark)")[:2]
    for scheme, text in ((LIGHT, light), (DARK, dark)):
        found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", text))
        assert {name: found[name] for name in COLOURS[scheme]} == COLOURS[scheme]


def test_names_of_colours_are_painted_and_other_texts_stay() -> None:
    """Only whole names of tokens are colours."""
    painted = paint({"a": ["$good", "$100", "$"], "b": 1}, DARK)

    assert painted == {"a": [COLOURS[DARK]["good"], "$100", "$"], "b": 1}


def test_waterfall_steps_begin_where_the_last_one_ended() -> None:
    """From the first total to the last, exact to the cent, labels included."""
    steps = [
        Step(label="ERP", amount=Decimal("100.10"), is_total=True),
        Step(label="Unmapped", amount=Decimal("-0.03")),
        Step(label="Model", amount=Decimal("100.07"), is_total=True),
    ]
    values = plot_waterfall(steps, currency="USD")["data"]["values"]

    assert [(row["from"], row["to"]) for row in values] == [
        ("0", "100.1"), ("100.1", "100.07"), ("0", "100.07"),
    ]  # fmt: skip
    assert [row["text"] for row in values] == ["100.10", "-0.03", "100.07"]


def test_picture_is_drawn_once_for_each_scheme_and_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same content is not drawn again; what this process knows is answered without its page."""
    drawn: list[tuple[str, str]] = []
    real = drawing.draw

    def note(spec: object, *, scheme: str, width: str) -> str:
        drawn.append((scheme, width))
        return real(spec, scheme=scheme, width=width)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr(drawing, "draw", note)
    ask = RequestFactory().get
    chart = make_chart()
    dark = f"/?{chart.address}&scheme=dark&width=narrow"
    answers = [
        find_chart(ask("/?chart=bridge"), [chart]),
        find_chart(ask("/?chart=bridge"), [make_chart()]),
        find_drawn(ask(dark)), find_drawn(ask(dark)),
    ]  # fmt: skip

    assert drawn == [("light", "wide"), ("dark", "narrow")]
    assert all(answer and answer["Content-Type"] == "image/svg+xml" for answer in answers)
    text = answers[2].content.decode() if answers[2] else ""
    assert "9,007,199,254,740,993.01" in text, "labels come of the exact amount"
    assert COLOURS[DARK]["good"] in text
    assert find_chart(ask("/"), [chart]) is None
    assert find_chart(ask("/?chart=other"), [chart]) is None
    assert find_drawn(ask("/?chart=bridge&of=unknown")) is None
    assert find_drawn(ask(f"/?of={chart.digest}")) is None


def test_process_keeps_a_bounded_number_of_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest goes first, and one that is asked for again is drawn again."""
    monkeypatch.setattr(drawing, "draw", lambda *_, **__: "<svg/>")
    ask = RequestFactory().get
    for number in range(drawing.PICTURES_MAX + 20):
        find_chart(ask("/?chart=bridge"), [make_chart(str(number))])

    assert len(drawing._pictures) == drawing.PICTURES_MAX


def test_script_engine_is_loaded_by_a_picture_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `serve` draws before anybody asks: it loads nothing if it cannot be drawn."""
    drawn: list[dict[str, object]] = []
    real = drawing.draw
    monkeypatch.setattr(drawing, "draw", drawn.append)
    drawing.warm_up()

    assert [real(spec)[:4] for spec in drawn] == ["<svg"]
