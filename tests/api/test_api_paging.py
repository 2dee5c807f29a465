"""Every listing page by page: the document names them, so that a new one cannot be forgotten."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.api.names import fill, load_document
from tests.fakes.alert_seeds import plant_open
from tests.fakes.decision_seeds import plant_refusals

from ml_connector.errors import ConnectorError

PARTS_MIN = 3
"""Pages at least, where there are as many rows."""
EMPTY_HERE = frozenset({
    "limits_list_unsettled", "reconciliation_details_list_differences", "close_list_watches",
    "unmapped_list_values", "mapping_list_differences", "mapping_list_moved",
    "mapping_list_combinations", "plans_list_changes", "close_list_late_periods",
})  # fmt: skip
"""Listings of what is not on a sound installation, or of what this one has not."""


def list_shapes(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield address, operation and properties of the answer of each that reads."""
    for address, methods in document["paths"].items():
        operation = methods.get("get", {})
        content = operation.get("responses", {}).get("200", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        name = schema.get("$ref", "").rpartition("/")[2]
        if name:
            yield address, operation, document["components"]["schemas"][name]["properties"]


def list_pages(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Address and operation of each listing."""
    return [(path, its) for path, its, shape in list_shapes(document) if "items" in shape]


def test_no_answer_is_cut_in_silence(site: Any, token: str) -> None:
    """What is listed goes on by `next`; any other list in an answer has a limit that is told."""
    document = load_document(site, token)
    for address, operation, shape in list_shapes(document):
        asked = {one["name"] for one in operation["parameters"]} if "items" in shape else set()
        if "items" in shape:
            assert "next" in shape, address
            assert {"after", "limit"} <= asked, address
        for name, its in shape.items():
            is_open = its.get("type") == "array" and "maxItems" not in its
            assert name == "items" or not is_open or is_row(address, name), (address, name)
    assert len(list_pages(document)) > 35


def test_shapes_of_the_document_have_names_of_their_own(site: Any) -> None:
    """Of two that were called alike, the document would tell one for both."""
    assert site.url, "Django is set up"
    from ninja import Schema  # noqa: PLC0415 - asks for Django's settings.

    from ml_connector.web.api import routing  # noqa: PLC0415 - as above.

    found = [Schema]
    for one in found:
        found += one.__subclasses__()
    # One with two parents is met twice.
    ours = [one for one in set(found) if one.__module__.startswith(routing.__package__)]
    named = [one.__name__ for one in ours if "[" not in one.__name__]
    assert sorted({name for name in named if named.count(name) > 1}) == []


def is_row(address: str, name: str) -> bool:
    """Whether a list of one thing is as long as the thing is: an alert's sentences, its rights."""
    return (address.rpartition("/")[2], name) in {
        ("{alert_id}", "happened"), ("me", "rights"), ("{name}", "roles"), ("{name}", "flows"),
        ("period", "amounts"), ("value", "totals"), ("value", "members"), ("{number}", "key"),
        ("{number}", "reasons"),
    }  # fmt: skip


def ask(site: Any, token: str, path: str, asked: dict[str, Any]) -> Any:
    """A page of a listing, or a problem."""
    query = urlencode({name: value for name, value in asked.items() if value != ""})
    return site.visitor().call("GET", f"{path}?{query}", Authorization=f"Bearer {token}")


def walk(site: Any, token: str, path: str, asked: dict[str, Any], *, limit: int) -> list[str]:
    """Every row, page after page, as text."""
    rows: list[str] = []
    after = ""
    while True:
        answer = ask(site, token, path, {**asked, "limit": limit, "after": after})
        assert answer.status == 200, (path, answer.text)
        told = json.loads(answer.text)
        assert len(told["items"]) <= limit, path
        rows += [json.dumps(one, sort_keys=True) for one in told["items"]]
        if told["next"] is None:
            return rows
        after = told["next"]


@pytest.mark.long
def test_walking_all_pages_tells_every_row_once(site: Any, token: str) -> None:
    """In the same order, whatever the size of a page; a place there is not is refused."""
    with site.house() as house:  # Others of these tests have replayed what was refused, and so on.
        plant_refusals(house, run_id=site.run_id)
        plant_open(house)
    empty = set()
    for address, operation in list_pages(load_document(site, token)):
        path, asked = fill(site, address, operation)
        wanted = walk(site, token, path, asked, limit=200)
        told = walk(site, token, path, asked, limit=max(len(wanted) // PARTS_MIN, 1))
        assert len(set(told)) == len(told), path
        # Of some the rows themselves tell that they were asked for.
        is_moving = address.startswith(("/api/v1/limits/requests", "/api/v1/tokens"))
        assert len(told) == len(wanted) if is_moving else told == wanted, path
        answer = ask(site, token, path, {**asked, "after": "~nowhere~"})
        assert answer.status == 422, (path, answer.text)
        assert json.loads(answer.text)["code"] in {"api.unfit-cursor", "api.unfit"}
        if not wanted:
            empty.add(operation["operationId"])
    assert empty <= EMPTY_HERE, empty


def test_place_of_several_parts_is_read_as_it_was_told(site: Any) -> None:
    """And what is no such place is refused, whatever it is."""
    assert site.url, "Django is set up"
    from ml_connector.web.api.paging import (  # noqa: PLC0415 - asks for Django's settings.
        UnfitCursorError,
        read_number,
        read_place,
        render_place,
    )

    parts = ("actuals", "Halden US / \u00dcbersee", "Sep-26")
    assert read_place(render_place(*parts), 3) == parts
    assert read_place("", 3) == ()
    for odd in ("x", "W10", render_place("one"), render_place("a", "b", "c\x00"), "%", "é"):
        with pytest.raises(UnfitCursorError):
            read_place(odd, 3)
    for odd in ("-1", "1.5", "x", "9" * 30, "\u0663"):
        with pytest.raises(UnfitCursorError):
            read_number(odd)


def test_rows_that_no_store_pages_are_walked_by_their_keys(site: Any) -> None:
    """From behind the one that was told last; one that is gone is refused."""
    assert site.url, "Django is set up"
    from ml_connector.web.api.paging import walk_page  # noqa: PLC0415 - as above.

    rows = list("abcde")
    first = walk_page(rows, after="", limit=2, find_key=str)
    second = walk_page(rows, after=first["next"], limit=2, find_key=str)
    last = walk_page(rows, after=second["next"], limit=2, find_key=str)
    assert [*first["items"], *second["items"], *last["items"]] == rows
    assert last["next"] is None
    with pytest.raises(ConnectorError, match="no place 'f'"):
        walk_page(rows, after="f", limit=2, find_key=str)
