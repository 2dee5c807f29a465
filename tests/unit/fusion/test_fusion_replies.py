"""The source over hand-made replies in the documented shapes, whole and spoilt."""

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from ml_connector.domain.ledger import BatchStamp, Ledger
from ml_connector.domain.periods import Period
from ml_connector.errors import ProtocolError, RefusedError
from ml_connector.systems.fusion.adapter import FusionSource

POD = "https://pod.fa.us2.oraclecloud.com"
ROOT = "/fscmRestApi/resources/11.13.18.05"
BATCH_ID = 300000099000001
CHILDREN = f"{ROOT}/journalBatches/{BATCH_ID}/child/journalHeaders"
KEY = "00020000000EACED00057708000110D9316E8A01"
STAMP = BatchStamp(batch_id=str(BATCH_ID), version="2026-01-31")
LEDGER = Ledger(
    name="US Primary Ledger", ledger_id="300000002498206", currency="USD",
    chart="US Chart of Accounts", calendar="US Accounting Calendar",
)  # fmt: skip
PERIOD = Period(
    name="Jan-26", calendar="US Accounting Calendar", year=2026, number=1,
    date_first=date(2026, 1, 1), date_last=date(2026, 1, 31),
)  # fmt: skip

BATCH = """{ "JeBatchId":300000099000001,"AccountedPeriodType":"Month","DefaultPeriodName":"Jan-26",
 "BatchName":"Payables A 15000012 15000011 N","Status":"P","ControlTotal":null,
 "BatchDescription":null,"PostedDate":"2026-01-31","PostingRunId":15021,"RequestId":15000044,
 "RunningTotalAccountedCr":18250.75,"RunningTotalAccountedDr":18250.75,"CreatedBy":"FIN",
 "CreationDate":"2026-01-31T21:04:11.513+00:00","LastUpdateDate":"2026-01-31T21:06:02.001+00:00",
 "ActualFlagMeaning":"Actual","ParentJeBatchName":null,
 "ChartOfAccountsName":"US Chart of Accounts","UserPeriodSetName":"US Accounting Calendar",
 "UserJeSourceName":"Payables","ReversalFlag":null,"links":[] }"""
HEADER = """{ "JournalName":"Jan-26 Purchase Invoices USD","PeriodName":"Jan-26",
 "DefaultEffectiveDate":"2026-01-31","ReferenceDate":null,"CurrencyCode":"USD",
 "LedgerCurrencyCode":"USD","CurrencyConversionRate":1,"ControlTotal":null,
 "RunningTotalDr":18250.75,"RunningTotalCr":18250.75,"RunningTotalAccountedDr":18250.75,
 "RunningTotalAccountedCr":18250.75,"LedgerName":"US Primary Ledger",
 "UserJeCategoryName":"Purchase Invoices","EncumbranceType":null,
 "LastUpdateDate":"2026-01-31T21:06:02.014+00:00","links":[ {"rel":"self",
 "href":"https://pod.fa.us2.oraclecloud.com:443PATH/KEY","name":"journalHeaders","kind":"item"},
 {"rel":"child","name":"journalLines","kind":"collection","href":"PATH/KEY/child/x"}] }"""
LINES = """{"items":[
 {"JeLineNumber":1,"AccountCombination":"101.10.68010.120.000.000","AccountedCr":null,
  "AccountedDr":18250.75,"EnteredCr":null,"EnteredDr":18250.75,"CurrencyCode":"USD",
  "Description":"Office supplies","ChartOfAccountsName":"US Chart of Accounts","StatAmount":null,
  "jgzzReconStatusMeaning":"Not reconciled"},
 {"JeLineNumber":2,"AccountCombination":"101.10.22100.000.000.000","AccountedCr":18250.75,
  "AccountedDr":null,"EnteredCr":18250.75,"EnteredDr":null,"CurrencyCode":"USD"}],
 "count":2,"hasMore":false,"limit":500,"offset":0,"links":[]}"""


def header(key: str = KEY, text: str = HEADER) -> str:
    """A journal under a key, its link as a pod behind another name writes it."""
    return text.replace("PATH", CHILDREN).replace("KEY", key)


@pytest.fixture
def script(empty_script: Any) -> Any:
    """One posted batch with one journal and two lines."""
    script = empty_script
    script.on(f"{ROOT}/journalBatches/{BATCH_ID}", BATCH)
    script.on(CHILDREN, script.page(header()))
    script.on(f"{CHILDREN}/{KEY}/child/journalLines", LINES)
    return script


def read_one(source: FusionSource) -> Any:
    """The one batch."""
    ((_, batch),) = source.read_batches([STAMP])
    return batch


def test_documented_shapes_become_a_batch(script: Any) -> None:
    """Every field of a line comes from line, journal or batch, amounts from their literals."""
    batch = read_one(script.connect())
    first, second = batch.lines

    assert (batch.batch_id, batch.name) == (str(BATCH_ID), "Payables A 15000012 15000011 N")
    assert batch.updated_at == datetime(2026, 1, 31, 21, 6, 2, 1000, tzinfo=UTC)
    assert (batch.posted_on, batch.is_actual) == (date(2026, 1, 31), True)
    assert first._asdict() == {
        "ledger": "US Primary Ledger", "period": "Jan-26",
        "accounting_date": date(2026, 1, 31), "chart": "US Chart of Accounts",
        "combination": "101.10.68010.120.000.000", "journal": "Jan-26 Purchase Invoices USD",
        "number": 1, "currency": "USD", "debit": Decimal("18250.75"), "credit": Decimal(0),
        "entered_currency": "USD", "entered_debit": Decimal("18250.75"),
        "entered_credit": Decimal(0), "source": "Payables", "category": "Purchase Invoices",
        "description": "Office supplies",
    }  # fmt: skip
    assert (second.credit, second.chart, second.description) == (
        Decimal("18250.75"), "US Chart of Accounts", "",
    )  # fmt: skip


def test_newer_framework_shapes_become_the_same_batch(script: Any) -> None:
    """Links under the context, amounts as text, an unknown field: nothing changes."""
    plain = read_one(script.connect())
    newer = header().replace('"links":[', '"@context":{"key":"x","links":[').replace("] }", "]} }")
    script.on(CHILDREN, script.page(newer, surprise=1))
    script.on(f"{CHILDREN}/{KEY}/child/journalLines", LINES.replace("18250.75", '"18250.75"'))

    assert read_one(script.connect(framework_version=9)) == plain


@pytest.mark.parametrize(
    ("literal", "amount"),
    [
        ("18250.750", "18250.750"),
        ("1.825075e4", "18250.75"),
        ('"123456789012345.678901"', "123456789012345.678901"),
        ("9007199254740993.01", "9007199254740993.01"),
        ("0.1", "0.1"),
    ],
)
def test_amount_is_exact_from_its_literal(script: Any, literal: str, amount: str) -> None:
    """No amount goes through a binary float on its way."""
    script.on(CHILDREN, script.page(header().replace("18250.75", literal)))
    script.on(f"{CHILDREN}/{KEY}/child/journalLines", LINES.replace("18250.75", literal))

    assert read_one(script.connect()).lines[0].debit == Decimal(amount)


def test_negative_zero_and_null_are_plain_zero(script: Any) -> None:
    """Sums and files never see a signed zero."""
    lines = LINES.replace('"AccountedCr":null', '"AccountedCr":-0.0')
    script.on(f"{CHILDREN}/{KEY}/child/journalLines", lines)

    credit = read_one(script.connect()).lines[0].credit
    assert str(credit) == "0"


@pytest.mark.parametrize(
    ("meaning", "is_actual"), [("Encumbrance", False), ("Actual", True), ("Ist", True)]
)
def test_encumbrance_is_known_by_its_meaning(script: Any, meaning: str, *, is_actual: bool) -> None:
    """The meaning is a translated text; only the English one is known."""
    script.on(f"{ROOT}/journalBatches/{BATCH_ID}", BATCH.replace('"Actual"', f'"{meaning}"'))

    assert read_one(script.connect()).is_actual is is_actual


def test_encumbrance_is_known_by_its_journals_type(script: Any) -> None:
    """The type on a journal counts in any language."""
    marked = header().replace('"EncumbranceType":null', '"EncumbranceType":"Commitment"')
    script.on(CHILDREN, script.page(marked))

    assert read_one(script.connect()).is_actual is False


@pytest.mark.parametrize("key", ["A%2BB", "A%252FB", "A%20B%3D", "plain", "A%25"])
def test_opaque_key_is_sent_as_it_was_given(script: Any, key: str) -> None:
    """Decoded once, encoded once: what goes out is what the link held."""
    script.on(CHILDREN, script.page(header(key)))
    script.on(f"{CHILDREN}/{key}/child/journalLines", LINES)

    assert len(read_one(script.connect()).lines) == 2


def test_links_to_foreign_hosts_are_never_followed(script: Any) -> None:
    """The path is taken, the host is ours: the token goes nowhere else."""
    foreign = header().replace(f"{POD}:443", "https://foreign.example")
    script.on(CHILDREN, script.page(foreign))

    assert len(read_one(script.connect()).lines) == 2
    assert {each.url.host for each in script.requests} == {"pod.fa.us2.oraclecloud.com"}


@pytest.mark.parametrize(
    "links",
    ['"links":[]', '"links":null', '"links":[{"rel":"self","href":"https://x/other/1"}]'],
)
def test_journal_without_its_link_is_refused(script: Any, links: str) -> None:
    """A key is never made up."""
    script.on(CHILDREN, script.page(re.sub(r'"links":\[.*\]', links, header(), flags=re.DOTALL)))

    with pytest.raises(ProtocolError, match="no link"):
        read_one(script.connect())


@pytest.mark.parametrize(
    ("total", "side"),
    [
        ("RunningTotalAccountedDr", "accounted debit"),
        ("RunningTotalAccountedCr", "accounted credit"),
        ("RunningTotalDr", "entered debit"),
        ("RunningTotalCr", "entered credit"),
    ],
)
def test_batch_that_does_not_add_up_is_read_twice_and_refused(
    script: Any, total: str, side: str
) -> None:
    """Each of the four totals is compared; the error names batch, journal, side and sums."""
    wrong = header().replace(f'"{total}":18250.75', f'"{total}":18250.76')
    script.on(CHILDREN, script.page(wrong))

    with pytest.raises(ProtocolError, match=f"Batch {BATCH_ID}") as raised:
        read_one(script.connect())
    assert f"18250.75 {side}" in str(raised.value)
    assert "18250.76" in str(raised.value)
    assert script.count("/journalLines") == 2


def test_batch_that_adds_up_at_the_second_look_is_taken(script: Any) -> None:
    """A batch caught in the middle of a change is no fault."""
    wrong = header().replace('"RunningTotalDr":18250.75', '"RunningTotalDr":1')
    script.on(CHILDREN, [script.page(wrong), script.page(header())])

    assert len(read_one(script.connect()).lines) == 2


def test_totals_the_journal_does_not_state_are_not_compared(script: Any) -> None:
    """Null says nothing."""
    script.on(CHILDREN, script.page(re.sub(r'("RunningTotal\w+"):18250.75', r"\1:null", header())))

    assert len(read_one(script.connect()).lines) == 2


def test_amount_past_all_size_is_refused(script: Any) -> None:
    """A number that cannot be summed exactly stops the batch, not the run's arithmetic."""
    script.on(f"{CHILDREN}/{KEY}/child/journalLines", LINES.replace('Dr":18250.75', 'Dr":1e400'))

    with pytest.raises(ProtocolError, match=f"Batch {BATCH_ID}"):
        read_one(script.connect())


def test_journal_key_that_has_died_is_asked_for_anew(script: Any) -> None:
    """A pod restarted between journals and lines knows no old keys: the batch is still there."""
    script.on(CHILDREN, [script.page(header("OLD")), script.page(header())])

    assert len(read_one(script.connect()).lines) == 2


def test_batch_that_vanishes_while_it_is_read_is_none(script: Any) -> None:
    """Its child is missing, and so is it."""
    script.on(CHILDREN, script.page(header("OLD")))
    script.on(f"{ROOT}/journalBatches/{BATCH_ID}", [BATCH, 404])

    assert read_one(script.connect()) is None


def test_batch_whose_child_stays_missing_is_refused_not_removed(script: Any) -> None:
    """While the batch itself stands, a missing child never passes for a deletion."""
    script.on(CHILDREN, script.page(header("OLD")))

    with pytest.raises(ProtocolError, match="cannot be found"):
        read_one(script.connect())


@pytest.mark.parametrize(
    ("envelope", "match"),
    [
        ({"count": 3}, "counts 3"),
        ({"offset": 7}, "offset 7"),
        ({"more": True, "limit": 1, "items": 0}, "announces more"),
    ],
)
def test_page_that_contradicts_itself_is_refused(
    script: Any, envelope: dict[str, Any], match: str
) -> None:
    """Count, offset and promise must fit the rows."""
    items = [] if envelope.pop("items", 1) == 0 else [header()]
    script.on(CHILDREN, script.page(*items, **envelope))

    with pytest.raises(ProtocolError, match=match):
        read_one(script.connect())


def test_page_past_the_limit_asked_for_is_refused(script: Any) -> None:
    """More than asked is as odd as less than announced."""
    script.on(CHILDREN, script.page(header("A"), header("B")))

    with pytest.raises(ProtocolError, match="2 rows where 1"):
        read_one(script.connect(page_size=1))


def test_offset_moves_by_what_was_received(script: Any) -> None:
    """A server that gives 2 of 500 is asked for number 2 next, not for number 500."""
    names = [f"V{number}" for number in range(5)]

    def answer(request: httpx2.Request) -> Any:
        at = int(script.query(request)["offset"])
        rows = [json.dumps({"ValueSetCode": name}) for name in names[at : at + 2]]
        return script.page(*rows, more=at + 2 < 5, offset=at, limit=2)

    script.on(f"{ROOT}/valueSets", answer)
    script.on(f"{ROOT}/ledgersLOV", script.page())
    script.on(f"{ROOT}/chartOfAccountsLOV", script.page())

    found = [each.name for each in script.connect().discover() if each.kind == "value-set"]

    assert found == names
    offsets = [
        script.query(each)["offset"] for each in script.requests if "valueSets" in str(each.url)
    ]
    assert offsets == ["0", "2", "4"]


def test_full_last_page_is_not_believed(script: Any) -> None:
    """A wrong `hasMore` on a full page costs one request, not the rest of the list."""
    pages = {"0": ["V0", "V1"], "2": ["V2"]}

    def answer(request: httpx2.Request) -> Any:
        at = script.query(request)["offset"]
        rows = [json.dumps({"ValueSetCode": name}) for name in pages[at]]
        return script.page(*rows, offset=int(at), limit=2)

    script.on(f"{ROOT}/valueSets", answer)
    script.on(f"{ROOT}/ledgersLOV", script.page())
    script.on(f"{ROOT}/chartOfAccountsLOV", script.page())

    found = [each.name for each in script.connect().discover() if each.kind == "value-set"]

    assert found == ["V0", "V1", "V2"]


@pytest.mark.parametrize("body", ['{"hasMore":false}', '{"items":null,"hasMore":false,"count":0}'])
def test_absent_items_are_none(script: Any, body: str) -> None:
    """Absent, null and empty are the same."""
    script.on(f"{ROOT}/chartOfAccountsLOV", body)
    script.on(f"{ROOT}/ledgersLOV", body)

    assert script.connect().read_ledgers() == []


def test_envelope_without_its_promise_is_refused(script: Any) -> None:
    """An empty object is no empty collection."""
    script.on(f"{ROOT}/chartOfAccountsLOV", "{}")

    with pytest.raises(ProtocolError, match="hasMore"):
        script.connect().read_ledgers()


def describe(**queryable: bool) -> str:
    """A description of batches."""
    attributes = [
        {"name": name, "type": "string", "queryable": value} for name, value in queryable.items()
    ]
    return json.dumps({"Resources": {"journalBatches": {"attributes": attributes}}})


def test_window_query_is_keyed_and_survives_form_decoding(script: Any) -> None:
    """Fixed window, ascending key, explicit offset: the plus arrives as a plus."""
    script.on(
        f"{ROOT}/journalBatches/describe",
        describe(JeBatchId=True, Status=True, LastUpdateDate=True, DefaultPeriodName=True),
    )
    script.on(f"{ROOT}/journalBatches", [script.page(BATCH), script.page()])
    since = datetime(2026, 1, 31, 21, 6, 2, 1000, tzinfo=UTC)

    found = list(script.connect().read_changed_stamps(since, since))

    assert [stamp.batch_id for stamp in found] == [str(BATCH_ID)]
    asked = [script.query(each) for each in script.requests[1:]]
    assert asked[0]["q"] == (
        "JeBatchId > 0 and Status = 'P' and LastUpdateDate >= '2026-01-31T21:06:02+00:00'"
        " and LastUpdateDate <= '2026-01-31T21:06:03+00:00'"
    )
    assert asked[1]["q"].startswith(f"JeBatchId > {BATCH_ID} and ")
    assert {each["orderBy"] for each in asked} == {"JeBatchId:asc"}
    assert {each["offset"] for each in asked} == {"0"}
    assert b"%2B00%3A00" in script.requests[1].url.raw_path


@pytest.mark.parametrize("description", [404, 403, "{}", "<html></html>"])
def test_unreadable_description_leads_to_the_sweep(script: Any, description: Any) -> None:
    """A query nobody promised is not sent; every batch is listed and compared here."""
    script.on(f"{ROOT}/journalBatches/describe", description)
    script.on(f"{ROOT}/journalBatches", [script.page(BATCH), script.page()])
    later = datetime(2026, 2, 1, tzinfo=UTC)

    assert list(script.connect().read_changed_stamps(later, later)) == []
    assert script.query(script.requests[-1])["q"] == f"JeBatchId > {BATCH_ID} and Status = 'P'"


def test_listing_that_ignores_the_key_is_refused(script: Any) -> None:
    """The same ids again would be read for ever."""
    script.on(f"{ROOT}/journalBatches", script.page(BATCH))

    with pytest.raises(ProtocolError, match="after batch"):
        list(script.connect().read_all_stamps())


def test_batches_of_other_letters_are_left_out_of_an_unfiltered_listing(script: Any) -> None:
    """Where the pod cannot filter by status, we do; unknown letters are not posted."""
    script.on(f"{ROOT}/journalBatches/describe", describe(JeBatchId=True))
    odd = BATCH.replace('"Status":"P"', '"Status":"7"').replace("000001", "000002")
    script.on(f"{ROOT}/journalBatches", [script.page(BATCH, odd), script.page()])

    assert [each.batch_id for each in script.connect().read_all_stamps()] == [str(BATCH_ID)]


def test_unknown_address_is_refused_and_not_taken_for_an_empty_pod(empty_script: Any) -> None:
    """A wrong version answers 404 everywhere; that is no deletion of anything."""
    source = empty_script.connect(api_version="1.0")

    for read in (source.read_ledgers, source.read_server_time, source.read_all_stamps):
        with pytest.raises(RefusedError, match="status 404"):
            list(read())
    (check,) = source.check()
    assert "api_version" in check.next_step


def test_timestamp_without_zone_is_refused(script: Any) -> None:
    """Nobody guesses the zone of a watermark."""
    script.on(f"{ROOT}/journalBatches", script.page(BATCH.replace(".001+00:00", ".001")))

    with pytest.raises(ProtocolError, match="timezone"):
        list(script.connect().read_all_stamps())


def test_period_name_is_quoted_in_the_query(script: Any) -> None:
    """An apostrophe in a name ends no literal."""
    odd = Period(
        name="O'Hare-26", calendar="US Accounting Calendar", year=2026, number=1,
        date_first=date(2026, 1, 1), date_last=date(2026, 1, 31),
    )  # fmt: skip
    script.on(f"{ROOT}/journalBatches", script.page())

    assert list(script.connect().read_period_stamps([odd])) == []
    assert "DefaultPeriodName = 'O''Hare-26'" in script.query(script.requests[-1])["q"]


def test_batch_of_another_calendar_is_left_out_of_a_period(script: Any) -> None:
    """Two calendars may use the same name for different dates."""
    other = BATCH.replace("US Accounting Calendar", "April").replace("000001", "000002")
    script.on(f"{ROOT}/journalBatches", [script.page(BATCH, other), script.page()])

    assert [s.batch_id for s in script.connect().read_period_stamps([PERIOD])] == [str(BATCH_ID)]


def test_error_body_is_told_in_the_pods_words(script: Any) -> None:
    """Structured details and the trace id reach the reader; the query does not."""
    body = {
        "title": "Bad Request",
        "status": "400",
        "o:errorDetails": [{"detail": "JBO-27014: Attribute X is required."}],
    }
    reply = httpx2.Response(400, json=body, headers={"X-ORACLE-DMS-ECID": "abc-1"})
    script.on(f"{ROOT}/journalBatches", reply)

    with pytest.raises(RefusedError, match="JBO-27014") as raised:
        list(script.connect().read_all_stamps())
    assert "abc-1" in str(raised.value)
    assert "JeBatchId" not in str(raised.value)
