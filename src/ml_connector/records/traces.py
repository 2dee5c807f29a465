"""Where a key leads: along indexes, and through the newest rows for what none of them knows."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, StrIndex

from ml_connector.ports.traces import FOUND_MAX, PREFIX_MIN, SEARCHED_MAX, FoundRefusal
from ml_connector.records import models
from ml_connector.records.store import OrganisationStore

FILES_MAX = 100
"""Files of journal lines that are named; each holds many batches."""
LOADS_MAX = 200
"""Newest loads of a flow whose refused summaries are looked at."""
SUMMARIES_MAX = 250_000
"""Refused summaries after which no older load is looked at: no index knows their members."""
LAST_LETTER = "\U0010ffff"


class TraceRecords(OrganisationStore):
    """A `ports.TraceStore`."""

    def find_runs(self, key: str) -> list[str]:
        """Runs that the key leads to; see `ports.TraceStore`."""
        loads, intents = models.Load.of(self._id), models.Intent.of(self._id)
        asked: tuple[tuple[QuerySet[Any], str], ...] = (
            (models.Run.of(self._id), "run_id"), (loads, "task_id"), (loads, "plan_hash"),
            (intents, "task_id"), (models.Plan.of(self._id), "plan_hash"),
            (models.Approval.of(self._id), "plan_hash"),
        )  # fmt: skip
        found = set(loads.filter(load_id=key).values_list("run_id", flat=True))
        found |= set(intents.filter(intent_id=key).values_list("run_id", flat=True))
        for rows, name in asked:
            its = begin_with(rows, name, key)
            found |= set(its.order_by("-pk").values_list("run_id", flat=True)[:FOUND_MAX])
        return sorted(found)[-FOUND_MAX:]

    def find_postings(self, key: str) -> list[str]:
        """Keys of postings that the key leads to; see `ports.TraceStore`."""
        rows = models.Posting.of(self._id)
        newest = rows.filter(pk__in=rows.order_by("-pk").values("pk")[:SEARCHED_MAX])
        named = Q(told__icontains=json.dumps(key)[1:-1]) | Q(subject__icontains=key)
        found = [
            rows.filter(posting_key=key.upper()), rows.filter(run_id=key),
            rows.filter(plan_hash=key),
            newest.annotate(told=Cast("receipt", TextField())).filter(named),
        ]  # fmt: skip
        keys = {
            row for its in found
            for row in its.order_by("-pk").values_list("pk", "posting_key")[:FOUND_MAX]
        }  # fmt: skip
        return [posting_key for _, posting_key in sorted(keys)][-FOUND_MAX:]

    def find_refused(self, flow: str, member: str) -> list[FoundRefusal]:
        """Refused summaries with that member; see `ports.TraceStore`."""
        loads = models.Load.of(self._id).filter(flow=flow, cells_refused__gt=0).order_by("-pk")
        newest = _cut_newest(loads.values_list("pk", "cells_refused")[:LOADS_MAX])
        rows = models.RefusedSummary.of(self._id).filter(load_id__in=newest)
        wanted = Value(json.dumps(member, ensure_ascii=False))
        fits = rows.annotate(place=StrIndex("key", wanted)).filter(place__gt=0)
        found = fits.select_related("load").order_by("-pk")[:FOUND_MAX]
        shown = [_render_refusal(row) for row in reversed(found)]
        # What stands between two parts reads like a part of its own.
        return [row for row in shown if member in row.key]

    def load_line_files(self, connection: str) -> list[str]:
        """The newest files of journal lines; see `ports.TraceStore`."""
        rows = models.BatchRevision.of(self._id).filter(connection=connection)
        newest = rows.order_by("-pk").values_list("file_hash", flat=True)[:SEARCHED_MAX]
        return [one for one in dict.fromkeys(newest) if one][:FILES_MAX]


def _cut_newest(loads: Iterable[tuple[int, int]]) -> list[int]:
    """The first loads; the last of them is the one that fills the measure."""
    chosen, summaries = [], 0
    for load, refused in loads:
        if summaries >= SUMMARIES_MAX:
            break
        chosen.append(load)
        summaries += refused
    return chosen


def begin_with(rows: QuerySet[Any], name: str, key: str) -> QuerySet[Any]:
    """The rows that hold the key in the column, or begin with it there when it is long enough."""
    if len(key) < PREFIX_MIN:
        return rows.filter(**{name: key})
    found = rows.filter(**{f"{name}__startswith": key})
    if connection.vendor == "sqlite":
        # LIKE uses no index there and ignores case; texts compare by their bytes.
        found = found.filter(**{f"{name}__gte": key, f"{name}__lt": f"{key}{LAST_LETTER}"})
    return found


def _render_refusal(row: models.RefusedSummary) -> FoundRefusal:
    return FoundRefusal(
        run_id=row.load.run_id, key=tuple(json.loads(row.key)), after=Decimal(row.after),
        reasons=tuple(row.reasons), is_settled=row.is_settled, at=row.load.created_at,
    )  # fmt: skip
