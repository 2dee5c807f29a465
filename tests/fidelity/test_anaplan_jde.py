"""The finance model holds the books of JD Edwards apart from those of Fusion."""

from typing import Any

COMPANIES = "Code,Name,Parent\n00001,00001 Halden Works Inc,\n"
ACCOUNTS = (
    "Code,Name,Parent,Account Type\n1110,1110 Bank,,\n1110.BEAR,1110.BEAR Bear Bank,1110,A\n"
    "8720,8720 Travel,,E\n"
)
UNITS = "Code,Name,Parent\nEAST,East,\n30,30 Travel Department,EAST\n"
ACTUALS = "Company,Account,Business Unit,Currency,Version,Period,Amount\n"


def load_members(tenant: Any) -> None:
    """Each list has a member of each kind."""
    tenant.load("jde_companies.csv", "Load JDE Companies", COMPANIES)
    tenant.load("jde_accounts.csv", "Load JDE Accounts", ACCOUNTS)
    tenant.load("jde_business_units.csv", "Load JDE Business Units", UNITS)
    tenant.load("currencies.csv", "Load Currencies", "Code,Name\nUSD,Dollar\n")


def read_rows(tenant: Any, export: str) -> list[str]:
    """The lines of an export's output."""
    output = tenant.ids["exports"][export]
    assert tenant.run("exports", export)["successful"]
    return str(tenant.get(f"/files/{output}/chunks/0").text).splitlines()


def test_jde_amounts_are_loaded_by_code_and_read_back(anaplan: Any) -> None:
    """Company codes keep their zeros; what was loaded is what the export shows, zeros with it."""
    load_members(anaplan)
    rows = (
        "00001,8720,30,USD,Actual,Jan 26,6778.23\n00001,1110.BEAR,30,USD,Actual,Jan 26,-6778.23\n"
    )

    result = anaplan.load("jde_actuals.csv", "Load JDE Actuals", ACTUALS + rows)

    assert not result["failureDumpAvailable"]
    header, *lines = read_rows(anaplan, "Export JDE Actuals")
    assert header == (
        "JDE Companies,JDE Accounts,JDE Business Units,Currencies,Versions,Time,Amount"
    )
    held = [line.removeprefix("00001 Halden Works Inc,") for line in lines if line[-2:] != ",0"]
    assert sorted(held) == [
        "1110.BEAR Bear Bank,30 Travel Department,Dollar,Actual,Jan 26,-6778.23",
        "8720 Travel,30 Travel Department,Dollar,Actual,Jan 26,6778.23",
    ]


def test_jde_account_is_unknown_to_the_other_books(anaplan: Any) -> None:
    """A code of one ERP is no member of the other's list, however alike they look."""
    load_members(anaplan)
    row = "00001,68010,30,USD,Actual,Jan 26,1\n"
    anaplan.load("accounts.csv", "Load Accounts", "Code,Name,Parent,Account Type\n68010,Rent,,E\n")

    result = anaplan.load("jde_actuals.csv", "Load JDE Actuals", ACTUALS + row)

    assert result["failureDumpAvailable"]
    dump = anaplan.get(f"{result['path']}/dump").text
    assert "Item not located in JDE Accounts list: 68010" in dump


def test_amount_of_a_parent_account_is_ignored(anaplan: Any) -> None:
    """A header account has no cell of its own: such a row is counted as ignored, not dumped."""
    load_members(anaplan)
    row = "00001,1110,30,USD,Actual,Jan 26,5\n"

    result = anaplan.load("jde_actuals.csv", "Load JDE Actuals", ACTUALS + row)

    assert not result["failureDumpAvailable"]
    assert all(line.endswith(",0") for line in read_rows(anaplan, "Export JDE Actuals")[1:])


def test_budget_is_replaced_by_version_and_exported_without_zeros(anaplan: Any) -> None:
    """A version holds what was filled in last; other versions stay; zeros are no rows."""
    place = {"company": "00001", "account": "8720", "business_unit": "30", "period": "Oct 26"}
    other = {**place, "account": "8730"}
    load_members(anaplan)

    anaplan.admin("fill_budget", cells=[{**place, "amount": "7"}], version="Forecast")
    anaplan.admin("fill_budget", cells=[{**place, "amount": "10.25"}, {**other, "amount": 5}])
    anaplan.admin("fill_budget", cells=[{**place, "amount": -12.5}, {**other, "amount": 0}])

    header, *lines = read_rows(anaplan, "Export JDE Budget")
    assert header == "JDE Companies,JDE Accounts,JDE Business Units,Versions,Time,Amount"
    assert sorted(lines) == [
        "00001 Halden Works Inc,8720 Travel,30 Travel Department,Budget,Oct 26,-12.5",
        "00001 Halden Works Inc,8720 Travel,30 Travel Department,Forecast,Oct 26,7",
    ]


def test_budget_can_be_added_to(anaplan: Any) -> None:
    """With `keep` the other cells of the version stay; a member nobody loaded is made."""
    place = {"company": "00077", "account": "9", "business_unit": "YARD", "period": "Oct 26"}

    anaplan.admin("fill_budget", cells=[{**place, "amount": 1}])
    anaplan.admin("fill_budget", cells=[{**place, "period": "Nov 26", "amount": 2}], keep=True)

    _, *lines = read_rows(anaplan, "Export JDE Budget")
    assert sorted(lines) == ["00077,9,YARD,Budget,Nov 26,2", "00077,9,YARD,Budget,Oct 26,1"]
