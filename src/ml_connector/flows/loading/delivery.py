"""Delivery: exactly the saved plan is loaded, once, and what the model took moves the shadow."""

from functools import partial

from ml_connector.domain.summaries import SummaryKey
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.loading import accepting, choosing
from ml_connector.flows.loading.chunks import store_chunks
from ml_connector.flows.loading.load import Load
from ml_connector.flows.loading.rendering import render_rows
from ml_connector.flows.loading.running import render_failed, run_load
from ml_connector.flows.planning.plans import verify_applied
from ml_connector.flows.proving.readback import read_held
from ml_connector.flows.run import ActualsRun
from ml_connector.ports import Json


def deliver(run: ActualsRun, planned: Json) -> Json:
    """The planned cells are in the model but for the refused ones; empty when nothing was sent.

    Raises:
        StalePlanError: `apply` names another plan than would be sent now.
        ImportFailedError: The import failed as a whole; nothing was taken.
        OutcomeUnknownError: What was taken is not known.
    """
    steps, bench, pins = run.steps, run.bench, run.pins
    if not run.sends:
        return {}
    if run.request.get("apply"):
        verify_applied(bench, planned, run.request)
    left_out = choosing.NOTHING
    if run.request.get("chosen"):
        choice = partial(choosing.store_left_out, bench, run.request, planned)
        left_out = steps.step("load: not chosen", choice)
    if planned["cells"] <= left_out["count"]:
        return {}
    rendered = steps.step("load: render", partial(_render, bench, pins, planned, left_out))
    load = Load(
        label="load", pins=pins["load"], model_id=pins["model_id"], chunks=tuple(rendered["chunks"])
    )
    finished = run_load(steps, bench, load)
    finished |= {
        "rows": rendered["rows"], "chunks": len(rendered["chunks"]), "run_id": steps.run_id,
    }  # fmt: skip
    refused = _find_refused(run, planned, finished, left_out)
    if refused["is_whole"]:
        body = partial(accepting.record_failed, bench, pins, planned, finished)
        steps.step("load: record failure", body)
        raise render_failed(
            load,
            finished,
            written=f"None of its {rendered['rows']} rows was taken: the model was read back"
            " unchanged.",
        )
    accepted = steps.step(
        "load: accept",
        partial(_accept, bench, pins, planned, finished | {"left_out": left_out}, refused),
    )
    return {
        **finished,
        **accepted,
        "refused": accepted.get("refused", refused["document"]),
        "refused_count": refused["count"],
    }


def _accept(bench: ActualsBench, pins: Json, planned: Json, finished: Json, refused: Json) -> Json:
    """As `accepting.accept`; what was left out stays refused, and its earlier refusal open."""
    left_out = choosing.load_left_out(bench, finished["left_out"])
    accepted = accepting.accept(
        bench, pins, planned, finished, refused["document"], left_out=left_out
    )
    if not left_out:
        return accepted
    both = left_out | accepting.load_refused_keys(bench, refused["document"])
    return accepted | {"refused": accepting.store_refused(bench, both)}


def _render(bench: ActualsBench, pins: Json, planned: Json, left_out: Json) -> Json:
    rows = render_rows(
        bench, pins["load"]["headers"], planned["members"], planned["shadow_revision"],
        left_out=choosing.load_left_out(bench, left_out),
    )  # fmt: skip
    return store_chunks(bench.archive, pins["load"], rows, bytes_max=bench.flow.chunk_bytes)


def _find_refused(run: ActualsRun, planned: Json, finished: Json, left_out: Json) -> Json:
    """Refusals from the stored dumps, or from the model itself where those cannot tell."""
    steps, bench = run.steps, run.bench
    if not accepting.must_be_read_back(finished):
        return steps.step("load: refused", partial(_from_dumps, bench, finished))
    held = read_held(steps, bench, run.pins, list(planned["members"]))["held"]
    return steps.step(
        "load: refused, by reading back",
        partial(_from_model, bench, planned, held, finished | {"left_out": left_out}),
    )


def _from_dumps(bench: ActualsBench, finished: Json) -> Json:
    refused = accepting.find_refused(bench, finished)
    return _render_refused(bench, refused)


def _from_model(bench: ActualsBench, planned: Json, held: Json, finished: Json) -> Json:
    refused = accepting.find_refused_by_reading(bench, planned["members"], held, finished)
    if refused is None:
        return {"document": "", "count": finished["rows"], "is_whole": True}
    left_out = choosing.load_left_out(bench, finished["left_out"])
    return _render_refused(bench, {k: why for k, why in refused.items() if k not in left_out})


def _render_refused(bench: ActualsBench, refused: dict[SummaryKey, tuple[str, ...]]) -> Json:
    return {
        "document": accepting.store_refused(bench, refused),
        "count": len(refused),
        "is_whole": False,
    }
