"""What the engine refuses, and the form in which errors are kept in a run's history."""

import logging

from ml_connector.errors import (
    BlockedError,
    BusyError,
    ConnectorError,
    RefusedError,
    RunInterruptedError,
    SystemUnavailableError,
    UsageError,
)

logger = logging.getLogger(__name__)

TEXT_KEPT_MAX = 8_000
"""Characters of one sentence of an error that the engine keeps."""


class UnknownFlowError(UsageError):
    """A run asks for a flow that this version does not have."""

    code = "engine.unknown-flow"

    def __init__(self, flow: str, known: list[str]) -> None:
        super().__init__(
            f"No flow is registered under the name {flow!r}; there are {', '.join(known)}.",
            written="Nothing was started.",
            next_step="Correct the name, or install the version that has this flow.",
            flow=flow,
        )


class UnknownRunError(UsageError):
    """The engine never heard of the run."""

    code = "engine.unknown-run"

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"The engine knows no run {run_id!r}.",
            written="Nothing was started.",
            next_step="List the runs: `ml-connector runs list`.",
            run_id=run_id,
        )


class EngineBusyError(BusyError):
    """Another process, or another engine of this one, works on the same state folder."""

    code = "engine.busy"

    def __init__(self, folder: str, holder: str) -> None:
        super().__init__(
            f"The state folder {folder} is in use by {holder}.",
            written="Nothing was started.",
            next_step="Wait until it ends, or stop it; commands that only read work meanwhile.",
            folder=folder, holder=holder,
        )  # fmt: skip


class UnstorableValueError(RefusedError):
    """A value cannot be kept in a run's history."""

    code = "engine.unstorable-value"

    def __init__(self, where: str, finding: str) -> None:
        super().__init__(
            f"The value at {where} cannot be stored: {finding}.",
            written="The step is not recorded as done; what it did outside stays done.",
            next_step="Report this as a defect; amounts are Decimals, results small JSON.",
            where=where, finding=finding,
        )  # fmt: skip


class ValueTooLargeError(RefusedError):
    """A result, request or summary is too large for a run's history."""

    code = "engine.value-too-large"

    def __init__(self, what: str, size: int, size_max: int) -> None:
        super().__init__(
            f"The {what} takes {size} bytes; a run's history takes {size_max} of each.",
            written="The step is not recorded as done; what it did outside stays done.",
            next_step="Report this as a defect; large content belongs into the archive.",
            what=what, size=size, size_max=size_max,
        )  # fmt: skip


class PickleRefusedError(RefusedError):
    """A row of the engine's database asks to be unpickled, which would execute what it holds."""

    code = "engine.pickle-refused"

    def __init__(self) -> None:
        super().__init__(
            "A row of the engine's database is marked as pickled Python objects.",
            written="Nothing of it was read or executed.",
            next_step="The engine never writes such rows: find out who changed the database.",
        )


class UnreadableRunError(RefusedError):
    """What the engine's database holds of a run cannot be read."""

    code = "engine.unreadable-run"

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"The stored request of run {run_id} cannot be read; it was not written by the engine.",
            written="Nothing of it was executed.",
            next_step="Find out who changed the engine's database, then start a new run.",
            run_id=run_id,
        )


class OtherVersionError(BlockedError):
    """A run belongs to a version of the engine whose steps may differ."""

    code = "engine.other-version"

    def __init__(self, run_id: str, theirs: str, ours: str) -> None:
        super().__init__(
            f"Run {run_id} was begun by engine version {theirs}; this is version {ours}.",
            written="Nothing was started.",
            next_step=f"Move it to this version: `ml-connector runs move {run_id}`; or let the"
            f" release of version {theirs} finish it.",
            run_id=run_id, theirs=theirs, ours=ours,
        )  # fmt: skip


class NewerTablesError(UsageError):
    """A newer release has changed the tables the engine works on."""

    code = "engine.newer-tables"

    def __init__(self, theirs: int, ours: int) -> None:
        super().__init__(
            f"The engine's tables are of version {theirs}; the library of this release knows them"
            f" up to version {ours}.",
            written="Nothing was started or changed.",
            next_step="Install the release of ml-connector that wrote them, or a newer one.",
            theirs=theirs, ours=ours,
        )  # fmt: skip


class OlderTablesError(BusyError):
    """The tables the engine works on are to be changed, and others work on them."""

    code = "engine.older-tables"

    def __init__(self, theirs: int, ours: int, living: list[str]) -> None:
        super().__init__(
            f"The engine's tables are of version {theirs}, and the library of this release would"
            f" bring them to version {ours}; these processes work on them: {', '.join(living)}.",
            written="Nothing was started or changed.",
            next_step="Let runs end, stop every process of the older release, then start this one.",
            theirs=theirs, ours=ours, living=", ".join(living),
        )  # fmt: skip


class StepOrderError(RefusedError):
    """The code asks for other steps than the run's history holds."""

    code = "engine.step-order"

    def __init__(self, run_id: str, finding: str) -> None:
        super().__init__(
            f"The steps of run {run_id} are not those it was begun with: {finding}",
            written="No step was executed since the run was resumed.",
            next_step="Finish it with the release that began it, where it was moved from that one"
            f" after `ml-connector runs move {run_id}` there; or start a new run.",
            run_id=run_id, finding=finding,
        )  # fmt: skip


class TooManyAttemptsError(BlockedError):
    """A step was tried so often that trying again is no plan any more."""

    code = "engine.too-many-attempts"

    def __init__(self, run_id: str, name: str, attempts_max: int) -> None:
        super().__init__(
            f"The step {name!r} of run {run_id} was tried {attempts_max} times without success.",
            written="Earlier steps stay done; this one was not tried again.",
            next_step="Remove the cause its errors name, then start a new run.",
            run_id=run_id, name=name, attempts_max=attempts_max,
        )  # fmt: skip


class AbandonedRunError(RunInterruptedError):
    """The process that executed the run is gone."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"The process that executed run {run_id} ended before the run did.",
            written="Its finished steps stay done; the one it was in may have been done too.",
            next_step=f"Go on: `ml-connector runs resume {run_id}`.",
            run_id=run_id,
        )


class StoppedRunError(RunInterruptedError):
    """The run stopped because its process was asked to."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"Run {run_id} was stopped between two steps.",
            written="Its finished steps stay done; no further one was begun.",
            next_step=f"Go on: `ml-connector runs resume {run_id}`.",
            run_id=run_id,
        )


class TakenForDeadError(RunInterruptedError):
    """Others have the runs of this process, which they had not heard for too long."""

    code = "engine.taken-for-dead"

    def __init__(self, executor_id: str) -> None:
        super().__init__(
            f"The process {executor_id} was not heard for so long that others took its runs over.",
            written="It sends and stores nothing more; its runs go on elsewhere.",
            next_step="Start it again; look why it stood still: suspended, out of memory, cut off"
            " from the database.",
            executor_id=executor_id,
        )


class LeftToOthersError(RunInterruptedError):
    """A command stopped following a run that others execute."""

    code = "engine.left-to-others"

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"The run {run_id} is not followed any more.",
            written="It is queued or executed by a worker, and goes on there.",
            next_step=f"Look at it: `ml-connector runs show {run_id}`.",
            run_id=run_id,
        )


class NobodyWorksError(BusyError):
    """A run is queued, and no process executes runs of this version."""

    code = "engine.nobody-works"

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"The run {run_id} is queued, and no worker of this version is alive.",
            written="It stays queued.",
            next_step="Start one: `ml-connector worker`.",
            run_id=run_id,
        )


class EngineFullError(SystemUnavailableError):
    """There is no room for what the engine has to store of a run."""

    code = "engine.full"

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"The engine's database takes nothing more of run {run_id}: its disk is full.",
            written="Its finished steps stay done; the one it was in may have been done too.",
            next_step=f"Make room, then go on: `ml-connector runs resume {run_id}`.",
            run_id=run_id,
        )


def as_connector_error(error: BaseException, run_id: str) -> ConnectorError:
    """The error itself when it is one of ours, else one with its type and text."""
    if isinstance(error, ConnectorError):
        return error
    if getattr(getattr(error, "orig", None), "sqlite_errorname", "") == "SQLITE_FULL":
        return EngineFullError(run_id)
    logger.error("run.unexpected_error run_id=%s", run_id, exc_info=error)
    kind = type(error).__name__
    found = ConnectorError(
        f"Run {run_id} met an unexpected {kind}: {error}.",
        written="Its finished steps stay done; the one it was in may have been done too.",
        next_step=f"Report this as a defect; go on by `ml-connector runs resume {run_id}`.",
        run_id=run_id, type=kind, text=str(error),
    )  # fmt: skip
    found.__cause__ = error
    return found


def render_error(error: ConnectorError) -> dict[str, object]:
    """The error's record, its texts cut to what the history takes."""
    return {name: _cut(value) for name, value in error.render_record().items()}


def _cut(value: object) -> object:
    if isinstance(value, str):
        return value[:TEXT_KEPT_MAX]
    if isinstance(value, dict):
        return {name: _cut(inner) for name, inner in value.items()}
    return value
