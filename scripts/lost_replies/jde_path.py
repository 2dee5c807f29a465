"""Budget journals into JD Edwards: flow F6, and one call of the orchestration for each row."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from scripts.lost_replies.books import (
    AIS,
    AIS_USER,
    COMPANY,
    LEDGER_TYPE,
    browse_accounts,
    browse_ledger,
    read_documents,
)
from scripts.lost_replies.projects import change_yaml, copy_project, order_flow
from scripts.lost_replies.stage import Json, Stage
from scripts.lost_replies.work import Job, Setting, Tool, WritePath

FLOW = "budgets-jde"
ORCHESTRATION = "PLN_PostBudgetJournal"
MONTH, MONTH_ID, LAST_DAY = "Oct 26", "2026-10", "2026-10-31"
LINES_EACH = 2
"""Accounts of one journal."""
REVENUE = "4"
"""First digit of the object accounts whose sign the model turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account and what it is to be given, in the ledger's sign."""

    aid: str
    unit: str
    code: str
    amount: Decimal

    @property
    def cell(self) -> Json:
        """As the planning model shows it."""
        amount = -self.amount if self.code.startswith(REVENUE) else self.amount
        return {
            "company": COMPANY, "account": self.code, "business_unit": self.unit,
            "period": MONTH, "amount": f"{amount:.2f}",
        }  # fmt: skip

    @property
    def line(self) -> Json:
        """As the orchestration takes it."""
        return {"AccountId": self.aid, "Amount": str(self.amount)}


def prepare(setting: Setting, behaviour: str) -> list[list[Account]]:
    """The books are as on the first day; the accounts of each journal that is wanted."""
    stage = setting.stage
    stage.turn("jde", orchestrationBehaviour=behaviour)
    held = {row["AID"] for row in browse_ledger(stage)}
    free = [row for row in browse_accounts(stage) if row["AID"] not in held]
    assert len(free) >= LINES_EACH * setting.writes, "more journals than the company has accounts"
    accounts = [
        _build_account(row, Decimal(100) + Decimal(number) / 100)
        for number, row in enumerate(free[: LINES_EACH * setting.writes])
    ]
    return [accounts[at : at + LINES_EACH] for at in range(0, len(accounts), LINES_EACH)]


def _build_account(row: Json, amount: Decimal) -> Account:
    parts = (row["OBJ"].strip(), row["SUB"].strip())
    code = ".".join(part for part in parts if part)
    return Account(aid=row["AID"].strip(), unit=row["MCU"].strip(), code=code, amount=amount)


def name_wanted(journals: Sequence[Sequence[Account]]) -> Counter[str]:
    """Each journal once, named by its lines as the books name it."""
    return Counter(
        " ".join(sorted(f"{one.aid} {one.amount:.2f}" for one in journal)) for journal in journals
    )


def by_product(behaviour: str, setting: Setting) -> list[Job]:
    """The model's approved view holds what the ledger holds and what is wanted; F6 runs once."""
    journals = prepare(setting, behaviour)
    fill_model(setting.stage, journals)
    project = copy_project(setting)
    change_yaml(
        project / "flows" / f"{FLOW}.yaml",
        ledgers=[f"{COMPANY}/{LEDGER_TYPE}"], first_month=MONTH_ID, last_month=MONTH_ID,
        approval={"people": 0}, lines_max=LINES_EACH,
    )  # fmt: skip
    command = order_flow(setting, project, FLOW, claims="documents")
    return [Job(command=command, wanted=name_wanted(journals))]


def fill_model(stage: Stage, journals: Sequence[Sequence[Account]]) -> None:
    """The approved view shows the ledger as it stands, and the journals besides."""
    known = {row["AID"]: row for row in browse_accounts(stage)}
    held = [
        _build_account(known[row["AID"]], Decimal(str(row["AA"]))) for row in browse_ledger(stage)
    ]
    cells = [one.cell for one in [*held, *(one for journal in journals for one in journal)]]
    stage.do("anaplan", "fill_budget", cells=cells)


def by_dlt(behaviour: str, setting: Setting) -> list[Job]:
    """One row for each journal, with a key of its own that never changes."""
    journals = prepare(setting, behaviour)
    root = setting.stage.urls["jde"]
    rows = [
        {
            "url": f"{root}/jderest/v3/orchestrator/{ORCHESTRATION}", "method": "POST",
            "body": {
                "PlanBatchKey": f"ROW{number:05}", "Company": COMPANY, "LedgerType": LEDGER_TYPE,
                "DocumentType": "BX", "GLDate": LAST_DAY, "Explanation": "Approved budget",
                "Lines": [one.line for one in journal], "ExpectedLines": len(journal),
            },
        }
        for number, journal in enumerate(journals, start=1)
    ]  # fmt: skip
    spec = {
        "rows": rows, "folder": str(setting.folder / "dlt"), "timeout_s": setting.timeout_s,
        "headers": {"jde-AIS-Auth-Device": AIS_USER["deviceName"]},
        "sign_on": {
            "url": f"{root}{AIS}/tokenrequest", "body": AIS_USER, "headers": {},
            "token": ["userInfo", "token"], "header": "jde-AIS-Auth", "prefix": "",
        },
    }  # fmt: skip
    return [Job(command=setting.order("by_dlt", spec), wanted=name_wanted(journals))]


def _build_path(title: str, behaviour: str) -> WritePath:
    return WritePath(
        title=title, system="jde", method="POST", pattern=f"/orchestrator/{ORCHESTRATION}$",
        read=read_documents,
        tools={
            Tool.PRODUCT: partial(by_product, behaviour), Tool.DLT: partial(by_dlt, behaviour),
        },
    )  # fmt: skip


PATHS = (
    _build_path("JD Edwards journal, the orchestration looks for its key", "plain"),
    _build_path("JD Edwards journal, the orchestration does not look", "unchecked"),
)
