"""Commands of an upgrade: runs of another version, changes of the records database."""

from typing import Annotated

from cyclopts import Parameter

from ml_connector.cli.options import Options, opened, output_of
from ml_connector.cli.output import Listing, hint, say, show
from ml_connector.errors import ConnectorError, UsageError, find_worst
from ml_connector.ports import RunRow, RunState
from ml_connector.wiring import House
from ml_connector.wiring.moving import Moved


class NothingToMoveError(UsageError):
    """The command names no run."""

    code = "runs.move-what"


def move(
    run_id: str = "",
    /,
    *,
    all_: Annotated[
        bool, Parameter(name="--all", negative=(), help="Every unfinished run of another version.")
    ] = False,
    version: Annotated[
        str, Parameter(name="--from", help="With --all: only runs of this engine version.")
    ] = "",
    options: Options | None = None,
) -> int:
    """Move a stopped or queued run of another version to this one; then it goes on here."""
    if bool(run_id) is all_ or (version and not all_):
        raise NothingToMoveError(
            "Either one run is named, or --all, which may be narrowed by --from VERSION.",
            written="Nothing was changed.",
            next_step="Name one: `ml-connector runs move RUN`.",
        )
    with opened(options) as house:
        if run_id:
            moved = house.move(run_id)
            say(f"Run {moved.run.run_id} of flow {moved.run.flow}: {tell_moved(moved)}.")
            hint(_go_on(moved.run))
            return 0
        tried = [(run, *_try(house, run)) for run in house.list_foreign(version)]
        columns = ("Run", "Flow", "State", "What became of it")
        rows = [(run.run_id, run.flow, str(run.state), told) for run, told, _ in tried]
        empty = "No unfinished run is of another version."
        show(Listing(columns=columns, rows=rows, empty=empty), output_of(options))
    return find_worst(code for _, _, code in tried)


def migrate(
    *,
    after: Annotated[
        bool, Parameter(negative=(), help="Also what older releases use; they must have gone.")
    ] = False,
    options: Options | None = None,
) -> int:
    """Bring the records database up to this release; every start does all but `--after`."""
    with opened(options) as house:
        found = house.migrate(after=after)
    rows = [(name, "applied") for name in found.applied]
    rows += [(name, "waits until processes of older releases have gone") for name in found.after]
    empty = "The records database is up to date."
    show(Listing(columns=("Migration", "State"), rows=rows, empty=empty), output_of(options))
    if found.after:
        hint("When none of them is left: `ml-connector migrate --after`.")
    return 0


def _try(house: House, run: RunRow) -> tuple[str, int]:
    """What became of the run, and the exit code of what was refused; one of many does not stop."""
    try:
        return tell_moved(house.move(run.run_id)), 0
    except ConnectorError as error:
        return f"left as it is: {error.refused}", error.exit_code


def tell_moved(moved: Moved) -> str:
    """What became of the run, which may have been of this version before."""
    if moved.version == moved.version_now:
        return f"it is of version {moved.version_now} already"
    return f"moved from version {moved.version} to {moved.version_now}"


def _go_on(run: RunRow) -> str:
    if run.state is RunState.QUEUED:
        return f"It goes on as soon as its turn comes: `ml-connector runs show {run.run_id}`."
    return f"Go on: `ml-connector runs resume {run.run_id}`."
