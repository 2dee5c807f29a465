"""Orchestrations: discovery, both input formats, write-back, duplicates, refusals."""

from decimal import Decimal
from typing import Any

import pytest

NAME = "PLN_PostBudgetJournal"
Row = dict[str, Any]


def is_refused(ais: Any, reply: Any) -> bool:
    """The answer says that nothing was created."""
    body = reply.json()
    if reply.status_code == 200:
        return bool(body.get("Result") == "REJECTED")
    assert reply.status_code in {400, 500}, reply.text
    return bool(reply.status_code == 400 or body["jde__status"] == "ERROR")


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


@pytest.mark.parametrize("version", ["v3", "v2"])
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
    own.turn(input_format=input_format)
    (told,) = own.send("GET", f"/v2/discover/{NAME}").json()["orchestrations"]
    generic = own.plan("FORMAT01", own.lines([1250, -300.5]))
    bodies = {"Generic": generic, "JDE Standard": standard(generic)}
    (wrong,) = [body for name, body in bodies.items() if name != input_format]

    assert told["inputFormat"] == input_format
    assert is_refused(own, own.run(wrong))
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


# Unknown names, names that are nearly right.


@pytest.mark.parametrize("name", ["No Such", "pln_postbudgetjournal"])
@pytest.mark.parametrize("position", ["500", "404"])
def test_unknown_orchestration_is_answered_as_switched(ais: Any, name: str, position: str) -> None:
    """Names are case-sensitive; by default the status is that of a failed orchestration."""
    ais.turn(unknown_orchestration=position)
    reply = ais.run({}, name=name.replace(" ", "%20"))

    assert reply.status_code == int(position)
    if position == "500":
        assert reply.json()["jde__status"] == "ERROR"


# Refusals of the books.


@pytest.mark.parametrize("key", ["", "SHORT", "TOOLONG99", "low case"])
def test_key_that_does_not_fit_is_refused(own: Any, key: str) -> None:
    """Eight capitals or digits, nothing else."""
    reply = own.run(own.plan(key, own.lines([10])))

    assert is_refused(own, reply)


@pytest.mark.parametrize("name", ["PlanBatchKey", "Company", "GLDate", "Lines"])
def test_missing_input_is_refused(own: Any, name: str) -> None:
    """Nothing is guessed."""
    body = own.plan("MISSING1", own.lines([10]))
    del body[name]

    assert is_refused(own, own.run(body))
    assert own.keyed("MISSING1") == []


def refused(own: Any, key: str, **change: Any) -> bool:
    """The journal was refused and left no row."""
    lines = change.pop("lines", None) or own.lines([10])
    reply = own.run(own.plan(key, lines, **change))
    if not is_refused(own, reply):
        return False
    answer = reply.json()
    assert answer.get("Messages") or answer.get("jde__simpleMessage"), reply.text
    assert own.keyed(key) == []
    return True


@pytest.mark.parametrize("posting_edit", ["N", "I"])
def test_account_that_takes_no_postings_is_refused(own: Any, posting_edit: str) -> None:
    """Headers and inactive accounts."""
    account = own.accounts(posting_edit=posting_edit)[0]

    assert refused(own, "REFUSED1", lines=own.lines([10], accounts=[account]))


def test_unknown_account_is_refused_with_all_its_journal(own: Any) -> None:
    """One wrong line among good ones; none is written."""
    lines = own.lines([10, 20, -30])
    lines[1] |= {"Account": "999.9999", "AccountId": "99999999"}

    assert refused(own, "REFUSED2", lines=lines)


def test_budget_account_takes_budgets_and_no_actuals(own: Any) -> None:
    """Posting edit B."""
    account = own.accounts(posting_edit="B")[0]
    lines = own.lines([10, -10], accounts=[account])

    assert refused(own, "BUDGET01", lines=lines, LedgerType="AA", DocumentType="JE")
    assert own.run(own.plan("BUDGET02", lines)).json()["Result"] == "CREATED"


def test_actuals_must_balance_and_budgets_need_not(own: Any) -> None:
    """The end of a document tells."""
    uneven, even = own.lines([10, -9]), own.lines([10, -10])

    assert refused(own, "BALANCE1", lines=uneven, LedgerType="AA", DocumentType="JE")
    body = own.plan("BALANCE2", even, LedgerType="AA", DocumentType="JE")
    assert own.run(body).json()["Result"] == "CREATED"
    assert own.run(own.plan("BALANCE3", uneven)).json()["Result"] == "CREATED"


def test_prior_fiscal_year_is_closed(own: Any) -> None:
    """A GL date of last year is an error, not a warning."""
    assert refused(own, "PERIOD01", GLDate="2025-12-31")


def test_future_period_is_a_warning_and_is_written(own: Any) -> None:
    """After cut-off: the journal stands, its period is that of its date."""
    reply = own.run(own.plan("PERIOD02", own.lines([10]), GLDate="2027-03-31"))
    answer = reply.json()

    assert (reply.status_code, answer["Result"]) == (200, "CREATED")
    assert answer["jde__status"] in {"WARNING", "SUCCESS"}
    assert [(row["FY"], row["PN"]) for row in own.keyed("PERIOD02")] == [(27, 3)]


def test_period_after_the_current_one_is_told(own: Any) -> None:
    """A step's warnings come with HTTP 200 and code and title each."""
    answer = own.run(own.plan("PERIOD03", own.lines([10]), GLDate="2026-12-31")).json()
    golden = [{"Warnings": [{"CODE": "0066", "TITLE": "Period After Current Open Period",
                             "DESC": "..."}], "Errors": []}]  # fmt: skip

    assert (answer["Result"], answer["jde__status"]) == ("CREATED", "WARNING")
    assert own.misfits(answer["Errors/Warnings"], golden) == []
    assert answer["Errors/Warnings"][0]["Warnings"]


def test_ledger_closed_to_journals_is_refused(own: Any) -> None:
    """The flag of the ledger master says which."""
    flagged = own.browse("F0025", "LT FCJE", own.when("FCJE", "EQUAL", "Y")) or own.browse(
        "F0025", "LT FCJE", own.when("FCJE", "EQUAL", "1")
    )

    assert flagged
    for row in flagged:
        assert refused(own, "LEDGER01", LedgerType=row["LT"].strip(), lines=own.lines([10, -10]))


@pytest.mark.parametrize("ledger_type", ["CA", "XA", "YA", "ZA", "QQ"])
def test_ledger_that_is_no_place_for_a_budget_is_refused(own: Any, ledger_type: str) -> None:
    """Foreign, alternate currency and unknown ledgers."""
    assert refused(own, "LEDGER02", LedgerType=ledger_type, lines=own.lines([10, -10]))


def test_unknown_company_is_refused(own: Any) -> None:
    """A company that is not in the master."""
    assert refused(own, "COMPANY1", Company="00999")


def test_foreign_journal_is_written_in_both_ledgers(own: Any) -> None:
    """The amounts sent are the foreign ones; the domestic ones are derived and balance."""
    lines = own.lines([1000, -400, -600])
    body = own.plan("FOREIGN1", lines, LedgerType="AA", DocumentType="JE", CurrencyCode="EUR")
    answer = own.run(body).json()
    rows = own.keyed("FOREIGN1")
    base = [row for row in rows if row["LT"].strip() == "AA"]
    foreign = [row for row in rows if row["LT"].strip() == "CA"]

    assert answer["Result"] == "CREATED"
    assert [row["AA"] for row in foreign] == [1000, -400, -600]
    assert [row["JELN"] for row in base] == [row["JELN"] for row in foreign]
    assert {row["CRCD"] for row in rows} == {"EUR"}
    assert sum(row["AA"] for row in base) == 0
    assert [row["AA"] for row in base] != [row["AA"] for row in foreign]
    assert all((one["AA"] > 0) is (two["AA"] > 0) for one, two in zip(base, foreign, strict=True))


@pytest.mark.parametrize("position", ["round", "reject"])
@pytest.mark.parametrize(
    ("company", "currency", "amounts", "rounded"),
    [("00001", "USD", ["100.005", "-0.014"], [Decimal("100.01"), Decimal("-0.01")]),
     ("00200", "JPY", ["100.5", "20.4"], [101, 20]),
     ("00300", "KWD", ["1.2345", "7.0004"], [Decimal("1.235"), 7])],
)  # fmt: skip
def test_amount_with_too_many_decimals_is_rounded_half_up_or_refused(
    own: Any, position: str, company: str, currency: str, amounts: list[str], rounded: list[Any]
) -> None:
    """By the decimals of the currency: two, none, three."""
    own.turn(excess_decimals=position)
    free = [a for a in own.accounts(company) if "4000" <= a["OBJ"].strip() < "9000"]
    lines = own.lines(amounts, accounts=free)
    more = {"Company": company, "CurrencyCode": currency}

    if position == "reject":
        assert refused(own, "DECIMAL1", lines=lines, **more)
    else:
        assert own.run(own.plan("DECIMAL2", lines, **more)).json()["Result"] == "CREATED"
        assert [row["AA"] for row in own.keyed("DECIMAL2")] == rounded


# How the answer is dressed.


@pytest.mark.parametrize("position", ["on", "off"])
def test_elements_of_the_server_are_switched(own: Any, position: str) -> None:
    """Status, message and times of the server come or stay away; the outputs are there."""
    own.turn(jde_elements=position)
    answer = own.write("DRESSED1", [10])

    assert any(name.startswith("jde__") for name in answer) is (position == "on")
    assert answer["LinesWritten"] == 1


@pytest.mark.parametrize(("position", "kind"), [("string", str), ("nested", dict)])
def test_message_of_a_failure_is_text_or_an_object(own: Any, position: str, kind: type) -> None:
    """Either way the failure is 500 with the simple message beside it."""
    own.turn(message_shape=position)
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
