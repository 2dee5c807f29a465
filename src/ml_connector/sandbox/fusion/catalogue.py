"""Every resource at the root of the REST tree, by name."""

from __future__ import annotations

from ml_connector.sandbox.fusion import reference_resources as reference
from ml_connector.sandbox.fusion.ess_resource import ERP_INTEGRATIONS
from ml_connector.sandbox.fusion.gl_resources import JOURNAL_BATCHES
from ml_connector.sandbox.fusion.resource import Resource
from ml_connector.sandbox.fusion.supplier_resources import SUPPLIERS

STATIC_RESOURCES: tuple[Resource, ...] = (
    JOURNAL_BATCHES,
    reference.LEDGERS_LOV,
    reference.CHARTS_LOV,
    reference.COMBINATIONS_LOV,
    reference.VALUE_SETS_RESOURCE,
    reference.PERIODS_LOV,
    reference.PERIOD_STATUS_LOV,
    reference.CURRENCY_RATES,
    reference.CURRENCIES_LOV,
    reference.SOURCES_LOV,
    reference.CATEGORIES_LOV,
    reference.INVOICES,
    reference.PURCHASE_ORDERS,
    SUPPLIERS,
    ERP_INTEGRATIONS,
)
