"""A run whose archive lies in a bucket comes to the same figures as one with a folder."""

import shutil
from typing import Any

import pytest
from tests.fakes.s3 import WRITER, Store

from ml_connector.ports import RunState

BUCKET = "finance-archive"


@pytest.mark.long
def test_a_run_with_its_archive_in_a_bucket_equals_one_with_a_folder(
    office: Any,
    typist: Any,
    quiet_cells: dict[str, str],
    object_store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Same cells in the model, every file in the bucket, and a machine without copies goes on."""
    object_store.make_bucket(BUCKET)
    monkeypatch.setenv("ARCHIVE_ACCESS", WRITER[0])
    monkeypatch.setenv("ARCHIVE_SECRET", WRITER[1])
    office.change(
        "ml-connector.yaml",
        archive={
            "url": f"s3://{BUCKET}/books", "endpoint": object_store.endpoint,
            "access_key": "env:ARCHIVE_ACCESS", "secret_key": "env:ARCHIVE_SECRET",
        },
    )  # fmt: skip
    looked = typist.type("doctor", "-o", "json")
    run = office.run()
    shutil.rmtree(office.root / ".state" / "archive-copies")
    again = office.run()

    [line] = [row for row in looked.json if row["where"] == "archive"]
    assert (line["state"], line["what"], looked.code) == ("ok", "store", 0)
    assert run.state is again.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1
    kinds = {key.split("/")[3] for key in object_store.list_objects(BUCKET)}
    assert kinds == {"checks", "lines", "summaries", "plans", "totals", "raw"}
    assert not (office.root / ".state" / "archive").exists()
