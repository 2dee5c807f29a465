"""Files: listing, declaring, chunks, completing, reading back, vanishing."""

import gzip
from typing import Any

import pytest

ENTITIES = "/files/113000000001"
TEXT = b"Code,Name,Parent\nHI,Halden \xc3\x9c,\n101,US,HI\n"
TWO_DAYS_S = 48 * 3600


def _declare(tenant: Any, count: Any, path: str = ENTITIES, **more: Any) -> Any:
    return tenant.post(path, {"chunkCount": count, **more})


def test_file_list_has_the_golden_rows(anaplan: Any) -> None:
    """Sources carry their parsing, export outputs four fields and zero rows."""
    rows = {row["id"]: row for row in anaplan.get("/files").json()["files"]}
    assert rows["113000000005"] == {
        "id": "113000000005",
        "name": "actuals.csv",
        "chunkCount": 0,
        "delimiter": '"',
        "encoding": "UTF-8",
        "firstDataRow": 2,
        "format": "txt",
        "headerRow": 1,
        "separator": ",",
    }
    assert rows["116000000001"] == {
        "id": "116000000001",
        "name": "Export Actuals",
        "chunkCount": 0,
        "firstDataRow": 0,
        "headerRow": 0,
    }


def test_stream_of_unknown_length_is_listed_as_it_arrives(anaplan: Any) -> None:
    """Declared with -1, put in any order, whole after complete."""
    reply = _declare(anaplan, -1)
    assert reply.json()["file"]["id"] == "113000000001"
    assert "chunks" not in anaplan.get(f"{ENTITIES}/chunks").json()
    assert anaplan.put(f"{ENTITIES}/chunks/1", TEXT[20:]) == 204
    assert anaplan.put(f"{ENTITIES}/chunks/0", TEXT[:20]) == 204
    body = anaplan.get(f"{ENTITIES}/chunks").json()
    assert body["chunks"] == [{"id": "0", "name": "Chunk 0"}, {"id": "1", "name": "Chunk 1"}]
    assert body["meta"]["paging"]["currentPageSize"] == 2
    assert anaplan.get(ENTITIES).status_code == 404
    done = anaplan.post(f"{ENTITIES}/complete", {"id": 113000000001})
    assert (done.status_code, done.json()["file"]["chunkCount"]) == (200, 2)
    whole = anaplan.get(ENTITIES)
    assert (whole.content, whole.headers["Content-Type"]) == (TEXT, "application/octet-stream")
    assert anaplan.post(f"{ENTITIES}/complete", {}).status_code == 200


def test_slots_of_a_known_length_exist_at_once(anaplan: Any) -> None:
    """Anaplan Connect reads the list straight after the declaration; no complete is needed."""
    _declare(anaplan, 2)
    assert len(anaplan.get(f"{ENTITIES}/chunks").json()["chunks"]) == 2
    assert anaplan.get(f"{ENTITIES}/chunks/0").status_code == 404
    anaplan.put(f"{ENTITIES}/chunks/0", TEXT[:33])
    assert anaplan.get(ENTITIES).status_code == 404
    anaplan.put(f"{ENTITIES}/chunks/1", TEXT[33:])
    assert anaplan.get(ENTITIES).content == TEXT


def test_put_chunk_answers_204_without_content_type(anaplan: Any) -> None:
    """An empty answer says nothing about its type."""
    _declare(anaplan, 1)
    headers = {"Content-Type": "application/octet-stream"}
    path = f"{anaplan.base}{ENTITIES}/chunks/0"
    reply = anaplan.http.put(path, content=b"x", headers=headers)
    assert (reply.status_code, reply.content) == (204, b"")
    assert "Content-Type" not in reply.headers


def test_repeated_chunk_overwrites(anaplan: Any) -> None:
    """A retry of one chunk is harmless, before and after it was ready."""
    _declare(anaplan, 1)
    anaplan.put(f"{ENTITIES}/chunks/0", b"wrong")
    anaplan.put(f"{ENTITIES}/chunks/0", TEXT)
    assert anaplan.get(ENTITIES).content == TEXT


@pytest.mark.parametrize("kind", ["application/x-gzip", "x-gzip"])
def test_chunks_may_be_compressed_one_by_one(anaplan: Any, kind: str) -> None:
    """Each chunk is unpacked by itself; what is read back is plain."""
    _declare(anaplan, 2)
    anaplan.put(f"{ENTITIES}/chunks/0", gzip.compress(TEXT[:9]), kind)
    anaplan.put(f"{ENTITIES}/chunks/1", TEXT[9:])
    assert anaplan.get(f"{ENTITIES}/chunks/0").content == TEXT[:9]
    assert anaplan.get(ENTITIES).content == TEXT


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"no gzip", "application/x-gzip", 400),
        (b"a,b", "text/csv", 415),
        (b"{}", "application/json", 415),
    ],
)
def test_bad_chunk_is_refused(anaplan: Any, content: bytes, kind: str, status: int) -> None:
    """What is no gzip is 400, other types are 415, and nothing is stored."""
    _declare(anaplan, 1)
    assert anaplan.put(f"{ENTITIES}/chunks/0", content, kind) == status
    assert anaplan.get(f"{ENTITIES}/chunks/0").status_code == 404


def test_chunk_beyond_the_count_or_without_a_count_is_refused(anaplan: Any) -> None:
    """The declared number is a limit; chunks need a declaration."""
    assert anaplan.put(f"{ENTITIES}/chunks/0", b"x") == 400
    _declare(anaplan, 2)
    assert anaplan.put(f"{ENTITIES}/chunks/2", b"x") == 400
    assert anaplan.put("/files/113000009999/chunks/0", b"x") == 404


@pytest.mark.parametrize("count", [0, -2, 1001, "3", None, True])
def test_bad_chunk_count_is_refused(anaplan: Any, count: Any) -> None:
    """One to a thousand, or -1."""
    assert _declare(anaplan, count).status_code == 400


def test_complete_with_missing_chunks_is_refused(anaplan: Any) -> None:
    """A gap, a missing last chunk, nothing at all, an unknown file."""
    assert anaplan.post(f"{ENTITIES}/complete", {}).status_code == 400
    _declare(anaplan, -1)
    assert anaplan.post(f"{ENTITIES}/complete", {}).status_code == 400
    anaplan.put(f"{ENTITIES}/chunks/1", b"x")
    assert anaplan.post(f"{ENTITIES}/complete", {}).status_code == 400
    _declare(anaplan, 2)
    anaplan.put(f"{ENTITIES}/chunks/0", b"x")
    assert anaplan.post(f"{ENTITIES}/complete", {}).status_code == 400
    assert anaplan.post("/files/113000009999/complete", {}).status_code == 404


def test_new_declaration_discards_what_was_staged(anaplan: Any) -> None:
    """Old chunks do not leak into a new upload."""
    anaplan.upload("entities.csv", TEXT)
    _declare(anaplan, 1)
    assert anaplan.get(f"{ENTITIES}/chunks/0").status_code == 404
    assert anaplan.get(ENTITIES).status_code == 404


def test_declaring_with_metadata_changes_how_the_file_is_read(anaplan: Any) -> None:
    """The whole metadata object is the only way to set separator, encoding and rows."""
    shown = anaplan.get("/files").json()["files"][0]
    reply = anaplan.post(
        ENTITIES, shown | {"chunkCount": 1, "separator": ";", "encoding": "ISO-8859-1"}
    )
    assert reply.json()["file"]["separator"] == ";"
    anaplan.put(f"{ENTITIES}/chunks/0", "Code;Name;Parent\nX;Köln;\n".encode("latin-1"))
    anaplan.run("imports", "Load Entities")
    assert [one["name"] for one in anaplan.admin("read_list", list="Entities")] == ["Köln"]


def test_declaring_an_unknown_file_creates_one_nobody_reads(anaplan: Any) -> None:
    """The string becomes the name of a new file with a fresh id and no settings."""
    reply = _declare(anaplan, 1, "/files/Entities%20new.csv")
    created = reply.json()["file"]
    assert created["name"] == "Entities new.csv"
    assert created["id"] == str(max(map(int, anaplan.ids["sources"].values())) + 1)
    assert (created["headerRow"], created["firstDataRow"], created["separator"]) == (-1, -1, "\t")
    sources = {one["importDataSourceId"] for one in anaplan.get("/imports").json()["imports"]}
    assert created["id"] not in sources


def test_export_output_cannot_be_uploaded(anaplan: Any) -> None:
    """A 116 file is written by its export alone."""
    assert _declare(anaplan, 1, "/files/116000000001").status_code == 404
    assert anaplan.put("/files/116000000001", b"x") == 404


def test_single_upload_is_ready_and_takes_no_gzip(anaplan: Any) -> None:
    """One PUT is the whole file; compressed content is refused."""
    assert anaplan.put(ENTITIES, TEXT) == 204
    assert anaplan.get("/files").json()["files"][0]["chunkCount"] == 1
    assert anaplan.get(f"{ENTITIES}/chunks/0").content == TEXT
    assert anaplan.put(ENTITIES, gzip.compress(TEXT), "application/x-gzip") == 415


def test_delete_takes_the_content_and_may_leave_the_count(anaplan: Any) -> None:
    """The list still counts a chunk that is 404."""
    anaplan.upload("entities.csv", TEXT)
    assert anaplan.http.delete(anaplan.base + ENTITIES).status_code == 204
    assert anaplan.get("/files").json()["files"][0]["chunkCount"] == 1
    assert anaplan.get(f"{ENTITIES}/chunks/0").status_code == 404
    assert anaplan.get(ENTITIES).status_code == 404
    anaplan.switch(files__stale_count="off")
    anaplan.http.delete(anaplan.base + ENTITIES)
    assert anaplan.get("/files").json()["files"][0]["chunkCount"] == 0


def test_private_content_vanishes_two_days_after_the_last_access(anaplan: Any) -> None:
    """Reading counts as access; then it is gone."""
    anaplan.switch(auth__life_s=10_000_000)
    anaplan.act_as("integration@halden.example")
    anaplan.upload("entities.csv", TEXT)
    anaplan.advance(TWO_DAYS_S - 1)
    assert anaplan.get(ENTITIES).content == TEXT
    anaplan.advance(TWO_DAYS_S - 1)
    assert anaplan.get(ENTITIES).content == TEXT
    anaplan.advance(TWO_DAYS_S + 1)
    assert anaplan.get(ENTITIES).status_code == 404


def test_files_are_private_to_the_user(anaplan: Any) -> None:
    """What one user uploads another neither reads nor imports."""
    anaplan.upload("entities.csv", TEXT)
    anaplan.act_as("planner@halden.example")
    assert anaplan.get(ENTITIES).status_code == 404
    result = anaplan.run("imports", "Load Entities")
    assert result["details"][0]["type"] == "uploadedFileNoLongerAvailable"


def test_default_file_stands_in_for_a_private_one(anaplan: Any) -> None:
    """Without own content the default is read; own content hides it."""
    anaplan.admin("set_default_file", file="entities.csv", content="Code,Name,Parent\nD,Old,\n")
    anaplan.run("imports", "Load Entities")
    anaplan.load("entities.csv", "Load Entities", "Code,Name,Parent\nP,New,\n")
    codes = [one["code"] for one in anaplan.admin("read_list", list="Entities")]
    assert codes == ["D", "P"]


def test_default_for_administrators_is_hidden_from_others(anaplan: Any) -> None:
    """Zero bytes, or 404 under the switch; administrators see it."""
    anaplan.admin("set_default_file", file="entities.csv", content="secret", audience="admins")
    assert anaplan.get(ENTITIES).content == b"secret"
    anaplan.act_as("planner@halden.example")
    reply = anaplan.get(ENTITIES)
    assert (reply.status_code, reply.content) == (200, b"")
    assert anaplan.get(f"{ENTITIES}/chunks/0").content == b""
    anaplan.switch(files__admin_default="404")
    assert anaplan.get(ENTITIES).status_code == 404
    assert anaplan.get(f"{ENTITIES}/chunks/0").status_code == 404


def test_complete_may_fail_without_a_body(anaplan: Any) -> None:
    """Seen live: no body, 500; with a body it works."""
    anaplan.switch(complete__mode="500-without-body")
    _declare(anaplan, -1)
    anaplan.put(f"{ENTITIES}/chunks/0", TEXT)
    assert anaplan.post(f"{ENTITIES}/complete").status_code == 500
    assert anaplan.post(f"{ENTITIES}/complete", {}).status_code == 200


@pytest.mark.parametrize(("mode", "status"), [("500-but-done", 500), ("504-but-done", 504)])
def test_failed_complete_may_have_been_done(anaplan: Any, mode: str, status: int) -> None:
    """The chunk list tells the truth after a 5xx."""
    anaplan.switch(complete__mode=mode)
    _declare(anaplan, -1)
    anaplan.put(f"{ENTITIES}/chunks/0", TEXT)
    assert anaplan.post(f"{ENTITIES}/complete", {}).status_code == status
    assert anaplan.get(ENTITIES).content == TEXT


def test_slow_complete_takes_its_time(anaplan: Any) -> None:
    """The request is held for as long as the switch says, by the sandbox clock."""
    anaplan.switch(complete__mode="slow", complete__slow_s=900)
    _declare(anaplan, -1)
    anaplan.put(f"{ENTITIES}/chunks/0", TEXT)
    before = anaplan.server.clock.now()
    assert anaplan.post(f"{ENTITIES}/complete", {}).status_code == 200
    assert anaplan.server.clock.now() - before >= 900


def test_lost_reply_to_a_chunk_leaves_the_chunk(anaplan: Any) -> None:
    """The PUT was done although its answer never came."""
    _declare(anaplan, 1)
    anaplan.fault(kind="reset_after", method="PUT", path="chunks/0")
    with pytest.raises(Exception, match=r"reset|disconnected"):
        anaplan.put(f"{ENTITIES}/chunks/0", TEXT)
    assert anaplan.get(ENTITIES).content == TEXT
