"""A client in another language, run against the server, agrees with what it should see."""

import json
import os
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

CLIENT = Path(__file__).parent / "node" / "client.mjs"


@pytest.fixture
def told(own: Any) -> Any:
    """What the client printed."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    done = subprocess.run(
        [node, str(CLIENT)], env={**os.environ, "AIS_URL": own.url}, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_second_client_sees_the_books(own: Any, told: Any) -> None:
    """Every page by both verbs, counts and sums of exact amounts, a batch of two."""
    conditions = [own.when("CO", "EQUAL", "00001"), own.when("LT", "LIST", "AA", "CA")]
    body = own.browsing("F0911", "LT AA R2", *conditions, maxPageSize="1000")
    own.sign_on()
    rows = [row for page in own.pages(body) for row in own.rows(page, "F0911")]
    totals = {
        ledger: sum(row["AA"] for row in rows if row["LT"].strip() == ledger)
        for ledger in ("AA", "CA")
    }
    counts = {one: len([r for r in rows if r["LT"].strip() == one]) for one in ("AA", "CA")}

    assert told["config"]["status"] == 200
    assert {"dataservice", "nextPage", "validate"} <= set(told["config"]["names"])
    assert told["login"] == {"status": 200, "dateFormat": "MM/dd/yyyy"}
    assert told["validate"] == {"status": 200, "isValid": True}
    assert told["pages"]["isSame"]
    assert told["pages"]["sizes"][:-1] == [100] * (len(told["pages"]["sizes"]) - 1)
    assert told["pages"]["rows"] == int(told["count"]) == len(rows)
    assert Decimal(told["pages"]["units"]) == totals["AA"] * 10_000
    assert (told["pages"]["dates"], told["pages"]["widths"]) == (True, [12])
    assert {g["ledger"]: (Decimal(g["units"]), int(g["count"])) for g in told["groups"]} == {
        ledger: (totals[ledger] * 10_000, counts[ledger]) for ledger in ("AA", "CA")
    }
    assert told["batch"]["companies"] == ["00001 USD", "00077 CAD", "00200 JPY", "00300 KWD"]
    assert int(told["batch"]["all"]) == own.count("F0911") - 2


def test_second_client_writes_once(told: Any) -> None:
    """The second call is a duplicate with the same batch; the rows are there once."""
    first, second = told["runs"]

    assert told["discover"]["format"] == "Generic"
    assert "PlanBatchKey" in told["discover"]["inputs"]
    assert (first["status"], first["result"], first["jde"]) == (200, "CREATED", "SUCCESS")
    assert (second["status"], second["result"]) == (200, "DUPLICATE")
    assert first["batch"] == second["batch"]
    assert told["written"] == ["-300.5", "1250"]
    assert told["logout"] == {"status": 200, "after": 444}
