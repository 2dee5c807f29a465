"""The one place that knows the vendor's field names: requests out, answers in.

Answers are read leniently: keys may be absent or null, unknown ones are passed over. Rows become
tuples in the order the columns were asked in, numbers come from their literals.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import msgspec

from ml_connector.systems.jde.answers import (
    FaultError,
    HiddenError,
    UnreadableError,
    clean_rows,
    decode_object,
    find_deep,
    find_echo,
    find_text,
    is_true,
    parse_whole,
    trim,
)
from ml_connector.systems.jde.conditions import (
    AggregateQuery,
    Condition,
    Either,
    Figure,
    GroupRow,
    Literal,
    Query,
    Row,
    Where,
)

TOKEN_HEADER: Final = "jde-AIS-Auth"  # noqa: S105 - a header's name, not a secret
DEVICE_HEADER: Final = "jde-AIS-Auth-Device"
ENVIRONMENT_HEADER: Final = "jde-AIS-Auth-Environment"
ROLE_HEADER: Final = "jde-AIS-Auth-Role"
NODE_COOKIE: Final = "JSESSIONID"
NO_MAX: Final = "No Max"
EXPIRED_MARK: Final = b"JAS_MSG347"

RenderDate = Callable[[date], str]
"""A day as the session's user writes it."""


class Part(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Base of what is read by name: unknown keys are passed over, absent ones have a default."""


# --- log-in and what needs none -----------------------------------------------------------------


class UserPart(Part, frozen=True):
    """Who logged in, and how that user writes dates and amounts."""

    token: str | None = None
    simple_date_format: str | None = None
    date_format: str | None = None
    date_separator: str | None = msgspec.field(default=None, name="dateSeperator")
    decimal_format: str | None = None


class LoginReply(Part, frozen=True):
    """Answer to a log-in; `userAuthorized` is left out, for it says no even on success (J-01)."""

    username: str | None = None
    environment: str | None = None
    role: str | None = None
    user_info: UserPart | None = None
    ais_session_cookie: str | None = None
    password_about_to_expire: Any = None


class CapabilityPart(Part, frozen=True):
    """Something the server can do."""

    name: str | None = None


class ConfigReply(Part, frozen=True):
    """What the server tells everybody; times are minutes written as text."""

    ais_version: str
    default_environment: str | None = None
    session_timeout: str | int | None = None
    time_to_live: str | int | None = None
    capability_list: list[CapabilityPart] | None = None


class NamedPart(Part, frozen=True):
    """An input or output of an orchestration; `array` tells what each of its lines holds."""

    name: str | None = None
    array: list["NamedPart"] | None = None


class OrchestrationPart(Part, frozen=True):
    """An orchestration the user may call."""

    name: str | None = None
    description: str | None = None
    input_format: str | None = None
    inputs: list[NamedPart] | None = None
    outputs: list[NamedPart] | None = None


class DiscoverReply(Part, frozen=True):
    """The orchestrations."""

    orchestrations: list[OrchestrationPart] | None = None


def render_login(*, user: str, password: str, device: str, environment: str, role: str) -> bytes:
    """The body of a log-in; what is empty is left to the server's defaults."""
    body = {
        "username": user,
        "password": password,
        "deviceName": device,
        "environment": environment,
        "role": role,
    }
    return msgspec.json.encode({name: value for name, value in body.items() if value})


def render_logout(token: str) -> bytes:
    """The body of a log-out."""
    return msgspec.json.encode({"token": token})


# --- requests of the data service ---------------------------------------------------------------


def render_browse(query: Query, *, rows: str, offers_links: bool, render_date: RenderDate) -> bytes:
    """The request for rows, at most so many in the first answer."""
    body: dict[str, object] = {
        **_render_target(query.table, "BROWSE"),
        "findOnEntry": "TRUE",
        "outputType": "GRID_DATA",
        "returnControlIDs": "|".join(_qualify(query.table, name) for name in query.columns),
        "maxPageSize": rows,
        **_render_query(query.table, query.conditions, render_date),
    }
    if offers_links:
        body["enableNextPageProcessing"] = True
    if query.order:
        ordered = [
            {"column": _qualify(query.table, name), "direction": "ASC"} for name in query.order
        ]
        body["aggregation"] = {"orderBy": ordered}
    return msgspec.json.encode(body)


def render_count(table: str, conditions: Iterable[Where], *, render_date: RenderDate) -> bytes:
    """The request for the number of rows."""
    target = _render_target(table, "COUNT")
    return msgspec.json.encode({**target, **_render_query(table, conditions, render_date)})


def render_aggregate(query: AggregateQuery, *, render_date: RenderDate) -> bytes:
    """The request for groups; columns stand bare, for the answer echoes how they were written."""
    figures = [{"aggregation": one.function, "column": one.column} for one in query.figures]
    aggregation: dict[str, object] = {
        "aggregations": [*figures, {"aggregation": "COUNT", "column": "*"}]
    }
    if query.groups:
        aggregation["groupBy"] = [{"column": name} for name in query.groups]
    return msgspec.json.encode(
        {
            **_render_target(query.table, "AGGREGATION"),
            "maxPageSize": NO_MAX,
            "aggregation": aggregation,
            **_render_query(query.table, query.conditions, render_date),
        }
    )


def _render_target(table: str, kind: str) -> dict[str, object]:
    return {"targetName": table, "targetType": "table", "dataServiceType": kind}


def _render_query(
    table: str, conditions: Iterable[Where], render_date: RenderDate
) -> dict[str, object]:
    plain = [one for one in conditions if isinstance(one, Condition)]
    choices = [one for one in conditions if isinstance(one, Either)]
    groups = [("MATCH_ALL", plain)] if plain else []
    groups += [("MATCH_ANY", list(one.conditions)) for one in choices]
    rendered = [
        {
            "matchType": match,
            "condition": [_render_condition(table, one, render_date) for one in group],
        }
        for match, group in groups
    ]
    if not rendered:
        return {}
    if len(rendered) == 1:
        return {"query": {"autoFind": True, **rendered[0]}}
    # Groups are combined from left to right; as all are joined by AND, the order is no matter.
    joined = [{"andOr": "AND", "query": group} for group in rendered]
    return {"query": {"autoFind": True, "complexQuery": joined}}


def _render_condition(
    table: str, condition: Condition, render_date: RenderDate
) -> dict[str, object]:
    values = [
        {
            "content": _render_literal(value, render_date),
            "specialValueId": condition.special,
        }
        for value in condition.values
    ]
    return {
        "controlId": _qualify(table, condition.column),
        "operator": condition.operator,
        "value": values,
    }


def _render_literal(value: Literal, render_date: RenderDate) -> str:
    """Contents are texts, numbers included."""
    if isinstance(value, date):
        return render_date(value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _qualify(table: str, column: str) -> str:
    return column if "." in column else f"{table}.{column}"


# --- rows ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows of one answer; `link` leads to the next and is secret, for it holds the token (J-09)."""

    rows: list[Row]
    has_more: bool
    link: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageShape:
    """How the answer to a query is read, and which column each key of a row stands for."""

    form_key: str
    columns: Mapping[str, str]
    decoder: Any


@lru_cache(maxsize=256)
def build_page_shape(table: str, columns: tuple[str, ...]) -> PageShape:
    """The shape of the pages of a query.

    Rows are structs with a slot per column, so that no dictionary is made per row; a column that
    is missing from any row makes the fast reading fail, and the slow one then tells which.
    """
    keys = tuple(_qualify(table, name).replace(".", "_") for name in columns)
    names = [f"cell_{number}" for number in range(len(keys))]
    row = msgspec.defstruct(
        "TableRow",
        [(name, Any) for name in names],
        rename=dict(zip(names, keys, strict=True)),
        gc=False,
    )
    form_key = f"fs_DATABROWSE_{table}"
    grid = _define("Grid", columns=(dict[str, Any] | None, None), rowset=list[row],  # type: ignore[valid-type]  # the row is made above, at run time
                   summary=_Summary)  # fmt: skip
    frame = _define("Frame", gridData=grid)
    form = _define("Form", data=frame, errors=(Any, None))
    answer = _define("Answer", **{form_key: form}, sysErrors=(Any, None), links=(Any, None))
    return PageShape(
        form_key=form_key,
        columns=dict(zip(keys, columns, strict=True)),
        decoder=msgspec.json.Decoder(answer, float_hook=Decimal),
    )


class _Summary(msgspec.Struct, frozen=True):
    records: int
    moreRecords: Any = False  # noqa: N815 - the vendor's spelling, in the module that knows it


def _define(name: str, **fields: Any) -> type[msgspec.Struct]:
    """A struct whose attributes are spelt as on the wire; a pair is a type and its default."""
    return msgspec.defstruct(
        name,
        [(key, *kind) if isinstance(kind, tuple) else (key, kind) for key, kind in fields.items()],
        kw_only=True,
    )


def parse_page(content: bytes, table: str, columns: tuple[str, ...]) -> Page:
    """The page, its rows as tuples in the order of the columns.

    Raises:
        UnreadableError: It is cut, or of another shape.
        FaultError: It tells of a failure, or holds no rows at all where it should.
        HiddenError: Some columns are missing.
    """
    shape = build_page_shape(table, columns)
    try:
        answer = shape.decoder.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, ArithmeticError):
        raise _diagnose(content, shape) from None
    form = getattr(answer, shape.form_key)
    _verify_no_fault(answer.sysErrors, form.errors)
    grid = form.data.gridData
    _verify_columns(grid.columns, shape)
    if grid.summary.records != len(grid.rowset):
        raise UnreadableError(f"{len(grid.rowset)} rows where it counts {grid.summary.records}")
    return Page(
        rows=clean_rows(grid.rowset),
        has_more=is_true(grid.summary.moreRecords),
        link=_find_link(answer.links),
    )


def _verify_columns(columns: Mapping[str, Any] | None, shape: PageShape) -> None:
    # Column security takes columns away without a word (J-12).
    if columns is None:
        return
    if hidden := [name for key, name in shape.columns.items() if key not in columns]:
        raise HiddenError(hidden)


def _verify_no_fault(*faults: Any) -> None:
    # A failure may come with status 200 (J-16).
    if any(faults):
        raise FaultError(find_words([fault for fault in faults if fault]))


def _diagnose(content: bytes, shape: PageShape) -> Exception:
    """What is wrong with a page that could not be read at once."""
    try:
        answer = decode_object(content)
        grid = find_deep(answer, shape.form_key, "data", "gridData")
    except UnreadableError as error:
        return error
    if not isinstance(grid, dict):
        return FaultError(find_words(answer) or f"no {shape.form_key} in the answer")
    rows = [row for row in grid.get("rowset") or [] if isinstance(row, dict)]
    known = grid.get("columns")
    hidden = [
        name
        for key, name in shape.columns.items()
        if any(key not in row for row in rows) or (isinstance(known, dict) and key not in known)
    ]
    return HiddenError(hidden) if hidden else UnreadableError("rows of another shape")


def _find_link(links: Any) -> str:
    found = [
        str(link.get("href") or "")
        for link in (links if isinstance(links, list) else [])
        if isinstance(link, dict) and link.get("rel", "next") == "next"
    ]
    return next(filter(None, found), "")


# --- counts and groups --------------------------------------------------------------------------


def parse_count(content: bytes, table: str) -> int:
    """The number of rows, from either shape (J-14).

    Raises:
        UnreadableError: The answer is cut, or holds no number.
        FaultError: It tells of a failure.
    """
    answer = decode_object(content)
    _verify_whole(answer, table)
    number = find_deep(answer, f"ds_{table}", "count")
    if number is None:
        number = find_deep(answer, "count")
    return parse_whole(number)


def parse_groups(content: bytes, query: AggregateQuery) -> list[GroupRow]:
    """The groups of the answer.

    Raises:
        UnreadableError: The answer is cut, or of another shape.
        FaultError: It tells of a failure.
        HiddenError: A column or figure is missing.
    """
    answer = decode_object(content)
    _verify_whole(answer, query.table)
    output = find_deep(answer, f"ds_{query.table}", "output")
    if output is None:
        output = find_deep(answer, "output")
    if not isinstance(output, list):
        raise FaultError(find_words(answer) or "no groups in the answer")
    return [_parse_group(group, query) for group in output if isinstance(group, dict)]


def _parse_group(group: Mapping[str, Any], query: AggregateQuery) -> GroupRow:
    values = group.get("groupBy") or {}
    keys = [find_echo(values, name, query.table) for name in query.groups]
    figures = [find_echo(group, _name_figure(one), query.table) for one in query.figures]
    return GroupRow(
        keys=tuple(trim(key) for key in keys),
        count=parse_whole(group.get("COUNT")),
        figures=tuple(trim(figure) for figure in figures),
    )


def _name_figure(figure: Figure) -> str:
    return f"{figure.column}_{figure.function}"


def _verify_whole(answer: Any, table: str) -> None:
    inner = find_deep(answer, f"ds_{table}") or {}
    inner = inner if isinstance(inner, dict) else {}
    _verify_no_fault(*(part.get(key) for part in (answer, inner) for key in _FAULT_KEYS))


_FAULT_KEYS: Final = ("sysErrors", "errors", "error")


# --- the server's own words ---------------------------------------------------------------------

_WORDS: Final = (
    "jde__simpleMessage", "message", "userDefinedErrorText", "errorText", "TITLE", "DESC",
)  # fmt: skip
"""Where failures keep their words, best first (J-19)."""


def find_error_text(content: bytes) -> str:
    """The words of an error body of any generation; empty when it is none."""
    try:
        return find_words(decode_object(content))
    except UnreadableError:
        return ""


def find_words(body: Any) -> str:
    """The best words in a failure, however deep they lie; empty when there are none."""
    return find_text(body, _WORDS)
