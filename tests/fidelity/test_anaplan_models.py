"""People, workspaces, models: headers, states, opening and closing, definitions."""

from typing import Any

import pytest


def test_me_has_the_golden_shape(anaplan: Any) -> None:
    """Id, names, flags and the last login."""
    user = anaplan.http.get("/2/0/users/me").json()["user"]
    assert user["email"] == "integration@halden.example"
    assert user["active"] is True
    assert {"id", "emailOptIn", "firstName", "lastName", "customerId", "lastLoginDate"} < set(user)


def test_workspaces_show_sizes_on_demand(anaplan: Any) -> None:
    """Sizes only with tenantDetails, in any case of true."""
    rows = anaplan.http.get("/2/0/workspaces").json()["workspaces"]
    assert rows[0] == {
        "id": "8a868cd97b120fc7017b36d7331d0001",
        "name": "Halden Finance",
        "active": True,
    }
    rows = anaplan.http.get("/2/0/workspaces?tenantDetails=True").json()["workspaces"]
    assert rows[0]["sizeAllowance"] == 1073741824


def test_workspace_is_404_for_others_than_its_administrators(anaplan: Any) -> None:
    """Even where it is listed."""
    path = "/2/0/workspaces/8a868cd97b120fc7017b36d7331d0001"
    assert anaplan.http.get(path).json()["workspace"]["name"] == "Halden Finance"
    anaplan.act_as("planner@halden.example")
    assert anaplan.http.get(path).status_code == 404
    assert anaplan.http.get("/2/0/workspaces").json()["workspaces"]


def test_administrators_are_for_tenant_administrators(anaplan: Any) -> None:
    """A server error instead of a refusal; user lists are refused."""
    path = "/2/0/workspaces/8a868cd97b120fc7017b36d7331d0001/admins"
    assert anaplan.http.get(path).status_code == 500
    assert anaplan.http.get("/2/0/users").status_code == 403
    anaplan.act_as("tenant.admin@halden.example")
    assert len(anaplan.http.get(path).json()["users"]) == 3
    users = anaplan.http.get("/2/0/users?sort=-email").json()["users"]
    assert users[0]["email"] == "tenant.admin@halden.example"
    assert anaplan.http.get(f"/2/0/users/{users[1]['id']}").json()["user"] == users[1]


def test_models_are_listed_in_all_states(anaplan: Any) -> None:
    """Seven models in two workspaces; archived ones unless they are left out."""
    rows = anaplan.http.get("/2/0/models").json()["models"]
    assert {row["activeState"] for row in rows} == {
        "UNLOCKED",
        "LOCKED",
        "ARCHIVED",
        "MAINTENANCE",
        "PRODUCTION",
    }
    assert len(anaplan.http.get("/2/0/models?archived=false").json()["models"]) == len(rows) - 1
    workspace = anaplan.ids["workspace"]
    rows = anaplan.http.get(f"/2/0/workspaces/{workspace}/models").json()["models"]
    assert [row["name"] for row in rows] == ["Finance Planning"]


def test_model_details_count_the_saves(anaplan: Any) -> None:
    """The serial number rises with every committed task; a running task is told."""
    path = f"/2/0/models/{anaplan.ids['id']}?modelDetails=true"
    before = anaplan.http.get(path).json()["model"]
    assert before["modelTransactionRunning"] is False
    anaplan.upload("currencies.csv", "Code,Name\nUSD,Dollar\n")
    anaplan.start("imports", "Load Currencies")
    assert anaplan.http.get(path).json()["model"]["modelTransactionRunning"] is True
    anaplan.advance(5)
    anaplan.get("/files")
    after = anaplan.http.get(path).json()["model"]
    assert after["lastSavedSerialNumber"] == before["lastSavedSerialNumber"] + 1
    assert after["lastModified"].startswith("2026-11-03T")


@pytest.mark.parametrize(
    ("state", "status"), [("ARCHIVED", 422), ("MAINTENANCE", 424), ("PRODUCTION_MAINTENANCE", 424)]
)
def test_unreachable_model_answers_with_its_own_code(anaplan: Any, state: str, status: int) -> None:
    """Everything inside fails alike; the header is still readable."""
    anaplan.admin("set_model_state", state=state)
    for path in ("/files", "/imports", "/status", "/lists"):
        assert anaplan.get(path).status_code == status
    assert anaplan.post("/imports/112000000001/tasks", {"localeName": "x"}).status_code == status
    assert anaplan.post("/open").status_code == status
    header = anaplan.http.get(f"/2/0/models/{anaplan.ids['id']}").json()["model"]
    assert header["activeState"] == state


def test_locked_model_is_read_only(anaplan: Any) -> None:
    """423 for starts, items, cells and files; reading goes on."""
    anaplan.admin("set_model_state", state="LOCKED")
    assert anaplan.post("/imports/112000000001/tasks", {"localeName": "x"}).status_code == 423
    assert anaplan.post("/lists/101000000001/items?action=add", {"items": []}).status_code == 423
    assert anaplan.post("/modules/102000000001/data", []).status_code == 423
    assert anaplan.post("/files/113000000001", {"chunkCount": 1}).status_code == 423
    assert anaplan.put("/files/113000000001", b"x") == 423
    assert anaplan.get("/lists").status_code == 200


def test_deployed_model_refuses_structural_items(lab: Any) -> None:
    """425 for lists that hold no production data."""
    lab.admin("set_model_state", state="PRODUCTION")
    items = {"items": [{"name": "T", "code": "T"}]}
    assert lab.post("/lists/101000000001/items?action=add", items).status_code == 425
    assert lab.post("/lists/101000000003/items?action=add", items).status_code == 200


def test_status_is_bare_and_names_what_runs(anaplan: Any) -> None:
    """No envelope; idle is Open with progress -1.0; busy names action and user."""
    body = anaplan.get("/status").json()
    assert set(body) == {"requestStatus"}
    status = body["requestStatus"]
    assert (status["currentStep"], status["progress"], status["taskId"]) == ("Open", -1.0, None)
    assert set(status) == {
        "currentStep",
        "progress",
        "creationTime",
        "taskId",
        "tooltip",
        "exportTaskType",
        "peakMemoryUsageEstimate",
        "peakMemoryUsageTime",
    }
    anaplan.start("imports", "Load Entities")
    status = anaplan.get("/status").json()["requestStatus"]
    assert status["currentStep"] == "Processing ..."
    assert status["tooltip"].split("\n") == ["Load Entities", "integration@halden.example"]


def test_closed_model_is_opened_by_the_first_call(anaplan: Any) -> None:
    """Opening takes its time: 202 at once, other calls wait; then it is open."""
    anaplan.switch(model__cold_start_s=45)
    anaplan.admin("set_model_state", closed=True)
    before = anaplan.server.clock.now()
    assert anaplan.get("/imports").status_code == 200
    assert anaplan.server.clock.now() - before >= 45
    assert anaplan.post("/open").status_code == 200
    assert anaplan.post("/close").status_code == 204
    anaplan.switch(busy__virtual_wait="hold", busy__hold_limit_s=0.05)
    assert anaplan.post("/open").status_code == 202
    assert anaplan.get("/status").json()["requestStatus"]["currentStep"] == "Opening"


def test_idle_model_is_unloaded_after_an_hour(anaplan: Any) -> None:
    """The first call of the day pays for the loading."""
    anaplan.switch(model__cold_start_s=45, auth__life_s=100_000)
    anaplan.act_as("integration@halden.example")
    anaplan.get("/imports")
    anaplan.advance(3601)
    before = anaplan.server.clock.now()
    anaplan.get("/imports")
    assert anaplan.server.clock.now() - before >= 45
    anaplan.get("/imports")
    assert anaplan.server.clock.now() - before < 46


def test_model_goes_offline_and_online(anaplan: Any) -> None:
    """Through the life-cycle endpoint; other words are refused."""
    path = f"/2/0/models/{anaplan.ids['id']}/onlineStatus"
    assert anaplan.http.put(path, json={"status": "offline"}).status_code == 204
    assert anaplan.get("/files").status_code == 424
    assert anaplan.http.put(path, json={"status": "online"}).status_code == 204
    assert anaplan.get("/files").status_code == 200
    assert anaplan.http.put(path, json={"status": "asleep"}).status_code == 400


def test_import_metadata_has_the_golden_shape(anaplan: Any) -> None:
    """How the file is read and which headers it must have; unknown ids are 500."""
    meta = anaplan.get("/imports/112000000002").json()["importMetadata"]
    assert meta == {
        "name": "Load Accounts",
        "type": "FILE",
        "source": {
            "textEncoding": "UTF-8",
            "columnSeparator": ",",
            "textDelimiter": '"',
            "headerRow": 1,
            "firstDataRow": 2,
            "decimalSeparator": ".",
            "headerNames": ["Code", "Name", "Parent", "Account Type"],
            "columnCount": 4,
        },
    }
    assert anaplan.get("/imports/112000009999").status_code == 500


def test_exports_actions_and_processes_have_the_golden_rows(anaplan: Any) -> None:
    """Types, formats and layouts; unknown ids are 404."""
    assert anaplan.get("/exports").json()["exports"][0] == {
        "id": "116000000001",
        "name": "Export Actuals",
        "exportType": "TABULAR_MULTI_COLUMN",
        "exportFormat": "text/csv",
        "encoding": "UTF-8",
        "layout": "TABULAR_MULTI_COLUMN",
    }
    assert anaplan.get("/actions").json()["actions"] == [
        {
            "id": "117000000001",
            "name": "Delete Journal Items",
            "actionType": "DELETE_BY_SELECTION",
        }
    ]
    rows = anaplan.get("/processes").json()["processes"]
    assert [row["name"] for row in rows] == ["Append Actuals", "Load Dimensions"]
    process = anaplan.get("/processes/118000000001?showImportDataSource=True").json()
    steps = process["processMetadata"]["actions"]
    assert [(step["id"], step["actionType"]) for step in steps] == [
        ("112000000007", "IMPORT"),
        ("112000000008", "IMPORT"),
    ]
    for path in ("/exports/1", "/actions/1", "/processes/1"):
        assert anaplan.get(path).status_code == 404


def test_optimizer_log_is_for_workspace_administrators(lab: Any) -> None:
    """403 before any id is looked at; the log is plain text."""
    result = lab.run("actions", "Optimise")
    task_id = result["path"].rsplit("/", 1)[1]
    path = "/optimizeActions/117000000003/tasks"
    assert lab.get(f"{path}/{task_id}/solutionLogs").text == "Solution found.\n"
    assert lab.get(f"{path}/{'0' * 32}/solutionLogs").status_code == 404
    lab.act_as("planner@halden.example")
    assert lab.get(f"{path}/{'0' * 32}/solutionLogs").status_code == 403


def test_snapshot_brings_back_a_model(finance: Any) -> None:
    """Lists and cells are as they were; edits behind the back are gone."""
    where = {
        "Entities": "101",
        "Accounts": "4000",
        "Cost Centres": "120",
        "Currencies": "USD",
        "Versions": "Actual",
        "Time": "Oct 26",
    }
    finance.admin("edit_cell", module="Actuals", coordinates=where, value="1.25")
    finance.admin("snapshot", name="before")
    before = finance.cells("Actuals")
    assert list(before.values()) == [1.25]
    finance.admin("edit_cell", module="Actuals", coordinates=where, value="9")
    finance.admin("add_items", list="Entities", items=[{"code": "102", "parent": "HI"}])
    finance.admin("clear_module", module="Actuals")
    assert finance.cells("Actuals") == {}
    finance.admin("restore", name="before")
    assert finance.cells("Actuals") == before
    assert len(finance.admin("read_list", list="Entities")) == 2


def test_reset_brings_back_the_seed(finance: Any) -> None:
    """People, definitions, data, files, tasks and tokens are as on the first day."""
    finance.admin("remove_import", **{"import": "Load Actuals"})
    finance.control("POST", "reset")
    assert finance.http.get("/2/0/users/me").status_code == 401
    finance.act_as("integration@halden.example")
    names = [one["name"] for one in finance.get("/imports").json()["imports"]]
    assert names == list(finance.ids["imports"])
    assert finance.admin("read_list", list="Entities") == []
    assert finance.get("/files/113000000001").status_code == 404
    assert "tasks" not in finance.get("/imports/112000000001/tasks").json()
