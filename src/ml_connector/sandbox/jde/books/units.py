"""Business units: who makes things, who sells them, who looks after the rest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """One business unit; `role` decides which accounts it has."""

    code: str
    company: str
    name: str
    style: str
    role: str
    region: str
    division: str
    address: int


def _unit(place: int, text: str) -> UnitFacts:
    code, company, style, role, region, division, name = text.split(" ", 6)
    return UnitFacts(
        code=code,
        company=company,
        name=name,
        style=style,
        role=role,
        region=region,
        division=division,
        address=9_001 + place * 7,
    )


UNITS: tuple[UnitFacts, ...] = tuple(
    _unit(place, text)
    for place, text in enumerate(
        (
            "1 00001 BS balance NOR COR Halden Works Inc",
            "9 00001 IS office NOR COR General and Administration",
            "10 00001 IS office NOR COR Executive Office",
            "20 00001 IS office NOR COR Finance and Accounting",
            "30 00001 IS office NOR SVC Travel and Events Desk",
            "40 00001 IS office NOR SVC Information Technology",
            "50 00001 IS office NOR COR Human Resources",
            "60 00001 IS sales NOR SAL Sales Region North",
            "61 00001 IS sales SOU SAL Sales Region South",
            "70 00001 IS office SOU SAL Marketing",
            "M30 00001 IS plant NOR MFG Machining Plant Halden",
            "M31 00001 IS plant SOU MFG Pump Assembly Plant",
            "M40 00001 IS plant SOU MFG Distribution Warehouse",
            "R100 00001 IS office NOR RND Product Engineering",
            "YARD 00001 IS plant SOU MFG Pipe Yard and Scrap",
            "77 00077 BS balance CAN COR Halden Works Canada",
            "7710 00077 IS sales CAN SAL Ventes / Sales Montréal",
            "7720 00077 IS plant CAN MFG Valve Plant Hamilton",
            "7730 00077 IS office CAN COR Administration Canada",
            "200 00200 BS balance JPN COR Halden Works Japan",
            "2010 00200 IS sales JPN SAL Sales Tokyo",
            "2020 00200 IS plant JPN MFG Service Works Yokohama",
            "2030 00200 IS office JPN COR Administration Tokyo",
            "300 00300 BS balance GCC COR Halden Works Kuwait",
            "3010 00300 IS sales GCC SAL Sales and Projects Gulf",
            "3020 00300 IS plant GCC MFG Field Service Ahmadi",
            "3030 00300 IS office GCC COR Administration Kuwait",
        )
    )
)
UNITS_BY_CODE = {unit.code: unit for unit in UNITS}


def units_of(company: str, role: str) -> tuple[str, ...]:
    """Return the codes of a company's business units of one role."""
    return tuple(unit.code for unit in UNITS if unit.company == company and unit.role == role)
