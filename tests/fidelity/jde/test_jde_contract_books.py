"""The company as it is on the first day."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

KEY = ("DCT", "DOC", "KCO", "DGJ", "JELN", "LT", "EXTL")
Row = dict[str, Any]


def test_companies_have_the_documented_currencies_and_patterns(ais: Any) -> None:
    """Four companies, three calendars, decimals two, none and three."""
    rows = [ais.trimmed(row) for row in ais.browse("F0010", "CO NAME CRCD DTPN PNC DFYJ")]
    seen = {row["CO"]: (row["NAME"], row["CRCD"], row["DTPN"]) for row in rows}
    decimals = {r["CRCD"].strip(): str(r["CDEC"]).strip() for r in ais.browse("F0013", "CRCD CDEC")}

    assert seen == {
        "00001": ("Halden Works Inc", "USD", "R"),
        "00077": ("Halden Works Canada", "CAD", "O"),
        "00200": ("Halden Works Japan", "JPY", "F"),
        "00300": ("Halden Works Kuwait", "KWD", "R"),
    }
    assert (decimals["USD"], decimals["CAD"], decimals["JPY"], decimals["KWD"]) == tuple("2203")
    assert {row["CO"]: (row["PNC"], row["DFYJ"]) for row in rows} == {
        "00001": (11, "20260101"), "00077": (2, "20261001"),
        "00200": (5, "20260701"), "00300": (11, "20260101"),
    }  # fmt: skip


def calendars(ais: Any) -> dict[tuple[str, int], list[str]]:
    """Period ends by date pattern and fiscal year."""
    ends = " ".join(f"D{n:02}J" for n in range(1, 15))
    rows = ais.browse("F0008", f"DTPN DFYJ FQ FY CTRY {ends}")
    return {(r["DTPN"].strip(), r["FY"]): [r[f"D{n:02}J"] for n in range(1, 15)] for r in rows}


@pytest.mark.parametrize(
    ("pattern", "year", "first", "last"),
    [("R", 26, "20260131", "20261231"), ("O", 26, "20261031", "20270930"),
     ("F", 26, "20260731", "20270630")],
)  # fmt: skip
def test_fiscal_year_is_named_by_the_end_of_its_first_period(
    ais: Any, pattern: str, year: int, first: str, last: str
) -> None:
    """A year that starts in October 2026 is 26; thirteen and fourteen end with twelve."""
    ends = calendars(ais)[pattern, year]

    assert (ends[0], ends[11]) == (first, last)
    assert ends[12] == ends[13] == ends[11]
    assert ends[:12] == sorted(set(ends[:12]))


def test_period_of_every_row_follows_its_gl_date(ais: Any, ledger: list[Row]) -> None:
    """Year and period are those of the company's calendar; adjustments sit on the last day."""
    ends = calendars(ais)
    pattern = {row["CO"]: row["DTPN"].strip() for row in ais.browse("F0010", "CO DTPN")}
    for row in ledger:
        assert row["CTRY"] == 20
        year = ends[pattern[row["CO"]], row["FY"]]
        if row["PN"] > 12:
            assert row["DGJ"] <= year[11]
            continue
        before = year[row["PN"] - 2] if row["PN"] > 1 else ""
        assert before < row["DGJ"] <= year[row["PN"] - 1]
        if row["PN"] == 1 and (pattern[row["CO"]], row["FY"] - 1) in ends:
            assert row["DGJ"] > ends[pattern[row["CO"]], row["FY"] - 1][11]


def test_ledger_has_every_oddity_that_was_promised(ais: Any, ledger: list[Row]) -> None:
    """Document types, batch types, ledgers, adjustment periods, amounts at the edges."""
    rows = [ais.trimmed(row) for row in ledger]
    adjusted = {(r["CO"], r["FY"], r["PN"]) for r in rows if r["PN"] > 12}

    assert {row["DCT"] for row in rows} >= {"JE", "PV", "RI", "AE"}
    assert {row["ICUT"] for row in rows} >= {"G", "V", "IB", "RB"}
    assert {row["LT"] for row in rows} >= {"AA", "CA", "AZ", "BA", "AU", ""}
    assert len([row for row in rows if row["LT"] == ""]) == 1
    assert adjusted >= {("00001", 24, 13), ("00001", 25, 13), ("00001", 25, 14)}
    assert any(row["AA"] == 0 for row in rows)
    assert any(abs(row["AA"]) >= Decimal(10) ** 12 for row in rows)
    assert any(row["SBL"] and row["SBLT"] for row in rows)
    assert any(row["LT"] == "AU" and row["U"] and row["UM"] for row in rows)
    assert any(row["DGJ"] > "20261103" for row in rows)
    assert any(row["UPMJ"] is None for row in rows)
    companies: dict[tuple[str, int], set[str]] = defaultdict(set)
    for row in rows:
        companies[row["DCT"], row["DOC"]].add(row["KCO"])
    assert any(len(found) > 1 for found in companies.values())
    assert {row["POST"] for row in rows} == {"", "P"}


def test_primary_key_is_unique(ledger: list[Row]) -> None:
    """No two rows of the ledger share type, number, company, date, line, ledger and code."""
    keys = [tuple(row[name] for name in KEY) for row in ledger]

    assert len(set(keys)) == len(keys)


def test_documents_balance_in_actuals(ledger: list[Row]) -> None:
    """Each posted document adds up to nothing, domestic and foreign, to the last digit."""
    totals: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for row in ledger:
        if row["LT"].strip() in {"AA", "CA"} and row["POST"] == "P":
            totals[row["ICUT"], row["ICU"], row["LT"]] += row["AA"]

    assert len(totals) > 50
    assert {key: total for key, total in totals.items() if total} == {}


def test_foreign_rows_come_in_pairs(ais: Any, ledger: list[Row]) -> None:
    """Beside each CA row stands an AA row of the same line, account and currency."""
    rows = [ais.trimmed(row) for row in ledger]
    names = ("DCT", "DOC", "KCO", "DGJ", "JELN", "EXTL")
    base = {tuple(r[n] for n in names): r for r in rows if r["LT"] == "AA"}
    foreign = [row for row in rows if row["LT"] == "CA"]
    currencies = {"00001": "USD", "00077": "CAD", "00200": "JPY", "00300": "KWD"}

    assert {(r["CO"], r["CRCD"]) for r in foreign} >= {
        ("00001", "EUR"), ("00001", "GBP"), ("00077", "USD"), ("00300", "USD"),
    }  # fmt: skip
    for row in foreign:
        twin = base[tuple(row[n] for n in names)]
        assert (twin["AID"], twin["CRCD"]) == (row["AID"], row["CRCD"])
        assert row["CRCD"] != currencies[row["CO"]]
        assert twin["BCRC"] == currencies[row["CO"]]


def test_amounts_have_the_decimals_of_their_currency(ais: Any, ledger: list[Row]) -> None:
    """Two for dollars, none for yen, three for dinars; the foreign row by its own currency."""
    places = {"USD": 2, "CAD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3}
    own = {"00001": "USD", "00077": "CAD", "00200": "JPY", "00300": "KWD"}
    most: dict[str, int] = defaultdict(int)
    for row in ledger:
        ledger_type = row["LT"].strip()
        if ledger_type not in {"AA", "CA"}:
            continue
        currency = row["CRCD"].strip() if ledger_type == "CA" else own[row["CO"]]
        exponent = Decimal(row["AA"]).as_tuple().exponent
        assert isinstance(exponent, int)
        most[currency] = max(most[currency], -exponent)

    assert {currency: most[currency] for currency in most} == {c: places[c] for c in most}
    assert most.keys() >= {"USD", "CAD", "JPY", "KWD", "EUR", "GBP"}


@pytest.mark.parametrize("ledger_type", ["AA", "CA", "BA"])
def test_balances_equal_the_posted_rows(ais: Any, ledger: list[Row], ledger_type: str) -> None:
    """Account by account, period by period; Japan's budget stands in the balances alone."""
    japan = {row["AID"] for row in ais.accounts_of("00200")}
    of_table = {k: v for k, v in ais.balances().items() if k[2] == ledger_type}
    of_rows = {k: v for k, v in ais.movements(ledger).items() if k[2] == ledger_type}
    if ledger_type == "BA":
        assert any(key[0] in japan for key in of_table)
        assert not any(key[0] in japan for key in of_rows)
        of_table = {key: value for key, value in of_table.items() if key[0] not in japan}

    assert of_rows
    assert of_table == of_rows


def test_balance_sheet_is_carried_into_the_next_year(ais: Any) -> None:
    """Forward of a year is forward and all net changes of the year before."""
    nets = [f"AN{n:02}" for n in range(1, 15)]
    columns = f"AID FY SBL SBLT APYC OBJ {' '.join(nets)}"
    where = [ais.when("LT", "EQUAL", "AA"), ais.when("OBJ", "BETWEEN", "1000", "2999")]
    ends: dict[tuple[Any, ...], Decimal] = {}
    forwards: dict[tuple[Any, ...], Decimal] = {}
    for row in map(ais.trimmed, ais.browse("F0902", columns, *where)):
        key = (row["AID"], row["SBL"], row["SBLT"])
        forwards[*key, row["FY"]] = Decimal(row["APYC"])
        ends[*key, row["FY"] + 1] = row["APYC"] + sum(Decimal(row[name]) for name in nets)
    both = forwards.keys() & ends.keys()

    assert len(both) > 10
    assert {key: forwards[key] for key in both} == {key: ends[key] for key in both}


def test_rows_repeat_what_the_account_master_says(ais: Any, ledger: list[Row]) -> None:
    """Business unit, object and subsidiary of a row are those of its account."""
    master = {
        row["AID"]: (row["MCU"], row["OBJ"], row["SUB"])
        for row in ais.browse("F0901", "AID MCU OBJ SUB")
    }

    assert all(master[r["AID"]] == (r["MCU"], r["OBJ"], r["SUB"]) for r in ledger)


def test_account_master_has_headers_and_limited_accounts(ais: Any) -> None:
    """Posting edits blank, N, I, B and U; headers above posting accounts; unique numbers."""
    rows = [
        ais.trimmed(row) for row in ais.browse("F0901", "AID CO MCU OBJ SUB LDA PEC DL01 R001 R002")
    ]
    levels = {edit: {row["LDA"] for row in rows if row["PEC"] == edit} for edit in ("N", "")}

    assert {row["PEC"] for row in rows} >= {"", "N", "I", "B", "U"}
    assert levels["N"] <= set("345")
    assert levels[""] <= set("6789")
    assert len({(row["MCU"], row["OBJ"], row["SUB"]) for row in rows}) == len(rows)
    assert len({row["AID"] for row in rows}) == len(rows)
    assert any(row["SUB"] for row in rows)
    assert any(row["R001"] for row in rows)


def test_batches_tell_by_their_header_where_they_stand(ais: Any, ledger: list[Row]) -> None:
    """Done where posted; pending, approved, in error or in use where not."""
    headers = {
        (row["ICUT"].strip(), row["ICU"]): row["IST"].strip()
        for row in ais.browse("F0011", "ICUT ICU IST")
    }
    posts: dict[tuple[str, int], set[str]] = defaultdict(set)
    for row in ledger:
        posts[row["ICUT"].strip(), row["ICU"]].add(row["POST"].strip())

    assert set(posts) <= set(headers)
    assert all((headers[batch] == "D") is (states == {"P"}) for batch, states in posts.items())
    assert {headers[batch] for batch, states in posts.items() if states == {""}} >= {"A", "E", "U"}
