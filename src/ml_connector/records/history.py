"""History that is kept for a while; what proves something is none of it."""

from datetime import datetime
from typing import Any

from django.db.models import Exists, Max, OuterRef, QuerySet

from ml_connector.ports.alerts import OPEN_DELIVERIES
from ml_connector.records import models
from ml_connector.records.store import OrganisationStore


class HistoryRecords(OrganisationStore):
    """A `ports.history.HistoryStore`."""

    def delete_before(self, instant: datetime, *, limit: int) -> int:
        """The oldest rows that ended before the instant are gone; see `ports.history`."""
        gone = 0
        with self._writing("which old history is gone"):
            for rows in self._list_old(instant, limit):
                gone += _delete(rows, limit - gone)
                if gone >= limit:
                    break
        return gone

    def _list_old(self, instant: datetime, limit: int) -> list[QuerySet[Any]]:
        """What may go, in an order in which nothing that stays names what has gone."""
        alerts = self._list_over(instant, limit)
        messages = models.AlertDelivery.of(self._id)
        tests = models.ConnectionTest.of(self._id)
        newest = tests.values("connection").annotate(newest=Max("pk")).values("newest")
        return [
            models.AlertOccurrence.of(self._id).filter(alert__in=alerts),
            messages.filter(alert__in=alerts),
            models.Alert.of(self._id).filter(pk__in=alerts),
            messages.filter(alert__isnull=True, made_at__lt=instant),
            tests.filter(at__lt=instant).exclude(pk__in=newest),
            self._list_past(instant),
        ]

    def _list_past(self, instant: datetime) -> QuerySet[Any]:
        """Times of schedules that came and ended; a schedule goes on from its newest one."""
        firings = models.Firing.of(self._id)
        later = firings.filter(schedule=OuterRef("schedule"), due_at__gt=OuterRef("due_at"))
        return firings.filter(Exists(later), ended_at__lt=instant).order_by("ended_at")

    def _list_over(self, instant: datetime, limit: int) -> list[int]:
        """The alerts that have been over for longest, all of whose messages have their end."""
        waiting = models.AlertDelivery.of(self._id).filter(
            alert=OuterRef("pk"), state__in=[one.value for one in OPEN_DELIVERIES]
        )
        over = models.Alert.of(self._id).filter(~Exists(waiting), ended_at__lt=instant)
        return list(over.order_by("ended_at").values_list("pk", flat=True)[:limit])


def _delete(rows: QuerySet[Any], most: int) -> int:
    """At most so many of them are gone; returns how many."""
    keys = list(rows.values_list("pk", flat=True)[:most])
    return int(rows.model.objects.filter(pk__in=keys).delete()[0])
