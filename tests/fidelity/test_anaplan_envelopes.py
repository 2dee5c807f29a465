"""Envelopes, paging, sorting, errors, masking: what every endpoint shares."""

import json
import re
from typing import Any

import pytest

DEFAULTS = {
    "auth.create_status": 201,
    "auth.refresh": "same-value",
    "auth.cert_format": "both",
    "auth.life_s": 2100,
    "paging.next_quirk": "on",
    "paging.max_page": 5000,
    "empty.omit_key": "on",
    "task.post_shape": "nested+state",
    "task.optional_fields": "all",
    "task.values_order": "canonical",
    "task.retention_h": 48,
    "busy.mode": "queue",
    "busy.files_block": "on",
    "process.false_on_ignored": "off",
    "process.continue_after_failure": "off",
    "import.true_on_partial": "on",
    "complete.mode": "ok",
    "files.stale_count": "on",
    "files.admin_default": "empty-200",
    "export.newline": "LF",
    "export.bom": "off",
    "export.bool": "true/false",
    "export.date": "ISO",
    "chunk.cut": "mid-row",
    "error.body": "JSON",
    "model.cold_start_s": 0,
    "limits.count_auth": "off",
}


def test_collection_has_the_golden_envelope(anaplan: Any) -> None:
    """Meta with schema and paging, a status object, the key, ids as strings."""
    body = anaplan.get("/imports").json()
    assert set(body) == {"meta", "status", "imports"}
    assert body["status"] == {"code": 200, "message": "Success"}
    model = anaplan.ids["id"]
    assert body["meta"]["schema"] == f"https://api.anaplan.com/2/0/models/{model}/objects/import"
    paging = body["meta"]["paging"]
    count = len(anaplan.ids["imports"])
    assert (paging["currentPageSize"], paging["offset"], paging["totalSize"]) == (count, 0, count)
    assert body["imports"][0] == {
        "id": "112000000001",
        "name": "Load Entities",
        "importDataSourceId": "113000000001",
        "importType": "HIERARCHY_DATA",
    }


def test_next_is_a_trap_without_limit(anaplan: Any) -> None:
    """All rows come and `next` still says limit=20, offset=20."""
    paging = anaplan.get("/imports").json()["meta"]["paging"]
    assert paging["next"].endswith("/imports?limit=20&offset=20")
    assert paging["next"].startswith(anaplan.url)
    anaplan.switch(paging__next_quirk="off")
    assert "next" not in anaplan.get("/imports").json()["meta"]["paging"]


def test_limit_and_offset_are_honoured_and_echoed(anaplan: Any) -> None:
    """A middle page names its neighbours, the last one has no next."""
    count = len(anaplan.ids["imports"])
    paging = anaplan.get("/imports?limit=3&offset=3").json()["meta"]["paging"]
    assert (paging["currentPageSize"], paging["offset"], paging["totalSize"]) == (3, 3, count)
    assert paging["next"].endswith("?limit=3&offset=6")
    assert paging["previous"].endswith("?limit=3&offset=0")
    last = anaplan.get(f"/imports?limit=3&offset={count - 2}").json()
    assert len(last["imports"]) == 2
    assert "next" not in last["meta"]["paging"]
    assert "previous" not in anaplan.get("/imports?limit=3").json()["meta"]["paging"]


def test_page_may_be_cut_silently(anaplan: Any) -> None:
    """Fewer rows than asked for come, told only by currentPageSize."""
    anaplan.switch(paging__max_page=2)
    body = anaplan.get("/imports?limit=5000").json()
    assert (len(body["imports"]), body["meta"]["paging"]["currentPageSize"]) == (2, 2)
    assert body["meta"]["paging"]["totalSize"] == len(anaplan.ids["imports"])


@pytest.mark.parametrize("query", ["limit=x", "limit=0", "offset=-1"])
def test_nonsense_paging_is_refused(anaplan: Any, query: str) -> None:
    """400 for what is no number of rows."""
    assert anaplan.get(f"/imports?{query}").status_code == 400


def test_empty_collections_drop_their_key(anaplan: Any) -> None:
    """Absent means empty, unless the switch says otherwise."""
    task_list = f"/imports/{anaplan.ids['imports']['Load Actuals']}/tasks"
    items = f"/lists/{anaplan.ids['lists']['Entities']}/items"
    assert "tasks" not in anaplan.get(task_list).json()
    assert "listItems" not in anaplan.get(items).json()
    assert "chunks" not in anaplan.get("/files/113000000001/chunks").json()
    anaplan.switch(empty__omit_key="off")
    assert anaplan.get(task_list).json()["tasks"] == []
    assert anaplan.get(items).json()["listItems"] == []


def test_error_has_the_golden_envelope(anaplan: Any) -> None:
    """Status object, path and a timestamp with nine decimals."""
    reply = anaplan.get("/files/113000009999")
    assert reply.status_code == 404
    body = reply.json()
    assert body["status"] == {"code": 404, "message": "Not Found"}
    assert body["path"] == f"{anaplan.base}/files/113000009999"
    assert re.fullmatch(r"2026-11-03T08:\d\d:\d\d\.\d{9}Z", body["timestamp"])


@pytest.mark.parametrize(
    ("shape", "starts"), [("HTML", "<html"), ("empty", ""), ("truncated JSON", '{"status"')]
)
def test_error_bodies_may_be_no_json(anaplan: Any, shape: str, starts: str) -> None:
    """A client must not parse an error body without a guard."""
    anaplan.switch(error__body=shape)
    reply = anaplan.get("/files/113000009999")
    assert reply.status_code == 404
    assert reply.text.startswith(starts)
    with pytest.raises(json.JSONDecodeError):
        reply.json()


def test_both_forms_of_the_path_are_the_same(anaplan: Any) -> None:
    """With and without the workspace; a wrong workspace is 404; ids are case-sensitive."""
    model = anaplan.ids["id"]
    short = anaplan.http.get(f"/2/0/models/{model}/files").json()
    assert short["files"] == anaplan.get("/files").json()["files"]
    for path in (
        f"/2/0/workspaces/{'0' * 32}/models/{model}/files",
        f"/2/0/models/{model.lower()}/files",
        f"/2/0/models/{'0' * 32}/files",
    ):
        assert anaplan.http.get(path).status_code == 404


def test_doubled_slashes_and_one_trailing_slash_are_accepted(anaplan: Any) -> None:
    """Clients in production send both."""
    model = anaplan.ids["id"]
    assert anaplan.http.get(f"/2/0//models/{model}/imports/").status_code == 200
    assert anaplan.http.post(
        f"{anaplan.base}/files/113000000001/", json={"chunkCount": 1}
    ).is_success


def test_unknown_path_and_wrong_verb_have_the_same_envelope(anaplan: Any) -> None:
    """404 for the unknown, 405 for a model by its workspace path and other wrong verbs."""
    assert anaplan.http.get("/2/0/nonsense").json()["status"]["code"] == 404
    assert anaplan.http.get(anaplan.base).status_code == 405
    assert anaplan.http.put(f"{anaplan.base}/files/113000000001/chunks").status_code == 405


def test_wrong_media_types_are_refused(anaplan: Any) -> None:
    """406 for an Accept nobody serves, 415 for a JSON endpoint fed with something else."""
    assert anaplan.get("/imports", headers={"Accept": "image/png"}).status_code == 406
    path = f"{anaplan.base}/imports/112000000001/tasks"
    wrong = {"Content-Type": "text/plain"}
    body = b'{"localeName":"en_US"}'
    assert anaplan.http.post(path, content=body, headers=wrong).status_code == 415


def test_top_level_sorting_is_strict(anaplan: Any) -> None:
    """The sign is mandatory and the field is checked, in the service's own words."""
    bad = anaplan.http.get("/2/0/models?sort=name")
    assert bad.status_code == 400
    assert bad.json()["status"]["message"].startswith("Bad sort order format: 'name'.")
    unknown = anaplan.http.get("/2/0/models?sort=%2Bcolour")
    assert unknown.json()["status"]["message"].startswith("Failed to parse sort parameter")
    names = [one["name"] for one in anaplan.http.get("/2/0/models?sort=-name").json()["models"]]
    assert names == sorted(names, reverse=True)


def test_model_level_sorting_is_kind(anaplan: Any) -> None:
    """The sign is optional and unknown fields are ignored."""
    names = [one["name"] for one in anaplan.get("/files?sort=name").json()["files"]]
    assert names == sorted(names)
    ids = [one["id"] for one in anaplan.get("/files?sort=-id").json()["files"]]
    assert ids == sorted(ids, reverse=True)
    assert anaplan.get("/files?sort=colour").status_code == 200


def test_no_access_masks_everything_but_task_lists(anaplan: Any) -> None:
    """404 in the model, 200 for the model itself, and task lists that prove nothing."""
    anaplan.start("imports", "Load Entities")
    anaplan.act_as("noaccess@halden.example")
    for path in ("/files", "/imports", "/lists", "/status", "/imports/112000000001"):
        assert anaplan.get(path).status_code == 404, path
    start = anaplan.post("/imports/112000000001/tasks", {"localeName": "en_US"})
    assert start.status_code == 404
    tasks = anaplan.get("/imports/112000000001/tasks")
    assert (tasks.status_code, "tasks" in tasks.json()) == (200, False)
    model = anaplan.ids["id"]
    assert anaplan.http.get(f"/2/0/models/{model}").status_code == 200
    listed = anaplan.http.get("/2/0/models").json()["models"]
    assert model in [one["id"] for one in listed]


def test_task_list_of_a_made_up_action_is_empty(anaplan: Any) -> None:
    """200 without tasks, although no such import exists."""
    reply = anaplan.get("/imports/112000009999/tasks")
    assert (reply.status_code, "tasks" in reply.json()) == (200, False)


def test_bucket_is_one_for_the_tenant_and_says_when_to_come_back(anaplan: Any) -> None:
    """600 at once, then 429 with Retry-After; ten come back each second; users share it."""
    anaplan.advance(60)
    url = f"/2/0/models/{anaplan.ids['id']}"
    statuses = [anaplan.http.get(url).status_code for _ in range(601)]
    assert statuses.count(200) == 600
    refused = anaplan.http.get(url)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "1"
    assert refused.json()["status"] == {"code": 429, "message": "Too Many Requests"}
    anaplan.act_as("planner@halden.example")
    assert anaplan.http.get(url).status_code == 429
    anaplan.advance(1)
    statuses = [anaplan.http.get(url).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]


def test_logins_are_not_counted_unless_the_switch_says_so(anaplan: Any) -> None:
    """The authentication service has no part in the bucket by default."""
    anaplan.admin("drain_bucket")
    assert anaplan.login().status_code == 201
    anaplan.switch(limits__count_auth="on")
    assert anaplan.login().status_code == 429


def test_competitor_can_empty_the_bucket_in_the_middle(anaplan: Any) -> None:
    """The k-th request meets an allowance somebody else has spent."""
    anaplan.fault(kind="hook", hook="drain_bucket", path="/2/0/", nth=2)
    assert anaplan.get("/files").status_code == 200
    assert anaplan.get("/files").status_code == 429


def test_switches_stand_at_the_first_values_of_the_contract(anaplan: Any) -> None:
    """Every decision of the contract exists and has its default."""
    positions = anaplan.control("GET", "switches")
    assert {name: positions.get(name) for name in DEFAULTS} == DEFAULTS
