"""Answers of every shape the server can give mean the same."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.systems.jde.client import decode_date
from ml_connector.systems.jde.conditions import (
    AggregateQuery,
    Query,
    at_least,
    between,
    days_back,
    either,
    equal,
    max_of,
    min_of,
    on_date,
    sum_of,
)
from ml_connector.systems.jde.refusals import (
    ColumnHiddenError,
    GroupsCutError,
    ReadRefusedError,
    TruncatedError,
)

LEDGER = Query(table="F0911", columns=("DOC", "JELN", "LT", "AA", "MCU", "DGJ", "HDGJ", "EXA"))


@pytest.fixture
def client(wire: Any) -> Any:
    """A client of ordinary pages."""
    return wire.connect(page_size=1000)


@pytest.fixture
def ledger(client: Any) -> list[Any]:
    """The whole account ledger."""
    return sorted(client.browse(LEDGER), key=repr)


@pytest.mark.parametrize(
    "switches",
    [
        {"stringPadding": "full"},
        {"stringPadding": "trimmed"},
        {"blankDate": ""},
        {"blankDate": " "},
        {"gzip": "on"},
        {"shuffleKeys": "off", "extraKeys": "off"},
        {"nextHost": "wrong"},
        {"nextHost": "http"},
        {"countShape": "flat"},
    ],
)
def test_rows_are_the_same_however_they_are_dressed(
    wire: Any, client: Any, ledger: list[Any], switches: dict[str, Any]
) -> None:
    """Padding, blanks, packing, order of keys and hosts of links make no difference."""
    wire.ais.turn(**switches)

    assert sorted(client.browse(LEDGER), key=repr) == ledger
    assert client.count("F0911") == len(ledger)


def test_nothing_is_a_float_and_nothing_is_padded(ledger: list[Any]) -> None:
    """Numbers are whole or decimal, texts trimmed, blanks none."""
    cells = [cell for row in ledger for cell in row]

    assert {type(cell) for cell in cells} == {int, Decimal, str, type(None)}
    assert all(cell == cell.strip(" ") != "" for cell in cells if isinstance(cell, str))
    assert max(abs(row[3]) for row in ledger) > 10**10


@pytest.mark.parametrize("user", ["PLNSVC", "DMEUSER"])
@pytest.mark.parametrize("separator", ["/", "-", "."])
def test_days_mean_the_same_to_every_user(
    wire: Any, ledger: list[Any], user: str, separator: str
) -> None:
    """Whatever format a user has, a literal day is that day; the server's today agrees."""
    wire.ais.turn(dateSeparator=separator)
    client = wire.connect(user=user)
    first, last = date(2026, 3, 4), date(2026, 4, 3)
    days = [decode_date(row[5]) for row in ledger]

    assert client.count("F0911", (between("DGJ", first, last),)) == sum(
        first <= day <= last for day in days if day
    )
    assert client.count("F0911", (on_date("DGJ", first),)) == days.count(first)


def test_conditions_are_understood(client: Any, ledger: list[Any]) -> None:
    """Choices, ranges and padded columns select what they say."""
    chosen = client.count(
        "F0911", (either(equal("LT", "AA"), equal("LT", "BA")), equal("MCU", "30"))
    )

    assert chosen == sum(row[2] in {"AA", "BA"} and row[4] == "30" for row in ledger) > 0
    assert client.count("F0911", (days_back("UPMJ", 10_000),)) > 0
    assert client.count("F0911", (at_least("AA", Decimal("1000.50")),)) == sum(
        row[3] >= Decimal("1000.50") for row in ledger
    )


@pytest.mark.parametrize("position", ["epoch", "yyyyMMdd"])
@pytest.mark.parametrize("zones", ["UTC/UTC", "-5/-5", "+9/-8"])
def test_days_of_groups_are_those_of_rows(
    wire: Any, client: Any, ledger: list[Any], position: str, zones: str
) -> None:
    """Groups by day hold the rows of that day, whichever way the day is told."""
    wire.ais.turn(aggregationDates=position, serverZones=zones)

    found = client.aggregate(AggregateQuery(table="F0911", groups=("DGJ",)))

    days = [decode_date(row[5]) for row in ledger]
    assert {decode_date(group.keys[0]): group.count for group in found} == {
        day: days.count(day) for day in set(days)
    }


def test_ends_of_a_column_are_its_ends(client: Any, ledger: list[Any]) -> None:
    """The greatest day comes as a Julian number and is still that day."""
    figures = (min_of("DOC"), max_of("DOC"), max_of("DGJ"), sum_of("AA"))

    (all_rows,) = client.aggregate(AggregateQuery(table="F0911", figures=figures))

    least, greatest, last, _ = all_rows.figures
    documents = [row[0] for row in ledger]
    assert (least, greatest) == (min(documents), max(documents))
    assert decode_date(last) == max(filter(None, (decode_date(row[5]) for row in ledger)))
    assert all_rows.count == len(ledger)


def test_cut_groups_are_put_together(wire: Any, client: Any, ledger: list[Any]) -> None:
    """A limit that cuts lists of groups in silence is found out and worked around."""
    query = AggregateQuery(
        table="F0911", groups=("LT", "MCU"), figures=(sum_of("U"), max_of("DOC")), split_by="DOC"
    )
    everything = sorted(client.aggregate(query), key=repr)

    wire.ais.turn(dbFetchLimit=20, fetchLimitCutsGroups=True)

    assert len(everything) > 20
    assert sorted(client.aggregate(query), key=repr) == everything
    assert sum(group.count for group in everything) == len(ledger)


def test_cut_groups_without_a_way_to_divide_are_refused(wire: Any, client: Any) -> None:
    """Groups that do not hold all rows are no answer."""
    wire.ais.turn(dbFetchLimit=2, fetchLimitCutsGroups=True)

    with pytest.raises(GroupsCutError, match=r"F0911 by MCU"):
        client.aggregate(AggregateQuery(table="F0911", groups=("MCU",)))


def test_hidden_column_is_named(wire: Any, client: Any) -> None:
    """Column security ends a read with the names of what is missing."""
    wire.ais.perform("hide_columns", F0911=["AA", "EXA"])
    try:
        with pytest.raises(ColumnHiddenError, match="F0911") as caught:
            client.browse(LEDGER)
    finally:
        wire.ais.perform("hide_columns", F0911=[])

    assert caught.value.columns == ("AA", "EXA")


@pytest.mark.parametrize("position", ["refuse", "ignore"])
def test_unknown_column_is_no_silence(wire: Any, client: Any, position: str) -> None:
    """A column this release does not have is refused, by the server or by us."""
    wire.ais.turn(unknownColumn=position)

    with pytest.raises((ReadRefusedError, ColumnHiddenError), match="F0911"):
        client.browse(Query(table="F0911", columns=("DOC", "NOSUCH")))


@pytest.mark.parametrize("status", [400, 500])
def test_unknown_table_is_refused(wire: Any, client: Any, status: int) -> None:
    """The server's refusal names the table, after at most one more log-in."""
    wire.ais.turn(refusalStatus=status)

    for _ in range(3):
        with pytest.raises(ReadRefusedError, match="F9999"):
            client.browse(Query(table="F9999", columns=("ABC",)))

    assert wire.logins <= 2


@pytest.mark.parametrize("limit", [40, 300, 999])
def test_fetch_limit_is_met_by_windows(
    wire: Any, client: Any, ledger: list[Any], limit: int
) -> None:
    """Rows behind the limit are read by ranges, each once."""
    wire.ais.turn(dbFetchLimit=limit)

    windows = list(client.browse_windows(LEDGER, split_by=("DOC", "JELN")))

    assert sorted((row for rows in windows for row in rows), key=repr) == ledger
    assert max(map(len, windows)) <= limit


def test_fetch_limit_is_never_taken_for_the_end(wire: Any, client: Any) -> None:
    """A plain read behind the limit fails, and the limit is known from then on."""
    wire.ais.turn(dbFetchLimit=300)

    with pytest.raises(TruncatedError, match="300 rows"):
        client.browse(LEDGER)

    assert client.fetch_limit == 300


def test_document_larger_than_the_limit_says_what_to_do(wire: Any, client: Any) -> None:
    """Rows that share the value windows are made by cannot be divided."""
    wire.ais.turn(dbFetchLimit=2)

    with pytest.raises(TruncatedError, match="Raise the DB Fetch Limit"):
        list(client.browse_windows(LEDGER, split_by="DOC"))


def test_server_tells_itself(wire: Any, client: Any) -> None:
    """Version and capabilities come without a log-in."""
    config = client.read_config()

    assert config.api == "v2"
    assert {"dataservice", "nextPage", "dataServiceAggregation"} <= config.capabilities
    assert client.read_server_time() is not None
    assert wire.logins == 0


def test_orchestrations_are_listed(client: Any) -> None:
    """The orchestrations the user may call come with their inputs."""
    names = {each.name for each in client.discover()}

    assert "PLN_PostBudgetJournal" in names
