"""A run whose archive lies in a bucket comes to the same figures as one with a folder."""

import shutil
from contextlib import closing
from typing import Any

import pytest
from tests.fakes.s3 import WRITER, Store, Wire

from ml_connector.archive import bucket
from ml_connector.ports import RunState

BUCKET = "finance-archive"
SENT_BEFORE_IT_DIES = 40_000
"""More than the first files of a run, less than all of them."""


@pytest.mark.exhaustive
@pytest.mark.long
def test_a_run_with_its_archive_in_a_bucket_equals_one_with_a_folder(
    office: Any,
    typist: Any,
    quiet_cells: dict[str, str],
    object_store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Same cells, though the store dies on the way; a machine without copies goes on."""
    monkeypatch.setattr(bucket, "ATTEMPTS_MAX", 1)
    object_store.make_bucket(BUCKET)
    monkeypatch.setenv("ARCHIVE_ACCESS", WRITER[0])
    monkeypatch.setenv("ARCHIVE_SECRET", WRITER[1])
    with closing(Wire(object_store.endpoint)) as wire:
        office.change(
            "ml-connector.yaml",
            archive={
                "url": f"s3://{BUCKET}/books", "endpoint": wire.endpoint,
                "access_key": "env:ARCHIVE_ACCESS", "secret_key": "env:ARCHIVE_SECRET",
            },
        )  # fmt: skip
        looked = typist.type("doctor", "-o", "json")
        wire.cut_after(SENT_BEFORE_IT_DIES)
        error, stopped = office.fail(office.run)
        wire.mend()
        run = office.resume(stopped.run_id)
        shutil.rmtree(office.root / ".state" / "archive-copies")
        again = office.run()

    [line] = [row for row in looked.json if row["where"] == "archive"]
    assert (line["state"], line["what"], looked.code) == ("ok", "store", 0)
    assert (error.code, stopped.state) == ("archive.unavailable", RunState.FAILED)
    assert run.state is again.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1
    kinds = {key.split("/")[3] for key in object_store.list_objects(BUCKET)}
    assert kinds == {"checks", "lines", "summaries", "plans", "totals", "raw"}
    assert not (office.root / ".state" / "archive").exists()
