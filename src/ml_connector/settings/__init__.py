"""The typed project folder: what users write in YAML, checked whole before anything runs."""

from ml_connector.settings.budgets import (
    BudgetColumn,
    BudgetColumns,
    BudgetFlow,
    BudgetGuards,
    NumberSettings,
)
from ml_connector.settings.calendars import CalendarSettings, OwnDays
from ml_connector.settings.faults import ProjectFaultsError, ProjectMissingError, SettingsFault
from ml_connector.settings.flows import (
    ActualsActions,
    ActualsFlow,
    ActualsGuards,
    DimensionsFlow,
    Exclusion,
    FlowDimension,
    ListColumns,
    ListFlow,
    ParentRules,
    PeriodRules,
    SignRules,
)
from ml_connector.settings.kinds import Flow, FlowSettings
from ml_connector.settings.loading import (
    PROJECT_FILE,
    Project,
    SettingValue,
    find_project_root,
    load_project,
)
from ml_connector.settings.project import ArchiveSettings, KeySettings, ProjectSettings
from ml_connector.settings.schedules import (
    Blackout,
    Maintenance,
    Schedule,
    ScheduleRequest,
    When,
)
from ml_connector.settings.suppliers import (
    ATTRIBUTE_KINDS,
    SupplierApproval,
    SupplierAttribute,
    SupplierFlow,
    SupplierGuards,
)

__all__ = [
    "ATTRIBUTE_KINDS",
    "PROJECT_FILE",
    "ActualsActions",
    "ActualsFlow",
    "ActualsGuards",
    "ArchiveSettings",
    "Blackout",
    "BudgetColumn",
    "BudgetColumns",
    "BudgetFlow",
    "BudgetGuards",
    "CalendarSettings",
    "DimensionsFlow",
    "Exclusion",
    "Flow",
    "FlowDimension",
    "FlowSettings",
    "KeySettings",
    "ListColumns",
    "ListFlow",
    "Maintenance",
    "NumberSettings",
    "OwnDays",
    "ParentRules",
    "PeriodRules",
    "Project",
    "ProjectFaultsError",
    "ProjectMissingError",
    "ProjectSettings",
    "Schedule",
    "ScheduleRequest",
    "SettingValue",
    "SettingsFault",
    "SignRules",
    "SupplierApproval",
    "SupplierAttribute",
    "SupplierFlow",
    "SupplierGuards",
    "When",
    "find_project_root",
    "load_project",
]
