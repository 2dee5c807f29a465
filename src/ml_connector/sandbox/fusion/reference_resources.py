"""The resources around the journals: ledgers, charts, values, periods, rates and lists."""

from __future__ import annotations

from ml_connector.sandbox.company.ledgers import CHARTS
from ml_connector.sandbox.fusion.resource import (
    Attribute,
    Child,
    Finder,
    Resource,
    attributes,
)

SEGMENT_NAMES = tuple(dict.fromkeys(segment.name for chart in CHARTS for segment in chart.segments))
"""The segment attributes of this pod; another customer's pod has other ones."""

LEDGERS_LOV = Resource(
    name="ledgersLOV",
    title="Ledgers",
    table="ledgers",
    key="LedgerId",
    privilege="lov",
    attributes=(
        Attribute(name="LedgerId", kind="integer", mandatory=True),
        *attributes("string", "Name Description CurrencyCode"),
        Attribute(name="ChartOfAccountsId", kind="integer"),
        *attributes(
            "string", "AccountedPeriodType PeriodSetName LedgerCategoryCode LedgerTypeCode"
        ),
        Attribute(name="EnableBudgetaryControlFlag", kind="boolean"),
    ),
)
CHARTS_LOV = Resource(
    name="chartOfAccountsLOV",
    title="Charts of Accounts",
    table="charts",
    key="StructureInstanceId",
    privilege="lov",
    attributes=(
        *attributes("integer", "StructureInstanceId StructureInstanceNumber", mandatory=True),
        *attributes("string", "StructureInstanceCode Name Description EnabledFlag"),
    ),
)
COMBINATIONS_LOV = Resource(
    name="accountCombinationsLOV",
    title="Account Combinations",
    table="combinations",
    key="_CODE_COMBINATION_ID",
    privilege="lov",
    attributes=(
        *attributes("integer", "_CODE_COMBINATION_ID _CHART_OF_ACCOUNTS_ID", mandatory=True),
        *attributes(
            "string",
            "AccountType EnabledFlag SummaryFlag DetailPostingAllowedFlag"
            " DetailBudgetingAllowedFlag JgzzReconFlag FinancialCategory Reference3",
        ),
        *attributes("date", "StartDateActive EndDateActive"),
        *attributes("string", " ".join(SEGMENT_NAMES)),
    ),
)
_SET_WHO = (
    Attribute(name="CreationDate", kind="datetime"),
    Attribute(name="CreatedBy"),
    Attribute(
        name="LastUpdateDate",
        kind="datetime",
        query_switch="value_last_update_queryable",
        sort_switch="value_last_update_queryable",
    ),
    Attribute(name="LastUpdatedBy"),
)
VALUES = Resource(
    name="values",
    title="Values",
    table="segment_values",
    key="ValueId",
    has_revision=True,
    verbs=frozenset({"GET", "POST", "PATCH", "DELETE"}),
    attributes=(
        Attribute(name="ValueId", kind="integer"),
        Attribute(name="IndependentValue"),
        Attribute(name="Value", mandatory=True),
        Attribute(name="Description", updatable=True, length_max=240),
        Attribute(name="EnabledFlag", updatable=True, length_max=1),
        *attributes("date", "StartDateActive EndDateActive", updatable=True),
        Attribute(name="SortOrder", kind="integer", updatable=True),
        *attributes(
            "string",
            "SummaryFlag DetailPostingAllowed DetailBudgetingAllowed AccountType ControlAccount"
            " ReconciliationFlag FinancialCategory ExternalDataSource",
            updatable=True,
        ),
        *_SET_WHO,
    ),
)
VALUE_SETS_RESOURCE = Resource(
    name="valueSets",
    title="Value Sets",
    table="value_sets",
    key="ValueSetCode",
    has_revision=True,
    children=(Child(accessor="values", resource=VALUES),),
    attributes=(
        Attribute(name="ValueSetId", kind="integer", mandatory=True),
        *attributes("string", "ValueSetCode Description ValidationType ValueDataType"),
        Attribute(name="MaximumLength", kind="integer"),
        Attribute(name="ProtectedFlag"),
        *_SET_WHO,
    ),
)
PERIODS_LOV = Resource(
    name="accountingPeriodsLOV",
    title="Accounting Periods",
    table="periods",
    opaque=True,
    privilege="lov",
    attributes=(
        *attributes("string", "PeriodNameId PeriodSetNameId PeriodType AdjustmentPeriodFlag"),
        *attributes("date", "StartDate EndDate"),
        Attribute(name="EnteredPeriodName"),
        *attributes("integer", "PeriodYear PeriodNumber"),
    ),
)
PERIOD_STATUS_LOV = Resource(
    name="accountingPeriodStatusLOV",
    title="Accounting Period Statuses",
    table="period_statuses",
    opaque=True,
    privilege="lov",
    finders=(
        Finder(
            name="PrimaryKey",
            variables={
                "PeriodNameId": "PeriodNameId",
                "ApplicationId": "ApplicationId",
                "LedgerId": "LedgerId",
            },
        ),
    ),
    attributes=(
        Attribute(name="PeriodNameId", mandatory=True),
        *attributes("integer", "ApplicationId LedgerId", mandatory=True),
        Attribute(name="ClosingStatus"),
        *attributes("date", "StartDate EndDate"),
        *attributes("integer", "PeriodYear PeriodNumber"),
        Attribute(name="AdjustmentPeriodFlag"),
    ),
)
CURRENCY_RATES = Resource(
    name="currencyRates",
    title="Currency Rates",
    table="currency_rates",
    opaque=True,
    finders=(
        Finder(
            name="CurrencyRatesFinder",
            variables={
                "fromCurrency": "FromCurrency =",
                "toCurrency": "ToCurrency =",
                "userConversionType": "UserConversionType =",
                "startDate": "ConversionDate >=",
                "endDate": "ConversionDate <=",
            },
            required=frozenset({"fromCurrency", "toCurrency", "startDate", "endDate"}),
        ),
    ),
    attributes=(
        *attributes("string", "FromCurrency ToCurrency"),
        Attribute(name="ConversionDate", kind="date"),
        Attribute(name="ConversionRate", kind="number"),
        *attributes("string", "ConversionType UserConversionType"),
    ),
)
CURRENCIES_LOV = Resource(
    name="currenciesLOV",
    title="Currencies",
    table="currencies",
    key="CurrencyCode",
    privilege="lov",
    attributes=(
        *attributes("string", "CurrencyCode Name Description"),
        Attribute(name="Precision", kind="integer"),
        Attribute(name="EnabledFlag"),
    ),
)
SOURCES_LOV = Resource(
    name="journalSourcesLOV",
    title="Journal Sources",
    table="sources",
    key="JeSourceKey",
    privilege="lov",
    attributes=attributes("string", "JeSourceKey UserJeSourceName Description"),
)
CATEGORIES_LOV = Resource(
    name="journalCategoriesLOV",
    title="Journal Categories",
    table="categories",
    key="JeCategoryKey",
    privilege="lov",
    attributes=attributes("string", "JeCategoryKey UserJeCategoryName Description"),
)


def _empty(name: str, title: str, key: str, others: str) -> Resource:
    return Resource(
        name=name,
        title=title,
        key=key,
        compute=lambda _variables, _user: [],
        attributes=(Attribute(name=key, kind="integer"), *attributes("string", others)),
    )


INVOICES = _empty("invoices", "Invoices", "InvoiceId", "InvoiceNumber Supplier BusinessUnit")
PURCHASE_ORDERS = _empty(
    "purchaseOrders", "Purchase Orders", "POHeaderId", "OrderNumber Supplier Status"
)
"""Two collections without rows: some clients try one of them to see whether they may sign in."""
