"""The private and default files of a model: what was staged, by whom, and whether it is whole."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from ml_connector.sandbox.anaplan.envelope import RefusedError
from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.store import Store

PRIVATE_LIFE_S = 48 * 3600
CHUNK_BYTES_MAX = 50 * 1024 * 1024
CHUNKS_MAX = 1000
_SPACE = "files"
_DEFAULT = "*"

StageState = Literal["EMPTY", "OPEN_N", "OPEN_STREAM", "READY"]


@dataclass(slots=True, kw_only=True)
class Stage:
    """One user's private content of one file; `listed` is the count shown, even when stale."""

    state: StageState = "EMPTY"
    declared: int = 0
    present: list[int]
    listed: int = 0
    touched_at: float = 0.0
    generation: int = 0


class FileRoom:
    """The files of one model, each user's apart from the others'."""

    def __init__(self, store: Store, clock: SandboxClock, model_id: str) -> None:
        self._store = store
        self._clock = clock
        self._model_id = model_id

    def look(self, user: str, file_id: str) -> Stage:
        """The user's stage of the file; content left alone for 48 hours has vanished."""
        stored = self._store.find(_SPACE, self._key(user, file_id))
        stage = Stage(**stored) if stored else Stage(present=[])
        idle = self._clock.now() - stage.touched_at
        if user != _DEFAULT and stage.state != "EMPTY" and idle > PRIVATE_LIFE_S:
            self.empty(user, file_id)
            return self.look(user, file_id)
        return stage

    def declare(self, user: str, file_id: str, count: int) -> Stage:
        """An upload of `count` chunks (-1: unknown) has begun; earlier content is gone."""
        if not (count == -1 or 1 <= count <= CHUNKS_MAX):
            raise RefusedError(400, f"Invalid chunk count {count}.")
        generation = self.look(user, file_id).generation + 1
        self._drop_content(user, file_id)
        stage = Stage(
            state="OPEN_STREAM" if count == -1 else "OPEN_N",
            declared=count,
            present=[],
            listed=max(count, 0),
            generation=generation,
        )
        return self._save(user, file_id, stage)

    def put_chunk(self, user: str, file_id: str, number: int, content: bytes) -> None:
        """The chunk is there; a known count becomes ready with its last chunk."""
        stage = self.look(user, file_id)
        if len(content) > CHUNK_BYTES_MAX:
            raise RefusedError(400, "The chunk is larger than 50 MB.")
        self._verify_number(stage, number)
        if number not in stage.present:
            stage.present = sorted([*stage.present, number])
        if stage.declared == -1:
            # A finished stream that gets another chunk has to be completed again.
            stage.state = "OPEN_STREAM"
            stage.listed = len(stage.present)
        elif len(stage.present) == stage.declared:
            stage.state = "READY"
        with self._store.transaction():
            self._store.save_blob(self._blobs(user, file_id), f"{number:04}", content)
            self._save(user, file_id, stage)

    def complete(self, user: str, file_id: str) -> Stage:
        """The upload is whole; repeatable."""
        stage = self.look(user, file_id)
        wanted = len(stage.present) if stage.declared == -1 else stage.declared
        if stage.state == "EMPTY" or not stage.present:
            raise RefusedError(400, "No chunks have been uploaded.")
        if stage.present != list(range(wanted)):
            raise RefusedError(400, "Chunks are missing.")
        stage.state = "READY"
        stage.listed = wanted
        return self._save(user, file_id, stage)

    def put_whole(self, user: str, file_id: str, content: bytes) -> None:
        """The whole content is there in one piece."""
        self.put_pieces(user, file_id, [content])

    def put_pieces(self, user: str, file_id: str, pieces: list[bytes]) -> None:
        """The content is there in these pieces, ready."""
        stage = Stage(
            state="READY",
            declared=len(pieces),
            present=list(range(len(pieces))),
            listed=len(pieces),
            generation=self.look(user, file_id).generation + 1,
        )
        with self._store.transaction():
            self._drop_content(user, file_id)
            for number, piece in enumerate(pieces):
                self._store.save_blob(self._blobs(user, file_id), f"{number:04}", piece)
            self._save(user, file_id, stage)

    def put_output(self, user: str, file_id: str, pieces: list[bytes], *, is_shared: bool) -> None:
        """The output of an export is there: the runner's own, or the one all readers share."""
        self.put_pieces(_DEFAULT if is_shared else user, file_id, pieces)

    def look_output(self, user: str, file_id: str) -> Stage:
        """The stage of the output this user would download: the own one before the shared."""
        own, shared = self.look(user, file_id), self.look(_DEFAULT, file_id)
        return shared if own.state == "EMPTY" and shared.state != "EMPTY" else own

    def put_default(self, file_id: str, content: bytes) -> None:
        """The file has default content, for users without a private one."""
        self.put_whole(_DEFAULT, file_id, content)

    def find_chunk(self, user: str, file_id: str, number: int) -> bytes | None:
        """The bytes of one chunk, private before default, or None."""
        for owner in (user, _DEFAULT):
            stage = self.look(owner, file_id)
            if stage.state != "EMPTY":
                self._save(owner, file_id, stage)
                return self._store.find_blob(self._blobs(owner, file_id), f"{number:04}")
        return None

    def find_content(self, user: str, file_id: str) -> bytes | None:
        """All bytes of the ready content, private before default, or None."""
        for owner in (user, _DEFAULT):
            stage = self.look(owner, file_id)
            if stage.state == "READY":
                self._save(owner, file_id, stage)
                space = self._blobs(owner, file_id)
                pieces = (self._store.find_blob(space, f"{n:04}") for n in stage.present)
                return b"".join(piece or b"" for piece in pieces)
        return None

    def has_default(self, file_id: str) -> bool:
        """The file has default content."""
        return self.look(_DEFAULT, file_id).state == "READY"

    def empty(self, user: str, file_id: str, *, keep_listed: bool = True) -> None:
        """The private content is gone; the count shown may stay behind."""
        stored = self._store.find(_SPACE, self._key(user, file_id)) or {}
        self._drop_content(user, file_id)
        listed = stored.get("listed", 0) if keep_listed else 0
        generation = stored.get("generation", 0) + 1
        self._save(user, file_id, Stage(present=[], listed=listed, generation=generation))

    def clear(self) -> None:
        """The model has no files' contents at all."""
        for key in self._store.load_space(_SPACE):
            if key.startswith(f"{self._model_id}/"):
                self._store.delete(_SPACE, key)
                self._store.clear_space(f"chunks/{key}")

    def _verify_number(self, stage: Stage, number: int) -> None:
        if stage.state == "EMPTY":
            raise RefusedError(400, "The chunk count has not been set.")
        if number >= (CHUNKS_MAX if stage.declared == -1 else stage.declared):
            raise RefusedError(400, f"Chunk {number} is beyond the chunk count.")

    def _drop_content(self, user: str, file_id: str) -> None:
        self._store.clear_space(self._blobs(user, file_id))

    def _save(self, user: str, file_id: str, stage: Stage) -> Stage:
        stage.touched_at = self._clock.now()
        self._store.save(_SPACE, self._key(user, file_id), asdict(stage))
        return stage

    def _key(self, user: str, file_id: str) -> str:
        return f"{self._model_id}/{user}/{file_id}"

    def _blobs(self, user: str, file_id: str) -> str:
        return f"chunks/{self._key(user, file_id)}"


def chunk_rows(numbers: list[int]) -> list[dict[str, Any]]:
    """The chunk list as the service shows it."""
    return [{"id": str(number), "name": f"Chunk {number}"} for number in numbers]
