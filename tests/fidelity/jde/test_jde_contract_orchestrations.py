"""Orchestrations: discovery, both input formats, write-back, duplicates, refusals."""

from decimal import Decimal
from typing import Any

import pytest

NAME = "PLN_PostBudgetJournal"
Row = dict[str, Any]


def standard(generic: Row) -> Row:
    """The same input as a JDE Standard one."""
    lines = generic["Lines"]
    return {
        "inputs": [{"name": n, "value": v} for n, v in generic.items() if n != "Lines"],
        "detailInputs": [{
            "name": "Lines",
            "repeatingInputs": [
                {"inputs": [{"name": n, "value": v} for n, v in line.items()]} for line in lines
            ],
        }],
    }  # fmt: skip


# Discovery.


def test_discovery_tells_the_declared_inputs_and_outputs(ais: Any) -> None:
    """Name, format, inputs with types and arrays, outputs."""
    golden = {
        "name": "PLN_PostBudgetJournal", "omwObjectName": "ORC", "description": "...",
        "inputFormat": "Generic", "inputs": [{"name": "PlanBatchKey"}],
        "outputs": [{"name": "BatchNumber", "type": "Numeric"}],
    }  # fmt: skip
    listed = ais.send("GET", "/v2/discover").json()["orchestrations"]
    (one,) = ais.send("GET", f"/v2/discover/{NAME}").json()["orchestrations"]

    assert ais.misfits(listed, [golden]) == []
    assert one in listed
    assert len(listed) >= 5
    names = {entry["name"] for entry in one["inputs"]}
    assert names >= {"PlanBatchKey", "Company", "LedgerType", "DocumentType", "GLDate",
                     "Explanation", "CurrencyCode", "Lines", "PostAfterCreate"}  # fmt: skip
    (lines,) = [entry for entry in one["inputs"] if entry["name"] == "Lines"]
    assert {entry["name"] for entry in lines["array"]} >= {"Account", "Amount", "Remark"}
    outputs = {entry["name"] for entry in one["outputs"]}
    assert outputs >= {"Result", "BatchType", "BatchNumber", "DocumentType", "DocumentNumber",
                       "DocumentCompany", "LinesWritten"}  # fmt: skip


def test_discovery_needs_a_token(ais: Any) -> None:
    """Orchestrations are shown to those signed on."""
    ais.token = "044dead"

    assert ais.send("GET", "/v2/discover").status_code == 444


@pytest.mark.parametrize("path", ["/v3/open-api-catalog", "/v3/open-api-catalog3"])
def test_catalog_where_offered_names_the_orchestration(ais: Any, path: str) -> None:
    """A machine-readable contract, or the plain statement that there is none."""
    reply = ais.send("GET", path)

    assert reply.status_code in {200, 404}
    assert (NAME in reply.text) is (reply.status_code == 200)


# Writing.


@pytest.mark.parametrize("version", ["v3", "v2", ""])
def test_budget_journal_is_written_with_the_key_on_every_line(own: Any, version: str) -> None:
    """The answer names what was written, the rows say the same."""
    lines = own.lines([6778.23, -16176.39, 1200])
    reply = own.run(own.plan("PB2611A1", lines), version=version)
    answer = own.loads(reply.text)
    golden = {
        "Result": "CREATED", "BatchType": "G", "BatchNumber": 15993, "DocumentType": "BX",
        "DocumentNumber": 41260, "DocumentCompany": "00001", "LinesWritten": 1, "Messages": [],
        "jde__status": "SUCCESS", "jde__simpleMessage": "", "jde__startTimestamp": "x",
        "jde__endTimestamp": "x", "jde__serverExecutionSeconds": 2.151,
    }  # fmt: skip
    rows = own.keyed("PB2611A1")

    assert reply.status_code == 200
    assert own.misfits(answer, golden) == []
    assert (answer["Result"], answer["BatchType"], answer["LinesWritten"]) == ("CREATED", "G", 3)
    assert (answer["DocumentType"], answer["DocumentCompany"]) == ("BX", "00001")
    assert answer["jde__status"] == "SUCCESS"
    assert [row["AA"] for row in rows] == [Decimal("6778.23"), Decimal("-16176.39"), 1200]
    assert [row["AID"] for row in rows] == [line["AccountId"] for line in lines]
    assert {(row["DCT"].strip(), row["DOC"], row["KCO"]) for row in rows} == {
        ("BX", answer["DocumentNumber"], "00001")
    }
    assert {(row["ICUT"].strip(), row["ICU"]) for row in rows} == {("G", answer["BatchNumber"])}
    assert {(row["LT"].strip(), row["POST"], row["DGJ"], row["CO"]) for row in rows} == {
        ("BA", " ", "20261130", "00001")
    }
    assert {(row["FY"], row["CTRY"], row["PN"]) for row in rows} == {(26, 20, 11)}


def test_golden_amounts_keep_their_literal(own: Any) -> None:
    """Two decimals, a negative, a whole number: as text on the wire."""
    own.write("GOLDEN01", [6778.23, -16176.39, 1200, 0.05, 9999999999999.99])
    key = own.when("R2", "EQUAL", "GOLDEN01")
    order = {"orderBy": [{"column": "F0911.JELN", "direction": "ASC"}]}
    reply = own.query(own.browsing("F0911", "AA JELN", key, aggregation=order))

    assert [row["AA"] for row in own.rows(own.literals(reply.text), "F0911")] == [
        "6778.23", "-16176.39", "1200", "0.05", "9999999999999.99",
    ]  # fmt: skip


def test_header_of_a_new_batch_is_pending_and_bears_no_audit_date(own: Any) -> None:
    """Entered amount and documents are filled, the date of update is not."""
    batch = own.write("HEADER01", [1250, 250])["BatchNumber"]
    conditions = [own.when("ICUT", "EQUAL", "G"), own.when("ICU", "EQUAL", batch)]
    (row,) = own.browse("F0011", "ICUT ICU IST IAPP AME DOCN USER DICJ UPMJ UPMT", *conditions)

    assert row["IST"].strip() in {"", "A"}
    assert (row["DOCN"], row["USER"].strip(), row["DICJ"]) == (1, "PLNSVC", "20261103")
    assert row["AME"] == 1500
    assert (row["UPMJ"], row["UPMT"]) == (None, 0)


def test_numbers_are_given_once(own: Any) -> None:
    """Each journal has a batch and a document of its own, none that existed."""
    known = {row["ICU"] for row in own.browse("F0011", "ICU")}
    answers = [own.write(f"NUMBER0{n}", [100]) for n in range(3)]

    assert len({answer["BatchNumber"] for answer in answers} - known) == 3
    assert len({answer["DocumentNumber"] for answer in answers}) == 3


def test_same_key_again_is_a_duplicate_with_the_first_numbers(own: Any) -> None:
    """No row is added, whatever the second call holds."""
    first = own.write("DOUBLE01", [1250])
    reply = own.run(own.plan("DOUBLE01", own.lines([1250, 700])))
    again = own.loads(reply.text)

    assert reply.status_code == 200
    assert again["Result"] == "DUPLICATE"
    for name in ("BatchType", "BatchNumber", "DocumentType", "DocumentNumber", "DocumentCompany"):
        assert again[name] == first[name]
    assert [row["AA"] for row in own.keyed("DOUBLE01")] == [1250]


def test_same_key_in_another_ledger_is_no_duplicate(own: Any) -> None:
    """The check is by key and ledger."""
    own.write("DOUBLE02", [1250])
    other = own.run(own.plan("DOUBLE02", own.lines([90]), LedgerType="BF")).json()

    assert other["Result"] == "CREATED"


def test_journal_posted_after_creation_reaches_the_balances(own: Any) -> None:
    """Rows are posted, the batch is done, F0902 holds the amounts."""
    lines = own.lines([6778.23, -300])
    reply = own.run(own.plan("POSTED01", lines, PostAfterCreate=True))
    answer = reply.json()
    conditions = [own.when("ICUT", "EQUAL", "G"), own.when("ICU", "EQUAL", answer["BatchNumber"])]

    assert answer["Result"] == "CREATED"
    assert {row["POST"] for row in own.keyed("POSTED01")} == {"P"}
    assert [row["IST"].strip() for row in own.browse("F0011", "IST", *conditions)] == ["D"]
    for line in lines:
        pairs = (("AID", line["AccountId"]), ("LT", "BA"), ("FY", "26"))
        where = [own.when(column, "EQUAL", content) for column, content in pairs]
        period = [own.when("PN", "EQUAL", "11"), own.when("POST", "EQUAL", "P")]
        of_rows = own.browse("F0911", "AA", *where, *period)
        balances = own.browse("F0902", "AN11", *where)
        assert sum(r["AN11"] for r in balances) == sum(r["AA"] for r in of_rows) != 0


@pytest.mark.parametrize("input_format", ["Generic", "JDE Standard"])
def test_orchestration_takes_the_format_it_was_made_for(own: Any, input_format: str) -> None:
    """The declared format works and is told; the other one is refused."""
    own.turn(inputFormat=input_format)
    (told,) = own.send("GET", f"/v2/discover/{NAME}").json()["orchestrations"]
    generic = own.plan("FORMAT01", own.lines([1250, -300.5]))
    bodies = {"Generic": generic, "JDE Standard": standard(generic)}
    (wrong,) = [body for name, body in bodies.items() if name != input_format]

    assert told["inputFormat"] == input_format
    assert own.is_refused(own.run(wrong))
    assert own.keyed("FORMAT01") == []
    assert own.run(bodies[input_format]).json()["Result"] == "CREATED"
    assert [row["AA"] for row in own.keyed("FORMAT01")] == [1250, Decimal("-300.5")]


def test_amounts_may_come_as_text(own: Any) -> None:
    """A number in quotes is the same number."""
    own.write("ASTEXT01", ["1250.00", "-300.25"])

    assert [row["AA"] for row in own.keyed("ASTEXT01")] == [1250, Decimal("-300.25")]


def test_input_carries_the_token_in_its_body_if_need_be(own: Any) -> None:
    """Credentials may be fields of the input."""
    body = own.plan("INBODY01", own.lines([10]))
    body |= {"token": own.token, "deviceName": own.device}
    reply = own.post(f"/v3/orchestrator/{NAME}", body, signed=False)

    assert (reply.status_code, reply.json()["Result"]) == (200, "CREATED")


def test_dead_token_writes_nothing(own: Any) -> None:
    """444 comes before anything is done."""
    good = own.token
    body = own.plan("DEADTOK1", own.lines([10]))
    own.token = "044dead"
    reply = own.run(body)
    own.token = good

    assert reply.status_code == 444
    assert own.keyed("DEADTOK1") == []


def test_call_with_credentials_of_its_own_needs_no_token(own: Any) -> None:
    """Basic credentials on the call itself."""
    before = len(own.sessions())
    path = f"{own.url}/jderest/v3/orchestrator/{NAME}"
    body = own.plan("BASIC001", own.lines([10]))
    reply = own.http.post(path, json=body, auth=("PLNSVC", "halden-password"))

    assert (reply.status_code, reply.json()["Result"]) == (200, "CREATED")
    assert len(own.sessions()) == before


def test_texts_subledger_and_units_reach_the_rows(own: Any) -> None:
    """Explanation and remark as written, accents and quotes too."""
    (line,) = own.lines([10])
    line |= {"Subledger": "00001001", "SubledgerType": "A", "Units": 5, "Remark": 'Über "FC" ñ'}
    body = own.plan("TEXTS001", [line], Explanation="Prévision d'été № 3")
    assert own.run(body).json()["Result"] == "CREATED"
    (row,) = own.keyed("TEXTS001", "EXA EXR SBL SBLT U JELN LT")

    assert (row["EXA"].strip(), row["EXR"].strip()) == ("Prévision d'été № 3", 'Über "FC" ñ')
    assert (row["SBL"].strip(), row["SBLT"], row["U"]) == ("00001001", "A", 5)


def test_account_may_be_named_as_it_is_typed_in(own: Any) -> None:
    """Business unit, object and subsidiary serve where the id is blank."""
    lines = own.lines([10, -20])
    wanted = [line["AccountId"] for line in lines]
    for line in lines:
        line["AccountId"] = ""
    assert own.run(own.plan("TYPED001", lines)).json()["Result"] == "CREATED"

    assert [row["AID"] for row in own.keyed("TYPED001")] == wanted


# Unknown names, names that are nearly right.


@pytest.mark.parametrize("name", ["No Such", "pln_postbudgetjournal"])
@pytest.mark.parametrize("position", [500, 404])
def test_unknown_orchestration_is_answered_as_switched(ais: Any, name: str, position: int) -> None:
    """Names are case-sensitive; by default the status is that of a failed orchestration."""
    ais.turn(unknownOrchestration=position)
    reply = ais.run({}, name=name.replace(" ", "%20"))

    assert reply.status_code == position
    if position == 500:
        assert reply.json()["jde__status"] == "ERROR"


# How the answer is dressed.


@pytest.mark.parametrize("position", ["on", "off"])
def test_elements_of_the_server_are_switched(own: Any, position: str) -> None:
    """Status, message and times of the server come or stay away; the outputs are there."""
    own.turn(jdeElements=position)
    answer = own.write("DRESSED1", [10])

    assert any(name.startswith("jde__") for name in answer) is (position == "on")
    assert answer["LinesWritten"] == 1


@pytest.mark.parametrize(("position", "kind"), [("string", str), ("nested", dict)])
def test_message_of_a_failure_is_text_or_an_object(own: Any, position: str, kind: type) -> None:
    """Either way the failure is 500 with the simple message beside it."""
    own.turn(messageForm=position)
    name = next(
        one["name"] for one in own.send("GET", "/v2/discover").json()["orchestrations"]
        if "fail" in (one["name"] + one["description"]).lower()
    )  # fmt: skip
    reply = own.run(own.plan("FAILING1", own.lines([10])), name=name)
    body = reply.json()

    assert reply.status_code == 500
    assert isinstance(body["message"], kind)
    assert (body["jde__status"], body["status"]) == ("ERROR", "ERROR")
    assert isinstance(body["jde__simpleMessage"], str)
    assert body["timeStamp"]


def test_get_runs_no_orchestration_with_arrays(own: Any) -> None:
    """Query parameters cannot hold lines; nothing is written."""
    params = {"PlanBatchKey": "BYGET001", "Company": "00001"}
    reply = own.send("GET", f"/v3/orchestrator/{NAME}", params=params)

    assert reply.status_code >= 400 or reply.json().get("Result") == "REJECTED"
    assert own.keyed("BYGET001") == []
