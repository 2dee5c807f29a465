"""What Anaplan's statuses of model and object mean, and what the model's owner must do."""

from typing import Final

from ml_connector.errors import (
    AccessDeniedError,
    BlockedError,
    BusyError,
    ConnectorError,
    RefusedError,
    SystemUnavailableError,
)
from ml_connector.systems.http import RemoteReply

NOT_FOUND: Final = 404
CONFLICT: Final = 409
GONE: Final = 410
ARCHIVED: Final = 422
LOCKED: Final = 423
OFFLINE: Final = 424
DEPLOYED: Final = 425
MODEL_STATUSES: Final = frozenset({CONFLICT, GONE, ARCHIVED, LOCKED, OFFLINE, DEPLOYED})
ACCEPTED: Final = MODEL_STATUSES | {NOT_FOUND}
"""Statuses that this package explains itself."""

_UNTOUCHED: Final = "Nothing was written or started by this call."
_FINDINGS: Final[dict[int, tuple[type[ConnectorError], str, str]]] = {
    CONFLICT: (
        BusyError,
        "is busy with another action",
        "Wait until it has ended, then try again.",
    ),
    GONE: (
        SystemUnavailableError,
        "has just been moved",
        "In a few minutes, try again.",
    ),
    ARCHIVED: (
        BlockedError,
        "is archived",
        "Ask the model's owner to unarchive it, then try again.",
    ),
    LOCKED: (
        BusyError,
        "is locked by an administrator",
        "Ask the model's owner to unlock it, then try again.",
    ),
    OFFLINE: (
        BlockedError,
        "is offline",
        "Ask the model's owner to bring it online, then try again.",
    ),
    DEPLOYED: (
        BlockedError,
        "is in deployed mode, and the call would change its structure",
        "Ask the model's owner to change it in the development model and synchronise.",
    ),
}


def find_model_error(reply: RemoteReply, model_id: str) -> ConnectorError | None:
    """The error a status of the model stands for; None for all others."""
    if reply.status not in _FINDINGS:
        return None
    kind, finding, step = _FINDINGS[reply.status]
    return kind(
        f"Model {model_id} {finding} (status {reply.status} to {reply.call.method} "
        f"{reply.call.path}).",
        written=_UNTOUCHED,
        next_step=step,
        model=model_id,
        status=reply.status,
    )


def render_hidden_model(model_id: str, workspace_id: str) -> AccessDeniedError:
    """The error for a model that answers 404: it is hidden rather than absent (A-06)."""
    return AccessDeniedError(
        f"Model {model_id} of workspace {workspace_id} answers 404.",
        written=_UNTOUCHED,
        next_step="Anaplan answers 404 where the user's role has no access: give the integration "
        "user a role in the model, or correct workspace_id and model_id of the connection.",
        model=model_id,
        workspace=workspace_id,
    )


def render_missing(kind: str, remote_id: str, model_id: str) -> RefusedError:
    """The error for one object of a model that answers 404."""
    return RefusedError(
        f"Model {model_id} has no {kind} {remote_id}, or hides it from this user (status 404).",
        written=_UNTOUCHED,
        next_step="List what the user may see with `ml-connector discover CONNECTION`; it may have "
        "been deleted, or the user's role may lack it.",
        model=model_id,
        object=remote_id,
    )
