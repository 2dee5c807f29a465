"""Codes of suppliers with their meanings: either of the two may be sent, if both agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.company.suppliers import BUSINESS_UNITS
from ml_connector.sandbox.fusion.meanings import MEANINGS
from ml_connector.sandbox.fusion.refusals import RefusalError

COUNTRIES = {
    "US": "United States", "CA": "Canada", "DE": "Germany", "FR": "France",
    "GB": "United Kingdom", "JP": "Japan", "KW": "Kuwait", "BR": "Brazil", "PL": "Poland",
}  # fmt: skip
CURRENCIES = {
    "USD": "US Dollar", "CAD": "Canadian Dollar", "EUR": "Euro", "GBP": "Pound Sterling",
    "JPY": "Yen", "KWD": "Kuwaiti Dinar",
}  # fmt: skip
ORGANISATIONS = {
    "CORPORATION": "Corporation", "INDIVIDUAL": "Individual", "PARTNERSHIP": "Partnership",
    "FOREIGN_CORPORATION": "Foreign Corporation",
    "GOVERNMENT_AGENCY": "Government Agency",
}  # fmt: skip
RELATIONSHIPS = {"SPEND_AUTHORIZED": "Spend Authorized", "PROSPECTIVE": "Prospective"}
SUPPLIER_TYPES = {
    "OFFICE_SUPPLIES": "Office Supplies", "SERVICES": "Services", "UTILITIES": "Utilities",
    "MANUFACTURING": "Manufacturing",
}  # fmt: skip
SOURCES = {
    "WEB_SERVICE": "Web Service", "IMPORT": "Import", "MANUAL": "Manual",
}  # fmt: skip
LANGUAGES = {"US": "American English", "D": "German", "F": "French", "JA": "Japanese"}
FEDERAL_TYPES = {"MISC7": "Nonemployee compensation", "MISC1": "Rents"}
WITHHOLDING_GROUPS = {"300000004410021": "Services abroad"}
MONTHS = {
    f"{number:02}": name
    for number, name in enumerate(
        ("January", "February", "March", "April", "May", "June", "July", "August", "September",
         "October", "November", "December"), 1,
    )
}  # fmt: skip
UNITS = {str(unit.unit_id): unit.name for unit in BUSINESS_UNITS}
COMMUNICATION_METHODS = {"NONE": "None", "EMAIL": "E-mail", "PRINT": "Print"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Two members for one fact. `is_id`: the code is a number on the wire."""

    code: str
    meaning: str
    values: Mapping[str, str]
    binding: str
    is_id: bool = False

    def resolve(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return both members where the body has at least one of them.

        Raises:
            RefusalError: There is no such value, or code and meaning name different ones.
        """
        if self.code not in members and self.meaning not in members:
            return {}
        found = {self._find(name, members[name]) for name in self._names() if name in members}
        if len(found) > 1:
            raise no_matching_row(self.binding)
        code = found.pop()
        if code is None:
            return {self.code: None, self.meaning: None}
        return {self.code: int(code) if self.is_id else code, self.meaning: self.values[code]}

    def _names(self) -> tuple[str, str]:
        return (self.code, self.meaning)

    def _find(self, member: str, given: Any) -> str | None:
        """Return the code that a member stands for; None where the member is to be cleared."""
        if given is None:
            return None
        text = str(given)
        if member == self.code and text in self.values:
            return text
        for code, meaning in self.values.items():
            if member == self.meaning and text in _spellings(meaning):
                return code
        raise no_matching_row(self.binding)


def no_matching_row(binding: str) -> RefusalError:
    """Return the refusal of a value that the list behind an attribute does not hold."""
    return RefusalError(
        400,
        f"Applying List binding LOV_{binding} with given set of values leads to no matching row.",
        path=f"/{binding}",
    )


def _spellings(meaning: str) -> set[str]:
    """Return a meaning in every language: the server binds what its user reads."""
    return {meaning} | {words[meaning] for words in MEANINGS.values() if meaning in words}


def _lookup(stem: str, values: Mapping[str, str]) -> Lookup:
    return Lookup(code=f"{stem}Code", meaning=stem, values=values, binding=stem)


SUPPLIER_LOOKUPS = (
    _lookup("TaxOrganizationType", ORGANISATIONS),
    _lookup("SupplierType", SUPPLIER_TYPES),
    _lookup("BusinessRelationship", RELATIONSHIPS),
    _lookup("CreationSource", SOURCES),
    _lookup("FiscalYearEndMonth", MONTHS),
    _lookup("PreferredFunctionalCurrency", CURRENCIES),
    _lookup("TaxRegistrationCountry", COUNTRIES),
    _lookup("TaxpayerCountry", COUNTRIES),
    _lookup("FederalIncomeTaxType", FEDERAL_TYPES),
    Lookup(
        code="WithholdingTaxGroupId",
        meaning="WithholdingTaxGroup",
        values=WITHHOLDING_GROUPS,
        binding="WithholdingTaxGroup",
        is_id=True,
    ),
)
ADDRESS_LOOKUPS = (_lookup("Country", COUNTRIES), _lookup("Language", LANGUAGES))
SITE_LOOKUPS = (
    Lookup(
        code="ProcurementBUId",
        meaning="ProcurementBU",
        values=UNITS,
        binding="ProcurementBU",
        is_id=True,
    ),
    _lookup("CommunicationMethod", COMMUNICATION_METHODS),
    _lookup("InvoiceCurrency", CURRENCIES),
)
ASSIGNMENT_LOOKUPS = tuple(
    Lookup(code=f"{stem}Id", meaning=stem, values=UNITS, binding=stem, is_id=True)
    for stem in ("ClientBU", "BillToBU")
)
ROOT_LOOKUPS: dict[str, Mapping[str, str]] = {
    "BusinessRelationshipLookup": RELATIONSHIPS,
    "TaxOrganizationTypeLookup": ORGANISATIONS,
    "SupplierTypeLookup": SUPPLIER_TYPES,
    "CountryLookup": COUNTRIES,
    "ParentSupplierLookup": {},
    "CurrencyLookup": CURRENCIES,
    "FederalIncomeTaxTypeLookup": FEDERAL_TYPES,
    "WithholdingTaxGroupLookup": WITHHOLDING_GROUPS,
    "FiscalYearEndMonthLookup": MONTHS,
}
"""The lists that a supplier links to; parents are not listed, there are too many."""
