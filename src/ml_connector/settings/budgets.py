"""The settings of budget flows: an approved view of the planning model becomes journals.

**API boundary.** The keys are what users write; a key that changes its name or meaning needs a
migration note.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ml_connector.settings.flows import (
    MONTH_PATTERN,
    Amount,
    Name,
    Names,
    PeriodRules,
    Ratio,
    SignRules,
    Text,
)
from ml_connector.settings.project import Strict

Month = Annotated[str, Field(pattern=MONTH_PATTERN)]


class BudgetColumn(Strict):
    """A column of the export, and the list whose members it names."""

    column: Text
    """Header of the column."""
    list: str = ""
    """List of the model, where the export names members otherwise than by code; empty: codes."""


class BudgetColumns(Strict):
    """Where the export holds what."""

    company: BudgetColumn
    """The ledger's company."""
    account: BudgetColumn
    """Object account with its subsidiary, such as `1110.BEAR`."""
    business_unit: BudgetColumn
    """Business unit."""
    period: Text
    """Header of the period."""
    amount: Text = "Amount"
    """Header of the amount."""
    version: str = ""
    """Header of the version; empty: the view holds one version only."""


class NumberSettings(Strict):
    """How an export spells its amounts, where they are not plain."""

    decimal: Literal[".", ","]
    """Sign before the decimals."""
    thousands: Literal["", ".", ",", " ", "'"] = ""
    """Sign between thousands; empty: there is none."""

    @model_validator(mode="after")
    def _verify_two_signs(self) -> "NumberSettings":
        if self.decimal == self.thousands:
            raise ValueError("parts decimals and thousands by the same sign")
        return self


class ApprovalRules(Strict):
    """Who must agree before anything is posted."""

    people: int = Field(default=1, ge=0, le=2)
    """People besides the maker who must approve; 0 posts without asking."""
    second_above: Amount | None = None
    """Amount moved, in any currency, above which one person more must approve."""
    days: int = Field(default=14, ge=1, le=365)
    """Days in which a plan is approved and applied; then it expires."""


class BudgetGuards(Strict):
    """Limits above which nothing is planned."""

    amount_moved_max: Amount | None = None
    """Largest sum of absolute movements of one currency."""
    vanished_ratio_max: Ratio | None = Decimal("0.5")
    """Largest share of the accounts held that may be taken back to zero because the view does not
    show them, 0 to 1, for each ledger and period."""


class BudgetFlow(Strict):
    """An approved budget or forecast, posted as journals that bring the ledger to it."""

    kind: Literal["budget"]
    """`budget`."""
    name: Name
    """Name of the flow; its file bears the same."""
    source: Name
    """Connection of the planning model."""
    target: Name
    """Connection of the ERP."""
    export: Text
    """Export of the approved view, by name; without summary rows."""
    version: str = ""
    """Version that is taken, where the view has a column of versions."""
    ledgers: Names = Field(min_length=1)
    """Ledgers that are written, with their ledger type, such as `00001/BA`."""
    first_month: Month
    """First month that is written, such as `2026-01`."""
    last_month: Month
    """Last month that is written."""
    periods: PeriodRules = PeriodRules(adjustment="exclude")
    """How periods of the ledger are called in the model."""
    mode: Literal["difference", "replace"] = "difference"
    """What is posted where a period holds something else than was approved: what it lacks; or
    counter-journals of all this flow has posted there, and the approved amounts anew."""
    columns: BudgetColumns
    """Where the export holds what."""
    numbers: NumberSettings | None = None
    """How the export spells amounts; without it they are digits with a point, and an amount that
    may be grouped thousands is refused."""
    signs: SignRules = SignRules()
    """Whose sign is turned back: the account types the model shows turned."""
    document_type: Text = "BX"
    """Document type of the journals."""
    explanation: Text = "Approved plan"
    """Begins the explanation of each journal; the plan's own id follows."""
    lines_max: int = Field(default=200, ge=2, le=5_000)
    """Most lines of one journal."""
    post_at_once: bool = False
    """Whether the ERP posts each journal as soon as it is entered."""
    settle_minutes: int = Field(default=15, ge=1, le=240)
    """How long a journal without an answer is looked for before it counts as never entered."""
    approval: ApprovalRules = ApprovalRules()
    """Who must agree."""
    guards: BudgetGuards = BudgetGuards()
    """Limits above which nothing is planned."""
