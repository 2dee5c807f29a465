"""The colours of the pages, for pictures: a picture reads no style sheet."""

from typing import Any

from ml_connector.ports import Json

LIGHT, DARK = "light", "dark"
COLOURS: dict[str, dict[str, str]] = {
    LIGHT: {
        "sheet": "#ffffff", "line": "#dedfda", "line-strong": "#c3c5bf", "ink": "#1c2124",
        "ink-soft": "#566066", "accent": "#0f5f63", "good": "#17653a", "busy": "#1f5580",
        "waits": "#7a4d00", "wrong": "#a02318", "idle": "#566066", "good-back": "#e3f3e8",
        "busy-back": "#e2eef8", "waits-back": "#fbf0d9", "wrong-back": "#fbe6e3",
        "idle-back": "#ececea",
    },
    DARK: {
        "sheet": "#1b2023", "line": "#30373b", "line-strong": "#465056", "ink": "#e8ebea",
        "ink-soft": "#a3adb1", "accent": "#6fcfc0", "good": "#8fdcab", "busy": "#9ccbf2",
        "waits": "#f0c777", "wrong": "#ff9d92", "idle": "#a3adb1", "good-back": "#173524",
        "busy-back": "#17304a", "waits-back": "#3b2c0c", "wrong-back": "#47201c",
        "idle-back": "#2a3034",
    },
}  # fmt: skip
"""The tokens of `pages.css`, by scheme; a test holds the two together."""
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
MARK = "$"
"""Begins a colour's name in a specification: `$good`."""


def paint(value: Any, scheme: str) -> Any:
    """The value with the colours of the scheme in the place of their names."""
    if isinstance(value, dict):
        return {name: paint(its, scheme) for name, its in value.items()}
    if isinstance(value, list | tuple):
        return [paint(its, scheme) for its in value]
    if isinstance(value, str) and value.startswith(MARK):
        return COLOURS[scheme].get(value[len(MARK) :], value)
    return value


def make_config(scheme: str) -> Json:
    """How every chart looks: quiet axes, no frame, the type of the pages."""
    text = {"labelColor": "$ink-soft", "titleColor": "$ink-soft", "labelFontSize": 12}
    axis = text | {
        "titleFontSize": 12, "titleFontWeight": 400, "domainColor": "$line-strong",
        "tickColor": "$line-strong", "gridColor": "$line", "labelPadding": 6, "titlePadding": 10,
        "labelLimit": 220,
    }  # fmt: skip
    config = {
        "background": "transparent", "font": FONT, "view": {"stroke": None}, "axis": axis,
        "axisX": {"grid": False, "labelAngle": 0}, "axisY": {"domain": False, "ticks": False},
        "legend": text | {"orient": "top", "title": None, "symbolType": "square"},
        "text": {"color": "$ink", "fontSize": 12}, "rule": {"color": "$line-strong"},
        "bar": {"cornerRadiusEnd": 2}, "line": {"strokeWidth": 2},
        # Browsers measure text by fonts of their own, some of them wider.
        "padding": {"left": 14, "right": 34, "top": 4, "bottom": 4},
    }  # fmt: skip
    painted: Json = paint(config, scheme)
    return painted
