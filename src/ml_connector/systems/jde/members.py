"""Accounts, account ids, business units, codes and the like as members of planning lists; pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Final

from ml_connector.domain.dimensions import Member
from ml_connector.domain.ledger import Ledger
from ml_connector.errors import RefusedError
from ml_connector.systems.jde.connection import JdeSettings
from ml_connector.systems.jde.rows import (
    HEADER,
    INACTIVE,
    AccountRow,
    BusinessUnitRow,
    CodeRow,
    CompanyRow,
    CurrencyRow,
)
from ml_connector.systems.jde.translation import DELIMITER, parse_ledger

LEVEL_LAST: Final = "9"
"""Level of detail of an account that names none: it holds no others."""


class AccountUnfitError(RefusedError):
    """A value of the account master holds the character that separates values."""

    code: ClassVar[str] = "jde.account-unfit"


def build_ledger_member(ledger: Ledger, company: CompanyRow) -> Member:
    """The ledger as a member; it bears the company's name."""
    _, ledger_type = parse_ledger(ledger.name)
    is_plain = ledger.name == company.co
    name = company.name if is_plain else f"{company.name} {ledger_type}".strip()
    properties = ("ledger_id", "currency", "chart", "calendar", "kind")
    return Member(
        code=ledger.name,
        name=name or ledger.name,
        properties=(
            *((each, str(getattr(ledger, each))) for each in properties),
            ("ledger_type", ledger_type),
        ),
    )


def build_currency(row: CurrencyRow) -> Member:
    """The currency as a member."""
    return Member(
        code=row.crcd, name=row.dl01 or row.crcd, properties=(("decimals", row.cdec),)
    )  # fmt: skip


def build_code(row: CodeRow) -> Member:
    """A value of a list of codes as a member."""
    return Member(
        code=row.ky, name=row.dl01 or row.ky, properties=(("description_2", row.dl02),)
    )  # fmt: skip


def build_business_unit(row: BusinessUnitRow, settings: JdeSettings) -> Member:
    """The business unit as a member, with its category codes."""
    return Member(
        code=row.mcu,
        name=row.dl01 or row.mcu,
        properties=(
            ("company", row.co),
            ("type", row.styl),
            *_name_codes(settings.business_unit_categories, row.codes),
        ),
    )


def build_account_id(row: AccountRow, settings: JdeSettings) -> Member:
    """The account of one business unit as a member."""
    name = f"{row.mcu}.{render_account(row)} {row.dl01}".strip()
    return Member(
        code=row.aid,
        name=name,
        properties=(
            ("company", row.co),
            ("business_unit", row.mcu),
            ("object", row.obj),
            ("subsidiary", row.sub),
            ("account", render_account(row)),
            *_describe_account(row, settings),
        ),
        is_active=row.pec != INACTIVE,
    )


def build_accounts(rows: Iterable[AccountRow], settings: JdeSettings) -> Iterator[Member]:
    """Yield the accounts free of their business units, in the order of their numbers.

    Business units describe the same account in their own words; what most of them say counts. An
    account belongs below the nearest header before it that is of a lower level of detail (J-48).
    One that takes postings is no header even where others are detailed below it: a member with
    members below it holds their sum and no amount of its own.
    """
    by_code: dict[str, list[AccountRow]] = {}
    for row in rows:
        if row.obj:
            by_code.setdefault(render_account(row), []).append(row)
    above: list[tuple[str, str]] = []
    for code in sorted(by_code, key=lambda code: _place(by_code[code][0])):
        member = _build_account(code, by_code[code], settings)
        level = dict(member.properties)["level_of_detail"] or LEVEL_LAST
        while above and above[-1][0] >= level:
            above.pop()
        parent = above[-1][1] if above else ""
        if all(row.pec == HEADER for row in by_code[code]):
            above.append((level, code))
        yield Member(
            code=code, name=member.name, parent_code=parent,
            properties=member.properties, is_active=member.is_active,
        )  # fmt: skip


def build_combinations(
    rows: Iterable[AccountRow], units: Mapping[str, BusinessUnitRow], settings: JdeSettings
) -> Iterator[tuple[str, str]]:
    """Yield each account id with what the account master says of it, as the chart writes it.

    Raises:
        AccountUnfitError: A value holds the delimiter.
    """
    for row in rows:
        values = list_values(row, units, settings)
        if any(DELIMITER in value for value in values):
            raise _render_unfit(row, values)
        yield row.aid, DELIMITER.join(values)


def list_values(
    row: AccountRow, units: Mapping[str, BusinessUnitRow], settings: JdeSettings
) -> tuple[str, ...]:
    """What the account master says of an account, in the order of the chart's segments."""
    unit = units.get(row.mcu)
    nothing = ("",) * len(settings.business_unit_categories)
    return (
        row.aid, row.mcu, row.obj, row.sub, render_account(row),
        *row.codes, *(unit.codes if unit else nothing),
    )  # fmt: skip


def render_account(row: AccountRow) -> str:
    """Object and subsidiary as people write them."""
    return f"{row.obj}.{row.sub}" if row.sub else row.obj


def _build_account(code: str, rows: Sequence[AccountRow], settings: JdeSettings) -> Member:
    described = [_describe_account(row, settings) for row in rows]
    names = [name for name, _ in described[0]]
    common = [
        find_commonest(value[1] for value in values) for values in zip(*described, strict=True)
    ]
    name = find_commonest(row.dl01 for row in rows if row.dl01)
    return Member(
        code=code,
        name=name or code,
        properties=tuple(zip(names, common, strict=True)),
        is_active=any(row.pec != INACTIVE for row in rows),
    )


def _describe_account(row: AccountRow, settings: JdeSettings) -> tuple[tuple[str, str], ...]:
    return (
        ("account_type", settings.find_account_type(row.obj) or ""),
        ("posting_edit", row.pec),
        ("level_of_detail", row.lda),
        *_name_codes(settings.account_categories, row.codes),
    )


def find_commonest(texts: Iterable[str]) -> str:
    """The text that comes most often, of several the smallest; none of none."""
    counted = Counter(texts)
    return min(counted, key=lambda text: (-counted[text], text), default="")


def _place(row: AccountRow) -> tuple[str, str]:
    return row.obj, row.sub


def _name_codes(names: Sequence[str], values: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple(zip((name.lower() for name in names), values, strict=True))


def _render_unfit(row: AccountRow, values: Sequence[str]) -> AccountUnfitError:
    odd = next(value for value in values if DELIMITER in value)
    return AccountUnfitError(
        f"Account {row.aid} of business unit {row.mcu!r} holds {odd!r}; values are separated by"
        f" {DELIMITER!r}.",
        written="Nothing was sent.",
        next_step="Change the value in the account master of JD Edwards.",
        account=row.aid,
        value=odd,
    )
