"""The shadow can be wrong: before a first load, and when a person asks for the model's own word."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

from ml_connector.domain.ledger import Totals
from ml_connector.domain.summaries import Summary
from ml_connector.errors import BlockedError
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.proving.readback import read_held
from ml_connector.flows.run import ActualsRun
from ml_connector.ports import Json

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any load."""


class ModelHoldsCellsError(BlockedError):
    """A model this flow has never loaded already holds amounts in its periods."""

    code = "shadow.model-holds-cells"


def verify_or_rebuild_shadow(run: ActualsRun, members: Sequence[str]) -> None:
    """The shadow is what the model was told; periods it has not loaded yet must be empty there.

    With `against` = "model" the shadow becomes what an export shows, whatever it was.

    Raises:
        ModelHoldsCellsError: The model holds cells and nobody has said what to do with them.
    """
    steps, bench, pins = run.steps, run.bench, run.pins
    state = steps.step("shadow: look", partial(_look, bench, pins))
    rebuild = run.request.get("against") == "model"
    looked_at = members if rebuild else [m for m in members if m not in state["loaded"]]
    if not looked_at:
        return
    held = read_held(steps, bench, pins, looked_at)["held"]
    if rebuild:
        steps.step("shadow: rebuild from model", partial(_rebuild, bench, pins, state, held))
    else:
        steps.step("shadow: model must be empty", partial(_verify_empty, bench, pins, held))


def _look(bench: ActualsBench, pins: Json) -> Json:
    revision, files = bench.records.loads.load_shadow(bench.flow.name, pins["model_id"])
    return {"revision": revision, "loaded": sorted(files)}


def _rebuild(bench: ActualsBench, pins: Json, state: Json, held: Json) -> Json:
    files = {
        member: bench.archive.write_summaries(
            _as_summaries(bench.archive.read_totals(file_hash))
        ).file_hash
        for member, file_hash in held.items()
    }
    revision, current = bench.records.loads.load_shadow(bench.flow.name, pins["model_id"])
    if {member: current.get(member) for member in files} != files:
        revision = bench.records.loads.save_shadow(
            bench.flow.name, pins["model_id"], files,
            revision_before=state["revision"], why="rebuilt from the model",
        )  # fmt: skip
    bench.records.audit.record(
        "shadow.rebuilt", subject=bench.flow.name, actor=bench.actor, run_id=pins["run_id"],
        model=pins["model_id"], members=sorted(files),
    )  # fmt: skip
    return {"revision": revision, "members": sorted(files)}


def _as_summaries(totals: Iterator[tuple[tuple[str, ...], Totals]]) -> Iterator[Summary]:
    return (Summary(key, its.net, 0) for key, its in totals if its.net)


def _verify_empty(bench: ActualsBench, pins: Json, held: Json) -> Json:
    for member, file_hash in held.items():
        first = next((key for key, its in bench.archive.read_totals(file_hash) if its.net), None)
        if first is not None:
            raise _explain(bench, pins, member, first)
    return {"empty": True}


def _explain(
    bench: ActualsBench, pins: Json, member: str, first: Sequence[str]
) -> ModelHoldsCellsError:
    """Whose cells they are, as far as it is known, and the way on."""
    name, loader = bench.flow.name, _find_unrecorded(bench, pins)
    told = (
        f"run {loader} has loaded them without coming to its end"
        if loader
        else f"flow {name} has never loaded it"
    )
    finish = f"Finish that run: `ml-connector runs resume {loader}`. Or take" if loader else "Take"
    return ModelHoldsCellsError(
        f"The model {pins['model_name']} already holds amounts in {member}, the first at"
        f" {' / '.join(first)}, and {told}.",
        written="Nothing was sent.",
        next_step=f"{finish} them as what the model was told, and plan the difference:"
        f" `ml-connector run {name} --against model`; or clear them first.",
        member=member, run=loader,
    )  # fmt: skip


def _find_unrecorded(bench: ActualsBench, pins: Json) -> str:
    """The newest run of the flow that started a load of which nothing is recorded; or none."""
    intents = bench.records.intents.load_unfollowed(
        pins["model_id"], except_run=pins["run_id"], since=BEGINNING
    )
    runs = (bench.records.runs.load_run(intent.run_id) for intent in reversed(intents))
    return next((run.run_id for run in runs if run.flow == bench.flow.name), "")
