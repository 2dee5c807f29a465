"""The company and what happens to its books: journals, posting, deletion, renames, purge."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

KEY = ("DCT", "DOC", "KCO", "DGJ", "JELN", "LT", "EXTL")
Row = dict[str, Any]


def trimmed(row: Row) -> Row:
    """The row with its text values trimmed."""
    return {name: v.strip() if isinstance(v, str) else v for name, v in row.items()}


def document(row: Row) -> tuple[Any, ...]:
    """The document of a row."""
    return (row["KCO"], row["DCT"], row["DOC"])


# The company as seeded.


def test_companies_have_the_documented_currencies_and_patterns(ais: Any) -> None:
    """Four companies, three calendars, decimals two, none and three."""
    rows = [trimmed(row) for row in ais.browse("F0010", "CO NAME CRCD DTPN PNC DFYJ")]
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


def test_ledger_has_every_oddity_that_was_promised(ledger: list[Row]) -> None:
    """Document types, batch types, ledgers, adjustment periods, amounts at the edges."""
    rows = [trimmed(row) for row in ledger]
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


def test_foreign_rows_come_in_pairs(ledger: list[Row]) -> None:
    """Beside each CA row stands an AA row of the same line, account and currency."""
    rows = [trimmed(row) for row in ledger]
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


def balances(ais: Any) -> dict[tuple[Any, ...], Decimal]:
    """Net changes of F0902 by account, year, ledger, currency and period, without zeros."""
    nets = " ".join(f"AN{n:02}" for n in range(1, 15))
    body = ais.browsing("F0902", f"AID CTRY FY FQ LT SBL SBLT CRCD CO {nets}", maxPageSize="1000")
    found: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for page in ais.pages(body):
        for raw in ais.rows(page, "F0902"):
            row = trimmed(raw)
            for number in range(1, 15):
                currency = row["CRCD"] if row["LT"] == "CA" else ""
                key = (row["AID"], row["FY"], row["LT"], row["SBL"], currency, number)
                found[key] += row[f"AN{number:02}"]
    return {key: amount for key, amount in found.items() if amount}


def movements(rows: list[Row]) -> dict[tuple[Any, ...], Decimal]:
    """The same from posted F0911 rows."""
    found: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for raw in rows:
        row = trimmed(raw)
        if row["POST"] == "P" and row["LT"] in {"AA", "CA", "BA"}:
            currency = row["CRCD"] if row["LT"] == "CA" else ""
            key = (row["AID"], row["FY"], row["LT"], row["SBL"], currency, row["PN"])
            found[key] += row["AA"]
    return {key: amount for key, amount in found.items() if amount}


@pytest.mark.parametrize("ledger_type", ["AA", "CA", "BA"])
def test_balances_equal_the_posted_rows(ais: Any, ledger: list[Row], ledger_type: str) -> None:
    """Account by account, period by period; Japan's budget stands in the balances alone."""
    japan = {row["AID"] for row in ais.accounts_of("00200")}
    of_table = {k: v for k, v in balances(ais).items() if k[2] == ledger_type}
    of_rows = {k: v for k, v in movements(ledger).items() if k[2] == ledger_type}
    if ledger_type == "BA":
        assert any(key[0] in japan for key in of_table)
        assert not any(key[0] in japan for key in of_rows)
        of_table = {key: value for key, value in of_table.items() if key[0] not in japan}

    assert of_rows
    assert of_table == of_rows


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
        trimmed(row) for row in ais.browse("F0901", "AID CO MCU OBJ SUB LDA PEC DL01 R001 R002")
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


# Posting.


def batch_of(own: Any, key: str) -> tuple[str, int]:
    """Type and number of the batch that holds the key."""
    row = own.keyed(key)[0]
    return row["ICUT"].strip(), row["ICU"]


def post(own: Any, key: str) -> None:
    """The batch of the key has been posted."""
    kind, number = batch_of(own, key)
    own.do("post_batch", batch_type=kind, batch=number)


@pytest.mark.parametrize("position", ["true", "false"])
def test_posting_stamps_rows_only_where_switched(own: Any, position: str) -> None:
    """By default a row posted on Thursday still says Tuesday."""
    own.turn(post_touches_upmj=position)
    own.write("STAMPED1", [1250, -300])
    own.advance(days=2)
    own.sign_on()
    post(own, "STAMPED1")

    expected = "20261105" if position == "true" else "20261103"
    assert {(r["POST"], r["UPMJ"]) for r in own.keyed("STAMPED1", "POST UPMJ LT JELN")} == {
        ("P", expected)
    }


def test_posting_stamps_some_rows_where_the_switch_is_mixed(own: Any) -> None:
    """Over several batches both kinds occur."""
    own.turn(post_touches_upmj="mixed")
    for n in range(8):
        own.write(f"MIXED00{n}", [100, 200, 300, 400])
    own.advance(days=2)
    own.sign_on()
    for n in range(8):
        post(own, f"MIXED00{n}")
    dates = {row["UPMJ"] for n in range(8) for row in own.keyed(f"MIXED00{n}", "UPMJ LT JELN")}

    assert dates == {"20261103", "20261105"}


@pytest.mark.parametrize(
    ("position", "audit"), [("untouched", (None, 0)), ("touched", ("20261103", 80000))]
)
def test_header_is_stamped_by_a_change_of_status_only_where_switched(
    own: Any, position: str, audit: tuple[Any, ...]
) -> None:
    """The header of a posted batch usually has no date of update."""
    own.turn(f0011_audit=position)
    own.write("AUDITED1", [1250])
    post(own, "AUDITED1")
    kind, number = batch_of(own, "AUDITED1")
    where = [own.when("ICUT", "EQUAL", kind), own.when("ICU", "EQUAL", number)]
    (row,) = own.browse("F0011", "IST UPMJ UPMT", *where)

    assert (row["IST"].strip(), row["UPMJ"], row["UPMT"]) == ("D", *audit)


def test_posting_moves_the_balances_by_the_batch(own: Any) -> None:
    """Before it nothing, after it exactly the amounts."""
    before = balances(own)
    own.write("MOVING01", [6778.23, -300])
    assert balances(own) == before
    post(own, "MOVING01")
    after = balances(own)
    change = {k: after.get(k, 0) - before.get(k, 0) for k in before.keys() | after.keys()}
    rows = own.keyed("MOVING01")

    assert {k: v for k, v in change.items() if v} == {
        (row["AID"], 26, "BA", "", "", 11): row["AA"] for row in rows
    }


def test_batch_is_not_posted_twice(own: Any) -> None:
    """The second attempt changes nothing."""
    own.write("TWICE001", [1250])
    post(own, "TWICE001")
    before = balances(own)
    kind, number = batch_of(own, "TWICE001")
    own.http.post(f"{own.url}/__sandbox/post_batch", json={"batch_type": kind, "batch": number})

    assert balances(own) == before


def test_posting_an_intercompany_batch_creates_entries_that_were_not_there(own: Any) -> None:
    """Rows of type AE appear with the day of the post; each company balances."""
    amounts = [1000, -1000]
    lines = own.lines(amounts, accounts=[own.accounts("00001")[-1], own.accounts("00300")[-1]])
    body = own.plan("INTERCO1", lines, LedgerType="AA", DocumentType="JE")
    reply = own.run(body)
    if reply.json().get("Result") != "CREATED":
        pytest.skip("the orchestration writes for one company only")
    kind, number = batch_of(own, "INTERCO1")
    where = [own.when("ICUT", "EQUAL", kind), own.when("ICU", "EQUAL", number)]
    own.advance(days=1)
    own.sign_on()
    post(own, "INTERCO1")
    rows = [trimmed(row) for row in own.browse("F0911", "DCT CO AA LT UPMJ POST", *where)]
    created = [row for row in rows if row["DCT"] == "AE"]

    assert created
    assert {(row["UPMJ"], row["POST"]) for row in created} == {("20261104", "P")}
    for company in {row["CO"] for row in rows}:
        assert sum(r["AA"] for r in rows if r["CO"] == company and r["LT"] == "AA") == 0


# The day behind the stage.


def test_day_posts_deletes_and_renames(own: Any) -> None:
    """The three events a watermark on the date of update does not see."""
    late = [own.when("DGJ", "EQUAL", "10/20/2026"), own.when("DICJ", "EQUAL", "10/24/2026"),
            own.when("POST", "EQUAL", "")]  # fmt: skip
    pending = own.browse("F0911", "ICUT ICU DOC AID UPMJ", *late)
    counts = own.count("F0911")
    done = own.do("pass_day")
    own.sign_on()

    assert pending
    assert own.control("GET", "clock")["now"].startswith("2026-11-04T08:00")
    assert {(row["ICUT"].strip(), row["ICU"]) for row in pending} == {batch_id(done["posted"])}
    after = [own.when("ICU", "EQUAL", pending[0]["ICU"]), own.when("ICUT", "EQUAL", "G")]
    rows = own.browse("F0911", "POST UPMJ DCT", *after)
    assert {row["POST"] for row in rows} == {"P"}
    assert {row["UPMJ"] for row in rows if row["DCT"].strip() != "AE"} == {
        row["UPMJ"] for row in pending
    }
    gone = batch_id(done["deleted"])
    assert (
        own.count("F0911", own.when("ICU", "EQUAL", gone[1]), own.when("ICUT", "EQUAL", gone[0]))
        == 0
    )
    assert own.count("F0911") < counts


def batch_id(told: Row) -> tuple[str, int]:
    """Type and number out of "G-15981"."""
    kind, _, number = str(told["batch"]).rpartition("-")
    return kind or "G", int(number)


def test_day_renames_an_account_everywhere_without_a_stamp(own: Any) -> None:
    """Master, rows and balances have the new name; the rows keep their date of update."""
    columns = "KCO DCT DOC DGJ JELN LT EXTL AID MCU OBJ SUB UPMJ UPMT"
    body = own.browsing("F0911", columns, maxPageSize="1000")

    def by_key() -> dict[tuple[Any, ...], Row]:
        rows = [row for page in own.pages(body) for row in own.rows(page, "F0911")]
        return {tuple(row[name] for name in KEY): row for row in rows}

    before = by_key()
    told = own.do("pass_day")["renamed"]
    own.sign_on()
    after = by_key()
    (master,) = own.browse("F0901", "MCU OBJ SUB", own.when("AID", "EQUAL", told["aid"]))
    touched = [key for key, row in after.items() if row["AID"] == told["aid"]]

    assert touched
    for key in touched:
        assert {name: after[key][name] for name in master} == master
        if key in before:
            assert {name: before[key][name] for name in master} != master
            assert before[key]["UPMJ"] == after[key]["UPMJ"]
            assert before[key]["UPMT"] == after[key]["UPMT"]
    balanced = own.browse("F0902", "MCU OBJ SUB", own.when("AID", "EQUAL", told["aid"]))
    assert balanced
    assert all(row == master for row in balanced)


def test_books_stay_in_step_over_several_days(own: Any) -> None:
    """After three days balances still equal the posted rows."""
    for _ in range(3):
        own.do("pass_day")
    own.sign_on()
    columns = "AID FY LT SBL CRCD PN AA POST CO"
    body = own.browsing("F0911", columns, maxPageSize="1000")
    rows = [row for page in own.pages(body) for row in own.rows(page, "F0911")]
    japan = {row["AID"] for row in own.accounts_of("00200")}
    of_table = {k: v for k, v in balances(own).items() if k[2] != "BA" or k[0] not in japan}
    wanted = {"AA", "CA", "BA"}

    assert {k: v for k, v in of_table.items() if k[2] in wanted} == movements(rows)


def test_purge_takes_rows_out_of_the_ledger(own: Any) -> None:
    """Purged rows are gone from F0911 and stand in F0911P; balances keep what they were."""
    old = [own.when("FY", "EQUAL", "24"), own.when("CO", "EQUAL", "00001")]
    count, before = own.count("F0911", *old), balances(own)
    own.do("purge", company="00001", fiscal_year=24)

    assert count > 0
    assert own.count("F0911", *old) < count
    assert balances(own) == before


def test_unposted_document_can_be_deleted_and_a_posted_one_cannot(own: Any) -> None:
    """Deletion leaves no trace; a posted document stays."""
    for key, is_posted in (("DELETED1", False), ("DELETED2", True)):
        answer = own.write(key, [1250], PostAfterCreate=is_posted)
        own.http.post(
            f"{own.url}/__sandbox/delete_document",
            json={"company": "00001", "document_type": "BX", "document": answer["DocumentNumber"]},
        )
        assert bool(own.keyed(key)) is is_posted
