"""Failure dumps: one per user and import, of the latest run that had rejected rows."""

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.store import Store

DUMP_LIFE_S = 48 * 3600
_SPACE = "dumps"


class DumpRoom:
    """The dumps of one model; each vanishes 48 hours after it was last read."""

    def __init__(self, store: Store, clock: SandboxClock, model_id: str) -> None:
        self._store = store
        self._clock = clock
        self._model_id = model_id

    def record(self, user: str, import_id: str, task_id: str, content: bytes | None) -> None:
        """The dump of the user's latest run; a run without errors removes the earlier one."""
        if content is None:
            self.drop(user, import_id)
            return
        key = self._key(user, import_id)
        self._store.save_blob(_SPACE, key, content)
        self._store.save(_SPACE, key, {"task": task_id, "touched_at": self._clock.now()})

    def find(self, user: str, import_id: str, task_id: str) -> bytes | None:
        """The dump of exactly this task, or None when it was overwritten, dropped or is old."""
        key = self._key(user, import_id)
        head = self._store.find(_SPACE, key)
        if head is None or head["task"] != task_id:
            return None
        now = self._clock.now()
        if now - head["touched_at"] > DUMP_LIFE_S:
            return None
        self._store.save(_SPACE, key, {**head, "touched_at": now})
        return self._store.find_blob(_SPACE, key)

    def drop(self, user: str, import_id: str) -> None:
        """There is no dump of this user for this import."""
        self._store.delete(_SPACE, self._key(user, import_id))
        self._store.delete_blob(_SPACE, self._key(user, import_id))

    def clear(self) -> None:
        """The model has no dumps."""
        for key in self._store.load_space(_SPACE):
            if key.startswith(f"{self._model_id}/"):
                self._store.delete(_SPACE, key)
                self._store.delete_blob(_SPACE, key)

    def _key(self, user: str, import_id: str) -> str:
        return f"{self._model_id}/{user}/{import_id}"
