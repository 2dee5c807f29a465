"""What every posting has in common, whatever it writes: its key, its outcome, how it is waited for.

Who looks at the ERP may look beside a run that is about to send. So an outcome is stored with the
posting as it was when the look began, and is refused when a request has left since.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ml_connector.domain.posting_keys import derive_posting_key
from ml_connector.flows.bench import WritingBench
from ml_connector.ports import Json, Posting, PostingState

SETTLE_WAITS_S = (5.0, 10.0, 20.0, 40.0)
"""Pauses between looks; the last one repeats until the settle time has passed."""
CLOCK_LAG_MAX_S = 300.0
"""What this machine's clock may lag behind the one a sending was noted by; then nobody can say when
the settle time has passed."""
KEYS_TRIED_MAX = 20
GENERATION = 1
"""A plan writes each of its subjects once; what is to be written again is a plan of its own."""
TOLD = ("batches", "documents", "number", "version", "job")
"""What of a receipt the audit chain tells."""


def find_key(bench: WritingBench, plan_hash: str, subject: str) -> tuple[str, Posting | None]:
    """The first key of its kind that nobody else has, and the posting that has it already."""
    identity = (bench.flow.name, plan_hash, subject)
    key = ""
    for salt in range(KEYS_TRIED_MAX):
        parts = (*identity, *([str(salt)] if salt else []))
        key = derive_posting_key(*parts, generation=GENERATION)
        taken = bench.records.postings.find_posting(key)
        if taken is None or (taken.flow, taken.plan_hash, taken.subject) == identity:
            return key, taken
    return key, None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What has become of a posting."""

    state: PostingState
    receipt: Json | None = None
    reason: str = ""


def save_outcome(bench: WritingBench, seen: Posting, outcome: Outcome, *, run_id: str) -> Posting:
    """The posting has the outcome and the audit chain says so: both, or neither.

    Args:
        bench: Of the flow.
        seen: The posting as it was before the ERP was looked at.
        outcome: What the ERP has shown.
        run_id: The run that says so.

    Raises:
        BusyError: A request has left since the posting was `seen`; nothing is stored.
    """
    key = seen.posting_key
    with bench.records.transactions.begin(f"the outcome of posting {key}"):
        saved = bench.records.postings.save_posting(
            key, outcome.state, receipt=outcome.receipt, reason=outcome.reason, seen=seen
        )
        bench.records.audit.record(
            f"posting.{outcome.state}", subject=key, actor=bench.actor, run_id=run_id,
            what=seen.subject, content=seen.content_hash, reason=outcome.reason,
            **{name: _render(saved.receipt[name]) for name in TOLD if name in saved.receipt},
        )  # fmt: skip
    return saved


def _render(told: Any) -> str:
    return ", ".join(told) if isinstance(told, list) else str(told)


def make_waits(waits_s: Sequence[float] = SETTLE_WAITS_S) -> Iterator[float]:
    """Yield the pauses between looks; the last one for ever, so whoever waits has a limit."""
    yield from waits_s
    while True:
        yield waits_s[-1]
