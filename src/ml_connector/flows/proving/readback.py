"""Reading the model back: an export of its current state, sorted for the tie-out."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from decimal import Decimal
from functools import partial

from ml_connector.domain.ledger import Totals
from ml_connector.domain.money import decimals_of, fit_stored, parse_cell
from ml_connector.domain.summaries import SummaryKey
from ml_connector.errors import OutcomeUnknownError, ProtocolError, RefusedError
from ml_connector.flows.bench import ActualsBench, Bench, WritingBench
from ml_connector.flows.ledger.currencies import currency_of
from ml_connector.flows.loading.polling import TaskDeadlineError, follow_task
from ml_connector.flows.loading.starting import submit_patiently
from ml_connector.flows.preflight import parse_action
from ml_connector.ports import Action, ExportForm, Json, LoadOutcome, Steps, TaskState

EXPORTS_MAX = 3
"""An export changes nothing, so it may be run again; its output is this user's alone."""
EXPORT_WAIT_S = 5.0
"""Pause before an export is run again."""


class ExportShapeError(ProtocolError):
    """The export lacks a column the flow reads."""

    code = "readback.export-shape"


class ExportFailedError(RefusedError):
    """The export did not complete."""

    code = "readback.export-failed"


class ExportChangedError(ProtocolError):
    """The export's definition was changed while it ran."""

    code = "readback.export-changed"


class ExportVanishedError(ExportFailedError):
    """The model forgot the export's task before it told of its end."""

    code = "readback.export-vanished"


def read_held(steps: Steps, bench: ActualsBench, pins: Json, members: Sequence[str]) -> Json:
    """What the model holds of these planning periods: a totals file's hash by period.

    Raises:
        ExportFailedError: The export did not complete; a resume runs it again.
    """
    exported = steps.step("read back: export", partial(run_export, steps, bench, pins))
    return steps.step(
        "read back: sort", partial(sort_export, bench, pins, exported["export"], list(members))
    )


def run_export(steps: Steps, bench: Bench, pins: Json) -> Json:
    """The export's output, archived; started, followed and fetched in one step.

    `export` is the output as plain CSV, which `parse_csv` reads; `raw` is what the model gave, kept
    as evidence, and `form` how the model said it was to be read.

    A resume so begins with a new export instead of following one that is gone for good. A lost
    reply, a forgotten task, an output that is cut or that was replaced while it was read costs
    another export at once.

    Raises:
        RefusedError: The output has a form that cannot be read, or that has two readings.
        ProtocolError: The last of several outputs was not whole either.
    """
    action = parse_action(pins["export"])
    for _ in range(EXPORTS_MAX - 1):
        try:
            return _export_once(steps, bench, action)
        except TaskDeadlineError:
            raise
        except (OutcomeUnknownError, ProtocolError, ExportVanishedError):
            bench.clock.sleep(EXPORT_WAIT_S)
    return _export_once(steps, bench, action)


def _export_once(steps: Steps, bench: Bench, action: Action) -> Json:
    form = bench.target.read_export_form(action.action_id)
    task_id = submit_patiently(bench, action)
    result = follow_task(steps, bench.target, bench.clock, action, task_id)
    if result.outcome is not LoadOutcome.OK:
        is_gone = result.state is TaskState.VANISHED
        kind = ExportVanishedError if is_gone else ExportFailedError
        raise kind(
            f"The export {action.name} (task {task_id}) ended as {result.outcome or result.state}.",
            written="An export changes nothing; what was sent before it stays in the model.",
            next_step=f"Go on: `ml-connector runs resume {steps.run_id}`.",
            task_id=task_id,
        )
    raw = bench.archive.write_bytes(
        bench.target.read_export_file(action.action_id), suffix="csv"
    ).file_hash
    if bench.target.read_export_form(action.action_id) != form:
        raise ExportChangedError(
            f"The export {action.name} was defined anew while it ran (task {task_id}).",
            written="An export changes nothing; its output was not read.",
            next_step="Ask who changes exports of the model now, then resume the run.",
            task_id=task_id,
        )
    plain = bench.target.parse_export(bench.archive.read_bytes(raw), form)
    exported = bench.archive.write_bytes(plain, suffix="csv").file_hash
    return {"export": exported, "raw": raw, "form": _render_form(form)}


def _render_form(form: ExportForm) -> Json:
    """What the model told of the output; the names of its columns are in the output itself."""
    told = {name: text for name, text in asdict(form).items() if name != "headers" and text}
    return {name: str(text) for name, text in told.items()}


def sort_export(bench: ActualsBench, pins: Json, export_hash: str, members: Sequence[str]) -> Json:
    """Totals per intersection of each planning period, archived in key order."""
    with bench.archive.sorter() as sorter:
        for key, amount in parse_export(bench, pins, export_hash):
            member = key[pins["period_at"]]
            if member in members:
                sorter.add((member, *key), Totals(debit=amount, lines=1))
        return {"held": _store_by_member(bench, sorter.merged(), members)}


def _store_by_member(
    bench: ActualsBench,
    merged: Iterator[tuple[tuple[str, ...], Totals]],
    members: Sequence[str],
) -> dict[str, str]:
    files: dict[str, str] = {}
    at = next(merged, None)
    for member in sorted(members):

        def its_own(member: str = member) -> Iterator[tuple[tuple[str, ...], Totals]]:
            nonlocal at
            while at is not None and at[0][0] == member:
                yield at[0][1:], at[1]
                at = next(merged, None)

        files[member] = bench.archive.write_totals(its_own()).file_hash
    return files


def parse_export(
    bench: ActualsBench, pins: Json, export_hash: str
) -> Iterator[tuple[SummaryKey, Decimal]]:
    """Yield (intersection, amount) of the flow's version; members by code, doubles undone."""
    flow = bench.flow
    codes = [_read_codes(bench, dimension.list) for dimension in flow.dimensions]
    headers = [dimension.header_exported for dimension in flow.dimensions]
    sources = [dimension.source for dimension in flow.dimensions]
    for row in bench.target.parse_csv(bench.archive.read_bytes(export_hash)):
        _verify_columns(bench, row, [*headers, flow.amount_export_column])
        key = tuple(
            by_name.get(row[header], row[header])
            for header, by_name in zip(headers, codes, strict=True)
        )
        if "version" in sources and key[sources.index("version")] != flow.version:
            continue
        decimals = decimals_of(currency_of(pins["currencies"], key))
        amount = parse_cell(row[flow.amount_export_column], decimals=decimals)
        yield key, fit_stored(amount, decimals=decimals)


def _read_codes(bench: ActualsBench, list_name: str) -> dict[str, str]:
    """Display name to code; exports show members by name, the flow knows them by code."""
    if not list_name:
        return {}
    return {m.name: m.code for m in bench.target.read_list_members(list_name) if m.code}


def read_view(
    bench: WritingBench,
    export_hash: str,
    wanted: Sequence[str],
    *,
    rows_max: int,
    error: type[RefusedError],
) -> Iterator[dict[str, str]]:
    """Yield the rows of an exported view by header.

    Raises:
        RefusedError: The `error`: columns are missing, or there are more rows than `rows_max`.
    """
    export = bench.flow.export
    for number, row in enumerate(bench.target.parse_csv(bench.archive.read_bytes(export_hash))):
        missing = [header for header in wanted if header not in row]
        if missing or number >= rows_max:
            raise error(
                f"The export {export!r} lacks the columns {', '.join(missing)}; it has"
                f" {', '.join(row)}." if missing else
                f"The export {export!r} has more than {rows_max:,} rows.",
                written="Nothing was written into the ERP.",
                next_step="Correct the columns of the flow, or the saved view of the export.",
                export=export,
            )  # fmt: skip
        yield row


def _verify_columns(bench: ActualsBench, row: dict[str, str], wanted: Sequence[str]) -> None:
    missing = [header for header in wanted if header not in row]
    if missing:
        raise ExportShapeError(
            f"The export {bench.flow.actions.export!r} lacks the columns {', '.join(missing)};"
            f" it has {', '.join(row)}.",
            written="The load before it stands; only its proof is missing.",
            next_step="Correct `export_column` in the flow, or the saved view of the export.",
            export=bench.flow.actions.export,
        )
