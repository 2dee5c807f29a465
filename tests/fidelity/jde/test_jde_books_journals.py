"""The rules of entering journals: what is refused, what is warned of, what is written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ml_connector.sandbox.jde.books import (
    BatchKey,
    JournalLine,
    JournalRejectedError,
    JournalRequest,
    create_journal,
    load_status,
    parse_batch,
    parse_decimal,
    parse_document,
    parse_request,
    post_batch,
    seed_books,
    set_prior_period,
    set_status,
)
from ml_connector.sandbox.jde.schema import create_tables
from ml_connector.sandbox.store import Store

NOW = datetime(2026, 11, 3, 8, 1, 5, tzinfo=UTC)
NOVEMBER = date(2026, 11, 3)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A small company that the test may change."""
    store = Store(tmp_path / "jde.sqlite")
    create_tables(store)
    seed_books(store, lines=600, now=NOW)
    yield store
    store.close()


def lines_of(*pairs: tuple[str, str]) -> list[JournalLine]:
    """Return lines of (account, amount)."""
    return [
        JournalLine(account=account, amount=Decimal(amount), number=place)
        for place, (account, amount) in enumerate(pairs, 1)
    ]


def wanted(*pairs: tuple[str, str], **facts: Any) -> JournalRequest:
    """Return a request of the first company for early November."""
    return JournalRequest(
        **{"company": "00001", "day": NOVEMBER, "lines": lines_of(*pairs), **facts}
    )


def rejects_of(store: Store, request: JournalRequest) -> list[tuple[int, str]]:
    """Return (line, code) of the refusals; nothing may have been written."""
    before = _footprint(store)
    with pytest.raises(JournalRejectedError) as caught:
        create_journal(store, request, now=NOW, user="JSMITH")
    assert _footprint(store) == before
    return [(reject.line, reject.code) for reject in caught.value.rejects]


def _footprint(store: Store) -> list[tuple[Any, ...]]:
    return [
        *store.query("SELECT COUNT(*) FROM F0911"),
        *store.query("SELECT COUNT(*) FROM F0011"),
        *store.query("SELECT NN001 FROM F0002 WHERE SY = '00'"),
        *store.load_space("jde.documents").items(),
    ]


BALANCED = (("30.8720", "1250.00"), ("1.1110.BEAR", "-1250.00"))


def test_journal_stands_unposted_with_numbers_from_the_counters(store: Store) -> None:
    """Batch and document take the next numbers; the rows carry user, day and time of entry."""
    next_batch = store.query("SELECT NN001 FROM F0002 WHERE SY = '00'")[0][0]
    request = wanted(*BALANCED, explanation="Trade fair", reference="PB2602A7")
    first = create_journal(store, request, now=NOW, user="JSMITH")
    second = create_journal(store, request, now=NOW, user="JSMITH")

    assert first.batch == BatchKey("G", next_batch)
    assert second.batch_number == next_batch + 1
    assert second.document_number == first.document_number + 1
    assert (first.document_company, first.document_type, first.lines_written) == ("00001", "JE", 2)
    rows = store.query(
        'SELECT JELN, LT, POST, AID, MCU, AA, CRCD, BCRC, PN, FY, EXA, R2, "USER", UPMJ, UPMT'
        " FROM F0911 WHERE ICU = ? ORDER BY JELN",
        (next_batch,),
    )
    tail = ("USD", "USD", 11, 26, "Trade fair", "PB2602A7", "JSMITH", 126307, 80105)
    assert rows == [
        (1, "AA", "", "00062411", "          30", 125000, *tail),
        (2, "AA", "", "00004532", "           1", -125000, *tail),
    ]


def test_header_of_a_new_batch_has_no_update_day(store: Store) -> None:
    """The header is pending, counts the debits and the document, and is never stamped."""
    created = create_journal(store, wanted(*BALANCED), now=NOW, user="JSMITH")
    sql = (
        'SELECT IST, IAPP, AME, DOCN, "USER", DICJ, PID, JOBN, UPMJ, UPMT FROM F0011'
        " WHERE ICUT = ? AND ICU = ?"
    )

    assert store.query(sql, created.batch) == [
        ("", "P", 125000, 1, "JSMITH", 126307, "", "", 0, 0),
    ]


def test_day_and_time_are_those_of_the_logic_servers_zone(store: Store) -> None:
    """The same moment is another day where the server stands elsewhere."""
    night = datetime.fromisoformat("2026-11-03T23:30:00-05:00")
    created = create_journal(store, wanted(*BALANCED), now=night, user="JSMITH")
    sql = "SELECT DISTINCT UPMJ, UPMT FROM F0911 WHERE ICUT = ? AND ICU = ?"

    assert store.query(sql, created.batch) == [(126307, 233000)]


def test_accounts_are_known_by_their_id_as_well(store: Store) -> None:
    """A line with an account id needs no typed account."""
    lines = [
        JournalLine(account_id="62411", amount=Decimal(5), number=1),
        JournalLine(account_id="00004532", amount=Decimal(-5), number=2),
    ]
    created = create_journal(
        store, JournalRequest(company="00001", day=NOVEMBER, lines=lines), now=NOW, user="X"
    )
    sql = "SELECT ANI FROM F0911 WHERE ICUT = ? AND ICU = ? ORDER BY JELN"

    assert store.query(sql, created.batch) == [("30.8720",), ("1.1110.BEAR",)]


@pytest.mark.parametrize(
    ("account", "code"),
    [
        ("30.9999", "0026"),
        ("NOWHERE.8720", "0026"),
        ("30.8700", "0027"),
        ("30.8630", "0027"),
        ("1.1250", "0027"),
        ("30.8990", "0028"),
        ("30.9110", "0029"),
        ("1.1225", "0030"),
    ],
)
def test_line_is_refused_for_its_account(store: Store, account: str, code: str) -> None:
    """Unknown, header, inactive, machine, budget, units, subledger: each with its own code."""
    request = wanted((account, "10"), ("1.1110.BEAR", "-10"))

    assert rejects_of(store, request) == [(1, code)]


def test_every_bad_line_is_told_of_at_once(store: Store) -> None:
    """Two bad lines give two refusals, and no balance is complained of beside them."""
    request = wanted(("30.9999", "10"), ("30.8700", "10"), ("1.1120", "-20"))

    assert rejects_of(store, request) == [(1, "0026"), (2, "0027")]


def test_budget_account_takes_budgets(store: Store) -> None:
    """Posting edit code B lets ledger type BA in, one-sided as it may be."""
    request = wanted(("30.8990", "5000"), ledger_type="BA", document_type="BX")
    created = create_journal(store, request, now=NOW, user="PLNSVC")
    sql = "SELECT LT, DCT, AA FROM F0911 WHERE ICUT = ? AND ICU = ?"

    assert store.query(sql, created.batch) == [("BA", "BX", 500000)]


def test_units_ledger_takes_units(store: Store) -> None:
    """A line of the units ledger holds its units as amount and as units."""
    line = JournalLine(account="30.9110", units=Decimal("4.5"), number=1)
    request = JournalRequest(company="00001", day=NOVEMBER, lines=[line], ledger_type="AU")
    created = create_journal(store, request, now=NOW, user="X")
    sql = "SELECT AA, U FROM F0911 WHERE ICUT = ? AND ICU = ?"

    assert store.query(sql, created.batch) == [(450, 450)]


def test_subledger_account_takes_lines_with_a_subledger(store: Store) -> None:
    """With subledger and type the account that requires them is satisfied."""
    lines = [
        JournalLine(
            account="1.1225",
            amount=Decimal(10),
            subledger="00007500",
            subledger_type="A",
            number=1,
        ),
        JournalLine(account="1.1120", amount=Decimal(-10), number=2),
    ]
    request = JournalRequest(company="00001", day=NOVEMBER, lines=lines)
    created = create_journal(store, request, now=NOW, user="X")
    sql = "SELECT SBL, SBLT FROM F0911 WHERE ICUT = ? AND ICU = ? AND JELN = 1"

    assert store.query(sql, created.batch) == [("00007500", "A")]


@pytest.mark.parametrize("ledger_type", ["CA", "AC", "PA", "XA"])
def test_ledger_that_prevents_journals_is_refused(store: Store, ledger_type: str) -> None:
    """A ledger type flagged so in the master takes no journal, foreign amounts above all."""
    assert rejects_of(store, wanted(*BALANCED, ledger_type=ledger_type)) == [(0, "FCJE")]


@pytest.mark.parametrize("ledger_type", ["QQ", ""])
def test_unknown_ledger_type_is_refused(store: Store, ledger_type: str) -> None:
    """So is a blank one."""
    assert rejects_of(store, wanted(*BALANCED, ledger_type=ledger_type)) == [(0, "LT")]


@pytest.mark.parametrize(
    ("facts", "code"),
    [({"company": "00999"}, "CO"), ({"currency": "XXX"}, "CRCD"), ({"lines": []}, "LINES")],
)
def test_document_is_refused_as_a_whole(store: Store, facts: dict[str, Any], code: str) -> None:
    """Unknown company, unknown currency, no lines."""
    assert rejects_of(store, wanted(*BALANCED, **facts)) == [(0, code)]


def test_foreign_budget_is_refused(store: Store) -> None:
    """Only actuals know foreign currencies."""
    request = wanted(("30.8990", "5000"), ledger_type="BA", currency="EUR")

    assert rejects_of(store, request) == [(0, "CRCD")]


def test_unbalanced_document_is_refused_at_its_end(store: Store) -> None:
    """A cent too little is one too little."""
    request = wanted(("30.8720", "1250.00"), ("1.1120", "-1249.99"))

    assert rejects_of(store, request) == [(0, "0032")]


def test_voucher_may_lack_its_offset(store: Store) -> None:
    """In a sub-ledger batch the post brings the other side."""
    request = wanted(("30.8720", "80.00"), batch_type="V", document_type="PV")
    created = create_journal(store, request, now=NOW, user="X")

    assert created.lines_written == 1


@pytest.mark.parametrize(
    ("day", "code"),
    [
        (date(2026, 10, 31), "PBCO"),
        (date(2026, 12, 31), "PACO"),
        (date(2027, 6, 30), "WACO"),
    ],
)
def test_day_outside_the_current_period_is_warned_of(store: Store, day: date, code: str) -> None:
    """Before the cut-off, after it, way after it: written all the same."""
    created = create_journal(store, wanted(*BALANCED, day=day), now=NOW, user="X")

    assert len(created.warnings) == 1
    assert code in created.warnings[0]


def test_day_of_the_current_period_is_not_warned_of(store: Store) -> None:
    """Each company has a current period of its own: for Canada the second."""
    request = wanted(
        ("7730.8720", "10"), ("77.1120", "-10"), company="00077", day=date(2026, 11, 30)
    )
    created = create_journal(store, request, now=NOW, user="X")
    sql = "SELECT DISTINCT FY, PN FROM F0911 WHERE ICUT = ? AND ICU = ?"

    assert created.warnings == ()
    assert store.query(sql, created.batch) == [(26, 2)]


def test_day_of_a_prior_year_is_refused_unless_allowed(store: Store) -> None:
    """A closed fiscal year takes nothing; for Canada the year began in October."""
    old = wanted(*BALANCED, day=date(2025, 12, 31))
    assert rejects_of(store, old) == [(0, "PYEB")]
    canada = wanted(("7730.8720", "1"), ("77.1120", "-1"), company="00077", day=date(2026, 9, 30))
    assert rejects_of(store, canada) == [(0, "PYEB")]
    allowed = wanted(*BALANCED, day=date(2025, 12, 31), may_be_prior=True, period=13)
    created = create_journal(store, allowed, now=NOW, user="X")
    sql = "SELECT DISTINCT FY, PN FROM F0911 WHERE ICUT = ? AND ICU = ?"
    assert store.query(sql, created.batch) == [(25, 13)]


def test_adjustment_period_goes_with_the_last_month_only(store: Store) -> None:
    """Period 13 in November is refused."""
    assert rejects_of(store, wanted(*BALANCED, period=13)) == [(0, "PN")]


def test_company_may_refuse_days_before_its_current_period(store: Store) -> None:
    """A setting of the company turns the warning into a refusal."""
    set_prior_period(store, "00001", "error")
    assert rejects_of(store, wanted(*BALANCED, day=date(2026, 10, 31))) == [(0, "PBCO")]
    set_prior_period(store, "00001", "warn")
    create_journal(store, wanted(*BALANCED, day=date(2026, 10, 31)), now=NOW, user="X")
    with pytest.raises(ValueError, match="warn or error"):
        set_prior_period(store, "00001", "maybe")


@pytest.mark.parametrize("status", ["U", "P"])
def test_batch_that_is_in_use_takes_no_document(store: Store, status: str) -> None:
    """Error 0068 for a header in use or posting; one that is posted is refused too."""
    created = create_journal(store, wanted(*BALANCED), now=NOW, user="X")
    set_status(store, created.batch, status)
    request = wanted(*BALANCED, batch=created.batch_number)

    assert rejects_of(store, request) == [(0, "0068")]


def test_posted_batch_takes_no_document(store: Store) -> None:
    """What is done is done."""
    created = create_journal(store, wanted(*BALANCED), now=NOW, user="X")
    post_batch(store, created.batch, now=NOW, touches_upmj=False)

    assert rejects_of(store, wanted(*BALANCED, batch=created.batch_number)) == [(0, "BATCH")]


def test_batch_number_that_is_brought_along_is_honoured(store: Store) -> None:
    """A free number is used, and the counter steps over it when it gets there."""
    next_batch = store.query("SELECT NN001 FROM F0002 WHERE SY = '00'")[0][0]
    own = create_journal(store, wanted(*BALANCED, batch=next_batch), now=NOW, user="X")
    other = create_journal(store, wanted(*BALANCED), now=NOW, user="X")

    assert own.batch_number == next_batch
    assert other.batch_number == next_batch + 1


def test_second_document_of_a_batch_makes_it_pending_again(store: Store) -> None:
    """An approved batch that is added to has to be approved anew; the header counts both."""
    first = create_journal(store, wanted(*BALANCED, is_approved=True), now=NOW, user="X")
    assert load_status(store, first.batch) == "A"
    create_journal(store, wanted(*BALANCED, batch=first.batch_number), now=NOW, user="X")

    assert load_status(store, first.batch) == ""
    header = "SELECT AME, DOCN FROM F0011 WHERE ICUT = ? AND ICU = ?"
    assert store.query(header, first.batch) == [(250000, 2)]


def test_excess_decimals_are_rounded_half_up_with_a_warning(store: Store) -> None:
    """Yen have none, dinars three; the warning names the line."""
    request = wanted(
        ("2030.8720", "1200.5"), ("200.1120", "-1200.5"), company="00200", day=NOVEMBER
    )
    created = create_journal(store, request, now=NOW, user="X")
    sql = "SELECT AA FROM F0911 WHERE ICUT = ? AND ICU = ? ORDER BY JELN"

    assert store.query(sql, created.batch) == [(1201,), (-1201,)]
    assert ["line 1" in created.warnings[0], "line 2" in created.warnings[1]] == [True, True]
    fits = wanted(("3030.8720", "1.234"), ("300.1120", "-1.234"), company="00300")
    assert create_journal(store, fits, now=NOW, user="X").warnings == ()


def test_excess_decimals_are_refused_where_wanted(store: Store) -> None:
    """The other way of dealing with them."""
    request = wanted(("30.8720", "0.005"), ("1.1120", "-0.005"), excess_decimals="reject")

    assert rejects_of(store, request) == [(1, "DECIMALS"), (2, "DECIMALS")]


def test_amount_of_sixteen_digits_is_refused(store: Store) -> None:
    """No column is that wide."""
    request = wanted(("30.8720", "1e15"), ("1.1120", "-1e15"))

    assert rejects_of(store, request) == [(1, "SIZE"), (2, "SIZE")]


def test_foreign_document_has_pairs_of_rows(store: Store) -> None:
    """AA in the company's currency at the typed rate, CA beside it; both add up to zero."""
    request = wanted(
        ("30.8720", "33.33"), ("30.8725", "33.33"), ("1.1120", "-66.66"),
        currency="EUR", rate=Decimal("1.0842"),
    )  # fmt: skip
    created = create_journal(store, request, now=NOW, user="X")
    rows = store.query(
        "SELECT JELN, LT, AA, CRCD, BCRC, CRR, CRRM FROM F0911 WHERE ICUT = ? AND ICU = ?"
        " ORDER BY LT, JELN",
        created.batch,
    )

    assert created.lines_written == 6
    tail = ("EUR", "USD", 10842000, "F")
    assert rows == [
        (1, "AA", 3614, *tail),
        (2, "AA", 3614, *tail),
        (3, "AA", -7228, *tail),
        (1, "CA", 3333, *tail),
        (2, "CA", 3333, *tail),
        (3, "CA", -6666, *tail),
    ]


def test_foreign_document_between_odd_decimals_is_scaled_right(store: Store) -> None:
    """Dollars with two decimals become dinars with three."""
    request = wanted(
        ("3030.8720", "100.00"), ("300.1120", "-100.00"),
        company="00300", currency="USD", rate=Decimal("0.3075"),
    )  # fmt: skip
    created = create_journal(store, request, now=NOW, user="X")
    sql = "SELECT LT, AA FROM F0911 WHERE ICUT = ? AND ICU = ? AND JELN = 1 ORDER BY LT"

    assert store.query(sql, created.batch) == [("AA", 30750), ("CA", 10000)]


def test_request_of_json_reads_amounts_as_text(store: Store) -> None:
    """Texts and whole numbers are exact; a binary fraction is refused."""
    request = parse_request(
        {
            "company": "1",
            "gl_date": "2026-11-03",
            "lines": [
                {"account": "30.8720", "amount": "0.10"},
                {"account_id": "4532", "amount": 0, "line": 7},
            ],
        }
    )

    assert request.company == "00001"
    assert [(line.number, line.amount) for line in request.lines] == [
        (1, Decimal("0.10")), (7, Decimal(0)),
    ]  # fmt: skip
    for value in (0.1, "much", "NaN"):
        with pytest.raises(ValueError, match="amount"):
            parse_decimal(value)


@pytest.mark.parametrize("text", ["15981", "G-", "G-x", ""])
def test_text_that_names_no_batch_is_refused(text: str) -> None:
    """A batch is named by type and number."""
    with pytest.raises(ValueError, match="no batch"):
        parse_batch(text)


@pytest.mark.parametrize("text", ["00001-JE", "00001-JE-x", ""])
def test_text_that_names_no_document_is_refused(text: str) -> None:
    """A document is named by company, type and number."""
    with pytest.raises(ValueError, match="no document"):
        parse_document(text)
