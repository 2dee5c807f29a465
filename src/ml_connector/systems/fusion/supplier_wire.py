"""Suppliers as they are written: items and batches out, confirmed items and refusals in.

Attributes go by our own names everywhere else. Here they become fields, and the fields' encoded
names are the vendor's, so that reading and writing cannot spell one of them differently.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

import msgspec

from ml_connector.domain.money import render_plain
from ml_connector.ports.suppliers import ColumnKind, SupplierRow
from ml_connector.systems.calls import RemoteReply, render_excerpt
from ml_connector.systems.fusion import wire
from ml_connector.systems.fusion.supplier_values import find_fault, parse_amount
from ml_connector.systems.fusion.translation import find_end, find_flag, render_date, render_flag

ITEM_TYPE: Final = "application/vnd.oracle.adf.resourceitem+json"
BATCH_TYPE: Final = "application/vnd.oracle.adf.batch+json"
CONCURRENT: Final = "25014"
"""The framework's code for a row that another user has changed."""
DETAILS_MAX: Final = 10
"""Sentences of a refusal that are quoted."""
Number = Decimal | None
Year = int | str | None


class _Properties(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    change_indicator: str = ""


class _Link(msgspec.Struct, frozen=True, kw_only=True):
    rel: str = ""
    properties: _Properties | None = None


class _Headers(msgspec.Struct, frozen=True, kw_only=True):
    etag: str = msgspec.field(default="", name="ETag")


class _Context(msgspec.Struct, frozen=True, kw_only=True):
    headers: _Headers | None = None
    links: list[_Link] | None = None


class SupplierItem(wire.Row, frozen=True, kw_only=True):
    """A supplier with what can be written of it; codes, for their meanings are translated."""

    supplier_id: int
    supplier_number: str | None = None
    supplier: str | None = None
    alternate_name: str | None = None
    alias: str | None = None
    status: str | None = None
    inactive_date: date | None = None
    supplier_type_code: str | None = None
    tax_organization_type_code: str | None = None
    business_relationship_code: str | None = None
    parent_supplier_number: str | None = None
    duns_number: str | None = msgspec.field(default=None, name="DUNSNumber")
    one_time_supplier_flag: wire.Flag = None
    customer_number: str | None = None
    standard_industry_class: str | None = None
    corporate_website: str | None = None
    mission_statement: str | None = None
    year_established: Year = None
    year_incorporated: Year = None
    chief_executive_title: str | None = None
    chief_executive_name: str | None = None
    principal_title: str | None = None
    principal_name: str | None = None
    fiscal_year_end_month_code: str | None = None
    current_fiscal_year_potential_revenue: Number = None
    preferred_functional_currency_code: str | None = None
    tax_registration_country_code: str | None = None
    tax_registration_number: str | None = None
    taxpayer_country_code: str | None = None
    taxpayer_id: str | None = None
    taxpayer_id_exists_flag: wire.Flag = None
    national_insurance_number: str | None = None
    national_insurance_number_exists_flag: wire.Flag = None
    federal_reportable_flag: wire.Flag = None
    federal_income_tax_type_code: str | None = None
    state_reportable_flag: wire.Flag = None
    tax_reporting_name: str | None = None
    name_control: str | None = None
    verification_date: date | None = None
    use_withholding_tax_flag: wire.Flag = None
    links: list[_Link] | None = msgspec.field(default=None, name="links")
    context: _Context | None = msgspec.field(default=None, name="@context")


class _Part(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    id: str = ""
    payload: SupplierItem | None = None
    precondition_succeeded: bool | None = None


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch request answers, part by part."""

    parts: list[_Part]


class _Detail(msgspec.Struct, frozen=True, kw_only=True):
    detail: str | None = None
    code: str | int | None = msgspec.field(default=None, name="o:errorCode")
    path: str | None = msgspec.field(default=None, name="o:errorPath")


class _Fault(_Detail, frozen=True, kw_only=True):
    title: str | None = None
    details: list[_Detail] | None = msgspec.field(default=None, name="o:errorDetails")


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One sentence of a refusal.

    Attributes:
        words: The vendor's own.
        code: As far as one is told.
        attribute: What it is about, by our name where it has one; may be empty.
        part: Which part of a batch it is about; None when it does not say.
    """

    words: str
    code: str = ""
    attribute: str = ""
    part: int | None = None


TEXTS: Final[Mapping[str, str]] = {
    "name": "supplier",
    "type": "supplier_type_code",
    "tax_organisation_type": "tax_organization_type_code",
    "business_relationship": "business_relationship_code",
    "parent_supplier": "parent_supplier_number",
    "fiscal_year_end_month": "fiscal_year_end_month_code",
    "functional_currency": "preferred_functional_currency_code",
    "tax_registration_country": "tax_registration_country_code",
    "taxpayer_country": "taxpayer_country_code",
    "federal_income_tax_type": "federal_income_tax_type_code",
    **{
        name: name
        for name in (
            "alternate_name", "alias", "duns_number", "customer_number", "standard_industry_class",
            "corporate_website", "mission_statement", "chief_executive_title",
            "chief_executive_name", "principal_title", "principal_name",
            "tax_registration_number", "tax_reporting_name", "name_control", "year_established",
            "year_incorporated",
        )
    },
}  # fmt: skip
DATES: Final[Mapping[str, str]] = {
    "inactive_date": "inactive_date",
    "verification_date": "verification_date",
}
FLAGS: Final[Mapping[str, str]] = {
    "one_time": "one_time_supplier_flag",
    "federal_reportable": "federal_reportable_flag",
    "state_reportable": "state_reportable_flag",
    "withholding_tax": "use_withholding_tax_flag",
}
AMOUNTS: Final[Mapping[str, str]] = {"potential_revenue": "current_fiscal_year_potential_revenue"}
HIDDEN: Final[Mapping[str, str]] = {
    "taxpayer_id": "taxpayer_id_exists_flag",
    "national_insurance_number": "national_insurance_number_exists_flag",
}
"""Attributes that read as empty though they are not, and what tells that they are not (F-31)."""
CREATION_ONLY: Final[Mapping[str, str]] = {
    "number": "supplier_number",
    **{name: name for name in HIDDEN},
}
_KINDS: Final = {
    **dict.fromkeys(TEXTS, ColumnKind.TEXT),
    **dict.fromkeys(DATES, ColumnKind.DATE),
    **dict.fromkeys(FLAGS, ColumnKind.FLAG),
    **dict.fromkeys(AMOUNTS, ColumnKind.AMOUNT),
    **dict.fromkeys(CREATION_ONLY, ColumnKind.TEXT),
}
_FIELDS: Final = {**TEXTS, **DATES, **FLAGS, **AMOUNTS, **CREATION_ONLY}
_ENCODED: Final = {field.name: field.encode_name for field in msgspec.structs.fields(SupplierItem)}
_WHOLE: Final = frozenset({"year_established", "year_incorporated"})
_NAMED: Final = {
    spelt: name
    for name, field in _FIELDS.items()
    # Refusals of a code are about its meaning.
    for spelt in (_ENCODED[field], _ENCODED[field].removesuffix("Code"))
}


# --- out ----------------------------------------------------------------------------------------


def list_faults(attributes: Mapping[str, str], *, is_creation: bool) -> list[str]:
    """What cannot be sent of them, one sentence each; empty when all can."""
    return [
        f"{name}: {fault}"
        for name, value in attributes.items()
        if (fault := _find_fault(name, value, is_creation=is_creation))
    ]


def _find_fault(name: str, value: str, *, is_creation: bool) -> str:
    if name not in _FIELDS:
        return "no attribute that can be written"
    if name in CREATION_ONLY and not is_creation:
        return "it is not changed once a supplier is there"
    if name in _WHOLE and value and not (value.isascii() and value.isdecimal()):
        return f"{value[:40]!r} is no year"
    return find_fault(value, _KINDS[name])


def render_item(attributes: Mapping[str, str], *, is_creation: bool) -> bytes:
    """The body of a creation or change: what was given and nothing else.

    Empty means null, which empties the attribute; a creation leaves it out.
    """
    return msgspec.json.encode(_map_members(attributes, is_creation=is_creation))


def render_batch(parts: Iterable[tuple[str, str, Mapping[str, str]]]) -> bytes:
    """The body of a batch; per part the supplier's id, its version and what to change."""
    return msgspec.json.encode(
        {
            "parts": [
                {
                    "id": f"p{place}",
                    "path": f"/{wire.SUPPLIERS}/{remote_id}",
                    "operation": "update",
                    "ifMatch": version,
                    "payload": _map_members(attributes, is_creation=False),
                }
                for place, (remote_id, version, attributes) in enumerate(parts)
            ]
        }
    )


def _map_members(attributes: Mapping[str, str], *, is_creation: bool) -> dict[str, Any]:
    return {
        _ENCODED[_FIELDS[name]]: _map_value(name, value)
        for name, value in attributes.items()
        if value or not is_creation
    }


def _map_value(name: str, value: str) -> Any:
    if not value:
        return None
    if name in FLAGS:
        return find_flag(value)
    if name in AMOUNTS:
        # Plain digits: no exponent, and no double on the way.
        return msgspec.Raw(render_plain(parse_amount(value)).encode())
    return int(value) if name in _WHOLE else value


# --- in -----------------------------------------------------------------------------------------


def find_version(item: SupplierItem, reply: RemoteReply | None = None) -> str:
    """The change indicator without quotes, from header, context or link; empty when none tells."""
    context = item.context
    said = [
        reply.headers.get("etag", "") if reply is not None else "",
        context.headers.etag if context and context.headers else "",
        *(
            link.properties.change_indicator
            for link in [*(item.links or []), *((context.links if context else None) or [])]
            if link.rel == "self" and link.properties
        ),
    ]
    found = next(filter(None, said), "")
    return found.removeprefix("W/").strip('"')


def build_row(item: SupplierItem, *, version: str) -> SupplierRow:
    """The supplier in our own names."""
    return SupplierRow(
        number=(item.supplier_number or "").strip(),
        remote_id=str(item.supplier_id),
        version=version,
        attributes={
            **{name: _text(getattr(item, field)) for name, field in TEXTS.items()},
            **{name: render_date(find_end(getattr(item, f))) for name, f in DATES.items()},
            **{name: render_flag(getattr(item, field)) for name, field in FLAGS.items()},
            **{name: _plain(getattr(item, field)) for name, field in AMOUNTS.items()},
        },
        hidden=frozenset(name for name, flag in HIDDEN.items() if find_flag(getattr(item, flag))),
    )


def list_unlike(row: SupplierRow, attributes: Mapping[str, str]) -> tuple[str, ...]:
    """Attributes that do not show what was sent; what cannot be seen is not among them."""
    seen = {"number": row.number, **row.attributes}
    return tuple(
        name
        for name, value in attributes.items()
        if name in seen and seen[name] != _normalise(name, value)
    )


def parse_complaints(content: bytes) -> tuple[Complaint, ...]:
    """What a refusal says, whatever its shape; never empty."""
    try:
        fault = msgspec.json.decode(content, type=_Fault)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return (Complaint(words=render_excerpt(content) or "without a word"),)
    told = [fault, *(fault.details or [])]
    found = [_build_complaint(each) for each in told if each.detail][:DETAILS_MAX]
    return tuple(found) or (Complaint(words=fault.title or "without a word"),)


def _build_complaint(told: _Detail) -> Complaint:
    steps = (told.path or "").strip("/").split("/")
    part = None
    if steps[0] == "parts":
        part = int(steps[1]) if len(steps) > 1 and steps[1].isdecimal() else None
        steps = steps[2:]
    last = steps[-1] if steps else ""
    return Complaint(
        words=render_excerpt((told.detail or "").encode()),
        code=str(told.code or ""),
        attribute=_NAMED.get(last, last),
        part=part,
    )


def is_concurrent(complaints: Sequence[Complaint]) -> bool:
    """Whether a refusal is about somebody else's change."""
    mark = f"JBO-{CONCURRENT}"
    return any(each.code in (CONCURRENT, mark) or mark in each.words for each in complaints)


def _normalise(name: str, value: str) -> str:
    if name in AMOUNTS and value:
        return render_plain(parse_amount(value))
    if name in DATES and value:
        return render_date(find_end(date.fromisoformat(value)))
    return value


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _plain(value: Decimal | None) -> str:
    return "" if value is None else render_plain(value)
