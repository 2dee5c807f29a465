"""The demo: a company's ledgers into its planning model, on the sandbox, as a controller sees it.

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
FLOW = "actuals-fusion"
MISTAKE = "account,account=6899*,69990,,,,Late accruals share one account.\n"
"""A rule with a member the model does not have: what a controller finds on a bad morning."""
START_WAIT_S = 60.0
COMMAND = (sys.executable, "-m", "ml_connector")


def main() -> None:
    """The whole demo; leaves with 1 and says where when a step does not hold."""
    began = time.monotonic()
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir()
    tell(
        "Starting the sandbox: a Fusion ERP and an Anaplan tenant of one company, on this machine."
    )
    with subprocess.Popen(
        [sys.executable, "-m", "ml_connector.sandbox", "--state", str(DEMO / "sandbox"),
         "--exit-with-stdin"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as sandbox:  # fmt: skip
        try:
            assert sandbox.stdout is not None
            play(json.loads(sandbox.stdout.readline()))
        finally:
            sandbox.terminate()
    tell(
        f"Done in {time.monotonic() - began:.0f} seconds. The project folder is {PROJECT};"
        " start the sandbox again with\n"
        "    ml-connector sandbox --state demo/sandbox\n"
        "and look around:\n"
        f"    cd {name_project()}\n"
        "    ml-connector status · runs list · runs show RUN · trace 68990 · audit verify\n"
        "Next: docs/start/ for real systems, docs/guides/anaplan-model-checklist.md for the model."
    )


def play(servers: dict[str, str]) -> None:
    """The story, command by command."""
    chapter("A project folder, as `init` writes it")
    run("init", str(PROJECT), "--sandbox", servers["fusion"], servers["anaplan"])
    break_mapping()
    chapter("Doctor: is everything there that a run relies on?")
    run("doctor", *project())
    chapter("Discover: what can be named in a flow?")
    run("discover", "anaplan-sandbox", *project(), show=12)
    chapter("F1: accounts, cost centres, entities and currencies, parents first")
    run("run", "dimensions-fusion", *project())
    chapter("F2: every posted journal line of three years becomes planning cells, and ties out")
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
    chapter("Proof: where account 68990 is known, and the audit chain")
    run("trace", "68990", *project(), show=12)
    run("audit", "verify", *project())
    run("status", *project())


def name_project() -> Path:
    """The project's folder as the reader would type it."""
    here = Path.cwd()
    return PROJECT.relative_to(here) if PROJECT.is_relative_to(here) else PROJECT


def project() -> tuple[str, str]:
    """The option that names the demo's project."""
    return ("--project", str(PROJECT))


def break_mapping() -> None:
    """The mapping gets the mistake that a later chapter mends."""
    path = PROJECT / "mappings" / f"{FLOW}.csv"
    header, _, rules = path.read_text(encoding="utf-8").partition("\n")
    path.write_text(f"{header}\n{MISTAKE}{rules}", encoding="utf-8")


def post_late(fusion_url: str) -> None:
    """Late journals are posted in the sandbox's Fusion."""
    request = Request(f"{fusion_url}/__sandbox/late_journals", data=b"{}", method="POST")  # noqa: S310 - our own sandbox.
    with urlopen(request) as reply:  # noqa: S310 - our own sandbox.
        posted: dict[str, Any] = json.load(reply)["result"]
    for batch in posted["batches"]:
        amounts = [
            line["debit"] for journal in batch["journals"] for line in journal["lines"]
            if "debit" in line
        ]  # fmt: skip
        tell(f"  {batch['ledger']} {batch['period']}: {batch['BatchName']}, {', '.join(amounts)}")
    value = posted["new_value"]
    tell(f"  new account {value['value']} {value['description']}")


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
