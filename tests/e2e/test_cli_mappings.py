"""Rules kept by the records, and what they do not reach, typed as people type it."""

from pathlib import Path
from typing import Any

import pytest

FLOW = "actuals-fusion"


@pytest.mark.long
def test_rules_move_into_the_records_and_unmapped_values_are_worked_off(
    office: Any, typist: Any, tmp_path: Path
) -> None:
    """Taken over, an account is left without a rule, seen, owned, mapped and done again.

    The file stays as it was and decides nothing; `plan` says that it differs.
    """
    path = office.root / "mappings" / f"{FLOW}.csv"
    before = path.read_bytes()
    kept = typist.type("mappings", "keep", FLOW, "records", "--comment", "at close")
    some = tmp_path / "some.csv"
    some.write_text("dimension,when,target\nentity,entity=*,{entity}\n"
                    "account,account=6*,{account}\ncost_centre,,120\n")  # fmt: skip
    imported = typist.type("mappings", "import", FLOW, str(some))
    held = typist.type("run", FLOW)
    queue = typist.type("unmapped", "list", FLOW, "-o", "json").json
    largest = queue[0]["value"]
    owned = typist.type("unmapped", "owner", FLOW, "account", largest, "nobody", "--note", "new")
    rule = ("account", f"account={largest}", "{account}")
    assert "version 3 of" in typist.type("unmapped", "assign", FLOW, *rule, "--note", "x").err
    rest = "|".join(row["value"] for row in queue if row["value"] != largest)
    typist.type("unmapped", "assign", FLOW, "account", f"account={rest}", "{account}")
    waiting = typist.type("unmapped", "list", FLOW, "-o", "json").json
    planned = typist.type("plan", FLOW, "--remap")
    done = typist.type("run", FLOW, "--remap")
    history = typist.type("mappings", "history", FLOW, "-o", "json").json
    moved = typist.type("mappings", "diff", FLOW, "2", "--amounts", "-o", "json").json

    assert (kept.code, imported.code, held.code, owned.code) == (0, 0, 3, 0)
    assert "version 2 of actuals-fusion" in imported.err
    assert {row["state"] for row in queue} == {"unmapped"}
    assert {row["state"] for row in waiting} == {"assigned, not yet re-run"}
    assert "the project's file differs" in planned.err
    assert done.code == 0
    assert typist.type("unmapped", "list", FLOW, "-o", "json").json == []
    assert path.read_bytes() == before
    assert [row["deed"] for row in history[-2:]] == ["imported", "taken over"]
    assert moved
    assert {row["to"] for row in moved} == {"no rule"}

    book = tmp_path / "rules.xlsx"
    exported = typist.type("mappings", "export", FLOW).out
    typist.type("mappings", "export", FLOW, "--workbook", str(book))
    assert typist.type("mappings", "diff", FLOW, str(book), "-o", "json").json == []
    assert typist.type("mappings", "restore", FLOW, "1").code == 0
    assert typist.type("mappings", "import", FLOW, str(book)).code == 0
    assert typist.type("mappings", "export", FLOW).out == exported
    assert typist.type("mappings", "keep", FLOW, "file").code == 0
    assert typist.type("mappings", "export", FLOW).out == before.decode()
    assert typist.type("mappings", "restore", FLOW, "1").code == 2
