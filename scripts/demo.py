"""The demo: two ERPs into one planning model, on the sandbox, as a controller sees it.

Starts the sandbox, writes a project folder, and then types the product's own commands. Everything
is left in the folder `demo/` to look around in; running it again begins anew.
"""

import csv
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo"
PROJECT = DEMO / "project"
SANDBOX = DEMO / "sandbox"
SYSTEMS = ("fusion", "anaplan", "jde")
FLOW = "actuals-fusion"
JDE_FLOW = "actuals-jde"
MISTAKE = "account,account=6899*,69990,,,,Late accruals share one account.\n"
"""A rule with a member the model does not have: what a controller finds on a bad morning."""
CELLS_SHOWN_MAX = 12
LINES = "12000"
"""Journal lines of both ERPs: enough to look real, few enough for a minute."""
FIRST_MONTH = "2025-01"
"""First month brought into the model, where the template would begin a year earlier."""
COMMAND = (sys.executable, "-m", "ml_connector")


def main() -> None:
    """The whole demo; leaves with 1 and says where when a step does not hold."""
    began = time.monotonic()
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir()
    tell("Starting the sandbox on this machine: Fusion, JD Edwards and Anaplan of one company.")
    with subprocess.Popen(
        [sys.executable, "-m", "ml_connector.sandbox", "--state", str(SANDBOX),
         "--lines", LINES, "--exit-with-stdin"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as sandbox:  # fmt: skip
        try:
            assert sandbox.stdout is not None
            servers = json.loads(sandbox.stdout.readline())
            play_fusion(servers)
            play_jde(servers)
        finally:
            sandbox.terminate()
    tell(
        f"Done in {time.monotonic() - began:.0f} seconds. The project folder is {PROJECT};"
        " start the sandbox again with\n"
        f"    ml-connector sandbox --state {name_place(SANDBOX)} {name_ports(servers)}\n"
        "and look around:\n"
        f"    cd {name_place(PROJECT)}\n"
        "    ml-connector status · runs list · runs show RUN · trace 68990 · trace 8720\n"
        "Next: docs/start/ for real systems, docs/guides/anaplan-model-checklist.md for the model."
    )


def play_fusion(servers: dict[str, str]) -> None:
    """Fusion's story, command by command."""
    chapter("A project folder, as `init` writes it")
    addresses = (servers[name] for name in SYSTEMS)
    run("init", str(PROJECT), "--sandbox", *addresses)
    shorten_history()
    break_mapping()
    chapter("Doctor: is everything there that a run relies on?")
    run("doctor", *project())
    chapter("F1: accounts, cost centres, entities and currencies, parents first")
    run("run", "dimensions-fusion", *project())
    chapter("F2: every posted journal line of two years becomes planning cells, and ties out")
    run("run", FLOW, *project(), show=20)
    chapter("Somebody posts late journals into September, which is closed")
    post_late(servers["fusion"])
    chapter("The next run moves September alone")
    run("run", FLOW, *project(), expect=3)
    chapter("What the model refused, and whose journal lines they are")
    last = newest_run()
    run("runs", "lines", last, "--refused", *project())
    chapter("The mapping is mended, the refused summary replayed")
    run("unmapped", "assign", FLOW, "account", "account=68990", "68990", *project())
    run("replay", FLOW, "--refused", *project())
    chapter("Where account 68990 is known")
    run("trace", "68990", *project(), show=12)


def play_jde(servers: dict[str, str]) -> None:
    """The story of JD Edwards: what no change date shows is found as well."""
    chapter("JD Edwards: reach, log-in, tables, columns, dates")
    run("connections", "test", "jde-sandbox", *project())
    chapter("F1: companies, accounts and business units of JD Edwards")
    run("run", "dimensions-jde", *project())
    chapter("F3: every posted F0911 line of four companies does the same")
    run("run", JDE_FLOW, *project(), show=20)
    chapter("A day passes: something is posted late, something deleted, an account renamed")
    before = read_cells(servers["anaplan"])
    passed = call_sandbox(servers["jde"], "pass_day")
    tell_day(passed)
    chapter("The next run finds all three, though no change date moved")
    run("run", JDE_FLOW, *project(), show=24)
    tell_cells(before, read_cells(servers["anaplan"]))
    chapter("Proof: where the renamed account went, the audit chain, no session left open")
    run("trace", passed["renamed"]["aid"], *project(), show=8)
    run("audit", "verify", *project())
    run("status", *project())
    verify_sessions_ended(servers["jde"])


def name_place(path: Path) -> Path:
    """A path as the reader would type it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def name_ports(servers: dict[str, str]) -> str:
    """Options that give each server the port it had, for the project knows it by that."""
    ports = {name: servers[name].rpartition(":")[2] for name in SYSTEMS}
    return " ".join(f"--{name}-port {port}" for name, port in ports.items())


def project() -> tuple[str, str]:
    """The option that names the demo's project."""
    return ("--project", str(PROJECT))


def shorten_history() -> None:
    """Both flows begin in the demo's first month."""
    for flow in (FLOW, JDE_FLOW):
        path = PROJECT / "flows" / f"{flow}.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("first_month: 2024-01", f"first_month: {FIRST_MONTH}"))


def break_mapping() -> None:
    """The mapping gets the mistake that a later chapter mends."""
    path = PROJECT / "mappings" / f"{FLOW}.csv"
    header, _, rules = path.read_text(encoding="utf-8").partition("\n")
    path.write_text(f"{header}\n{MISTAKE}{rules}", encoding="utf-8")


def post_late(fusion_url: str) -> None:
    """Late journals are posted in the sandbox's Fusion."""
    posted = call_sandbox(fusion_url, "late_journals")
    for batch in posted["batches"]:
        amounts = [
            line["debit"] for journal in batch["journals"] for line in journal["lines"]
            if "debit" in line
        ]  # fmt: skip
        tell(f"  {batch['ledger']} {batch['period']}: {batch['BatchName']}, {', '.join(amounts)}")
    value = posted["new_value"]
    tell(f"  new account {value['value']} {value['description']}")


def tell_day(passed: dict[str, Any]) -> None:
    """What has happened in the sandbox's JD Edwards since yesterday."""
    posted, deleted, renamed = passed["posted"], passed["deleted"], passed["renamed"]
    amounts = ", ".join(posted["amounts"].values())
    before, after = (name_account(renamed[when]) for when in ("before", "after"))
    tell(
        f"  batch {posted['batch']} of company {posted['company']}, keyed days ago, is posted with"
        f" G/L date {posted['gl_date']}: {amounts}\n"
        f"  document {deleted['document']} of batch {deleted['batch']} was never posted; it is"
        " deleted\n"
        f"  account id {renamed['aid']} was {before} and is {after}"
    )


def name_account(parts: dict[str, str]) -> str:
    """Business unit, object and subsidiary as people write them."""
    return ".".join(part for part in parts.values() if part)


def read_cells(anaplan_url: str) -> dict[str, str]:
    """What the module of JD Edwards holds, asked of the sandbox and not of the product."""
    cells = call_sandbox(anaplan_url, "read_cells", module="JDE Actuals")
    return {" / ".join(cell["coordinates"].values()): str(cell["value"]) for cell in cells}


def tell_cells(before: dict[str, str], after: dict[str, str]) -> None:
    """The cells of the model that hold something else than before."""
    moved = sorted(key for key in {*before, *after} if before.get(key, "0") != after.get(key, "0"))
    tell(f"Cells of the model that changed: {len(moved)}.")
    for key in moved[:CELLS_SHOWN_MAX]:
        tell(f"  {key}: {before.get(key, '0')} → {after.get(key, '0')}")
    if len(moved) > CELLS_SHOWN_MAX:
        tell(f"  … {len(moved) - CELLS_SHOWN_MAX} more cells …")


def verify_sessions_ended(jde_url: str) -> None:
    """Every command has signed off: the sandbox's JD Edwards knows no session any more."""
    left = call_sandbox(jde_url, "list_sessions")
    if left:
        fail(f"{len(left)} sessions are left open in JD Edwards.")
    tell("Sessions left open in JD Edwards: 0.")


def call_sandbox(url: str, operation: str, **body: Any) -> Any:
    """The result of something that only the sandbox's side door can do."""
    request = Request(  # noqa: S310 - our own sandbox.
        f"{url}/__sandbox/{operation}", data=json.dumps(body).encode(), method="POST"
    )
    with urlopen(request) as reply:  # noqa: S310 - our own sandbox.
        return json.load(reply)["result"]


def newest_run() -> str:
    """The id of the newest run, read from the product's own listing."""
    listing = subprocess.run(
        [*COMMAND, "runs", "list", "--limit", "1", "-o", "csv", *project()],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return next(iter(csv.DictReader(listing.splitlines())))["Run"]


def run(*arguments: str, expect: int = 0, show: int = 60) -> None:
    """One command, typed out; its output cut to `show` lines; another exit code ends the demo."""
    shown = " ".join(a if " " not in a else f"'{a}'" for a in arguments if a not in project())
    tell(f"$ ml-connector {shown}")
    done = subprocess.run(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = done.stdout.rstrip().splitlines()
    if len(lines) > show:
        kept = max(1, show // 2)
        lines = [*lines[:kept], f"  … {len(lines) - 2 * kept} more lines …", *lines[-kept:]]
    tell("\n".join(lines))
    if done.returncode != expect:
        fail(f"`ml-connector {shown}` left with {done.returncode}, not {expect}.")


def chapter(title: str) -> None:
    """A heading."""
    tell(f"\n── {title} " + "─" * max(3, 92 - len(title)))


def tell(text: str) -> None:
    """A line for the reader, at once."""
    print(text, flush=True)


def fail(text: str) -> NoReturn:
    """The demo does not hold."""
    tell(f"\nThe demo stopped: {text}")
    raise SystemExit(1)


if __name__ == "__main__":
    main()
