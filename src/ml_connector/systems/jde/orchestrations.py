"""The one call that writes: sent once, and what each answer to it means.

An orchestration is no transaction. Whatever fails after it began may have left journals behind, so
only answers that come before it begins, or its own word, say that nothing was entered.
"""

from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import quote

from ml_connector.errors import ConnectorError, OutcomeUnknownError, RefusedError
from ml_connector.ports import JournalReceipt
from ml_connector.systems.calls import NOT_FOUND, CallTimeouts, RemoteReply
from ml_connector.systems.http import RemoteCall
from ml_connector.systems.jde.answers import UnreadableError
from ml_connector.systems.jde.login import PATIENCE
from ml_connector.systems.jde.orchestration_wire import Answer, parse_answer
from ml_connector.systems.jde.refusals import (
    TOKEN_REFUSED,
    UNTOUCHED,
    find_reply_words,
    redact,
    render_refused,
)

FORBIDDEN: Final = 403
UNSIGNED: Final = frozenset({401, TOKEN_REFUSED})
"""Refusals of the session, which come before anything is executed (J-60)."""
REFUSED: Final = frozenset({400, 405, 406, 413, 415})
"""Refusals of the request itself, which come before anything is executed."""
BATCH_TYPE: Final = "G"
"""Journals are batches of this type where an answer names none."""
ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
MESSAGES_SHOWN_MAX: Final = 5
_EVERY_FAILURE: Final = frozenset(range(400, 600))
_JSON: Final = {"Content-Type": "application/json", "Accept": "application/json"}
_CREATED: Final = "CREATED"
_DUPLICATE: Final = "DUPLICATE"
_REJECTED: Final = "REJECTED"


class JournalRejectedError(RefusedError):
    """The orchestration looked at a journal and entered nothing; the text holds its words."""

    code: ClassVar[str] = "jde.journal-rejected"


class OrchestrationMissingError(RefusedError):
    """There is no orchestration of the configured name, or the user may not see it."""

    code: ClassVar[str] = "jde.orchestration-missing"


class OrchestrationDeniedError(RefusedError):
    """Status 403 for the orchestration, before and after a new log-in."""

    code: ClassVar[str] = "jde.orchestration-denied"


class OrchestrationRefusedError(RefusedError):
    """The orchestration does not take its inputs as they are sent."""

    code: ClassVar[str] = "jde.orchestration-refused"


class JournalUnclearError(OutcomeUnknownError):
    """The answer to a journal does not tell whether it was entered."""

    code: ClassVar[str] = "jde.journal-unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was sent, as far as its answer is read by it."""

    orchestration: str
    key: str
    company: str
    document_type: str
    lines: int


def build_call(root: str, name: str, content: bytes, *, timeout_s: float) -> RemoteCall:
    """The call that runs an orchestration: not repeated, each answer with a status a reply."""
    return RemoteCall(
        method="POST",
        path=f"{root}/v3/orchestrator/{quote(name, safe='')}",
        headers=_JSON,
        content=content,
        is_repeatable=False,
        replays_after_401=False,
        accepted=_EVERY_FAILURE,
        timeouts=CallTimeouts(connect_s=10, read_s=timeout_s),
        # For calls that never left; what may have left is not sent again.
        patience=PATIENCE,
        bytes_max=ANSWER_BYTES_MAX,
    )


def read_receipt(reply: RemoteReply, sent: Sent) -> JournalReceipt:
    """The journal's numbers, from any answer that has them.

    Raises:
        RefusedError: Nothing was entered, by the server's or the orchestration's own word.
        JournalUnclearError: The answer does not tell.
        ConnectorError: The session was refused; nothing was executed.
    """
    if not reply.is_success:
        raise _render_refused(reply, sent)
    try:
        answer = parse_answer(reply.content)
    except UnreadableError as error:
        raise render_unclear(reply.system, sent, f"the answer is {error}") from None
    fault = _find_fault(answer, sent)
    if fault:
        raise render_unclear(reply.system, sent, fault)
    if answer.result == _REJECTED:
        raise _render_rejected(reply.system, answer, sent)
    return JournalReceipt(
        batch_id=f"{answer.batch_type or BATCH_TYPE}-{answer.batch_number}",
        document="-".join(
            (
                answer.document_company or sent.company,
                answer.document_type or sent.document_type,
                str(answer.document_number),
            )
        ),
        is_duplicate=answer.result == _DUPLICATE,
        warnings=tuple(map(redact, answer.messages)),
    )


def _find_fault(answer: Answer, sent: Sent) -> str:
    """Why the answer does not tell; empty when it does."""
    if answer.is_failed:
        return f"the run ended in an error: {redact(answer.words)[:300] or 'without a word'}"
    if answer.result == _REJECTED:
        return ""
    if answer.result not in {_CREATED, _DUPLICATE, ""}:
        return f"the result is {answer.result[:40]!r}"
    if not (answer.batch_number and answer.document_number):
        return "the answer names no batch and document"
    is_short = answer.lines_written not in {None, sent.lines}
    if answer.result != _DUPLICATE and is_short:
        return f"{answer.lines_written} of {sent.lines} lines are said to be written"
    return ""


def render_unclear(system: str, sent: Sent, fault: str) -> JournalUnclearError:
    """The error for an answer that does not tell."""
    return JournalUnclearError(
        f"{system} did not say whether {sent.orchestration} entered the journal {sent.key}:"
        f" {fault.rstrip('.')}.",
        written="Whether the journal was entered is not known.",
        next_step=f"Look for lines with reference 2 {sent.key} before anything is sent again.",
        orchestration=sent.orchestration, key=sent.key,
    )  # fmt: skip


def _render_rejected(system: str, answer: Answer, sent: Sent) -> JournalRejectedError:
    shown = "; ".join(answer.messages[:MESSAGES_SHOWN_MAX]) or answer.words or "without a word"
    more = len(answer.messages) - MESSAGES_SHOWN_MAX
    return JournalRejectedError(
        f"{system} rejected the journal {sent.key}: {redact(shown).rstrip('.')}"
        f"{f' and {more} more' if more > 0 else ''}.",
        written="By its own word the orchestration entered nothing.",
        next_step="Correct what it names in JD Edwards or in the approved view, then make a new"
        " plan.",
        orchestration=sent.orchestration, key=sent.key,
    )  # fmt: skip


def _render_refused(reply: RemoteReply, sent: Sent) -> ConnectorError:
    """The error a failure stands for."""
    words = find_reply_words(reply) or "without a word"
    if reply.status in UNSIGNED:
        return render_refused(reply, table=sent.orchestration)
    if reply.status == FORBIDDEN:
        return _render_denied(reply, sent, words)
    if reply.status == NOT_FOUND:
        return render_missing(reply.system, sent.orchestration, f"status 404: {words}")
    if reply.status in REFUSED:
        return render_not_taken(
            reply.system, sent.orchestration, f"answered with status {reply.status}: {words}"
        )
    return render_unclear(reply.system, sent, f"status {reply.status}: {words}")


def _render_denied(reply: RemoteReply, sent: Sent, words: str) -> OrchestrationDeniedError:
    return OrchestrationDeniedError(
        f"{reply.system} does not let the user run {sent.orchestration} (status 403: {words}).",
        written=UNTOUCHED,
        next_step="Allow the orchestration and all that its steps call to the user and role (UDO"
        " security), then: `ml-connector doctor`.",
        orchestration=sent.orchestration, key=sent.key,
    )  # fmt: skip


def render_missing(system: str, name: str, fault: str) -> OrchestrationMissingError:
    """The error for an orchestration nobody shows."""
    return OrchestrationMissingError(
        f"{system} shows the user no orchestration {name!r} ({fault.rstrip('.')}).",
        written=UNTOUCHED,
        next_step="Correct `orchestration.name` of the connection (case counts), or share the"
        " orchestration and allow it to the user's role.",
        orchestration=name,
    )


def render_not_taken(system: str, name: str, fault: str) -> OrchestrationRefusedError:
    """The error for inputs that are not taken as they are sent."""
    return OrchestrationRefusedError(
        f"{system}: the orchestration {name!r} {fault.rstrip('.')}.",
        written=UNTOUCHED,
        next_step="Hold the orchestration against its specification"
        " (docs/guides/jde-journal-orchestration.md) and the connection's `orchestration`"
        " section; `ml-connector doctor` names inputs that differ.",
        orchestration=name,
    )
