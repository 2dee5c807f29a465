"""`q` in both languages, with the traps between them."""

from typing import Any
from urllib.parse import quote

import pytest

BATCHES = "/journalBatches"


def ids(fusion: Any, q: str, *, version: int | None) -> list[int]:
    """The ids of the batches a query finds, at most 500."""
    path = f"{BATCHES}?onlyData=true&fields=JeBatchId&limit=500&orderBy=JeBatchId&q={quote(q)}"
    return [item["JeBatchId"] for item in fusion.items(path, version=version)]


def status(fusion: Any, q: str, *, version: int | None) -> int:
    """The status of a query."""
    return int(fusion.call("GET", f"{BATCHES}?q={quote(q)}", version=version).status_code)


def everything(fusion: Any) -> list[dict[str, Any]]:
    """All batches, to filter here."""
    first = fusion.items(f"{BATCHES}?limit=500&onlyData=true&orderBy=JeBatchId")
    more = fusion.items(f"{BATCHES}?limit=500&offset=500&onlyData=true&orderBy=JeBatchId")
    return list(first + more)


def keep(fusion: Any, wanted: Any) -> list[int]:
    """The ids of the batches that `wanted` holds for, by our own filter."""
    return [batch["JeBatchId"] for batch in everything(fusion) if wanted(batch)]


def test_version_1_joins_conditions_with_semicolons(fusion: Any) -> None:
    """Three conditions, blanks around operators, single quotes."""
    q = "DefaultPeriodName = 'Jan-26';Status = 'P';UserJeSourceName = 'Payables'"
    expected = keep(
        fusion,
        lambda b: (
            (b["DefaultPeriodName"], b["Status"], b["UserJeSourceName"])
            == ("Jan-26", "P", "Payables")
        ),
    )

    assert expected
    assert ids(fusion, q, version=None) == expected


def test_both_languages_find_the_same_rows(fusion: Any) -> None:
    """Semicolons in version 1 mean what `and` means later."""
    one = ids(fusion, "DefaultPeriodName='Sep-26';Status!='U'", version=1)

    assert one
    assert one == ids(fusion, "DefaultPeriodName='Sep-26' and Status<>'U'", version=4)


@pytest.mark.parametrize(
    "q",
    ["Status='P' and DefaultPeriodName='Jan-26'", 'Status="P" AND DefaultPeriodName="Jan-26"',
     "JeBatchId>1 and Status='P'",
     "LastUpdateDate>='2026-01-01T00:00:00Z' and LastUpdateDate<='2026-02-01T00:00:00Z'"],
)  # fmt: skip
def test_and_in_version_1_is_no_rows_and_no_error(fusion: Any, q: str) -> None:
    """The value runs to the next semicolon, so nothing equals it; a switch makes it 400."""
    assert ids(fusion, q, version=1) == []
    fusion.turn(and_in_example_query="refuse")
    assert status(fusion, "JeBatchId>1 and Status='P'", version=1) == 400


@pytest.mark.parametrize(
    ("q", "wanted"),
    [
        ("BatchName LIKE 'Payables*'", lambda b: b["BatchName"].startswith("Payables")),
        ("BatchName like '*Reporting*'", lambda b: "Reporting" in b["BatchName"]),
        ("UserJeSourceName=Manual", lambda b: b["UserJeSourceName"] == "Manual"),
        ('UserJeSourceName="Manual"', lambda b: b["UserJeSourceName"] == "Manual"),
        ("Status<>P", lambda b: b["Status"] != "P"),
        ("PostedDate>='2026-11-01'", lambda b: (b["PostedDate"] or "") >= "2026-11-01"),
        ("RunningTotalDr>1000000", lambda b: b["RunningTotalDr"] > 1_000_000),
        ("LastUpdateDate>=2026-10-01T00:00:00Z", lambda b: b["LastUpdateDate"] >= "2026-10-01"),
    ],
)
def test_version_1_operators_and_literals(fusion: Any, q: str, wanted: Any) -> None:
    """Bare, single- and double-quoted values; wildcards; comparisons by type."""
    expected = keep(fusion, wanted)

    assert expected
    assert ids(fusion, q, version=1) == expected[:500]


@pytest.mark.parametrize(
    ("q", "wanted"),
    [
        ("Status = 'U' or Status = 'E'", lambda b: b["Status"] in {"U", "E"}),
        ("not Status = 'P'", lambda b: b["Status"] != "P"),
        ("Status in ('U','E','S')", lambda b: b["Status"] in {"U", "E", "S"}),
        ("Status not in ('P')", lambda b: b["Status"] != "P"),
        ("ParentJeBatchName is not null", lambda b: b["ParentJeBatchName"] is not None),
        ("PostedDate is null", lambda b: b["PostedDate"] is None),
        ("BatchName like 'Payables%'", lambda b: b["BatchName"].startswith("Payables")),
        ("BatchName like '*accruals'", lambda b: b["BatchName"].endswith("accruals")),
        ("BatchName not like '*A*'", lambda b: "A" not in b["BatchName"]),
        ("upper(UserJeSourceName) = 'MANUAL'", lambda b: b["UserJeSourceName"] == "Manual"),
        (
            "PostedDate between '2026-09-01' and '2026-09-30' and Status='P'",
            lambda b: "2026-09-01" <= (b["PostedDate"] or "") <= "2026-09-30",
        ),
        (
            "(Status='U' or Status='P') and (UserJeSourceName='Manual')",
            lambda b: b["Status"] in {"U", "P"} and b["UserJeSourceName"] == "Manual",
        ),
        (
            "Status='U' or Status='P' and UserJeSourceName='Manual'",
            lambda b: (
                b["Status"] == "U" or (b["Status"] == "P" and b["UserJeSourceName"] == "Manual")
            ),
        ),
        ("ReversalFlag = true", lambda b: b["ReversalFlag"] is True),
        (
            "RunningTotalAccountedDr >= 1000000.5",
            lambda b: b["RunningTotalAccountedDr"] >= 1_000_000.5,
        ),
    ],
)
def test_rowmatch_selects_what_the_same_test_selects_here(fusion: Any, q: str, wanted: Any) -> None:
    """Each operator selects what the same test selects here; `and` binds before `or`."""
    expected = keep(fusion, wanted)

    assert expected
    assert ids(fusion, q, version=4) == expected[:500]


def test_keyset_window_of_the_scan_recipe(fusion: Any) -> None:
    """The window query that a careful client sends is answered with exactly its rows."""
    everyone = everything(fusion)
    last = everyone[300]["JeBatchId"]
    q = (
        "LastUpdateDate >= '2026-01-01T00:00:00+00:00' and "
        f"LastUpdateDate <= '2026-09-30T00:00:00+00:00' and JeBatchId > {last}"
    )
    expected = [
        b["JeBatchId"]
        for b in everyone
        if "2026-01-01" <= b["LastUpdateDate"] <= "2026-09-30" and b["JeBatchId"] > last
    ]

    assert expected
    assert ids(fusion, q, version=4) == expected


@pytest.mark.parametrize(
    "q",
    ["Status ~ 'P'", "Status = ", "Status = 'P", "(Status = 'P'", "Status = 'P')", "and",
     "Status = P", "Status = 'P' Status = 'U'", "Status between 'A'", "Status in ()",
     "upper(Status = 'P'", "JeBatchId = 'x'", "PostedDate = 'yesterday'", "1 = 1",
     "LastUpdateDate > 2026-01-01T00:00:00Z", "ReversalFlag = 'perhaps'"],
)  # fmt: skip
def test_malformed_rowmatch_is_400(fusion: Any, q: str) -> None:
    """What is no expression, or does not fit the type, is refused."""
    assert status(fusion, q, version=4) == 400


@pytest.mark.parametrize("version", [1, 4])
@pytest.mark.parametrize("name", ["PostingStatus", "AccountingPeriod", "JeSource", "LedgerName"])
def test_names_that_sound_right_are_400(fusion: Any, name: str, version: int) -> None:
    """The guessed attributes of journalBatches do not exist."""
    assert status(fusion, f"{name}='x'", version=version) == 400


def test_malformed_example_query_is_400(fusion: Any) -> None:
    """Without an operator there is no condition."""
    assert status(fusion, "Status", version=1) == 400
    assert status(fusion, "JeBatchId=abc", version=1) == 400


def test_semicolon_in_rowmatch_is_400_or_and_by_switch(fusion: Any) -> None:
    """Some clients send it whatever version they pin."""
    q = "DefaultPeriodName='Jan-26';Status='P'"
    refused = status(fusion, q, version=4)
    fusion.turn(semicolon_in_rowmatch="and")

    assert refused == 400
    assert ids(fusion, q, version=4) == ids(fusion, q, version=1)


def test_double_quotes_belong_to_version_1_unless_switched(fusion: Any) -> None:
    """Accepted in 1, refused from 2 on; the switch turns either."""
    q = 'Status="U"'
    by_default = [status(fusion, q, version=version) for version in (1, 4)]
    fusion.turn(double_quotes="accepted")
    accepted = status(fusion, q, version=4)
    fusion.turn(double_quotes="refused")

    assert by_default == [200, 400]
    assert (accepted, status(fusion, q, version=1)) == (200, 400)


def test_attribute_names_are_case_sensitive_unless_switched(fusion: Any) -> None:
    """`status` is not `Status`."""
    before = status(fusion, "status='U'", version=4)
    fusion.turn(attribute_case="insensitive")

    assert before == 400
    assert ids(fusion, "status='U'", version=4) == ids(fusion, "Status='U'", version=4)


def test_strings_are_compared_case_sensitively(fusion: Any) -> None:
    """`manual` is not `Manual`, in equality and in patterns."""
    assert ids(fusion, "UserJeSourceName='manual'", version=4) == []
    assert ids(fusion, "UserJeSourceName like 'man*'", version=4) == []


def test_plus_in_an_offset_must_be_encoded(fusion: Any) -> None:
    """A bare plus arrives as a blank and breaks the literal."""
    path = BATCHES + "?q=LastUpdateDate%20%3E%20'2026-01-01T00:00:00+00:00'"
    raw = fusion.call("GET", path)
    encoded = fusion.call("GET", path.replace("+", "%2B"))

    assert (raw.status_code, encoded.status_code) == (400, 200)


def test_literal_without_offset_is_read_in_the_session_zone(fusion: Any) -> None:
    """The same text means another moment than a client in UTC believes."""
    bare = ids(fusion, "LastUpdateDate >= '2026-09-01 00:00:00'", version=4)
    west = ids(fusion, "LastUpdateDate >= '2026-09-01T08:00:00Z'", version=4)
    fusion.turn(session_zone="+00:00")
    utc = ids(fusion, "LastUpdateDate >= '2026-09-01'", version=4)

    assert bare == west
    assert utc == ids(fusion, "LastUpdateDate >= '2026-09-01T00:00:00+00:00'", version=4)


def test_offsets_of_other_zones_are_understood(fusion: Any) -> None:
    """One moment, three spellings."""
    texts = ("2026-09-01T00:00:00.000Z", "2026-08-31T19:00:00-05:00", "2026-09-01T09:00:00+09:00")
    found = [ids(fusion, f"LastUpdateDate >= '{text}'", version=4) for text in texts]

    assert found[0]
    assert found[0] == found[1] == found[2]


def test_quote_inside_a_literal_is_doubled(fusion: Any) -> None:
    """The doubled quote is one quote, in both languages."""
    for version in (1, 4):
        path = "/ledgersLOV?q=" + quote("Name='O''Brien'")
        assert fusion.read(path, version=version)["count"] == 0


def test_q_filters_children_too(fusion: Any) -> None:
    """A child collection takes the same expressions."""
    wanted = quote("BatchName='Group accruals'")
    batch = fusion.items(f"{BATCHES}?q={wanted}&limit=1")[0]["JeBatchId"]
    q = quote("LedgerName='Halden Canada'")
    headers = fusion.items(f"{BATCHES}/{batch}/child/journalHeaders?q={q}")

    assert [header["LedgerName"] for header in headers] == ["Halden Canada"]


def test_finder_and_q_go_together(fusion: Any) -> None:
    """Both conditions hold."""
    q = quote("Status='U'")
    path = f"{BATCHES}?finder=JournalsFinder;AccountingPeriod=Nov-26&q={q}&limit=100"
    found = fusion.items(path)

    assert found
    assert {(b["DefaultPeriodName"], b["Status"]) for b in found} == {("Nov-26", "U")}


def test_last_update_date_may_be_closed_to_queries_and_to_order(fusion: Any) -> None:
    """Nobody has proved that it is queryable; describe says so and `q` is refused."""
    fusion.turn(batch_last_update_queryable=False, batch_last_update_sortable=False)
    described = fusion.read(f"{BATCHES}/describe")["Resources"]["journalBatches"]
    attribute = next(a for a in described["attributes"] if a["name"] == "LastUpdateDate")

    assert attribute["queryable"] is False
    assert status(fusion, "LastUpdateDate > '2026-01-01T00:00:00Z'", version=4) == 400
    assert fusion.call("GET", f"{BATCHES}?orderBy=LastUpdateDate:desc").status_code == 400
    assert fusion.items(f"{BATCHES}?limit=1")[0]["LastUpdateDate"]


def test_last_update_date_of_values_may_be_closed_to_queries(fusion: Any) -> None:
    """The value sets have a switch of their own."""
    q = quote("LastUpdateDate>'2026-01-01T00:00:00Z'")
    path = f"/valueSets/Halden%20Account/child/values?q={q}"
    before = fusion.call("GET", path).status_code
    fusion.turn(value_last_update_queryable=False)

    assert (before, fusion.call("GET", path).status_code) == (200, 400)
