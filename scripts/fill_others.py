"""The rest of a filled project: what `fill_records` adds besides runs and what they left open.

Plans that waited for people, one of them with many journal lines; postings, sign-offs, alerts and
their messages, links of the audit chain, firings; a period of so many accounts and cells in the
archive; so many schedules in the project folder. Nothing of it was ever run.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ml_connector.domain.journals import Journal, JournalLine
from ml_connector.domain.ledger import Totals
from ml_connector.domain.summaries import MAPPED
from ml_connector.flows.bench import store_document
from ml_connector.flows.writing.journals import render_journal

JOURNAL_LINES = 1_000
OF_PLAN = 300
"""Journals of the plan that holds many."""
BIG = ("Big Company", "BIG-01")
"""Ledger and period of the many accounts and cells."""
MESSAGES_EACH = 4
FIRINGS_EACH = 5
SCHEDULE = """flow: {flow}
zone: UTC
when:
  cron: "{minute} {hour} * * *"
"""


def write_schedules(project: Path, flow: str, *, count: int) -> None:
    """The project folder holds so many schedules."""
    folder = project / "schedules"
    folder.mkdir(exist_ok=True)
    for number in range(count):
        text = SCHEDULE.format(flow=flow, minute=number % 60, hour=number // 60 % 24)
        (folder / f"filled-{number:04}.yaml").write_text(text, encoding="utf-8")


def make_approvals(
    models: Any, owner: Any, archive: Any, now: datetime, *, count: int
) -> Iterator[Any]:
    """Yield plans of journals that wait, one of a flow; the newest holds many lines."""
    for number in range(count):
        is_big = number == count - 1
        journals = [_make_row(archive, part) for part in range(OF_PLAN if is_big else 1)]
        plan = {"flow": "budget-filled", "connection": "jde", "journals": journals,
                "moved": {"USD": "1"}, "run_id": f"filled {number}", "reverses": "",
                "needed": 1}  # fmt: skip
        at = now - timedelta(hours=count - number)
        yield models.Approval(
            **owner, plan_hash=store_document(archive, plan), flow=f"budget-filled-{number}",
            run_id=f"filled {number}", maker="kim", maker_person="kim", needed=1,
            amounts={"USD": "4000.50"}, totals={"journals": len(journals)}, state="waiting",
            made_at=at, expires_at=at + timedelta(days=14),
        )  # fmt: skip


def _make_row(archive: Any, part: int) -> dict[str, Any]:
    rows = [JournalLine(f"110.{6000 + n}", Decimal(f"{n + 1}.25")) for n in range(JOURNAL_LINES)]
    made = Journal(
        ledger="00001/BA", period="Jan 26", gl_date=date(2026, 1, 31), currency="USD",
        part=part + 1, parts=OF_PLAN,
        lines=(*rows, JournalLine("110.2100", -sum((one.amount for one in rows), Decimal(0)))),
    )  # fmt: skip
    return {
        "subject": made.subject, "content": store_document(archive, render_journal(made)),
        "ledger": made.ledger, "period": made.period, "currency": made.currency,
        "lines": made.totals.lines, "debit": str(made.totals.debit),
        "credit": str(made.totals.credit), "reverses": "",
    }  # fmt: skip


def make_postings(
    models: Any, owner: Any, archive: Any, now: datetime, *, count: int
) -> Iterator[Any]:
    """Yield journals that are not sent yet."""
    content = _make_row(archive, 0)["content"]
    for number in range(count):
        at = now - timedelta(minutes=count - number)
        yield models.Posting(
            **owner, posting_key=f"F{number:07}", flow="budget-filled", run_id=f"filled {number}",
            plan_hash=f"filled {number // 20}", connection="jde", kind="journal",
            subject=f"filled {number}", generation=1, content_hash=content,
            totals={"lines": JOURNAL_LINES + 1, "debit": "1", "credit": "1", "currency": "USD"},
            state="open", made_at=at,
        )  # fmt: skip


def make_sign_offs(models: Any, owner: Any, standings: list[Any]) -> Iterator[Any]:
    """Yield a signature for every other standing."""
    for number, one in enumerate(standings[::2]):
        yield models.SignOff(
            **owner, sign_off_id=f"filled-{number}", flow=one.flow, ledger=one.ledger,
            period=one.period, number=1, proof_hash=one.proof_hash, run_id=one.run_id,
            signed_by="sam", comment="Tied out.", stated='{"amounts":[],"named":[]}',
            signed_at=one.at + timedelta(minutes=5),
        )  # fmt: skip


def make_alerts(models: Any, owner: Any, flow: str, now: datetime, *, count: int) -> Iterator[Any]:
    """Yield alerts, of which one in ten is open."""
    for number in range(count):
        at = now - timedelta(minutes=10 * (count - number))
        yield models.Alert(
            **owner, alert_id=f"f{number:07}", event="failed", severity="critical", subject=flow,
            cause=f"filled {number}", title=f"{flow}: run failed",
            happened=["The ledger did not answer."], next_step="Run it again.", first_at=at,
            last_at=at, ended_at=at + timedelta(minutes=5) if number % 10 else None,
        )  # fmt: skip


def make_messages(models: Any, owner: Any, alerts: list[Any]) -> Iterator[Any]:
    """Yield messages of the alerts, all sent."""
    for one in alerts:
        for number in range(MESSAGES_EACH):
            yield models.AlertDelivery(
                **owner, alert_id=one.pk, channel="controllers", kind="raised", number=number,
                state="sent", made_at=one.first_at, due_at=one.first_at, sent_at=one.first_at,
            )  # fmt: skip


def make_firings(models: Any, owner: Any, flow: str, now: datetime, *, count: int) -> Iterator[Any]:
    """Yield the last firings of each of so many schedules."""
    for number in range(count):
        for day in range(FIRINGS_EACH):
            at = now.replace(second=0, microsecond=0) - timedelta(days=day + 1, minutes=number)
            yield models.Firing(
                **owner, schedule=f"filled-{number:04}", flow=flow, due_at=at, run_id="",
                state="skipped", reason="A window.", actor="schedule", looked_at=at, ended_at=at,
            )  # fmt: skip


def record_links(records: Any, *, count: int) -> int:
    """The audit chain is so much longer."""
    with records.transactions.begin("filled links"):
        for number in range(count):
            records.audit.record(
                "run.started", subject=f"flow {number % 50}", actor="kim",
                run_id=f"filled {number // 10}", number=number,
            )  # fmt: skip
    return count


def make_big_period(
    models: Any, owner: Any, archive: Any, standing: Any, *, cells: int
) -> Iterator[Any]:
    """Yield the standing of a period of so many accounts, and as many cells."""
    names = [f"{number:07}" for number in range(cells)]
    one = Totals(debit=Decimal("10.25"), credit=Decimal(0), lines=1)
    erp = archive.write_totals(((*BIG, "USD", f"101.{name}.000"), one) for name in names)
    placed = archive.write_totals(((*BIG, "USD", f"101.{name}.000", MAPPED), one) for name in names)
    keys = [("Actual", f"E{name}", f"A{name}") for name in names]
    given = archive.write_totals(((*key, *BIG, "USD", "1"), one) for key in keys)
    held = archive.write_totals((key, one) for key in keys)
    report = store_document(
        archive,
        {
            "rows": [], "differences": [],
            "evidence": {
                "erp": [erp.file_hash], "archived": [erp.file_hash], "placed": placed.file_hash,
                "contributions": given.file_hash, "held": held.file_hash, "refused": "",
            },
        },
    )  # fmt: skip
    ledger, period = BIG
    yield models.Standing(
        **owner, flow=standing.flow, ledger=ledger, period=period, member=standing.member,
        date_first=standing.date_first, date_last=standing.date_last, status="closed",
        stages={"read": "done", "mapped": "done", "loaded": "done", "tied": "done"},
        amounts=[standing.amounts[0] | {"lines": cells}], content_hash="0" * 64, report=report,
        proof_hash="1" * 64, run_id=standing.run_id, at=standing.at, changed_at=standing.at,
    )  # fmt: skip
