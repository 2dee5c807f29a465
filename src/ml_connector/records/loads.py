"""Plans, shadows, loads and refused summaries."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal

from django.db.models import Q, QuerySet

from ml_connector.domain.summaries import SummaryKey
from ml_connector.errors import BusyError
from ml_connector.ports import LoadRow, PlanRow, RefusedSummary, RefusedTally
from ml_connector.ports.loads import OpenRefusal
from ml_connector.records import models
from ml_connector.records.canonical import render_canonical, verify_plain
from ml_connector.records.store import OrganisationStore, select_behind, split_chunks
from ml_connector.records.tallies import Tallies, count_periods, load_tallies, load_tally_page

WALKED_AT_ONCE = 2_000
"""Refused summaries in memory while many are looked through."""


class LoadRecords(OrganisationStore):
    """A `ports.LoadStore`."""

    def save_plan(self, plan: PlanRow) -> None:
        """The plan is known by its hash; saving it again changes nothing but its state."""
        with self._writing(f"plan {plan.plan_hash}"):
            models.Plan.of(self._id).update_or_create(
                organisation_id=self._id,
                plan_hash=plan.plan_hash,
                defaults={"state": plan.state},
                create_defaults={
                    "run_id": plan.run_id,
                    "flow": plan.flow,
                    "model_id": plan.model_id,
                    "mapping_hash": plan.mapping_hash,
                    "shadow_revision": plan.shadow_revision,
                    "periods": list(plan.periods),
                    "totals": verify_plain(plan.totals),
                    "created_at": plan.created_at,
                    "state": plan.state,
                },
            )

    def find_plan(self, plan_hash: str) -> PlanRow | None:
        """The plan by its hash."""
        row = models.Plan.of(self._id).filter(plan_hash=plan_hash).first()
        return None if row is None else _render_plan(row)

    def load_shadow(self, flow: str, model_id: str) -> tuple[int, dict[str, str]]:
        """Shadow revision, and the shadow file's hash by target period; (0, {}) before any load."""
        # In one transaction, so that number and files belong together.
        with self._writing(f"a look at the shadow of {flow}"):
            row = models.Shadow.of(self._id).filter(flow=flow, model_id=model_id).first()
            if row is None:
                return 0, {}
            files = models.ShadowFile.of(self._id).filter(shadow_id=row.pk, is_current=True)
            return row.revision, dict(files.order_by("period").values_list("period", "file_hash"))

    def save_shadow(
        self, flow: str, model_id: str, files: Mapping[str, str], *, revision_before: int, why: str
    ) -> int:
        """These periods have new shadow files; returns the new revision.

        The very same move told twice, as after a crash, is one move.
        """
        with self._writing(f"the shadow of {flow} in model {model_id}"):
            row, _ = models.Shadow.of(self._id).get_or_create(
                organisation_id=self._id,
                flow=flow,
                model_id=model_id,
                defaults={"revision": 0},
            )
            if row.revision == revision_before:
                return self._move_shadow(row, files, why=why)
            if row.revision == revision_before + 1 and self._is_last_move(row, files, why=why):
                return row.revision
            raise _moved_shadow(row, revision_before)

    def record_load(self, load: LoadRow, refused: Iterable[RefusedSummary]) -> None:
        """The load and its refused summaries are stored, all or none; repeatable by load id.

        A repetition changes nothing, so that what was settled meanwhile stays settled.
        """
        with self._writing(f"load {load.load_id}"):
            row, is_new = models.Load.of(self._id).get_or_create(
                organisation_id=self._id,
                load_id=load.load_id,
                defaults={
                    "run_id": load.run_id,
                    "flow": load.flow,
                    "plan_hash": load.plan_hash,
                    "intent_id": load.intent_id,
                    "task_id": load.task_id,
                    "outcome": load.outcome,
                    "chunks": load.chunks,
                    "cells_sent": load.cells_sent,
                    "cells_refused": load.cells_refused,
                    "result_hash": load.result_hash,
                    "dump_hashes": list(load.dump_hashes),
                    "created_at": load.created_at,
                },
            )
            if is_new:
                tallies = Tallies(self._id)
                for chunk in split_chunks(refused):
                    models.RefusedSummary.of(self._id).bulk_create(
                        self._new_refused(row, summary) for summary in chunk
                    )
                    for summary in chunk:
                        tallies.add(summary)
                tallies.save()

    def load_loads(self, *, run_id: str | None = None, flow: str | None = None) -> list[LoadRow]:
        """Loads, oldest first."""
        rows = models.Load.of(self._id)
        if run_id is not None:
            rows = rows.filter(run_id=run_id)
        if flow is not None:
            rows = rows.filter(flow=flow)
        return [_render_load(row) for row in rows.order_by("id")]

    def load_refused(
        self, flow: str, *, run_id: str | None = None, open_only: bool = True
    ) -> list[RefusedSummary]:
        """Refused summaries, oldest load first."""
        rows = models.RefusedSummary.of(self._id).filter(flow=flow).select_related("load")
        if run_id is not None:
            loads = models.Load.of(self._id).filter(run_id=run_id)
            rows = rows.filter(load_id__in=loads.values("pk"))
        if open_only:
            rows = rows.filter(is_settled=False)
        # Sorted here: a database asked to would walk all loads of the organisation in their order.
        found = sorted(rows.order_by(), key=lambda row: (row.load_id, row.pk))
        return [_render_refused(row) for row in found]

    def walk_refused(
        self,
        flow: str,
        *,
        periods: Collection[str] | None = None,
        causes: Collection[str] = (),
        keys: Collection[SummaryKey] = (),
    ) -> Iterator[OpenRefusal]:
        """Yield open refusals, some at a time; see `ports.LoadStore`."""
        rows = models.RefusedSummary.of(self._id).filter(flow=flow, is_settled=False).order_by()
        if periods is not None:
            rows = rows.filter(Q(period__in=list(periods)) | Q(period=None))
        if not causes and not keys:
            yield from _walk(rows)
            return
        named = Q(cause__in=list(causes))
        if causes:
            yield from _walk(rows.filter(named))
        for chunk in split_chunks(render_canonical(key) for key in keys):
            yield from _walk(rows.filter(key__in=chunk).filter(Q(cause=None) | ~named))

    def count_refused_periods(self, flow: str) -> dict[str, int]:
        """How many are open by planning period; see `ports.LoadStore`."""
        return count_periods(self._id, flow)

    def count_refused(self, flow: str) -> int:
        """How many refused summaries are open."""
        return sum(count_periods(self._id, flow).values())

    def load_tallies(self, *, flows: Collection[str], limit: int = 5_000) -> list[RefusedTally]:
        """What is refused and open in these flows; see `ports.LoadStore`."""
        return list(load_tallies(self._id, flows, limit=limit))

    def load_tally_page(
        self, *, flows: Collection[str], after: str = "", limit: int
    ) -> list[RefusedTally]:
        """The same behind a place, by flow, cause, period and currency; see `ports.LoadStore`."""
        return load_tally_page(self._id, flows, after=after, limit=limit)

    def load_refused_run(
        self, flow: str, run_id: str, *, after: int = 0, limit: int
    ) -> list[RefusedSummary]:
        """Open refusals of a run behind that number, by load and intersection."""
        loads = models.Load.of(self._id).filter(run_id=run_id)
        rows = models.RefusedSummary.of(self._id).filter(
            flow=flow, load_id__in=list(loads.values_list("pk", flat=True)), is_settled=False
        )
        if after:
            last = models.RefusedSummary.of(self._id).filter(pk=after).first()
            if last is None:
                return []
            rows = rows.filter(select_behind(load_id=last.load_id, key=last.key))
        found = rows.select_related("load").order_by("load_id", "key")
        return [_render_refused(row) for row in found[:limit]]

    def load_refused_page(
        self, flow: str, *, cause: str, period: str, after: int = 0, limit: int = 100
    ) -> list[RefusedSummary]:
        """Open refusals of one cause and period behind that number, oldest first."""
        rows = models.RefusedSummary.of(self._id).filter(
            flow=flow, cause=cause or None, period=period if cause else None, is_settled=False,
            id__gt=after,
        ).select_related("load")  # fmt: skip
        return [_render_refused(row) for row in rows.order_by("id")[:limit]]

    def find_refused(self, flow: str, numbers: Collection[int]) -> list[RefusedSummary]:
        """The open refusals of these numbers, in the order they were recorded."""
        rows = models.RefusedSummary.of(self._id).filter(flow=flow, is_settled=False)
        return [
            _render_refused(row)
            for chunk in split_chunks(sorted(numbers))
            for row in rows.filter(id__in=chunk).select_related("load").order_by("id")
        ]

    def settle_refused(
        self, flow: str, keys: Iterable[SummaryKey], *, except_load: str = ""
    ) -> int:
        """Open refusals of these keys are settled, those of one load left out; how many were."""
        still_open = models.RefusedSummary.of(self._id).filter(flow=flow, is_settled=False)
        if except_load:
            kept = models.Load.of(self._id).filter(load_id=except_load)
            still_open = still_open.exclude(load_id__in=kept.values("pk"))
        settled = 0
        tallies = Tallies(self._id)
        with self._writing(f"that refusals of {flow} are settled"):
            for chunk in split_chunks(render_canonical(key) for key in keys):
                tallies.take(still_open.filter(key__in=chunk))
                settled += still_open.filter(key__in=chunk).update(is_settled=True)
            tallies.save()
        return settled

    def _move_shadow(self, row: models.Shadow, files: Mapping[str, str], *, why: str) -> int:
        row.revision += 1
        row.save(update_fields=["revision"])
        current = models.ShadowFile.of(self._id).filter(shadow_id=row.pk, is_current=True)
        for chunk in split_chunks(files):
            current.filter(period__in=chunk).update(is_current=False)
        models.ShadowFile.of(self._id).bulk_create(
            models.ShadowFile(
                organisation_id=self._id,
                shadow_id=row.pk,
                period=period,
                revision=row.revision,
                file_hash=file_hash,
                why=why,
                at=self._clock.now(),
                is_current=True,
            )
            for period, file_hash in sorted(files.items())
        )
        return row.revision

    def _is_last_move(self, row: models.Shadow, files: Mapping[str, str], *, why: str) -> bool:
        moved = models.ShadowFile.of(self._id).filter(shadow_id=row.pk, revision=row.revision)
        return {(f.period, f.file_hash, f.why) for f in moved} == {
            (period, file_hash, why) for period, file_hash in files.items()
        }

    def _new_refused(self, load: models.Load, summary: RefusedSummary) -> models.RefusedSummary:
        return models.RefusedSummary(
            organisation_id=self._id,
            load_id=load.pk,
            flow=summary.flow,
            key=render_canonical(summary.key),
            before=str(summary.before),
            after=str(summary.after),
            reasons=list(summary.reasons),
            is_settled=summary.is_settled,
            # What nobody has found a cause of is as what was recorded before causes were kept.
            cause=summary.cause or None,
            period=summary.period if summary.cause else None,
            currency=summary.currency if summary.cause else None,
        )


def _moved_shadow(row: models.Shadow, revision_before: int) -> BusyError:
    return BusyError(
        f"The shadow of {row.flow} in model {row.model_id} is at revision {row.revision},"
        f" not {revision_before}.",
        written="The shadow is as it was.",
        next_step="Plan again from the shadow as it is now.",
        flow=row.flow, model_id=row.model_id, revision=row.revision,
    )  # fmt: skip


def _render_plan(row: models.Plan) -> PlanRow:
    return PlanRow(
        plan_hash=row.plan_hash,
        run_id=row.run_id,
        flow=row.flow,
        model_id=row.model_id,
        mapping_hash=row.mapping_hash,
        shadow_revision=row.shadow_revision,
        periods=tuple(row.periods),
        totals=row.totals,
        created_at=row.created_at,
        state=row.state,
    )


def _render_load(row: models.Load) -> LoadRow:
    return LoadRow(
        load_id=row.load_id,
        run_id=row.run_id,
        flow=row.flow,
        plan_hash=row.plan_hash,
        intent_id=row.intent_id,
        task_id=row.task_id,
        outcome=row.outcome,
        chunks=row.chunks,
        cells_sent=row.cells_sent,
        cells_refused=row.cells_refused,
        result_hash=row.result_hash,
        dump_hashes=tuple(row.dump_hashes),
        created_at=row.created_at,
    )


def _walk(rows: QuerySet[models.RefusedSummary]) -> Iterator[OpenRefusal]:
    """Yield the rows in short; most have one of a few reasons, which are kept once."""
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    told = rows.values_list("key", "cause", "reasons", "load__load_id", "pk")
    for key, cause, reasons, *ids in told.iterator(chunk_size=WALKED_AT_ONCE):
        its = tuple(reasons)
        yield OpenRefusal(tuple(json.loads(key)), cause or "", known.setdefault(its, its), *ids)


def _render_refused(row: models.RefusedSummary) -> RefusedSummary:
    return RefusedSummary(
        load_id=row.load.load_id,
        flow=row.flow,
        key=tuple(json.loads(row.key)),
        before=Decimal(row.before),
        after=Decimal(row.after),
        reasons=tuple(row.reasons),
        is_settled=row.is_settled,
        cause=row.cause or "",
        period=row.period or "",
        currency=row.currency or "",
        number=row.pk,
        run_id=row.load.run_id,
    )
