"""The journal resources: batches, their headers, their lines."""

from __future__ import annotations

from ml_connector.sandbox.fusion.resource import Attribute, Child, Finder, Resource, attributes

_WHO = (
    *attributes("string", "CreatedBy LastUpdatedBy", mandatory=True),
    Attribute(name="CreationDate", kind="datetime", mandatory=True),
)

JOURNAL_LINES = Resource(
    name="journalLines",
    title="Journal Lines",
    table="journal_lines",
    opaque=True,
    privilege="journal",
    has_revision=True,
    attributes=(
        Attribute(name="JeLineNumber", kind="integer", mandatory=True),
        Attribute(name="AccountCombination"),
        *attributes("number", "AccountedCr AccountedDr EnteredCr EnteredDr"),
        Attribute(name="CurrencyCode"),
        Attribute(name="CurrencyConversionDate", kind="date"),
        Attribute(name="CurrencyConversionRate", kind="number"),
        *attributes("string", "UserCurrencyConversionType Description ChartOfAccountsName"),
        Attribute(name="StatAmount", kind="number"),
        *attributes("string", "ReconciliationReference jgzzReconStatusMeaning"),
        *_WHO,
        Attribute(name="LastUpdateDate", kind="datetime", mandatory=True),
    ),
)

JOURNAL_HEADERS = Resource(
    name="journalHeaders",
    title="Journal Headers",
    table="journal_headers",
    opaque=True,
    privilege="journal",
    ledger_filter='"LedgerName" IN ({ledgers})',
    has_revision=True,
    children=(Child(accessor="journalLines", resource=JOURNAL_LINES),),
    attributes=(
        *attributes("string", "JournalName JournalDescription PeriodName"),
        *attributes("date", "DefaultEffectiveDate ReferenceDate"),
        *attributes("string", "CurrencyCode LedgerCurrencyCode"),
        Attribute(name="CurrencyConversionDate", kind="date"),
        *attributes("number", "CurrencyConversionRate InvCurrencyConversionRate"),
        Attribute(name="UserCurrencyConversionType"),
        *attributes(
            "number",
            "ControlTotal RunningTotalDr RunningTotalCr RunningTotalAccountedDr"
            " RunningTotalAccountedCr",
        ),
        *attributes(
            "string",
            "LedgerName LegalEntityName UserJeCategoryName EncumbranceType ExternalReference"
            " OriginatingBalSegValue",
        ),
        Attribute(name="AccrualReversalEffectiveDate", kind="date"),
        *attributes(
            "string",
            "AccrualReversalPeriodName AccrualReversalStatus AccrualReversalJeHeaderName"
            " ReversedJeHeaderName",
        ),
        *attributes("integer", "CloseAccountSequenceValue PostingAccountSequenceValue"),
        *attributes(
            "string",
            "CloseAccountSequenceAssignName PostingAccountSequenceAssignName JeFromSlaFlagMeaning",
        ),
        *_WHO,
        Attribute(name="LastUpdateDate", kind="datetime", mandatory=True),
    ),
)


def _unused_child(accessor: str, title: str, names: str) -> Child:
    """Return a child collection that the company does not use."""
    unused = Resource(
        name=accessor,
        title=title,
        opaque=True,
        privilege="journal",
        compute=lambda _variables, _user: [],
        attributes=attributes("string", names),
    )
    return Child(accessor=accessor, resource=unused)


JOURNAL_BATCHES = Resource(
    name="journalBatches",
    title="Journal Batches",
    table="journal_batches",
    key="JeBatchId",
    privilege="journal",
    ledger_filter=(
        "EXISTS (SELECT 1 FROM je_headers h WHERE h._parent = journal_batches._id"
        " AND h.LedgerName IN ({ledgers}))"
    ),
    has_revision=True,
    verbs=frozenset({"GET", "PATCH", "DELETE"}),
    children=(
        _unused_child("batchAttachment", "Attachments", "FileName Title"),
        _unused_child("journalActionLogs", "Action Logs", "ActionMeaning ActionBy"),
        _unused_child("journalBatchDFF", "Descriptive Flexfields", "__FLEX_Context"),
        _unused_child("journalErrors", "Errors", "ErrorMessage"),
        Child(accessor="journalHeaders", resource=JOURNAL_HEADERS),
    ),
    finders=(
        Finder(name="PrimaryKey", variables={"JeBatchId": "JeBatchId"}),
        Finder(name="JournalsFinder", variables={"AccountingPeriod": "DefaultPeriodName"}),
    ),
    attributes=(
        Attribute(name="JeBatchId", kind="integer", mandatory=True),
        *attributes("string", "AccountedPeriodType DefaultPeriodName"),
        Attribute(name="BatchName", mandatory=True),
        Attribute(name="Status", mandatory=True, updatable=True),
        Attribute(name="ControlTotal", kind="number"),
        Attribute(name="BatchDescription"),
        Attribute(name="ErrorMessage", is_clob=True),
        Attribute(name="PostedDate", kind="date"),
        *attributes("integer", "PostingRunId RequestId"),
        *attributes(
            "number",
            "RunningTotalAccountedCr RunningTotalAccountedDr RunningTotalCr RunningTotalDr",
        ),
        *_WHO,
        Attribute(
            name="LastUpdateDate",
            kind="datetime",
            mandatory=True,
            query_switch="batch_last_update_queryable",
            sort_switch="batch_last_update_sortable",
        ),
        *attributes(
            "string",
            "ActualFlagMeaning ApprovalStatusMeaning ApproverEmployeeName FundsStatusMeaning"
            " ParentJeBatchName ChartOfAccountsName StatusMeaning",
        ),
        Attribute(name="CompletionStatusMeaning", updatable=True),
        *attributes("string", "UserPeriodSetName UserJeSourceName"),
        Attribute(name="ReversalDate", kind="date", updatable=True),
        Attribute(name="ReversalPeriod", updatable=True),
        Attribute(name="ReversalFlag", kind="boolean", updatable=True),
        Attribute(name="ReversalMethodMeaning", updatable=True),
    ),
)
