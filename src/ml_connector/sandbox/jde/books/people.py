"""The address book: vendors, customers and the employees who travel."""

from __future__ import annotations

from dataclasses import dataclass

_VENDORS = (
    "Ostmark Castings AG|Brennan Pipe & Supply|Delta Freight Lines|Kirkwall Energy|Lumen Office"
    "|Northgate Legal LLP|Sørlandet Stål AS|Müller & Söhne GmbH|Pacific Forge Ltd|Quill & Paper Co"
    "|Redstone Properties|Seaboard Insurance|Telluric Networks|Tri-County Utilities|Vantage Travel"
    "|Whitcombe Audit Partners|Xylo Packaging|Ashford Machine Tools|Bluewater Logistics"
    "|Cartier Hydro-Québec Service|Fuji Seimitsu KK|Gulf Crane Services WLL|Haywood Steel"
    "|Ionic Software Inc|Juniper Catering|Kestrel Couriers|Larkspur Events|Mistral Consulting SARL"
    "|O'Hara Electrical|Al Ahmadi Transport Co"
)
_CUSTOMERS = (
    "Aldergrove Water District|Baltic Pump Systems OY|Cedar Rapids Municipal Works"
    "|Dresdner Anlagenbau GmbH|Eastfield Irrigation|Forth Valley Water|Great Lakes Refining"
    "|Hokkaido Plant Service KK|Inland Mining Corp|Jubail Desalination Co|Kitimat Paper Mills"
    "|Lone Star Drilling|Murray Agricultural Co-op|New Harbor Shipyards|Ouest Énergie SA"
    "|Prairie Ethanol LLC|Rio Verde Chemicals|Shuwaikh Port Projects|Tidewater Utilities"
    "|Umeda Kogyo KK"
)
_EMPLOYEES = (
    "Smith, Joanna|Keller, Martin|Ortega, Teresa|Sato, Kenji|Al-Rashid, Fahad|Tremblay, Luc"
    "|O'Neill, Siobhán|Larsen, Åse"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One entry of the address book; `kind` is V, C or E."""

    number: int
    name: str
    kind: str

    @property
    def subledger(self) -> str:
        """The entry as a subledger of type A."""
        return f"{self.number:08d}"


def _people(names: str, kind: str, first: int) -> tuple[Person, ...]:
    return tuple(
        Person(number=first + place * 11, name=name, kind=kind)
        for place, name in enumerate(names.split("|"))
    )


VENDORS = _people(_VENDORS, "V", 4_010)
CUSTOMERS = _people(_CUSTOMERS, "C", 6_002)
EMPLOYEES = _people(_EMPLOYEES, "E", 7_500)
PEOPLE = (*VENDORS, *CUSTOMERS, *EMPLOYEES)
