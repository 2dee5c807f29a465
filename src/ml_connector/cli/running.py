"""Commands that run a flow, or look at what a run would do."""

import json
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from ml_connector.cli.mappings import tell_drift
from ml_connector.cli.options import Options, opened, output_of
from ml_connector.cli.output import say
from ml_connector.cli.report import count_changes, exit_code_of, tell_run
from ml_connector.errors import UsageError
from ml_connector.flows.requests import RunWish, render_request
from ml_connector.ports import Json, RunRow
from ml_connector.wiring import House

Periods = Annotated[
    list[str] | None,
    Parameter(name="--period", help="The ledger's own period name, or FY2026-P10.", negative=()),
]
Take = Annotated[
    list[str] | None,
    Parameter(
        name="--take",
        help="A supplier whose conflict is decided for the model.",
        negative=(),
    ),
]
Month = Annotated[str | None, Parameter(help="Calendar month such as 2026-10.")]
EXIT_CHANGES = 10
PLAN_FORMAT = "ml-connector plan 1"
PLAN_KINDS = {"flow": str, "plan": str, "periods": list, "totals": dict}
"""What a saved plan has to tell."""


def run(
    flow: str,
    /,
    *,
    period: Periods = None,
    month: Month = None,
    from_: Annotated[str | None, Parameter(name="--from", help="First month, 2026-01.")] = None,
    to: Annotated[str | None, Parameter(help="Last month, 2026-10.")] = None,
    dry_run: Annotated[bool, Parameter(negative=(), help="Plan only; write nothing.")] = False,
    remap: Annotated[
        bool, Parameter(negative=(), help="Also load periods a changed mapping affects.")
    ] = False,
    against: Annotated[
        str | None, Parameter(help="`model`: take its word for what it holds.")
    ] = None,
    take: Take = None,
    options: Options | None = None,
) -> int:
    """Bring the model in step with the ledger, and tie it out.

    Without a period: every period touched since its last load.
    """
    request = _ask(
        period, month or from_, month or to, against=against, take=take,
        is_dry=dry_run, remaps=remap,
    )  # fmt: skip
    with opened(options) as house:
        return _execute(house, flow, request, options)


def plan(
    flow: str,
    /,
    *,
    period: Periods = None,
    month: Month = None,
    from_: Annotated[str | None, Parameter(name="--from", help="First month, 2026-01.")] = None,
    to: Annotated[str | None, Parameter(help="Last month, 2026-10.")] = None,
    out: Annotated[Path | None, Parameter(help="Save the plan for `apply`.")] = None,
    remap: Annotated[
        bool, Parameter(negative=(), help="Every period the mapping affects.")
    ] = False,
    against: Annotated[
        str | None, Parameter(help="`model`: take its word for what it holds.")
    ] = None,
    take: Take = None,
    detailed_exitcode: Annotated[
        bool, Parameter(negative=(), help="Leave with 10 when there are changes.")
    ] = False,
    options: Options | None = None,
) -> int:
    """Show in money what a run would change; writes nothing into the model."""
    request = _ask(
        period, month or from_, month or to, against=against, take=take, is_dry=True, remaps=remap
    )
    with opened(options) as house:
        if out is not None:
            house.actuals_flow(flow)
        row = _run(house, flow, request)
        tell_drift(house, flow)
        if out is not None:
            _save_plan(out, row)
        is_worth = out is not None and count_changes(row.summary)
        next_step = f"load exactly this: `ml-connector apply {out}`" if is_worth else ""
        code = _tell(house, row, options, next_step=next_step)
    return EXIT_CHANGES if detailed_exitcode and not code and count_changes(row.summary) else code


def apply(file: Path, /, *, options: Options | None = None) -> int:
    """Load exactly the saved plan, or refuse it as stale, edited, foreign or drifted."""
    saved = _read_plan(file)
    request = {"apply": saved["plan"], "members": saved["periods"], "totals": saved["totals"]}
    with opened(options) as house:
        return _execute(house, saved["flow"], request, options)


def backfill(
    flow: str, /, *, period: Periods = None, month: Month = None, options: Options | None = None
) -> int:
    """Read periods whole again, whatever the archive holds of them, then load and tie out."""
    request = _ask(period, month, backfills=True)
    with opened(options) as house:
        return _execute(house, flow, request, options)


def retry(run_id: str, /, *, options: Options | None = None) -> int:
    """Start a new run with the scope of an earlier one."""
    with opened(options) as house:
        earlier = house.find_retried(run_id)
        return _execute(house, earlier.flow, earlier.request, options)


def replay(
    flow: str,
    /,
    *,
    refused: Annotated[
        bool, Parameter(negative=(), help="The refused summaries, only them.")
    ] = True,
    options: Options | None = None,
) -> int:
    """Send the refused summaries again after their mapping or the model was mended."""
    assert refused, "refused summaries are the only thing that is replayed"
    with opened(options) as house:
        house.actuals_flow(flow)
        if not house.records.loads.count_refused(flow):
            say(f"Flow {flow} has no refused summaries.")
            return 0
        return _execute(house, flow, {"replay": True}, options)


def reconcile(
    flow: str, /, *, period: Periods = None, month: Month = None, options: Options | None = None
) -> int:
    """Compare ledger, archive, summaries and model hop by hop; sends nothing."""
    request = _ask(period, month) | {"reconcile": True}
    with opened(options) as house:
        return _execute(house, flow, request, options)


def resume(run_id: str, /, *, options: Options | None = None) -> int:
    """Go on with an interrupted or failed run at its first missing step."""
    with opened(options) as house:
        found = house.records.runs.load_run(run_id)
        return _tell(house, house.resume(found.run_id), options)


def _ask(
    periods: list[str] | None,
    first: str | None = None,
    last: str | None = None,
    *,
    against: str | None = None,
    take: list[str] | None = None,
    **flags: bool,
) -> Json:
    """The request of a run; `flags` are those of a wish."""
    wish = RunWish(
        periods=periods or (), month_first=first or "", month_last=last or "",
        against=against or "", take=take or (), **flags,
    )  # fmt: skip
    return render_request(wish)


def _run(house: House, flow: str, request: Json) -> RunRow:
    if request.get("take") and house.flow(flow).kind != "suppliers":
        raise UsageError(
            f"--take decides conflicts of suppliers; {flow} is a {house.flow(flow).kind} flow.",
            written="Nothing was read or sent.",
            next_step=f"Leave it out: `ml-connector run {flow}`.",
            flow=flow,
        )
    return house.run(flow, {k: v for k, v in request.items() if v})


def _execute(house: House, flow: str, request: Json, options: Options | None) -> int:
    return _tell(house, _run(house, flow, request), options)


def _tell(house: House, row: RunRow, options: Options | None, *, next_step: str = "") -> int:
    if row.request.get("month_first") and "periods" in row.summary:
        for its in house.list_scope(row.run_id):
            say(f"{its.ledger} {its.period}: {its.date_first} to {its.date_last}.")
    tell_run(row, output_of(options), next_step=next_step)
    return exit_code_of(row)


def _save_plan(out: Path, row: RunRow) -> None:
    summary = row.summary
    content = {
        "format": PLAN_FORMAT,
        "flow": row.flow,
        "plan": summary["plan_hash"],
        "periods": summary["periods"],
        "totals": summary["plan"],
        "made_by": row.actor,
        "made_at": row.created_at.isoformat(timespec="seconds"),
    }
    out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _read_plan(file: Path) -> dict[str, Any]:
    try:
        saved = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise _no_plan(file, str(error)) from error
    if not isinstance(saved, dict) or saved.get("format") != PLAN_FORMAT:
        raise _no_plan(file, "it was not written by `plan --out`")
    missing = [name for name in PLAN_KINDS if saved.get(name) in (None, "")]
    if missing:
        raise _no_plan(file, f"it lacks {', '.join(missing)}")
    odd = [name for name, kind in PLAN_KINDS.items() if not isinstance(saved[name], kind)]
    if odd:
        raise _no_plan(file, f"its {', '.join(odd)} cannot be read")
    if not saved["periods"] or not saved["totals"]:
        raise _no_plan(file, "there was nothing to send when it was made")
    return saved


def _no_plan(file: Path, why: str) -> UsageError:
    return UsageError(
        f"{file} is no saved plan: {why}.",
        written="Nothing was sent.",
        next_step="Make one: `ml-connector plan FLOW --out FILE`.",
        file=str(file),
    )
