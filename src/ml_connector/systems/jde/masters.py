"""Reads the account master, business units and lists of codes as members of dimensions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ml_connector.domain.dimensions import Member
from ml_connector.errors import RefusedError, UsageError
from ml_connector.systems.jde import members
from ml_connector.systems.jde.account_windows import read_by_account
from ml_connector.systems.jde.client import JdeClient
from ml_connector.systems.jde.conditions import Query, equal
from ml_connector.systems.jde.connection import JdeSettings
from ml_connector.systems.jde.key_windows import read_by_key
from ml_connector.systems.jde.reference import Reference
from ml_connector.systems.jde.refusals import TruncatedError
from ml_connector.systems.jde.rows import (
    ACCOUNTS,
    BUSINESS_UNITS,
    CODES,
    AccountRow,
    BusinessUnitRow,
    CodeRow,
    build_rows,
    columns_of,
)
from ml_connector.systems.jde.translation import parse_ledger

VALUE_SET_PREFIX: Final = "value-set:"
UNIT: Final = "MCU"
NO_COMPANY: Final = frozenset({"", "00000"})
"""What business units and accounts carry that serve every company."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterReader:
    """Reads members; safe to share between threads."""

    client: JdeClient
    reference: Reference
    settings: JdeSettings

    def read_members(self, dimension: str) -> Iterator[Member]:
        """Yield the members of a dimension, inactive ones included.

        Raises:
            UsageError: There is no such dimension; names those there are.
            RefusedError: There is no such list of codes.
        """
        if dimension.startswith(VALUE_SET_PREFIX):
            return self._read_codes(dimension.removeprefix(VALUE_SET_PREFIX))
        readers: dict[str, Callable[[], Iterator[Member]]] = {
            "ledgers": self._read_ledgers,
            "companies": self._read_companies,
            "currencies": self._read_currencies,
            "accounts": self._read_accounts,
            "account-ids": self._read_account_ids,
            "business-units": self._read_business_units,
        }
        if dimension not in readers:
            named = ", ".join(f"`{name}`" for name in readers)
            raise UsageError(
                f"JD Edwards has no dimension {dimension!r}.",
                written="Nothing was written.",
                next_step=f"Name {named} or `value-set:SYSTEM/TYPE` in the flow.",
                dimension=dimension,
            )
        return readers[dimension]()

    def read_combinations(self) -> Iterator[tuple[str, str]]:
        """Yield each account id with what the account master says of it.

        Companies do not matter here: lines may lie in accounts of a business unit that changed its
        company.
        """
        return members.build_combinations(self._list_accounts(), self.load_units(), self.settings)

    def load_units(self) -> dict[str, BusinessUnitRow]:
        """The business units by their number; none where no category code of theirs is a fact."""
        if not self.settings.business_unit_categories:
            return {}
        return {unit.mcu: unit for unit in self._list_business_units()}

    def _read_ledgers(self) -> Iterator[Member]:
        companies = {row.co: row for row in self.reference.list_companies()}
        for ledger in self.reference.list_ledgers():
            company = companies[parse_ledger(ledger.name).company]
            yield members.build_ledger_member(ledger, company)

    def _read_companies(self) -> Iterator[Member]:
        """The companies themselves, each once, whatever ledger types are read of them."""
        return (member for member in self._read_ledgers() if "/" not in member.code)

    def _read_currencies(self) -> Iterator[Member]:
        return map(members.build_currency, self.reference.list_currencies())

    def _read_accounts(self) -> Iterator[Member]:
        wanted = (row for row in self._list_accounts() if self._is_wanted(row.co))
        return members.build_accounts(wanted, self.settings)

    def _read_account_ids(self) -> Iterator[Member]:
        for row in self._list_accounts():
            if self._is_wanted(row.co):
                yield members.build_account_id(row, self.settings)

    def _read_business_units(self) -> Iterator[Member]:
        for row in self._list_business_units():
            if row.mcu and self._is_wanted(row.co):
                yield members.build_business_unit(row, self.settings)

    def _list_business_units(self) -> list[BusinessUnitRow]:
        """Every business unit; their own key is no number, so the time of day divides them.

        It is the only number each of them has. Units that a program made by the thousand share it,
        and are read in the order of their keys (J-49).
        """
        columns = columns_of(BusinessUnitRow, self.settings.business_unit_categories)
        query = Query(table=BUSINESS_UNITS, columns=columns)
        try:
            windows = list(self.client.browse_windows(query, split_by="UPMT"))
        except TruncatedError:
            windows = list(read_by_key(self.client, query, key=UNIT))
        return [row for rows in windows for row in build_rows(BusinessUnitRow, rows)]

    def _list_accounts(self) -> Iterator[AccountRow]:
        codes = self.settings.account_categories
        query = Query(table=ACCOUNTS, columns=columns_of(AccountRow, codes))
        for rows in read_by_account(self.client, query):
            yield from build_rows(AccountRow, rows)

    def _read_codes(self, code: str) -> Iterator[Member]:
        """Yield the values of a list such as 09/LT.

        Raises:
            RefusedError: The site has no such list, or the user may not see it.
        """
        system, _, kind = code.partition("/")
        rows = self.reference.read_table(
            CodeRow, CODES, equal("SY", system.strip()), equal("RT", kind.strip()), key="KY"
        )
        if not rows:
            raise RefusedError(
                f"JD Edwards ({self.settings.name}) shows no values of the list of codes {code!r}.",
                written="Nothing was written.",
                next_step="Name the list as `value-set:SYSTEM/TYPE`, such as value-set:09/LT.",
                value_set=code,
            )
        return (members.build_code(row) for row in rows if row.ky)

    def _is_wanted(self, company: str) -> bool:
        wanted = self.settings.companies
        return not wanted or company in wanted or company in NO_COMPANY
