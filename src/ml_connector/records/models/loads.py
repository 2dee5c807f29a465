"""Plans, shadows, loads and the summaries a model refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from ml_connector.records.models.owned import Owned

if TYPE_CHECKING:
    from ml_connector.records.models.owned import (
        Count,
        Document,
        Flag,
        Instant,
        MaybeText,
        Text,
    )


class Plan(Owned):
    """A saved plan: a file of the archive, and what it was made from."""

    plan_hash: Text = models.TextField()
    run_id: Text = models.TextField()
    flow: Text = models.TextField()
    model_id: Text = models.TextField()
    mapping_hash: Text = models.TextField()
    shadow_revision: Count = models.BigIntegerField()
    periods: Document = models.JSONField()
    totals: Document = models.JSONField()
    created_at: Instant = models.DateTimeField()
    state: Text = models.TextField()

    class Meta:
        """One per hash."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=("organisation", "plan_hash"), name="records_plan_one")
        ]

    def __str__(self) -> str:
        return self.plan_hash


class Shadow(Owned):
    """What a model was last told and took, as one number that moves with every change."""

    flow: Text = models.TextField()
    model_id: Text = models.TextField()
    revision: Count = models.BigIntegerField()

    class Meta:
        """One per flow and model."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "flow", "model_id"), name="records_shadow_one"
            )
        ]

    def __str__(self) -> str:
        return f"{self.flow} {self.model_id} revision {self.revision}"


class ShadowFile(Owned):
    """The shadow of one target period; older revisions stay, for evidence."""

    shadow: models.ForeignKey[Shadow, Shadow] = models.ForeignKey(
        Shadow, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    shadow_id: int
    period: Text = models.TextField()
    revision: Count = models.BigIntegerField()
    file_hash: Text = models.TextField()
    why: Text = models.TextField()
    at: Instant = models.DateTimeField()
    is_current: Flag = models.BooleanField()

    class Meta:
        """One row per revision, one current row per period."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "shadow", "period", "revision"),
                name="records_shadow_file_one",
            ),
            models.UniqueConstraint(
                fields=("organisation", "shadow", "period"),
                condition=models.Q(is_current=True),
                name="records_shadow_file_current",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period} revision {self.revision}"


class Load(Owned):
    """One upload, import and result."""

    load_id: Text = models.TextField()
    run_id: Text = models.TextField()
    flow: Text = models.TextField()
    plan_hash: Text = models.TextField()
    intent_id: Text = models.TextField()
    task_id: Text = models.TextField()
    outcome: Text = models.TextField()
    chunks: Count = models.BigIntegerField()
    cells_sent: Count = models.BigIntegerField()
    cells_refused: Count = models.BigIntegerField()
    result_hash: Text = models.TextField()
    dump_hashes: Document = models.JSONField()
    created_at: Instant = models.DateTimeField()

    class Meta:
        """One per id; listed by flow or run."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=("organisation", "load_id"), name="records_load_one")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=("organisation", "flow", "id"), name="records_load_by_flow"),
            models.Index(fields=("organisation", "run_id", "id"), name="records_load_by_run"),
            models.Index(
                fields=("organisation", "task_id"),
                opclasses=("int8_ops", "text_pattern_ops"),
                name="records_load_by_task",
            ),
            models.Index(
                fields=("organisation", "plan_hash"),
                opclasses=("int8_ops", "text_pattern_ops"),
                name="records_load_by_plan",
            ),
        ]

    def __str__(self) -> str:
        return self.load_id


class RefusedSummary(Owned):
    """A summary the model did not take.

    Amounts are text: a decimal column of SQLite is a double, which loses cents.
    """

    load: models.ForeignKey[Load, Load] = models.ForeignKey(
        Load, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    load_id: int
    flow: Text = models.TextField()
    key: Text = models.TextField()
    before: Text = models.TextField()
    after: Text = models.TextField()
    reasons: Document = models.JSONField()
    is_settled: Flag = models.BooleanField()
    cause: MaybeText = models.TextField(null=True)  # noqa: DJ001 - unknown of rows of older code.
    period: MaybeText = models.TextField(null=True)  # noqa: DJ001 - as above.
    currency: MaybeText = models.TextField(null=True)  # noqa: DJ001 - as above.

    class Meta:
        """One per load and key; open ones found by key, or by why they were refused."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "load", "key"), name="records_refused_one"
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=("organisation", "flow", "key"),
                condition=models.Q(is_settled=False),
                name="records_refused_open",
            ),
            models.Index(
                fields=("organisation", "flow", "cause", "period", "id"),
                condition=models.Q(is_settled=False),
                name="records_refused_cause",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class RefusedTally(Owned):
    """How much is refused and open for one reason, kept beside every change of the summaries.

    Counting a million of them would take a page longer than anybody waits.
    """

    flow: Text = models.TextField()
    cause: Text = models.TextField()
    period: Text = models.TextField()
    currency: Text = models.TextField()
    count: Count = models.BigIntegerField()
    amount: Text = models.TextField()

    class Meta:
        """One per flow, reason, period and currency; the open ones listed, the largest first."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=("organisation", "flow", "cause", "period", "currency"),
                name="records_refused_tally_one",
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=("organisation", "flow"),
                condition=models.Q(count__gt=0),
                name="records_refused_tally_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.flow} {self.cause}: {self.count}"
