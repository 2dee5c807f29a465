"""The tables behind the resources; a column carries the name of the attribute it serves.

Columns that start with an underscore are the server's own: `_id` identifies a row, `_parent`
the row above it. Amounts are texts, so that no float ever holds one.
"""

from __future__ import annotations

from ml_connector.sandbox.fusion.ess_jobs import ESS_TABLES
from ml_connector.sandbox.fusion.imports_suppliers import INTERFACE_TABLES
from ml_connector.sandbox.fusion.supplier_schema import (
    SUPPLIER_INDEXES,
    SUPPLIER_TABLES,
    SUPPLIER_VIEWS,
)
from ml_connector.sandbox.store import Store

_TABLES: dict[str, str] = {
    "je_batches": """
        _id INTEGER PRIMARY KEY, JeBatchId INTEGER, AccountedPeriodType TEXT,
        DefaultPeriodName TEXT, BatchName TEXT, Status TEXT, ControlTotal TEXT,
        BatchDescription TEXT, ErrorMessage TEXT, PostedDate TEXT, PostingRunId INTEGER,
        RequestId INTEGER, RunningTotalAccountedCr TEXT, RunningTotalAccountedDr TEXT,
        RunningTotalCr TEXT, RunningTotalDr TEXT, CreatedBy TEXT, CreationDate TEXT,
        LastUpdateDate TEXT, LastUpdatedBy TEXT, ActualFlag TEXT, CompletionStatusMeaning TEXT,
        ParentJeBatchName TEXT, ChartOfAccountsName TEXT, UserPeriodSetName TEXT,
        UserJeSourceName TEXT, ReversalDate TEXT, ReversalPeriod TEXT, ReversalFlag INTEGER,
        ReversalMethodMeaning TEXT""",
    "je_headers": """
        _id INTEGER PRIMARY KEY, _parent INTEGER NOT NULL, JournalName TEXT,
        JournalDescription TEXT, PeriodName TEXT, DefaultEffectiveDate TEXT, ReferenceDate TEXT,
        CurrencyCode TEXT, LedgerCurrencyCode TEXT, CurrencyConversionRate TEXT,
        InvCurrencyConversionRate TEXT, UserCurrencyConversionType TEXT, ControlTotal TEXT,
        RunningTotalDr TEXT, RunningTotalCr TEXT, RunningTotalAccountedDr TEXT,
        RunningTotalAccountedCr TEXT, LedgerName TEXT, LegalEntityName TEXT,
        UserJeCategoryName TEXT, EncumbranceType TEXT, AccrualReversalEffectiveDate TEXT,
        AccrualReversalPeriodName TEXT, AccrualReversalStatus TEXT,
        AccrualReversalJeHeaderName TEXT, ReversedJeHeaderName TEXT, JeFromSlaFlagMeaning TEXT,
        CreatedBy TEXT, CreationDate TEXT, LastUpdateDate TEXT, LastUpdatedBy TEXT""",
    "je_lines": """
        _id INTEGER PRIMARY KEY, _parent INTEGER NOT NULL, JeLineNumber INTEGER,
        AccountCombination TEXT, AccountedDr TEXT, AccountedCr TEXT, EnteredDr TEXT,
        EnteredCr TEXT, Description TEXT, StatAmount TEXT""",
    "gl_balances": """
        ledger TEXT NOT NULL, combination TEXT NOT NULL, period_order INTEGER NOT NULL,
        currency TEXT NOT NULL, entered TEXT NOT NULL, accounted TEXT NOT NULL,
        PRIMARY KEY (ledger, combination, period_order, currency)""",
    "ledgers": """
        _id INTEGER PRIMARY KEY, LedgerId INTEGER, Name TEXT, Description TEXT,
        CurrencyCode TEXT, ChartOfAccountsId INTEGER, AccountedPeriodType TEXT,
        PeriodSetName TEXT, LedgerCategoryCode TEXT, LedgerTypeCode TEXT,
        EnableBudgetaryControlFlag INTEGER""",
    "charts": """
        _id INTEGER PRIMARY KEY, StructureInstanceId INTEGER, StructureInstanceNumber INTEGER,
        StructureInstanceCode TEXT, Name TEXT, Description TEXT, EnabledFlag TEXT""",
    "combinations": """
        _id INTEGER PRIMARY KEY, chart TEXT NOT NULL, text TEXT NOT NULL,
        _CODE_COMBINATION_ID INTEGER, _CHART_OF_ACCOUNTS_ID INTEGER, AccountType TEXT,
        EnabledFlag TEXT, SummaryFlag TEXT, DetailPostingAllowedFlag TEXT,
        DetailBudgetingAllowedFlag TEXT, JgzzReconFlag TEXT, FinancialCategory TEXT,
        Reference3 TEXT, StartDateActive TEXT, EndDateActive TEXT, {segments}""",
    "value_sets": """
        _id INTEGER PRIMARY KEY, ValueSetId INTEGER, ValueSetCode TEXT UNIQUE, Description TEXT,
        ValidationType TEXT, ValueDataType TEXT, MaximumLength INTEGER, ProtectedFlag TEXT,
        CreationDate TEXT, CreatedBy TEXT, LastUpdateDate TEXT, LastUpdatedBy TEXT""",
    "segment_values": """
        _id INTEGER PRIMARY KEY, _parent INTEGER NOT NULL, ValueId INTEGER, IndependentValue TEXT,
        Value TEXT, Description TEXT, EnabledFlag TEXT, StartDateActive TEXT, EndDateActive TEXT,
        SortOrder INTEGER, SummaryFlag TEXT, DetailPostingAllowed TEXT,
        DetailBudgetingAllowed TEXT, AccountType TEXT, ControlAccount TEXT,
        ReconciliationFlag TEXT, FinancialCategory TEXT, ExternalDataSource TEXT,
        CreationDate TEXT, CreatedBy TEXT, LastUpdateDate TEXT, LastUpdatedBy TEXT,
        UNIQUE (_parent, Value)""",
    "periods": """
        _id INTEGER PRIMARY KEY, PeriodNameId TEXT, PeriodSetNameId TEXT, PeriodType TEXT,
        AdjustmentPeriodFlag TEXT, StartDate TEXT, EndDate TEXT, EnteredPeriodName TEXT,
        PeriodYear INTEGER, PeriodNumber INTEGER, period_order INTEGER""",
    "period_statuses": """
        _id INTEGER PRIMARY KEY, PeriodNameId TEXT, ApplicationId INTEGER, LedgerId INTEGER,
        ClosingStatus TEXT, StartDate TEXT, EndDate TEXT, PeriodYear INTEGER,
        PeriodNumber INTEGER, AdjustmentPeriodFlag TEXT""",
    "currency_rates": """
        _id INTEGER PRIMARY KEY, FromCurrency TEXT, ToCurrency TEXT, ConversionDate TEXT,
        ConversionRate TEXT, ConversionType TEXT, UserConversionType TEXT""",
    "currencies": """
        _id INTEGER PRIMARY KEY, CurrencyCode TEXT, Name TEXT, Description TEXT,
        Precision INTEGER, EnabledFlag TEXT""",
    "sources": """
        _id INTEGER PRIMARY KEY, JeSourceKey TEXT, UserJeSourceName TEXT, Description TEXT""",
    "categories": """
        _id INTEGER PRIMARY KEY, JeCategoryKey TEXT, UserJeCategoryName TEXT, Description TEXT""",
    "deferred": """
        _id INTEGER PRIMARY KEY, due REAL NOT NULL, stamp TEXT NOT NULL, first_id INTEGER NOT NULL,
        operation TEXT NOT NULL, body TEXT NOT NULL""",
}  # fmt: skip
_TABLES |= SUPPLIER_TABLES | INTERFACE_TABLES | ESS_TABLES
_INDEXES = (
    "CREATE INDEX IF NOT EXISTS batches_by_period ON je_batches (DefaultPeriodName)",
    "CREATE INDEX IF NOT EXISTS headers_by_batch ON je_headers (_parent)",
    "CREATE INDEX IF NOT EXISTS lines_by_header ON je_lines (_parent, JeLineNumber)",
    "CREATE UNIQUE INDEX IF NOT EXISTS combinations_by_text ON combinations (chart, text)",
    """CREATE INDEX IF NOT EXISTS rates_by_pair ON currency_rates
        (FromCurrency, ToCurrency, ConversionDate)""",
    """CREATE UNIQUE INDEX IF NOT EXISTS statuses_by_key ON period_statuses
        (LedgerId, PeriodNameId, ApplicationId)""",
)
_VIEWS = (
    """CREATE VIEW IF NOT EXISTS journal_batches AS SELECT *,
        CASE ActualFlag WHEN 'E' THEN 'Encumbrance' ELSE 'Actual' END AS ActualFlagMeaning,
        'Not required' AS ApprovalStatusMeaning, NULL AS ApproverEmployeeName,
        'Not applicable' AS FundsStatusMeaning,
        CASE Status WHEN 'P' THEN 'Posted' WHEN 'U' THEN 'Unposted' WHEN 'E' THEN 'Error'
            WHEN 'S' THEN 'Selected for posting' WHEN 'I' THEN 'Posting in progress'
            ELSE 'Error ' || Status END AS StatusMeaning
        FROM je_batches""",
    """CREATE VIEW IF NOT EXISTS journal_headers AS SELECT *,
        DefaultEffectiveDate AS CurrencyConversionDate, NULL AS ExternalReference,
        NULL AS OriginatingBalSegValue, NULL AS CloseAccountSequenceValue,
        NULL AS CloseAccountSequenceAssignName, NULL AS PostingAccountSequenceValue,
        NULL AS PostingAccountSequenceAssignName FROM je_headers""",
    """CREATE VIEW IF NOT EXISTS journal_lines AS SELECT l._id, l._parent, l.JeLineNumber,
        l.AccountCombination, l.AccountedDr, l.AccountedCr, l.EnteredDr, l.EnteredCr,
        l.Description, l.StatAmount, h.CurrencyCode,
        h.DefaultEffectiveDate AS CurrencyConversionDate, h.CurrencyConversionRate,
        h.UserCurrencyConversionType, b.ChartOfAccountsName, NULL AS ReconciliationReference,
        'Not reconciled' AS jgzzReconStatusMeaning, h.CreatedBy, h.CreationDate,
        h.LastUpdateDate, h.LastUpdatedBy
        FROM je_lines l JOIN je_headers h ON h._id = l._parent
        JOIN je_batches b ON b._id = h._parent""",
)


def create_tables(store: Store, segment_names: tuple[str, ...]) -> None:
    """Every table, index and view exists; what was there stays."""
    segments = ", ".join(f'"{name}" TEXT' for name in segment_names)
    with store.transaction():
        for name, columns in _TABLES.items():
            body = columns.replace("{segments}", segments)
            store.execute(f"CREATE TABLE IF NOT EXISTS {name} ({body})")
        for statement in (*_INDEXES, *SUPPLIER_INDEXES, *_VIEWS, *SUPPLIER_VIEWS):
            store.execute(statement)


def list_tables() -> tuple[str, ...]:
    """Return the names of all tables."""
    return tuple(_TABLES)


def clear_tables(store: Store) -> None:
    """No table holds a row."""
    with store.transaction():
        for name in _TABLES:
            store.execute(f"DELETE FROM {name}")  # noqa: S608 - names are the constants above
