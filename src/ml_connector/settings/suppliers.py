"""The settings of supplier flows: a revised supplier list of the model goes back into the ERP.

**API boundary.** The keys are what users write; a key that changes its name or meaning needs a
migration note.
"""

from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ml_connector.settings.flows import Name, Ratio, Text
from ml_connector.settings.project import Strict

ATTRIBUTE_KINDS = MappingProxyType(
    dict.fromkeys(
        (
            "name", "alternate_name", "alias", "type", "tax_organisation_type",
            "business_relationship", "parent_supplier", "duns_number", "customer_number",
            "standard_industry_class", "corporate_website", "mission_statement",
            "year_established", "year_incorporated", "chief_executive_title",
            "chief_executive_name", "principal_title", "principal_name", "fiscal_year_end_month",
            "functional_currency", "tax_registration_country", "tax_registration_number",
            "taxpayer_country", "federal_income_tax_type", "tax_reporting_name", "name_control",
        ),
        "text",
    )
    | dict.fromkeys(("inactive_date", "verification_date"), "date")
    | dict.fromkeys(
        ("one_time", "federal_reportable", "state_reportable", "withholding_tax"), "flag"
    )
    | dict.fromkeys(("potential_revenue",), "amount")
)  # fmt: skip
"""What a supplier flow may write, and how its values look."""


def _verify_attribute(name: str) -> str:
    if name not in ATTRIBUTE_KINDS:
        raise ValueError("is no attribute of suppliers that can be written")
    return name


class SupplierAttribute(Strict):
    """One attribute of suppliers: its column of the view, and whose word counts."""

    attribute: Annotated[str, AfterValidator(_verify_attribute)]
    """Attribute of the supplier, such as `alias`."""
    column: Text
    """Header of its column in the view."""
    owner: Literal["model", "erp"] = "model"
    """Whose word counts: what the ERP owns is compared and never written."""
    blank: Literal["keep", "clear"] = "keep"
    """What an empty cell says: nothing, or that the attribute is to be emptied."""
    dates: str = "YYYY-MM-DD"
    """How the view writes days, such as `DD.MM.YYYY`; for attributes that are days."""


class SupplierApproval(Strict):
    """Who must agree before anything is written."""

    people: int = Field(default=1, ge=0, le=2)
    """People besides the maker who must approve; 0 writes without asking."""
    second_above: int | None = Field(default=None, ge=0)
    """Suppliers changed above which one person more must approve."""
    days: int = Field(default=14, ge=1, le=365)
    """Days in which a plan is approved and applied; then it expires."""


class SupplierGuards(Strict):
    """Limits above which nothing is planned."""

    suppliers_max: int | None = Field(default=None, ge=0)
    """Most suppliers one plan may change."""
    changed_ratio_max: Ratio | None = None
    """Largest share of the view's suppliers that one plan may change, 0 to 1."""
    missing_ratio_max: Ratio | None = Decimal("0.2")
    """Largest share of the last run's rows that the view may have lost since, 0 to 1."""


class SupplierFlow(Strict):
    """A revised supplier list, written back as changes of single attributes."""

    kind: Literal["suppliers"]
    """`suppliers`."""
    name: Name
    """Name of the flow; its file bears the same."""
    source: Name
    """Connection of the planning model."""
    target: Name
    """Connection of the ERP."""
    export: Text
    """Export of the revised list, by name."""
    number_column: Text = "Code"
    """Header of the supplier's number."""
    attributes: tuple[SupplierAttribute, ...] = Field(min_length=1)
    """What is compared and written."""
    unknown: Literal["conflict", "model"] = "conflict"
    """Whose word counts where both sides differ and no earlier run says who moved: nobody's, or
    the model's."""
    creations: bool = False
    """Whether suppliers the ERP does not have are made; they need a `name`."""
    creation_values: dict[str, Text] = Field(default_factory=dict)
    """Attribute to value for what every new supplier is given besides the view's columns."""
    send: Literal["auto", "single", "batch", "file"] = "auto"
    """One by one; fifty at a time, all or none; by the ERP's file import; or, above `file_above`
    changes and with a `template`, by file and else one by one."""
    file_above: int = Field(default=500, ge=1)
    """Changes above which `auto` takes the file import."""
    template: Path | None = None
    """Columns of the ERP's import file, a CSV with the headers `name,attribute,kind,constant`."""
    at_once: int = Field(default=3, ge=1, le=5)
    """Single changes under way at the same time."""
    settle_minutes: int = Field(default=15, ge=1, le=240)
    """How long a creation without an answer is looked for before it counts as never made, and how
    long an import may take before its suppliers are looked at."""
    approval: SupplierApproval = SupplierApproval()
    """Who must agree."""
    guards: SupplierGuards = SupplierGuards()
    """Limits above which nothing is planned."""
