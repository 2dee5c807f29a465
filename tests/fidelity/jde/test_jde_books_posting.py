"""The post and what comes after it: balances, automatic entries, deletions, new names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ml_connector.sandbox.jde.books import (
    BatchKey,
    JournalCreated,
    JournalLine,
    JournalRequest,
    add_row,
    approve_batch,
    change_posted_amount,
    create_journal,
    delete_document,
    load_status,
    move_balance,
    post_batch,
    purge,
    redate_document,
    rename_account,
    seed_books,
    set_status,
    upload_budget,
)
from ml_connector.sandbox.jde.schema import create_tables
from ml_connector.sandbox.store import Store

NOW = datetime(2026, 11, 3, 8, tzinfo=UTC)
LATER = datetime(2026, 11, 13, 17, 30, tzinfo=UTC)
TRAVEL = "00062411"
BANK = "00004532"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A small company that the test may change."""
    store = Store(tmp_path / "jde.sqlite")
    create_tables(store)
    seed_books(store, lines=600, now=NOW)
    yield store
    store.close()


def enter(store: Store, *pairs: tuple[str, str], **facts: Any) -> JournalCreated:
    """A document of (account, amount) pairs stands, by default of the first company."""
    lines = [
        JournalLine(account=account, amount=Decimal(amount), number=place)
        for place, (account, amount) in enumerate(pairs, 1)
    ]
    request = JournalRequest(
        **{"company": "00001", "day": date(2026, 11, 3), "lines": lines, **facts}
    )
    return create_journal(store, request, now=NOW, user="JSMITH")


def enter_travel(store: Store, **facts: Any) -> JournalCreated:
    """A domestic document over two accounts stands."""
    return enter(store, ("30.8720", "1250.00"), ("1.1110.BEAR", "-1250.00"), **facts)


def rows_of(store: Store, batch: BatchKey, columns: str) -> list[tuple[Any, ...]]:
    """Return columns of a batch's rows, in the order of document, ledger and line."""
    return store.query(
        f"SELECT {columns} FROM F0911 WHERE ICUT = ? AND ICU = ?"
        " ORDER BY DCT DESC, DGJ, LT, CO, JELN",
        batch,
    )


def net(store: Store, account: str, year: int, period: int, ledger: str = "AA") -> int:
    """Return the net change of an account in a period."""
    sql = f"SELECT COALESCE(SUM(AN{period:02}), 0) FROM F0902 WHERE AID = ? AND FY = ? AND LT = ?"
    return int(store.query(sql, (account, year, ledger))[0][0])


def forward(store: Store, account: str, year: int) -> int:
    """Return what an account brought into a year."""
    sql = "SELECT COALESCE(SUM(APYC), 0) FROM F0902 WHERE AID = ? AND FY = ? AND LT = 'AA'"
    return int(store.query(sql, (account, year))[0][0])


def test_post_moves_rows_header_and_balances(store: Store) -> None:
    """Rows are P, the header D and still unstamped, the balances have moved by the amounts."""
    before = net(store, TRAVEL, 26, 11), net(store, BANK, 26, 11)
    created = enter_travel(store)
    assert (net(store, TRAVEL, 26, 11), net(store, BANK, 26, 11)) == before
    result = post_batch(store, created.batch, now=LATER, touches_upmj=False)

    assert (result.is_posted, result.rows_posted, result.rows_created) == (True, 2, 0)
    assert rows_of(store, created.batch, "POST, UPMJ, UPMT") == [("P", 126307, 80000)] * 2
    header = "SELECT IST, IAPP, UPMJ, UPMT FROM F0011 WHERE ICUT = ? AND ICU = ?"
    assert store.query(header, created.batch) == [("D", "A", 0, 0)]
    after = net(store, TRAVEL, 26, 11), net(store, BANK, 26, 11)
    assert after == (before[0] + 125000, before[1] - 125000)
    stamped = "SELECT MAX(UPMJ) FROM F0902 WHERE AID = ? AND FY = 26 AND LT = 'AA'"
    assert store.query(stamped, (TRAVEL,)) == [(126317,)]


@pytest.mark.parametrize(
    ("touches", "days"),
    [(False, [126307, 126307]), (True, [126317, 126317]), ("mixed", [126317, 126307])],
)
def test_post_stamps_rows_only_where_told_to(store: Store, touches: Any, days: list[int]) -> None:
    """Never, always, or uneven lines only."""
    created = enter_travel(store)
    post_batch(store, created.batch, now=LATER, touches_upmj=touches)

    assert [row[0] for row in rows_of(store, created.batch, "UPMJ")] == days


def test_post_stamps_the_header_where_told_to(store: Store) -> None:
    """The other answer to whether the header's audit columns can be trusted."""
    created = enter_travel(store)
    post_batch(store, created.batch, now=LATER, touches_upmj=False, touches_header=True)
    sql = "SELECT UPMJ, UPMT FROM F0011 WHERE ICUT = ? AND ICU = ?"

    assert store.query(sql, created.batch) == [(126317, 173000)]


def test_posted_batch_is_not_posted_twice(store: Store) -> None:
    """The second attempt is refused and the balances stay."""
    created = enter_travel(store)
    post_batch(store, created.batch, now=NOW, touches_upmj=False)
    before = net(store, TRAVEL, 26, 11)
    with pytest.raises(ValueError, match="posted already"):
        post_batch(store, created.batch, now=NOW, touches_upmj=False)

    assert net(store, TRAVEL, 26, 11) == before


@pytest.mark.parametrize("status", ["U", "P"])
def test_batch_in_use_is_not_posted(store: Store, status: str) -> None:
    """Error 0068, and nothing written."""
    created = enter_travel(store)
    set_status(store, created.batch, status)
    with pytest.raises(ValueError, match="0068"):
        post_batch(store, created.batch, now=NOW, touches_upmj=False)
    with pytest.raises(ValueError, match="0068"):
        approve_batch(store, created.batch)

    assert rows_of(store, created.batch, "POST") == [("",), ("",)]


def test_batch_that_is_none_is_not_posted(store: Store) -> None:
    """Unknown batches are named."""
    with pytest.raises(LookupError, match="G-777"):
        post_batch(store, BatchKey("G", 777), now=NOW, touches_upmj=False)


def test_batch_with_an_account_gone_inactive_stands_in_error(store: Store) -> None:
    """The post refuses it as a whole; once mended it goes through."""
    created = enter_travel(store)
    store.execute("UPDATE F0901 SET PEC = 'I' WHERE AID = ?", (TRAVEL,))
    result = post_batch(store, created.batch, now=NOW, touches_upmj=False)

    assert result.errors == ("Account 30.8720 is inactive",)
    assert load_status(store, created.batch) == "E"
    assert rows_of(store, created.batch, "POST") == [("",), ("",)]
    store.execute("UPDATE F0901 SET PEC = '' WHERE AID = ?", (TRAVEL,))
    assert post_batch(store, created.batch, now=NOW, touches_upmj=False).is_posted


def test_batch_out_of_balance_stands_in_error(store: Store) -> None:
    """Rows that were spoilt after entry do not get past the post."""
    created = enter_travel(store)
    store.execute("UPDATE F0911 SET AA = AA + 1 WHERE ICU = ? AND JELN = 1", (created.batch[1],))
    result = post_batch(store, created.batch, now=NOW, touches_upmj=False)

    assert "out of balance by 1 " in result.errors[0]
    assert load_status(store, created.batch) == "E"


def test_failed_batch_of_the_seed_fails_again(store: Store) -> None:
    """It holds an account that is inactive, and so it will stay."""
    number = store.query("SELECT ICU FROM F0011 WHERE IST = 'E'")[0][0]
    result = post_batch(store, BatchKey("G", number), now=NOW, touches_upmj=False)

    assert result.errors == ("Account 1.1341 is inactive",)


def test_voucher_gets_its_offset_with_the_post(store: Store) -> None:
    """A row of type AE under the document's number credits payables on the day of the post."""
    created = enter(
        store,
        ("30.8720", "80.00"),
        ("40.8610", "20.00"),
        batch_type="V",
        document_type="PV",
    )
    result = post_batch(store, created.batch, now=LATER, touches_upmj=False)

    assert result.rows_created == 1
    columns = "DCT, DOC, JELN, OBJ, AA, POST, UPMJ, PID"
    number = created.document_number
    assert rows_of(store, created.batch, columns) == [
        ("PV", number, 1, "8720", 8000, "P", 126307, "EP0911"),
        ("PV", number, 2, "8610", 2000, "P", 126307, "EP0911"),
        ("AE", number, 1, "2110", -10000, "P", 126317, "R09801"),
    ]


def test_foreign_voucher_gets_a_foreign_offset(store: Store) -> None:
    """The offset is a pair as well, in base and in foreign amounts."""
    created = enter(
        store,
        ("30.8720", "100.00"),
        batch_type="V",
        document_type="PV",
        currency="GBP",
        rate=Decimal("1.25"),
    )
    post_batch(store, created.batch, now=LATER, touches_upmj=False)

    assert rows_of(store, created.batch, "DCT, LT, AA, CRCD, BCRC") == [
        ("PV", "AA", 12500, "GBP", "USD"),
        ("PV", "CA", 10000, "GBP", "USD"),
        ("AE", "AA", -12500, "GBP", "USD"),
        ("AE", "CA", -10000, "GBP", "USD"),
    ]


def test_foreign_balances_are_kept_by_currency(store: Store) -> None:
    """CA amounts move the balance of their currency, AA amounts that without one."""
    created = enter(
        store,
        ("30.8720", "100.00"),
        ("1.1120", "-100.00"),
        currency="GBP",
        rate=Decimal("1.25"),
    )
    before = net(store, TRAVEL, 26, 11)
    post_batch(store, created.batch, now=LATER, touches_upmj=False)

    assert net(store, TRAVEL, 26, 11) == before + 12500
    sql = "SELECT AN11 FROM F0902 WHERE AID = ? AND FY = 26 AND LT = 'CA' AND CRCD = 'GBP'"
    assert store.query(sql, (TRAVEL,))[0][0] >= 10000


def test_document_over_two_companies_gets_entries_between_them(store: Store) -> None:
    """Before the post it balances in its currency alone, after it in each company."""
    created = enter(
        store, ("20.8430", "100.00"), ("7730.8430", "50.00"), ("1.1120", "-150.00"), currency="USD"
    )
    assert {row[0] for row in rows_of(store, created.batch, "DCT")} == {"JE"}
    result = post_batch(store, created.batch, now=LATER, touches_upmj=False)

    assert result.rows_created == 3
    sums = "SELECT CO, LT, SUM(AA) FROM F0911 WHERE ICUT = ? AND ICU = ? GROUP BY CO, LT"
    assert store.query(sums, created.batch) == [
        ("00001", "AA", 0), ("00077", "AA", 0), ("00077", "CA", 0),
    ]  # fmt: skip
    clearing = [row for row in rows_of(store, created.batch, "DCT, CO, LT, OBJ, AA, FY, PN")
                if row[0] == "AE"]  # fmt: skip
    assert clearing[0] == ("AE", "00001", "AA", "2190", 5000, 26, 11)
    assert clearing[1][:4] == ("AE", "00077", "AA", "2190")
    assert clearing[1][4] < -5000
    assert clearing[1][5:] == (26, 2)
    assert clearing[2] == ("AE", "00077", "CA", "2190", -5000, 26, 2)


def test_reversing_document_is_reversed_with_the_post(store: Store) -> None:
    """Its opposite stands on the first of the next month, under the same number, posted."""
    created = enter_travel(store, reverses=True)
    result = post_batch(store, created.batch, now=LATER, touches_upmj=False)

    assert result.rows_created == 2
    assert rows_of(store, created.batch, "DOC, DGJ, JELN, AA, RE, PN") == [
        (created.document_number, 126307, 1, 125000, "R", 11),
        (created.document_number, 126307, 2, -125000, "R", 11),
        (created.document_number, 126335, 1, -125000, "", 12),
        (created.document_number, 126335, 2, 125000, "", 12),
    ]
    assert net(store, TRAVEL, 26, 12) == -125000


def test_post_into_a_prior_year_moves_what_was_carried_forward(store: Store) -> None:
    """The bank's balance forward follows; an expense ends up in retained earnings."""
    retained = store.query("SELECT AID FROM F0901 WHERE OBJ = '3200' AND CO = '00001'")[0][0]
    before = forward(store, BANK, 26), forward(store, retained, 26), forward(store, TRAVEL, 26)
    created = enter_travel(store, day=date(2025, 6, 30), may_be_prior=True)
    post_batch(store, created.batch, now=LATER, touches_upmj=False)

    after = forward(store, BANK, 26), forward(store, retained, 26), forward(store, TRAVEL, 26)
    assert after == (before[0] - 125000, before[1] + 125000, before[2])


def test_journalised_budget_reaches_the_balances(store: Store) -> None:
    """Ledger BA is posted like any other, and counts as original budget."""
    created = enter(store, ("30.8990", "5000"), ledger_type="BA", document_type="BX")
    post_batch(store, created.batch, now=LATER, touches_upmj=False)
    account = store.query("SELECT AID FROM F0901 WHERE MCU LIKE '%  30' AND OBJ = '8990'")[0][0]
    sql = "SELECT AN11, BORG FROM F0902 WHERE AID = ? AND LT = 'BA' AND FY = 26"

    assert store.query(sql, (account,)) == [(500000, 500000)]


def test_unposted_document_is_deleted_without_a_trace(store: Store) -> None:
    """Its rows are gone, those of the batch's other document stay, the header counts anew."""
    first = enter_travel(store)
    second = enter_travel(store, batch=first.batch_number)
    assert delete_document(store, first.document) == first.batch

    assert {row[0] for row in rows_of(store, first.batch, "DOC")} == {second.document_number}
    header = "SELECT AME, DOCN FROM F0011 WHERE ICUT = ? AND ICU = ?"
    assert store.query(header, first.batch) == [(125000, 1)]
    with pytest.raises(LookupError, match=str(first.document)):
        delete_document(store, first.document)


def test_posted_document_is_neither_deleted_nor_redated(store: Store) -> None:
    """Only new rows undo what is posted."""
    created = enter_travel(store)
    post_batch(store, created.batch, now=NOW, touches_upmj=False)
    with pytest.raises(ValueError, match="posted and stays"):
        delete_document(store, created.document)
    with pytest.raises(ValueError, match="posted and stays"):
        redate_document(store, created.document, date(2026, 11, 9), now=LATER)

    assert rows_of(store, created.batch, "DGJ") == [(126307,), (126307,)]


def test_redated_document_has_another_key_and_period(store: Store) -> None:
    """Date, period and update stamp are new; number and batch are not."""
    created = enter_travel(store)
    redate_document(store, created.document, date(2026, 12, 1), now=LATER)

    assert (
        rows_of(store, created.batch, "DOC, DGJ, PN, FY, UPMJ")
        == [(created.document_number, 126335, 12, 26, 126317)] * 2
    )


def test_renamed_account_has_its_name_on_every_row(store: Store) -> None:
    """Master, ledger and balances follow; only the master's update day moves."""
    created = enter_travel(store)
    post_batch(store, created.batch, now=NOW, touches_upmj=False)
    stamps = store.query("SELECT UPMJ, UPMT FROM F0911 WHERE AID = ? ORDER BY rowid", (TRAVEL,))
    renamed = rename_account(store, TRAVEL, business_unit="20", subsidiary="TRIPS", now=LATER)

    assert (renamed.before.business_unit, renamed.after.business_unit) == ("30", "20")
    assert (renamed.after.object, renamed.after.subsidiary) == ("8720", "TRIPS")
    assert renamed.ledger_rows == len(stamps)
    name = ("          20", "8720", "TRIPS")
    for table in ("F0901", "F0911", "F0902"):
        found = store.query(f"SELECT DISTINCT MCU, OBJ, SUB FROM {table} WHERE AID = ?", (TRAVEL,))
        assert found == [name]
    after = store.query("SELECT UPMJ, UPMT FROM F0911 WHERE AID = ? ORDER BY rowid", (TRAVEL,))
    assert after == stamps
    master = "SELECT UPMJ, UPMT FROM F0901 WHERE AID = ?"
    assert store.query(master, (TRAVEL,)) == [(126317, 173000)]
    assert rows_of(store, created.batch, "ANI")[0] == ("30.8720",)


def test_name_that_cannot_be_is_refused(store: Store) -> None:
    """One that is taken, a business unit of another company, one that is none."""
    with pytest.raises(ValueError, match="has that name already"):
        rename_account(store, TRAVEL, business_unit="20", now=LATER)
    with pytest.raises(ValueError, match="00077"):
        rename_account(store, TRAVEL, business_unit="7730", subsidiary="X", now=LATER)
    with pytest.raises(LookupError, match="NOWHERE"):
        rename_account(store, TRAVEL, business_unit="NOWHERE", now=LATER)
    with pytest.raises(LookupError, match="99999999"):
        rename_account(store, "99999999", object="1", now=LATER)


def test_purge_takes_posted_rows_and_leaves_the_balances(store: Store) -> None:
    """Rows of earlier days are gone, unposted ones and balances are not."""
    sums = "SELECT SUM(AN01), SUM(AN12), SUM(APYC) FROM F0902 WHERE CO = '00001'"
    before = store.query(sums)
    rows = "SELECT COUNT(*) FROM F0911 WHERE CO = '00001' AND FY = 24"
    count = store.query(rows)[0][0]
    gone = purge(store, "00001", before=date(2025, 1, 1))

    assert gone == count > 0
    assert store.query(rows) == [(0,)]
    assert store.query(sums) == before


def test_uploaded_budget_stands_in_the_balances_alone(store: Store) -> None:
    """Periods hold the amounts in yen without decimals; a second upload replaces the first."""
    account = store.query("SELECT AID FROM F0901 WHERE MCU LIKE '%2030' AND OBJ = '8720'")[0][0]
    rows = store.query("SELECT COUNT(*) FROM F0911")
    for first in (Decimal(1000), Decimal(2500)):
        amounts = {1: first, 12: Decimal("300.5")}
        upload_budget(store, account, year=2027, amounts=amounts, now=LATER)
    sql = "SELECT AN01, AN02, AN12, BORG, PID, UPMJ FROM F0902 WHERE AID = ? AND FY = 27"

    assert store.query(sql, (account,)) == [(2500, 0, 301, 2801, "R14110", 126317)]
    assert store.query("SELECT COUNT(*) FROM F0911") == rows


@pytest.mark.parametrize(
    ("account", "ledger", "period", "words"),
    [
        (TRAVEL, "AA", 1, "no budget ledger"),
        (TRAVEL, "BA", 15, "Periods are 1 to 14"),
        ("30.8700", "BA", 1, "takes no budget"),
    ],
)
def test_budget_that_cannot_be_is_refused(
    store: Store, account: str, ledger: str, period: int, words: str
) -> None:
    """Actual ledgers, periods there are none of, headers."""
    if "." in account:
        unit, object_ = account.split(".")
        sql = "SELECT AID FROM F0901 WHERE TRIM(MCU) = ? AND OBJ = ?"
        account = store.query(sql, (unit, object_))[0][0]
    with pytest.raises(ValueError, match=words):
        upload_budget(
            store, account, year=27, amounts={period: Decimal(1)}, ledger_type=ledger, now=NOW
        )


def test_moved_balance_no_longer_equals_its_rows(store: Store) -> None:
    """Only the balance moves; an account without one is named."""
    created = enter_travel(store)
    post_batch(store, created.batch, now=NOW, touches_upmj=False)
    before = net(store, TRAVEL, 26, 11)
    move_balance(store, TRAVEL, year=2026, period=11, by=Decimal("0.01"))

    assert net(store, TRAVEL, 26, 11) == before + 1
    with pytest.raises(LookupError, match="no AA balance of 2031"):
        move_balance(store, TRAVEL, year=2031, period=1, by=Decimal(1))


def test_posted_amount_changes_behind_the_audit_columns(store: Store) -> None:
    """Two lines move against each other with their balances, and no stamp tells of it."""
    created = enter_travel(store)
    post_batch(store, created.batch, now=NOW, touches_upmj=False)
    before = net(store, TRAVEL, 26, 11)
    change_posted_amount(store, created.batch, line=1, against=2, by=Decimal("-0.50"), now=LATER)

    assert rows_of(store, created.batch, "AA, UPMJ") == [(124950, 126307), (-124950, 126307)]
    assert net(store, TRAVEL, 26, 11) == before - 50


def test_posted_amount_may_change_openly_or_leave_its_balance(store: Store) -> None:
    """With a stamp the row tells; without its balance the two differ."""
    created = enter_travel(store)
    post_batch(store, created.batch, now=NOW, touches_upmj=False)
    before = net(store, TRAVEL, 26, 11)
    change_posted_amount(
        store,
        created.batch,
        by=Decimal(1),
        now=LATER,
        keeps_balances=False,
        is_stamped=True,
    )

    assert rows_of(store, created.batch, "AA, UPMJ") == [(125100, 126317), (-125000, 126307)]
    assert net(store, TRAVEL, 26, 11) == before
    with pytest.raises(LookupError, match="line 9"):
        change_posted_amount(store, created.batch, line=9, by=Decimal(1), now=LATER)


def test_added_row_stands_as_it_was_given(store: Store) -> None:
    """No rule applies: a blank account, an unknown ledger type, an update day of zero."""
    add_row(store, "F0911", {"AID": "", "LT": "Q9", "UPMJ": 0, "AA": 123})
    sql = "SELECT AID, LT, UPMJ, AA, POST, CO FROM F0911 WHERE DOC = 990001"

    assert store.query(sql) == [("", "Q9", 0, 123, "P", "00001")]


def test_added_row_is_an_ordinary_one_where_nothing_is_said(store: Store) -> None:
    """Company, account, currency and period of the row agree with each other."""
    for place, company in enumerate(("00001", "00077", "00200"), 1):
        add_row(store, "F0911", {"CO": company, "AA": 1, "JELN": place})
    sql = (
        "SELECT l.CO, a.OBJ, l.CRCD, l.BCRC, l.FY, l.PN FROM F0911 l JOIN F0901 a"
        " ON a.AID = l.AID AND a.CO = l.CO AND a.MCU = l.MCU WHERE l.DOC = 990001 ORDER BY l.CO"
    )

    assert store.query(sql) == [
        ("00001", "1110", "USD", "USD", 26, 10),
        ("00077", "1110", "CAD", "CAD", 26, 1),
        ("00200", "1110", "JPY", "JPY", 26, 4),
    ]


def test_added_row_may_have_more_decimals_than_its_currency(store: Store) -> None:
    """Half a yen is stored as no whole number; what fits is."""
    add_row(store, "F0911", {"CO": "00200", "CRCD": "JPY", "amount": "100.5"})
    add_row(store, "F0911", {"CO": "00300", "CRCD": "KWD", "amount": "1.234", "JELN": 2})
    sql = "SELECT typeof(AA), CAST(AA AS TEXT) FROM F0911 WHERE DOC = 990001 ORDER BY JELN"

    assert store.query(sql) == [("real", "100.5"), ("integer", "1234")]


def test_added_row_names_what_is_unknown(store: Store) -> None:
    """Tables, columns and values that are none are refused."""
    with pytest.raises(LookupError, match="F9999"):
        add_row(store, "F9999", {})
    with pytest.raises(LookupError, match="GLAA"):
        add_row(store, "F0911", {"GLAA": 1})
    with pytest.raises(ValueError, match="longer than the 8 of AID"):
        add_row(store, "F0911", {"AID": "123456789"})
    with pytest.raises(ValueError, match="raw whole number"):
        add_row(store, "F0911", {"AA": "1"})
