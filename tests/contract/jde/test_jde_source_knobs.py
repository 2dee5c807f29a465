"""The same books through servers that behave otherwise, and what is refused when they cannot."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.ledger import Balance, Batch, Line
from ml_connector.ports import CheckState, LedgerSource, Measure
from ml_connector.systems.jde.adapter import JdeSource
from ml_connector.systems.jde.reference import DatesMisreadError
from ml_connector.systems.jde.refusals import ColumnHiddenError, TruncatedError

ALIKE: list[dict[str, Any]] = [
    {"dbFetchLimit": 400},
    {"dbFetchLimit": 400, "fetchLimitCutsGroups": False},
    {"dbFetchLimit": None},
    {"aggregationDates": "yyyyMMdd"},
    {"aggregationDecimals": "currency"},
    {"countShape": "flat"},
    {"blankDate": ""},
    {"blankDate": " "},
    {"stringPadding": "full"},
    {"stringPadding": "trimmed"},
    {"loadBalanced": "2 nodes"},
    {"serverZones": "+9/-8"},
    {"serverZones": "-5/-5"},
    {"dateFormat": "DME", "dateSeparator": "."},
    {"dateFormat": "EMD", "dateSeparator": "-"},
]
"""Switches that change how a server speaks and nothing of what it says."""


def read_lines(source: LedgerSource) -> dict[str, list[Line]]:
    """The lines of each batch, by id."""
    read = source.read_batches(list(source.read_all_stamps()))
    return {stamp.batch_id: sorted(batch.lines) for stamp, batch in read if batch is not None}


def lines_of(books: Iterable[Batch]) -> dict[str, list[Line]]:
    """The lines of each batch, by id."""
    return {batch.batch_id: sorted(batch.lines) for batch in books}


def balances_of(source: LedgerSource, name: str, period: str, measure: Measure) -> list[Balance]:
    """The balances of one period."""
    ledger = next(each for each in source.read_ledgers() if each.name == name)
    found = next(each for each in source.read_periods(ledger) if each.name == period)
    return list(source.read_balances(ledger, found, measure))


@pytest.mark.parametrize("switches", ALIKE, ids=repr)
def test_books_are_the_same_however_the_server_speaks(
    ais: Any, build: Any, books: list[Batch], switches: dict[str, Any]
) -> None:
    """Limits, shapes, padding, zones and date formats change nothing of what is read."""
    ais.turn(**switches)

    assert read_lines(build(ais)) == lines_of(books)


@pytest.mark.parametrize("switches", ALIKE[:6], ids=repr)
def test_balances_are_the_same_however_the_server_speaks(
    ais: Any, build: Any, source: JdeSource, switches: dict[str, Any]
) -> None:
    """Balances and what lines add up to are scaled by what the server really does."""
    asked = ("00001", "FY2026-P09", Measure.ENTERED)
    before = balances_of(source, *asked)
    ais.turn(**switches)

    assert len([balance for balance in before if balance.activity]) > 10
    assert balances_of(build(ais), *asked) == before


@pytest.mark.parametrize(("page_size", "limit"), [(7, 2000), (50_000, 2000), (50_000, 30)])
def test_page_size_changes_nothing(
    ais: Any, build: Any, books: list[Batch], page_size: int, limit: int
) -> None:
    """Small pages, large ones and servers that give less still give the same lines."""
    ais.turn(dbFetchLimit=limit)

    assert read_lines(build(ais, page_size=page_size)) == lines_of(books)


def test_user_with_another_date_format_reads_the_same(
    ais: Any, build: Any, books: list[Batch]
) -> None:
    """Days are written as the session's user writes them."""
    source = build(ais, user="DMEUSER", first_gl_date="2023-02-01")

    assert read_lines(source) == lines_of(books)


def test_first_gl_date_limits_what_is_looked_at(ais: Any, build: Any, books: list[Batch]) -> None:
    """Earlier lines are no part of a batch, to any of the questions."""
    source = build(ais, first_gl_date="2026-05-04")
    wanted = {
        batch_id: later
        for batch_id, lines in lines_of(books).items()
        if (later := [x for x in lines if x.accounting_date.isoformat() >= "2026-05-04"])
    }

    assert read_lines(source) == wanted


@pytest.mark.parametrize("wrong", ["misread", "ignore"])
def test_dates_that_are_misread_stop_before_a_line_is_read(
    ais: Any, build: Any, wrong: str
) -> None:
    """A server that reads days in another format than its log-in told is found out."""
    source = build(ais)
    source.read_ledgers()
    ais.turn(dateFormat="DME", wrongDate=wrong)

    with pytest.raises(DatesMisreadError, match="2027-10-01"):
        list(source.read_all_stamps())


def test_limited_user_sees_one_company(ais: Any, build: Any, books: list[Batch]) -> None:
    """Row security takes the other companies away, lines and all."""
    source = build(ais, user="LIMITED")
    found = read_lines(source)

    assert {ledger.name for ledger in source.read_ledgers()} == {"00001", "00001/BA"}
    assert found == {
        batch_id: visible
        for batch_id, lines in lines_of(books).items()
        if (visible := [line for line in lines if line.ledger.startswith("00001")])
    }


def test_hidden_company_is_no_ledger_any_more(own_ais: Any, build: Any) -> None:
    """A company that security hides is gone from ledgers, members and lines."""
    own_ais.perform("hide_companies", companies=["00300"])
    source = build(own_ais)

    assert not [ledger for ledger in source.read_ledgers() if ledger.ledger_id == "00300"]
    assert not [member for member in source.read_members("ledgers") if "00300" in member.code]
    assert not [line for lines in read_lines(source).values() for line in lines
                if line.ledger.startswith("00300")]  # fmt: skip


def test_hidden_column_stops_the_read_by_name(own_ais: Any, build: Any) -> None:
    """No line is read with a column left out."""
    own_ais.perform("hide_columns", F0911=["EXR", "PN"])
    source = build(own_ais)

    with pytest.raises(ColumnHiddenError, match="PN"):
        read_lines(source)


def test_one_account_larger_than_the_limit_is_told(ais: Any, build: Any) -> None:
    """Rows that cannot be divided any more are an error, never a shorter list."""
    ais.turn(dbFetchLimit=1)

    with pytest.raises(TruncatedError):
        balances_of(build(ais), "00001", "FY2026-P09", Measure.BASE)


def test_scale_of_sums_is_learned_for_each_currency(ais: Any, build: Any) -> None:
    """Yen and dinars are scaled, whichever way the server scales sums."""
    for decimals in ("dictionary", "currency"):
        ais.turn(aggregationDecimals=decimals)
        for company in ("00001", "00200", "00300"):
            source = build(ais)
            periods = [f"FY2025-P{number:02d}" for number in (1, 5, 9, 12)]
            found = [b for p in periods for b in balances_of(source, company, p, Measure.BASE)]

            assert [b for b in found if b.of_lines != b.activity] == []
            assert [b for b in found if b.activity], company


def test_checks_of_a_healthy_server_are_all_ok(source: JdeSource) -> None:
    """Reach, log-in, companies, each table, dates and limits: nothing to do."""
    checks = list(source.check())

    assert {check.state for check in checks} == {CheckState.OK}
    assert {check.subject for check in checks} >= {
        "reach", "log-in", "clock", "companies", "table F0911", "table F0902", "table F0901",
        "table F0006", "table F0008", "table F0010", "table F0013", "table F0025", "table F0005",
        "ledger types", "dates", "row limit", "group limit", "posting",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("switches", "subject", "state", "told"),
    [
        ({"passwordExpiry": "aboutToExpire"}, "password", CheckState.WARNING, "expire"),
        ({"allowedHosts": "405Login"}, "log-in", CheckState.FAILED, "Allowed Hosts"),
        ({"hiddenCapabilities": ["nextPage"]}, "capabilities", CheckState.WARNING, "nextPage"),
        ({"deniedTables": ["F0902"]}, "table F0902", CheckState.FAILED, "F0902"),
        ({"dbFetchLimit": 300}, "row limit", CheckState.OK, "300"),
        ({"dbFetchLimit": 300}, "group limit", CheckState.OK, "in parts"),
    ],
)
def test_check_tells_what_is_amiss(
    ais: Any, build: Any, switches: dict[str, Any], subject: str, state: CheckState, told: str
) -> None:
    """Each fault has a finding of its own, in words that help."""
    ais.turn(**switches)
    found = [check for check in build(ais).check() if check.subject == subject]

    assert [check.state for check in found] == [state]
    assert told in found[0].finding + found[0].next_step
    assert state is CheckState.OK or found[0].next_step


def test_check_stops_at_a_refused_log_in(ais: Any, build: Any) -> None:
    """A wrong password is tried once, and nothing is asked behind it."""
    source = build(ais, user="NOBODY")
    checks = list(source.check())

    assert [check.subject for check in checks] == ["reach", "capabilities", "log-in"]
    assert checks[-1].code == "credentials"


def test_check_names_hidden_columns_and_companies(own_ais: Any, build: Any) -> None:
    """Column security and missing companies are told by name."""
    own_ais.perform("hide_columns", F0911=["EXR"])
    source = build(own_ais, user="LIMITED", companies=["00001", "00077"])
    failed = {c.subject: c.finding for c in source.check() if c.state is CheckState.FAILED}

    assert "EXR" in failed["table F0911"]
    assert "00077" in failed["companies"]


def test_check_tells_an_unknown_ledger_type(ais: Any, build: Any) -> None:
    """A ledger type that is none fails the check, with those there are."""
    failed = {
        c.subject: c for c in build(ais, ledger_types=["AA", "QQ"]).check()
        if c.state is CheckState.FAILED
    }  # fmt: skip

    assert "it has AA" in failed["ledger types"].finding
    assert failed["ledger types"].code == "jde.ledger-type-unknown"


def test_discover_tells_what_can_be_named(source: JdeSource) -> None:
    """Companies, ledger types with their lines, date patterns and used category codes."""
    found = list(source.discover())
    by_kind = {each.kind: {o.name for o in found if o.kind == each.kind} for each in found}

    assert by_kind["company"] == {"00001", "00077", "00200", "00300"}
    assert {"AA", "CA", "BA", "AU", "AZ"} <= by_kind["ledger type"]
    assert {"R", "O", "F"} <= by_kind["date pattern"]
    assert {"r001", "r002"} <= by_kind["account category"]
    assert {"rp01", "rp02"} <= by_kind["business unit category"]


def test_nothing_is_written_and_no_session_is_left(ais: Any, build: Any) -> None:
    """A source that is closed has given its session back."""
    source = build(ais)
    balances_of(source, "00001", "FY2026-P09", Measure.BASE)
    assert ais.perform("list_sessions")
    source.close()

    assert ais.perform("list_sessions") == []


def test_amounts_are_never_floats(books: list[Batch]) -> None:
    """Every amount is an exact decimal."""
    amounts = [x for batch in books for line in batch.lines for x in (line.debit, line.credit)]

    assert {type(amount) for amount in amounts} == {Decimal}
