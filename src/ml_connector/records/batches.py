"""Which batches are archived in which revision, touching which (ledger, period)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from ml_connector.ports import BatchRevision
from ml_connector.records import models
from ml_connector.records.store import OrganisationStore, split_chunks

Pair = tuple[str, str]
REVISIONS_PER_CHUNK = 500
"""Revisions stored by one round of statements; all rounds of a call are one transaction."""


class BatchRecords(OrganisationStore):
    """A `ports.BatchStore`."""

    def load_watermark(self, connection: str) -> datetime | None:
        """Server time up to which every change is archived; None before the first read."""
        row = models.Watermark.of(self._id).filter(connection=connection).first()
        return None if row is None else row.at

    def save_watermark(self, connection: str, at: datetime) -> None:
        """The watermark moved; an earlier time than the stored one changes nothing.

        Unless the stored one has not come yet: then the server's clock was ahead and was corrected.
        """
        with self._writing(f"the watermark of {connection}"):
            row, is_new = models.Watermark.of(self._id).get_or_create(
                organisation_id=self._id, connection=connection, defaults={"at": at}
            )
            if not is_new and (row.at < at or row.at > self._clock.now()):
                models.Watermark.of(self._id).filter(pk=row.pk).update(at=at)

    def find_versions(self, connection: str, batch_ids: Sequence[str]) -> dict[str, str]:
        """Version of the current revisions of those batches that are archived.

        A removed batch is not among them: should the ERP show it again, it must be read.
        """
        current = models.BatchRevision.of(self._id).filter(
            connection=connection, is_current=True, is_removed=False
        )
        found: dict[str, str] = {}
        for chunk in split_chunks(batch_ids):
            found.update(current.filter(batch_id__in=chunk).values_list("batch_id", "version"))
        return found

    def record_revisions(
        self,
        connection: str,
        revisions: Sequence[BatchRevision],
        *,
        owed_by: Mapping[str, Collection[str]] | None = None,
    ) -> list[tuple[str, str]]:
        """The revisions are current, all or none; see `ports.BatchStore`."""
        touched: set[Pair] = set()
        with self._writing(f"{len(revisions)} batches of {connection}"):
            for chunk in _split_distinct(revisions):
                touched |= self._record_chunk(connection, chunk)
            for flow, ledgers in (owed_by or {}).items():
                self.record_touched(flow, sorted(p for p in touched if p[0] in ledgers))
        return sorted(touched)

    def load_current(self, connection: str, ledger: str, period: str) -> list[BatchRevision]:
        """Current, not removed revisions with lines in the period, by batch id."""
        keys = models.BatchPeriod.of(self._id).filter(
            connection=connection, ledger=ledger, period=period
        )
        rows = models.BatchRevision.of(self._id).filter(pk__in=keys.values("revision_id"))
        return sorted(map(_render, rows), key=lambda revision: revision.batch_id)

    def load_revisions(self, connection: str, batch_id: str) -> list[BatchRevision]:
        """Every revision of a batch, oldest first."""
        rows = models.BatchRevision.of(self._id).filter(connection=connection, batch_id=batch_id)
        return [_render(row) for row in rows.order_by("revision")]

    def load_pending(self, connection: str) -> set[str]:
        """Batches that were entered and not wholly posted when they were last looked at."""
        rows = models.PendingBatch.of(self._id).filter(connection=connection)
        return set(rows.values_list("batch_id", flat=True))

    def save_pending(self, connection: str, batch_ids: Collection[str]) -> None:
        """Exactly these batches are pending."""
        wanted = set(batch_ids)
        with self._writing(f"{len(wanted)} pending batches of {connection}"):
            held = self.load_pending(connection)
            of_connection = models.PendingBatch.of(self._id).filter(connection=connection)
            for chunk in split_chunks(sorted(held - wanted)):
                of_connection.filter(batch_id__in=chunk).delete()
            models.PendingBatch.of(self._id).bulk_create(
                models.PendingBatch(
                    organisation_id=self._id, connection=connection, batch_id=batch_id
                )
                for batch_id in sorted(wanted - held)
            )

    def record_whole(self, connection: str, ledger: str, period: str, *, run_id: str) -> None:
        """The period has been read whole and tied to the ERP; the newest run's word stays."""
        with self._writing(f"that {period} of {ledger} was read whole"):
            models.WholePeriod.of(self._id).update_or_create(
                organisation_id=self._id,
                connection=connection,
                ledger=ledger,
                period=period,
                defaults={"run_id": run_id, "at": self._clock.now()},
            )

    def load_whole(self, connection: str) -> set[tuple[str, str]]:
        """The (ledger, period) pairs that have been read whole."""
        rows = models.WholePeriod.of(self._id).filter(connection=connection)
        return set(rows.values_list("ledger", "period"))

    def record_touched(self, flow: str, pairs: Iterable[tuple[str, str]]) -> None:
        """The flow owes the model these periods, until they are settled."""
        rows = [
            models.TouchedPeriod(organisation_id=self._id, flow=flow, ledger=ledger, period=period)
            for ledger, period in pairs
        ]
        with self._writing(f"{len(rows)} touched periods of {flow}"):
            models.TouchedPeriod.of(self._id).bulk_create(rows, ignore_conflicts=True)

    def load_touched(self, flow: str) -> set[tuple[str, str]]:
        """Periods read or re-mapped but not yet loaded."""
        rows = models.TouchedPeriod.of(self._id).filter(flow=flow)
        return set(rows.values_list("ledger", "period"))

    def settle_touched(self, flow: str, pairs: Iterable[tuple[str, str]]) -> None:
        """The flow's model holds these periods now."""
        owed = models.TouchedPeriod.of(self._id).filter(flow=flow)
        with self._writing(f"that periods of {flow} are loaded"):
            for ledger, period in pairs:
                owed.filter(ledger=ledger, period=period).delete()

    def _record_chunk(self, connection: str, chunk: Sequence[BatchRevision]) -> set[Pair]:
        current = self._load_current_of(connection, [revision.batch_id for revision in chunk])
        same = [r for r in chunk if _is_same(r, current.get(r.batch_id))]
        changed = [r for r in chunk if not _is_same(r, current.get(r.batch_id))]
        self._refresh(same, current)
        replaced = [current[r.batch_id] for r in changed if r.batch_id in current]
        self._retire(replaced)
        self._add(connection, changed, current)
        before = {_pair(pair) for row in replaced for pair in row.periods}
        return before | {pair for revision in changed for pair in revision.periods}

    def _load_current_of(
        self, connection: str, batch_ids: Sequence[str]
    ) -> dict[str, models.BatchRevision]:
        rows = models.BatchRevision.of(self._id).filter(connection=connection, is_current=True)
        return {row.batch_id: row for row in rows.filter(batch_id__in=batch_ids)}

    def _refresh(
        self, same: Sequence[BatchRevision], current: Mapping[str, models.BatchRevision]
    ) -> None:
        rows = []
        for revision in same:
            row = current[revision.batch_id]
            if (row.updated_at, row.version) != (revision.updated_at, revision.version):
                row.updated_at, row.version = revision.updated_at, revision.version
                rows.append(row)
        models.BatchRevision.of(self._id).bulk_update(
            rows, ["updated_at", "version"], batch_size=100
        )

    def _retire(self, replaced: Sequence[models.BatchRevision]) -> None:
        numbers = [row.pk for row in replaced]
        models.BatchRevision.of(self._id).filter(pk__in=numbers).update(is_current=False)
        models.BatchPeriod.of(self._id).filter(revision_id__in=numbers).delete()

    def _add(
        self,
        connection: str,
        changed: Sequence[BatchRevision],
        current: Mapping[str, models.BatchRevision],
    ) -> None:
        rows = models.BatchRevision.of(self._id).bulk_create(
            [
                self._new_row(connection, revision, current.get(revision.batch_id))
                for revision in changed
            ]
        )
        models.BatchPeriod.of(self._id).bulk_create(
            models.BatchPeriod(
                organisation_id=self._id,
                revision_id=row.pk,
                connection=connection,
                ledger=ledger,
                period=period,
            )
            for row in rows
            if not row.is_removed
            for ledger, period in row.periods
        )

    def _new_row(
        self, connection: str, revision: BatchRevision, before: models.BatchRevision | None
    ) -> models.BatchRevision:
        return models.BatchRevision(
            organisation_id=self._id,
            connection=connection,
            batch_id=revision.batch_id,
            revision=1 if before is None else before.revision + 1,
            is_current=True,
            is_removed=revision.is_removed,
            updated_at=revision.updated_at,
            version=revision.version,
            file_hash=revision.file_hash,
            content_hash=revision.content_hash,
            lines=revision.lines,
            name=revision.name,
            run_id=revision.run_id,
            periods=[list(pair) for pair in sorted(set(revision.periods))],
        )


def _split_distinct(revisions: Iterable[BatchRevision]) -> Iterator[list[BatchRevision]]:
    """Yield chunks that name no batch twice, so that a later revision meets its predecessor."""
    chunk: dict[str, BatchRevision] = {}
    for revision in revisions:
        if revision.batch_id in chunk or len(chunk) == REVISIONS_PER_CHUNK:
            yield list(chunk.values())
            chunk = {}
        chunk[revision.batch_id] = revision
    if chunk:
        yield list(chunk.values())


def _is_same(revision: BatchRevision, current: models.BatchRevision | None) -> bool:
    return (
        current is not None
        and current.content_hash == revision.content_hash
        and current.is_removed == revision.is_removed
    )


def _pair(stored: Sequence[str]) -> Pair:
    ledger, period = stored
    return ledger, period


def _render(row: models.BatchRevision) -> BatchRevision:
    return BatchRevision(
        batch_id=row.batch_id,
        revision=row.revision,
        updated_at=row.updated_at,
        version=row.version,
        file_hash=row.file_hash,
        lines=row.lines,
        content_hash=row.content_hash,
        periods=tuple(_pair(pair) for pair in row.periods),
        is_removed=row.is_removed,
        name=row.name,
        run_id=row.run_id,
    )
