"""The envelope around rows: GRID_DATA and the two older forms."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ml_connector.sandbox.jde.question import Question
from ml_connector.sandbox.jde.refusals import short_stamp

_GRID_ID_FIRST = 40
_EXTRA = {"aisExtension": {"reserved": None}}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMarks:
    """What a page says about itself and the result set it is of."""

    stack_id: int
    state_id: int
    rid: str
    next_href: str | None
    extra: bool


def grid_id(table: str) -> int:
    """Return the id of the grid that shows a table."""
    return _GRID_ID_FIRST + sum(map(ord, table)) % 60


def form_name(question: Question) -> str:
    """Return the name of the form in the answer."""
    return f"DATABROWSE_{question.table.name}"


def render_form(question: Question, rows: str, count: int, *, more: bool) -> str:
    """Return the JSON object of the form; `rows` are rendered objects, comma between them."""
    table, number = question.table, grid_id(question.table.name)
    titles = {question.key(column): column.title for column in question.columns}
    grid: dict[str, Any] = {"id": number, "fullGridId": str(number)}
    if question.wish.output_type == "GRID_DATA":
        grid["columns"] = titles
    else:
        grid["titles"] = titles
    if question.wish.output_type == "VERSION2":
        grid["columnInfo"] = _column_facts(question)
    summary = json.dumps({"records": count, "moreRecords": more}, separators=(",", ":"))
    head = json.dumps(grid, ensure_ascii=False, separators=(",", ":"))[:-1]
    title = json.dumps(f"Data Browser - {table.name} [{table.title}]")
    return (
        f'{{"title":{title},"data":{{"gridData":{head},"rowset":[{rows}],"summary":{summary}}}}},'
        '"errors":[],"warnings":[]}'
    )


def render_page(question: Question, form: str, marks: PageMarks, at: datetime) -> str:
    """Return the whole answer of a single browse."""
    name = form_name(question)
    tail: dict[str, Any] = {
        "stackId": marks.stack_id,
        "stateId": marks.state_id,
        "rid": marks.rid,
        "currentApp": name,
        "timeStamp": short_stamp(at),
        "sysErrors": [],
    }
    if marks.extra:
        tail |= _EXTRA
    if marks.next_href is not None:
        tail["links"] = [{"rel": "next", "context": name, "href": marks.next_href}]
    rest = json.dumps(tail, ensure_ascii=False, separators=(",", ":"))[1:]
    return f'{{"fs_{name}":{form},{rest}'


def _column_facts(question: Question) -> dict[str, Any]:
    return {
        question.key(column): {"id": at, "title": column.title, "dataType": str(column.kind)}
        for at, column in enumerate(question.columns)
    }
