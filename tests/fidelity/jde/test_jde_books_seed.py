"""The laws of the seeded company, at its default size and at a small one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ml_connector.sandbox.jde.books import seed_books
from ml_connector.sandbox.jde.books.companies import COMPANIES, DECIMALS
from ml_connector.sandbox.jde.books.patterns import place_of
from ml_connector.sandbox.jde.julian import from_julian, to_julian
from ml_connector.sandbox.jde.schema import TABLES, clear_tables, create_tables
from ml_connector.sandbox.store import Store

NOW = datetime(2026, 11, 3, 8, tzinfo=UTC)
SIZES = (10_000, 2_000)


def _seeded(folder: Path, lines: int) -> Store:
    store = Store(folder / "jde.sqlite")
    create_tables(store)
    seed_books(store, lines=lines, now=NOW)
    return store


@pytest.fixture(scope="module", params=SIZES)
def books(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """Two sizes of the company, for tests that only look."""
    store = _seeded(tmp_path_factory.mktemp("books"), request.param)
    yield store
    store.close()


def _digest(store: Store) -> str:
    text = hashlib.sha256()
    for name, table in TABLES.items():
        keys = ", ".join(f'"{alias}"' for alias in table.key)
        for row in store.query(f"SELECT * FROM {name} ORDER BY {keys}"):
            text.update(repr(row).encode())
    return text.hexdigest()


def test_books_are_the_same_to_the_digit_on_every_start(tmp_path: Path) -> None:
    """The same number of lines gives the same company, however often it is asked for."""
    digests = []
    for name in ("a", "b"):
        store = _seeded(tmp_path / name, 2_000)
        digests.append(_digest(store))
        store.close()

    assert digests[0] == digests[1]


def test_books_stay_as_they_are_when_seeded_again(tmp_path: Path) -> None:
    """Seeding into a company changes nothing; into cleared tables it brings the company back."""
    store = _seeded(tmp_path, 2_000)
    before = _digest(store)
    store.execute("UPDATE F0010 SET NAME = 'Changed' WHERE CO = '00001'")
    changed = _digest(store)

    seed_books(store, lines=3_000, now=NOW)
    assert _digest(store) == changed
    clear_tables(store)
    seed_books(store, lines=2_000, now=NOW)
    assert _digest(store) == before
    store.close()


@pytest.mark.parametrize("lines", [2_000, 10_000, 20_000])
def test_books_have_about_as_many_rows_as_wanted(tmp_path: Path, lines: int) -> None:
    """The knob counts rows of the account ledger; two in a hundred more or less are allowed."""
    store = _seeded(tmp_path, lines)
    rows = store.query("SELECT COUNT(*) FROM F0911")[0][0]

    assert abs(rows - lines) <= lines // 50
    store.close()


@pytest.mark.parametrize(("lines", "rows"), [(10_000, 1_200), (50_000, 5_000)])
def test_books_hold_one_very_long_batch(tmp_path: Path, lines: int, rows: int) -> None:
    """The longest batch has 1 200 rows, and 5 000 in a large company."""
    store = _seeded(tmp_path, lines)
    sql = "SELECT COUNT(*) FROM F0911 WHERE ICUT = 'G' AND LT = 'AA' GROUP BY ICU ORDER BY 1 DESC"

    assert store.query(sql)[0][0] == rows
    store.close()


def test_companies_have_the_currencies_and_calendars_agreed_on(books: Store) -> None:
    """Four companies, each with its date pattern and the period that holds November 2026."""
    sql = "SELECT CO, NAME, CRCD, DTPN, PNC, DFYJ FROM F0010 ORDER BY CO"

    assert books.query(sql) == [
        ("00001", "Halden Works Inc", "USD", "R", 11, to_julian(date(2026, 1, 1))),
        ("00077", "Halden Works Canada", "CAD", "O", 2, to_julian(date(2026, 10, 1))),
        ("00200", "Halden Works Japan", "JPY", "F", 5, to_julian(date(2026, 7, 1))),
        ("00300", "Halden Works Kuwait", "KWD", "R", 11, to_julian(date(2026, 1, 1))),
    ]


def test_fiscal_years_bear_the_year_their_first_period_ends_in(books: Store) -> None:
    """Each pattern has five years; the adjustment periods end with the twelfth."""
    rows = books.query("SELECT DTPN, DFYJ, FY, D01J, D12J, D13J, D14J FROM F0008")

    assert sorted(row[0] for row in rows) == ["F"] * 5 + ["O"] * 5 + ["R"] * 5
    for _, _, year, first, last, thirteenth, fourteenth in rows:
        end = from_julian(first)
        assert end is not None
        assert end.year % 100 == year
        assert last == thirteenth == fourteenth


def test_every_posted_document_balances_in_each_company(books: Store) -> None:
    """With its automatic entries a document adds up to zero, in base and in foreign amounts."""
    sql = (
        "SELECT KCO, DOC, DGJ, CO, LT, CRCD, SUM(AA) FROM F0911"
        " WHERE POST = 'P' AND LT IN ('AA', 'CA', 'AZ')"
        " GROUP BY KCO, DOC, DGJ, CO, LT, CRCD HAVING SUM(AA) <> 0"
    )

    assert books.query(sql) == []


def test_balances_equal_the_posted_rows(books: Store) -> None:
    """Net changes are the sums of posted rows by account, ledger, year, period and currency."""
    kept = "CASE WHEN LT = 'CA' THEN CRCD ELSE '' END"
    rows = books.query(
        f"SELECT AID, LT, FY, PN, {kept} AS kept, SUM(AA) FROM F0911 WHERE POST = 'P'"
        " GROUP BY AID, LT, FY, PN, kept"
    )
    wanted = {row[:5]: row[5] for row in rows if row[5]}
    nets: dict[tuple[object, ...], int] = {}
    for period in range(1, 15):
        for row in books.query(
            f"SELECT AID, LT, FY, {period}, CRCD, SUM(AN{period:02}) FROM F0902"
            " WHERE NOT (CO = '00200' AND LT = 'BA') GROUP BY AID, LT, FY, CRCD"
        ):
            if row[5]:
                nets[row[:5]] = row[5]

    assert nets == wanted


def test_balances_are_carried_into_the_next_fiscal_year(books: Store) -> None:
    """A year begins where the year before ended; assets, liabilities and equity only."""
    total = "APYC + " + " + ".join(f"AN{period:02}" for period in range(1, 15))
    broken = books.query(
        f"SELECT n.AID, n.LT, n.FY FROM F0902 n JOIN (SELECT AID, LT, FY, SBL, SBLT, CRCD,"
        f" {total} AS ends FROM F0902) p ON p.AID = n.AID AND p.LT = n.LT AND p.SBL = n.SBL"
        " AND p.SBLT = n.SBLT AND p.CRCD = n.CRCD AND p.FY = n.FY - 1"
        " WHERE n.OBJ BETWEEN '1000' AND '3999' AND n.OBJ <> '3200'"
        " AND n.LT IN ('AA', 'CA', 'AZ') AND n.APYC <> p.ends"
    )

    assert broken == []
    results = "SELECT COUNT(*) FROM F0902 WHERE OBJ >= '4000' AND APYC <> 0"
    assert books.query(results) == [(0,)]


def test_balance_sheets_balance_at_the_beginning_of_the_year(books: Store) -> None:
    """With the results of the years before in retained earnings, the forwards add up to zero."""
    sql = (
        "SELECT b.CO, SUM(b.APYC) FROM F0902 b JOIN F0010 c ON c.CO = b.CO"
        " WHERE b.LT = 'AA' AND b.FY = c.DFYJ / 1000 % 100 GROUP BY b.CO"
    )

    assert books.query(sql) == [(company.number, 0) for company in COMPANIES]


def test_years_and_periods_follow_the_date_pattern_of_the_company(books: Store) -> None:
    """FY and PN are those of the G/L date; 13 and 14 only on the year's last day."""
    patterns = dict(books.query("SELECT CO, DTPN FROM F0010"))
    rows = books.query("SELECT DISTINCT CO, DGJ, CTRY, FY, PN FROM F0911")
    for company, raw, century, year, period in rows:
        day = from_julian(raw)
        assert day is not None
        expected_year, expected_period = place_of(patterns[company], day)
        assert (century, year) == (20, expected_year % 100)
        if period > 12:
            assert (company, day.month, day.day) == ("00001", 12, 31)
        else:
            assert period == expected_period

    adjusted = books.query("SELECT DISTINCT CO, FY, PN FROM F0911 WHERE PN > 12 ORDER BY 2, 3")
    assert adjusted == [("00001", 24, 13), ("00001", 25, 13), ("00001", 25, 14)]


def test_ledger_months_run_from_january_2024_to_november_2026(books: Store) -> None:
    """Every month between has rows, and none lies outside; plans go on to the year's end."""
    sql = "SELECT DISTINCT DGJ FROM F0911 WHERE LT <> 'BA'"
    days = [from_julian(row[0]) for row in books.query(sql)]
    months = {(day.year, day.month) for day in days if day is not None}

    assert min(months) == (2024, 1)
    assert max(months) == (2026, 11)
    assert len(months) == 35


def test_every_account_of_the_ledger_is_in_the_master(books: Store) -> None:
    """Rows repeat company, business unit, object and subsidiary of the account they name."""
    for table in ("F0911", "F0902"):
        sql = (
            f"SELECT COUNT(*) FROM {table} l LEFT JOIN F0901 a ON a.AID = l.AID AND a.CO = l.CO"
            " AND a.MCU = l.MCU AND a.OBJ = l.OBJ AND a.SUB = l.SUB WHERE a.AID IS NULL"
        )
        assert books.query(sql) == [(0,)]


def test_posted_rows_use_posting_accounts_only(books: Store) -> None:
    """Headers and inactive accounts have no posted row, budget accounts none of actuals."""
    sql = (
        "SELECT DISTINCT a.PEC, l.LT FROM F0911 l JOIN F0901 a ON a.AID = l.AID"
        " WHERE l.POST = 'P' ORDER BY 1, 2"
    )

    found = books.query(sql)
    assert {code for code, _ in found} <= {"", "B", "U"}
    assert {ledger for code, ledger in found if code == "B"} <= {"BA"}
    assert {ledger for code, ledger in found if code == "U"} == {"AU"}


def test_foreign_lines_are_pairs_that_share_their_key(books: Store) -> None:
    """Each foreign AA row has a CA row of the same line, and each CA row its AA row."""
    key = (
        "x.DCT = y.DCT AND x.DOC = y.DOC AND x.KCO = y.KCO AND x.DGJ = y.DGJ"
        " AND x.JELN = y.JELN AND x.EXTL = y.EXTL"
    )
    lonely = (
        "SELECT COUNT(*) FROM F0911 x LEFT JOIN F0911 y ON {key} AND y.LT = '{other}'"
        " WHERE x.LT = '{own}' AND x.CRCD <> x.BCRC AND y.DOC IS NULL"
    )

    assert books.query(lonely.format(key=key, own="AA", other="CA")) == [(0,)]
    assert books.query(lonely.format(key=key, own="CA", other="AA")) == [(0,)]
    assert books.query("SELECT COUNT(*) FROM F0911 WHERE LT = 'CA' AND CRCD = BCRC") == [(0,)]
    same = f"SELECT COUNT(*) FROM F0911 x JOIN F0911 y ON {key} WHERE x.LT = 'CA' AND y.LT = 'AA'"
    assert books.query(f"{same} AND x.CRCD = y.CRCD AND x.AID = y.AID AND x.POST = y.POST") == (
        books.query("SELECT COUNT(*) FROM F0911 WHERE LT = 'CA'")
    )


def test_foreign_documents_are_where_they_were_agreed_on(books: Store) -> None:
    """Euros and pounds in the first company, dollars in Canada and Kuwait, none in Japan."""
    sql = "SELECT DISTINCT CO, CRCD FROM F0911 WHERE LT = 'CA' ORDER BY CO, CRCD"

    assert books.query(sql) == [
        ("00001", "EUR"), ("00001", "GBP"), ("00077", "USD"), ("00300", "USD"),
    ]  # fmt: skip


def test_base_currency_is_that_of_the_company_on_every_row(books: Store) -> None:
    """BCRC names the company's currency; CRCD is the transaction's, also on AA rows."""
    sql = "SELECT COUNT(*) FROM F0911 l JOIN F0010 c ON c.CO = l.CO WHERE l.BCRC <> c.CRCD"

    assert books.query(sql) == [(0,)]
    foreign = "SELECT COUNT(*) FROM F0911 WHERE LT = 'AA' AND CRCD <> BCRC AND CRR > 0"
    assert books.query(foreign)[0][0] > 0


def test_amounts_are_whole_numbers_scaled_by_their_currency(books: Store) -> None:
    """Nothing but integers is stored; foreign amounts times the rate are the base amounts."""
    kinds = "SELECT DISTINCT typeof(AA), typeof(U), typeof(CRR) FROM F0911"
    assert books.query(kinds) == [("integer", "integer", "integer")]
    pairs = books.query(
        "SELECT x.AA, x.CRCD, y.AA, y.BCRC, y.CRR FROM F0911 x JOIN F0911 y ON x.DCT = y.DCT"
        " AND x.DOC = y.DOC AND x.KCO = y.KCO AND x.DGJ = y.DGJ AND x.JELN = y.JELN"
        " AND x.EXTL = y.EXTL WHERE x.LT = 'CA' AND y.LT = 'AA' AND y.DCT <> 'AE'"
    )
    for foreign, currency, base, own, rate in pairs:
        expected = foreign * rate * 10 ** DECIMALS[own] // (10 ** DECIMALS[currency] * 10**7)
        assert abs(base - expected) <= 10


def test_yen_are_whole_and_dinars_have_three_decimals(books: Store) -> None:
    """Opening cash tells: cents, whole yen and fils of one business, split by its shares."""
    sql = (
        "SELECT CO, AA FROM F0911 WHERE EXA = 'Opening balances' AND OBJ = '1110'"
        " AND CO IN ('00001', '00200', '00300') ORDER BY CO"
    )

    assert books.query(sql) == [
        ("00001", 4_890_127_900),
        ("00200", 1_884_385_493),
        ("00300", 2_847_234_814),
    ]
    decimals = "SELECT CRCD, CDEC FROM F0013 WHERE CRCD IN ('JPY', 'KWD', 'USD') ORDER BY CRCD"
    assert books.query(decimals) == [("JPY", "0"), ("KWD", "3"), ("USD", "2")]


def test_texts_are_stored_as_their_columns_want_them(books: Store) -> None:
    """Padding at the left, no blanks at the right, nothing longer than its column."""
    for name, table in TABLES.items():
        for column in table.columns:
            if column.kind != "text":
                continue
            for (value,) in books.query(f'SELECT DISTINCT "{column.alias}" FROM {name}'):
                assert column.raw_text(value) == value, (name, column.alias)


def test_business_units_and_accounts_of_the_examples_exist(books: Store) -> None:
    """The names that field descriptions use can be looked up."""
    units = "SELECT MCU FROM F0006 WHERE TRIM(MCU) IN ('1', '30', 'M30', 'YARD') ORDER BY MCU"
    assert [row[0] for row in books.query(units)] == [
        "           1", "          30", "         M30", "        YARD",
    ]  # fmt: skip
    travel = "SELECT MCU, OBJ, SUB, DL01 FROM F0901 WHERE AID = '00062411'"
    assert books.query(travel) == [("          30", "8720", "", "Travel Expense")]


def test_account_master_holds_headers_inactive_and_budget_accounts(books: Store) -> None:
    """Posting edit codes and levels of detail are as in a grown chart of accounts."""
    codes = {row[0] for row in books.query("SELECT DISTINCT PEC FROM F0901")}
    assert {"", "N", "I", "B", "U", "L", "M"} <= codes
    headers = books.query("SELECT DISTINCT LDA FROM F0901 WHERE PEC = 'N' ORDER BY LDA")
    assert headers == [("3",), ("4",), ("5",)]
    posting = books.query("SELECT DISTINCT LDA FROM F0901 WHERE PEC = '' ORDER BY LDA")
    assert posting == [("6",), ("7",), ("8",), ("9",)]
    texts = "SELECT COUNT(DISTINCT DL01) FROM F0901 WHERE OBJ = '8720' AND SUB = ''"
    assert books.query(texts)[0][0] > 1


def test_batches_of_every_state_wait_in_november(books: Store) -> None:
    """Pending, approved, failed and in use; posted ones are all posted, others not at all."""
    waiting = "SELECT DISTINCT IST FROM F0011 WHERE IST <> 'D' ORDER BY IST"
    assert books.query(waiting) == [("",), ("A",), ("E",), ("U",)]
    mixed = (
        "SELECT COUNT(*) FROM F0011 h JOIN F0911 l ON l.ICUT = h.ICUT AND l.ICU = h.ICU"
        " WHERE (h.IST = 'D') <> (l.POST = 'P')"
    )
    assert books.query(mixed) == [(0,)]
    types = books.query("SELECT DISTINCT ICUT FROM F0011 ORDER BY ICUT")
    assert types == [("G",), ("IB",), ("RB",), ("V",)]


def test_batch_headers_have_never_been_touched(books: Store) -> None:
    """No header has an update day; the amount entered is the sum of debits, two decimals."""
    assert books.query("SELECT DISTINCT UPMJ, UPMT FROM F0011") == [(0, 0)]
    orphans = (
        "SELECT COUNT(*) FROM F0911 l LEFT JOIN F0011 h ON h.ICUT = l.ICUT AND h.ICU = l.ICU"
        " WHERE h.ICU IS NULL"
    )
    assert books.query(orphans) == [(0,)]


def test_late_batch_was_keyed_and_never_posted(books: Store) -> None:
    """It was entered on 24 October for the 20th, and is approved."""
    sql = (
        "SELECT DISTINCT l.DGJ, l.DICJ, l.UPMJ, l.POST, h.IST FROM F0911 l JOIN F0011 h"
        " ON h.ICUT = l.ICUT AND h.ICU = l.ICU WHERE l.DICJ = 126297 AND l.POST = ''"
    )

    assert books.query(sql) == [(126293, 126297, 126297, "", "A")]


def test_sub_ledger_batches_lack_their_offsets_until_posted(books: Store) -> None:
    """An unposted voucher has no automatic entry; a posted one has."""
    sql = "SELECT COUNT(*) FROM F0911 WHERE ICUT = 'V' AND POST = ? AND DCT = 'AE'"

    assert books.query(sql, ("",)) == [(0,)]
    assert books.query(sql, ("P",))[0][0] > 0


def test_japan_plans_in_its_balances_alone(books: Store) -> None:
    """The first company's budget is journalised, Japan's was uploaded."""
    ledger = books.query("SELECT DISTINCT CO FROM F0911 WHERE LT = 'BA'")
    balances = books.query("SELECT DISTINCT CO FROM F0902 WHERE LT = 'BA' ORDER BY CO")

    assert ledger == [("00001",)]
    assert balances == [("00001",), ("00200",)]
    total = " + ".join(f"AN{period:02}" for period in range(1, 15))
    assert books.query(f"SELECT COUNT(*) FROM F0902 WHERE LT = 'BA' AND BORG <> {total}") == [(0,)]


def test_ledger_holds_the_oddities_that_break_careless_readers(books: Store) -> None:
    """Blank ledger type, zero, fifteen digits, strange texts, no update day, shared numbers."""

    def count(where: str) -> int:
        return int(books.query(f"SELECT COUNT(*) FROM F0911 WHERE {where}")[0][0])

    assert count("LT = ''") == 1
    assert count("AA = 0") > 0
    assert count("ABS(AA) BETWEEN 100000000000000 AND 999999999999999") == 2
    assert count("UPMJ = 0") >= 1
    assert count("UPMT = 5") >= 1
    assert count("DGJ > 126307") > 0
    assert count("SBLT = 'A' AND LENGTH(SBL) = 8") > 0
    assert count("RE = 'R'") > 0
    assert count("RE = 'V'") > 0
    assert count("INSTR(EXR, CHAR(7)) > 0") > 0
    assert count("INSTR(EXR, '\"') > 0") > 0
    assert count("LT = 'AZ'") > 0
    shared = "SELECT COUNT(*) FROM (SELECT DOC FROM F0911 GROUP BY DOC HAVING MIN(KCO) <> MAX(KCO))"
    assert books.query(shared)[0][0] > 0


def test_batch_over_two_companies_has_entries_between_them(books: Store) -> None:
    """Posted ones hold automatic entries to the clearing accounts, unposted ones none."""
    sql = (
        "SELECT l.POST, SUM(l.DCT = 'AE' AND l.OBJ = '2190') FROM F0911 l WHERE l.ICU IN"
        " (SELECT ICU FROM F0911 GROUP BY ICUT, ICU HAVING MIN(CO) <> MAX(CO)) GROUP BY l.POST"
    )
    found = dict(books.query(sql))

    assert found[""] == 0
    assert found["P"] > 0


def test_nothing_was_entered_after_the_clock_starts(books: Store) -> None:
    """No row was entered or updated later than the day before the first morning."""
    assert books.query("SELECT MAX(UPMJ), MAX(DSYJ), MAX(DICJ) FROM F0911") == [
        (to_julian(date(2026, 11, 2)),) * 3
    ]


@pytest.mark.exhaustive
@pytest.mark.long
def test_books_six_times_as_large_are_as_sound(tmp_path: Path) -> None:
    """The size asked for is about the size made, and all balances equal their rows."""
    store = _seeded(tmp_path, 60_000)
    total = " + ".join(f"SUM(AN{period:02})" for period in range(1, 15))

    assert 58_000 < store.query("SELECT COUNT(*) FROM F0911")[0][0] < 62_000
    balances = store.query(f"SELECT LT, {total} FROM F0902 WHERE LT <> 'BA' GROUP BY LT")
    ledger = "SELECT LT, SUM(AA) FROM F0911 WHERE POST = 'P' AND LT <> 'BA' GROUP BY LT"
    assert balances == store.query(ledger)
    store.close()
