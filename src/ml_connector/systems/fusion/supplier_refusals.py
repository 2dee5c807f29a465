"""What a refused write of suppliers means, in the pod's own sentences."""

import re
from collections.abc import Collection, Sequence
from typing import ClassVar, Final

from ml_connector.errors import ConnectorError, OutcomeUnknownError, RefusedError
from ml_connector.ports.suppliers import (
    SupplierChange,
    SupplierChangedError,
    SupplierMissingError,
)
from ml_connector.systems.calls import RemoteReply
from ml_connector.systems.fusion.supplier_wire import Complaint, is_concurrent, parse_complaints
from ml_connector.systems.refusals import HIDDEN, UNTOUCHED

PRECONDITION: Final = 412
REFUSED: Final = frozenset({400, 404, 405, 406, 409, PRECONDITION, 413, 415, 422})
"""Refusals of the request itself, which come before anything is executed."""
FAULTS_TOLD_MAX: Final = 20
"""Faults of one change or file that its error tells; the others are counted."""
READ_AGAIN: Final = "Read the supplier again and decide anew: `ml-connector run FLOW`."
_CREDENTIALS: Final = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.IGNORECASE)
"""Some gateways echo the request they refuse."""


class SupplierRefusedError(RefusedError):
    """The pod refused a change, creation or file of suppliers; the text holds its sentences."""

    code: ClassVar[str] = "fusion.supplier-refused"


class SupplierUnfitError(RefusedError):
    """A change, creation or file holds what cannot be sent; all faults are told."""

    code: ClassVar[str] = "fusion.supplier-unfit"


class SupplierUnclearError(OutcomeUnknownError):
    """The answer to a write of suppliers does not tell what became of it."""

    code: ClassVar[str] = "fusion.supplier-unclear"


def render_unfit(subject: str, faults: Sequence[str]) -> SupplierUnfitError:
    """The error for what is not sent at all."""
    more = len(faults) - FAULTS_TOLD_MAX
    told = "; ".join(faults[:FAULTS_TOLD_MAX]) + (f"; and {more} more" if more > 0 else "")
    return SupplierUnfitError(
        f"{subject} cannot be sent: {told}.",
        written="Nothing was sent.",
        next_step="Correct these in the flow's source, then run the flow again.",
        subject=subject, faults=len(faults),
    )  # fmt: skip


def render_unclear(system: str, subject: str, fault: str) -> SupplierUnclearError:
    """The error for an answer that does not tell."""
    return SupplierUnclearError(
        f"{system} did not say what became of {subject}: {fault.rstrip('.')}.",
        written="Whether it took effect is not known.",
        next_step="Read the suppliers back before anything is sent again.",
        subject=subject,
    )


def render_missing(system: str, number: str, fault: str) -> SupplierMissingError:
    """The error for a supplier that is not there, or not once."""
    return SupplierMissingError(
        f"{system} shows {fault} {number!r}.",
        written=UNTOUCHED,
        next_step="Check the number in Fusion and the integration user's right to see suppliers.",
        number=number,
    )


def render_changed(system: str, changes: Sequence[SupplierChange], words: str) -> ConnectorError:
    """The error for suppliers somebody else has changed; `words` are the pod's, if it said any."""
    numbers = ", ".join(each.number for each in changes[:10])
    said = f" ({words.rstrip('.')})" if words else ""
    return SupplierChangedError(
        f"{system} shows that supplier {numbers} was changed by somebody else after it was"
        f" read{said}.",
        written=UNTOUCHED,
        next_step=READ_AGAIN,
        numbers=numbers,
    )


def find_change_refusal(reply: RemoteReply, change: SupplierChange) -> ConnectorError:
    """The error the refusal of one change stands for."""
    complaints = parse_complaints(reply.content)
    words = render_words(complaints)
    if reply.status == PRECONDITION or is_concurrent(complaints):
        return render_changed(reply.system, [change], words)
    if reply.is_missing:
        return render_missing(reply.system, change.number, "no supplier any more with the number")
    subject = f"the change of supplier {change.number}"
    return render_refused(reply, subject)


def render_refused(
    reply: RemoteReply, subject: str, *, written: str = UNTOUCHED, hidden: Collection[str] = ()
) -> SupplierRefusedError:
    """The error for a write the pod refused; `hidden` are values that are not repeated."""
    complaints = parse_complaints(reply.content)
    words = render_words(complaints, hidden=hidden)
    named = sorted({each.attribute for each in complaints if each.attribute})
    return SupplierRefusedError(
        f"{reply.system} refused {subject} with status {reply.status}: {words}.",
        written=written,
        next_step="Correct what it names; sent unchanged it would be refused again.",
        subject=subject, status=reply.status, attributes=", ".join(named),
    )  # fmt: skip


def render_words(complaints: Sequence[Complaint], *, hidden: Collection[str] = ()) -> str:
    """The pod's sentences, each with the attribute it is about."""
    said = [
        each.words.rstrip(".") + (f" [{each.attribute}]" if each.attribute else "")
        for each in complaints
    ]
    words = _CREDENTIALS.sub(HIDDEN, "; ".join(dict.fromkeys(said)))
    for value in sorted(filter(None, hidden), key=len, reverse=True):
        words = words.replace(value, HIDDEN)
    return words
