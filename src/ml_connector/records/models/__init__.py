"""Every table of records; one module per concern."""

from ml_connector.records.models.agreements import Agreement
from ml_connector.records.models.audit import AuditHead, AuditLink
from ml_connector.records.models.batches import (
    BatchPeriod,
    BatchRevision,
    PendingBatch,
    TouchedPeriod,
    Watermark,
    WholePeriod,
)
from ml_connector.records.models.budget import BudgetHead, BudgetSlot
from ml_connector.records.models.loads import Load, Plan, RefusedSummary, Shadow, ShadowFile
from ml_connector.records.models.mappings import MappingApplied, MappingVersion
from ml_connector.records.models.owned import Owned
from ml_connector.records.models.people import Organisation, User
from ml_connector.records.models.postings import Approval, Decision, Posting
from ml_connector.records.models.roles import PersonRole
from ml_connector.records.models.runs import Run, Step
from ml_connector.records.models.schedules import Firing, Schedule
from ml_connector.records.models.secrets import Secret
from ml_connector.records.models.sign_offs import SignOff, Withdrawal
from ml_connector.records.models.writing import UNSETTLED_STATES, Intent, ModelLease

__all__ = [
    "UNSETTLED_STATES",
    "Agreement",
    "Approval",
    "AuditHead",
    "AuditLink",
    "BatchPeriod",
    "BatchRevision",
    "BudgetHead",
    "BudgetSlot",
    "Decision",
    "Firing",
    "Intent",
    "Load",
    "MappingApplied",
    "MappingVersion",
    "ModelLease",
    "Organisation",
    "Owned",
    "PendingBatch",
    "PersonRole",
    "Plan",
    "Posting",
    "RefusedSummary",
    "Run",
    "Schedule",
    "Secret",
    "Shadow",
    "ShadowFile",
    "SignOff",
    "Step",
    "TouchedPeriod",
    "User",
    "Watermark",
    "WholePeriod",
    "Withdrawal",
]
