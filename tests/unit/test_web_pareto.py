"""Refusals by cause: every cause is read, however long it is."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from ml_connector.flows.answers.refused_listings import Cause
from ml_connector.web.charts import Bar, drawing, plot_pareto
from ml_connector.web.views.refused import _name_causes


@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_long_causes_are_cut_at_their_end_and_never_at_the_edge_of_the_picture(width: str) -> None:
    """They begin at the left like the bars, whose places tell two that begin alike apart."""
    begin = "Item not found in list Cost Centres: the member 4711 of the third region"
    causes = [f"{begin} has no parent in it", f"{begin} is a parent there", "Duplicate"]
    bars = [Bar(label=text, amount=Decimal(9 - at)) for at, text in enumerate(causes)]

    svg = drawing.draw(plot_pareto(bars, title="summaries"), width=width)

    shown = re.findall(r'text-anchor="([a-z]+)"[^>]*>([^<]+)<', svg)
    labels = [text for _, text in shown if text.startswith(("Item", "Dupl"))]
    assert {anchor for anchor, _ in shown} == {"start"}
    assert len(labels) == 3
    assert [text[-1] for text in labels] == ["…", "…", "e"]


def test_causes_of_one_flow_and_currency_do_not_repeat_them() -> None:
    """Of several each says first which are its own, for its end may be cut."""
    one = Cause(
        flow="a", text="Full", currency="USD", count=2, amount=Decimal(1), periods=("Oct 26",),
        share=Decimal(50),
    )  # fmt: skip
    other, third = replace(one, flow="b"), replace(one, currency="EUR")

    assert _name_causes([one, replace(one, text="Locked")]) == ["Full", "Locked"]
    assert _name_causes([one, other]) == ["a · Full", "b · Full"]
    assert _name_causes([one, third]) == ["USD · Full", "EUR · Full"]
    assert _name_causes([one, other, third])[1:] == ["b USD · Full", "a EUR · Full"]
