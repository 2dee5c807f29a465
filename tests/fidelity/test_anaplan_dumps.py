"""Failure dumps: where they are, how long, and who overwrites them."""

from typing import Any

import pytest

BAD = "Code,Name,Parent\nW1,Widget,NoSuch\n"
GOOD = "Code,Name,Parent\nW1,Widget,\n"
TWO_DAYS_S = 48 * 3600


def test_dump_has_the_golden_text(anaplan: Any) -> None:
    """Every field quoted, status first, then the source, the line and the errors."""
    path = anaplan.load("entities.csv", "Load Entities", BAD)["path"]
    reply = anaplan.get(f"{path}/dump")
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert reply.text == (
        '"_Status_","Code","Name","Parent","_Line_","_Error_1_"\n'
        '"E","W1","Widget","NoSuch","2","Invalid parent"\n'
    )


def test_dump_comes_in_chunks_cut_by_size(anaplan: Any) -> None:
    """The chunk list, each chunk as octets, the header in the first alone, 404 past the end."""
    anaplan.switch(chunk__bytes=40)
    path = anaplan.load("entities.csv", "Load Entities", BAD)["path"]
    body = anaplan.get(f"{path}/dump/chunks").json()
    assert body["chunks"][0] == {"id": "0", "name": "Chunk 0"}
    assert body["meta"]["paging"]["currentPageSize"] == len(body["chunks"]) == 3
    parts = [anaplan.get(f"{path}/dump/chunks/{one['id']}") for one in body["chunks"]]
    assert parts[0].headers["Content-Type"] == "application/octet-stream"
    assert b"".join(one.content for one in parts).decode() == anaplan.get(f"{path}/dump").text
    assert anaplan.get(f"{path}/dump/chunks/3").status_code == 404


def test_chunks_may_be_cut_at_lines(anaplan: Any) -> None:
    """Under the switch every chunk ends with a whole line."""
    anaplan.switch(chunk__bytes=70, chunk__cut="line-aligned")
    path = anaplan.load("entities.csv", "Load Entities", BAD)["path"]
    parts = [anaplan.get(f"{path}/dump/chunks/{n}").text for n in range(2)]
    assert [part.count("\n") for part in parts] == [1, 1]


def test_clean_task_has_no_dump(anaplan: Any) -> None:
    """404 in all three forms."""
    path = anaplan.load("entities.csv", "Load Entities", GOOD)["path"]
    for tail in ("/dump", "/dump/chunks", "/dump/chunks/0"):
        assert anaplan.get(path + tail).status_code == 404


def test_next_run_of_the_same_user_takes_the_dump_away(anaplan: Any) -> None:
    """Overwritten by another failure, removed by a clean run; the old flag stays true."""
    first = anaplan.load("entities.csv", "Load Entities", BAD)["path"]
    second = anaplan.run("imports", "Load Entities")["path"]
    assert anaplan.get(f"{first}/dump").status_code == 404
    assert anaplan.get(f"{second}/dump").status_code == 200
    anaplan.load("entities.csv", "Load Entities", GOOD)
    assert anaplan.get(f"{second}/dump").status_code == 404
    assert anaplan.task(second)["result"]["failureDumpAvailable"]


def test_other_users_run_leaves_the_dump(anaplan: Any) -> None:
    """Dumps are kept for each user."""
    path = anaplan.load("entities.csv", "Load Entities", BAD)["path"]
    mine = anaplan.http.headers["Authorization"]
    anaplan.act_as("planner@halden.example")
    anaplan.load("entities.csv", "Load Entities", GOOD)
    assert anaplan.get(f"{path}/dump").status_code == 404
    anaplan.http.headers["Authorization"] = mine
    assert anaplan.get(f"{path}/dump").status_code == 200


def test_dump_vanishes_two_days_after_it_was_read(anaplan: Any) -> None:
    """Reading prolongs, then it is gone, as is one that was dropped."""
    anaplan.switch(auth__life_s=10_000_000, task__retention_h=1000)
    anaplan.act_as("integration@halden.example")
    path = anaplan.load("entities.csv", "Load Entities", BAD)["path"]
    for _ in range(2):
        anaplan.advance(TWO_DAYS_S - 60)
        assert anaplan.get(f"{path}/dump").status_code == 200
    anaplan.advance(TWO_DAYS_S + 1)
    assert anaplan.get(f"{path}/dump").status_code == 404
    path = anaplan.load("entities.csv", "Load Entities", BAD)["path"]
    anaplan.admin("drop_dump", email="integration@halden.example", **{"import": "Load Entities"})
    assert anaplan.get(f"{path}/dump").status_code == 404


@pytest.mark.parametrize("tail", ["", "/chunks/0"])
def test_dump_of_a_process_is_found_by_the_import_in_it(anaplan: Any, tail: str) -> None:
    """Under dumps/{objectId} of the process task, and not under the import."""
    for name in ("entities.csv", "cost_centres.csv"):
        anaplan.upload(name, BAD)
    anaplan.upload("accounts.csv", "Code,Name,Parent,Account Type\n1,Cash,,A\n")
    anaplan.upload("currencies.csv", "Code,Name\nUSD,Dollar\n")
    result = anaplan.run("processes", "Load Dimensions")
    flags = [one["failureDumpAvailable"] for one in result["nestedResults"]]
    assert flags == [True, False, True, False]
    object_id = result["nestedResults"][2]["objectId"]
    reply = anaplan.get(f"{result['path']}/dumps/{object_id}{tail}")
    assert reply.text.splitlines()[1].startswith('"E","W1"')
    assert anaplan.get(f"{result['path']}/dumps/112000000002").status_code == 404
    task_id = result["path"].rsplit("/", 1)[1]
    assert anaplan.get(f"/imports/{object_id}/tasks/{task_id}/dump").status_code == 404
