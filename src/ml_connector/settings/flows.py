"""The settings of flows: `flows/*.yaml`, one flow a file.

**API boundary.** The keys are what users write; a key that changes its name or meaning needs a
migration note. Every path is read from the project folder.
"""

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ml_connector.settings.project import Strict

NAME_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
MONTH_PATTERN = r"^\d{4}-(0[1-9]|1[0-2])$"
SOURCE_DIMENSIONS = frozenset(
    {"ledgers", "companies", "currencies", "accounts", "account-ids", "business-units", "suppliers",
     "supplier-sites"}
)  # fmt: skip
LINE_FACTS = frozenset({"ledger", "chart", "currency", "source", "category"})
"""What rules and exclusions may ask about any line, besides the segments of its chart."""
ACCOUNT_DIMENSIONS = frozenset({"accounts", "account-ids"})
VALUE_SET = re.compile(r"value-set:\S.*")
CHUNK_BYTES_MIN = 1_000
CHUNK_BYTES_MAX = 50_000_000
"""What a planning model takes as one chunk, before compression."""


def _split_bare_text(value: object) -> object:
    """A single name may stand without brackets."""
    return [value] if isinstance(value, str) else value


def _verify_code_placeholder(pattern: str) -> str:
    try:
        pattern.format(code="1", name="a")
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError("may use {code} and {name} only") from error
    if "{code}" not in pattern:
        raise ValueError("must use {code}: two members may share a name, never a code")
    return pattern


def _verify_source_dimension(name: str) -> str:
    if name not in SOURCE_DIMENSIONS and not VALUE_SET.fullmatch(name):
        raise ValueError("is no dimension an ERP can be asked for")
    return name


def _verify_account_dimension(name: str) -> str:
    if name not in ACCOUNT_DIMENSIONS and not VALUE_SET.fullmatch(name):
        raise ValueError("is no dimension of accounts")
    return name


Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Text = Annotated[str, Field(min_length=1)]
Ratio = Annotated[Decimal, Field(ge=0, le=1)]
Amount = Annotated[Decimal, Field(ge=0)]
SourceDimension = Annotated[str, AfterValidator(_verify_source_dimension)]
AccountDimension = Annotated[str, AfterValidator(_verify_account_dimension)]
Names = Annotated[tuple[Text, ...], BeforeValidator(_split_bare_text)]
ChunkBytes = Annotated[int, Field(ge=CHUNK_BYTES_MIN, le=CHUNK_BYTES_MAX)]


class PeriodRules(Strict):
    """How a period of the ledger becomes a period of the model."""

    pattern: Text = "%b %y"
    """Name of the model's period, as a date pattern over the month the ledger's period ends in."""
    adjustment: Literal["fold-into-last", "own-member", "exclude", "block"] = "block"
    """Where an adjustment period goes; `own-member` needs `adjustment_pattern` or `overrides`."""
    adjustment_pattern: str = ""
    """Name of an adjustment period's own member, such as `Adj {year}`; for `own-member`."""
    overrides: dict[str, Text] = Field(default_factory=dict)
    """The ledger's period name to the model's, where the pattern does not fit."""


class FlowDimension(Strict):
    """One dimension of the target intersection, and where its member comes from."""

    name: Text
    """Name used in mapping files, plans and tie-outs, such as `cost_centre`."""
    column: Text
    """Header of its column in the import file."""
    export_column: str = ""
    """Header of its column in the export; empty: the same as `column`."""
    list: str = ""
    """List of the model that holds its members; empty for periods and versions."""
    source: Literal["mapping", "period", "version", "currency", "ledger"] = "mapping"
    """What decides the member: mapping rules, or a fact of the line itself."""

    @property
    def header_exported(self) -> str:
        """Header of its column in the export."""
        return self.export_column or self.column


class Exclusion(Strict):
    """Lines left out on purpose, under a name that the tie-out prints with their amount."""

    name: Text
    """Name of the exclusion, such as `intercompany eliminations`."""
    when: dict[str, Text] = Field(min_length=1)
    """Fact to pattern; a line is left out when all of them match."""


class SignRules(Strict):
    """Account types whose sign is turned on the way out, and turned back for the tie-out."""

    flip: Annotated[tuple[Text, ...], BeforeValidator(_split_bare_text)] = ()
    """Account types to turn, such as `L`, `O`, `R`; debit is positive inside."""
    account_fact: Text = "account"
    """Segment that holds the natural account."""
    account_types: dict[str, AccountDimension] = Field(default_factory=dict)
    """Chart name to the dimension whose members carry the account type: a value set as
    `value-set:CODE`, or the ERP's `accounts`."""


class ActualsActions(Strict):
    """Actions of the model, by name; their ids are found when the run starts."""

    load: Text
    """Import or process that takes the uploaded file."""
    kind: Literal["import", "process"] = "import"
    """What `load` names."""
    export: Text
    """Export whose output is read back for the tie-out; without summary rows."""


class ActualsGuards(Strict):
    """Limits above which a plan is held until a person decides."""

    cells_max: int | None = Field(default=None, ge=0)
    """Most cells one load may send."""
    cells_ratio_max: Ratio | None = None
    """Largest share of the cells held that one load may change, 0 to 1."""
    amount_moved_max: Amount | None = None
    """Largest sum of absolute movements of one load, as decimal text."""
    vanished_ratio_max: Ratio | None = None
    """Largest share of the cells held that one load may set to zero, 0 to 1."""
    empty_source_blocks: bool = True
    """Whether a period that held amounts and now has no line at all is held."""


class ActualsFlow(Strict):
    """Posted journal lines, summed to the dimensions of a planning module."""

    kind: Literal["actuals"]
    """`actuals`."""
    name: Name
    """Name of the flow; its file bears the same."""
    source: Name
    """Connection of the ERP."""
    target: Name
    """Connection of the planning model."""
    ledgers: Names = Field(min_length=1)
    """Ledgers that are read, by name; reporting and secondary ones only when named."""
    measure: Literal["base", "entered"] = "base"
    """Amounts in the ledger's currency, or as entered."""
    mode: Literal["snapshot", "append"] = "snapshot"
    """`snapshot` sets the cells of a module; `append` adds delta items to a numbered list."""
    version: Text = "Actual"
    """Version of the model that takes the amounts."""
    first_month: str = Field(pattern=MONTH_PATTERN)
    """First month the model takes from here, such as `2024-01`; earlier ones stay as they are."""
    periods: PeriodRules = PeriodRules()
    """How periods become periods of the model."""
    dimensions: tuple[FlowDimension, ...] = Field(min_length=1)
    """Dimensions of the target intersection, in the order of the file's columns."""
    amount_column: Text = "Amount"
    """Header of the amount in the import file."""
    amount_export_column: Text = "Amount"
    """Header of the amount in the export."""
    code_column: Text = "Code"
    """Header of the item code in the import file; `append` only."""
    module: Text
    """Module that holds the amounts by period; its time dimension says which periods there are.
    In `append` mode any module of the model that has time."""
    mapping: Path
    """Mapping rules, a CSV file."""
    unmapped: Literal["block", "suspense"] = "block"
    """What becomes of lines no rule maps: their period is held, or they go to `suspense`."""
    suspense: dict[str, Text] = Field(default_factory=dict)
    """Dimension to the member that takes unmapped lines; all mapped dimensions or none."""
    exclusions: tuple[Exclusion, ...] = ()
    """Lines left out on purpose, by name."""
    signs: SignRules = SignRules()
    """Whose sign is turned."""
    actions: ActualsActions
    """Actions of the model, by name."""
    guards: ActualsGuards = ActualsGuards()
    """Limits above which a plan is held."""
    overlap_minutes: int = Field(default=15, ge=0, le=1440)
    """How far back behind the last read changed batches are looked for again."""
    chunk_bytes: ChunkBytes = 10_000_000
    """Size of one uploaded chunk before compression."""
    dimensions_flow: str = ""
    """Dimensions flow that runs first; empty: none."""


class ListColumns(Strict):
    """Headers of the import file of a list."""

    code: Text = "Code"
    """Header of the member's code."""
    name: Text = "Name"
    """Header of the member's name."""
    parent: str = ""
    """Header of the parent's code; empty: the list has no parents."""
    properties: dict[str, Text] = Field(default_factory=dict)
    """Property of the source member to its header; a name the source does not have is refused."""
    values: dict[str, dict[str, Text]] = Field(default_factory=dict)
    """Property to what is sent for each of its values, such as `one_time: {Y: TRUE, N: FALSE}` for
    a column that takes booleans. A value that is not named is sent as it is."""

    @model_validator(mode="after")
    def _verify_values_of_columns(self) -> "ListColumns":
        unknown = sorted(set(self.values) - set(self.properties))
        if unknown:
            raise ValueError(
                f"has `values` of what `properties` does not name: {', '.join(unknown)}"
            )
        return self


class ParentRules(Strict):
    """Where a member's parent comes from."""

    by: Literal["none", "source", "property", "file"] = "none"
    """No parents, those the ERP itself names, one group for each value of a property, or a file."""
    property: str = ""
    """Property of the source member, such as `account_type`; for `by: property`."""
    names: dict[str, Text] = Field(default_factory=dict)
    """Value of the property to the name of its group, which is the group's code as well."""
    file: Path | None = None
    """CSV file with the columns `code,name,parent`; for `by: file`. A code the source does not
    have becomes a group of that name; a source member keeps its own name."""


class ListFlow(Strict):
    """One list of the model, and the source dimensions its members come from."""

    list: Text
    """Name of the list."""
    load: Text
    """Import that takes the uploaded file, by name."""
    from_: Annotated[
        tuple[SourceDimension, ...], BeforeValidator(_split_bare_text), Field(min_length=1)
    ] = Field(alias="from")
    """`ledgers`, `currencies`, value sets as `value-set:CODE`, and where the ERP has them
    `companies`, `accounts`, `account-ids`, `business-units`, `suppliers`, `supplier-sites`; the
    first to name a code wins."""
    columns: ListColumns = ListColumns()
    """Headers of the import file."""
    parents: ParentRules = ParentRules()
    """Where parents come from."""
    inactive: Literal["keep", "skip"] = "keep"
    """Whether disabled or ended members are sent; history may still need them."""
    name_pattern: Annotated[str, AfterValidator(_verify_code_placeholder)] = "{code} {name}"
    """Name of the member in the model, of `{code}` and `{name}`; unique within the list."""
    members_vanish_max_ratio: Ratio | None = None
    """Largest share of the list's members that may be missing at the source, 0 to 1."""


class DimensionsFlow(Strict):
    """Members of lists, parents before children, ahead of any fact."""

    kind: Literal["dimensions"]
    """`dimensions`."""
    name: Name
    """Name of the flow; its file bears the same."""
    source: Name
    """Connection of the ERP."""
    target: Name
    """Connection of the planning model."""
    lists: tuple[ListFlow, ...] = Field(min_length=1)
    """Lists to keep, in this order."""
    chunk_bytes: ChunkBytes = 10_000_000
    """Size of one uploaded chunk before compression."""
