"""Commands that run a flow, as a controller types them over a month."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

FLOW = "actuals-fusion"
MOVED = Decimal("1.11")
MISTAKE = "account,account=6899*,69990,,,,A member there is not.\n"


def break_rules(root: Path) -> None:
    """The mapping sends late accruals to a member the model does not have."""
    path = root / "mappings" / f"{FLOW}.csv"
    header, _, rules = path.read_text().partition("\n")
    path.write_text(f"{header}\n{MISTAKE}{rules}")


def post_late(office: Any) -> None:
    """Journals are posted into September, and a minute passes."""
    office.company.erp("late_journals")
    office.clock.sleep(60)


def test_plan_run_and_nothing_to_do(office: Any, typist: Any) -> None:
    """A plan shows the money and sends nothing; the run sends it; the next finds nothing to do."""
    looked = typist.type("plan", FLOW)
    cells_after_plan = office.company.cells()
    ran = typist.type("run", FLOW)
    again = typist.type("run", FLOW)

    assert [looked.code, ran.code, again.code] == [0, 0, 0]
    assert cells_after_plan == {}
    assert re.search(r"Sep 26 +USD +\d+ +0\.00 +[\d,]+\.\d\d", looked.out)
    assert re.search(r"[\d,]+\.\d\d USD would move: \d+ added\.", looked.err)
    assert "looked only: 165 cells would be sent; nothing was." in looked.err
    assert looked.hints == [f"send it: `ml-connector run {FLOW}`"]
    assert re.search(r"Halden US +Sep-26 +USD +\d+ +[\d,]+\.\d\d ", ran.out)
    assert re.search(r"[\d,]+\.\d\d USD moved: 165 added\.", ran.err)
    assert "succeeded: 165 cells sent, nothing unexplained." in ran.err
    assert ran.hints == again.hints == []
    assert again.out == ""
    assert "Nothing has changed in the ledger since the last run." in again.err
    assert "nothing to do, both sides are in step." in again.err


@pytest.mark.exhaustive
def test_currencies_without_a_change_take_no_line(office: Any, typist: Any) -> None:
    """What stays as it is is not told as so many zeros."""
    typist.type("run", FLOW)

    again = typist.type("run", FLOW, "--period", "Sep-26")

    assert again.code == 0
    assert " moved" not in again.err
    assert len(again.err.splitlines()) == 1


def test_saved_plan_is_loaded_exactly(office: Any, typist: Any, tmp_path: Path) -> None:
    """`plan --out` says how to load it, `--detailed-exitcode` that there is something to load."""
    file = tmp_path / "plan.json"

    planned = typist.type("plan", FLOW, "--out", str(file), "--detailed-exitcode")
    applied = typist.type("apply", str(file), "-o", "json")
    later = typist.type("plan", FLOW, "--detailed-exitcode")

    saved = json.loads(file.read_text())
    assert planned.code == 10
    assert planned.hints == [f"load exactly this: `ml-connector apply {file}`"]
    assert (saved["flow"], saved["periods"][0]) == (FLOW, "Sep 26")
    assert applied.code == 0
    assert applied.json["plan_hash"] == saved["plan"]
    assert applied.json["cells"] == len(office.company.cells()) == 165
    assert later.code == 0


def test_stale_plan_is_refused(office: Any, typist: Any, tmp_path: Path) -> None:
    """A journal posted after the plan was looked at makes it stale: exit 5, nothing sent."""
    file = tmp_path / "plan.json"
    typist.type("plan", FLOW, "--out", str(file))
    post_late(office)

    stale = typist.type("apply", str(file), "-o", "json")

    assert stale.code == stale.json["exit_code"] == 5
    assert "stale" in stale.json["error"]["refused"]
    assert stale.json["error"]["written"] == "Nothing was sent."
    assert office.company.cells() == {}


@pytest.mark.exhaustive
def test_edited_plan_is_refused(office: Any, typist: Any, tmp_path: Path) -> None:
    """A plan whose hash or periods somebody changed, or that is none, is not loaded."""
    file = tmp_path / "plan.json"
    typist.type("plan", FLOW, "--out", str(file))
    saved = json.loads(file.read_text())

    codes = []
    for change in ({"plan": "0" * 64}, {"periods": ["Oct 26"]}, {"format": "other"}, {"flow": ""}):
        file.write_text(json.dumps(saved | change))
        codes.append(typist.type("apply", str(file)).code)
    file.write_text("{")
    torn = typist.type("apply", str(file))
    missing = typist.type("apply", str(tmp_path / "no-plan.json"))

    assert all(code in (2, 5) for code in codes), codes
    assert torn.code == missing.code == 2
    assert "is no saved plan" in torn.err
    assert office.company.cells() == {}


@pytest.mark.parametrize("flow", ["nope", "dimensions-fusion"])
def test_replay_of_no_actuals_flow_is_refused(typist: Any, flow: str) -> None:
    """A flow that never has refused summaries is no flow that has none."""
    refused = typist.type("replay", flow)

    assert refused.code == 2
    assert flow in refused.err


def test_plan_of_other_kinds_of_values_is_none(terminal: Any, tmp_path: Path) -> None:
    """A number where a name stands, or a text for a list: refused before the project is opened."""
    plan = {"format": "ml-connector plan 1", "flow": FLOW, "plan": "0" * 64, "periods": ["Oct 26"]}
    file = tmp_path / "plan.json"

    for name, value in {"flow": ["a"], "plan": 5, "periods": "Oct 26", "totals": 7}.items():
        file.write_text(json.dumps(plan | {"totals": {"USD": {}}} | {name: value}))
        refused = terminal.type("apply", str(file))

        assert refused.code == 2
        assert f"is no saved plan: its {name} " in refused.err
    file.write_text(json.dumps(plan | {"totals": {}}))
    assert "there was nothing to send" in terminal.type("apply", str(file)).err


def test_plan_of_lists_is_not_saved(office: Any, typist: Any, tmp_path: Path) -> None:
    """Only plans of journal lines can be applied, so only they are saved."""
    refused = typist.type("plan", "dimensions-fusion", "--out", str(tmp_path / "plan.json"))

    assert refused.code == 2
    assert "dimensions-fusion is a dimensions flow" in refused.err
    assert not (tmp_path / "plan.json").exists()


@pytest.mark.exhaustive
def test_lists_are_planned_and_run(office: Any, typist: Any) -> None:
    """F1 counts members by list; a second run has nothing to do."""
    looked = typist.type("plan", "dimensions-fusion", "--detailed-exitcode")
    ran = typist.type("run", "dimensions-fusion", "-o", "json")
    again = typist.type("run", "dimensions-fusion")

    assert looked.code == 10
    assert "members would be sent; nothing was." in looked.err
    assert ran.json["state"] == "succeeded"
    assert set(ran.json["lists"]) == {"Entities", "Accounts", "Cost Centres", "Currencies"}
    assert "nothing to do" in again.err


@pytest.mark.exhaustive
def test_period_is_named_as_the_ledger_or_the_fiscal_year_names_it(
    office: Any, typist: Any
) -> None:
    """Oct-26 and FY2026-P10 are the same period; an unknown one is refused with examples."""
    by_name = typist.type("plan", FLOW, "--period", "Oct-26", "-o", "json").json
    by_number = typist.type("plan", FLOW, "--period", "FY2026-P10", "-o", "json").json
    two = typist.type("plan", FLOW, "--period", "Sep-26", "--period", "Oct-26", "-o", "json").json
    unknown = typist.type("plan", FLOW, "--period", "Okt-26")

    assert by_name["periods"] == by_number["periods"] == ["Oct 26"]
    assert by_name["plan_hash"] == by_number["plan_hash"]
    assert two["periods"] == ["Sep 26", "Oct 26"]
    assert unknown.code == 2
    assert "'Okt-26'" in unknown.err


def test_month_is_resolved_per_ledger_and_echoed(office: Any, typist: Any) -> None:
    """--month and --from/--to say which periods of which ledger they came to, with dates."""
    one = typist.type("plan", FLOW, "--month", "2026-10")
    several = typist.type("run", FLOW, "--from", "2026-09", "--to", "2026-10", "--dry-run")
    half = typist.type("run", FLOW, "--to", "2026-10")

    assert "Halden US Oct-26: 2026-10-01 to 2026-10-31." in one.err
    assert "Halden US Sep-26: 2026-09-01 to 2026-09-30." in several.err
    assert "Halden US Oct-26: 2026-10-01 to 2026-10-31." in several.err
    assert "Sep-26" not in one.err
    assert half.code == 2
    assert office.company.cells() == {}


@pytest.mark.exhaustive
def test_refusals_are_mended_and_replayed(office: Any, typist: Any) -> None:
    """Exit 3 names the refused; assign adds the rule, replay sends it, and nothing is left."""
    typist.type("run", FLOW)
    break_rules(office.root)
    post_late(office)

    partly = typist.type("run", FLOW)
    run = typist.type("runs", "list", "-o", "json").json[0]["run"]
    assigned = typist.type(
        "unmapped", "assign", FLOW, "account", "account=68990", "68010", "--note", "Late freight."
    )
    replayed = typist.type("replay", FLOW, "--refused")
    nothing = typist.type("replay", FLOW)

    assert partly.code == 3
    assert partly.hints[0].endswith(f"`ml-connector runs lines {run} --refused`")
    assert assigned.hints == [f"see what it moves: `ml-connector plan {FLOW} --remap`"]
    assert "account,account=68990,68010,,,,Late freight." in (
        (office.root / "mappings" / f"{FLOW}.csv").read_text()
    )
    assert replayed.code == 0
    assert "1 cells sent" in replayed.err
    assert (nothing.code, nothing.err) == (0, f"Flow {FLOW} has no refused summaries.\n")
    assert typist.type("runs", "lines", run, "-o", "json").json == []


def test_faulty_rule_is_not_assigned(office: Any, typist: Any) -> None:
    """A rule of an unknown dimension leaves the mapping file as it was."""
    path = office.root / "mappings" / f"{FLOW}.csv"
    before = path.read_bytes()

    refused = typist.type("unmapped", "assign", FLOW, "no_dimension", "account=1", "1")

    assert refused.code == 2
    assert "no_dimension" in refused.err
    assert path.read_bytes() == before


def test_unmapped_values_hold_their_period_back(office: Any, typist: Any) -> None:
    """Without a rule nothing of the period is sent: exit 3, what it is about, how to mend it."""
    office.map("entity,entity=*,{entity}", "account,account=6*,{account}", "cost_centre,,120")

    held = typist.type("run", FLOW)
    unmapped = typist.type("unmapped", "list", FLOW)
    rows = typist.type("unmapped", "list", FLOW, "-o", "json").json

    assert held.code == 3
    assert re.search(r"Sep 26 is held back: no rule takes \d+ account combinations", held.err)
    assert held.hints == [f"see what no rule takes: `ml-connector unmapped list {FLOW}`"]
    assert office.company.cells() == {}
    assert unmapped.hints == [
        f"add a rule: `ml-connector unmapped assign {FLOW} account account=VALUE MEMBER`"
    ]
    assert {row["dimension"] for row in rows} == {"account"}
    assert all(row["currency"] == "USD" for row in rows)


def test_imported_rules_replace_the_file_once_they_are_valid(
    office: Any, typist: Any, tmp_path: Path
) -> None:
    """Faulty rules leave the old ones; valid ones are counted, and the plan shows what moves."""
    path = office.root / "mappings" / f"{FLOW}.csv"
    before = path.read_bytes()
    faulty, good = tmp_path / "faulty.csv", tmp_path / "good.csv"
    faulty.write_text("dimension,when,target\naccnt,account=1,1\n")
    good.write_bytes(before.replace(b"{entity}", b"101"))

    refused = typist.type("mappings", "import", FLOW, str(faulty))
    kept = path.read_bytes()
    missing = typist.type("mappings", "import", FLOW, str(tmp_path / "none.csv"))
    imported = typist.type("mappings", "import", FLOW, str(good))

    assert refused.code == missing.code == 2
    assert kept == before
    assert imported.code == 0
    assert "now holds the 3 rules" in imported.err
    assert typist.type("mappings", "test", FLOW, "entity=103", "-o", "json").json[0]["member"] == (
        "101"
    )


@pytest.mark.exhaustive
def test_backfill_reads_periods_whole_again(office: Any, typist: Any) -> None:
    """A named period is read whatever the archive holds; without one the command is refused."""
    typist.type("run", FLOW)

    again = typist.type("backfill", FLOW, "--period", "Oct-26", "-o", "json")
    run = typist.type("runs", "show", again.json["run"], "-o", "json").json
    refused = typist.type("backfill", FLOW)

    assert again.code == 0
    assert again.json["periods"] == ["Oct 26"]
    assert any(step["name"].startswith("backfill: batches") for step in run["steps"])
    assert refused.code == 2


@pytest.mark.exhaustive
def test_reconcile_compares_and_sends_nothing(office: Any, typist: Any) -> None:
    """A cell edited in the model is found: exit 4, the difference named, nothing sent."""
    typist.type("run", FLOW)
    sound = typist.type("reconcile", FLOW, "--period", "Oct-26")
    starts = len(office.company.starts())
    edited = edit_cell(office, "Oct 26")

    untied = typist.type("reconcile", FLOW, "--period", "Oct-26")

    assert sound.code == 0
    assert untied.code == 4
    assert "1.11" in untied.out
    assert any(edited in line for line in untied.err.splitlines())
    assert "ended as: unexplained difference." in untied.err
    assert "plan actuals-fusion --against model" in untied.hints[0]
    assert len(office.company.starts()) == starts


def edit_cell(office: Any, period: str) -> str:
    """Somebody adds 1.11 to a cell of the model; returns its account."""
    cells = office.company.cells()
    key = next(key for key in sorted(cells) if period in key)
    names = {
        axis: its["code"] if isinstance(its, dict) else its for axis, its in json.loads(key).items()
    }
    office.company.model(
        "edit_cell", module="Actuals", coordinates=names, value=str(Decimal(cells[key]) + MOVED)
    )
    return str(names["Accounts"])


@pytest.mark.exhaustive
def test_retry_starts_anew_with_the_same_scope(office: Any, typist: Any) -> None:
    """The second run asks for what the first asked for, under an id of its own."""
    first = typist.type("run", FLOW, "--period", "Oct-26", "-o", "json").json

    second = typist.type("retry", first["run"], "-o", "json").json

    assert second["run"] != first["run"]
    assert second["periods"] == first["periods"] == ["Oct 26"]


@pytest.mark.exhaustive
def test_model_is_taken_at_its_word_when_asked(office: Any, typist: Any) -> None:
    """After an edit, `--against model` shows what would be sent on top of what is there."""
    typist.type("run", FLOW)
    edit_cell(office, "Oct 26")

    looked = typist.type("plan", FLOW, "--against", "model", "-o", "json").json
    wrong = typist.type("plan", FLOW, "--against", "memory")

    assert looked["cells"] == 1
    assert wrong.code == 2
