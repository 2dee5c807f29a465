"""A month end as people live it on the pages, played in a real browser on the sandbox.

Anna prepares, Ben approves. Each scene is left standing on its page: a test goes on from it, the
screenshots are taken of it.
"""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.browsing import opened_browser, serving_pages
from scripts.lost_replies.projects import change_yaml
from scripts.lost_replies.stage import LINES, Stage
from scripts.sandbox_servers import running_sandbox

from ml_connector.ports import Role
from ml_connector.wiring import open_house, write_sandbox_project

PASSWORD = "halden works since 1921"  # noqa: S105 - of people who do not exist.
ANNA, BEN = "anna", "ben"
CONNECTION = "fusion-sandbox"
FLOW, BUDGET_FLOW = "actuals-fusion", "budgets-jde"
LEDGER = "Halden US"
LATE_PERIOD = "Sep-26"
FIRST_MONTH = "2026-08"
SCHEDULES = {
    "actuals-at-dawn": {"cron": "0 5 * * MON-FRI"},
    "actuals-of-the-close": {"working_day": "WD+2 06:00"},
    "actuals-when-closed": {"on": "period-closed"},
}
"""When the flow runs by itself; none of it is due while the story is played."""
MISTAKE = "account,account=6899*,69990,,,,Late accruals share one account.\n"
"""A rule whose member the model does not have: nobody has noticed it yet."""
MONTHS = ("Oct 26", "Nov 26")
ACCOUNTS = """
SELECT trim(MCU), trim(OBJ) FROM F0901 WHERE trim(CO) = '00077' AND trim(PEC) = ''
AND trim(SUB) = '' AND trim(OBJ) BETWEEN '8000' AND '8999' ORDER BY 1, 2 LIMIT 4
"""
RUN_MS_MAX = 240_000
"""Longest wait for a run, on a machine that has much else to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A page as somebody sees it at that moment."""

    name: str
    page: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The project served, over its sandbox, and a browser for its people."""

    url: str
    root: Path
    stage: Stage
    books: Path
    browser: Any

    def sign_in(self, name: str, **look: Any) -> Any:
        """A page of somebody who has signed in, in a browser of their own."""
        page = self.browser.new_context(**look).new_page()
        page.goto(self.url)
        page.fill("#name", name)
        page.fill("#password", PASSWORD)
        page.click("button.main")
        return page

    def go(self, page: Any, path: str) -> None:
        """The page is at this path."""
        page.goto(f"{self.url}{path}")


@contextmanager
def opened_house(folder: Path) -> Iterator[House]:
    """A month end about to begin: nothing was ever loaded, and one rule is wrong."""
    with ExitStack() as stack:
        urls = stack.enter_context(running_sandbox(folder / "sandbox", lines=LINES))
        root = folder / "project"
        write_sandbox_project(root, **{f"{name}_url": url for name, url in urls.items()})
        _shorten(root)
        with open_house(root) as house:
            for name, roles in {
                ANNA: [Role.OPERATOR, Role.MAPPER],
                BEN: [Role.APPROVER],
                "chief": list(Role),
            }.items():
                house.add_person(
                    name, password=PASSWORD, roles=roles, display_name=f"{name.title()} Halden"
                )
        yield House(
            url=stack.enter_context(serving_pages(root)), root=root, stage=Stage(urls=urls),
            books=folder / "sandbox" / "jde.sqlite", browser=stack.enter_context(opened_browser()),
        )  # fmt: skip


def play(house: House, **look: Any) -> Iterator[Scene]:
    """Yield the scenes of the month end, one after the other."""
    anna, ben = house.sign_in(ANNA, **look), house.sign_in(BEN, **look)
    yield from _connect(house, anna)
    yield from _map(house, anna)
    yield from _run(house, anna)
    yield from _mend(house, anna)
    yield from _reconcile(house, ben)
    yield from _write_back(house, anna, ben)


def _connect(house: House, page: Any) -> Iterator[Scene]:
    house.go(page, "connections/")
    page.get_by_role("link", name=CONNECTION).click()
    page.get_by_role("button", name="Test it now").click()
    page.locator("main .facts .chip:not(.idle)").wait_for(timeout=RUN_MS_MAX)
    yield Scene(name="connection", page=page)


def _map(house: House, page: Any) -> Iterator[Scene]:
    house.go(page, f"mapping/{FLOW}/")
    page.get_by_role("button", name="Change the rules here").click()
    page.get_by_text("The records keep these rules").wait_for()
    yield Scene(name="mapping", page=page)


def _run(house: House, page: Any) -> Iterator[Scene]:
    for flow in ("dimensions-fusion", FLOW):
        start(house, page, flow)
        yield Scene(name=f"run-{flow}", page=page)
        assert await_run(page) == "succeeded", page.inner_text("main")
    house.stage.do("fusion", "late_journals")
    start(house, page, FLOW)
    assert await_run(page) == "partly succeeded", page.inner_text("main")
    yield Scene(name="run", page=page)


def _mend(house: House, page: Any) -> Iterator[Scene]:
    house.go(page, "refused/")
    yield Scene(name="refused", page=page)
    house.go(page, f"mapping/{FLOW}/rule/")
    page.select_option("#dimension", "account")
    page.fill("#when", "account=68990")
    page.fill("#target", "68990")
    page.fill("#comment", "Late accruals have their own account.")
    page.get_by_role("button", name="Save as a new version").click()
    house.go(page, "refused/")
    page.locator("main td a").first.click()
    yield Scene(name="refused-cause", page=page)
    page.get_by_role("button", name=re.compile("^Replay all")).click()
    assert await_run(page) == "succeeded", page.inner_text("main")


def _reconcile(house: House, page: Any) -> Iterator[Scene]:
    house.go(page, "")
    yield Scene(name="close", page=page)
    house.go(page, f"reconciliation/?flow={FLOW}")
    yield Scene(name="reconciliation", page=page)
    page.get_by_role("link", name=LATE_PERIOD).first.click()
    page.fill("#comment", "Late accruals of September are in.")
    yield Scene(name="reconciliation-period", page=page)
    page.get_by_role("button", name=f"Sign {LATE_PERIOD}").click()
    page.locator(".said.holds").wait_for()


def _write_back(house: House, anna: Any, ben: Any) -> Iterator[Scene]:
    house.stage.do("anaplan", "fill_budget", cells=_list_budget(house.books))
    start(house, anna, BUDGET_FLOW)
    assert await_run(anna) == "waiting for approval", anna.inner_text("main")
    house.go(ben, "plans/")
    yield Scene(name="plans", page=ben)
    ben.locator("main td a").first.click()
    ben.fill("#reason", "As agreed with the cost centres.")
    yield Scene(name="plan", page=ben)
    ben.get_by_role("button", name="Approve").click()
    assert await_run(ben) == "succeeded", ben.inner_text("main")
    house.go(ben, "postings/")
    yield Scene(name="postings", page=ben)


def start(house: House, page: Any, flow: str) -> None:
    """A run of the flow was asked for on its page; its own page is shown."""
    house.go(page, f"flows/{flow}/")
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url("**/runs/**")


def await_run(page: Any) -> str:
    """How the run shown ended; the page renews itself until then."""
    chip = page.locator("#live .facts .chip:not(.busy)").first
    chip.wait_for(timeout=RUN_MS_MAX)
    return str(chip.inner_text())


def _shorten(root: Path) -> None:
    """A quarter of one ledger is enough for a story; the mistake is in its rules."""
    change_yaml(root / "flows" / f"{FLOW}.yaml", ledgers=[LEDGER], first_month=FIRST_MONTH)
    (root / "schedules").mkdir(exist_ok=True)
    for name, when in SCHEDULES.items():
        content = {"flow": FLOW, "when": when, "zone": "Europe/Berlin", "enabled": True}
        # What is JSON is YAML too.
        (root / "schedules" / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")
    path = root / "mappings" / f"{FLOW}.csv"
    header, _, rules = path.read_text(encoding="utf-8").partition("\n")
    path.write_text(f"{header}\n{MISTAKE}{rules}", encoding="utf-8")


def _list_budget(books: Path) -> list[dict[str, str]]:
    """A first budget of some accounts of one company, as planners would enter it."""
    with closing(sqlite3.connect(f"file:{books}?mode=ro", uri=True)) as tables:
        accounts = tables.execute(ACCOUNTS).fetchall()
    return [
        {"company": "00077", "business_unit": unit, "account": account, "period": month,
         "amount": f"{4800 + 25 * number}.00"}
        for unit, account in accounts
        for number, month in enumerate(MONTHS)
    ]  # fmt: skip
