"""The orchestrator and the reports of the JDE server over a small company."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.jde.server import JdeServer, build_jde_server

NAME = "PLN_PostBudgetJournal"
USER = ("PLNSVC", "halden-password")


class Desk:
    """Calls orchestrations of one server, and looks at what they wrote."""

    def __init__(self, server: JdeServer, http: httpx2.Client) -> None:
        self.server = server
        self.http = http
        sql = "SELECT AID FROM F0901 WHERE CO = '00001' AND PEC = '' AND OBJ > '5' LIMIT 3"
        self.accounts = [row[0] for row in server.store.query(sql)]

    def body(self, key: str, **more: Any) -> dict[str, Any]:
        """A call that enters three lines."""
        lines = [
            {"LineNumber": at, "AccountId": account, "Amount": 100.25 * at, "Remark": "plan"}
            for at, account in enumerate(self.accounts, 1)
        ]
        return {
            "PlanBatchKey": key, "Company": "1", "LedgerType": "BA", "GLDate": "2026-11-30",
            "Explanation": "FY26", "CurrencyCode": "USD", "Lines": lines, "ExpectedLines": 3,
            "ExpectedDebits": "601.5", **more,
        }  # fmt: skip

    def run(self, body: Any, name: str = NAME, version: str = "/v3", **more: Any) -> Any:
        """The answer of an orchestration."""
        return self.http.post(f"/jderest{version}/orchestrator/{name}", json=body, **more)

    def rows(self, key: str) -> list[tuple[Any, ...]]:
        """What stands in the ledger under a key: batch, amount, posting code."""
        sql = "SELECT ICU, AA, POST FROM F0911 WHERE R2 = ? ORDER BY ICU, JELN"
        return self.server.store.query(sql, (key,))

    def report(self, path: str, **body: Any) -> Any:
        """The answer of the report service."""
        return self.http.post(f"/jderest/v2/report/{path}", json=body)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A server of a small company and a stateless client."""
    server = build_jde_server(tmp_path, SandboxClock(tmp_path, virtual=True), lines=300)
    url = server.start()
    with httpx2.Client(base_url=url, auth=USER, timeout=30, verify=False) as http:
        yield Desk(server, http)
    server.stop()


@pytest.mark.parametrize("version", ["", "/v2", "/v3"])
@pytest.mark.parametrize("name", [NAME, NAME + "Z1"])
def test_journal_is_entered_once(desk: Desk, version: str, name: str) -> None:
    """The second call of a key tells the numbers of the first and writes nothing."""
    first = desk.run(desk.body("KEY00001"), name, version).json()
    second = desk.run(desk.body("KEY00001"), name, version).json()
    assert (first["Result"], second["Result"]) == ("CREATED", "DUPLICATE")
    numbers = {"BatchNumber", "DocumentNumber", "LinesWritten"}
    assert {one: first[one] for one in numbers} == {one: second[one] for one in numbers}
    assert desk.rows("KEY00001") == [
        (first["BatchNumber"], raw, "") for raw in (10025, 20050, 30075)
    ]


def test_batch_file_keeps_what_it_was_given(desk: Desk) -> None:
    """Its lines are processed and name the batch; a key that stands there writes nothing."""
    told = desk.run(desk.body("KEY00002"), NAME + "Z1").json()
    sql = "SELECT EDSP, ICU FROM F0911Z1 WHERE EDBT = 'KEY00002'"
    assert desk.server.store.query(sql) == [("1", told["BatchNumber"])] * 3
    desk.server.store.execute("DELETE FROM F0911 WHERE R2 = 'KEY00002'")
    assert desk.run(desk.body("KEY00002"), NAME + "Z1").json()["Result"] == "DUPLICATE"
    assert desk.rows("KEY00002") == []


def test_standard_format_enters_the_same(desk: Desk) -> None:
    """Inputs as name and value; the generic form is then not understood, and the reverse."""
    body = desk.body("KEY00003")
    lines = body.pop("Lines")

    def named(values: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"name": name, "value": value} for name, value in values.items()]

    rows = [{"inputs": named(line)} for line in lines]
    standard = {
        "inputs": named(body),
        "detailInputs": [{"name": "Lines", "repeatingInputs": rows}],
    }
    assert desk.run(standard).status_code == 500
    desk.server.switches.turn({"inputFormat": "JDE Standard"})
    assert desk.run(standard).json()["Result"] == "CREATED"
    assert desk.run(desk.body("KEY00004")).status_code == 500
    assert len(desk.rows("KEY00003")) == 3


@pytest.mark.parametrize(
    ("behaviour", "status", "written"),
    [("plain", 200, 3), ("raw", 200, 3), ("fails", 500, 3), ("half", 500, 1), ("delays", 200, 3)],
)
def test_journal_may_go_every_way(desk: Desk, behaviour: str, status: int, written: int) -> None:
    """The switch lets the plain name behave as its variants; a status proves nothing written."""
    desk.server.switches.turn({"orchestrationBehaviour": behaviour, "orchestrationDelayS": 0})
    reply = desk.run(desk.body("KEY00005"))
    assert reply.status_code == status
    assert len(desk.rows("KEY00005")) == written
    assert ("ServiceRequest1" in reply.json()) is (behaviour == "raw")


def test_unchecked_variant_enters_twice(desk: Desk) -> None:
    """Two batches stand under one key."""
    batches = {desk.run(desk.body("KEY00006"), NAME + "Unchecked").json()["BatchNumber"]
               for _ in range(2)}  # fmt: skip
    assert {row[0] for row in desk.rows("KEY00006")} == batches
    assert len(batches) == 2


@pytest.mark.parametrize(
    "wrong",
    [{"PlanBatchKey": "short"}, {"ExpectedLines": 4}, {"ExpectedDebits": 1}, {"LedgerType": "CA"},
     {"Company": "09999"}, {"Lines": [{"Account": "no.such", "Amount": 1}], "ExpectedLines": 1,
                            "ExpectedDebits": 1}],
)  # fmt: skip
def test_journal_that_breaks_a_rule_is_rejected(desk: Desk, wrong: dict[str, Any]) -> None:
    """Nothing is written, and the reason is told: as a result, or as a failure by switch."""
    key = wrong.get("PlanBatchKey", "KEY00007")
    told = desk.run({**desk.body("KEY00007"), **wrong}).json()
    assert (told["Result"], told["LinesWritten"]) == ("REJECTED", 0)
    assert told["Messages"]
    desk.server.switches.turn({"rejectedAs": "500"})
    assert desk.run({**desk.body("KEY00007"), **wrong}).json()["jde__status"] == "ERROR"
    assert desk.rows(key) == []


@pytest.mark.parametrize(
    "wrong",
    [{"GLDate": "30/11/2026"}, {"GLDate": ""}, {"Lines": "none"}, {"Lines": [1]},
     {"ExpectedLines": "three"}, {"Company": {"no": 1}},
     {"Lines": [{"AccountId": "1", "Amount": True}]}],
)  # fmt: skip
def test_input_of_another_type_fails(desk: Desk, wrong: dict[str, Any]) -> None:
    """The status is 500 and the message a string, or nested by switch."""
    reply = desk.run({**desk.body("KEY00008"), **wrong})
    assert reply.status_code == 500
    assert isinstance(reply.json()["message"], str)
    desk.server.switches.turn({"messageForm": "nested"})
    assert isinstance(desk.run({**desk.body("KEY00008"), **wrong}).json()["message"], dict)
    assert desk.rows("KEY00008") == []


def test_calls_that_reach_no_orchestration(desk: Desk) -> None:
    """Unknown, not allowed, not acceptable, not JSON, and without credentials."""
    assert desk.run({}, "Nobody").status_code == 500
    desk.server.switches.turn({"unknownOrchestration": 404, "deniedOrchestrations": [NAME]})
    assert desk.run({}, "Nobody").status_code == 404
    assert desk.run(desk.body("KEY00009")).status_code == 403
    accepts_xml = {"Accept": "application/xml"}
    assert desk.run(desk.body("KEY00009"), headers=accepts_xml).status_code == 406
    path, kind = f"/jderest/v3/orchestrator/{NAME}", {"Content-Type": "application/json"}
    assert desk.http.post(path, content=b"[1]", headers=kind).status_code == 400
    assert httpx2.post(desk.server.url + path, json={}, verify=False).status_code == 403
    assert desk.http.get(path, params={"PlanBatchKey": "KEY00009"}).status_code == 403
    assert desk.rows("KEY00009") == []


def test_elements_of_the_product_can_be_switched_off(desk: Desk) -> None:
    """Then the answer holds the outputs alone."""
    assert desk.run(desk.body("KEY00010")).json()["jde__status"] == "SUCCESS"
    desk.server.switches.turn({"jdeElements": "off"})
    told = desk.run(desk.body("KEY00010")).json()
    assert not [key for key in told if key.startswith("jde__")]


def test_late_date_is_a_warning(desk: Desk) -> None:
    """The journal is entered all the same."""
    told = desk.run(desk.body("KEY00011", GLDate="2027-06-30")).json()
    assert (told["Result"], told["jde__status"]) == ("CREATED", "WARNING")
    assert told["Errors/Warnings"][0]["Warnings"]


def test_discovery_tells_of_what_the_user_may_run(desk: Desk) -> None:
    """All of them, one by name, none that is denied; the catalogues likewise."""
    desk.server.switches.turn({"deniedOrchestrations": [NAME + "Raw"]})

    def names(path: str) -> list[str]:
        found = desk.http.get(f"/jderest/v2/discover{path}").json()["orchestrations"]
        return [one["name"] for one in found]

    assert NAME in names("")
    assert NAME + "Raw" not in names("")
    assert names(f"/{NAME}") == [NAME]
    assert names("/Nobody") == []
    for path, mark in (("open-api-catalog", "swagger"), ("open-api-catalog3", "openapi")):
        told = desk.http.get(f"/jderest/v3/{path}/{NAME}").json()
        assert mark in told
        assert list(told["paths"]) == [f"/v3/orchestrator/{NAME}"]


def test_post_report_waits_runs_and_posts(desk: Desk) -> None:
    """The batch is posted once the job's time has come; a second job for it ends in error."""
    desk.server.switches.turn({"reportRunS": 60})
    number = desk.run(desk.body("KEY00012")).json()["BatchNumber"]
    criterion = {"subject": {"dictItem": "ICU"}, "predicate": {"values": [str(number)]}}
    asked = {"reportName": "R09801", "dataSelection": {"criteria": [criterion]}}
    job = desk.report("execute", **asked).json()["jobNumber"]
    states = []
    for _ in range(3):
        states.append(desk.report("status", jobNumber=job).json()["jobStatus"])
        desk.server.clock.advance(35)
    assert states == ["W", "P", "D"]
    assert {row[2] for row in desk.rows("KEY00012")} == {"P"}
    desk.server.switches.turn({"reportRunS": 0})
    assert desk.report("execute", **asked).json()["jobStatus"] == "E"


def test_reports_that_are_not_there_fail(desk: Desk) -> None:
    """Unknown report, unknown job."""
    assert desk.report("execute", reportName="R31415").status_code == 500
    assert desk.report("status", jobNumber=1).status_code == 500


def test_users_and_roles_read_as_another_clients_wants(desk: Desk) -> None:
    """The tables an identity client walks through, with blank groups for people."""
    body = {
        "targetName": "F0092", "targetType": "table", "dataServiceType": "BROWSE",
        "findOnEntry": "true", "returnControlIDs": "F0092.USER|F0092.UGRP",
        "query": {"autoFind": True, "condition": [{
            "controlId": "F0092.UGRP", "operator": "EQUAL",
            "value": [{"content": "", "specialValueId": "LITERAL"}]}]},
    }  # fmt: skip
    grid = desk.http.post("/jderest/v2/dataservice", json=body).json()["fs_DATABROWSE_F0092"]
    users = {row["F0092_USER"] for row in grid["data"]["gridData"]["rowset"]}
    assert users == {"PLNSVC", "DMEUSER", "LIMITED"}
