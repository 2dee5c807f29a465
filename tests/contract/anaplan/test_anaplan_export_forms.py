"""Exports in every form the model's owner may choose: read right over a socket, or refused."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from ml_connector.domain.cell_values import parse_day, parse_flag, parse_number
from ml_connector.errors import ConnectorError, ProtocolError, RefusedError
from ml_connector.ports import ActionKind
from ml_connector.systems.anaplan.adapter import AnaplanTarget

NAME = "Supplier Revisions"
HARD = "a,b;c\td|e\"f'g\nh"
SUPPLIERS: list[dict[str, Any]] = [
    {
        "code": "10006", "name": "Müller & Söhne GmbH",
        "values": {"Alias": HARD, "Inactive Date": "2026-12-31", "One-Time": True,
                   "Year Established": -1234567.5},
    },
    {"code": "10010", "name": "Łódź €", "values": {"Year Established": 0.00012}},
    {"code": "10007", "name": "Plain", "values": {"Year Established": 12345678}},
]  # fmt: skip
Rows = list[dict[str, str]]


@pytest.fixture
def export(
    request: Any, sandbox: Any, target: AnaplanTarget, find_action: Any, finish: Any
) -> Callable[..., Rows]:
    """Exports the suppliers once: the rows a flow would see."""
    sandbox.do("add_suppliers", suppliers=getattr(request, "param", SUPPLIERS))
    action = find_action(NAME, ActionKind.EXPORT)

    def run() -> Rows:
        form = target.read_export_form(action.action_id)
        finish(action, target.submit_task(action))
        raw = list(target.read_export_file(action.file_id))
        return list(target.parse_csv(target.parse_export(raw, form)))

    return run


def refused(export: Callable[..., Rows], kind: type[ConnectorError], word: str) -> None:
    """The export is refused with that word."""
    with pytest.raises(kind, match=word) as caught:
        export()
    assert isinstance(caught.value, ProtocolError) == issubclass(kind, ProtocolError)


def facts(rows: Rows) -> list[tuple[Any, ...]]:
    """What the rows say, in the order of their codes."""
    return [
        (row["Code"], row["Name"], row["Alias"], parse_flag(row["One-Time"]))
        for row in sorted(rows, key=lambda row: row["Code"])
    ]


EXPECTED = [
    ("10006", "Müller & Söhne GmbH", HARD, "Y"),
    ("10007", "Plain", "", "N"),
    ("10010", "Łódź €", "", "N"),
]


@pytest.mark.parametrize(
    ("form", "switches"),
    [
        ({}, {}),
        ({}, {"export__bom": "on", "chunk__bytes": 30}),
        ({"encoding": "UTF-16LE"}, {}),
        ({"encoding": "UTF-16LE", "separator": ";"}, {"export__bom": "on", "chunk__bytes": 33}),
        ({"separator": "\t", "delimiter": "'"}, {"export__newline": "CRLF"}),
        ({"separator": "|"}, {"export__quoting": "all"}),
        ({"format": "text/plain"}, {"export__listing": "short"}),
        ({}, {"export__bool": "Yes/No", "export__blank": "quoted"}),
        ({}, {"export__bool": "1/0", "export__row_count": "estimate"}),
    ],
    ids=str,
)
def test_texts_come_through_in_every_form(
    sandbox: Any, export: Any, form: dict[str, str], switches: dict[str, Any]
) -> None:
    """Commas, quotes, tabs, line ends and letters of all Europe are what they were."""
    sandbox.do("set_export_form", export=NAME, **form)
    sandbox.turn(**switches)

    assert facts(export()) == EXPECTED


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "windows-1252"])
def test_letter_the_encoding_lacks_is_seen(sandbox: Any, export: Any, encoding: str) -> None:
    """Another sign was written in its place, so no text of the output is sure."""
    sandbox.do("set_export_form", export=NAME, encoding=encoding)

    refused(export, RefusedError, "may stand for a letter")


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "windows-1252"])
@pytest.mark.parametrize("export", [[SUPPLIERS[0], SUPPLIERS[2]]], indirect=True, ids=["western"])
def test_encoding_of_few_letters_is_read_where_it_has_all(
    sandbox: Any, export: Any, encoding: str
) -> None:
    """Western texts come through in the encodings of the West."""
    sandbox.do("set_export_form", export=NAME, encoding=encoding)

    assert facts(export()) == EXPECTED[:2]


@pytest.mark.parametrize(
    ("form", "switches", "word"),
    [
        ({"format": "application/pdf"}, {}, "application/pdf"),
        ({"format": "application/vnd.ms-excel"}, {}, "vnd.ms-excel"),
        ({"layout": "GRID_ALL_PAGES"}, {}, "GRID_ALL_PAGES"),
        ({"layout": "GRID_CURRENT_PAGE"}, {"export__listing": "short"}, "GRID_CURRENT_PAGE"),
        ({}, {"export__quote_escape": "backslash"}, "quote"),
    ],
    ids=str,
)
def test_form_that_cannot_be_read_is_refused_with_what_to_change(
    sandbox: Any, export: Any, form: dict[str, str], switches: dict[str, Any], word: str
) -> None:
    """A workbook, a page, a grid, or quotes escaped otherwise: said in words."""
    sandbox.do("set_export_form", export=NAME, **form)
    sandbox.turn(**switches)

    refused(export, RefusedError, word)


def test_texts_without_a_delimiter_tear_their_row(sandbox: Any, export: Any) -> None:
    """A row of another width is seen; texts that need no delimiter are read."""
    sandbox.do("set_export_form", export=NAME, delimiter="")
    refused(export, ProtocolError, "not whole")

    sandbox.do("revise_suppliers", suppliers=[{"code": "10006", "values": {"Alias": "M"}}])

    assert [row[2] for row in facts(export())] == ["M", "", ""]


@pytest.mark.parametrize(
    ("switches", "form"),
    [
        ({}, {}),
        ({"export__decimal": ","}, {"decimal": ","}),
        ({"export__decimal": ",", "export__thousands": "."}, {"decimal": ",", "thousands": "."}),
        ({"export__thousands": ","}, {"thousands": ","}),
        ({"export__thousands": "\u00a0"}, {"thousands": " "}),
        ({"export__thousands": "'", "export__negative": "1-"}, {"thousands": "'"}),
        ({"export__negative": "(1)", "export__exponent": "on"}, {}),
        ({"export__decimal": ",", "export__exponent": "on"}, {"decimal": ","}),
    ],
    ids=str,
)
def test_numbers_are_the_same_in_every_form(
    sandbox: Any, export: Any, switches: dict[str, str], form: dict[str, str]
) -> None:
    """The form that is stated reads each of them to its last digit."""
    sandbox.turn(**switches)

    found = {row["Code"]: parse_number(row["Year Established"], **form) for row in export()}

    assert {code: str(amount.normalize()) for code, amount in found.items()} == {
        "10006": "-1234567.5", "10010": "0.00012", "10007": "12345678",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("switch", "pattern"),
    [
        ("ISO", "YYYY-MM-DD"), ("dd/mm/yyyy", "DD/MM/YYYY"), ("mm/dd/yyyy", "MM/DD/YYYY"),
        ("dd.mm.yyyy", "DD.MM.YYYY"), ("yyyymmdd", "YYYYMMDD"),
    ],
)  # fmt: skip
def test_days_are_the_same_in_every_form(
    sandbox: Any, export: Any, switch: str, pattern: str
) -> None:
    """The pattern that is stated reads them; a blank one is blank."""
    sandbox.turn(export__date=switch)

    found = {row["Code"]: parse_day(row["Inactive Date"], pattern=pattern) for row in export()}

    assert found == {"10006": "2026-12-31", "10010": "", "10007": ""}


def test_output_without_rows_is_none(sandbox: Any, export: Any) -> None:
    """A header alone, or no byte at all."""
    sandbox.turn(export__rows="none")
    assert export() == []
    sandbox.turn(export__no_rows="empty", export__bom="on")
    assert export() == []


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16LE"])
@pytest.mark.parametrize("missing", [1, 2, 3, 15, 60])
def test_output_that_lacks_its_end_is_never_read(
    sandbox: Any, export: Any, encoding: str, missing: int
) -> None:
    """Chunks and task look as ever; the last line tells."""
    sandbox.do("set_export_form", export=NAME, encoding=encoding)
    sandbox.turn(export__cut_bytes=missing)

    refused(export, ProtocolError, "not whole")


@pytest.mark.parametrize("alias", ["x", "x" * 300], ids=["as long", "longer"])
@pytest.mark.parametrize(
    "who", [{}, {"audience": "everyone", "email": "planner@halden.example"}], ids=str
)
def test_output_replaced_between_two_chunks_is_never_joined(
    sandbox: Any, export: Any, alias: str, who: dict[str, str]
) -> None:
    """By the same user or, where it is shared, by another; with as many chunks or with more."""
    meddled = [{"code": "10006", "values": {"Alias": alias}}]
    sandbox.do("revise_suppliers", suppliers=[{"code": "10006", "values": {"Alias": "y"}}])
    sandbox.do("set_export_form", export=NAME, audience=who.get("audience", ""))
    sandbox.turn(chunk__bytes=200)
    arguments = {"export": NAME, "suppliers": meddled}
    sandbox.spoil(
        kind="hook", hook="rerun_export", path="/chunks/1$", times=1,
        arguments=arguments | ({"email": who["email"]} if who else {}),
    )  # fmt: skip

    refused(export, ProtocolError, "must not be used")

    assert [row[2] for row in facts(export())] == [alias, "", ""]


def test_raw_output_is_what_the_model_gave(sandbox: Any, export: Any, target: Any) -> None:
    """What is kept as evidence is not touched by the reading."""
    sandbox.do("set_export_form", export=NAME, encoding="UTF-16LE", separator=";")
    export()
    raw = b"".join(target.read_export_file(sandbox.ids("exports")[NAME]))
    table = list(csv.reader(io.StringIO(raw.decode("utf-16-le"), newline=""), delimiter=";"))
    assert [row[0] for row in table] == ["Code", "10006", "10010", "10007"]
