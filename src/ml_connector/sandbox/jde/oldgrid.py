"""Rows in the two older output types, whose cells are objects with formatted text."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any

from ml_connector.sandbox.jde.columns import Column, Kind
from ml_connector.sandbox.jde.julian import from_julian
from ml_connector.sandbox.jde.literals import DateReader
from ml_connector.sandbox.jde.question import Question
from ml_connector.sandbox.jde.raw import scale_down


def old_row_renderer(
    question: Question, dates: DateReader, zone: tzinfo = UTC
) -> Callable[[int, tuple[Any, ...]], str]:
    """Return what renders a raw row (value and decimals for each column) at its place."""
    first_form = question.wish.output_type == "VERSION1"

    def render(place: int, row: tuple[Any, ...]) -> str:
        cells: dict[str, Any] = {"rowIndex": place, "MOExist": False}
        for at, column in enumerate(question.columns):
            cell = _cell(column, row[2 * at], row[2 * at + 1], dates, zone)
            facts = {"id": at, "title": column.title} if first_form else {}
            cells[question.key(column)] = {**facts, **cell}
        return json.dumps(cells, ensure_ascii=False, separators=(",", ":"))

    return render


def _cell(
    column: Column, value: Any, decimals: int, dates: DateReader, zone: tzinfo
) -> dict[str, Any]:
    if column.kind is Kind.TEXT:
        return {"internalValue": value or " ", "value": value.strip()}
    if column.kind is Kind.DATE:
        day = from_julian(value)
        if day is None:
            return {"internalValue": None, "value": ""}
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        return {"internalValue": int(midnight.timestamp()) * 1000, "value": dates.render(day)}
    exact = scale_down(value, decimals)
    whole = exact == exact.to_integral_value()
    # The older forms are display forms; a double is what they carry.
    internal = int(exact) if whole else float(exact)
    return {"internalValue": internal, "value": f"{exact:,.{decimals}f}"}
