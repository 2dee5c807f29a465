"""A load of chosen refusals: the others are left out of it and stay as they are."""

from ml_connector.domain.summaries import SummaryKey
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.chosen import choose
from ml_connector.flows.loading.accepting import load_refused_keys, store_refused
from ml_connector.ports import Json

NOTHING: Json = {"document": "", "count": 0}
"""No refusal is left out of a load."""


def store_left_out(bench: ActualsBench, request: Json, planned: Json) -> Json:
    """Planned cells that were refused before and are not chosen, archived with their reasons."""
    is_chosen = choose(request)
    others, wanted = {}, []
    its = bench.records.loads.walk_refused(bench.flow.name, periods=list(planned["members"]))
    for row in sorted(its, key=lambda row: row.number):
        if is_chosen(row):
            wanted.append(row.key)
        else:
            others[row.key] = row.reasons
    # Chosen for one load's refusal and left out for another's: somebody has asked for it.
    for key in wanted:
        others.pop(key, None)
    left_out = {
        cell.key: others[cell.key]
        for row in planned["members"].values()
        for cell in bench.archive.read_plan(row["plan"])
        if cell.key in others
    }
    return {"document": store_refused(bench, left_out), "count": len(left_out)}


def load_left_out(bench: ActualsBench, left_out: Json) -> dict[SummaryKey, tuple[str, ...]]:
    """The cells that are left out of a load, and why they were refused before."""
    document = left_out["document"]
    return load_refused_keys(bench, document) if document else {}
