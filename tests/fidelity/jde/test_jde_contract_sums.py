"""COUNT, AGGREGATION and batch requests."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

Row = dict[str, Any]


def actuals(ledger: list[Row]) -> list[Row]:
    """The posted AA rows of the dollar company."""
    return [
        r for r in ledger if r["CO"] == "00001" and r["LT"].strip() == "AA" and r["POST"] == "P"
    ]


def conditions(ais: Any) -> list[Any]:
    """The conditions that leave the same rows."""
    pairs = (("CO", "00001"), ("LT", "AA"), ("POST", "P"))
    return [ais.when(column, "EQUAL", content) for column, content in pairs]


def grouped(rows: Iterable[Row], *columns: str) -> dict[tuple[Any, ...], list[Decimal]]:
    """The amounts by the values of the columns, trimmed."""
    found: dict[tuple[Any, ...], list[Decimal]] = defaultdict(list)
    for row in rows:
        key = tuple(v.strip() if isinstance(v, str) else v for v in (row[c] for c in columns))
        found[key].append(Decimal(row["AA"]))
    return dict(found)


@pytest.mark.parametrize("position", ["wrapped", "flat"])
def test_count_has_the_shape_of_the_switch(ais: Any, ledger: list[Row], position: str) -> None:
    """Wrapped by the table, or bare."""
    ais.turn(countShape=position)
    body = {"targetName": "F0911", "targetType": "table", "dataServiceType": "COUNT"}
    answer = ais.read({**body, "query": ais.every(*conditions(ais))})
    inner = answer["ds_F0911"] if position == "wrapped" else answer

    assert inner["count"] == len(actuals(ledger)) > 0
    assert ("count" in answer) is (position == "flat")


def test_count_of_nothing_is_zero(ais: Any) -> None:
    """Zero is an answer."""
    assert ais.count("F0911", ais.when("DOC", "EQUAL", "999999999")) == 0


def test_count_without_a_query_counts_all(ais: Any, ledger: list[Row]) -> None:
    """No condition, no limit of rows."""
    body = {"targetName": "F0911", "targetType": "table", "dataServiceType": "COUNT"}

    assert ais.read(body)["ds_F0911"]["count"] == len(ledger)


FUNCTIONS: list[tuple[str, Callable[[list[Decimal]], Decimal]]] = [
    ("SUM", lambda a: sum(a, Decimal(0))),
    ("MIN", min),
    ("MAX", max),
    ("COUNT", lambda a: Decimal(len(a))),
    ("COUNT_DISTINCT", lambda a: Decimal(len(set(a)))),
    ("SUM_DISTINCT", lambda a: sum(set(a), Decimal(0))),
]


@pytest.mark.parametrize(("function", "law"), FUNCTIONS)
def test_function_says_what_its_name_says(
    ais: Any, ledger: list[Row], function: str, law: Callable[[list[Decimal]], Decimal]
) -> None:
    """Each function over the amounts of a company, exactly."""
    amounts = [Decimal(row["AA"]) for row in actuals(ledger)]
    (row,) = ais.aggregate("F0911", f"{function}:AA", "", *conditions(ais))

    assert set(row) == {f"AA_{function}"}
    assert row[f"AA_{function}"] == law(amounts)


@pytest.mark.parametrize(("function", "is_distinct"), [("AVG", False), ("AVG_DISTINCT", True)])
def test_average_is_close_to_the_exact_one(
    ais: Any, ledger: list[Row], function: str, *, is_distinct: bool
) -> None:
    """Within a cent, whatever the rounding."""
    amounts = [Decimal(row["AA"]) for row in actuals(ledger) if row["AA"] > 0]
    chosen = list(set(amounts)) if is_distinct else amounts
    positive = [*conditions(ais), ais.when("AA", "GREATER", "0")]
    (row,) = ais.aggregate("F0911", f"{function}:AA", "", *positive)

    exact = sum(chosen, Decimal(0)) / len(chosen)
    assert abs(row[f"AA_{function}"] - exact) <= Decimal("0.01")


def test_groups_hold_sums_and_counts(ais: Any, ledger: list[Row]) -> None:
    """One output row per company, ledger and period, with both functions."""
    posted = [row for row in ledger if row["POST"] == "P" and row["CO"] == "00001"]
    expected = {
        key: (sum(amounts, Decimal(0)), len(amounts))
        for key, amounts in grouped(posted, "CO", "LT", "PN").items()
    }
    only = [ais.when("POST", "EQUAL", "P"), ais.when("CO", "EQUAL", "00001")]
    output = ais.aggregate("F0911", "SUM:AA COUNT:*", "CO LT PN", *only)
    seen = {
        (row["groupBy"]["CO"], row["groupBy"]["LT"].strip(), row["groupBy"]["PN"]): (
            row["AA_SUM"],
            row["COUNT"],
        )
        for row in output
    }

    assert seen == expected
    assert len(output) == len(expected)
    assert all(isinstance(row["groupBy"]["PN"], int) for row in output)


def test_batches_are_told_apart_by_their_sums(ais: Any, ledger: list[Row]) -> None:
    """Count, amounts, times and latest day of each batch, as one reads them row by row."""
    rows: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in ledger:
        if row["CO"] in {"00001", "00077"}:
            rows[row["ICUT"].strip(), row["ICU"], row["POST"].strip()].append(row)
    expected = {
        key: (
            len(found),
            sum(Decimal(row["AA"]) for row in found),
            sum(row["UPMT"] for row in found),
            max(julian(row["UPMJ"]) for row in found),
        )
        for key, found in rows.items()
    }
    output = ais.aggregate(
        "F0911", "COUNT:* SUM:AA SUM:UPMT MAX:UPMJ", "ICUT ICU POST",
        ais.when("CO", "LIST", "00001", "00077"),
    )  # fmt: skip
    seen = {
        tuple(v.strip() if isinstance(v, str) else v for v in row["groupBy"].values()): (
            row["COUNT"], row["AA_SUM"], row["UPMT_SUM"], row["UPMJ_MAX"] or 0,
        )
        for row in output
    }  # fmt: skip

    assert {tuple(row["groupBy"]) for row in output} == {("ICUT", "ICU", "POST")}
    assert seen == expected


def julian(text: str | None) -> int:
    """The CYYDDD number of eight digits; 0 for a blank."""
    if not text:
        return 0
    day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    return (day.year - 1900) * 1000 + day.timetuple().tm_yday


def test_keys_echo_the_spelling_of_the_request(ais: Any) -> None:
    """Qualified in, qualified out."""
    wanted = {
        "aggregations": [{"aggregation": "SUM", "column": "F0911.AA"},
                         {"aggregation": "COUNT", "column": "*"}],
        "groupBy": [{"column": "F0911.CO"}],
    }  # fmt: skip
    body = ais.aggregation("F0911", "SUM:AA", "", *conditions(ais))
    (row,) = ais.read({**body, "aggregation": wanted})["ds_F0911"]["output"]

    assert row.keys() == {"groupBy", "F0911.AA_SUM", "COUNT"}
    assert row["groupBy"] == {"F0911.CO": "00001"}


def test_group_keys_keep_their_padding(ais: Any, ledger: list[Row]) -> None:
    """A business unit as key is as wide as in a row."""
    output = ais.aggregate("F0911", "COUNT:*", "MCU", *conditions(ais))

    assert {row["groupBy"]["MCU"] for row in output} == {row["MCU"] for row in actuals(ledger)}
    assert all(len(row["groupBy"]["MCU"]) == 12 for row in output)


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_groups_come_in_the_order_asked_for(ais: Any, direction: str) -> None:
    """Sorted by a group column, either way."""
    order = {"orderBy": [{"column": "AID", "direction": direction}]}
    body = ais.aggregation("F0911", "SUM:AA", "AID", *conditions(ais), aggregation=order)
    seen = [row["groupBy"]["AID"] for row in ais.read(body)["ds_F0911"]["output"]]

    assert len(seen) > 10
    assert seen == sorted(seen, reverse=direction == "DESC")


def test_page_size_holds_for_groups(ais: Any) -> None:
    """Three groups are asked for, three come."""
    output = ais.aggregate("F0911", "SUM:AA", "AID", *conditions(ais), maxPageSize="3")

    assert len(output) == 3


def test_groups_are_not_cut_at_a_hundred_where_no_max_is_said(ais: Any) -> None:
    """As many groups as documents."""
    output = ais.aggregate("F0911", "COUNT:*", "KCO DCT DOC")

    assert len(output) > 100


@pytest.mark.parametrize(("operator", "law"), [
    ("NOT_EQUAL", lambda total: total != 0), ("GREATER", lambda total: total > 0),
    ("LESS_EQUAL", lambda total: total <= 0),
])  # fmt: skip
@pytest.mark.parametrize("prefix", ["", "F0911."])
def test_having_keeps_the_groups_it_describes(
    ais: Any, ledger: list[Row], operator: str, prefix: str, law: Callable[[Decimal], bool]
) -> None:
    """Totals by account and period, filtered after they were made."""
    expected = {
        key for key, amounts in grouped(actuals(ledger), "AID", "PN").items()
        if law(sum(amounts, Decimal(0)))
    }  # fmt: skip
    having = {"condition": [{**ais.when(f"{prefix}AA", operator, "0"), "aggregation": "SUM"}]}
    wanted = {
        "aggregations": [{"aggregation": "SUM", "column": f"{prefix}AA"}],
        "groupBy": [{"column": f"{prefix}AID"}, {"column": f"{prefix}PN"}],
    }
    body = ais.aggregation("F0911", "SUM:AA", "", *conditions(ais))
    output = ais.read({**body, "aggregation": wanted, "having": having})["ds_F0911"]["output"]

    assert {tuple(row["groupBy"].values()) for row in output} == expected
    assert expected


def test_sum_of_nothing_is_no_wrong_number(ais: Any) -> None:
    """One row, or none, that says nothing was there."""
    output = ais.aggregate("F0911", "SUM:AA COUNT:*", "", ais.when("DOC", "EQUAL", "999999999"))

    assert len(output) <= 1
    assert all(row["COUNT"] == 0 and not row["AA_SUM"] for row in output)


def test_groups_of_nothing_are_none(ais: Any) -> None:
    """No rows, no groups, no error."""
    body = ais.aggregation("F0911", "SUM:AA", "CO", ais.when("DOC", "EQUAL", "999999999"))

    assert ais.read(body)["ds_F0911"].get("output", []) == []


def test_fetch_limit_does_not_spoil_sums(ais: Any, ledger: list[Row]) -> None:
    """What is summed is every row, not those that could be shown."""
    ais.turn(dbFetchLimit=10)
    (row,) = ais.aggregate("F0911", "COUNT:*")

    assert row["COUNT"] == len(ledger)


@pytest.mark.parametrize(("function", "column"), [("SUM", "ZZZZ"), ("MEDIAN", "AA")])
def test_senseless_aggregation_is_an_error(ais: Any, function: str, column: str) -> None:
    """Unknown column or function: a status, or an error object beside no output."""
    reply = ais.query(ais.aggregation("F0911", f"{function}:{column}"))

    assert reply.status_code in {200, 400, 500}
    if reply.status_code == 200:
        assert reply.json()["ds_F0911"]["error"]


def test_batch_answers_by_position(ais: Any, ledger: list[Row]) -> None:
    """A browse and a sum in one call, each under its number."""
    browse = ais.browsing("F0010", "CO NAME CRCD DTPN PNC", maxPageSize="500")
    aggregation = ais.aggregation("F0911", "COUNT:*", "LT")
    answer = ais.read({"batchDataRequest": True, "outputType": "GRID_DATA",
                       "dataRequests": [browse, aggregation]})  # fmt: skip
    golden = {
        "fs_0_DATABROWSE_F0010": {
            "title": "x",
            "data": {"gridData": {"rowset": [{"F0010_CO": "00001"}],
                                  "summary": {"records": 1, "moreRecords": False}}},
            "errors": [], "warnings": []},
        "ds_1_F0911": {"output": [{"groupBy": {"LT": "AA"}, "COUNT": 31599}]},
    }  # fmt: skip

    assert ais.misfits(answer, golden) == []
    assert {row["CO"] for row in ais.rows_at(answer, 0, "F0010")} >= {"00001", "00077", "00200"}
    counts = {row["groupBy"]["LT"].strip(): row["COUNT"] for row in answer["ds_1_F0911"]["output"]}
    assert counts == {key[0]: len(amounts) for key, amounts in grouped(ledger, "LT").items()}


def test_batch_of_one_table_twice_keeps_both(ais: Any) -> None:
    """Positions tell two requests of one table apart; inside a batch nothing is paged."""
    body = ais.browsing("F0901", "AID", maxPageSize="5", enableNextPageProcessing=True)
    answer = ais.read({"batchDataRequest": True, "dataRequests": [body, body]})

    for position in (0, 1):
        assert len(ais.rows_at(answer, position, "F0901")) == 5
    assert "links" not in answer
