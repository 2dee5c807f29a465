"""A project's records filled as years of work would: to see what the pages do with many rows.

`python -m scripts.fill_records PROJECT [--runs 10000] [--refused 1000000] [--ledgers 60]
[--unmapped 5000] [--plans 500] [--schedules 1000] [--cells 100000]` adds runs, steps, standings of
the last months, refused summaries, unmapped values and the rest of what people look at to a project
folder that is for trying only: what it adds was never run. `python -m scripts.page_times PROJECT`
says how long its pages take then, and `python -m scripts.call_times PROJECT` its calls.
"""

import argparse
import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from scripts import fill_others

from ml_connector.wiring import open_house

CHUNK = 5_000
"""Rows of one transaction."""
STEPS = ("preflight", "read: list changes", "scope", "control: P", "sum: P", "plan: P",
         "load: upload 1, chunk 1/1", "load: accept", "tie out: P", "settle")  # fmt: skip
STEPS_OF_LAST = 400
"""Runs, the newest ones, that have steps; the others have lost theirs to nobody's harm."""
REFUSED_OF_LOAD = 25_000
REASONS = (
    "The member 7719 is not in the list Cost Centres.", "The cell is locked by version access.",
    "The time period is outside of the model's calendar.", "The account is closed for input.",
)  # fmt: skip
MONTHS = 8
CURRENCIES = ("USD", "EUR", "GBP", "JPY")
DONE = {"read": "done", "mapped": "done", "loaded": "done", "tied": "done"}
STAGES: Sequence[tuple[dict[str, str], str]] = (
    (DONE, ""), (DONE, ""), (DONE, ""), (DONE, ""), (DONE, ""), (DONE, ""), (DONE, ""),
    (DONE | {"mapped": "partly", "loaded": "not yet", "tied": "not yet"}, "unmapped"),
    (DONE | {"loaded": "partly"}, "refused"),
    (DONE | {"tied": "differs"}, "unexplained"),
    (DONE | {"read": "moving", "tied": "moving"}, ""),
)  # fmt: skip


def main() -> None:
    """The project's records hold so much more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--refused", type=int, default=1_000_000)
    parser.add_argument("--ledgers", type=int, default=60)
    parser.add_argument("--unmapped", type=int, default=5_000)
    parser.add_argument("--plans", type=int, default=500)
    parser.add_argument("--schedules", type=int, default=1_000)
    parser.add_argument("--cells", type=int, default=100_000, help="of one period; 0: no such one")
    asked = parser.parse_args()
    with open_house(asked.project) as house:
        flows = sorted(name for name, its in house.project.flows.items() if its.kind == "actuals")
        assert flows, "a project without a flow of actuals has nothing to show"
        assert house.records is not None
        fill(
            flows, runs=asked.runs, refused=asked.refused, ledgers=asked.ledgers,
            unmapped=asked.unmapped,
        )  # fmt: skip
        fill_rest(house, flows[0], plans=asked.plans, schedules=asked.schedules, cells=asked.cells)
    fill_others.write_schedules(asked.project, flows[0], count=asked.schedules)


def fill_rest(house: Any, flow: str, *, plans: int, schedules: int, cells: int) -> None:
    """Plans, postings, signatures, alerts, firings, the audit chain, and a period of many cells."""
    from ml_connector.records import models  # noqa: PLC0415 - as in `fill`.

    owner = {"organisation_id": models.Organisation.objects.order_by("pk")[0].pk}
    now, archive, its = datetime.now(UTC), house.archive, fill_others
    tell(
        "plans",
        _store(models.Approval, its.make_approvals(models, owner, archive, now, count=plans)),
    )
    postings = its.make_postings(models, owner, archive, now, count=plans * 20)
    tell("postings", _store(models.Posting, postings))
    standings = list(models.Standing.objects.filter(**owner, flow=flow, report="").order_by("id"))
    tell("sign-offs", _store(models.SignOff, its.make_sign_offs(models, owner, standings)))
    tell(
        "alerts", _store(models.Alert, its.make_alerts(models, owner, flow, now, count=plans * 10))
    )
    alerts = list(models.Alert.objects.filter(**owner))
    tell("messages", _store(models.AlertDelivery, its.make_messages(models, owner, alerts)))
    tell(
        "firings",
        _store(models.Firing, its.make_firings(models, owner, flow, now, count=schedules)),
    )
    tell("links", its.record_links(house.records, count=plans * 40))
    if cells and standings:
        big = its.make_big_period(models, owner, archive, standings[0], cells=cells)
        tell("big periods", _store(models.Standing, big))


def fill(flows: Sequence[str], *, runs: int, refused: int, ledgers: int, unmapped: int = 0) -> None:
    """Runs, standings, refusals and values no rule takes, in the first organisation there is."""
    from ml_connector.records import models  # noqa: PLC0415 - Django is set up by now.

    owner = {"organisation_id": models.Organisation.objects.order_by("pk")[0].pk}
    rng, now = random.Random(26), datetime.now(UTC)  # noqa: S311 - the same rows every time.
    tell("runs", _store(models.Run, _make_runs(models, owner, flows, runs, now, rng)))
    newest = models.Run.objects.filter(**owner).order_by("-id")[:STEPS_OF_LAST]
    tell("steps", _store(models.Step, _make_steps(models, owner, list(newest), rng)))
    last = {one.flow: one for one in newest if one.flow in flows}
    standings = list(_make_standings(models, owner, last, ledgers, rng))
    tell("standings", _store(models.Standing, standings))
    tell("changes", _store(models.StandingChange, _make_changes(models, owner, standings)))
    count = -(-refused // REFUSED_OF_LOAD) or 1
    loads = [_make_load(models, owner, flows[0], now, at) for at in range(count)]
    load = loads[-1]
    tell("refused", _store(models.RefusedSummary, _make_refused(models, loads, refused)))
    tell("tallies", _store(models.RefusedTally, _make_tallies(models, load, refused)))
    tell("unmapped", _store(models.UnmappedValue, _make_unmapped(models, load, unmapped)))


def tell(what: str, count: int) -> None:
    """One line on what was added."""
    print(f"{count:>9,} {what}")


def _store(model: Any, rows: Iterable[Any]) -> int:
    count, left = 0, iter(rows)
    while chunk := list(islice(left, CHUNK)):
        model.objects.bulk_create(chunk, batch_size=500)
        count += len(chunk)
    return count


def _make_runs(
    models: Any, owner: Any, flows: Sequence[str], runs: int, now: datetime, rng: random.Random
) -> Iterator[Any]:
    for number in range(runs):
        at = now - timedelta(minutes=30 * (runs - number))
        flow, lines = flows[number % len(flows)], rng.randint(200, 90_000)
        state = rng.choices(("succeeded", "partly succeeded", "failed"), (90, 8, 2))[0]
        error = None
        if state == "failed":
            error = {"code": "fill.tried", "refused": "The ledger did not answer.",
                     "written": "Nothing was sent.", "next_step": "Run it again."}  # fmt: skip
        yield models.Run(
            **owner, run_id=f"{at:%y%m%d-%H%M%S}-{number % 65536:04x}", flow=flow, kind="actuals",
            state=state, actor="kim", request={}, error=error, created_at=at,
            finished_at=at + timedelta(seconds=rng.randint(20, 900)),
            summary=_make_summary(flow, lines, rng) if error is None else {},
        )  # fmt: skip


def _make_summary(flow: str, lines: int, rng: random.Random) -> dict[str, Any]:
    rows = [
        {"ledger": f"Company {number:03}", "period": "Oct-26", "currency": "USD",
         "lines": lines // 12, "debit": f"{rng.randint(10_000, 9_000_000)}.25", "erp": "0",
         "archived": "0", "excluded": [], "unmapped": "0", "suspense": "0", "mapped": "0",
         "refused": "0", "held": "0", "unexplained": "0"}
        for number in range(12)
    ]  # fmt: skip
    return {"flow": flow, "dry_run": False, "lines": lines, "cells": lines // 9, "refused": 0,
            "tie_out": rows, "debits": {"USD": {"archived": f"{lines}.5", "mapped": f"{lines}",
                                                "excluded:closing entries": "0.5"}}}  # fmt: skip


def _make_steps(models: Any, owner: Any, runs: Sequence[Any], rng: random.Random) -> Iterator[Any]:
    # What a real run looked up, if there was one: answers about lines begin with it.
    pinned = models.Step.objects.filter(**owner, name=STEPS[0], result__has_key="books").last()
    for run in runs:
        at = run.created_at
        for name in STEPS:
            end = at + timedelta(milliseconds=rng.randint(100, 60_000))
            yield models.Step(
                **owner,
                run_id=run.pk,
                name=name,
                attempt=1,
                state="done",
                started_at=at,
                finished_at=end,
                result=pinned.result if pinned and name == STEPS[0] else {},
            )
            at = end


def _list_months(now: datetime) -> Iterator[tuple[date, date]]:
    last = date(now.year, now.month, 1)
    for _ in range(MONTHS):
        first = date(last.year - (last.month == 1), (last.month - 2) % 12 + 1, 1)
        yield first, last - timedelta(days=1)
        last = first


def _make_standings(
    models: Any, owner: Any, newest: Mapping[str, Any], ledgers: int, rng: random.Random
) -> Iterator[Any]:
    now = datetime.now(UTC)
    for flow, run in sorted(newest.items()):
        for number in range(ledgers):
            for age, (first, last) in enumerate(_list_months(now)):
                stages, short = rng.choice(STAGES) if age == 0 else (DONE, "")
                told = f"{flow} {number} {first}"
                at = datetime.combine(last, time(6), tzinfo=UTC)
                at = min(at + timedelta(days=rng.randint(1, 12)), now)
                yield models.Standing(
                    **owner, flow=flow, ledger=f"Company {number:03}", period=f"{first:%b-%y}",
                    member=f"{first:%b %y}", date_first=first, date_last=last,
                    status="open" if age == 0 else "closed", stages=stages,
                    amounts=[_make_amounts(CURRENCIES[number % 4], short, rng)],
                    content_hash="0" * 64, proof_hash=hashlib.sha256(told.encode()).hexdigest(),
                    report="", run_id=run.run_id, at=at, changed_at=at,
                )  # fmt: skip


def _make_amounts(currency: str, short: str, rng: random.Random) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(
        ("erp", "archived", "unmapped", "suspense", "refused", "unsent", "held", "unexplained"), "0"
    )
    if short:
        row[short] = f"{rng.randint(-900_000, 900_000)}.{rng.randint(10, 99)}"
    debit = f"{rng.randint(1_000, 80_000_000)}.5"
    return row | {"currency": currency, "lines": rng.randint(5, 4_000), "excluded": [],
                  "debit": debit}  # fmt: skip


def _make_changes(models: Any, owner: Any, standings: Iterable[Any]) -> Iterator[Any]:
    for one in standings:
        yield models.StandingChange(
            **owner, flow=one.flow, ledger=one.ledger, period=one.period,
            is_tied=one.stages["tied"] == "done", has_unexplained=False,
            proof_hash=one.proof_hash, run_id=one.run_id, at=one.at,
        )  # fmt: skip


def _make_load(models: Any, owner: Any, flow: str, now: datetime, number: int) -> Any:
    run = models.Run.objects.filter(**owner, flow=flow).order_by("-id").first()
    return models.Load.objects.create(
        **owner, load_id=f"filled {flow} {number} {now:%y%m%d%H%M%S%f}", run_id=run.run_id,
        flow=flow, plan_hash="p",
        intent_id="i", task_id="T", outcome="partial", chunks=9, cells_sent=REFUSED_OF_LOAD * 2,
        cells_refused=REFUSED_OF_LOAD, result_hash="", dump_hashes=[], created_at=now,
    )  # fmt: skip


def _place(number: int) -> tuple[str, str, str]:
    """Reason, period and currency of a refusal."""
    return REASONS[number % 4], f"P{number % MONTHS}", CURRENCIES[number % 3]


def _make_refused(models: Any, loads: Sequence[Any], refused: int) -> Iterator[Any]:
    for number in range(refused):
        load = loads[number // REFUSED_OF_LOAD]
        reason, period, currency = _place(number)
        key = json.dumps([f"E{number % 97}", f"A{number}", period, "Actual", currency])
        yield models.RefusedSummary(
            organisation_id=load.organisation_id, load_id=load.pk, flow=load.flow, key=key,
            before="0", after="10.25", reasons=[reason], is_settled=False, cause=reason,
            period=period, currency=currency,
        )  # fmt: skip


def _make_tallies(models: Any, load: Any, refused: int) -> Iterator[Any]:
    counts = Counter(_place(number) for number in range(refused))
    for (cause, period, currency), count in counts.items():
        yield models.RefusedTally(
            organisation_id=load.organisation_id, flow=load.flow, cause=cause, period=period,
            currency=currency, count=count, amount=f"{count * 1025 // 100}.{count * 25 % 100:02}",
        )  # fmt: skip


def _make_unmapped(models: Any, load: Any, unmapped: int) -> Iterator[Any]:
    for number in range(unmapped):
        stake, currency = 90_000_000 // (number + 1), CURRENCIES[number % 3]
        yield models.UnmappedValue(
            organisation_id=load.organisation_id, flow=load.flow, dimension="account",
            fact="account", value=f"9{number:05}", first_seen_at=load.created_at,
            first_run_id=load.run_id, members=["Oct 26"], lines=number % 90 + 1, stake=stake,
            totals={currency: [f"{stake}.25", "0", number % 90 + 1]},
            sample={"facts": {"account": f"9{number:05}"}, "on": f"{load.created_at:%Y-%m-%d}"},
        )  # fmt: skip


if __name__ == "__main__":
    main()
