"""Commands that only look: every listing in four forms, data on stdout and nothing else there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FLOW = "actuals-fusion"
LISTINGS = [
    ("status",),
    ("runs", "list"),
    ("runs", "show", "LAST"),
    ("runs", "lines", "LAST"),
    ("trace", "68010"),
    ("mappings", "test", FLOW, "account=68990", "cost_centre=120", "entity=101"),
    ("mappings", "coverage", FLOW),
    ("mappings", "diff", FLOW, "OTHER"),
    ("mappings", "history", FLOW),
    ("unmapped", "list", FLOW),
    ("connections", "list"),
    ("connections", "test", "fusion-sandbox"),
    ("secrets", "list"),
    ("config", "show", "--origin"),
    ("discover",),
    ("doctor",),
]


@pytest.fixture
def typed(archive_desk: Any, tmp_path: Path) -> Any:
    """Types a listing; LAST stands for the newest run, OTHER for other rules."""

    def fill(word: str) -> str:
        if word == "LAST":
            return str(archive_desk.type("runs", "list", "-o", "json").json[0]["run"])
        if word == "OTHER":
            other = tmp_path / "other.csv"
            other.write_text("dimension,when,target\naccount,account=1,2\n")
            return str(other)
        return word

    return lambda words, *more: archive_desk.type(*map(fill, words), *more)


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_listing_is_the_same_in_every_form(typed: Any, words: tuple[str, ...]) -> None:
    """JSON, CSV and markdown hold the same rows; text holds every row's first cell."""
    as_json, as_csv = typed(words, "--output", "json"), typed(words, "--output", "csv")
    as_text = typed(words)
    rows = as_json.json["steps"] if isinstance(as_json.json, dict) else as_json.json

    assert {as_json.code, as_csv.code, as_text.code} == {0}
    assert len(as_csv.csv) == len(rows)
    if words == ("unmapped", "list", FLOW):
        assert rows == []
        assert (as_text.out, as_text.err) == ("", "Every line that was placed is mapped.\n")
        return
    assert rows
    assert all(next(iter(row.values())) in as_text.out for row in as_csv.csv)
    if words[:2] != ("runs", "show"):
        assert len(typed(words, "--output", "markdown").markdown) == len(rows) + 1


def test_status_says_where_each_flow_stands(archive_desk: Any) -> None:
    """One row per flow: its last run, what it owes the model, what was refused."""
    rows = {row["flow"]: row for row in archive_desk.type("status", "-o", "json").json}

    assert rows[FLOW]["state"] == "partly succeeded"
    assert (rows[FLOW]["periods_owed"], rows[FLOW]["refused"]) == (1, 1)
    assert rows["dimensions-fusion"]["state"] == "succeeded"
    assert rows["actuals-append-fusion"]["last_run"] == ""


def test_runs_are_listed_newest_first_and_by_flow(archive_desk: Any) -> None:
    """The history is cut by flow and by number."""
    every = archive_desk.type("runs", "list", "-o", "json").json
    newest = archive_desk.type("runs", "list", "--limit", "1", "-o", "json").json
    dimensions = archive_desk.type("runs", "list", "--flow", "dimensions-fusion", "-o", "json").json

    assert [row["flow"] for row in every] == [FLOW, FLOW, "dimensions-fusion"]
    assert newest == every[:1]
    assert dimensions == every[2:]


def test_run_is_found_by_the_beginning_of_its_id(archive_desk: Any) -> None:
    """An unambiguous prefix will do; an ambiguous one names what it fits."""
    newest = archive_desk.type("runs", "list", "-o", "json").json[0]["run"]

    found = archive_desk.type("runs", "show", newest[:-1], "-o", "json")
    ambiguous = archive_desk.type("runs", "show", newest[:4])
    unknown = archive_desk.type("runs", "show", "999999")

    assert found.json["run_id"] == newest
    assert found.json["state"] == "partly succeeded"
    assert ambiguous.code == unknown.code == 2
    assert newest in ambiguous.err
    assert newest in unknown.err


def test_shown_run_ends_with_its_tie_out_and_the_next_command(archive_desk: Any) -> None:
    """Steps, amounts by ledger and period, the last sentence, what to type next."""
    newest = archive_desk.type("runs", "list", "-o", "json").json[0]["run"]

    shown = archive_desk.type("runs", "show", newest)

    assert "preflight" in shown.out
    assert re.search(r"Halden US +Sep-26 +USD", shown.out)
    assert f"Run {newest} of {FLOW} ended as: partly succeeded." in shown.err
    (hint,) = shown.hints
    assert hint.endswith(f"`ml-connector runs lines {newest} --refused`")


def test_refused_summary_is_joined_to_its_journal_line(archive_desk: Any) -> None:
    """The reason of the model stands beside batch, journal, line and amount of the ledger."""
    newest = archive_desk.type("runs", "list", "-o", "json").json[0]["run"]

    (row,) = archive_desk.type("runs", "lines", newest, "--refused", "-o", "json").json

    assert "69990" in row["intersection"]
    assert "69990" in row["reason"]
    assert row["account_combination"] == "101.30.68990.120.000.000"
    assert (row["debit"], row["credit"], row["currency"]) == ("4812.35", "0", "USD")
    assert row["batch"]
    assert row["journal"]


def test_amounts_show_their_currency_and_its_decimals(archive_desk: Any) -> None:
    """Text groups thousands and aligns right; CSV and JSON carry plain digits."""
    text = archive_desk.type("mappings", "coverage", FLOW).out.splitlines()
    as_json = archive_desk.type("mappings", "coverage", FLOW, "-o", "json").json

    amounts = [re.search(r"[\d,]+\.\d\d$", line) for line in text[2:]]
    assert all(amounts)
    assert len({len(line) for line in text[2:]}) == 1
    assert all(re.fullmatch(r"\d+(\.\d{1,2})?", row["debit"]) for row in as_json)
    assert {row["currency"] for row in as_json} == {"USD"}


def test_mapping_test_names_the_rule_that_decides_and_the_loser(archive_desk: Any) -> None:
    """The deciding rule stands by its line; the other says why it lost."""
    rows = archive_desk.type(
        "mappings", "test", FLOW, "account=68990", "cost_centre=120", "entity=101", "-o", "json"
    ).json

    accounts = [row for row in rows if row["dimension"] == "account"]
    assert [row["member"] for row in accounts] == ["69990", "{account}"]
    assert accounts[0]["rule"] == "line 2: account=6899*"
    assert accounts[0]["why_it_lost"] == ""
    assert accounts[1]["why_it_lost"]


def test_facts_of_a_mapping_test_are_name_and_value(archive_desk: Any) -> None:
    """A fact without a value is refused with an example."""
    refused = archive_desk.type("mappings", "test", FLOW, "account")

    assert refused.code == 2
    assert "'account' is not NAME=VALUE." in refused.err
    assert refused.hints == ["Write facts as account=68010 cost_centre=120."]


def test_exported_rules_are_the_file_and_no_difference(archive_desk: Any, tmp_path: Path) -> None:
    """What `export` prints, `diff` finds equal to the flow's own rules."""
    exported = tmp_path / "rules.csv"
    exported.write_text(archive_desk.type("mappings", "export", FLOW).out)

    same = archive_desk.type("mappings", "diff", FLOW, str(exported))

    assert (same.code, same.out, same.err) == (0, "", "The rules are the same.\n")


def test_trace_finds_batch_account_task_and_run(archive_desk: Any) -> None:
    """Whatever key somebody has in hand leads to where it is known."""
    newest = archive_desk.type("runs", "list", "-o", "json").json[0]["run"]
    batch = archive_desk.type("runs", "lines", newest, "-o", "json").json[0]["batch"]
    by_run = archive_desk.type("trace", newest, "-o", "json").json
    task = re.search(r"task ([0-9A-F]{32})", " ".join(row["what"] for row in by_run))
    assert task is not None

    def places(key: str) -> set[str]:
        return {row["where"] for row in archive_desk.type("trace", key, "-o", "json").json}

    assert {"loads of actuals-fusion"} < places(newest)
    assert {"archive of fusion-sandbox"} <= places(batch)
    assert {"loads of actuals-fusion"} < places(task[1])
    assert places("68010") == {"lines of actuals-fusion"}
    assert "refused summaries of actuals-fusion" in places("69990")


def test_trace_of_an_unknown_key_says_so(archive_desk: Any) -> None:
    """Nothing known is told on stderr and by the exit code; stdout stays empty."""
    unknown = archive_desk.type("trace", "no-such-key")

    assert (unknown.code, unknown.out) == (1, "")
    assert "Nothing is known of 'no-such-key'." in unknown.err


def test_audit_chain_verifies_and_exports(archive_desk: Any, tmp_path: Path) -> None:
    """The number of links told is the number of lines exported, to a file or to stdout."""
    links = archive_desk.type("audit", "verify", "-o", "json").json["links"]
    file = tmp_path / "chain.jsonl"
    to_file = archive_desk.type("audit", "export", str(file))
    to_stdout = archive_desk.type("audit", "export")

    assert to_file.out == ""
    assert file.read_text() == to_stdout.out
    assert [json.loads(line)["number"] for line in to_stdout.out.splitlines()] == [
        *range(1, links + 1)
    ]


def test_doctor_finds_the_sandbox_fit(archive_desk: Any) -> None:
    """Both connections and all flows are looked at; nothing fails."""
    rows = archive_desk.type("doctor", "-o", "json").json

    assert {row["state"] for row in rows} <= {"ok", "warning"}
    assert {row["where"] for row in rows} == {
        "anaplan-sandbox", "fusion-sandbox", "actuals-append-fusion", "actuals-entered-fusion",
        FLOW, "dimensions-fusion", "suppliers-fusion", "supplier-revisions-fusion",
    }  # fmt: skip


def test_discover_names_what_flows_may_name(archive_desk: Any) -> None:
    """Ledgers of the ERP, actions and lists of the model, with their ids; one side on request."""
    both = archive_desk.type("discover", "-o", "json").json
    erp = archive_desk.type("discover", "fusion-sandbox", "-o", "json").json

    kinds = {row["kind"] for row in both}
    assert {"ledger", "list", "module", "import", "export", "process", "file"} <= kinds
    assert all(row["id"] for row in both if row["kind"] in ("ledger", "import"))
    assert {row["connection"] for row in erp} == {"fusion-sandbox"}


def test_project_is_found_from_below(archive_desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --project: the folder one is in, or the one the environment names."""
    monkeypatch.chdir(archive_desk.project / "flows")
    below = archive_desk.type("runs", "list", "-o", "json", cwd=True)
    monkeypatch.chdir("/")
    monkeypatch.setenv("ML_CONNECTOR_PROJECT", str(archive_desk.project))
    named = archive_desk.type("runs", "list", "-o", "json", cwd=True)

    assert below.json == named.json
    assert below.json


@pytest.mark.exhaustive
def test_reader_that_goes_away_ends_the_command_quietly(archive_desk: Any) -> None:
    """`… | head -1` leaves no traceback."""
    command = [sys.executable, "-m", "ml_connector", "trace", "68010", "--project"]
    done = subprocess.run(
        ["bash", "-c", '"$@" | head -1', "bash", *command, str(archive_desk.project)],
        env={**os.environ, "NO_COLOR": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_period_is_signed_by_another_proved_offline_and_taken_back(
    archive_desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever made the runs signs nothing; the pack of the period is verified, and one cut is not.

    Stopping a run that has ended is refused in words.
    """
    place = ("sign-off", FLOW, "Sep-26", "--ledger", "Halden US", "--comment", "Tied out.")
    own = archive_desk.type(*place)
    monkeypatch.setattr("ml_connector.wiring.house.find_account", lambda: "bea@ledger-host")
    signed = archive_desk.type(*place, "--output", "json")
    pack = tmp_path / "pack.zip"
    made = archive_desk.type(
        "evidence", "make", FLOW, "Sep-26", "--ledger", "Halden US", "--out", str(pack)
    )
    key = archive_desk.type("evidence", "key", "--output", "json").json["fingerprint"]
    verified = archive_desk.type("evidence", "verify", str(pack), "--key", key)
    strange = archive_desk.type("evidence", "verify", str(pack), "--key", "0" * 64)
    pack.write_bytes(pack.read_bytes()[:-200])
    cut = archive_desk.type("evidence", "verify", str(pack))
    (row,) = archive_desk.type("sign-offs", "list", "--output", "json").json
    taken = archive_desk.type("sign-offs", "withdraw", row["id"], "--reason", "Too early.")
    last = archive_desk.type("runs", "list", "-o", "json").json[0]["run"]
    stopped = archive_desk.type("runs", "stop", last)

    assert own.code == 5
    assert [signed.code, made.code, verified.code, taken.code] == [0] * 4
    assert (strange.code, cut.code) == (4, 2)
    assert "none changed, added or removed" in verified.err
    assert (row["ledger_or_company"], row["period"]) == ("Halden US", "Sep-26")
    assert (row["signed_by"], row["state"]) == ("bea@ledger-host", "signed")
    assert "not signed any more" in taken.err
    assert (stopped.code, last in stopped.err) == (2, True)
