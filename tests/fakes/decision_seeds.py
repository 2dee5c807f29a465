"""Something to decide on, planted into a project: a plan, a posting, refused summaries."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ml_connector.domain.journals import Journal, JournalLine
from ml_connector.flows.bench import store_document
from ml_connector.flows.writing.journals import render_journal
from ml_connector.ports import (
    Approval,
    ApprovalState,
    LoadRow,
    Posting,
    PostingState,
    RefusedSummary,
)

FLOW = "budget-planted"
"""A flow the project folder has no file of, as one that was taken away."""
RARER = "The list Entities of the model has no member 999"
CAUSE = "The list Accounts of the model has no member 6990"
MAKER = "operator"


def make_journal(number: int, *, lines: int = 3) -> Journal:
    """A journal that balances."""
    amounts = [Decimal(f"{1000 * number + n}.25") for n in range(1, lines)]
    rows = [JournalLine(f"110.{6000 + n}", amount) for n, amount in enumerate(amounts)]
    return Journal(
        ledger="00001/BA", period=f"Jan {20 + number}", gl_date=date(2026, 1, 31), currency="USD",
        part=1, parts=1, lines=(*rows, JournalLine("110.2100", -sum(amounts, Decimal(0)))),
    )  # fmt: skip


def plant_plan(house: Any, *, run_id: str, needed: int = 1, journals: int = 2) -> Approval:
    """A plan of journals that waits for people; its maker is who started the run, or `MAKER`."""
    made = [make_journal(number) for number in range(1, journals + 1)]
    rows = [
        {
            "subject": one.subject, "content": store_document(house.archive, render_journal(one)),
            "ledger": one.ledger, "period": one.period, "currency": one.currency,
            "lines": one.totals.lines, "debit": str(one.totals.debit),
            "credit": str(one.totals.credit), "reverses": "",
        }
        for one in made
    ]  # fmt: skip
    document = {
        "flow": FLOW, "connection": "jde", "journals": rows, "moved": {"USD": "1"},
        "run_id": run_id, "reverses": "", "needed": needed,
    }  # fmt: skip
    now = house.clock.now()
    asked: Approval = house.records.approvals.request_approval(
        Approval(
            plan_hash=store_document(house.archive, document), flow=FLOW, run_id=run_id,
            maker=MAKER, needed=needed, amounts={"USD": Decimal("4000.50")},
            totals={"journals": journals}, state=ApprovalState.WAITING, made_at=now,
            # Where it is served it is served by the machine's time, which may be long after.
            expires_at=max(now, datetime.now(UTC)) + timedelta(days=14),
        )
    )  # fmt: skip
    return asked


def plant_posting(
    house: Any, *, run_id: str, key: str = "PLANTED2", plan_hash: str = "p"
) -> Posting:
    """A posting that the ERP has taken."""
    journal = make_journal(7)
    house.records.postings.make_posting(
        Posting(
            posting_key=key, flow=FLOW, run_id=run_id, plan_hash=plan_hash, connection="jde",
            kind="journal", subject=f"{journal.subject} {key}", generation=1,
            content_hash=store_document(house.archive, render_journal(journal)),
            totals={
                "lines": 3, "debit": str(journal.totals.debit),
                "credit": str(journal.totals.credit), "currency": "USD",
            },
            made_at=house.clock.now(),
        )
    )  # fmt: skip
    house.records.postings.mark_sent(key, last=None)
    receipt = {"batches": ["4711"], "documents": ["00001-BX-12"], "posted": True}
    sent: Posting = house.records.postings.save_posting(
        key, PostingState.CONFIRMED, receipt=receipt
    )
    return sent


def plant_refusals(
    house: Any, *, run_id: str, flow: str = "actuals-fusion", count: int = 3, cause: str = CAUSE,
    keys: Sequence[tuple[str, ...]] = (),
) -> list[RefusedSummary]:  # fmt: skip
    """Summaries of the flow's last period that its model has not taken; these, where given."""
    period = house.records.runs.load_run(run_id).summary["periods"][-1]
    parts = len(house.flow(flow).dimensions)
    at = [one.source for one in house.flow(flow).dimensions].index("period")
    load_id = f"planted {run_id} {len(house.records.loads.load_loads(run_id=run_id))}"
    rows = []
    made = [[f"{number}{part}" for part in range(parts)] for number in range(count)]
    for one in made:
        one[at] = period
    for number, key in enumerate(keys or map(tuple, made)):
        rows.append(
            RefusedSummary(
                load_id=load_id, flow=flow, key=key, before=Decimal(0),
                after=Decimal(f"{number + 1}.50"), cause=cause, period=period, currency="USD",
                reasons=("Item not located in Accounts list: 6990",),
            )
        )  # fmt: skip
    house.records.loads.record_load(
        LoadRow(
            load_id=load_id, run_id=run_id, flow=flow, plan_hash="p", intent_id="i", task_id="T",
            outcome="partial", chunks=1, cells_sent=count, cells_refused=count, result_hash="r",
            dump_hashes=(), created_at=house.clock.now(),
        ),
        rows,
    )  # fmt: skip
    return [one for one in house.records.loads.load_refused(flow) if one.load_id == load_id]


def plant(house: Any, run_id: str) -> dict[str, str]:
    """One of each; where their pages are, by the part of an address that names them."""
    from ml_connector.flows.answers.refused_listings import digest_cause  # noqa: PLC0415 - Django's.

    plan = plant_plan(house, run_id=run_id)
    posting = plant_posting(house, run_id=run_id)
    refused = plant_refusals(house, run_id=run_id)
    plant_refusals(house, run_id=run_id, count=1, cause=RARER)
    return {
        "<path:journal>": f"{plan.plan_hash}/0",
        "<str:plan>": plan.plan_hash,
        "<str:posting>": posting.posting_key,
        "<path:cause>": f"actuals-fusion/{digest_cause(CAUSE)}",
        "<path:summary>": f"actuals-fusion/{refused[0].number}",
    }
