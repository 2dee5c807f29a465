"""What an AIS server has that can be named in settings and flows."""

from collections.abc import Iterator
from typing import Final

from ml_connector.ports import RemoteObject
from ml_connector.systems.jde.calendars import CalendarUnfitError, render_period
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import AggregateQuery, at_least, not_blank
from ml_connector.systems.jde.connection import JdeSettings
from ml_connector.systems.jde.reference import Reference
from ml_connector.systems.jde.rows import (
    ACCOUNT_LEDGER,
    ACCOUNTS,
    BUSINESS_UNITS,
    CompanyRow,
    parse_text,
)
from ml_connector.systems.parallel import map_parallel

CATEGORIES_MAX: Final = 20
"""Category codes asked for of accounts and of business units each: the three-letter ones."""


def list_objects(
    client: JdeClient, reference: Reference, *, settings: JdeSettings
) -> Iterator[RemoteObject]:
    """Yield companies, ledger types, date patterns, used category codes and orchestrations."""
    for company in reference.list_companies():
        yield _build_company(company, reference)
    yield from _list_ledger_types(client, settings)
    for pattern in reference.list_patterns():
        yield _build_pattern(pattern, reference)
    yield from _list_categories(client, settings)
    for row in client.discover():
        detail = f"{row.description} ({row.input_format})".strip()
        yield RemoteObject(
            kind="orchestration", name=row.name, remote_id=row.name, detail=detail
        )  # fmt: skip


def _build_company(company: CompanyRow, reference: Reference) -> RemoteObject:
    try:
        current = reference.find_calendar(company.dtpn).find_current(company)
        stands = f"stands in {render_period(*current)}"
    except CalendarUnfitError as error:
        stands = error.refused
    detail = f"{company.name}, {company.crcd}, date pattern {company.dtpn}, {stands}"
    return RemoteObject(kind="company", name=company.co, remote_id=company.co, detail=detail)


def _list_ledger_types(client: JdeClient, settings: JdeSettings) -> Iterator[RemoteObject]:
    query = AggregateQuery(
        table=ACCOUNT_LEDGER,
        groups=("LT",),
        conditions=(at_least("DGJ", settings.first_gl_date),),
        split_by="ICU",
    )
    counted = {parse_text(keys[0]): count for keys, count, _ in client.aggregate(query)}
    for ledger_type, count in sorted(counted.items()):
        is_read = ledger_type in settings.ledger_types
        name = ledger_type or "(blank)"
        detail = f"{count} lines" + (", read as a ledger" if is_read else "")
        yield RemoteObject(kind="ledger type", name=name, remote_id=ledger_type, detail=detail)


def _build_pattern(pattern: str, reference: Reference) -> RemoteObject:
    try:
        years = sorted({period.year for period in reference.find_calendar(pattern).periods})
        detail = f"fiscal years {years[0]} to {years[-1]}"
    except CalendarUnfitError as error:
        detail = error.refused
    return RemoteObject(kind="date pattern", name=pattern, remote_id=pattern, detail=detail)


def _list_categories(client: JdeClient, settings: JdeSettings) -> Iterator[RemoteObject]:
    """Yield the category codes that some account or business unit carries."""
    asked = [
        (table, kind, f"{prefix}{number:0{digits}d}")
        for table, kind, prefix, digits in (
            (ACCOUNTS, "account category", "R", 3),
            (BUSINESS_UNITS, "business unit category", "RP", 2),
        )
        for number in range(1, CATEGORIES_MAX + 1)
    ]

    def count(one: tuple[str, str, str]) -> tuple[str, str, int]:
        table, kind, column = one
        return kind, column, client.count(table, (not_blank(column),))

    configured = {*settings.account_categories, *settings.business_unit_categories}
    for kind, column, used in sorted(map_parallel(count, asked, threads=settings.parallel_max)):
        if used or column in configured:
            detail = f"{used} carry a value" + (", a fact" if column in configured else "")
            yield RemoteObject(kind=kind, name=column.lower(), remote_id=column, detail=detail)
