"""One method per remote call; rows come out as the wire has them."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol, TypeVar
from urllib.parse import quote

import httpx2

from ml_connector.domain.ledger import Chart
from ml_connector.errors import RefusedError
from ml_connector.ports import Clock, RequestBudget, Secrets
from ml_connector.systems.calls import ACCEPTED_DEFAULT, RemoteReply
from ml_connector.systems.fusion import wire
from ml_connector.systems.fusion.connection import FusionSettings
from ml_connector.systems.fusion.login import build_authorizer, find_token_origin
from ml_connector.systems.fusion.paging import (
    read_by_key,
    read_by_key_or_offset,
    read_by_offset,
    verify_page,
)
from ml_connector.systems.http import (
    READ_TIMEOUTS,
    SLOW_READ_TIMEOUTS,
    CallTimeouts,
    HttpClient,
    HttpOptions,
    RemoteCall,
)

RowT = TypeVar("RowT")


class _Supplier(Protocol):
    """Any shape of a supplier."""

    @property
    def supplier_id(self) -> int: ...


SupplierT = TypeVar("SupplierT", bound=_Supplier)
Window = tuple[datetime, datetime]

VERSIONS_PATH: Final = "/fscmRestApi/resources"
TRACE_HEADER: Final = "X-ORACLE-DMS-ECID"
ACCEPT: Final = "application/json, application/vnd.oracle.adf.error+json"
LANGUAGE: Final = "en"
"""Meanings and source names come translated; one language serves every user (F-10)."""
DATA_ONLY: Final[Mapping[str, str]] = {"onlyData": "true"}
"""Leaves the links out, which only journals need: half the bytes."""
PAGE_BYTES_MAX: Final = 64 * 1024 * 1024
EXPANDED_ROWS_MAX: Final = 100
"""Suppliers asked for per page with their sites and addresses, each of which is a wide row."""


class GoneError(Exception):
    """The row asked for does not exist, or no longer under this key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is asked for; `is_keyed` when a 404 says that a row is gone, not that we are wrong."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    timeouts: CallTimeouts = READ_TIMEOUTS
    is_keyed: bool = False


class FusionClient:
    """Reaches one pod; safe to share between threads; close it when done."""

    def __init__(
        self,
        settings: FusionSettings,
        *,
        clock: Clock,
        secrets: Secrets,
        budget: RequestBudget | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.system = f"Fusion ({settings.name})"
        self._page_size = settings.page_size
        self._api_version = settings.api_version
        self._root = f"{VERSIONS_PATH}/{quote(settings.api_version)}"
        self._identity = _build_identity(settings, clock=clock, transport=transport)
        self._http = HttpClient(
            _build_options(settings, system=self.system),
            clock=clock,
            budget=budget,
            authorizer=build_authorizer(
                settings, clock=clock, secrets=secrets, identity=self._identity
            ),
            transport=transport,
        )

    @property
    def root(self) -> str:
        """The path every resource stands below; batch requests go to it."""
        return self._root

    def send(self, call: RemoteCall) -> RemoteReply:
        """The reply to a call that another module builds, such as those that write."""
        return self._http.send(call)

    def close(self) -> None:
        """Every connection is closed."""
        self._http.close()
        if self._identity is not None:
            self._identity.close()

    def read_versions(self) -> tuple[list[str] | None, datetime | None]:
        """Framework versions of the configured API version, and the pod's time of the answer."""
        reply = self._send(_Asked(path=VERSIONS_PATH))
        return wire.parse_framework_versions(reply, self._api_version), reply.server_date

    def read_server_time(self) -> datetime:
        """The pod's own time, from the answer to the lightest call there is.

        Raises:
            ProtocolError: The answer carries no date.
        """
        reply = self._send(_Asked(path=VERSIONS_PATH))
        if reply.server_date is None:
            raise reply.render_off_contract("no Date header")
        return reply.server_date

    def read_queryable(self, resource: str) -> frozenset[str]:
        """Names of the attributes that may stand in a query on the resource."""
        path = f"{self._root}/{resource}/describe"
        reply = self._send(_Asked(path=path, timeouts=SLOW_READ_TIMEOUTS))
        return wire.parse_queryable(reply, resource)

    def read_batches(
        self, queryable: frozenset[str], *, window: Window | None = None, period: str | None = None
    ) -> Iterator[wire.BatchRow]:
        """Yield posted batches by ascending id; what the pod cannot filter by comes unfiltered."""

        def read_page(after_id: int) -> tuple[RemoteReply, wire.Page[wire.BatchRow]]:
            condition = wire.render_batch_query(
                queryable, after_id=after_id, window=window, period=period
            )
            query = {"q": condition, "orderBy": f"{wire.BATCH_KEY}:asc", **DATA_ONLY}
            asked = _Asked(path=f"{self._root}/{wire.BATCHES}", query=query)
            return self._read_page(asked, offset=0, row=wire.BatchRow)

        return read_by_key(
            read_page,
            identify=lambda row: row.je_batch_id,
            kind="batch",
            page_size=self._page_size,
        )

    def read_batch(self, batch_id: str) -> wire.BatchRow:
        """The batch as it stands now.

        Raises:
            GoneError: There is no such batch, or the user may not see it.
        """
        asked = _Asked(path=self._batch_path(batch_id), query=DATA_ONLY, is_keyed=True)
        return self._send(asked).parse_json(wire.BatchRow)

    def read_headers(self, batch_id: str) -> Iterator[tuple[str, wire.HeaderRow]]:
        """Yield the batch's journals, each with the key its lines are found under.

        Raises:
            GoneError: The batch has vanished.
            ProtocolError: A journal comes without its link.
        """
        path = f"{self._batch_path(batch_id)}/child/{wire.HEADERS}"
        asked = _Asked(path=path, is_keyed=True)

        def read_page(offset: int) -> tuple[RemoteReply, wire.Page[tuple[str, wire.HeaderRow]]]:
            reply, page = self._read_page(asked, offset=offset, row=wire.HeaderRow)
            keyed = [(_find_key(reply, row), row) for row in page.items or []]
            return reply, wire.Page(
                items=keyed,
                count=page.count,
                has_more=page.has_more,
                limit=page.limit,
                offset=page.offset,
            )

        return read_by_offset(read_page, identify=lambda keyed: keyed[0], page_size=self._page_size)

    def read_lines(self, batch_id: str, header_key: str) -> Iterator[wire.LineRow]:
        """Yield the lines of a journal.

        Raises:
            GoneError: The batch has vanished, or the key is no longer good.
        """
        # The key was decoded once from its link and is encoded once here, for one more or one
        # less breaks those that hold a percent sign (F-06).
        above = f"{self._batch_path(batch_id)}/child/{wire.HEADERS}/{quote(header_key, safe='')}"
        asked = _Asked(
            path=f"{above}/child/{wire.LINES}",
            query={"orderBy": wire.LINE_ORDER, **DATA_ONLY},
            is_keyed=True,
        )
        return self._read_rows(asked, row=wire.LineRow, identify=lambda row: row.je_line_number)

    def read_ledgers(self) -> Iterator[wire.LedgerRow]:
        """Yield ledgers, ledger sets left out."""
        rows = self._read_rows(
            self._ask("ledgersLOV", DATA_ONLY),
            row=wire.LedgerRow,
            identify=lambda row: row.ledger_id,
        )
        return (row for row in rows if row.ledger_type_code in (None, wire.LEDGER_TYPE))

    def read_charts(self) -> Iterator[wire.ChartRow]:
        """Yield charts of accounts."""
        return self._read_rows(
            self._ask("chartOfAccountsLOV", DATA_ONLY),
            row=wire.ChartRow,
            identify=lambda row: row.structure_instance_number,
        )

    def read_periods(self, calendar: str) -> Iterator[wire.PeriodRow]:
        """Yield the periods of a calendar."""
        query = {"q": wire.render_calendar_query(calendar), **DATA_ONLY}
        return self._read_rows(
            self._ask("accountingPeriodsLOV", query),
            row=wire.PeriodRow,
            identify=lambda row: (row.period_set_name_id, row.period_type, row.period_name_id),
        )

    def read_period_statuses(self, period: str, ledger_id: str) -> Iterator[wire.PeriodStatusRow]:
        """Yield the general-ledger statuses of one period of one ledger; at best one."""
        query = {"q": wire.render_status_query(period, ledger_id), **DATA_ONLY}
        return self._read_rows(
            self._ask("accountingPeriodStatusLOV", query),
            row=wire.PeriodStatusRow,
            identify=lambda row: (row.period_name_id, row.application_id, row.ledger_id),
        )

    def read_value_sets(self) -> Iterator[wire.ValueSetRow]:
        """Yield value sets."""
        return self._read_rows(
            self._ask("valueSets", DATA_ONLY),
            row=wire.ValueSetRow,
            identify=lambda row: row.value_set_code,
        )

    def read_values(self, code: str) -> Iterator[wire.ValueRow]:
        """Yield the values of a value set.

        Raises:
            GoneError: There is no such value set.
        """
        asked = _Asked(
            path=f"{self._root}/valueSets/{quote(code, safe='')}/child/values",
            query={"orderBy": wire.VALUE_ORDER, **DATA_ONLY},
            is_keyed=True,
        )
        return self._read_rows(
            asked,
            row=wire.ValueRow,
            identify=lambda row: (row.independent_value, row.value),
        )

    def read_currencies(self) -> Iterator[wire.CurrencyRow]:
        """Yield currencies."""
        return self._read_rows(
            self._ask("currenciesLOV", DATA_ONLY),
            row=wire.CurrencyRow,
            identify=lambda row: row.currency_code,
        )

    def find_supplier(self) -> wire.SupplierRow | None:
        """Any one supplier; None when the user sees none."""
        asked = self._ask(wire.SUPPLIERS, DATA_ONLY)
        reply, page = self._read_page(asked, offset=0, row=wire.SupplierRow, limit=1)
        return next(iter(verify_page(reply, page, page_size=1)), None)

    def read_suppliers(self) -> Iterator[wire.SupplierRow]:
        """Yield every visible supplier by ascending id, without sites and addresses."""
        return self.sweep_suppliers(wire.SupplierRow)

    def sweep_suppliers(self, row: type[SupplierT]) -> Iterator[SupplierT]:
        """Yield every visible supplier by ascending id, with the fields of the row."""
        return self._read_suppliers(DATA_ONLY, row=row, page_size=self._page_size)

    def read_expanded_suppliers(self) -> Iterator[wire.SupplierRow]:
        """Yield every visible supplier by ascending id, with the first of its sites and addresses.

        Whether those are all is for the caller to see (F-26).
        """
        expand = {"expand": f"{wire.SITES},{wire.ADDRESSES}", **DATA_ONLY}
        most = min(self._page_size, EXPANDED_ROWS_MAX)
        return self._read_suppliers(expand, row=wire.SupplierRow, page_size=most)

    def read_sites(self, supplier_id: int) -> Iterator[wire.SiteRow]:
        """Yield all sites of a supplier."""
        asked = self._ask_children(supplier_id, wire.SITES, order=wire.SITE_KEY)
        return self._read_rows(asked, row=wire.SiteRow, identify=lambda row: row.supplier_site_id)

    def read_addresses(self, supplier_id: int) -> Iterator[wire.AddressRow]:
        """Yield all addresses of a supplier."""
        asked = self._ask_children(supplier_id, wire.ADDRESSES, order=wire.ADDRESS_KEY)
        return self._read_rows(
            asked, row=wire.AddressRow, identify=lambda row: row.supplier_address_id
        )

    def _read_suppliers(
        self, query: Mapping[str, str], *, row: type[SupplierT], page_size: int
    ) -> Iterator[SupplierT]:
        ordered = {"orderBy": f"{wire.SUPPLIER_KEY}:asc", **query}
        asked = _Asked(
            path=f"{self._root}/{wire.SUPPLIERS}", query=ordered, timeouts=SLOW_READ_TIMEOUTS
        )

        def read_page(offset: int) -> tuple[RemoteReply, wire.Page[SupplierT]]:
            return self._read_page(asked, offset=offset, row=row, limit=page_size)

        def read_after(after_id: int) -> tuple[RemoteReply, wire.Page[SupplierT]]:
            keyed = replace(asked, query={"q": wire.render_supplier_query(after_id), **ordered})
            return self._read_page(keyed, offset=0, row=row, limit=page_size)

        return read_by_key_or_offset(
            read_after,
            read_page,
            identify=lambda row: row.supplier_id,
            kind="supplier",
            page_size=page_size,
        )

    def _ask_children(self, supplier_id: int, collection: str, *, order: str) -> _Asked:
        path = f"{wire.SUPPLIERS}/{supplier_id}/child/{collection}"
        return self._ask(path, {"orderBy": f"{order}:asc", **DATA_ONLY})

    def read_balances(
        self, chart: Chart, *, ledger: str, period: str, currency: str, currency_type: str
    ) -> Iterator[wire.BalanceRow]:
        """Yield the balance of each combination of the chart; errors come as rows (F-14).

        Raises:
            RefusedError: A name holds a character the finder cannot carry; nothing was sent.
        """
        _verify_finder_values(ledger, period, currency)
        finder = wire.render_balance_finder(
            chart=chart, ledger=ledger, period=period, currency=currency,
            currency_type=currency_type,
        )  # fmt: skip
        query = {"finder": finder, **DATA_ONLY}
        asked = _Asked(
            path=f"{self._root}/ledgerBalances", query=query, timeouts=SLOW_READ_TIMEOUTS
        )
        return self._read_rows(
            asked, row=wire.BalanceRow, identify=lambda row: row.detail_account_combination
        )

    def _ask(self, resource: str, query: Mapping[str, str]) -> _Asked:
        return _Asked(path=f"{self._root}/{resource}", query=query)

    def _batch_path(self, batch_id: str) -> str:
        return f"{self._root}/{wire.BATCHES}/{quote(batch_id, safe='')}"

    def _read_rows(
        self, asked: _Asked, *, row: type[RowT], identify: Callable[[RowT], Hashable]
    ) -> Iterator[RowT]:
        def read_page(offset: int) -> tuple[RemoteReply, wire.Page[RowT]]:
            return self._read_page(asked, offset=offset, row=row)

        return read_by_offset(read_page, identify=identify, page_size=self._page_size)

    def _read_page(
        self, asked: _Asked, *, offset: int, row: type[RowT], limit: int | None = None
    ) -> tuple[RemoteReply, wire.Page[RowT]]:
        paging = {"limit": str(limit or self._page_size), "offset": str(offset)}
        reply = self._send(replace(asked, query={**asked.query, **paging}))
        # Structs are made generic at run time only; mypy has no word for that.
        kind: type[wire.Page[RowT]] = wire.Page[row]  # type: ignore[valid-type]  # see above
        return reply, reply.parse_json(kind)

    def _send(self, asked: _Asked) -> RemoteReply:
        reply = self._http.send(
            RemoteCall(
                method="GET",
                path=asked.path,
                query=tuple(asked.query.items()),
                accepted=ACCEPTED_DEFAULT if asked.is_keyed else frozenset(),
                timeouts=asked.timeouts,
                bytes_max=PAGE_BYTES_MAX,
            )
        )
        if reply.is_missing:
            raise GoneError(asked.path)
        return reply


def _find_key(reply: RemoteReply, row: wire.HeaderRow) -> str:
    key = wire.find_child_key(row, wire.HEADERS)
    if key is None:
        raise reply.render_off_contract(f"no link to journal {row.journal_name!r}")
    return key


def _verify_finder_values(*values: str) -> None:
    odd = [value for value in values if wire.FINDER_RESERVED & set(value)]
    if odd:
        raise RefusedError(
            f"Balances cannot be asked for by the name {odd[0]!r}: it holds a comma or semicolon.",
            written="Nothing was written.",
            next_step="Rename it in Fusion, or leave the ledger out of the flow.",
            name=odd[0],
        )


def _build_options(settings: FusionSettings, *, system: str) -> HttpOptions:
    return HttpOptions(
        system=system,
        origin=settings.pod_url,
        headers={
            "REST-Framework-Version": str(settings.framework_version),
            "Accept": ACCEPT,
            "Accept-Language": LANGUAGE,
        },
        ca_bundle=settings.ca_bundle,
        budget_key=settings.budget_key(),
        trace_header=TRACE_HEADER,
        explain=wire.find_error_text,
        connections_max=settings.parallel_max + 1,
    )


def _build_identity(
    settings: FusionSettings, *, clock: Clock, transport: httpx2.BaseTransport | None
) -> HttpClient | None:
    origin = find_token_origin(settings)
    if origin is None:
        return None
    options = HttpOptions(
        system=f"identity domain of Fusion ({settings.name})",
        origin=origin,
        ca_bundle=settings.ca_bundle,
    )
    return HttpClient(options, clock=clock, transport=transport)
