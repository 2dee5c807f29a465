"""One load: a pinned action, the file it reads, and the chunks that make up the file."""

import hashlib
import json
from dataclasses import dataclass

from ml_connector.flows.bench import Bench
from ml_connector.flows.loading.model_hold import ModelHold
from ml_connector.flows.preflight import parse_action
from ml_connector.ports import Action, Json, Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one load needs to know: its pinned action, its file and its name within the run."""

    label: str
    pins: Json
    model_id: str
    chunks: tuple[str, ...]

    @property
    def action(self) -> Action:
        """The import or process that is started."""
        return parse_action(self.pins["action"])

    @property
    def content_hash(self) -> str:
        """Identifies what the load writes: its action and its bytes."""
        content = json.dumps([self.label, self.pins["action"], self.chunks], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadWork:
    """A load under way: within which run, by whose ports, with whose hold on the model."""

    steps: Steps
    bench: Bench
    load: Load
    hold: ModelHold
