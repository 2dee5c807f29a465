"""Answers of orchestrations, as they were recorded or may come: receipt, refusal, or open."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.journals import Journal, JournalLine
from ml_connector.errors import ConnectorError, CredentialsError, OutcomeUnknownError
from ml_connector.ports import JournalHead
from ml_connector.systems.calls import RemoteReply
from ml_connector.systems.jde.connection import OrchestrationSettings
from ml_connector.systems.jde.orchestration_wire import Form, render_inputs
from ml_connector.systems.jde.orchestrations import (
    JournalRejectedError,
    JournalUnclearError,
    OrchestrationDeniedError,
    OrchestrationMissingError,
    OrchestrationRefusedError,
    Sent,
    build_call,
    read_receipt,
)
from ml_connector.systems.jde.refusals import SessionRefusedError

CALL = build_call("/jderest", "PLN_PostBudgetJournal", b"{}", timeout_s=300)
SENT = Sent(
    orchestration="PLN_PostBudgetJournal", key="PB2602A7", company="00001", document_type="BX",
    lines=2,
)  # fmt: skip
CREATED = {
    "Result": "CREATED", "BatchType": "G", "BatchNumber": 15993, "DocumentType": "BX",
    "DocumentNumber": 41260, "DocumentCompany": "00001", "LinesWritten": 2, "Messages": [],
    "jde__status": "SUCCESS", "jde__simpleMessage": "",
    "jde__startTimestamp": "2026-02-02T10:00:00.000+0000", "jde__serverExecutionSeconds": 2.151,
}  # fmt: skip
RAW = {
    "ServiceRequest1": {"forms": [{"fs_P0911_W0911A": {"title": "Journal Entry", "errors": []}}]},
    "ReadBack": [{"F0911_ICUT": "G ", "F0911_ICU": "15993", "F0911_DCT": "BX",
                  "F0911_DOC": "41260", "F0911_KCO": "00001"}],
    "jde__status": "SUCCESS", "jde__simpleMessage": "",
}  # fmt: skip
FAILED = {
    "message": "Add journal failed: Account Number Invalid",
    "exception": "com.oracle.e1.rest.orchestrator.SomeException", "status": "ERROR",
    "jde__simpleMessage": "Account Number Invalid", "jde__status": "ERROR",
}  # fmt: skip
JOURNAL = Journal(
    ledger="00001/BA", period="FY2026-P01", gl_date=date(2026, 1, 31), currency="USD", part=1,
    parts=1,
    lines=(JournalLine("00062411", Decimal("1250.00")), JournalLine("00062412", Decimal("-3E+2"))),
)  # fmt: skip


def reply(body: Any, status: int = 200) -> RemoteReply:
    """A reply of this body."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RemoteReply(system="JDE (erp)", call=CALL, status=status, headers={}, content=content)


def without(*names: str, **changes: Any) -> dict[str, Any]:
    """A created journal's answer, less some outputs, with others changed."""
    return {name: v for name, v in {**CREATED, **changes}.items() if name not in names}


# Receipts.


@pytest.mark.parametrize(
    "body",
    [
        CREATED,
        RAW,
        without("jde__status", "jde__simpleMessage"),
        without("LinesWritten", "Messages"),
        without("Result", "BatchType", "DocumentCompany", "DocumentType", Status="OK"),
        without(BatchNumber="15993", DocumentNumber="41260", LinesWritten="2"),
        without(BatchNumber="15993.0", DocumentNumber=41260.0, LinesWritten=2.0),
        without(Result=" created "),
        {name.lower(): value for name, value in CREATED.items()},
        without(Messages=None, BatchType="G ", LinesWritten=None),
    ],
    ids=["named", "raw", "no-elements", "fewer-outputs", "no-result", "text", "decimal-text",
         "spelling", "lower-case", "blanks"],
)  # fmt: skip
def test_answer_with_numbers_is_a_receipt(body: dict[str, Any]) -> None:
    """Named outputs or raw steps, numbers or text, with or without what the server adds."""
    receipt = read_receipt(reply(body), SENT)

    assert (receipt.batch_id, receipt.document) == ("G-15993", "00001-BX-41260")
    assert (receipt.is_duplicate, receipt.warnings) == (False, ())


@pytest.mark.parametrize("written", [0, 2, 7])
def test_duplicate_is_a_receipt_whatever_was_written_before(written: int) -> None:
    """It entered nothing; how many lines it counts does not matter."""
    receipt = read_receipt(reply(without(Result="DUPLICATE", LinesWritten=written)), SENT)

    assert receipt.is_duplicate
    assert receipt.batch_id == "G-15993"


def test_warnings_of_every_place_are_told_once() -> None:
    """Messages, forms, and steps the run went on from."""
    body = without(
        Messages=["Period after current (PACO)"],
        jde__status="WARNING",
        jde__simpleMessage="see warnings",
        **{
            "Errors/Warnings": [
                {"Application ID": "P0911", "Title": "Journal Entry", "Errors": [], "Warnings": [
                    {"CODE": "0066", "TITLE": "Period after current (PACO)", "DESC": "long"},
                    {"CODE": "0067", "TITLE": "", "DESC": "Account is new"},
                ]},
            ],
            "continuedOnError": [{"step": "Approve", "message": "Batch not approved",
                                  "userDefinedErrorText": ""}],
        },
    )  # fmt: skip

    assert read_receipt(reply(body), SENT).warnings == (
        "Period after current (PACO)", "Account is new", "Batch not approved", "see warnings",
    )  # fmt: skip


def test_warnings_hold_no_token() -> None:
    """Whatever a server repeats."""
    token = "044r7yXa0Vb2p9Q1mZ+3C/h8KQ==MDE5MDU3TOKENTOKEN=="
    (warning,) = read_receipt(reply(without(Messages=[f"bad {token}"])), SENT).warnings

    assert token not in warning


# Refusals.


@pytest.mark.parametrize(
    "messages",
    [
        ["Account 9.8990 is inactive (0027)"],
        "Account 9.8990 is inactive (0027)",
        [{"TITLE": "Account 9.8990 is inactive (0027)"}],
    ],
)
def test_rejection_is_refused_in_its_own_words(messages: Any) -> None:
    """Texts or objects, in a list or alone."""
    body = without(Result="REJECTED", BatchNumber=0, DocumentNumber=0, Messages=messages)

    with pytest.raises(JournalRejectedError, match=r"PB2602A7: Account 9\.8990 is inactive"):
        read_receipt(reply(body), SENT)


def test_rejection_without_words_and_with_many_is_still_told() -> None:
    """None, or a few of them and how many more."""
    many = [f"line {number} is odd" for number in range(9)]
    with pytest.raises(JournalRejectedError, match="without a word"):
        read_receipt(reply({"Result": "REJECTED"}), SENT)
    with pytest.raises(JournalRejectedError, match="and 4 more"):
        read_receipt(reply({"Result": "REJECTED", "Messages": many}), SENT)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, OrchestrationRefusedError),
        (401, CredentialsError),
        (403, OrchestrationDeniedError),
        (404, OrchestrationMissingError),
        (405, OrchestrationRefusedError),
        (406, OrchestrationRefusedError),
        (413, OrchestrationRefusedError),
        (415, OrchestrationRefusedError),
        (444, SessionRefusedError),
    ],
)
@pytest.mark.parametrize("body", [{"message": "No"}, b"", b"<html><title>No</title></html>"])
def test_status_that_comes_before_the_run_says_that_nothing_was_entered(
    status: int, error: type[ConnectorError], body: Any
) -> None:
    """Whatever its body."""
    with pytest.raises(error) as caught:
        read_receipt(reply(body, status), SENT)

    assert not isinstance(caught.value, OutcomeUnknownError)
    assert caught.value.written == "Nothing was written."


# Open outcomes.


@pytest.mark.parametrize(
    "status", [402, 408, 409, 410, 418, 429, 499, 500, 501, 502, 503, 504, 520, 599]
)
@pytest.mark.parametrize(
    "body",
    [
        FAILED,
        {**FAILED, "message": {"fs_P0911_W0911A": {"errors": [{"TITLE": "Invalid"}]}}},
        {**FAILED, "Result": "REJECTED"},
        {"sysErrors": [{"TITLE": "JAS_MSG347: expired"}]},
        b"<html><title>Bad gateway</title></html>",
        b"",
    ],
)
def test_every_other_status_leaves_the_outcome_open(status: int, body: Any) -> None:
    """Also a rejection in the body of a failure: the run is no transaction."""
    with pytest.raises(JournalUnclearError) as caught:
        read_receipt(reply(body, status), SENT)

    assert "PB2602A7" in caught.value.refused
    assert "not known" in caught.value.written


def test_failure_is_told_in_the_best_words_there_are() -> None:
    """The simple message, else what lies deepest."""
    nested = {"message": {"fs_P0911_W0911A": {"errors": [{"TITLE": "Account Invalid"}]}}}
    with pytest.raises(JournalUnclearError, match="status 500: Account Number Invalid"):
        read_receipt(reply(FAILED, 500), SENT)
    with pytest.raises(JournalUnclearError, match="status 500: Account Invalid"):
        read_receipt(reply(nested, 500), SENT)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (FAILED, "Account Number Invalid"),
        ({**CREATED, "jde__status": "ERROR"}, "ended in an error"),
        ({**CREATED, "status": "ERROR"}, "ended in an error"),
        ({"Result": "REJECTED", "jde__status": "ERROR"}, "ended in an error"),
        ({"status": "ERROR", "jdeLogId": "77"}, "without a word"),
        (without(BatchNumber=0), "no batch"),
        (without(DocumentNumber=""), "no batch"),
        (without("BatchNumber"), "no batch"),
        (without(BatchNumber=-5), "no batch"),
        (without(BatchNumber={"value": 15993}), "no batch"),
        (without(LinesWritten=1), "1 of 2 lines"),
        (without(LinesWritten=3), "3 of 2 lines"),
        (without(LinesWritten="some"), "0 of 2 lines"),
        (without(Result="MAYBE"), "MAYBE"),
        ({**RAW, "ReadBack": [{"F0911_ICU": "0", "F0911_DOC": "0"}]}, "no batch"),
        ({**RAW, "ReadBack": []}, "no batch"),
        ({}, "no batch"),
        ([], "no object"),
        (b"", "empty"),
        (b"<html>ok</html>", "HTML"),
        (b'{"Result":"CREATED","BatchNumber":159', "cannot be read"),
        (b'{"Result":"CREATED"}\xff', "cannot be read"),
    ],
)
def test_success_that_does_not_tell_leaves_the_outcome_open(body: Any, words: str) -> None:
    """Status 200 alone says nothing."""
    with pytest.raises(JournalUnclearError, match=words):
        read_receipt(reply(body), SENT)


def test_deeply_nested_answer_is_no_trouble() -> None:
    """Nobody digs for ever."""
    body: Any = "x"
    for _ in range(200):
        body = {"a": body}

    with pytest.raises(JournalUnclearError):
        read_receipt(reply({"steps": body}), SENT)


# The call.


def test_call_is_not_repeatable_and_not_replayed() -> None:
    """Nothing below may send it twice."""
    call = build_call("/p/jderest", "Post Budget/1", b"250000.00", timeout_s=45)

    assert call.path == "/p/jderest/v3/orchestrator/Post%20Budget%2F1"
    assert not call.may_repeat
    assert not call.replays_after_401
    assert call.timeouts.read_s == 45
    assert "250000" not in repr(call)


def form(**changes: Any) -> Form:
    """How inputs are wanted."""
    settings = OrchestrationSettings.model_validate(changes.pop("settings", {}))
    plain = {"input_format": "Generic", "render_date": date.isoformat}
    return Form(settings=settings, **{**plain, **changes})


def render(used: Form, **changes: Any) -> Any:
    """The body, its numbers as the text that stood there."""
    head = JournalHead(
        **{"posting_key": "PB2602A7", "document_type": "BX", "explanation": "FY26 forecast",
           **changes}
    )  # fmt: skip
    accounts = {"00062411": "30.8720", "00062412": "30.8725.X"}
    content = render_inputs(used, JOURNAL, head, accounts=accounts)
    return json.loads(content, parse_float=str, parse_int=str)


def test_generic_inputs_are_those_of_the_specification() -> None:
    """Every input, amounts in plain digits."""
    assert render(form()) == {
        "PlanBatchKey": "PB2602A7", "Company": "00001", "LedgerType": "BA", "DocumentType": "BX",
        "GLDate": "2026-01-31", "Explanation": "FY26 forecast", "CurrencyCode": "USD",
        "ExpectedLines": "2", "ExpectedDebits": "1250", "PostAfterCreate": False,
        "Lines": [
            {"LineNumber": "1", "Account": "30.8720", "AccountId": "00062411", "Subledger": "",
             "SubledgerType": "", "Amount": "1250", "Units": "0",
             "Remark": "00001/BA FY2026-P01 1/1"},
            {"LineNumber": "2", "Account": "30.8725.X", "AccountId": "00062412", "Subledger": "",
             "SubledgerType": "", "Amount": "-300", "Units": "0",
             "Remark": "00001/BA FY2026-P01 1/1"},
        ],
    }  # fmt: skip


def test_standard_inputs_are_the_same_as_pairs() -> None:
    """Header inputs, and one repeating input for each line."""
    told = render(form(input_format="JDE Standard"))
    generic = render(form())
    lines = generic.pop("Lines")
    (detail,) = told["detailInputs"]

    assert {one["name"]: one["value"] for one in told["inputs"]} == generic
    assert detail["name"] == "Lines"
    assert [
        {one["name"]: one["value"] for one in line["inputs"]} for line in detail["repeatingInputs"]
    ] == lines


def test_inputs_bear_the_names_of_the_site_and_some_are_left_out() -> None:
    """Mapped names, an array of another name, nothing under the old ones."""
    told = render(form(settings={
        "inputs": {"Lines": "GridIn_1_3", "PlanBatchKey": "Key", "ExpectedDebits": ""},
        "line_inputs": {"Account": "Account_Number", "Units": "", "Remark": ""},
    }))  # fmt: skip

    assert told["Key"] == "PB2602A7"
    assert not {"Lines", "PlanBatchKey", "ExpectedDebits"} & set(told)
    assert set(told["GridIn_1_3"][0]) == {
        "LineNumber", "Account_Number", "AccountId", "Subledger", "SubledgerType", "Amount",
    }  # fmt: skip


def test_explanation_is_cut_to_what_the_ledger_keeps() -> None:
    """Thirty characters, line breaks as blanks."""
    told = render(form(), explanation="Approved plan\nfor the year " + "x" * 40, post_at_once=True)

    assert told["Explanation"] == "Approved plan for the year xxx"
    assert told["PostAfterCreate"] is True
