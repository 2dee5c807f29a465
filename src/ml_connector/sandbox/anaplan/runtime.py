"""One model as the server runs it: header, content, files and dumps together."""

from typing import Any

from ml_connector.sandbox.anaplan.data import ModelData
from ml_connector.sandbox.anaplan.definitions import Definitions
from ml_connector.sandbox.anaplan.dumps import DumpRoom
from ml_connector.sandbox.anaplan.files import FileRoom
from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.store import Store

IDLE_UNLOAD_S = 3600
_SPACE = "models"


class ModelRuntime:
    """A model; its header is stored at every change."""

    def __init__(self, header: dict[str, Any], store: Store, clock: SandboxClock) -> None:
        self._store = store
        self._clock = clock
        self.header = header
        self.data = ModelData(store, self.id)
        self.files = FileRoom(store, clock, self.id)
        self.dumps = DumpRoom(store, clock, self.id)
        self.opens_at = 0.0
        self._used_at = clock.now()

    @property
    def id(self) -> str:
        """The model's id."""
        return str(self.header["id"])

    @property
    def definitions(self) -> Definitions:
        """What the model is made of."""
        return self.data.definitions

    @property
    def state(self) -> str:
        """The activeState."""
        return str(self.header["state"])

    def save(self) -> None:
        """The store holds the header as it is in memory."""
        self._store.save(_SPACE, self.id, self.header)

    def modify(self, **changes: Any) -> None:
        """The header has the changes and is stored."""
        self.header.update(changes)
        self.save()

    def count_save(self, user: str) -> None:
        """The model's serial number has risen by one, in this user's name."""
        self.modify(
            serial=self.header["serial"] + 1, modified_by=user, modified_at=self._clock.now()
        )

    def touch(self, cold_start_s: float) -> float:
        """The model is in use; the sandbox time from which it will answer.

        A model that was closed, or idle for an hour, is loaded first.
        """
        now = self._clock.now()
        is_idle = now - self._used_at > IDLE_UNLOAD_S
        self._used_at = now
        if self.header["is_closed"] or is_idle:
            self.opens_at = now + cold_start_s
            self.modify(is_closed=False)
        return self.opens_at

    def is_loading(self) -> bool:
        """The model has been opened but does not answer yet."""
        return self._clock.now() < self.opens_at
