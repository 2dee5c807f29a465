"""Planning: summaries less shadow, guarded, saved as the one thing that will be sent."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from ml_connector.domain.money import render_plain, verify_cell_amount
from ml_connector.domain.plan import (
    PlanGuards,
    PlannedCell,
    PlanTotals,
    count_plan,
    plan_cells,
    verify_plan,
)
from ml_connector.domain.summaries import SummaryKey
from ml_connector.errors import BlockedError
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.ledger.currencies import currency_of
from ml_connector.ports import Archive, Json, PlanRow
from ml_connector.settings import ActualsFlow


class StalePlanError(BlockedError):
    """A saved plan no longer fits: shadow, rules or model moved since it was made."""

    code = "plan.stale"


class UnknownPlanError(BlockedError):
    """A plan file names a plan this installation never saved, or was edited."""

    code = "plan.unknown"


def read_shadow(archive: Archive, file_hash: str) -> Iterator[tuple[SummaryKey, Decimal]]:
    """Yield what the model was last told and took, in key order; nothing for an empty hash."""
    if file_hash:
        for summary in archive.read_summaries(file_hash):
            yield summary.key, summary.amount


def plan_member(bench: ActualsBench, currencies: Json, sums: Json, shadow_hash: str) -> Json:
    """One planning period's differing cells are archived; returns file and totals."""
    totals: dict[str, PlanTotals] = {}

    def differing() -> Iterator[PlannedCell]:
        summaries = bench.archive.read_summaries(sums["summaries"])
        for cell in plan_cells(summaries, read_shadow(bench.archive, shadow_hash)):
            currency = currency_of(currencies, cell.key)
            totals[currency] = count_plan(totals.get(currency, PlanTotals()), cell)
            if cell.before == cell.after:
                continue
            where = " / ".join(cell.key)
            verify_cell_amount(cell.after, currency=currency, where=where)
            if bench.flow.mode == "append":
                # The item carries the delta, which may need a digit more than either amount.
                verify_cell_amount(cell.after - cell.before, currency=currency, where=where)
            yield cell

    file = bench.archive.write_plan(differing())
    return {"plan": file.file_hash, "cells": file.rows, "totals": render_by_currency(totals)}


def render_totals(totals: PlanTotals) -> Json:
    """Totals as a step result, amounts as text."""
    return {k: render_plain(v) if isinstance(v, Decimal) else v for k, v in asdict(totals).items()}


def parse_totals(row: Mapping[str, Any]) -> PlanTotals:
    """The totals a step result was made of."""
    fields: dict[str, Any] = {
        name: Decimal(value) if name.startswith("amount_") else int(value)
        for name, value in row.items()
    }
    return PlanTotals(**fields)


def render_by_currency(totals: Mapping[str, PlanTotals]) -> Json:
    """Totals of each currency as a step result; amounts of two currencies are never added."""
    return {currency: render_totals(row) for currency, row in sorted(totals.items())}


def add_by_currency(rows: Iterable[Json]) -> dict[str, PlanTotals]:
    """The totals of several periods together, per currency."""
    added: dict[str, PlanTotals] = {}
    for row in rows:
        for currency, totals in row.items():
            added[currency] = _add(added.get(currency, PlanTotals()), parse_totals(totals))
    return added


def _add(left: PlanTotals, right: PlanTotals) -> PlanTotals:
    fields = PlanTotals.__dataclass_fields__
    return PlanTotals(**{name: getattr(left, name) + getattr(right, name) for name in fields})


def save_plan(bench: ActualsBench, pins: Json, shadow_revision: int, members: Json) -> Json:
    """The plan of all periods is saved under its hash, once the guards have let it pass.

    Raises:
        BlockedError: A guard tripped; every tripped one is told, nothing was sent.
    """
    totals = add_by_currency(planned["totals"] for planned in members.values())
    content = {
        "flow": bench.flow.name,
        "model": pins["model_id"],
        "mapping": pins["mapping_hash"],
        "shadow_revision": shadow_revision,
        "members": {member: planned["plan"] for member, planned in sorted(members.items())},
    }
    plan_hash = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    bench.records.loads.save_plan(
        PlanRow(
            plan_hash=plan_hash,
            run_id=pins["run_id"],
            flow=bench.flow.name,
            model_id=pins["model_id"],
            mapping_hash=pins["mapping_hash"],
            shadow_revision=shadow_revision,
            periods=tuple(sorted(members)),
            totals=render_by_currency(totals),
            created_at=bench.clock.now(),
            state="planned",
        )
    )
    return {
        "plan_hash": plan_hash,
        "cells": sum(row.cells for row in totals.values()),
        "totals": render_by_currency(totals),
    }


def verify_guards(bench: ActualsBench, totals: Json, members: Mapping[str, Json]) -> None:
    """The plan's totals, and those of each planning period, pass every guard of the flow.

    Raises:
        BlockedError: Lists every tripped guard; nothing was sent.
    """
    verify_totals(bench.flow, totals, members)


def verify_totals(flow: ActualsFlow, totals: Json, members: Mapping[str, Json]) -> None:
    """As `verify_guards`, of a plan that was saved before.

    Raises:
        BlockedError: Lists every tripped guard.
    """
    guards = flow.guards
    verify_plan(
        _parse_by_currency(totals),
        guards=PlanGuards(
            cells_max=guards.cells_max,
            cells_ratio_max=guards.cells_ratio_max,
            amount_moved_max=guards.amount_moved_max,
            vanished_ratio_max=guards.vanished_ratio_max,
            empty_source_blocks=guards.empty_source_blocks,
        ),
        periods={member: _parse_by_currency(row["totals"]) for member, row in members.items()},
    )


def _parse_by_currency(totals: Json) -> dict[str, PlanTotals]:
    return {currency: parse_totals(row) for currency, row in totals.items()}


def verify_applied(bench: ActualsBench, saved: Json, request: Json) -> None:
    """What would be sent now is exactly the plan that was saved, and that its file tells of.

    Raises:
        UnknownPlanError: No such plan of this flow was saved here, or its file was edited.
        StalePlanError: It would send something else now.
    """
    plan_hash = request["apply"]
    plan = bench.records.loads.find_plan(plan_hash)
    if plan is None or plan.flow != bench.flow.name or not _is_told_truly(plan, request):
        raise UnknownPlanError(
            f"The plan {plan_hash[:12]} was not made by flow {bench.flow.name} here, or its file"
            " was edited: what it tells is not what was saved.",
            written="Nothing was sent.",
            next_step=f"Make a new one: `ml-connector plan {bench.flow.name} --out FILE`.",
            plan=plan_hash,
        )
    if saved["plan_hash"] != plan_hash:
        raise StalePlanError(
            f"The plan {plan_hash[:12]} of {plan.created_at:%Y-%m-%d %H:%M} UTC is stale: the"
            " ledger, the mapping, the model or what it was told have moved since.",
            written="Nothing was sent.",
            next_step=f"Make a new one: `ml-connector plan {bench.flow.name} --out FILE`.",
            plan=plan_hash,
        )


def _is_told_truly(plan: PlanRow, request: Json) -> bool:
    """Whether periods and totals are those of the saved plan: they are what people approve."""
    told = sorted(request.get("members") or plan.periods)
    return told == list(plan.periods) and request.get("totals", plan.totals) == plan.totals
