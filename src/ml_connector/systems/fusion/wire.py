"""The one place that knows the vendor's field names: rows in, query texts out.

Structs name attributes in snake case; `rename` makes them the vendor's. Unknown fields are ignored,
missing and null ones take their default unless the connector cannot do without them.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final, Generic, TypeVar
from urllib.parse import unquote, urlsplit

import msgspec

from ml_connector.domain.ledger import Chart
from ml_connector.systems.calls import RemoteReply
from ml_connector.systems.tokens import TokenGrant

RowT = TypeVar("RowT")
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Flag = str | bool | None

POSTED: Final = "P"
GENERAL_LEDGER: Final = 101
"""Application id; without it the status of some other subledger comes back (F-13)."""
LIFETIME_S_UNSAID: Final = 300.0
LEDGER_TYPE: Final = "L"
"""Ledger sets carry another letter."""
BATCHES: Final = "journalBatches"
HEADERS: Final = "journalHeaders"
LINES: Final = "journalLines"
BATCH_KEY: Final = "JeBatchId"
CHANGED: Final = "LastUpdateDate"
STATUS: Final = "Status"
DEFAULT_PERIOD: Final = "DefaultPeriodName"
VALUE_ORDER: Final = "ValueId"
LINE_ORDER: Final = "JeLineNumber"
SUPPLIERS: Final = "suppliers"
SUPPLIER_KEY: Final = "SupplierId"
SITES: Final = "sites"
SITE_KEY: Final = "SupplierSiteId"
ADDRESSES: Final = "addresses"
ADDRESS_KEY: Final = "SupplierAddressId"
INACTIVE: Final = "INACTIVE"
NESTED_ROWS_MAX: Final = 25
"""Children that come with their row, where the answer does not say how many it would bring."""
CLAUSES_KNOWN: Final = frozenset({BATCH_KEY, STATUS, DEFAULT_PERIOD})
"""What clients in the field filter batches by; assumed when the description is not readable."""
FINDER_RESERVED: Final = frozenset(",;")


class Row(msgspec.Struct, rename="pascal", frozen=True, kw_only=True):
    """Base of the rows: attribute names in the vendor's capitals."""


class Page(msgspec.Struct, Generic[RowT], rename="camel", frozen=True, kw_only=True):
    """A collection's envelope; `items` may be absent when there are none."""

    items: list[RowT] | None = None
    count: int | None = None
    has_more: bool
    limit: int | None = None
    offset: int | None = None


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link of a row; only the path of its address is ever used."""

    rel: str = ""
    href: str = ""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Where framework versions from 6 on keep the links."""

    links: list[Link] | None = None


class BatchRow(Row, frozen=True, kw_only=True):
    """A journal batch."""

    je_batch_id: int
    batch_name: str | None = None
    status: str | None = None
    default_period_name: str | None = None
    user_period_set_name: str | None = None
    chart_of_accounts_name: str | None = None
    user_je_source_name: str | None = None
    actual_flag_meaning: str | None = None
    posted_date: date | None = None
    last_update_date: Instant


class HeaderRow(Row, frozen=True, kw_only=True):
    """A journal of a batch."""

    journal_name: str
    period_name: str
    default_effective_date: date
    currency_code: str
    ledger_currency_code: str
    ledger_name: str
    user_je_category_name: str | None = None
    encumbrance_type: str | None = None
    running_total_dr: Decimal | None = None
    running_total_cr: Decimal | None = None
    running_total_accounted_dr: Decimal | None = None
    running_total_accounted_cr: Decimal | None = None
    links: list[Link] | None = msgspec.field(default=None, name="links")
    context: Context | None = msgspec.field(default=None, name="@context")


class LineRow(Row, frozen=True, kw_only=True):
    """A line of a journal."""

    je_line_number: int
    account_combination: str
    accounted_dr: Decimal | None = None
    accounted_cr: Decimal | None = None
    entered_dr: Decimal | None = None
    entered_cr: Decimal | None = None
    currency_code: str | None = None
    description: str | None = None
    chart_of_accounts_name: str | None = None


class LedgerRow(Row, frozen=True, kw_only=True):
    """A ledger, or a set of ledgers."""

    ledger_id: int
    name: str
    currency_code: str | None = None
    chart_of_accounts_id: int | None = None
    accounted_period_type: str | None = None
    period_set_name: str | None = None
    ledger_category_code: str | None = None
    ledger_type_code: str | None = None


class ChartRow(Row, frozen=True, kw_only=True):
    """A chart of accounts; its number, not its id, is what ledgers refer to (F-12)."""

    structure_instance_number: int
    name: str


class PeriodRow(Row, frozen=True, kw_only=True):
    """A period of a calendar."""

    period_name_id: str
    period_set_name_id: str | None = None
    period_type: str | None = None
    adjustment_period_flag: Flag = None
    start_date: date
    end_date: date
    period_year: int
    period_number: int


class PeriodStatusRow(Row, frozen=True, kw_only=True):
    """What a period is to one ledger and application."""

    period_name_id: str
    application_id: int
    ledger_id: int
    closing_status: str | None = None


class ValueSetRow(Row, frozen=True, kw_only=True):
    """A value set."""

    value_set_code: str
    description: str | None = None
    validation_type: str | None = None


class ValueRow(Row, frozen=True, kw_only=True):
    """A value of a value set."""

    value: str
    independent_value: str | None = None
    description: str | None = None
    enabled_flag: Flag = None
    start_date_active: date | None = None
    end_date_active: date | None = None
    summary_flag: Flag = None
    account_type: str | None = None


class CurrencyRow(Row, frozen=True, kw_only=True):
    """A currency."""

    currency_code: str
    name: str | None = None
    enabled_flag: Flag = None


class BalanceRow(Row, frozen=True, kw_only=True):
    """A balance; business errors come as a row whose `error_detail` is filled (F-14)."""

    detail_account_combination: str | None = None
    account_combination: str | None = None
    period_name: str | None = None
    period_activity: Decimal | None = None
    error_detail: str | None = None


class AddressRow(Row, frozen=True, kw_only=True):
    """An address of a supplier."""

    supplier_address_id: int
    city: str | None = None
    country_code: str | None = None


class SiteRow(Row, frozen=True, kw_only=True):
    """A site of a supplier: one address as one procurement unit uses it."""

    supplier_site_id: int
    supplier_site: str
    procurement_bu_id: int | None = msgspec.field(default=None, name="ProcurementBUId")
    procurement_bu: str | None = msgspec.field(default=None, name="ProcurementBU")
    supplier_address_id: int | None = None
    supplier_address_name: str | None = None
    status: str | None = None
    inactive_date: date | None = None
    site_purpose_purchasing_flag: Flag = None
    site_purpose_pay_flag: Flag = None
    site_purpose_primary_pay_flag: Flag = None
    site_purpose_sourcing_only_flag: Flag = None
    site_purpose_procurement_card_flag: Flag = None
    invoice_currency_code: str | None = None
    payment_terms: str | None = None
    pay_group_code: str | None = None


class SupplierRow(Row, frozen=True, kw_only=True):
    """A supplier; sites and addresses only where they were asked for, and maybe not all (F-26)."""

    supplier_id: int
    supplier_number: str | None = None
    supplier: str | None = None
    alternate_name: str | None = None
    alias: str | None = None
    status: str | None = None
    inactive_date: date | None = None
    supplier_type_code: str | None = None
    supplier_type: str | None = None
    tax_organization_type_code: str | None = None
    business_relationship_code: str | None = None
    one_time_supplier_flag: Flag = None
    taxpayer_country_code: str | None = None
    tax_registration_country_code: str | None = None
    tax_registration_number: str | None = None
    duns_number: str | None = msgspec.field(default=None, name="DUNSNumber")
    registry_id: str | None = None
    parent_supplier_number: str | None = None
    customer_number: str | None = None
    corporate_website: str | None = None
    year_established: int | str | None = None
    sites: Page[SiteRow] | None = msgspec.field(default=None, name="sites")
    addresses: Page[AddressRow] | None = msgspec.field(default=None, name="addresses")


class _Attribute(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    queryable: bool = False


class _Described(msgspec.Struct, frozen=True, kw_only=True):
    attributes: list[_Attribute] | None = None


class _Description(Row, frozen=True, kw_only=True):
    resources: dict[str, _Described]


class _Extension(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    allowed_framework_versions: list[str] | None = None


class _Version(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    is_latest: bool = msgspec.field(default=False, name="isLatest")
    extension: _Extension | None = msgspec.field(default=None, name="adf:extension")


class _Versions(msgspec.Struct, frozen=True, kw_only=True):
    items: list[_Version]


class _Grant(msgspec.Struct, frozen=True, kw_only=True):
    access_token: str
    expires_in: int | str | None = None


class _GrantFault(msgspec.Struct, frozen=True, kw_only=True):
    error: str = ""


class _ErrorDetail(msgspec.Struct, frozen=True, kw_only=True):
    detail: str | None = None


class _ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    title: str | None = None
    detail: str | None = None
    details: list[_ErrorDetail] | None = msgspec.field(default=None, name="o:errorDetails")


# --- answers that are no rows ------------------------------------------------------------------


def find_child_key(row: HeaderRow, collection: str) -> str | None:
    """The row's opaque key, decoded once from its own link; None when no link holds it.

    Host, port and scheme of the link are left unread: it may name a proxy or add `:443` (F-05).
    """
    links = [*(row.links or []), *((row.context.links if row.context else None) or [])]
    by_rel = {link.rel: link.href for link in links}
    for rel in ("self", "canonical"):
        before, mark, after = urlsplit(by_rel.get(rel, "")).path.partition(f"/child/{collection}/")
        if before and mark and after and "/" not in after:
            return unquote(after)
    return None


def parse_queryable(reply: RemoteReply, resource: str) -> frozenset[str]:
    """Names of the resource's attributes that may stand in a query."""
    described = reply.parse_json(_Description).resources.get(resource)
    attributes = (described.attributes if described else None) or []
    return frozenset(each.name for each in attributes if each.queryable)


def parse_framework_versions(reply: RemoteReply, api_version: str) -> list[str] | None:
    """Framework versions the pod offers for the API version; None when it has no such version."""
    for item in reply.parse_json(_Versions).items:
        if item.version == api_version or (api_version == "latest" and item.is_latest):
            return (item.extension.allowed_framework_versions if item.extension else None) or []
    return None


def parse_grant(reply: RemoteReply) -> TokenGrant:
    """The token and its life; a short one is assumed when none is named."""
    grant = reply.parse_json(_Grant)
    try:
        lifetime_s = LIFETIME_S_UNSAID if grant.expires_in is None else float(grant.expires_in)
    except ValueError as error:
        raise reply.render_off_contract("a token whose life is no number") from error
    return TokenGrant(value=grant.access_token, lifetime_s=lifetime_s)


def find_grant_fault(reply: RemoteReply) -> str:
    """The error code of a refused log-in; empty when the body holds none."""
    try:
        return msgspec.json.decode(reply.content, type=_GrantFault).error[:60]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


def find_error_text(content: bytes) -> str:
    """The messages of a structured error body; empty when it is none."""
    try:
        body = msgspec.json.decode(content, type=_ErrorBody)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    details = [each.detail for each in body.details or [] if each.detail]
    return "; ".join(([body.detail] if body.detail else details) or [body.title or ""])


# --- query texts --------------------------------------------------------------------------------


def render_batch_query(
    queryable: Collection[str],
    *,
    after_id: int,
    window: tuple[datetime, datetime] | None = None,
    period: str | None = None,
) -> str:
    """The condition for posted batches past an id; what the pod cannot filter is left out."""
    clauses = [f"{BATCH_KEY} > {after_id}"]
    if STATUS in queryable:
        clauses.append(f"{STATUS} = {_quote(POSTED)}")
    if window is not None and CHANGED in queryable:
        first, last = window
        clauses.append(f"{CHANGED} >= {_quote(_render_instant(first))}")
        clauses.append(f"{CHANGED} <= {_quote(_render_instant(last + timedelta(seconds=1)))}")
    if period is not None and DEFAULT_PERIOD in queryable:
        clauses.append(f"{DEFAULT_PERIOD} = {_quote(period)}")
    return " and ".join(clauses)


def render_supplier_query(after_id: int) -> str:
    """The condition for suppliers past an id; no other attribute is sure to be queryable (F-24)."""
    return f"{SUPPLIER_KEY} > {after_id}"


def render_number_query(number: str) -> str:
    """The condition for the suppliers of a number: one, where the pod is in order."""
    return f"SupplierNumber = {_quote(number)}"


def render_name_query(name: str) -> str:
    """The condition for the suppliers of a name, as it is written and in capitals (F-35)."""
    return " or ".join(f"Supplier = {_quote(each)}" for each in dict.fromkeys((name, name.upper())))


def render_calendar_query(calendar: str) -> str:
    """The condition for the periods of a calendar."""
    return f"PeriodSetNameId = {_quote(calendar)}"


def render_status_query(period: str, ledger_id: str) -> str:
    """The condition for the general-ledger status of one period of one ledger."""
    return (
        f"PeriodNameId = {_quote(period)} and ApplicationId = {GENERAL_LEDGER}"
        f" and LedgerId = {int(ledger_id)}"
    )


def render_balance_finder(
    *, chart: Chart, period: str, currency: str, ledger: str, currency_type: str
) -> str:
    """The finder for every combination's balance; no value may hold `,` or `;`."""
    anything = chart.delimiter.join("%" for _ in chart.segments)
    return (
        f"AccountBalanceFinder;accountCombination={anything},accountingPeriod={period},"
        f"currency={currency},ledgerName={ledger},mode=Detail,currencyType={currency_type}"
    )


def _quote(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _render_instant(at: datetime) -> str:
    """Whole seconds with an explicit offset; without one it is read in the server's zone (F-04)."""
    return at.astimezone(UTC).isoformat(timespec="seconds")
