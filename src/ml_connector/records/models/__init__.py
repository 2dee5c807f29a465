"""Every table of records; one module per concern."""

from ml_connector.records.models.agreements import Agreement
from ml_connector.records.models.alerts import (
    Alert,
    AlertDelivery,
    AlertMark,
    AlertNote,
    AlertOccurrence,
)
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
from ml_connector.records.models.closing import (
    KnownPeriod,
    MaintenanceWindow,
    PeriodEvent,
    PeriodWatch,
)
from ml_connector.records.models.connections import BudgetMinute, ConnectionTest
from ml_connector.records.models.loads import (
    Load,
    Plan,
    RefusedSummary,
    RefusedTally,
    Shadow,
    ShadowFile,
)
from ml_connector.records.models.mappings import MappingApplied, MappingRevision, MappingVersion
from ml_connector.records.models.owned import Owned
from ml_connector.records.models.people import Organisation, User
from ml_connector.records.models.postings import Approval, Decision, Posting
from ml_connector.records.models.roles import PersonRole
from ml_connector.records.models.runs import Run, Step
from ml_connector.records.models.schedules import Firing, Schedule
from ml_connector.records.models.secrets import Secret
from ml_connector.records.models.sign_in import (
    PersonAccount,
    PersonIdentity,
    RecoveryCode,
    SecondFactor,
)
from ml_connector.records.models.sign_offs import SignOff, Withdrawal
from ml_connector.records.models.standings import Standing, StandingChange
from ml_connector.records.models.tokens import ApiToken, AskedRun
from ml_connector.records.models.unmapped import PlacedPeriod, UnmappedAmount, UnmappedValue
from ml_connector.records.models.writing import UNSETTLED_STATES, Intent, ModelLease

__all__ = [
    "UNSETTLED_STATES",
    "Agreement",
    "Alert",
    "AlertDelivery",
    "AlertMark",
    "AlertNote",
    "AlertOccurrence",
    "ApiToken",
    "Approval",
    "AskedRun",
    "AuditHead",
    "AuditLink",
    "BatchPeriod",
    "BatchRevision",
    "BudgetHead",
    "BudgetMinute",
    "BudgetSlot",
    "ConnectionTest",
    "Decision",
    "Firing",
    "Intent",
    "KnownPeriod",
    "Load",
    "MaintenanceWindow",
    "MappingApplied",
    "MappingRevision",
    "MappingVersion",
    "ModelLease",
    "Organisation",
    "Owned",
    "PendingBatch",
    "PeriodEvent",
    "PeriodWatch",
    "PersonAccount",
    "PersonIdentity",
    "PersonRole",
    "PlacedPeriod",
    "Plan",
    "Posting",
    "RecoveryCode",
    "RefusedSummary",
    "RefusedTally",
    "Run",
    "Schedule",
    "SecondFactor",
    "Secret",
    "Shadow",
    "ShadowFile",
    "SignOff",
    "Standing",
    "StandingChange",
    "Step",
    "TouchedPeriod",
    "UnmappedAmount",
    "UnmappedValue",
    "User",
    "Watermark",
    "WholePeriod",
    "Withdrawal",
]
