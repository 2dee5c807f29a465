"""Records of what was read: revisions of batches, and which periods they touch."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRevision:
    """The archive's word on one revision of a batch; `removed` when the ERP no longer has it."""

    batch_id: str
    revision: int
    updated_at: datetime
    version: str
    file_hash: str
    lines: int
    content_hash: str
    periods: tuple[tuple[str, str], ...] = ()
    is_removed: bool = False
    name: str = ""
    run_id: str = ""


class BatchStore(Protocol):
    """Which batches are archived, in which revision, touching which (ledger, period)."""

    def load_watermark(self, connection: str) -> datetime | None:
        """Server time up to which every change is archived; None before the first read."""

    def save_watermark(self, connection: str, at: datetime) -> None:
        """The watermark moved; never backwards, except from a time that has not come yet."""

    def find_versions(self, connection: str, batch_ids: Sequence[str]) -> dict[str, str]:
        """Version of the current revisions of those batches that are archived."""

    def record_revisions(
        self,
        connection: str,
        revisions: Sequence[BatchRevision],
        *,
        owed_by: Mapping[str, Collection[str]] | None = None,
    ) -> list[tuple[str, str]]:
        """The revisions are current, all or none; returns the (ledger, period) pairs touched.

        Both the pairs of the new and of the replaced revision are touched. A revision whose
        `content_hash` equals the current one's touches nothing but refreshes `updated_at` and
        `version`.
        `owed_by` names flows with their ledgers: what is touched of these they owe their models in
        the same transaction, for told again after a crash the revisions touch nothing any more.
        """

    def load_current(self, connection: str, ledger: str, period: str) -> list[BatchRevision]:
        """Current, not removed revisions with lines in the period, by batch id."""

    def load_revisions(self, connection: str, batch_id: str) -> list[BatchRevision]:
        """Every revision of a batch, oldest first."""

    def load_pending(self, connection: str) -> set[str]:
        """Batches that were entered and not wholly posted when they were last looked at."""

    def save_pending(self, connection: str, batch_ids: Collection[str]) -> None:
        """Exactly these batches are pending."""

    def record_whole(self, connection: str, ledger: str, period: str, *, run_id: str) -> None:
        """The period has been read whole and tied to the ERP."""

    def load_whole(self, connection: str) -> set[tuple[str, str]]:
        """The (ledger, period) pairs that have been read whole."""

    def record_touched(self, flow: str, pairs: Iterable[tuple[str, str]]) -> None:
        """The flow owes the model these periods, until they are settled."""

    def load_touched(self, flow: str) -> set[tuple[str, str]]:
        """Periods read or re-mapped but not yet loaded."""

    def settle_touched(self, flow: str, pairs: Iterable[tuple[str, str]]) -> None:
        """The flow's model holds these periods now."""
