"""Dates: golden vectors, literals in the user's format, positions of the date switches."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

Row = dict[str, Any]
LATE = ("20261020", date(2026, 10, 20))


def period_end(ais: Any, number: int, year: int) -> list[Any]:
    """The conditions that leave one row of the calendar pattern."""
    return [ais.when("DTPN", "EQUAL", "R"), ais.when("FY", "EQUAL", year)]


@pytest.mark.parametrize(
    ("year", "number", "text", "julian"),
    [(24, 2, "20240229", 124060), (26, 1, "20260131", 126031), (24, 12, "20241231", 124366),
     (25, 12, "20251231", 125365)],
)  # fmt: skip
def test_julian_numbers_decode_as_documented(
    ais: Any, year: int, number: int, text: str, julian: int
) -> None:
    """A period's end is eight digits when browsed and a Julian number as a maximum."""
    column = f"D{number:02}J"
    conditions = period_end(ais, number, year)
    (row,) = ais.browse("F0008", column, *conditions)
    (highest,) = ais.aggregate("F0008", f"MAX:{column}", "", *conditions)

    assert row[column] == text
    assert highest[f"{column}_MAX"] == julian


def test_date_as_group_key_is_epoch_milliseconds(ais: Any) -> None:
    """Midnight of the server's day, here UTC."""
    output = ais.aggregate("F0008", "COUNT:*", "D01J", *period_end(ais, 1, 26))

    assert [row["groupBy"]["D01J"] for row in output] == [1769817600000]


@pytest.mark.parametrize(
    ("moment", "number"),
    [("2026-11-04T00:00:05Z", 5), ("2026-11-04T09:31:05Z", 93105),
     ("2026-11-04T23:59:59Z", 235959)],
)  # fmt: skip
def test_time_of_update_is_a_number_without_leading_zeros(
    own: Any, moment: str, number: int
) -> None:
    """Hours, minutes and seconds of the server, on the server's day."""
    own.set_clock(moment)
    own.sign_on()
    own.write("TIMEKEY1", [1250, -300])

    for row in own.keyed("TIMEKEY1", "UPMJ UPMT DSYJ LT JELN"):
        assert (row["UPMJ"], row["UPMT"], row["DSYJ"]) == ("20261104", number, "20261104")


USERS = [("PLNSVC", "%m/%d/%Y"), ("DMEUSER", "%d/%m/%Y")]


@pytest.mark.parametrize(("user", "pattern"), USERS)
def test_literal_date_is_read_in_the_format_of_the_user(
    ais: Any, ledger: list[Row], user: str, pattern: str
) -> None:
    """The same day in two spellings finds the same rows."""
    ais.sign_on(user)
    count = ais.count("F0911", ais.when("DGJ", "EQUAL", LATE[1].strftime(pattern)))

    assert count == len([row for row in ledger if row["DGJ"] == LATE[0]]) > 0


@pytest.mark.parametrize(("user", "pattern"), USERS)
def test_literal_of_today_agrees_with_the_server(ais: Any, user: str, pattern: str) -> None:
    """The self-check of a client: a literal and TODAY count the same."""
    ais.sign_on(user)
    literal = ais.when("DGJ", "LESS_EQUAL", date(2026, 11, 3).strftime(pattern))
    special = ais.special("DGJ", "LESS_EQUAL", "TODAY")

    assert ais.count("F0911", literal) == ais.count("F0911", special) > 0


@pytest.mark.parametrize(("user", "literal"), [("PLNSVC", "03/04/2026"), ("DMEUSER", "04/03/2026")])
def test_ambiguous_date_means_another_day_to_another_user(
    ais: Any, ledger: list[Row], user: str, literal: str
) -> None:
    """March 4th is written differently by the two."""
    ais.sign_on(user)

    expected = len([row for row in ledger if row["DGJ"] <= "20260304"])
    assert ais.count("F0911", ais.when("DGJ", "LESS_EQUAL", literal)) == expected


WRONG = [("PLNSVC", "20/10/2026"), ("DMEUSER", "10/20/2026"), ("PLNSVC", "126293"),
         ("PLNSVC", "20261020"), ("PLNSVC", "2026-10-20"), ("PLNSVC", "10-20-2026"),
         ("PLNSVC", "yesterday")]  # fmt: skip


@pytest.mark.parametrize(("user", "literal"), WRONG)
@pytest.mark.parametrize("status", [400, 500])
def test_date_in_a_wrong_format_is_refused(ais: Any, user: str, literal: str, status: int) -> None:
    """Another order, Julian, ISO, other separators: an error with a message."""
    ais.sign_on(user)
    ais.turn(wrongDate=str(status))
    reply = ais.query(ais.browsing("F0911", "DOC", ais.when("DGJ", "EQUAL", literal)))

    assert reply.status_code == status
    assert reply.json()["message"]


def test_date_in_a_wrong_format_may_be_misread(ais: Any, ledger: list[Row]) -> None:
    """The rows are not those of the day that was meant, and no error says so."""
    ais.turn(wrongDate="misread")
    reply = ais.query(ais.browsing("F0911", "DGJ", ais.when("DGJ", "EQUAL", "20/10/2026")))

    assert reply.status_code == 200
    meant = len([row for row in ledger if row["DGJ"] == LATE[0]])
    assert len(ais.rows(reply.json(), "F0911")) != meant


def test_date_in_a_wrong_format_may_be_ignored(ais: Any) -> None:
    """The condition counts for nothing; the others still hold."""
    ais.turn(wrongDate="ignore")
    company = ais.when("CO", "EQUAL", "00300")

    assert ais.count("F0911", company, ais.when("DGJ", "EQUAL", "20/10/2026")) == ais.count(
        "F0911", company
    )


def test_date_in_the_right_format_is_read_in_every_position(ais: Any) -> None:
    """The switch is about wrong literals only."""
    counts = set()
    for position in ("400", "500", "misread", "ignore"):
        ais.turn(wrongDate=position)
        counts.add(ais.count("F0911", ais.when("DGJ", "EQUAL", "10/20/2026")))

    assert len(counts) == 1


@pytest.mark.parametrize(("position", "blank"), [("null", None), ("", ""), (" ", " ")])
def test_blank_date_is_rendered_as_switched(ais: Any, position: str, blank: str | None) -> None:
    """Null, nothing, or one blank."""
    ais.turn(blankDate=position)
    rows = ais.browse("F0911", "HDGJ", ais.when("CO", "EQUAL", "00300"))

    assert {row["HDGJ"] for row in rows if not (row["HDGJ"] or "").strip()} == {blank}


@pytest.mark.parametrize(
    ("code", "separator", "pattern", "shown"),
    [("MDE", "/", "%m/%d/%Y", "MM/dd/yyyy"), ("MDE", "-", "%m-%d-%Y", "MM-dd-yyyy"),
     ("DME", ".", "%d.%m.%Y", "dd.MM.yyyy"), ("EMD", "/", "%Y/%m/%d", "yyyy/MM/dd"),
     ("EMD", "-", "%Y-%m-%d", "yyyy-MM-dd")],
)  # fmt: skip
def test_date_format_of_the_user_follows_the_switch(
    ais: Any, ledger: list[Row], code: str, separator: str, pattern: str, shown: str
) -> None:
    """The log-in tells it and conditions are read by it."""
    ais.turn(dateFormat=code, dateSeparator=separator)
    told = ais.sign_on()["userInfo"]
    count = ais.count("F0911", ais.when("DGJ", "EQUAL", LATE[1].strftime(pattern)))

    assert (told["dateFormat"], told["dateSeperator"]) == (code, separator)
    assert told["simpleDateFormat"] == shown
    assert count == len([row for row in ledger if row["DGJ"] == LATE[0]])


@pytest.mark.parametrize(("position", "key"), [("epoch", 1769817600000), ("yyyyMMdd", "20260131")])
def test_date_as_group_key_follows_the_switch(ais: Any, position: str, key: object) -> None:
    """Milliseconds or eight digits."""
    ais.turn(aggregationDates=position)
    output = ais.aggregate("F0008", "COUNT:*", "D01J", *period_end(ais, 1, 26))

    assert [row["groupBy"]["D01J"] for row in output] == [key]


@pytest.mark.parametrize(("position", "hours"), [("UTC/UTC", 0), ("-5/-5", -5)])
def test_epoch_of_a_group_key_is_midnight_where_the_server_stands(
    ais: Any, position: str, hours: int
) -> None:
    """West of Greenwich midnight comes later."""
    ais.turn(serverZones=position)
    (row,) = ais.aggregate("F0008", "COUNT:*", "D01J", *period_end(ais, 1, 26))
    midnight = datetime(2026, 1, 31, tzinfo=UTC).timestamp() - hours * 3600

    assert row["groupBy"]["D01J"] == midnight * 1000


def test_update_is_stamped_in_the_zone_of_the_logic_server(own: Any) -> None:
    """At two in the morning UTC it is still the evening before, five hours west."""
    own.turn(serverZones="-5/-5")
    own.set_clock("2026-11-05T02:00:00Z")
    own.sign_on()
    own.write("ZONEKEY1", [1250])
    (row,) = own.keyed("ZONEKEY1", "UPMJ UPMT LT JELN")

    assert (row["UPMJ"], row["UPMT"]) == ("20261104", 210000)
    today = [own.when("R2", "EQUAL", "ZONEKEY1"), own.special("UPMJ", "EQUAL", "TODAY")]
    assert own.count("F0911", *today) == 1


def test_logic_and_html_server_may_live_on_different_days(own: Any) -> None:
    """What one stamps today is not what the other calls today."""
    own.turn(serverZones="+9/-8")
    own.set_clock("2026-11-05T20:00:00Z")
    own.sign_on()
    own.write("ZONEKEY2", [1250])
    (row,) = own.keyed("ZONEKEY2", "UPMJ UPMT LT JELN")

    assert (row["UPMJ"], row["UPMT"]) == ("20261106", 50000)
    key = own.when("R2", "EQUAL", "ZONEKEY2")
    assert own.count("F0911", key, own.special("UPMJ", "EQUAL", "TODAY")) == 0
    assert own.count("F0911", key, own.special("UPMJ", "GREATER", "TODAY")) == 1
