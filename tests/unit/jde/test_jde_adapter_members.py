"""Accounts of many business units as one list of members."""

from datetime import date
from typing import Any

import pytest

from ml_connector.systems.jde.connection import JdeSettings
from ml_connector.systems.jde.members import (
    AccountUnfitError,
    build_account_id,
    build_accounts,
    build_business_unit,
    build_code,
    build_combinations,
    build_currency,
    build_ledger_member,
    find_commonest,
)
from ml_connector.systems.jde.rows import (
    AccountRow,
    BusinessUnitRow,
    CodeRow,
    CompanyRow,
    CurrencyRow,
)
from ml_connector.systems.jde.translation import build_chart, build_ledger

SETTINGS = JdeSettings.model_validate(
    {
        "name": "jde",
        "ais_url": "https://ais.example:7443",
        "auth": {"method": "password", "user": "PLNSVC", "password": "secret:jde"},
        "account_types": [
            {"first": "1000", "last": "1999", "type": "asset"},
            {"first": "5000", "last": "8999", "type": "expense"},
        ],
        "account_categories": ["R001"],
        "business_unit_categories": ["RP01"],
    }
)


def account(obj: str, **changes: Any) -> AccountRow:
    """A posting account of business unit 30, changed as a test needs."""
    row = AccountRow(aid=f"{obj}0001", co="00001", mcu="30", obj=obj, sub="", dl01=f"Account {obj}",
                     lda="6", pec="", codes=("TRV",))  # fmt: skip
    return row._replace(**changes)


def parents_of(*rows: AccountRow) -> dict[str, str]:
    """Parent by code."""
    return {member.code: member.parent_code for member in build_accounts(rows, SETTINGS)}


def test_account_bears_the_name_most_business_units_give_it() -> None:
    """Business units differ in their words; the commonest counts, of several the smallest."""
    rows = [account("8720", dl01=name) for name in ("Travel", "Reise", "Travel")]
    tied = [account("8730", dl01=name) for name in ("Zeta", "Alpha", "")]
    names = {member.code: member.name for member in build_accounts(rows + tied, SETTINGS)}

    assert names == {"8720": "Travel", "8730": "Alpha"}


def test_subsidiary_is_part_of_the_account() -> None:
    """Object and subsidiary make one code; the object alone is another."""
    members = build_accounts([account("1110"), account("1110", sub="BEAR")], SETTINGS)

    assert [member.code for member in members] == ["1110", "1110.BEAR"]


def test_account_lies_below_the_nearest_header_of_a_lower_level() -> None:
    """Levels of detail make the tree, in the order of the objects; what is posted to is a leaf."""
    found = parents_of(
        account("1000", lda="3", pec="N"),
        account("1100", lda="5", pec="N"),
        account("1110", lda="6"),
        account("1110", lda="7", sub="BEAR"),
        account("1120", lda="6"),
        account("2000", lda="3", pec="N"),
        account("2100", lda="7"),
    )

    assert found == {
        "1000": "",
        "1100": "1000",
        "1110": "1100",
        "1110.BEAR": "1100",
        "1120": "1100",
        "2000": "",
        "2100": "2000",
    }


def test_account_that_one_unit_posts_to_is_no_header() -> None:
    """A member with members below it could not take that unit's amounts."""
    rows = [account("1100", lda="5", pec="N"), account("1100", lda="5", mcu="M30")]

    assert parents_of(*rows, account("1110")) == {"1100": "", "1110": ""}


def test_account_without_level_holds_no_others() -> None:
    """A blank level of detail is the lowest of all."""
    assert parents_of(account("1000", lda=""), account("1100", lda="9")) == {
        "1000": "",
        "1100": "",
    }


def test_account_says_its_type_edit_level_and_categories() -> None:
    """The type comes from the settings' ranges, by object, with both ends."""
    rows = [account("1999"), account("2000"), account("5000", pec="B")]
    described = {m.code: dict(m.properties) for m in build_accounts(rows, SETTINGS)}

    assert described["1999"] == {
        "account_type": "asset",
        "posting_edit": "",
        "level_of_detail": "6",
        "r001": "TRV",
    }
    assert described["2000"]["account_type"] == ""
    assert described["5000"]["posting_edit"] == "B"


def test_account_is_inactive_when_it_is_so_everywhere() -> None:
    """One business unit that may still post keeps the account alive."""
    rows = [account("8720", pec="I"), account("8720"), account("8730", pec="I")]

    assert {m.code: m.is_active for m in build_accounts(rows, SETTINGS)} == {
        "8720": True,
        "8730": False,
    }


def test_account_without_object_is_no_member() -> None:
    """Stray rows of the master make no member without a code."""
    assert parents_of(account("")) == {}


def test_account_id_names_unit_account_and_words() -> None:
    """People recognise an id by what it stands for."""
    member = build_account_id(account("1110", aid="00062411", sub="BEAR"), SETTINGS)

    assert (member.code, member.name) == ("00062411", "30.1110.BEAR Account 1110")
    assert dict(member.properties)["account"] == "1110.BEAR"


def test_combinations_fit_the_chart() -> None:
    """What an id stands for splits into the chart's segments, categories of both kinds included."""
    chart = build_chart(SETTINGS.account_categories, SETTINGS.business_unit_categories)
    assert SETTINGS.segments == set(chart.segments)
    units = {"30": BusinessUnitRow("30", "00001", "IS", "Travel", ("EMEA",))}
    rows = [account("8720"), account("8730", mcu="31", sub="A", codes=("",))]
    found = dict(build_combinations(rows, units, SETTINGS))

    assert chart.split(found["87200001"]) == {
        "account_id": "87200001",
        "business_unit": "30",
        "object": "8720",
        "subsidiary": "",
        "account": "8720",
        "r001": "TRV",
        "rp01": "EMEA",
    }
    assert chart.split(found["87300001"])["rp01"] == ""


def test_combination_with_the_delimiter_is_refused() -> None:
    """A value that holds the delimiter would shift every fact behind it."""
    with pytest.raises(AccountUnfitError, match=r"'A\|B'"):
        list(build_combinations([account("8720", sub="A|B")], {}, SETTINGS))


def test_ledger_bears_the_companys_name() -> None:
    """Another ledger type of a company is told apart by its name."""
    company = CompanyRow("00001", "Halden Works Inc", "USD", "R", 11, date(2026, 1, 1))
    names = [
        build_ledger_member(build_ledger(company, lt), company).name for lt in ("AA", "BA")
    ]  # fmt: skip

    assert names == ["Halden Works Inc", "Halden Works Inc BA"]


def test_small_members_carry_their_words() -> None:
    """Units, currencies and codes go by their keys, and by these alone where words are missing."""
    unit = build_business_unit(BusinessUnitRow("M30", "00001", "IS", "", ("EMEA",)), SETTINGS)

    assert (unit.code, unit.name) == ("M30", "M30")
    assert dict(unit.properties) == {"company": "00001", "type": "IS", "rp01": "EMEA"}
    assert build_currency(CurrencyRow("JPY", "Yen", "0")).properties == (("decimals", "0"),)
    assert build_code(CodeRow("BA", "", "")).name == "BA"


def test_commonest_of_nothing_is_nothing() -> None:
    """No text at all is an empty one."""
    assert find_commonest([]) == ""
