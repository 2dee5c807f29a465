"""Suppliers and their sites as members of planning lists: one sweep over all of them.

Nothing is asked by change date. Whole lists are what the flow compares, a supplier becomes inactive
by the calendar alone, and a change of a site need not move the date of its supplier (F-25).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final, Protocol

from ml_connector.domain.dimensions import Member
from ml_connector.errors import RefusedError
from ml_connector.systems.fusion import wire
from ml_connector.systems.fusion.client import FusionClient
from ml_connector.systems.fusion.paging import is_whole
from ml_connector.systems.fusion.translation import find_end, find_flag, render_date, render_flag

SUPPLIERS: Final = "suppliers"
SITES: Final = "supplier-sites"
SUPPLIER_DIMENSIONS: Final[Mapping[str, str]] = {
    SUPPLIERS: "suppliers by supplier number",
    SITES: "supplier sites by supplier number, site and procurement unit",
}
"""Dimensions a flow can name, and what they hold."""
_ACTIVE: Final = "ACTIVE"


class _Ending(Protocol):
    """What ends by a date, and says so by a status."""

    @property
    def status(self) -> str | None: ...

    @property
    def inactive_date(self) -> date | None: ...


class SupplierReader:
    """Reads the suppliers of a pod; `today` decides who is inactive."""

    def __init__(self, client: FusionClient, *, today: date) -> None:
        self._client = client
        self._today = today

    def read(self, dimension: str) -> Iterator[Member]:
        """Yield the members of one of the two dimensions, each code once.

        Raises:
            RefusedError: A supplier without number, or two members of one code.
        """
        keyed = self._read_sites() if dimension == SITES else self._read_suppliers()
        seen: dict[str, int] = {}
        for remote_id, member in keyed:
            # The flow takes the first of a code, so the second would vanish without a word.
            if member.code in seen:
                raise _render_twice(self._client.system, member.code, seen[member.code], remote_id)
            seen[member.code] = remote_id
            yield member

    def _read_suppliers(self) -> Iterator[tuple[int, Member]]:
        for row in self._client.read_suppliers():
            number = _find_number(self._client.system, row)
            yield row.supplier_id, build_supplier(row, number=number, today=self._today)

    def _read_sites(self) -> Iterator[tuple[int, Member]]:
        for row in self._client.read_expanded_suppliers():
            number = _find_number(self._client.system, row)
            supplier = build_supplier(row, number=number, today=self._today)
            sites = self._find_sites(row)
            addresses = self._find_addresses(row) if sites else {}
            for site in sites:
                address = addresses.get(site.supplier_address_id)
                yield (
                    site.supplier_site_id,
                    build_site(site, supplier, address=address, today=self._today),
                )

    def _find_sites(self, row: wire.SupplierRow) -> Sequence[wire.SiteRow]:
        if is_whole(row.sites):
            return (row.sites.items if row.sites else None) or []
        return list(self._client.read_sites(row.supplier_id))

    def _find_addresses(self, row: wire.SupplierRow) -> dict[int | None, wire.AddressRow]:
        rows: Iterable[wire.AddressRow]
        if is_whole(row.addresses):
            rows = (row.addresses.items if row.addresses else None) or []
        else:
            rows = self._client.read_addresses(row.supplier_id)
        return {each.supplier_address_id: each for each in rows}


def build_supplier(row: wire.SupplierRow, *, number: str, today: date) -> Member:
    """The supplier as an item of a planning list, below its parent supplier where it has one."""
    is_active = _is_active(row, today)
    return Member(
        code=number,
        name=(row.supplier or "").strip() or number,
        parent_code=(row.parent_supplier_number or "").strip(),
        properties=(
            ("supplier_id", str(row.supplier_id)),
            ("status", _render_status(row, is_active=is_active)),
            ("inactive_date", render_date(find_end(row.inactive_date))),
            ("type", row.supplier_type_code or ""),
            ("type_name", row.supplier_type or ""),
            ("business_relationship", row.business_relationship_code or ""),
            ("tax_organisation_type", row.tax_organization_type_code or ""),
            ("taxpayer_country", row.taxpayer_country_code or ""),
            ("tax_registration_country", row.tax_registration_country_code or ""),
            ("tax_registration_number", row.tax_registration_number or ""),
            ("one_time", render_flag(row.one_time_supplier_flag)),
            ("alternate_name", row.alternate_name or ""),
            ("alias", row.alias or ""),
            ("duns_number", row.duns_number or ""),
            ("registry_id", row.registry_id or ""),
            ("parent_supplier", row.parent_supplier_number or ""),
            ("customer_number", row.customer_number or ""),
            ("corporate_website", row.corporate_website or ""),
            ("year_established", _render_year(row.year_established)),
        ),
        is_active=is_active,
    )


def build_site(
    row: wire.SiteRow, supplier: Member, *, address: wire.AddressRow | None, today: date
) -> Member:
    """The site as an item of a planning list, below its supplier.

    Two procurement units may each have a site of one name, hence the unit's id at the code's end:
    its name can be changed, and is too long for some codes. A site of an inactive supplier is
    inactive whatever it says itself: nobody can use it, and its parent may have been left out.
    """
    is_active = supplier.is_active and _is_active(row, today)
    unit = "" if row.procurement_bu_id is None else f"/{row.procurement_bu_id}"
    site = row.supplier_site.strip()
    return Member(
        code=f"{supplier.code}/{site}{unit}",
        name=f"{supplier.name}, {site}",
        parent_code=supplier.code,
        properties=(
            ("site_id", str(row.supplier_site_id)),
            ("site", site),
            ("supplier_number", supplier.code),
            ("supplier_name", supplier.name),
            ("procurement_bu", row.procurement_bu or ""),
            ("status", _render_status(row, is_active=is_active)),
            ("inactive_date", render_date(find_end(row.inactive_date))),
            ("address", row.supplier_address_name or ""),
            ("city", (address.city if address else None) or ""),
            ("country", (address.country_code if address else None) or ""),
            ("purposes", ", ".join(_list_purposes(row))),
            ("currency", row.invoice_currency_code or ""),
            ("payment_terms", row.payment_terms or ""),
            ("pay_group", row.pay_group_code or ""),
        ),
        is_active=is_active,
    )


def _is_active(row: _Ending, today: date) -> bool:
    """By date and by status: the pod derives the second from the first, in a day of its own."""
    ends = find_end(row.inactive_date)
    return row.status != wire.INACTIVE and (ends is None or ends > today)


def _render_status(row: _Ending, *, is_active: bool) -> str:
    return (row.status or _ACTIVE) if is_active else wire.INACTIVE


def _render_year(year: int | str | None) -> str:
    return "" if year is None else str(year)


def _list_purposes(row: wire.SiteRow) -> list[str]:
    flags = {
        "purchasing": row.site_purpose_purchasing_flag,
        "pay": row.site_purpose_pay_flag,
        "primary pay": row.site_purpose_primary_pay_flag,
        "sourcing only": row.site_purpose_sourcing_only_flag,
        "procurement card": row.site_purpose_procurement_card_flag,
    }
    return [name for name, flag in flags.items() if find_flag(flag)]


def _find_number(system: str, row: wire.SupplierRow) -> str:
    number = (row.supplier_number or "").strip()
    if not number:
        raise RefusedError(
            f"{system} shows the supplier {row.supplier!r} ({row.supplier_id}) without a number.",
            written="Nothing was written.",
            next_step="Give the supplier a number in Fusion, then run the flow again.",
            supplier_id=str(row.supplier_id),
        )
    return number


def _render_twice(system: str, code: str, first_id: int, second_id: int) -> RefusedError:
    return RefusedError(
        f"{system} shows the code {code!r} twice: {first_id} and {second_id}.",
        written="Nothing was written.",
        next_step="Look at both in Fusion, and give one of them another number or site name.",
        code=code,
        first_id=str(first_id),
        second_id=str(second_id),
    )
