"""A process that runs a flow of the product, or resumes it when it finds the run half done.

Usage: `python -m scripts.lost_replies.by_product SPEC`. Its last line tells which entries of the
other system's books the product's own records name.
"""

import importlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from ml_connector.errors import ConnectorError
from ml_connector.systems.calls import CallTimeouts
from ml_connector.wiring import House, open_house

WRITERS = (
    "ml_connector.systems.anaplan.client",
    "ml_connector.systems.fusion.supplier_writes",
    "ml_connector.systems.fusion.supplier_files",
)
"""Modules whose writes wait for an answer as long as `WRITE_TIMEOUTS` says."""


@dataclass(slots=True)
class BridgedClock:
    """What the product waits passes in the sandbox as well, and at once."""

    control: str
    at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.at = self._tell(None)

    def now(self) -> datetime:
        """The sandbox's time."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Both are so much later."""
        self.at = max(self.at + timedelta(seconds=seconds), self._tell({"advance_s": seconds}))

    def _tell(self, body: Any) -> datetime:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.control, data=data, method="GET" if data is None else "POST")  # noqa: S310 - our own sandbox.
        with urlopen(request) as reply:  # noqa: S310 - our own sandbox.
            return datetime.fromisoformat(json.load(reply)["now"])


def main(spec: Mapping[str, Any]) -> int:
    """The run has ended, or has stopped with the exit code of its error."""
    clock = BridgedClock(spec["clock"])
    wait_less(spec["timeout_s"])
    with open_house(Path(spec["project"]), clock=clock) as house:
        shorten(house, spec["timeout_s"])
        try:
            go_on(house, spec["run"], spec["flow"])
        except ConnectorError as error:
            print(error, file=sys.stderr)
            return error.exit_code
        print(json.dumps({"claims": CLAIMS[spec["claims"]](house, spec["run"])}))
    return 0


def wait_less(seconds: int) -> None:
    """Writes into Anaplan and Fusion wait so long for an answer; 0 leaves it as it is."""
    if seconds:
        shorter = CallTimeouts(connect_s=10, read_s=seconds)
        for name in WRITERS:
            vars(importlib.import_module(name))["WRITE_TIMEOUTS"] = shorter


def shorten(house: House, seconds: int) -> None:
    """The orchestration is waited for so long, which settings would not allow."""
    connections: Any = house.project.connections
    for name, settings in connections.items():
        if seconds and hasattr(settings, "orchestration"):
            changed = settings.orchestration.model_copy(update={"timeout_s": seconds})
            connections[name] = settings.model_copy(update={"orchestration": changed})


def go_on(house: House, run: str, flow: str) -> Any:
    """The run, begun where there is none of the id, else resumed."""
    known = {row.run_id for row in house.records.runs.load_runs(limit=100)}
    return house.resume(run) if run in known else house.run_as(run, flow, {})


def claim_documents(house: House, _run: str) -> list[str]:
    """Documents of the postings that are confirmed."""
    return [
        document
        for posting in house.records.postings.load_postings()
        if str(posting.state) == "confirmed"
        for document in posting.receipt["documents"]
    ]


def claim_tasks(house: House, run: str) -> list[str]:
    """Tasks of the run's intents that are confirmed."""
    intents = house.records.intents.load_intents(run_id=run)
    return [one.task_id for one in intents if str(one.state) == "confirmed"]


def claim_suppliers(house: House, _run: str) -> list[str]:
    """Suppliers of the postings that are confirmed."""
    return [
        posting.receipt["remote_id"]
        for posting in house.records.postings.load_postings()
        if str(posting.state) == "confirmed"
    ]


def claim_files(house: House, run: str) -> list[str]:
    """Suppliers of each file whose postings are confirmed."""
    files: dict[str, list[str]] = {}
    for posting in house.records.postings.load_postings():
        if posting.run_id == run and str(posting.state) == "confirmed":
            files.setdefault(posting.receipt["batch"], []).append(posting.receipt["number"])
    return ["+".join(sorted(numbers)) for numbers in files.values()]


CLAIMS: dict[str, Callable[[House, str], list[str]]] = {
    "documents": claim_documents, "tasks": claim_tasks, "suppliers": claim_suppliers,
    "files": claim_files,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
