"""Calls that start runs and may be sent again, under the caller's own key."""

import hashlib
import json
from typing import Any

from ml_connector.errors import UsageError
from ml_connector.ports import AskedRun
from ml_connector.web.guards import Asked


class ReusedKeyError(UsageError):
    """A key stands for another call than this."""

    code = "api.reused-key"


def verify_key(request: Asked, key: str, wanted: dict[str, Any]) -> str:
    """The key under which the house starts the run; empty where the caller has given none.

    Raises:
        ReusedKeyError: The caller has used it for something else.
    """
    if not key:
        return ""
    text = json.dumps([request.path, wanted], sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()
    asked = AskedRun(actor=request.person.name, key=f"call {key}", digest=digest, run_id="")
    if request.house.records.asked.claim(asked).digest != digest:
        raise ReusedKeyError(
            f"The key {key!r} stands for another call of {request.person.name}.",
            written="Nothing was started.",
            next_step="Use a key once for each run that is wanted.",
            key=key,
        )
    return f"call {key}"
