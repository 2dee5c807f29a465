"""Every interface the flows need: sources, targets, engine, records, archive, secrets, clock.

**API boundary.** Adapters implement these; flows see nothing else of the world. All calls are
synchronous. `read_` calls may be repeated; `submit_` calls change the other system and are repeated
only where their docstring says so; `load_`/`save_`/`record_` concern our own database.
"""

from ml_connector.ports.archive import Archive, CombinationTotals, LineSum, StoredFile, TotalsSorter
from ml_connector.ports.batches import BatchRevision, BatchStore
from ml_connector.ports.engine import Engine, FlowFunction, Steps
from ml_connector.ports.journals import (
    JournalAccount,
    JournalFound,
    JournalHead,
    JournalReceipt,
    JournalState,
    JournalTarget,
    LedgerRules,
    PeriodVerdict,
)
from ml_connector.ports.loads import LoadRow, LoadStore, MappingStore, PlanRow, RefusedSummary
from ml_connector.ports.postings import (
    UNSETTLED_POSTINGS,
    Approval,
    ApprovalState,
    ApprovalStore,
    Decision,
    Posting,
    PostingState,
    PostingStore,
)
from ml_connector.ports.records import Audit, AuditRow, Records, RequestBudget
from ml_connector.ports.runs import UNFINISHED_STATES, RunRow, RunState, RunStore, StepRow
from ml_connector.ports.sources import LedgerSource, Measure
from ml_connector.ports.targets import (
    Action,
    ActionKind,
    ImportShape,
    LoadOutcome,
    ModelState,
    PlanningTarget,
    RefusedRow,
    TargetMember,
    TaskResult,
    TaskStamp,
    TaskState,
)
from ml_connector.ports.world import (
    Check,
    CheckState,
    Clock,
    Json,
    RemoteObject,
    Secrets,
    SessionStore,
)
from ml_connector.ports.writing import Intent, IntentState, IntentStore, Lease

__all__ = [
    "UNFINISHED_STATES",
    "UNSETTLED_POSTINGS",
    "Action",
    "ActionKind",
    "Approval",
    "ApprovalState",
    "ApprovalStore",
    "Archive",
    "Audit",
    "AuditRow",
    "BatchRevision",
    "BatchStore",
    "Check",
    "CheckState",
    "Clock",
    "CombinationTotals",
    "Decision",
    "Engine",
    "FlowFunction",
    "ImportShape",
    "Intent",
    "IntentState",
    "IntentStore",
    "JournalAccount",
    "JournalFound",
    "JournalHead",
    "JournalReceipt",
    "JournalState",
    "JournalTarget",
    "Json",
    "Lease",
    "LedgerRules",
    "LedgerSource",
    "LineSum",
    "LoadOutcome",
    "LoadRow",
    "LoadStore",
    "MappingStore",
    "Measure",
    "ModelState",
    "PeriodVerdict",
    "PlanRow",
    "PlanningTarget",
    "Posting",
    "PostingState",
    "PostingStore",
    "Records",
    "RefusedRow",
    "RefusedSummary",
    "RemoteObject",
    "RequestBudget",
    "RunRow",
    "RunState",
    "RunStore",
    "Secrets",
    "SessionStore",
    "StepRow",
    "Steps",
    "StoredFile",
    "TargetMember",
    "TaskResult",
    "TaskStamp",
    "TaskState",
    "TotalsSorter",
]
