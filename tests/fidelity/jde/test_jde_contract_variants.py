"""Variants of the write orchestration, reports, and the books when they are treated badly."""

from typing import Any

import httpx2
import pytest

NAME = "PLN_PostBudgetJournal"
Row = dict[str, Any]


def variant(own: Any, *words: str) -> str:
    """The orchestration whose name or description has one of the words."""
    listed = own.send("GET", "/v2/discover").json()["orchestrations"]
    texts = {one["name"]: f"{one['name']} {one['description']}".lower() for one in listed}
    return str(next(n for n, text in texts.items() if any(word in text for word in words)))


def batch_row(own: Any, batch: int, columns: str = "IST IAPP AME DOCN UPMJ UPMT") -> Row:
    """The header of a batch of type G."""
    where = [own.when("ICUT", "EQUAL", "G"), own.when("ICU", "EQUAL", batch)]
    (row,) = own.browse("F0011", columns, *where)
    return {n: v.strip() if isinstance(v, str) else v for n, v in row.items()}


# Variants of the orchestration.


def test_outputs_that_nobody_named_come_as_raw_steps(own: Any) -> None:
    """The form of the journal entry and the read-back; the rows are written all the same."""
    reply = own.run(own.plan("RAWKEY01", own.lines([10])), name=variant(own, "raw", "not named"))
    answer = reply.json()
    forms = [value for value in answer.values() if isinstance(value, dict) and "forms" in value]

    assert reply.status_code == 200
    assert "Result" not in answer
    assert any(key.startswith("fs_P0911") for form in forms for one in form["forms"] for key in one)
    assert answer["jde__status"] == "SUCCESS"
    assert len(own.keyed("RAWKEY01")) == 1


def test_import_file_keeps_what_was_brought_in(own: Any) -> None:
    """One processed line per line of the plan, under its key, with its amount."""
    name = variant(own, "z1", "batch file")
    answer = own.run(own.plan("IMPORT01", own.lines([10, 20.5, -30])), name=name).json()
    rows = own.browse(
        "F0911Z1", "EDUS EDBT EDTN EDLN EDSP AA ICU DOC", own.when("EDBT", "EQUAL", "IMPORT01")
    )
    rows.sort(key=lambda row: str(row["EDLN"]))

    assert answer["Result"] == "CREATED"
    assert [row["EDSP"].strip() for row in rows] == ["1", "1", "1"]
    assert len({(row["EDUS"], row["EDBT"], row["EDTN"], row["EDLN"]) for row in rows}) == 3
    assert [str(row["AA"]) for row in rows] == ["10", "20.5", "-30"]
    assert len(own.keyed("IMPORT01")) == 3


def test_import_file_refuses_what_it_holds_already(own: Any) -> None:
    """The key of the file is the barrier: the second call adds no row anywhere."""
    name = variant(own, "z1", "batch file")
    body = own.plan("IMPORT02", own.lines([10, 20]))
    own.run(body, name=name)
    again = own.run(body, name=name)

    assert again.status_code == 500 or again.json()["Result"] != "CREATED"
    assert len(own.keyed("IMPORT02")) == 2
    assert own.count("F0911Z1", own.when("EDBT", "EQUAL", "IMPORT02")) == 2


def test_orchestration_may_take_longer_than_its_caller(own: Any) -> None:
    """10: it has written before it lingers."""
    own.turn(orchestrationDelayS=3600)
    path = f"{own.url}/jderest/v3/orchestrator/{variant(own, 'delay', 'time')}"
    body = own.plan("LINGER01", own.lines([10]))
    with pytest.raises(httpx2.ReadTimeout):
        own.http.post(path, json=body, headers=own.headers(), timeout=0.2)

    assert len(own.await_keyed("LINGER01")) == 1


def test_half_of_the_lines_may_be_written(own: Any) -> None:
    """11: fewer rows than were sent, under the key, whatever the answer says."""
    own.turn(orchestrationBehaviour="half")
    reply = own.run(own.plan("HALF0001", own.lines([10, 20, 30, 40])))
    written = own.keyed("HALF0001")

    assert reply.status_code in {200, 500}
    assert 0 < len(written) < 4


def test_same_key_may_stand_in_two_batches(own: Any) -> None:
    """12: an orchestration without the check writes twice."""
    own.turn(orchestrationBehaviour="unchecked")
    for _ in range(2):
        assert own.run(own.plan("UNCHECK1", own.lines([10]))).status_code == 200
    rows = own.keyed("UNCHECK1")

    assert len(rows) == 2
    assert len({row["ICU"] for row in rows}) == 2


@pytest.mark.parametrize("position", ["result", "500"])
def test_refusal_is_a_result_or_a_failure(own: Any, position: str) -> None:
    """Both ways nothing is written and the reason is told."""
    own.turn(rejectedAs=position)
    reply = own.run(own.plan("REJECTED", own.lines([10]), Company="00999"))
    answer = reply.json()

    if position == "result":
        assert (reply.status_code, answer["Result"]) == (200, "REJECTED")
        assert answer["Messages"]
    else:
        assert (reply.status_code, answer["jde__status"]) == (500, "ERROR")
        assert answer["jde__simpleMessage"]
    assert own.keyed("REJECTED") == []


def test_orchestration_the_user_may_not_see_is_forbidden(own: Any) -> None:
    """Not shown and not run."""
    own.turn(deniedOrchestrations=[NAME])
    listed = own.send("GET", "/v2/discover").json()["orchestrations"]

    assert NAME not in {one["name"] for one in listed}
    assert own.run(own.plan("DENIED01", own.lines([10]))).status_code == 403
    assert own.keyed("DENIED01") == []


# The state of batches.


def test_approval_changes_the_header_and_no_audit_column(own: Any) -> None:
    """Status and approval A, date of update still blank."""
    batch = own.write("APPROVE1", [10])["BatchNumber"]
    own.do("approve_batch", batch=f"G-{batch}")
    row = batch_row(own, batch)

    assert (row["IST"], row["IAPP"], row["DOCN"]) == ("A", "A", 1)
    assert (row["UPMJ"], row["UPMT"]) == (None, 0)


@pytest.mark.parametrize("status", ["U", "P"])
def test_batch_in_use_is_not_posted(own: Any, status: str) -> None:
    """13: while the header says so, a post is refused and rows stay unposted."""
    batch = own.write("INUSE001", [10])["BatchNumber"]
    own.do("set_batch_status", batch=f"G-{batch}", status=status)
    own.http.post(f"{own.url}/__sandbox/post_batch", json={"batch": f"G-{batch}"})

    assert batch_row(own, batch)["IST"] == status
    assert {row["POST"] for row in own.keyed("INUSE001")} == {" "}


def test_redated_document_is_another_row(own: Any) -> None:
    """The GL date is part of the key, and the period follows it."""
    answer = own.write("REDATED1", [10])
    own.do("redate_document", document=f"00001-BX-{answer['DocumentNumber']}", gl_date="2026-12-31")

    assert [(row["DGJ"], row["PN"]) for row in own.keyed("REDATED1")] == [("20261231", 12)]


@pytest.mark.parametrize("setting", ["warn", "error"])
def test_period_before_the_current_one_is_as_the_company_says(own: Any, setting: str) -> None:
    """A warning by one setting, an error by the other."""
    own.do("set_prior_period", company="00001", setting=setting)
    reply = own.run(own.plan("BEFORE01", own.lines([10]), GLDate="2026-10-15"))
    answer = reply.json()

    if setting == "warn":
        assert (answer["Result"], answer["jde__status"]) == ("CREATED", "WARNING")
        assert [(row["FY"], row["PN"]) for row in own.keyed("BEFORE01")] == [(26, 10)]
    else:
        assert answer.get("Result") != "CREATED"
        assert own.keyed("BEFORE01") == []


def test_uploaded_budget_stands_in_the_balances_alone(own: Any) -> None:
    """F0902 has it, F0911 has no row of it."""
    account = own.accounts("00200")[-1]["AID"]
    where = [own.when("AID", "EQUAL", account), own.when("LT", "EQUAL", "BA")]
    rows = own.count("F0911")
    own.do("upload_budget", aid=account, year=2027, amounts={"1": "1500", "12": "-20"})
    found = own.browse("F0902", "FY AN01 AN02 AN12", *where, own.when("FY", "EQUAL", "27"))

    assert [(r["FY"], r["AN01"], r["AN02"], r["AN12"]) for r in found] == [(27, 1500, 0, -20)]
    assert own.count("F0911") == rows


def test_journal_of_the_stage_is_seen_on_the_wire(own: Any) -> None:
    """What was entered behind the stage balances and carries today's stamp."""
    one, two = [a["AID"] for a in own.accounts() if "4000" <= a["OBJ"].strip() < "9000"][:2]
    counts = own.count("F0911")
    lines = [{"account_id": one, "amount": "77.77"}, {"account_id": two, "amount": "-77.77"}]
    own.do("create_journal", company="00001", gl_date="2026-11-03", lines=lines)
    where = [own.when("AID", "LIST", one, two), own.when("AA", "LIST", "77.77", "-77.77")]
    rows = own.browse("F0911", "AID AA POST UPMJ DGJ LT", *where)

    assert own.count("F0911") == counts + 2
    assert {(row["AID"], str(row["AA"])) for row in rows} == {(one, "77.77"), (two, "-77.77")}
    assert {(r["POST"], r["UPMJ"], r["DGJ"]) for r in rows} == {(" ", "20261103", "20261103")}


# Reports.


def post_report(own: Any, batch: int) -> Any:
    """The answer to a submission of the post."""
    criterion = {
        "subject": {"view": "V0011", "dictItem": "ICU", "table": "F0011"},
        "predicate": {"literalType": "SINGLE", "values": [str(batch)]},
        "comparisonType": "EQUAL",
    }
    body = {"reportName": "R09801", "reportVersion": "PLN0001", "fireAndForget": True,
            "queueName": "QBATCH", "dataSelection": {"criteria": [criterion]}}  # fmt: skip
    reply = own.post("/v2/report/execute", body)
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.mark.parametrize("run_s", [0, 90])
def test_report_posts_the_batch_it_selects(own: Any, run_s: int) -> None:
    """Waiting or processing first where it takes its time, done at the end."""
    own.turn(reportRunS=run_s)
    batch = own.write("REPORT01", [10, -20])["BatchNumber"]
    other = own.write("REPORT02", [10])["BatchNumber"]
    submitted = post_report(own, batch)
    golden = {"reportName": "R09801", "reportVersion": "PLN0001", "jobNumber": 40211,
              "executionServer": "ent01", "jobStatus": "P", "queueName": "QBATCH",
              "user": "PLNSVC", "environment": "JPY920"}  # fmt: skip
    if run_s:
        assert submitted["jobStatus"] in {"W", "P"}
        assert {row["POST"] for row in own.keyed("REPORT01")} == {" "}
    own.advance(seconds=run_s + 1)
    job = {"jobNumber": submitted["jobNumber"], "executionServer": submitted["executionServer"]}
    done = own.post("/v2/report/status", job).json()

    assert own.misfits(submitted, golden) == []
    assert (done["jobNumber"], done["jobStatus"]) == (submitted["jobNumber"], "D")
    assert batch_row(own, batch)["IST"] == "D"
    assert {row["POST"] for row in own.keyed("REPORT01")} == {"P"}
    assert batch_row(own, other)["IST"] != "D"


def test_report_on_a_batch_that_is_not_there_ends_in_error(own: Any) -> None:
    """The job is accepted, its status says E."""
    job = post_report(own, 99999999)

    assert job["jobStatus"] in {"W", "P", "E"}
    assert (
        own.post("/v2/report/status", {"jobNumber": job["jobNumber"]}).json()["jobStatus"] in "WPE"
    )


# Sums of other currencies.


@pytest.mark.parametrize(
    ("company", "factor"), [("00200", "0.01"), ("00300", "10"), ("00001", "1")]
)
def test_sums_use_the_decimals_of_the_dictionary(
    ais: Any, ledger: list[Row], company: str, factor: str
) -> None:
    """Two, whatever the currency: yen come a hundredth, dinars tenfold."""
    where = [ais.when("CO", "EQUAL", company), ais.when("LT", "EQUAL", "AA"),
             ais.when("AA", "GREATER", "0")]  # fmt: skip
    (output,) = ais.aggregate("F0911", "SUM:AA", "", *where)
    browsed = sum(
        row["AA"] for row in ledger
        if row["CO"] == company and row["LT"].strip() == "AA" and row["AA"] > 0
    )  # fmt: skip

    assert browsed > 0
    assert output["AA_SUM"] == ais.loads(f"[{factor}]")[0] * browsed


def test_sums_may_use_the_decimals_of_the_currency(ais: Any, ledger: list[Row]) -> None:
    """By the switch; then sum and rows agree."""
    ais.turn(aggregationDecimals="currency")
    where = [ais.when("CO", "EQUAL", "00200"), ais.when("LT", "EQUAL", "AA"),
             ais.when("AA", "GREATER", "0")]  # fmt: skip
    (output,) = ais.aggregate("F0911", "SUM:AA", "", *where)

    assert output["AA_SUM"] == sum(
        row["AA"] for row in ledger
        if row["CO"] == "00200" and row["LT"].strip() == "AA" and row["AA"] > 0
    )  # fmt: skip
