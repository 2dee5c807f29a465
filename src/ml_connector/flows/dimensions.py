"""F1: the members facts will need are in the model's lists, parents before children.

A list is compared with what the model holds and with what it was last told; only new and changed
members are sent. Members the source no longer has stay: an import never deletes (anaplan §12.27).
"""

from collections.abc import Sequence
from functools import partial

from ml_connector.domain.money import use_exact_money
from ml_connector.errors import BlockedError
from ml_connector.flows.bench import DimensionsBench, read_document, store_document
from ml_connector.flows.loading.accepting import DEFINITE_FAILURES
from ml_connector.flows.loading.accepting_members import accept_members
from ml_connector.flows.loading.chunks import store_chunks
from ml_connector.flows.loading.load import Load
from ml_connector.flows.loading.running import name_outcome, render_failed, run_load
from ml_connector.flows.members import ListRun, is_held, read_desired, render_member
from ml_connector.flows.preflight import pin_load, verify_model
from ml_connector.ports import Json, RunState, Steps, TargetMember
from ml_connector.settings import ListFlow

SHOWN_MAX = 20


class SourceEmptyError(BlockedError):
    """The source shows no member of a list the model has filled: mostly a matter of rights."""

    code = "dimensions.source-empty"


class MembersVanishedError(BlockedError):
    """More members of a list are gone at the source than the flow's guard lets pass."""

    code = "dimensions.members-vanished"


def run_dimensions(steps: Steps, request: Json, bench: DimensionsBench) -> Json:
    """Every list of the flow holds the source's members, or the summary says which it refused."""
    use_exact_money()
    pins = steps.step("members: preflight", partial(_preflight, steps, bench))
    runs = [
        ListRun(
            list_flow=list_flow, pins=pins["lists"][list_flow.list],
            model_id=pins["model_id"], run_id=steps.run_id,
        )
        for list_flow in bench.flow.lists
    ]  # fmt: skip
    # What one list is refused for must be known before any of them is sent.
    compared = [
        steps.step(f"{run.label}: compare", partial(compare_list, bench, run)) for run in runs
    ]
    lists = {
        run.list_flow.list: _send_list(steps, request, bench, run, its)
        for run, its in zip(runs, compared, strict=True)
    }
    return {
        "state": str(_conclude(list(lists.values()))),
        "flow": bench.flow.name,
        "model": pins["model_name"],
        "dry_run": bool(request.get("dry_run")),
        "lists": lists,
    }


def list_short(summary: Json) -> Json:
    """The lists of a finished run that the model did not take whole: counts of what it did not."""
    names = ("refused", "warned", "unclear", "missing")
    return {
        name: {kind: row[kind] for kind in names}
        for name, row in summary["lists"].items()
        if any(row[kind] for kind in names)
    }


def _conclude(lists: Sequence[Json]) -> RunState:
    if any(row["missing"] for row in lists):
        return RunState.UNTIED
    not_whole = any(row["refused"] or row["warned"] or row["unclear"] for row in lists)
    return RunState.PARTLY if not_whole else RunState.SUCCEEDED


def _preflight(steps: Steps, bench: DimensionsBench) -> Json:
    lists = {
        row.list: pin_load(bench, kind="import", name=row.load, columns=_columns(row))
        for row in bench.flow.lists
    }
    return {**verify_model(bench.target), "run_id": steps.run_id, "lists": lists}


def _columns(list_flow: ListFlow) -> set[str]:
    columns = list_flow.columns
    named = {columns.code, columns.name, *columns.properties.values()}
    return named | {columns.parent} if columns.parent else named


def _send_list(
    steps: Steps, request: Json, bench: DimensionsBench, run: ListRun, compared: Json
) -> Json:
    told = ("members", "new", "changed", "only_in_model", "shown")
    counts = {name: compared[name] for name in told}
    if request.get("dry_run") or not compared["rows"]:
        return {**counts, "refused": 0, "warned": 0, "unclear": 0, "missing": 0}
    chunks = steps.step(f"{run.label}: render", partial(_render, bench, run, compared))
    load = Load(
        label=run.label, pins=run.pins, model_id=run.model_id, chunks=tuple(chunks["chunks"])
    )
    finished = run_load(steps, bench, load)
    # A task the model has forgotten is not among these: the list itself shows what it took.
    if name_outcome(finished) in DEFINITE_FAILURES:
        raise render_failed(
            load,
            finished,
            written=f"As the model tells it, none of its {chunks['rows']} rows was taken; the next"
            " run compares the list anew.",
        )
    accepted = steps.step(
        f"{run.label}: accept", partial(accept_members, bench, run, compared, finished | chunks)
    )
    return {**counts, **accepted, "task_id": finished["task_id"]}


def compare_list(bench: DimensionsBench, run: ListRun) -> Json:
    """The members to send: absent from the model's list, or unlike what it holds or was told.

    Raises:
        UnknownPropertyError: The flow names a property the source's members do not have.
        SourceEmptyError: The source shows none while the list holds some.
        MembersVanishedError: The guard on vanished members tripped.
    """
    desired = [render_member(run.list_flow, m) for m in read_desired(bench, run.list_flow)]
    held = {m.code: m for m in bench.target.read_list_members(run.list_flow.list) if m.code}
    told = _read_told(bench, run)
    code = run.list_flow.columns.code
    only_in_model = sorted(set(held) - {row[code] for row in desired})
    _verify_guards(run.list_flow, desired, held, only_in_model)
    names = {row[code]: row[run.list_flow.columns.name] for row in desired}
    rows = [
        row for row in desired
        if run.key_of(row) not in told or not is_held(run, row, held.get(row[code]), names)
    ]  # fmt: skip
    new = sum(1 for row in rows if row[code] not in held)
    return {
        "members": len(desired),
        "new": new,
        "changed": len(rows) - new,
        "rows": len(rows),
        "only_in_model": len(only_in_model),
        "shown": [row[code] for row in rows[:SHOWN_MAX]],
        "document": store_document(bench.archive, rows),
        "desired": store_document(bench.archive, desired),
    }


def _read_told(bench: DimensionsBench, run: ListRun) -> set[tuple[str, ...]]:
    _, files = bench.records.loads.load_shadow(bench.flow.name, run.model_id)
    file_hash = files.get(run.list_flow.list, "")
    return {key for key, _ in bench.archive.read_totals(file_hash)} if file_hash else set()


def _verify_guards(
    list_flow: ListFlow,
    desired: Sequence[dict[str, str]],
    held: dict[str, TargetMember],
    only_in_model: Sequence[str],
) -> None:
    if held and not desired:
        raise SourceEmptyError(
            f"The source shows no member for list {list_flow.list}; the model holds {len(held)}.",
            written="Nothing of this list was sent.",
            next_step="Check the integration user's rights: `ml-connector doctor`.",
            list=list_flow.list,
        )
    ratio = list_flow.members_vanish_max_ratio
    if ratio is not None and held and len(only_in_model) > ratio * len(held):
        raise MembersVanishedError(
            f"{len(only_in_model)} of {len(held)} members of list {list_flow.list} are gone at the"
            f" source; the flow lets {ratio:.0%} pass.",
            written="Nothing of this list was sent.",
            next_step="Check the integration user's rights, or raise `members_vanish_max_ratio`.",
            list=list_flow.list,
        )


def _render(bench: DimensionsBench, run: ListRun, compared: Json) -> Json:
    rows = read_document(bench.archive, compared["document"])
    headers = run.pins["headers"]
    lines = ([row[header] for header in headers] for row in rows)
    return store_chunks(bench.archive, run.pins, lines, bytes_max=bench.flow.chunk_bytes)
