"""Kinds of charts, as Vega-Lite specifications: plain dicts whose amounts are exact text.

Colours are named by their tokens (`$good`); `themes.py` puts the colours of a scheme there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ml_connector.domain.money import ZERO, exact_money, render_amount, render_plain
from ml_connector.flows.answers.listing import Tone
from ml_connector.ports import Json

HEIGHT = 220
ROW_HEIGHT = 28
BAR_ROW_HEIGHT = 44
"""Of a bar and the label above it."""
BAR_DOWN_PX = 9
"""How far below the middle of its row a bar lies, and its label above."""
BAR_TEXT_PX = 110
"""Beside the longest bar, for what it stands for."""
LABEL_OF_WIDTH = 0.95
"""Share of the chart's width that a label may take; browsers may show it a tenth wider."""
COLUMN_PX_MAX = 36
HEAT_DEEPEST = 45
"""Of a hundred: how opaque the strongest field is, so that the text in it is read."""
FEW = 9
"""So few upright bars would be as broad as the chart."""
Values = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A bar of a waterfall: a total that stands on the ground, or what is taken from the last."""

    label: str
    amount: Decimal
    is_total: bool = False
    tone: str = Tone.IDLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar with its label; `text` is what stands beside it."""

    label: str
    amount: Decimal
    text: str = ""
    tone: str = "accent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A part of a stacked bar."""

    label: str
    part: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """A field of a heat map; `text` stands in it, `tone` colours it, of a hundred so strongly."""

    row: str
    column: str
    text: str
    tone: str
    strength: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value at an instant."""

    at: datetime
    value: int


def plot_waterfall(steps: Sequence[Step], *, currency: str) -> Json:
    """From a first total to the last one; every step begins where the one before has ended."""
    values: Values = []
    level = ZERO
    with exact_money():
        for at, step in enumerate(steps):
            start = ZERO if step.is_total else level
            level = start + step.amount
            values.append(
                {"at": at, "label": step.label, "from": render_plain(start),
                 "to": render_plain(level), "text": render_amount(step.amount, currency),
                 "top": render_plain(max(start, level)), "tone": f"${step.tone}"}
            )  # fmt: skip
    x = {"field": "label", "type": "nominal", "sort": None, "axis": {"title": None}}
    bar: Json = {
        "mark": {"type": "bar", "size": 44},
        "encoding": {
            "y": {"field": "from", "type": "quantitative", "axis": _axis(currency)},
            "y2": {"field": "to"},
            "color": {"field": "tone", "type": "nominal", "scale": None},
        },
    }
    text: Json = {
        "mark": {"type": "text", "dy": -8, "fontSize": 11},
        "encoding": {"y": {"field": "top", "type": "quantitative"}, "text": {"field": "text"}},
    }
    return _layers(values, ("from", "to", "top"), x, [bar, text])


def plot_bars(bars: Sequence[Bar], *, title: str = "") -> Json:
    """Horizontal bars in the order given, each below its label, what it stands for beside it.

    Labels begin where the bars do and may be as long as the chart is wide: beside the bars a long
    one would leave the picture at its left edge, for browsers measure text by fonts of their own.
    """
    values = [
        {"at": at, "label": bar.label, "value": render_plain(bar.amount), "tone": f"${bar.tone}",
         "text": bar.text or render_plain(bar.amount)}
        for at, bar in enumerate(bars)
    ]  # fmt: skip
    # By their place: two causes that begin alike are two bars.
    y = {"field": "at", "type": "ordinal", "axis": None}
    x = {"field": "value", "type": "quantitative", "axis": None,
         "scale": {"domainMin": 0, "range": [0, {"expr": f"width - {BAR_TEXT_PX}"}]}}  # fmt: skip
    layers: list[Json] = [
        {"mark": {"type": "bar", "height": 14, "yOffset": BAR_DOWN_PX},
         "encoding": {"x": x, "color": {"field": "tone", "type": "nominal", "scale": None}}},
        {"mark": {"type": "text", "align": "left", "dx": 6, "dy": BAR_DOWN_PX},
         "encoding": {"x": x, "text": {"field": "text"}}},
        {"mark": {"type": "text", "align": "left", "dy": -BAR_DOWN_PX, "color": "$ink-soft",
                  "limit": {"expr": f"width * {LABEL_OF_WIDTH}"}},
         "encoding": {"x": {"value": 0}, "text": {"field": "label"}}},
    ]  # fmt: skip
    spec = {"data": _data(values, "value"), "encoding": {"y": y}, "layer": layers}
    return spec | {"height": max(BAR_ROW_HEIGHT * len(values), 60), **_titled(title)}


def plot_columns(bars: Sequence[Bar], *, title: str) -> Json:
    """Upright bars in the order given, such as one for each run."""
    values = [
        {"at": at, "label": bar.label, "value": render_plain(bar.amount), "tone": f"${bar.tone}"}
        for at, bar in enumerate(bars)
    ]
    x = {"field": "label", "type": "nominal", "sort": None,
         "axis": {"title": None, "labelOverlap": "greedy", "labelSeparation": 12}}  # fmt: skip
    y = {"field": "value", "type": "quantitative", "axis": _axis(title)}
    color = {"field": "tone", "type": "nominal", "scale": None}
    size = {"size": COLUMN_PX_MAX} if len(values) <= FEW else {}
    return {
        "data": _data(values, "value"), "mark": {"type": "bar", **size}, "height": HEIGHT,
        "encoding": {"x": x, "y": y, "color": color},
    }  # fmt: skip


def plot_stack(slices: Sequence[Slice], *, title: str) -> Json:
    """Horizontal bars of parts, each part in one colour throughout."""
    parts = list(dict.fromkeys(one.part for one in slices))
    labels = list(dict.fromkeys(one.label for one in slices))
    values = [
        {"label": one.label, "part": one.part, "value": render_plain(one.amount),
         "order": parts.index(one.part)}
        for one in slices
    ]  # fmt: skip
    colours = ["$accent", "$busy", "$good", "$waits", "$idle", "$wrong", "$ink"]
    return {
        "data": _data(values, "value"),
        "mark": {"type": "bar", "height": 16, "cornerRadiusEnd": 0},
        "height": max(ROW_HEIGHT * len(labels), 60),
        "encoding": {
            "y": {"field": "label", "type": "nominal", "sort": None, "axis": {"title": None}},
            "x": {"field": "value", "type": "quantitative", "axis": _axis(title)},
            "order": {"field": "order", "type": "quantitative"},
            "color": {
                "field": "part", "type": "nominal", "sort": None,
                "scale": {"domain": parts, "range": colours[: len(parts)]},
                "legend": {"columns": 4},
            },
        },
    }  # fmt: skip


def plot_heat(fields: Sequence[Heat]) -> Json:
    """A field for each row and column, coloured by its tone, its text in it."""
    values = [
        {"row": one.row, "column": one.column, "text": one.text, "tone": f"${one.tone}",
         "depth": render_plain(Decimal(one.strength) * HEAT_DEEPEST / 10_000)}
        for one in fields
    ]  # fmt: skip
    rows = len({one.row for one in fields})
    axis = {"title": None, "domain": False, "ticks": False, "grid": False}
    encoding = {
        "x": {
            "field": "column",
            "type": "nominal",
            "sort": None,
            "axis": axis | {"orient": "top", "labelFontSize": 10},
        },
        "y": {"field": "row", "type": "nominal", "sort": None, "axis": axis},
    }
    tone = {"field": "tone", "type": "nominal", "scale": None}
    depth = {"field": "depth", "type": "quantitative", "scale": None, "legend": None}
    layers = [
        {"mark": {"type": "rect", "stroke": "$sheet", "strokeWidth": 2, "cornerRadius": 3},
         "encoding": {"color": tone, "fillOpacity": depth}},
        {"mark": {"type": "text", "fontSize": 11, "color": "$ink"},
         "encoding": {"text": {"field": "text"}}},
    ]  # fmt: skip
    return {
        "data": _data(values, "depth"), "encoding": encoding, "layer": layers,
        "height": max(ROW_HEIGHT * rows, 40),
    }  # fmt: skip


def plot_pareto(bars: Sequence[Bar], *, title: str) -> Json:
    """Reasons from the most to the least, and how much of all they make together."""
    ordered = sorted(bars, key=lambda bar: (-abs(bar.amount), bar.label))
    values: Values = []
    with exact_money():
        total = sum((abs(bar.amount) for bar in ordered), ZERO)
        so_far = ZERO
        for bar in ordered:
            so_far += abs(bar.amount)
            share = so_far * 100 // total if total else ZERO
            values.append(
                {"label": bar.label, "value": render_plain(abs(bar.amount)),
                 "text": f"{bar.text or render_plain(bar.amount)} · {share} %"}
            )  # fmt: skip
    shown = [
        Bar(label=row["label"], amount=Decimal(row["value"]), text=row["text"]) for row in values
    ]
    return plot_bars(shown, title=title)


def plot_line(points: Sequence[Point], *, title: str, limit: int | None = None) -> Json:
    """A line over time, and the limit it must not cross."""
    values = [
        {"at": f"{p.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", "value": p.value} for p in points
    ]
    x = {"field": "at", "type": "temporal", "scale": {"type": "utc"}, "axis": {"title": "UTC"}}
    y = {"field": "value", "type": "quantitative", "axis": _axis(title)}
    layers: list[Json] = [
        {"mark": {"type": "line", "color": "$accent", "interpolate": "step-after"},
         "encoding": {"x": x, "y": y}}
    ]  # fmt: skip
    if limit is not None:
        layers += _rule(limit, f"limit {limit:,}")
    return {"data": {"values": values}, "layer": layers, "height": HEIGHT}


def plot_burn_down(days: Sequence[tuple[str, int]], *, planned: Sequence[tuple[str, int]]) -> Json:
    """What is left to close at the end of each working day, beside an even pace."""
    values = [{"day": day, "left": left, "kind": "left"} for day, left in days]
    values += [{"day": day, "left": left, "kind": "even pace"} for day, left in planned]
    order = [day for day, _ in planned] or [day for day, _ in days]
    x = {
        "field": "day",
        "type": "ordinal",
        "sort": order,
        "axis": {"title": "working day after the end"},
    }
    y = {"field": "left", "type": "quantitative",
         "axis": _axis("periods left") | {"tickMinStep": 1}}  # fmt: skip
    kinds = {"domain": ["left", "even pace"], "range": ["$accent", "$line-strong"]}
    color = {"field": "kind", "type": "nominal", "scale": kinds}
    dash = {"field": "kind", "type": "nominal", "legend": None,
            "scale": {"domain": ["left", "even pace"], "range": [[1, 0], [4, 4]]}}  # fmt: skip
    return {
        "data": {"values": values}, "height": HEIGHT,
        "mark": {"type": "line", "point": {"size": 30}},
        "encoding": {"x": x, "y": y, "color": color, "strokeDash": dash},
    }  # fmt: skip


def _axis(title: str) -> Json:
    return {"title": title or None, "format": "~s", "tickCount": 5}


def _titled(title: str) -> Json:
    return {"title": {"text": title, "anchor": "start", "color": "$ink-soft"}} if title else {}


def _data(values: Values, *numbers: str) -> Json:
    """The values, with the texts that are numbers named as such."""
    return {"values": values, "format": {"parse": dict.fromkeys(numbers, "number")}}


def _layers(values: Values, numbers: Sequence[str], x: Json, layers: list[Json]) -> Json:
    return {
        "data": _data(values, *numbers), "encoding": {"x": x}, "layer": layers, "height": HEIGHT,
    }  # fmt: skip


def _rule(at: int, text: str) -> list[Json]:
    datum = {"y": {"datum": at}}
    once = {"data": {"values": [{}]}, "encoding": datum}
    mark = {"type": "text", "align": "left", "x": 4, "dy": -6, "color": "$wrong", "text": text}
    return [
        once | {"mark": {"type": "rule", "color": "$wrong", "strokeDash": [4, 3]}},
        once | {"mark": mark},
    ]
