"""The suppliers of Halden Instruments: named ones that tests rely on, and a crowd around them.

Names repeat under different numbers, carry accents, quotes and commas, and come in any case;
numbers keep their leading zeros. The list is the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random

SUPPLIERS_COUNT = 400
_SEED = 20261104
_NUMBER_FIRST = 10020
_REGISTRY_FIRST = 2040
_CHANGED_FROM = datetime(2023, 3, 1, 8, 0, tzinfo=UTC)
_CHANGED_UNTIL = datetime(2026, 11, 2, 19, 30, tzinfo=UTC)
_TODAY = date(2026, 11, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessUnit:
    """A unit that buys; `currency` is that of its usual invoices."""

    unit_id: int
    name: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierAddress:
    """Where a supplier is."""

    name: str
    country: str
    line: str
    city: str
    state: str | None = None
    postal_code: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierSite:
    """An address as one unit uses it; one without an assignment cannot be traded with."""

    code: str
    unit: BusinessUnit
    address: str
    is_pay: bool = True
    is_assigned: bool = True
    hold_reason: str | None = None
    ends_on: date | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierContact:
    """A person at a supplier."""

    first_name: str
    last_name: str
    email: str
    is_administrator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplier:
    """A supplier as it stands on the first day."""

    number: str
    name: str
    registry_id: str
    created_at: datetime
    updated_at: datetime
    country: str = "US"
    organisation: str = "CORPORATION"
    kind: str | None = None
    relationship: str = "SPEND_AUTHORIZED"
    taxpayer_id: str | None = None
    duns: str | None = None
    alias: str | None = None
    alternate_name: str | None = None
    parent: str | None = None
    website: str | None = None
    ends_on: date | None = None
    is_one_time: bool = False
    created_by: str = "IMPL"
    updated_by: str = "PROCUREMENT.CLERK"
    source: str = "IMPORT"
    addresses: tuple[SupplierAddress, ...] = field(default=())
    sites: tuple[SupplierSite, ...] = field(default=())
    contacts: tuple[SupplierContact, ...] = field(default=())


US_UNIT = BusinessUnit(unit_id=300000001293500, name="Halden US Procurement", currency="USD")
CANADA_UNIT = BusinessUnit(
    unit_id=300000001293511, name="Halden Canada Procurement", currency="CAD"
)
JAPAN_UNIT = BusinessUnit(unit_id=300000001293522, name="Halden Japan Procurement", currency="JPY")
KUWAIT_UNIT = BusinessUnit(
    unit_id=300000001293533, name="Halden Kuwait Procurement", currency="KWD"
)
BUSINESS_UNITS = (US_UNIT, CANADA_UNIT, JAPAN_UNIT, KUWAIT_UNIT)
"""Every unit that buys."""

_PLACES: dict[str, tuple[tuple[str, str | None, str], ...]] = {
    "US": (
        ("San Francisco", "CA", "94105"), ("Cleveland", "OH", "44114"), ("Boston", "MA", "02110"),
        ("Austin", "TX", "78701"),
    ),
    "CA": (("Montréal", "QC", "H3B 2Y5"), ("Toronto", "ON", "M5H 2N2")),
    "DE": (("München", None, "80331"), ("Köln", None, "50667")),
    "FR": (("Lyon", None, "69002"), ("Besançon", None, "25000")),
    "GB": (("Sheffield", None, "S1 2HE"), ("London", None, "EC2M 4YN")),
    "JP": (("Osaka", None, "530-0001"), ("名古屋市", None, "450-0002")),
    "KW": (("Kuwait City", None, "13001"),),
    "BR": (("São Paulo", "SP", "01310-100"),),
    "PL": (("Łódź", None, "90-001"),),
}  # fmt: skip
_COUNTRIES = ("US", "US", "US", "US", "CA", "CA", "DE", "FR", "GB", "JP", "JP", "KW", "BR", "PL")
_HOME_UNIT = {"US": US_UNIT, "CA": CANADA_UNIT, "JP": JAPAN_UNIT, "KW": KUWAIT_UNIT}
_FORMS = {
    "US": ("Inc.", "LLC", "Corp"), "CA": ("Ltd", "inc."), "DE": ("GmbH", "KG"),
    "FR": ("SARL", "S.A."), "GB": ("Ltd", "plc"), "JP": ("K.K.", "株式会社"), "KW": ("W.L.L.",),
    "BR": ("Ltda.", "S.A."), "PL": ("Sp. z o.o.",),
}  # fmt: skip
_FIRST = (
    "Alder", "Brightwater", "Cascade", "Dunmore", "Eastgate", "Fenwick", "Granite", "Hollis",
    "Ironwood", "Juniper", "Kestrel", "Lakeside", "Meridian", "Norcross", "Orchard", "Pinnacle",
    "Quarry", "Redfern", "Stonebridge", "Tamarack", "Underhill", "Vantage", "Westbrook",
    "Yarrow", "Zephyr",
)  # fmt: skip
_SECOND = (
    "Instruments", "Metalworks", "Calibration", "Logistics", "Optics", "Castings", "Software",
    "Packaging", "Sensors", "Tooling", "Facilities", "Couriers", "Chemicals", "Staffing",
    "Bearings", "Consulting", "Printing", "Electronics", "Catering", "Gauges",
)  # fmt: skip
_KINDS = ("OFFICE_SUPPLIES", "SERVICES", "MANUFACTURING", "UTILITIES", None, None)
_ORGANISATIONS = ("CORPORATION", "CORPORATION", "PARTNERSHIP", "INDIVIDUAL")
_PEOPLE = (
    ("Zoë", "Lindqvist"), ("Ana", "Núñez"), ("Seán", "O'Dowd"), ("Mei", "Tanaka"),
    ("Noura", "Al-Sabah"), ("Paul", "Baker"), ("Jürgen", "Weiß"), ("Ines", "d'Almeida"),
)  # fmt: skip


@lru_cache(maxsize=1)
def seeded_suppliers() -> tuple[Supplier, ...]:
    """Return every supplier, the named ones first."""
    named = _named()
    rng = Random(_SEED)
    names = [f"{first} {second}" for first in _FIRST for second in _SECOND]
    rng.shuffle(names)
    crowd = (
        _regular(rng, name, position)
        for position, name in enumerate(names[: SUPPLIERS_COUNT - len(named)])
    )
    return (*named, *crowd)


def _named() -> tuple[Supplier, ...]:
    return (_acme(), *_quoted(), *_repeated(), _exchange(), *_changing())


def _acme() -> Supplier:
    """The supplier that stands in the field notes of the wire, to the millisecond."""
    return Supplier(
        number="10005",
        name="ACME OFFICE SUPPLIES",
        registry_id="2011",
        created_at=datetime(2023, 8, 16, 9, 51, 46, 1_000, tzinfo=UTC),
        updated_at=datetime(2023, 8, 16, 9, 51, 48, 217_000, tzinfo=UTC),
        taxpayer_id="00-0000001",
        duns="000000018",
        created_by="INTEGRATION.USER",
        updated_by="INTEGRATION.USER",
        source="WEB_SERVICE",
        addresses=(
            SupplierAddress(
                name="HQ", country="US", line="1 Market Street", city="San Francisco", state="CA",
                postal_code="94105",
            ),
        ),
        sites=(
            SupplierSite(
                code="ACME-SFO", unit=US_UNIT, address="HQ",
                updated_at=datetime(2024, 5, 1, 7, 0, tzinfo=UTC),
            ),
        ),
        contacts=(
            SupplierContact(
                first_name="Paul", last_name="Baker", email="paul.baker@acme.example",
                is_administrator=True,
            ),
        ),
    )  # fmt: skip


def _quoted() -> tuple[Supplier, ...]:
    """Names that break whoever forgets to quote or to encode."""
    return tuple(
        _plain(number, name, country)
        for number, name, country in (
            ("10006", "Müller & Söhne GmbH", "DE"),
            ("10007", 'O\'Brien "Quick" Freight Ltd', "GB"),
            ("10008", "Société d'Électricité de Besançon", "FR"),
            ("10009", "北日本計器株式会社", "JP"),
            ("10010", "Łódź Precision Sp. z o.o.", "PL"),
            ("000417", "Baker, Cole & Daughters", "US"),
            ("10011", "100% Calibrated; *Guaranteed*", "US"),
            ("10012", "NaN", "US"),
        )
    )


def _repeated() -> tuple[Supplier, ...]:
    """The same name under several numbers: only the number tells them apart."""
    return (
        _plain("10001", "Summit Tooling LLC", "US"),
        _plain("10002", "Summit Tooling LLC", "US"),
        _plain("10003", "Summit Tooling LLC", "KW", ends_on=date(2024, 6, 30)),
        _plain("10013", "Northwind Calibration Inc", "US"),
        _plain("10014", "Northwind Calibration Inc", "CA", ends_on=date(2025, 12, 31)),
        _plain("10015", "Harbour Freight Ltd", "GB"),
        _plain("10016", "HARBOUR FREIGHT LTD", "GB"),
    )


def _exchange() -> Supplier:
    """More addresses and sites than one nested page shows."""
    addresses = tuple(
        SupplierAddress(
            name=f"Depot {number:02}", country="US", line=f"{number} Depot Road",
            city="Cleveland", state="OH", postal_code="44114",
        )
        for number in range(1, 29)
    )  # fmt: skip
    sites = tuple(
        SupplierSite(
            code=f"GPX-{number:02}",
            unit=BUSINESS_UNITS[number % len(BUSINESS_UNITS)],
            address=addresses[number % len(addresses)].name,
        )
        for number in range(1, 32)
    )
    return _plain("10017", "Global Parts Exchange", "US", addresses=addresses, sites=sites)


def _changing() -> tuple[Supplier, ...]:
    """One that ends within days, and one that nobody may spend with yet."""
    prospect = Supplier(
        number="10019",
        name="Prospero Metrology LLC",
        registry_id="2039",
        created_at=_CHANGED_UNTIL - timedelta(days=40),
        updated_at=_CHANGED_UNTIL - timedelta(days=2),
        relationship="PROSPECTIVE",
        source="MANUAL",
    )
    return (_plain("10018", "Lastday Services", "US", ends_on=date(2026, 11, 6)), prospect)


def _plain(
    number: str,
    name: str,
    country: str,
    *,
    ends_on: date | None = None,
    addresses: tuple[SupplierAddress, ...] = (),
    sites: tuple[SupplierSite, ...] = (),
) -> Supplier:
    city, state, postal_code = _PLACES[country][0]
    unit = _HOME_UNIT.get(country, US_UNIT)
    home = SupplierAddress(
        name="Main", country=country, line="12 Works Lane", city=city, state=state,
        postal_code=postal_code,
    )  # fmt: skip
    position = int(number)
    return Supplier(
        number=number,
        name=name,
        registry_id=str(position - 7_980 if position > 7_980 else position + 1_000),
        created_at=datetime(2023, 9, 1, 7, 30, tzinfo=UTC) + timedelta(minutes=position),
        updated_at=datetime(2024, 5, 1, 7, 0, tzinfo=UTC) + timedelta(hours=position % 500),
        country=country,
        taxpayer_id=f"{country}-{position:07}",
        ends_on=ends_on,
        addresses=addresses or (home,),
        sites=sites or (SupplierSite(code="MAIN", unit=unit, address="Main"),),
    )


def _regular(rng: Random, stem: str, position: int) -> Supplier:
    country = rng.choice(_COUNTRIES)
    name = f"{stem} {rng.choice(_FORMS[country])}"
    updated_at = _moment(rng)
    addresses = tuple(_address(rng, country, number) for number in range(rng.randint(1, 3)))
    number = f"00{_NUMBER_FIRST + position}" if position % 23 == 0 else _NUMBER_FIRST + position
    return Supplier(
        number=str(number),
        name=name.upper() if position % 3 == 0 else name,
        registry_id=str(_REGISTRY_FIRST + position),
        created_at=updated_at - timedelta(days=rng.randint(1, 300), seconds=rng.randint(1, 80_000)),
        updated_at=updated_at,
        country=country,
        organisation=rng.choice(_ORGANISATIONS),
        kind=rng.choice(_KINDS),
        relationship="PROSPECTIVE" if position % 29 == 5 else "SPEND_AUTHORIZED",
        taxpayer_id=f"{country}-{position:06}{rng.randint(0, 9)}",
        duns=f"{rng.randint(0, 99_999_999):09}" if position % 4 == 0 else None,
        alias=stem.partition(" ")[0].upper() if position % 5 == 0 else None,
        parent="ACME OFFICE SUPPLIES" if position % 97 == 11 else None,
        website=f"https://{stem.partition(' ')[0].lower()}.example" if position % 2 else None,
        ends_on=_end(rng, position),
        is_one_time=position % 41 == 7,
        addresses=addresses,
        sites=tuple(_sites(rng, country, addresses)),
        contacts=tuple(_contacts(rng, position)),
    )


def _moment(rng: Random) -> datetime:
    """Return when a supplier was changed last; some share the very millisecond."""
    span = int((_CHANGED_UNTIL - _CHANGED_FROM).total_seconds())
    if rng.random() < 0.05:
        return datetime(2025, 6, 30, 22, 0, 0, 7_000, tzinfo=UTC)
    return _CHANGED_FROM + timedelta(seconds=rng.randrange(span), milliseconds=rng.randrange(1000))


def _end(rng: Random, position: int) -> date | None:
    if position % 11 == 3:
        return _TODAY - timedelta(days=rng.randint(1, 700))
    return _TODAY + timedelta(days=rng.randint(20, 400)) if position % 37 == 4 else None


def _address(rng: Random, country: str, number: int) -> SupplierAddress:
    home = country if number == 0 else rng.choice(_COUNTRIES)
    city, state, postal_code = rng.choice(_PLACES[home])
    return SupplierAddress(
        name=("HQ", "Billing", "Works")[number],
        country=home,
        line=f"{rng.randint(1, 480)} {rng.choice(_FIRST)} Street",
        city=city,
        state=state,
        postal_code=postal_code,
        email="orders@supplier.example" if number == 0 else None,
    )


def _sites(rng: Random, country: str, addresses: tuple[SupplierAddress, ...]) -> list[SupplierSite]:
    home = _HOME_UNIT.get(country, US_UNIT)
    others = [unit for unit in BUSINESS_UNITS if unit is not home]
    units = [home, *rng.sample(others, rng.choice((0, 0, 1, 1, 2)))]
    return [
        SupplierSite(
            code=f"{addresses[0].city[:8].upper()}-{number}",
            unit=unit,
            address=rng.choice(addresses).name,
            is_pay=number == 1 or rng.random() < 0.4,
            is_assigned=rng.random() < 0.95,
            hold_reason="Under review" if rng.random() < 0.02 else None,
            ends_on=_TODAY - timedelta(days=90) if rng.random() < 0.03 else None,
        )
        for number, unit in enumerate(units, 1)
    ]


def _contacts(rng: Random, position: int) -> list[SupplierContact]:
    chosen = rng.sample(_PEOPLE, rng.choice((0, 1, 1, 2)))
    return [
        SupplierContact(
            first_name=first,
            last_name=last,
            email=f"contact{position}.{number}@supplier.example",
            is_administrator=number == 0,
        )
        for number, (first, last) in enumerate(chosen)
    ]
