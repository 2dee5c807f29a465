"""Batches, headers and lines: their shapes, keys, and the little that may be changed."""

import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

BATCH_MEMBERS = {
    "JeBatchId", "AccountedPeriodType", "DefaultPeriodName", "BatchName", "Status",
    "ControlTotal", "BatchDescription", "ErrorMessage", "PostedDate", "PostingRunId",
    "RequestId", "RunningTotalAccountedCr", "RunningTotalAccountedDr", "RunningTotalCr",
    "RunningTotalDr", "CreatedBy", "CreationDate", "LastUpdateDate", "LastUpdatedBy",
    "ActualFlagMeaning", "ApprovalStatusMeaning", "ApproverEmployeeName", "FundsStatusMeaning",
    "ParentJeBatchName", "ChartOfAccountsName", "StatusMeaning", "CompletionStatusMeaning",
    "UserPeriodSetName", "UserJeSourceName", "ReversalDate", "ReversalPeriod", "ReversalFlag",
    "ReversalMethodMeaning", "links",
}  # fmt: skip
HEADER_MEMBERS = {
    "JournalName", "JournalDescription", "PeriodName", "DefaultEffectiveDate", "ReferenceDate",
    "CurrencyCode", "LedgerCurrencyCode", "CurrencyConversionDate", "CurrencyConversionRate",
    "InvCurrencyConversionRate", "UserCurrencyConversionType", "ControlTotal",
    "RunningTotalDr", "RunningTotalCr", "RunningTotalAccountedDr", "RunningTotalAccountedCr",
    "LedgerName", "LegalEntityName", "UserJeCategoryName", "EncumbranceType",
    "ExternalReference", "OriginatingBalSegValue", "AccrualReversalEffectiveDate",
    "AccrualReversalPeriodName", "AccrualReversalStatus", "AccrualReversalJeHeaderName",
    "ReversedJeHeaderName", "CloseAccountSequenceValue", "CloseAccountSequenceAssignName",
    "PostingAccountSequenceValue", "PostingAccountSequenceAssignName", "JeFromSlaFlagMeaning",
    "CreatedBy", "CreationDate", "LastUpdateDate", "LastUpdatedBy", "links",
}  # fmt: skip
LINE_MEMBERS = {
    "JeLineNumber", "AccountCombination", "AccountedDr", "AccountedCr", "EnteredDr",
    "EnteredCr", "CurrencyCode", "CurrencyConversionDate", "CurrencyConversionRate",
    "UserCurrencyConversionType", "Description", "ChartOfAccountsName", "StatAmount",
    "ReconciliationReference", "jgzzReconStatusMeaning", "CreatedBy", "CreationDate",
    "LastUpdateDate", "LastUpdatedBy", "links",
}  # fmt: skip
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def find(fusion: Any, q: str) -> dict[str, Any]:
    """The first batch that a query finds."""
    return dict(fusion.items(f"/journalBatches?orderBy=JeBatchId&limit=1&q={quote(q)}")[0])


def headers_of(fusion: Any, batch: dict[str, Any]) -> list[dict[str, Any]]:
    """Every header of a batch."""
    path = f"/journalBatches/{batch['JeBatchId']}/child/journalHeaders?limit=500"
    return list(fusion.items(path))


def rel(item: dict[str, Any], kind: str) -> str:
    """The address of a link."""
    return str(next(link["href"] for link in item["links"] if link["rel"] == kind))


def test_batch_has_exactly_the_members_of_the_contract(fusion: Any) -> None:
    """Each member is there, null or not, and no other."""
    batch = find(fusion, "Status='P' and UserJeSourceName='Payables'")

    assert batch.keys() == BATCH_MEMBERS
    assert isinstance(batch["JeBatchId"], int)
    assert len(str(batch["JeBatchId"])) == 15
    assert DAY.fullmatch(batch["PostedDate"])
    assert STAMP.fullmatch(batch["CreationDate"])
    assert STAMP.fullmatch(batch["LastUpdateDate"])
    assert (batch["StatusMeaning"], batch["ActualFlagMeaning"]) == ("Posted", "Actual")
    assert [link["name"] for link in batch["links"]] == [
        "journalBatches", "journalBatches", "batchAttachment", "journalActionLogs",
        "journalBatchDFF", "journalErrors", "journalHeaders",
    ]  # fmt: skip


def test_header_has_exactly_the_members_of_the_contract(fusion: Any) -> None:
    """Ledger and period stand here; there is no id and no status."""
    header = headers_of(fusion, find(fusion, "UserJeSourceName='Receivables'"))[0]

    assert header.keys() == HEADER_MEMBERS
    assert STAMP.fullmatch(header["LastUpdateDate"])
    assert DAY.fullmatch(header["DefaultEffectiveDate"])
    assert [link["rel"] for link in header["links"]] == ["self", "canonical", "parent", "child"]


def test_line_has_exactly_the_members_of_the_contract(fusion: Any) -> None:
    """One combination text, no segments, no ids, and one name that starts in lower case."""
    header = headers_of(fusion, find(fusion, "UserJeSourceName='Payables'"))[0]
    line = fusion.items(rel(header, "child") + "?limit=1")[0]

    assert line.keys() == LINE_MEMBERS
    assert line["JeLineNumber"] == 1
    assert re.fullmatch(r"\d{3}\.\d\d\.\d{5}\.\d{3}\.\d{3}\.\d{3}", line["AccountCombination"])
    assert line["AccountedCr"] is None


def test_lines_of_the_global_chart_look_different(fusion: Any) -> None:
    """Another order, other widths, another delimiter, letters in an entity."""
    batch = find(fusion, "ChartOfAccountsName='Halden Global Chart' and Status='P'")
    line = fusion.items(rel(headers_of(fusion, batch)[0], "child"))[0]

    assert re.fullmatch(r"[JK]\d\d-\d{4}-\d{6}-\d{4}", line["AccountCombination"])


def test_amounts_are_exact_numbers_without_trailing_zeros(own: Any) -> None:
    """What was posted comes back digit by digit, as numbers."""
    amounts = ["1250.50", "0.1", "100.00", "123456789012345.678901"]
    lines = [{"combination": "101.20.68010.310.000.000", "debit": a} for a in amounts]
    total = sum(map(Decimal, amounts), Decimal(0))
    lines.append({"combination": "101.00.22100.000.000.000", "credit": str(total)})
    created = own.do(
        "create_batch",
        name="Digits",
        journals=[{"ledger": "Halden US", "period": "Nov-26", "lines": lines}],
    )
    header = headers_of(own, created)[0]
    text = own.call("GET", rel(header, "child")).text

    assert re.findall(r'"EnteredDr":([^,]+)', text) == [
        "1250.5", "0.1", "100", "123456789012345.678901", "null",
    ]  # fmt: skip
    parsed = json.loads(text, parse_float=Decimal)["items"]
    assert parsed[3]["AccountedDr"] == Decimal("123456789012345.678901")


def test_long_decimals_are_strings_in_version_9_unless_switched(own: Any) -> None:
    """Above fifteen digits version 9 writes text; ordinary amounts stay numbers."""
    lines = [
        {"combination": "101.20.68010.310.000.000", "debit": "123456789012345.678901"},
        {"combination": "101.20.68010.310.000.000", "debit": "12.5"},
        {"combination": "101.00.22100.000.000.000", "credit": "123456789012358.178901"},
    ]
    journals = [{"ledger": "Halden US", "period": "Nov-26", "lines": lines}]
    created = own.do("create_batch", name="Digits", journals=journals)
    path = f"/journalBatches/{created['JeBatchId']}?expand=all"

    def entered() -> list[Any]:
        batch = own.read(path, version=9)
        nested = batch["journalHeaders"]["items"][0]["journalLines"]["items"]
        return [line["EnteredDr"] for line in nested]

    assert entered()[:2] == ["123456789012345.678901", 12.5]
    own.turn(long_decimals_as_strings=False)
    assert isinstance(entered()[0], float)


@pytest.mark.parametrize(
    "accessor", ["batchAttachment", "journalActionLogs", "journalBatchDFF", "journalErrors"]
)
def test_children_nobody_uses_are_empty_collections(fusion: Any, accessor: str) -> None:
    """They exist beside the headers, so the first child link is not the one to follow."""
    batch = find(fusion, "Status='P'")

    assert fusion.read(f"/journalBatches/{batch['JeBatchId']}/child/{accessor}")["items"] == []


def test_a_journal_of_the_walk_adds_up(fusion: Any) -> None:
    """Lines equal the running totals of header and batch, to the last digit."""
    for q in ("Status='P' and UserJeSourceName='Assets'", "BatchName='Group accruals'"):
        batch = find(fusion, q)
        lines = fusion.walk(batch["JeBatchId"])
        for side in ("Dr", "Cr"):
            summed = sum(Decimal(str(x[f"Accounted{side}"] or 0)) for x in lines)
            assert summed == Decimal(str(batch[f"RunningTotalAccounted{side}"]))


def test_a_journal_larger_than_a_page_needs_more_than_one(fusion: Any) -> None:
    """More than 500 lines come in pages of 500."""
    q = "RunningTotalDr > 0 and DefaultPeriodName='Sep-26' and UserJeSourceName='Payables'"
    batches = fusion.items(f"/journalBatches?limit=500&q={quote(q)}")
    sizes = []
    for batch in batches:
        for header in headers_of(fusion, batch):
            page = fusion.read(rel(header, "child") + "?limit=500&onlyData=true&totalResults=true")
            sizes.append((page["totalResults"], page["count"], page["hasMore"]))

    assert any(total > 500 and count == 500 and more for total, count, more in sizes)


def test_child_keys_are_opaque_and_lead_back_to_their_row(fusion: Any) -> None:
    """The key in a link opens the item; nothing in it is the id of anything."""
    batch = find(fusion, "Status='P'")
    header = headers_of(fusion, batch)[0]
    again = fusion.read(rel(header, "self"))
    line = fusion.items(rel(header, "child"))[0]

    assert again["JournalName"] == header["JournalName"]
    assert rel(header, "self").rsplit("/", 1)[1].startswith("00020000000EACED000577")
    assert fusion.read(rel(line, "canonical"))["JeLineNumber"] == line["JeLineNumber"]
    assert fusion.read(rel(line, "parent"))["JournalName"] == header["JournalName"]


def test_child_keys_with_reserved_letters_are_encoded_once(fusion: Any) -> None:
    """A client that encodes again, or not at all, misses the row."""
    fusion.turn(opaque_keys="reserved")
    batch = find(fusion, "Status='P'")
    href = rel(headers_of(fusion, batch)[0], "child")
    key = href.split("/")[-3]

    assert key.endswith("%252B%3A%2B%3D%26%27")
    assert fusion.read(href)["count"] > 0
    assert fusion.call("GET", href.replace(key, key.replace("%", "%25"))).status_code == 404


def test_child_key_of_another_batch_is_404(fusion: Any) -> None:
    """A key counts below its own parent only."""
    first = find(fusion, "Status='P'")
    other = find(fusion, f"Status='P' and JeBatchId > {first['JeBatchId']}")
    key = rel(headers_of(fusion, other)[0], "self").rsplit("/", 1)[1]

    path = f"/journalBatches/{first['JeBatchId']}/child/journalHeaders/{key}"
    assert fusion.call("GET", path).status_code == 404


@pytest.mark.parametrize(
    "tail",
    ["child/journalHeaders/00020000000EACED00057708DEADBEEF", "child/journalLines", "child",
     "child/batchNotes", "journalHeaders"],
)  # fmt: skip
def test_path_that_leads_nowhere_is_404(fusion: Any, tail: str) -> None:
    """Made-up keys and accessors are not found."""
    batch = find(fusion, "Status='P'")

    assert fusion.call("GET", f"/journalBatches/{batch['JeBatchId']}/{tail}").status_code == 404


def test_primary_key_finder_finds_the_batch(fusion: Any) -> None:
    """The finder and the path name the same row."""
    key = find(fusion, "Status='P'")["JeBatchId"]
    found = fusion.items(f"/journalBatches?finder=PrimaryKey;JeBatchId={key}")

    assert [batch["JeBatchId"] for batch in found] == [key]


def test_status_letters_other_than_posted_occur(fusion: Any) -> None:
    """Unposted, error and selected batches are in the list, without a posting date."""
    batches = fusion.items("/journalBatches?q=" + quote("Status <> 'P'"))

    assert {batch["Status"] for batch in batches} == {"U", "E", "S"}
    assert {batch["PostedDate"] for batch in batches} == {None}
    error = next(batch for batch in batches if batch["Status"] == "E")
    assert error["ErrorMessage"]


def test_header_period_may_differ_from_the_batch(fusion: Any) -> None:
    """A batch of October holds a journal of September."""
    q = "UserJeSourceName='Spreadsheet' and DefaultPeriodName='Oct-26'"
    pairs = [
        (batch["DefaultPeriodName"], header["PeriodName"])
        for batch in fusion.items(f"/journalBatches?limit=100&q={quote(q)}")
        for header in headers_of(fusion, batch)
    ]

    assert ("Oct-26", "Sep-26") in pairs


def test_copies_stat_and_encumbrance_can_be_told_apart(fusion: Any) -> None:
    """Each kind that a sum must leave out shows what it is."""
    copy = find(fusion, "ParentJeBatchName is not null")
    stat = find(fusion, "BatchName='Headcount 2026'")
    held = find(fusion, "ActualFlagMeaning='Encumbrance'")

    assert headers_of(fusion, copy)[0]["LedgerName"] == "Halden US Reporting"
    assert headers_of(fusion, copy)[0]["LedgerCurrencyCode"] == "EUR"
    assert headers_of(fusion, stat)[0]["CurrencyCode"] == "STAT"
    assert headers_of(fusion, held)[0]["EncumbranceType"] == "Commitment"


def test_same_journal_name_occurs_in_several_batches(fusion: Any) -> None:
    """A journal name identifies nothing outside its batch."""
    q = quote("DefaultPeriodName='Jan-26' and Status='P'")
    batches = fusion.items(f"/journalBatches?limit=100&q={q}&expand=journalHeaders")
    names = [h["JournalName"] for b in batches for h in b["journalHeaders"]["items"]]

    assert len(set(names)) < len(names)


def test_header_and_batch_are_updated_at_different_moments(fusion: Any) -> None:
    """The header may be newer than its batch, or older."""
    batches = fusion.items("/journalBatches?limit=50&expand=journalHeaders")
    newer = {
        header["LastUpdateDate"] > batch["LastUpdateDate"]
        for batch in batches
        for header in batch["journalHeaders"]["items"]
    }

    assert newer == {True, False}


def unposted(own: Any) -> dict[str, Any]:
    """A batch that may still be changed."""
    return find(own, "Status='U'")


def test_patch_changes_completion_and_reversal_only(own: Any) -> None:
    """The members that may be written are written; the batch is not posted by it."""
    batch = unposted(own)
    body = {
        "Status": "P",
        "ReversalPeriod": "Dec-26",
        "ReversalDate": "2026-12-01",
        "ReversalMethodMeaning": "Change sign",
    }
    changed = own.call("PATCH", f"/journalBatches/{batch['JeBatchId']}", json=body).json()

    assert (changed["Status"], changed["CompletionStatusMeaning"]) == ("U", "Complete")
    assert changed["ReversalPeriod"] == "Dec-26"
    assert changed["LastUpdateDate"] > batch["LastUpdateDate"]
    assert changed["LastUpdatedBy"] == "INTEGRATION.USER"
    assert rel_indicator(changed) != rel_indicator(batch)


def rel_indicator(item: dict[str, Any]) -> str:
    """The change indicator in the self link."""
    return str(item["links"][0]["properties"]["changeIndicator"])


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"BatchName": "Mine"}, "BatchName"),
        ({"Segment1": "101"}, 'Invalid attribute "Segment1" in the payload'),
        ({"ReversalMethodMeaning": "Somehow"}, "leads to no matching row"),
        ({"ReversalFlag": "Y"}, "ReversalFlag"),
        ({"ReversalDate": "soon"}, "ReversalDate"),
        ({"Status": "X"}, "status"),
        ([1], "object"),
    ],
)
def test_patch_that_is_not_allowed_is_400_and_changes_nothing(
    own: Any, body: Any, text: str
) -> None:
    """The refusal names what was wrong."""
    batch = unposted(own)
    reply = own.call("PATCH", f"/journalBatches/{batch['JeBatchId']}", json=body)

    assert reply.status_code == 400
    assert text in reply.json()["o:errorDetails"][0]["detail"]
    assert own.batch(batch["JeBatchId"]) == batch


def test_read_only_member_is_ignored_by_switch(own: Any) -> None:
    """Some pods pass over what may not be written."""
    own.turn(read_only_member="ignore")
    batch = unposted(own)
    body = {"BatchName": "Mine", "ReversalPeriod": "Dec-26"}
    changed = own.call("PATCH", f"/journalBatches/{batch['JeBatchId']}", json=body).json()

    assert (changed["BatchName"], changed["ReversalPeriod"]) == (batch["BatchName"], "Dec-26")


def test_delete_takes_unposted_batches_only(own: Any) -> None:
    """204 and gone without a trace, children too; a posted batch stays."""
    batch, posted = unposted(own), find(own, "Status='P'")
    header = headers_of(own, batch)[0]
    gone = own.call("DELETE", f"/journalBatches/{batch['JeBatchId']}")
    kept = own.call("DELETE", f"/journalBatches/{posted['JeBatchId']}")

    assert (gone.status_code, gone.content) == (204, b"")
    assert kept.status_code == 400
    assert own.call("GET", f"/journalBatches/{batch['JeBatchId']}").status_code == 404
    assert own.call("GET", rel(header, "child")).status_code == 404
    assert own.batch(posted["JeBatchId"])["Status"] == "P"
