"""Suppliers on their way: sent, and settled by the answer or by what the ERP shows.

A change without an answer is looked for. Standing untouched after the settle time it is sent again:
the version it names makes the second sending harmless, for if the first one has taken effect
meanwhile the second is refused, and the supplier shows what was sent. A creation has no version, so
it is looked for before it is sent at all, and longer before it is sent again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ml_connector.errors import (
    ConnectorError,
    OutcomeUnknownError,
    ProtocolError,
    RefusedError,
    SystemUnavailableError,
)
from ml_connector.flows.revising.looking import (
    Sending,
    call_at_once,
    look,
    look_back,
    pause,
    render_unclear,
)
from ml_connector.flows.revising.outcomes import (
    Item,
    confirm,
    mark_sent,
    mark_unknown,
    refuse,
    render_importing,
)
from ml_connector.flows.revising.shown import Shown, list_sent
from ml_connector.ports import SupplierChange, SupplierChangedError, SupplierReceipt

SENDS_MAX = 2
"""Times a supplier proven unwritten is sent by one run; a resume may send it once more."""
BUSY_WAITS_S = (5.0, 15.0, 45.0, 120.0)
"""Pauses after the ERP had no time for a request; then the run stops and can be resumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted:
    """The answer to a file: what becomes of its suppliers is another matter."""

    job_id: str


Answer = SupplierReceipt | JobStarted | ConnectorError
"""A receipt, a job, or why there is neither."""
Leave = Callable[[Sequence[Item]], list[Answer]]
"""Requests leave for all items; an answer for each. No records are touched."""
Narrow = Callable[[Sending, Sequence[Item]], list[Item]]
"""Settles what it can of the items and returns the others."""


def deliver(
    sending: Sending, items: Sequence[Item], submit: Narrow, *, find_unwritten: Narrow = look_back
) -> None:
    """All items are settled; what may have left before is looked for before anything is sent.

    Raises:
        RevisionUnclearError: The outcome of one is unknown, and looking did not tell.
    """
    left = list(items)
    for _ in range(SENDS_MAX):
        left = find_unwritten(sending, left)
        left = submit(sending, left) if left else left
        if not left:
            return
    left = find_unwritten(sending, left)
    if left:
        raise render_unclear(sending, left, sends=SENDS_MAX)


# --- three ways to leave --------------------------------------------------------------------------


def submit_changes(sending: Sending, items: Sequence[Item]) -> list[Item]:
    """Each change leaves in a request of its own, all under way together."""
    suppliers, at_once = sending.bench.suppliers, sending.bench.flow.at_once

    def leave(marked: Sequence[Item]) -> list[Answer]:
        return call_at_once(
            lambda item: find_answer(lambda: suppliers.submit_change(build_change(item))),
            marked,
            at_once=at_once,
        )

    return send_patiently(sending, items, leave)


def submit_batch(sending: Sending, items: Sequence[Item]) -> list[Item]:
    """All changes leave in one request, which is taken whole or not at all."""

    def leave(marked: Sequence[Item]) -> list[Answer]:
        changes = [build_change(item) for item in marked]
        try:
            receipts = sending.bench.suppliers.submit_batch(changes)
        except ConnectorError as error:
            return [error] * len(marked)
        if len(receipts) != len(marked):
            return [_render_miscounted(sending, receipts, marked)] * len(marked)
        return list(receipts)

    prefix = f"the batch of {len(items)} was refused whole: " if len(items) > 1 else ""
    return send_patiently(sending, items, leave, prefix=prefix)


def submit_creation(sending: Sending, items: Sequence[Item]) -> list[Item]:
    """The one supplier is made, unless the ERP has it already."""
    [item] = items
    if not item.was_sent:
        sight = look(sending.bench, item)
        if sight.shown is not Shown.ABSENT:
            refuse(sending.bench, item, render_existing(sight.words))
            return []

    def leave(marked: Sequence[Item]) -> list[Answer]:
        attributes = list_sent(marked[0].revision)
        return [find_answer(lambda: sending.bench.suppliers.submit_creation(attributes))]

    return send_patiently(sending, [item], leave)


def build_change(item: Item) -> SupplierChange:
    """The change, bound to the version it was decided upon."""
    revision = item.revision
    return SupplierChange(
        number=revision.number,
        remote_id=revision.remote_id,
        version=revision.version,
        attributes=list_sent(revision),
    )


def find_answer(call: Callable[[], SupplierReceipt]) -> Answer:
    """The receipt, or the error that tells why there is none."""
    try:
        return call()
    except ConnectorError as error:
        return error


def render_existing(words: str) -> str:
    """Why a supplier was not made that is there."""
    return f"the ERP has it already: {words}"


def _render_miscounted(
    sending: Sending, receipts: Sequence[SupplierReceipt], marked: Sequence[Item]
) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"{sending.bench.source.connection} gave {len(receipts)} answers to {len(marked)} changes.",
        written="What it wrote is not known.",
        next_step="Read the suppliers back.",
    )


# --- answers --------------------------------------------------------------------------------------


def send_patiently(
    sending: Sending, items: Sequence[Item], leave: Leave, *, prefix: str = ""
) -> list[Item]:
    """Items whose answer does not tell what became of them; the others are settled.

    What the ERP had no time for was not written, and leaves again after a pause.

    Raises:
        ConnectorError: The ERP lets nobody write now; nothing of the items it stands for was
            written, and all others are settled or marked.
    """
    left = list(items)
    for wait_s in (*BUSY_WAITS_S, None):
        marked = [mark_sent(sending.bench, item) for item in left]
        sent = list(zip(left, marked, leave(marked), strict=True))
        told = [one for one in sent if not _is_unsent(one[2])]
        unknown = _take(sending, told, prefix=prefix)
        left = [
            replace(now, is_cleared=not before.was_sent)
            for before, now, answer in sent
            if _is_unsent(answer)
        ]
        for *_, answer in sent:
            if _is_unsent(answer) and isinstance(answer, ConnectorError):
                _verify_busy(answer, is_last=wait_s is None)
        if unknown or not left:
            # Before anything else leaves, the unknown ones are looked into.
            return [*unknown, *left]
        pause(sending, wait_s or 0.0)
    return left


def _verify_busy(error: ConnectorError, *, is_last: bool) -> None:
    """The ERP had no time, and another try is left."""
    if is_last or not isinstance(error, SystemUnavailableError):
        raise error


def _is_unsent(answer: Answer) -> bool:
    """Whether the answer proves that nothing was written, and says nothing of the supplier."""
    return isinstance(answer, ConnectorError) and not isinstance(
        answer, (RefusedError, OutcomeUnknownError)
    )


def _take(
    sending: Sending, sent: Sequence[tuple[Item, Item, Answer]], *, prefix: str
) -> list[Item]:
    """Items whose answer does not tell; each was `before` the sending, is `now`, has an answer."""
    bench, unknown, late = sending.bench, [], []
    for before, now, answer in sent:
        if isinstance(answer, SupplierReceipt):
            confirm(bench, now, answer.row, answer.unlike)
        elif isinstance(answer, JobStarted):
            receipt = now.posting.receipt | {"job": answer.job_id}
            words = render_importing(answer.job_id)
            unknown.append(mark_unknown(bench, now, words, receipt=receipt))
        elif isinstance(answer, (OutcomeUnknownError, ProtocolError)):
            unknown.append(mark_unknown(bench, now, answer.refused))
        elif before.was_sent:
            late.append((now, prefix + _render_refusal(answer)))
        else:
            refuse(bench, now, prefix + _render_refusal(answer))
    _take_late(sending, late)
    return unknown


def _take_late(sending: Sending, late: Sequence[tuple[Item, str]]) -> None:
    """Refused now, but sent before: that request may be the very reason, so the ERP is read."""
    reasons = {item.posting.posting_key: reason for item, reason in late}
    for item in look_back(sending, [item for item, _ in late]):
        refuse(sending.bench, item, reasons[item.posting.posting_key])


def _render_refusal(error: ConnectorError) -> str:
    if isinstance(error, SupplierChangedError):
        return f"changed in the ERP since the plan: {error.refused}"
    return error.refused
