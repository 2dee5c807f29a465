"""What decides where an amount goes: the mapping, and every setting of the flow beside it."""

import hashlib
import json

from ml_connector.errors import BlockedError
from ml_connector.flows.bench import ActualsBench
from ml_connector.ports import Json

DECIDING = frozenset(
    {"ledgers", "measure", "mode", "version", "first_month", "periods", "unmapped", "suspense",
     "exclusions", "signs"}
)  # fmt: skip
"""Settings that change a summary or its intersection; names of columns and actions do not."""


class RulesChangedError(BlockedError):
    """The flow's settings are no longer those that a stopped run began with."""

    code = "rules.changed"


def hash_rules(bench: ActualsBench, mapping_hash: str) -> str:
    """Tells one set of rules from another: the same hash, the same summaries of the same lines."""
    settings = bench.flow.model_dump(mode="json", include=set(DECIDING))
    dimensions = [[dimension.name, dimension.source] for dimension in bench.flow.dimensions]
    content = json.dumps([mapping_hash, settings, dimensions], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def verify_rules_pinned(bench: ActualsBench, pins: Json) -> None:
    """The rules are those the run began with; half a run by others would tie to neither.

    Raises:
        RulesChangedError: Settings were changed while the run was stopped.
    """
    if hash_rules(bench, pins["mapping_hash"]) != pins["rules_hash"]:
        raise RulesChangedError(
            f"The settings of flow {bench.flow.name} have changed since run {pins['run_id']} began:"
            f" one of {', '.join(sorted(DECIDING))}, or the dimensions.",
            written="What the run had sent before it stopped stays; nothing more was sent.",
            next_step=f"Undo the change and `ml-connector runs resume {pins['run_id']}`, or put the"
            f" run away and start a new one: `ml-connector run {bench.flow.name}`.",
            run=pins["run_id"],
        )
