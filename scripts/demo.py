"""The demo: two ERPs into one planning model, on the sandbox, as a controller sees it.

Starts the sandbox, writes a project folder, and then types the product's own commands. Everything
is left in the folder `demo/` to look around in; running it again begins anew.
"""

import csv
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn
from urllib.request import Request, urlopen

from scripts.sandbox_servers import SYSTEMS, running_sandbox

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo"
PROJECT = DEMO / "project"
SANDBOX = DEMO / "sandbox"
FLOW = "actuals-fusion"
JDE_FLOW = "actuals-jde"
BUDGET_FLOW = "budgets-jde"
LIST_FLOW = "suppliers-fusion"
SUPPLIER_FLOW = "supplier-revisions-fusion"
MISTAKE = "account,account=6899*,69990,,,,Late accruals share one account.\n"
"""A rule with a member the model does not have: what a controller finds on a bad morning."""
CELLS_SHOWN_MAX = 12
MONTHS = ("Oct 26", "Nov 26", "Dec 26")
"""Months of the budget, which are periods 10 to 12 of company 00001 and 1 to 3 of 00077."""
RAISED = Decimal("1.05")
"""What planners raise the budget of 00001 by."""
REVISED = [
    {"code": "10005", "values": {"Alias": "ACME", "Customer Number": "000042"}},
    {"code": "10011", "values": {"Corporate Website": "www.example.com"}},
    {"code": "10017", "values": {"Inactive Date": "2027-12-31"}},
]
REVISED_AGAIN = [{"code": "10005", "values": {"Alias": "ACME-US"}}]
"""What planners write into the model, by the headers of its export."""
CHANGED_IN_FUSION = {"SupplierNumber": "10005", "Alias": "ACM"}
"""What somebody changes in Fusion in the meantime."""
LINES = 12_000
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
    with running_sandbox(SANDBOX, lines=LINES) as servers:
        play_fusion(servers)
        play_jde(servers)
        play_budget(servers)
        play_suppliers(servers)
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


def play_budget(servers: dict[str, str]) -> None:
    """The way back: an approved budget becomes journals, and a second version its difference."""
    chapter("Planners have approved the last quarter's budget of two companies")
    cells = read_budget()
    call_sandbox(servers["anaplan"], "fill_budget", cells=cells)
    tell(f"  {len(cells)} cells of the model's version Budget")
    chapter("F6: what does the ledger lack? Nothing is posted by a plan")
    run("plan", BUDGET_FLOW, *project())
    chapter("A run waits for somebody else than its maker")
    run("run", BUDGET_FLOW, *project(), expect=5)
    run("approvals", "approve", waiting_plan(), "--reason", "I made it.", *project(), expect=5)
    chapter("One person plays this demo: the flow is told to ask nobody, and posts")
    ask_nobody(BUDGET_FLOW)
    run("run", BUDGET_FLOW, *project())
    chapter(
        "R09801 posts the journals; planners change one cell; its difference is posted, no more"
    )
    post_journals(servers["jde"])
    cells[0] |= {"amount": str(Decimal(cells[0]["amount"]) + 100)}
    call_sandbox(servers["anaplan"], "fill_budget", cells=cells)
    run("run", BUDGET_FLOW, *project())
    run("postings", "list", *project())
    run("run", BUDGET_FLOW, *project())
    verify_sessions_ended(servers["jde"])


def play_suppliers(servers: dict[str, str]) -> None:
    """Suppliers go both ways, and nobody's work is overwritten."""
    chapter("F4: Fusion's suppliers, some inactive, become a list of the model")
    run("run", LIST_FLOW, *project())
    chapter("Planners revise three suppliers")
    call_sandbox(servers["anaplan"], "revise_suppliers", suppliers=REVISED)
    ask_nobody(SUPPLIER_FLOW)
    chapter("F5: only what the model alone has moved goes back; everything written is read again")
    run("run", SUPPLIER_FLOW, *project())
    run("postings", "list", "--flow", SUPPLIER_FLOW, *project())
    chapter("Both sides move one supplier apart: a conflict is shown, never overwritten")
    call_sandbox(servers["anaplan"], "revise_suppliers", suppliers=REVISED_AGAIN)
    call_sandbox(servers["fusion"], "change_supplier", **CHANGED_IN_FUSION)
    run("run", SUPPLIER_FLOW, *project(), expect=3)
    chapter("A person decides for the model")
    run("run", SUPPLIER_FLOW, "--take", CHANGED_IN_FUSION["SupplierNumber"], *project())
    run("run", SUPPLIER_FLOW, *project())


def read_budget() -> list[dict[str, str]]:
    """The plan that 00001 holds already, raised, and a first one of some accounts of 00077.

    Looked up in the sandbox's own tables, where amounts are whole hundredths; the model shows
    revenue turned.
    """
    raised = (
        ("00001", unit, account, [Decimal(amount) / 100 * RAISED for amount in amounts])
        for unit, account, *amounts in ask_books(
            "SELECT trim(a.MCU), trim(a.OBJ), AN10, AN11, AN12 FROM F0902 b JOIN F0901 a"
            " ON a.AID = b.AID WHERE b.LT = 'BA' AND b.FY = 26 AND trim(b.CO) = '00001'"
            " AND trim(a.SUB) = '' ORDER BY 1, 2"
        )
    )
    first = (
        ("00077", unit, account, [Decimal(4800 + 25 * number) for number in range(3)])
        for unit, account in ask_books(
            "SELECT trim(MCU), trim(OBJ) FROM F0901 WHERE trim(CO) = '00077' AND trim(PEC) = ''"
            " AND trim(SUB) = '' AND trim(OBJ) BETWEEN '8000' AND '8999' ORDER BY 1, 2 LIMIT 4"
        )
    )
    return [
        {"company": company, "business_unit": unit, "account": account, "period": month,
         "amount": f"{-amount if account.startswith('4') else amount:.2f}"}
        for company, unit, account, amounts in (*raised, *first)
        for month, amount in zip(MONTHS, amounts, strict=True)
    ]  # fmt: skip


def ask_books(sql: str) -> list[Any]:
    """Rows of the sandbox's JD Edwards, behind everybody's back."""
    with closing(sqlite3.connect(f"file:{SANDBOX / 'jde.sqlite'}?mode=ro", uri=True)) as tables:
        return tables.execute(sql).fetchall()


def waiting_plan() -> str:
    """The plan that waits for people, read from the product's own listing."""
    return read_listing("approvals", "list")["Plan"]


def ask_nobody(flow: str) -> None:
    """The flow writes without an approval from now on."""
    path = PROJECT / "flows" / f"{flow}.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(?m)^approval: .*$", "approval: {people: 0}", text), encoding="utf-8")


def post_journals(jde_url: str) -> None:
    """Every budget journal that waits is posted, as R09801 would."""
    waiting = "SELECT DISTINCT ICU FROM F0911 WHERE LT = 'BA' AND POST <> 'P' AND trim(R2) <> ''"
    for (number,) in ask_books(waiting):
        call_sandbox(jde_url, "post_batch", batch=f"G-{number}")
        tell(f"  batch G-{number} is posted")


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
    return read_listing("runs", "list", "--limit", "1")["Run"]


def read_listing(*arguments: str) -> dict[str, str]:
    """The first row of a listing by column title."""
    listing = subprocess.run(
        [*COMMAND, *arguments, "-o", "csv", *project()], check=True, capture_output=True, text=True
    ).stdout
    return next(iter(csv.DictReader(listing.splitlines())))


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
