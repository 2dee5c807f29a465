"""Requests as they are written, days as they are spelt, settings, and what servers tell."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import (
    AggregateQuery,
    Condition,
    Query,
    any_of,
    at_least,
    between,
    days_back,
    either,
    equal,
    is_blank,
    max_of,
    not_blank,
    not_equal,
    on_date,
)
from ml_connector.systems.jde.connection import JdeSettings
from ml_connector.systems.jde.dates import (
    UnreadableDateError,
    build_date_renderer,
    decode_date,
)
from ml_connector.systems.jde.refusals import ServiceMissingError, SignOnBlockedError

DAY = date(2026, 4, 3)


def literal(*contents: str) -> list[dict[str, str]]:
    """Values that stand for themselves."""
    return [{"content": content, "specialValueId": "LITERAL"} for content in contents]


def ask(ais: Any, client: JdeClient, *conditions: Any) -> dict[str, Any]:
    """The query part of a count with these conditions."""
    ais.on_data('{"count":1}')
    client.count("F0911", conditions)
    body = ais.bodies()[-1]
    assert (body["targetName"], body["dataServiceType"]) == ("F0911", "COUNT")
    found: dict[str, Any] = body.get("query", {})
    return found


@pytest.mark.parametrize(
    ("condition", "operator", "value"),
    [
        (equal("F", "30"), "EQUAL", literal("30")),
        (not_equal("F", 7500), "NOT_EQUAL", literal("7500")),
        (at_least("F", Decimal("1E+3")), "GREATER_EQUAL", literal("1000")),
        (between("F", 1, 2), "BETWEEN", literal("1", "2")),
        (any_of("F", ["AA", "CA"]), "LIST", literal("AA", "CA")),
        (is_blank("F"), "STR_BLANK", []),
        (not_blank("F"), "STR_NOT_BLANK", []),
        (on_date("F", DAY), "EQUAL", literal("04/03/2026")),
        (
            days_back("F", 3),
            "GREATER_EQUAL",
            [{"content": "3", "specialValueId": "TODAY_MINUS_DAY"}],
        ),
    ],
)
def test_condition_is_written_as_text(
    ais: Any, client: JdeClient, condition: Condition, operator: str, value: list[Any]
) -> None:
    """Every content is a text; columns carry their table."""
    assert ask(ais, client, condition) == {
        "autoFind": True,
        "matchType": "MATCH_ALL",
        "condition": [{"controlId": "F0911.F", "operator": operator, "value": value}],
    }


def test_choices_are_joined_to_the_rest(ais: Any, client: JdeClient) -> None:
    """Conditions of which one suffices stand in a group of their own, joined by AND."""
    query = ask(ais, client, equal("CO", "1"), either(equal("LT", "AA"), equal("LT", "BA")))

    first, second = query["complexQuery"]
    assert "condition" not in query
    assert (first["andOr"], first["query"]["matchType"]) == ("AND", "MATCH_ALL")
    assert (second["andOr"], second["query"]["matchType"]) == ("AND", "MATCH_ANY")
    assert len(second["query"]["condition"]) == 2


def test_single_choice_needs_no_groups(ais: Any, client: JdeClient) -> None:
    """A choice alone is an ordinary query."""
    query = ask(ais, client, either(equal("LT", "AA"), equal("LT", "BA")))

    assert (query["matchType"], len(query["condition"])) == ("MATCH_ANY", 2)


def test_no_condition_asks_for_everything(ais: Any, client: JdeClient) -> None:
    """Without conditions there is no query part."""
    assert ask(ais, client) == {}


@pytest.mark.parametrize("values", [[], range(501)])
def test_list_without_or_with_too_many_values_is_a_defect(values: Any) -> None:
    """An empty list might ask for everything, so it cannot be made."""
    with pytest.raises(AssertionError):
        any_of("ICU", values)


def test_browse_names_its_columns(ais: Any, client: JdeClient) -> None:
    """Columns, order and page size are written as the vendor wants them: as texts."""
    ais.on_data(ais.page(columns=None))

    client.browse(Query(table="F0911", columns=("KCO", "DOC"), order=("DOC", "JELN")))

    (body,) = ais.bodies()
    assert body["returnControlIDs"] == "F0911.KCO|F0911.DOC"
    assert body["aggregation"]["orderBy"] == [
        {"column": "F0911.DOC", "direction": "ASC"},
        {"column": "F0911.JELN", "direction": "ASC"},
    ]
    assert (body["maxPageSize"], body["outputType"], body["findOnEntry"]) == (
        "2",
        "GRID_DATA",
        "TRUE",
    )


def test_aggregate_asks_for_counts_too(ais: Any, client: JdeClient) -> None:
    """Groups are asked for with their counts and without a limit."""
    ais.on_data('{"ds_F0911":{"output":[{"DOC_MAX":5,"COUNT":1}]}}')

    client.aggregate(AggregateQuery(table="F0911", figures=(max_of("DOC"),)))

    (body,) = ais.bodies()
    assert body["maxPageSize"] == "No Max"
    assert body["aggregation"] == {
        "aggregations": [
            {"aggregation": "MAX", "column": "DOC"},
            {"aggregation": "COUNT", "column": "*"},
        ]
    }


# --- days ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "code", "separator", "text"),
    [
        ("MM/dd/yyyy", "", "", "04/03/2026"),
        ("dd/MM/yyyy", "MDE", "-", "03/04/2026"),
        ("yyyy/MM/dd", "", "", "2026/04/03"),
        ("dd.MM.yyyy", "", "", "03.04.2026"),
        ("yyyy-MM-dd", "", "", "2026-04-03"),
        ("d.M.yyyy", "", "", "3.4.2026"),
        ("ddMMyyyy", "", "", "03042026"),
        ("", "DME", "/", "03/04/2026"),
        ("", "MDE", "-", "04-03-2026"),
        ("", "EMD", ".", "2026.04.03"),
    ],
)
def test_day_is_written_in_the_users_format(
    pattern: str, code: str, separator: str, text: str
) -> None:
    """The pattern decides; the three-letter code where there is none."""
    assert build_date_renderer(pattern, code=code, separator=separator)(DAY) == text


@pytest.mark.parametrize(
    "pattern",
    ["", "MM/dd/yy", "MMM d, yyyy", "dd/MM", "MM/dd/yyyy HH", "{0}MMddyyyy", "DD/MM/yyyy"],
)
def test_day_in_an_uncertain_format_is_refused(pattern: str) -> None:
    """Guessing would swap days and months without a word."""
    with pytest.raises(UnreadableDateError, match="date format"):
        build_date_renderer(pattern, code="", separator="/")


def test_conditions_follow_the_sessions_format(ais: Any) -> None:
    """Another user writes days another way."""
    ais.user = {"dateFormat": "DME", "dateSeperator": "-"}

    query = ask(ais, ais.connect(), on_date("DGJ", DAY))

    assert query["condition"][0]["value"] == literal("03-04-2026")


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("20260131", date(2026, 1, 31)),
        (" 20240229 ", date(2024, 2, 29)),
        (99365, date(1999, 12, 31)),
        (100001, date(2000, 1, 1)),
        (124060, date(2024, 2, 29)),
        (126031, date(2026, 1, 31)),
        (1769853600000, date(2026, 1, 31)),
        (1769817600000, date(2026, 1, 31)),
        (1769817600000 - 13 * 3_600_000, date(2026, 1, 31)),
        (1769817600000 + 10 * 3_600_000, date(2026, 1, 31)),
        (Decimal(126031), date(2026, 1, 31)),
        (None, None),
        ("", None),
        (" ", None),
        ("0", None),
        (0, None),
    ],
)
def test_day_is_read_in_each_shape(value: Any, day: date | None) -> None:
    """Text, milliseconds and Julian numbers mean the same day, whatever the server's zone."""
    assert decode_date(value) == day


@pytest.mark.parametrize(
    "value",
    ["2026-01-31", "20261301", "01/31/2026", "126031", 126000, 126367, 125366, 7_000_000, -5],
)
def test_value_that_is_no_day_is_refused(value: Any) -> None:
    """What is none of the three shapes is not made into a day."""
    with pytest.raises(UnreadableDateError, match="where a date belongs"):
        decode_date(value)


# --- settings -----------------------------------------------------------------------------------


def make_settings(**changes: Any) -> JdeSettings:
    """Settings with changes."""
    auth = {"method": "password", "user": "U", "password": "secret:jde"}
    plain = {"name": "erp", "ais_url": "https://ais.example", "auth": auth, **changes}
    return JdeSettings.model_validate(plain)


@pytest.mark.parametrize(
    ("url", "origin", "root"),
    [
        ("https://ais.example", "https://ais.example", "/jderest"),
        ("https://ais.example:8443/", "https://ais.example:8443", "/jderest"),
        ("https://ais.example/jderest", "https://ais.example", "/jderest"),
        ("https://ais.example/jderest/v2/", "https://ais.example", "/jderest"),
        ("https://p.example/erp/jderest/v3", "https://p.example", "/erp/jderest"),
        ("https://p.example/a/b/", "https://p.example", "/a/b/jderest"),
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081", "/jderest"),
    ],
)
def test_address_is_taken_in_any_form(url: str, origin: str, root: str) -> None:
    """With or without the service's own path, with or without a proxy's."""
    settings = make_settings(ais_url=url)

    assert (settings.origin, settings.root) == (origin, root)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ais_url": "http://ais.example"}, "not encrypted"),
        ({"ais_url": "ais.example"}, "https://HOST"),
        ({"ais_url": "https://u:p@ais.example"}, "https://HOST"),
        ({"ais_url": "https://ais.example?x=1"}, "more than an address"),
        ({"ais_url": "https://ais.example/a/../b"}, "odd path"),
        ({"ais_url": "https://ais.example/a b"}, "odd path"),
        ({"companies": ["000001"]}, "five letters and digits"),
        ({"companies": ["1", "00001"]}, "named twice: 00001"),
        ({"ledger_types": []}, "at least 1"),
        ({"ledger_types": ["AAA"]}, "pattern"),
        ({"overlap_days": 1}, "greater than or equal to 2"),
        ({"page_size": 50_001}, "less than or equal to 50000"),
        ({"parallel_max": 5}, "less than or equal to 4"),
        ({"account_categories": ["RP01"]}, "pattern"),
        ({"device_name": "two words"}, "pattern"),
        ({"account_types": [{"first": "5", "last": "4", "type": "asset"}]}, "before it begins"),
        (
            {
                "account_types": [
                    {"first": "1000", "last": "2000", "type": "asset"},
                    {"first": "2000", "last": "2999", "type": "liability"},
                ]
            },
            "overlap",
        ),
        ({"auth": {"method": "password", "user": "U", "password": "hunter2"}}, "reference"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_fault_in_settings_says_what_is_allowed(change: dict[str, Any], words: str) -> None:
    """No fault is passed over, and none repeats the value of a secret."""
    with pytest.raises(ValidationError, match=words) as caught:
        make_settings(**change)

    assert "hunter2" not in str(caught.value)


def test_settings_have_calm_defaults() -> None:
    """What is not said is what most sites want."""
    settings = make_settings(companies=["1", "ABC"])

    assert settings.companies == ("00001", "ABC")
    assert settings.ledger_types == ("AA",)
    assert (settings.page_size, settings.parallel_max, settings.overlap_days) == (2000, 2, 2)
    assert settings.budget_key() == ""
    assert make_settings(requests_per_minute=60).budget_key() == "jde:ais.example"


@pytest.mark.parametrize(
    ("changes", "device"),
    [
        ({}, "ml-connector-erp"),
        ({"name": "Größe 1"}, "ml-connector-Gr-e-1"),
        ({"name": "x" * 80}, "ml-connector-" + "x" * 37),
        ({"device_name": "box.7"}, "box.7"),
    ],
)
def test_device_is_the_same_for_ever(changes: dict[str, str], device: str) -> None:
    """The name hangs on the connection alone, so every process is the same device."""
    assert make_settings(**changes).device == device


def test_account_type_is_found_by_range() -> None:
    """Both ends belong to the range; outside of all there is no type."""
    ranges = [{"first": "1000", "last": "1999", "type": "asset"}]
    settings = make_settings(account_types=ranges)

    found = [settings.find_account_type(account) for account in ("1000", "1999", "2000")]
    assert found == ["asset", "asset", None]


# --- what servers tell --------------------------------------------------------------------------

CONFIG = {
    "aisVersion": "EnterpriseOne 9.2.8.2",
    "sessionTimeout": "30",
    "timeToLive": "720",
    "defaultEnvironment": "JPY920",
    "capabilityList": [{"name": "dataservice"}, {"name": "nextPage", "sinceVersion": "2"}],
}


def test_config_is_read_without_a_log_in(ais: Any, client: JdeClient) -> None:
    """Version, capabilities and time-outs are told to everybody, and so is the server's time."""
    dated = {"Date": "Tue, 03 Nov 2026 08:15:00 GMT"}
    ais.on("/v2/defaultconfig", httpx2.Response(200, headers=dated, json=CONFIG))

    config = client.read_config()

    assert (config.api, config.version) == ("v2", "EnterpriseOne 9.2.8.2")
    assert config.capabilities == {"dataservice", "nextPage"}
    assert (config.session_timeout_minutes, config.time_to_live_minutes) == (30, 720)
    assert client.read_server_time() == datetime(2026, 11, 3, 8, 15, tzinfo=UTC)
    assert ais.logins == 0


@pytest.mark.parametrize("first", [404, 403, 405, 500, "<html>x</html>", '{"message":"no"}'])
def test_config_of_an_old_server_is_read_from_its_first_version(
    ais: Any, client: JdeClient, first: object
) -> None:
    """However the newer address fails, the older one is asked."""
    ais.on("/v2/defaultconfig", first)
    ais.on("/defaultconfig", json.dumps({"aisVersion": "9.1", "sessionTimeout": None}))

    config = client.read_config()

    assert (config.api, config.capabilities, config.session_timeout_minutes) == (
        "v1",
        frozenset(),
        None,
    )


def test_server_time_may_be_untold(ais: Any, client: JdeClient) -> None:
    """Without the header nobody guesses."""
    ais.on("/v2/defaultconfig", json.dumps(CONFIG))

    assert client.read_server_time() is None


@pytest.mark.parametrize(
    ("status", "error"), [(404, ServiceMissingError), (405, SignOnBlockedError)]
)
def test_address_without_a_server_is_told(
    ais: Any, client: JdeClient, status: int, error: type[Exception]
) -> None:
    """An address that leads elsewhere is named with what to correct."""
    ais.on("/v2/defaultconfig", status)
    ais.on("/defaultconfig", status)

    with pytest.raises(error, match="ais_url"):
        client.read_config()


def test_orchestrations_are_listed(ais: Any, client: JdeClient) -> None:
    """Names, inputs and outputs come out; what is missing is empty."""
    ais.on(
        "/v2/discover",
        json.dumps(
            {
                "orchestrations": [
                    {"name": "PLN", "inputFormat": "Generic", "inputs": [{"name": "Key"}]},
                    {"name": None, "outputs": None},
                ]
            }
        ),
    )

    first, second = client.discover()

    assert (first.name, first.input_format, first.inputs, first.outputs) == (
        "PLN",
        "Generic",
        ("Key",),
        (),
    )
    assert second.name == ""
