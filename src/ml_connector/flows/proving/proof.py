"""Proof: the model is read back and every planning period in scope is tied out."""

from functools import partial

from ml_connector.domain.summaries import SummaryKey
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.loading import accepting
from ml_connector.flows.proving.readback import read_held
from ml_connector.flows.proving.tie_out import tie_out_member
from ml_connector.flows.run import ActualsRun, Findings
from ml_connector.ports import Json, Steps

NOT_SENT = "Planned, not sent yet."


def prove(run: ActualsRun, found: Findings) -> dict[str, Json]:
    """The tie-out of each period, by planning period; empty for a dry run."""
    sums, planned = found.sendable, found.planned
    if run.request.get("dry_run") or not sums:
        return {}
    held = read_held(run.steps, run.bench, run.pins, list(sums))["held"]
    unsent = ""
    if not found.delivered and planned["cells"]:
        unsent = _list_unsent(run.steps, run.bench, planned)
    proof = {}
    for member, row in sums.items():
        evidence = {
            "member": member,
            "currencies": run.pins["currencies"],
            "period_at": run.pins["period_at"],
            "erp": _list_files(found, member, "erp"),
            "archived": _list_files(found, member, "archived"),
            "placed": row["placed"],
            "contributions": row["contributions"],
            "summaries": row["summaries"],
            "shadow_before": planned["shadow"][member],
            "plan": planned["members"][member]["plan"],
            "refused": found.delivered.get("refused", unsent),
            "held": held[member],
        }
        proof[member] = run.steps.step(
            f"tie out: {member}", partial(tie_out_member, run.bench, evidence)
        )
    return proof


def _list_files(found: Findings, member: str, kind: str) -> list[str]:
    """The control's files of a planning period, each once."""
    return list(dict.fromkeys(found.controls[pair][kind] for pair in found.members[member]))


def _list_unsent(steps: Steps, bench: ActualsBench, planned: Json) -> str:
    return str(steps.step("tie out: not sent", partial(_store_unsent, bench, planned))["document"])


def _store_unsent(bench: ActualsBench, planned: Json) -> Json:
    keys: dict[SummaryKey, tuple[str, ...]] = {
        cell.key: (NOT_SENT,)
        for row in planned["members"].values()
        for cell in bench.archive.read_plan(row["plan"])
    }
    return {"document": accepting.store_refused(bench, keys)}
