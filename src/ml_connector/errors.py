"""Every error of the product, grouped by what the caller may do next.

A class is chosen by recovery, not by origin: the exit code, the retry rule and the page that shows
the error follow from it. Each error says three things: what was refused, what has and has not been
written, what to do next. It is stored as code plus arguments, never pickled.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar

AGAIN = "try again"
"""What a next step says that fits whoever asked: a run, `doctor`, a page."""
ArgumentValue = str | int | bool | None
DANGER = (9, 4, 7, 8, 6, 5, 3, 2, 1, 130, 0)
"""Exit codes, the most dangerous first: where several hold, the first of them is told."""


class ConnectorError(Exception):
    """Base of every expected failure.

    Args:
        refused: What was refused, with ids and values; a whole sentence.
        written: What has and has not been written; a whole sentence.
        next_step: What to do, as a command or a setting; a whole sentence.
        **arguments: The values the text was built from, for the run history.

    A client does not know who asked, a run or a person: its next step ends in `AGAIN`, for which
    `name_run` puts the command of the run that it stopped.
    """

    code: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 1

    def __init__(
        self, refused: str, *, written: str, next_step: str, **arguments: ArgumentValue
    ) -> None:
        super().__init__(f"{refused} {written} {next_step}".strip())
        self.refused = refused
        self.written = written
        self.next_step = next_step
        self.arguments = arguments

    def name_run(self, run_id: str) -> None:
        """Where the next step says to try again, it says how to go on with that run."""
        self.next_step = self.next_step.replace(AGAIN, f"`ml-connector runs resume {run_id}`")

    def render_record(self) -> dict[str, object]:
        """The form kept in the run history: codes, arguments and the three sentences."""
        return {
            "code": self.code,
            "exit_code": self.exit_code,
            "refused": self.refused,
            "written": self.written,
            "next_step": self.next_step,
            "arguments": dict(self.arguments),
        }


class StoredError(ConnectorError):
    """An error read back from the run history; keeps the code and exit code it was stored with."""

    code = "stored"

    def __init__(self, record: dict[str, object]) -> None:
        super().__init__(
            str(record["refused"]),
            written=str(record["written"]),
            next_step=str(record["next_step"]),
        )
        self.stored_code = str(record["code"])
        # Records of older releases do not say it; then the class has to be known here.
        kept = record.get("exit_code")
        self.stored_exit_code = kept if isinstance(kept, int) else find_exit_code(self.stored_code)

    def render_record(self) -> dict[str, object]:
        """The record as it was stored, but for the arguments its text was built from."""
        codes = {"code": self.stored_code, "exit_code": self.stored_exit_code}
        return super().render_record() | codes


class UsageError(ConnectorError):
    """The request itself makes no sense: an unknown flow, a period that does not parse."""

    code = "usage"
    exit_code = 2


class SettingsError(UsageError):
    """The project folder holds faults; the text lists all of them."""

    code = "settings.invalid"


class RefusedError(ConnectorError):
    """The data or the remote system said no; repeating unchanged will be refused again."""

    code = "refused"


class ProtocolError(RefusedError):
    """A system answered outside its contract: cut JSON, a repeated page, an impossible total."""

    code = "protocol"


class PartlyRefusedError(ConnectorError):
    """Some summaries or lines were not taken; the rest is in the model."""

    code = "partly-refused"
    exit_code = 3


class UnexplainedDifferenceError(ConnectorError):
    """The tie-out left a difference nobody can name."""

    code = "tie-out.unexplained"
    exit_code = 4


class BlockedError(ConnectorError):
    """A guard stopped the run, or it waits for a person; nothing was sent."""

    code = "blocked"
    exit_code = 5


class BusyError(ConnectorError):
    """Somebody else holds the flow, the model or the state folder."""

    code = "busy"
    exit_code = 6


class CredentialsError(ConnectorError):
    """A log-in failed or a secret is missing."""

    code = "credentials"
    exit_code = 7


class AccessDeniedError(CredentialsError):
    """The log-in works but the rights do not suffice."""

    code = "access-denied"


class SystemUnavailableError(ConnectorError):
    """A system does not answer; the same call may be repeated safely."""

    code = "unavailable"
    exit_code = 8


class DatabaseAwayError(ConnectorError):
    """Our own database does not answer; a step that meets it waits and is executed again.

    No kind of `SystemUnavailableError`: what is said of another system, such as that nothing was
    started there, does not follow from it.

    Args:
        where: The database, without credentials.
        fault: What the driver said.
        is_back: Whether it answers again; asked by whoever waits.
    """

    code = "database-away"
    exit_code = 8

    def __init__(self, where: str, fault: str, *, is_back: Callable[[], bool]) -> None:
        super().__init__(
            f"The database {where} does not answer: {fault}.",
            written="What was stored before stands; of the last write it is not known.",
            next_step="Start the database, or mend the way to it; then `ml-connector runs list`"
            " says what to go on with.",
            where=where, fault=fault,
        )  # fmt: skip
        self.is_back = is_back


class OutcomeUnknownError(ConnectorError):
    """A write was sent and its reply was lost; it must be read back, never repeated blindly."""

    code = "outcome-unknown"
    exit_code = 9


class RunInterruptedError(ConnectorError):
    """The run was stopped at a step boundary and can be resumed."""

    code = "interrupted"
    exit_code = 130


def find_worst(exit_codes: Iterable[int]) -> int:
    """The most dangerous of several exit codes; 0 when there is none."""
    return min(exit_codes, key=DANGER.index, default=0)


def _walk(parent: type[ConnectorError]) -> list[type[ConnectorError]]:
    below = parent.__subclasses__()
    return [parent, *(found for child in below for found in _walk(child))]


def list_error_classes() -> list[type[ConnectorError]]:
    """Every error class that is loaded, base first; the docs test walks it."""
    return _walk(ConnectorError)


def find_exit_code(code: str) -> int:
    """The exit code of the class with this stable code; 1 when no class carries it any more."""
    return next((c.exit_code for c in list_error_classes() if c.code == code), 1)
