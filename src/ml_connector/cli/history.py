"""Commands about what has happened: runs, lines, keys, the audit chain. They read our records."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ml_connector.cli.options import Options, Output, opened, output_of
from ml_connector.cli.output import Listing, hint, say, show, show_json
from ml_connector.cli.outside import Rows
from ml_connector.cli.report import tell_run
from ml_connector.ports import RunRow, StepRow
from ml_connector.wiring.moving import Waiting


def status(*, options: Options | None = None) -> int:
    """Show each flow: its last run, what it owes the model, what was refused."""
    with opened(options) as house:
        rows, waiting = [], []
        for flow in sorted(house.project.flows):
            last = next(iter(house.records.runs.load_runs(flow=flow, limit=1)), None)
            waiting.append(house.find_waiting(last) if last else None)
            owed = house.records.batches.load_touched(flow)
            refused = house.records.loads.count_refused(flow)
            rows.append(
                (
                    flow,
                    last.run_id if last else "",
                    str(last.state) if last else "never run",
                    _finished(last),
                    len(owed),
                    refused,
                )
            )
        show(
            Listing(
                columns=("Flow", "Last run", "State", "Ended (UTC)", "Periods owed", "Refused"),
                rows=rows,
            ),
            output_of(options),
        )
    for one in filter(None, waiting):
        _tell_waiting(one)
    return 0


def _tell_waiting(waiting: Waiting) -> None:
    say(waiting.finding)
    hint(waiting.next_step)


def _finished(row: RunRow | None) -> str:
    return f"{row.finished_at:%Y-%m-%d %H:%M}" if row and row.finished_at else ""


def list_runs(
    *,
    flow: str | None = None,
    limit: Annotated[Rows, Parameter(help="Newest runs to list.")] = 20,
    options: Options | None = None,
) -> int:
    """List runs, newest first."""
    with opened(options) as house:
        rows = [
            (row.run_id, row.flow, str(row.state), row.actor, f"{row.created_at:%Y-%m-%d %H:%M}")
            for row in house.records.runs.load_runs(flow=flow, limit=limit)
        ]
        show(
            Listing(
                columns=("Run", "Flow", "State", "By", "Started (UTC)"),
                rows=rows,
                empty="No run yet.",
            ),
            output_of(options),
        )
    return 0


def show_run(run_id: str, /, *, options: Options | None = None) -> int:
    """Show a run: its steps, its tie-out, the error that stopped it."""
    with opened(options) as house:
        row = house.records.runs.load_run(run_id)
        steps = house.records.runs.load_steps(row.run_id)
        waiting = house.find_waiting(row)
    if output_of(options) == "json":
        waits = waiting.finding if waiting else None
        show_json({**asdict(row), "waits": waits, "steps": [asdict(step) for step in steps]})
        return 0
    listed = [(its.name, its.attempt, its.state, _seconds(its)) for its in steps]
    show(Listing(columns=("Step", "Attempt", "State", "Seconds"), rows=listed), output_of(options))
    # One table per CSV: who reads it by a program wants the steps, or the summary as JSON.
    if output_of(options) != "csv":
        print()
        _tell_end(row, output_of(options))
    if waiting is not None:
        _tell_waiting(waiting)
    return 0


def _tell_end(row: RunRow, output: Output) -> None:
    if row.error:
        say(f"Run {row.run_id} of {row.flow} {row.state}: {row.error['refused']}")
        say(str(row.error["written"]))
        hint(str(row.error["next_step"]))
    elif row.summary:
        tell_run(row, output)
    else:
        say(f"Run {row.run_id} of {row.flow} is {row.state}.")


def _seconds(step: StepRow) -> str:
    if step.finished_at is None:
        return ""
    return f"{(step.finished_at - step.started_at).total_seconds():.1f}"


def show_lines(
    run_id: str,
    /,
    *,
    refused: Annotated[bool, Parameter(negative=(), help="Only refused summaries.")] = True,
    options: Options | None = None,
) -> int:
    """List the refused summaries of a run, joined to their journal lines."""
    assert refused, "only refused summaries are joined to lines here"
    with opened(options) as house:
        rows = []
        for refusal in house.join_refusals(run_id):
            key, reasons = " / ".join(refusal.summary.key), "; ".join(refusal.summary.reasons)
            rows += [
                (
                    key, reasons, way.batch_id, way.line.journal, way.line.number,
                    way.line.ledger, way.line.period, way.line.combination,
                    way.line.debit, way.line.credit, way.line.currency,
                )
                for way in refusal.lines
            ]  # fmt: skip
            if refusal.lines_more:
                say(f"{key}: {refusal.lines_more:,} more lines.")
        show(
            Listing(
                columns=(
                    "Intersection", "Reason", "Batch", "Journal", "Line", "Ledger", "Period",
                    "Account combination", "Debit", "Credit", "Currency",
                ),
                rows=rows,
                empty="Nothing is refused.",
            ),
            output_of(options),
        )  # fmt: skip
    return 0


def stop(run_id: str, /, *, options: Options | None = None) -> int:
    """Let a run that is executed end before its next step; it can be resumed, or put away."""
    with opened(options) as house:
        row = house.stop_run(run_id)
    say(f"Run {row.run_id} of {row.flow} ends before its next step; what it has written stays.")
    say(f"See how it ends: `ml-connector runs show {row.run_id}`.")
    return 0


def cancel(run_id: str, /, *, options: Options | None = None) -> int:
    """Put an unfinished run away; a task it started in the model is left alone."""
    with opened(options) as house:
        row = house.cancel(run_id)
    say(f"Run {row.run_id} of {row.flow} is cancelled and will not go on.")
    return 0


def trace(key: str, /, *, options: Options | None = None) -> int:
    """Tell everything known of a key: batch, account, task, run, member."""
    with opened(options) as house:
        rows = [(its.place, its.at, its.run_id, its.text) for its in house.trace(key)]
        show(
            Listing(
                columns=("Where", "When", "Run", "What"),
                rows=rows,
                empty=f"Nothing is known of {key!r}.",
            ),
            output_of(options),
        )
    return 0 if rows else 1


def verify_audit(*, options: Options | None = None) -> int:
    """Walk the audit chain and name the first broken link."""
    with opened(options) as house:
        count = house.records.audit.verify()
    if output_of(options) == "json":
        show_json({"links": count, "holds": True})
    say(f"The audit chain holds: {count:,} links, none changed, removed or reordered.")
    return 0


def export_audit(
    file: Annotated[Path | None, Parameter(help="Default: standard output.")] = None,
    /,
    *,
    options: Options | None = None,
) -> int:
    """Write the audit chain as JSON lines, to be verified elsewhere."""
    with opened(options) as house:
        lines = house.export_audit()
        if file is None:
            sys.stdout.writelines(f"{line}\n" for line in lines)
        else:
            with file.open("w", encoding="utf-8") as out:
                out.writelines(f"{line}\n" for line in lines)
    return 0
