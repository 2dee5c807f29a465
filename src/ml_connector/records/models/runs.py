"""Runs and their steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.ports import UNFINISHED_STATES
from ml_connector.records.models.owned import Owned

if TYPE_CHECKING:
    from ml_connector.records.models.owned import (
        Count,
        Document,
        Instant,
        MaybeInstant,
        MaybeText,
        Text,
    )


class Run(Owned):
    """One execution of a flow; the database itself refuses a second unfinished one."""

    run_id: Text = models.TextField()
    flow: Text = models.TextField()
    kind: Text = models.TextField()
    state: Text = models.TextField()
    actor: Text = models.TextField()
    request: Document = models.JSONField()
    summary: Document = models.JSONField(default=dict)
    error: Document = models.JSONField(null=True)
    created_at: Instant = models.DateTimeField()
    finished_at: MaybeInstant = models.DateTimeField(null=True)
    stop_asked_by: MaybeText = models.TextField(null=True)  # noqa: DJ001 - unknown of older code.

    class Meta:
        """One run per id, one unfinished run per flow."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=("organisation", "run_id"), name="records_run_one_id"),
            models.UniqueConstraint(
                fields=("organisation", "flow"),
                condition=models.Q(state__in=sorted(state.value for state in UNFINISHED_STATES)),
                name="records_run_one_unfinished",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=("organisation", "flow", "-id"), name="records_run_newest"),
            models.Index(fields=("organisation", "-id"), name="records_run_by_age"),
            models.Index(fields=("organisation", "flow", "state"), name="records_run_by_state"),
            # Beginnings of ids are looked for, which PostgreSQL does by this kind of index only.
            models.Index(
                fields=("organisation", "run_id"),
                opclasses=("int8_ops", "text_pattern_ops"),
                name="records_run_by_prefix",
            ),
        ]

    def __str__(self) -> str:
        return self.run_id


class Step(Owned):
    """A step of a run, once per attempt."""

    run: models.ForeignKey[Run, Run] = models.ForeignKey(
        Run, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    run_id: int
    name: Text = models.TextField()
    attempt: Count = models.BigIntegerField()
    state: Text = models.TextField()
    started_at: Instant = models.DateTimeField()
    finished_at: MaybeInstant = models.DateTimeField(null=True)
    result: Document = models.JSONField(default=dict)

    class Meta:
        """Read in order of start."""

        indexes: ClassVar[list[Any]] = [
            models.Index(fields=("organisation", "run", "id"), name="records_step_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.attempt}"
