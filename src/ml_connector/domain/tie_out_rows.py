"""Rows of a tie-out: the bridge from the ERP to the model, one per scope."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ml_connector.domain.differences import DifferenceLog
from ml_connector.domain.ledger import Scope, Totals
from ml_connector.domain.money import ZERO
from ml_connector.domain.summaries import (
    EXCLUDED_PREFIX,
    MAPPED,
    SUSPENSE,
    UNMAPPED,
    Contribution,
    Placed,
)
from ml_connector.errors import ProtocolError

SEVERAL = "(several)"
"""Stands for a ledger or period where an intersection's lines come from more than one."""
NONE = "(none)"
"""Stands for ledger and period of cells the model holds though no line gives them anything."""


class UnknownPlacementError(ProtocolError):
    """A stored placement is none of mapped, suspense, unmapped and excluded by name."""

    code = "tie-out.placement"

    def __init__(self, row: Placed) -> None:
        super().__init__(
            f"The lines of {' / '.join(row.key)} were placed as {row.placement!r}.",
            written="This comparison wrote nothing; what was loaded before it stays.",
            next_step=f"Use {MAPPED}, {SUSPENSE}, {UNMAPPED} or {EXCLUDED_PREFIX}NAME.",
            placement=row.placement,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TieOutRow:
    """The bridge from the ERP to the model for one scope, in the ledger's sign.

    Balanced journals net to nothing by ledger, so `debit` says how much money went by.
    `unexplained` is `erp` less `held`, `unmapped`, `refused` and every exclusion.
    """

    ledger: str
    period: str
    currency: str
    erp: Decimal
    debit: Decimal
    archived: Decimal
    excluded: tuple[tuple[str, Decimal], ...]
    unmapped: Decimal
    suspense: Decimal
    mapped: Decimal
    refused: Decimal
    held: Decimal
    unexplained: Decimal
    lines: int


@dataclass(slots=True, kw_only=True)
class ScopeSums:
    """What one scope adds up to while the streams go by."""

    erp: Decimal = ZERO
    archived: Totals = field(default_factory=Totals)
    placed: dict[str, Decimal] = field(default_factory=dict)
    sent_on: Totals = field(default_factory=Totals)
    contributed: Totals = field(default_factory=Totals)
    refused: Decimal = ZERO
    held: Decimal = ZERO

    def render_row(self, scope: Scope) -> TieOutRow:
        """The bridge of the scope."""
        names = sorted(name for name in self.placed if name.startswith(EXCLUDED_PREFIX))
        excluded = tuple((name.removeprefix(EXCLUDED_PREFIX), self.placed[name]) for name in names)
        unmapped = self.placed.get(UNMAPPED, ZERO)
        named = unmapped + self.refused + sum((net for _, net in excluded), ZERO)
        return TieOutRow(
            ledger=scope.ledger,
            period=scope.period,
            currency=scope.currency,
            erp=self.erp,
            debit=self.archived.debit,
            archived=self.archived.net,
            excluded=excluded,
            unmapped=unmapped,
            suspense=self.placed.get(SUSPENSE, ZERO),
            mapped=self.placed.get(MAPPED, ZERO),
            refused=self.refused,
            held=self.held,
            unexplained=self.erp - self.held - named,
            lines=self.archived.lines,
        )


@dataclass(slots=True, kw_only=True)
class TieOutBooks:
    """The sums of all scopes, and the differences found on the way."""

    log: DifferenceLog
    scopes: dict[Scope, ScopeSums] = field(default_factory=dict)

    def sums_of(self, scope: Scope) -> ScopeSums:
        """The sums of a scope, zeros at first."""
        sums = self.scopes.get(scope)
        if sums is None:
            sums = self.scopes[scope] = ScopeSums()
        return sums

    def add_combination(
        self, scope: Scope, *, erp: Decimal, archived: Totals, placed: Sequence[Placed]
    ) -> None:
        """The scope holds one more combination.

        Raises:
            UnknownPlacementError: A placement has no place in the bridge.
        """
        sums = self.sums_of(scope)
        sums.erp += erp
        sums.archived += archived
        for row in placed:
            if row.placement in (MAPPED, SUSPENSE):
                sums.sent_on += row.totals
            elif row.placement != UNMAPPED and not row.placement.startswith(EXCLUDED_PREFIX):
                raise UnknownPlacementError(row)
            sums.placed[row.placement] = sums.placed.get(row.placement, ZERO) + row.totals.net

    def add_contribution(self, row: Contribution) -> None:
        """The scope gave these lines to an intersection."""
        self.sums_of(row.scope).contributed += row.totals

    def render_rows(self) -> tuple[TieOutRow, ...]:
        """The bridge of every scope, by ledger, period and currency."""
        return tuple(sums.render_row(scope) for scope, sums in sorted(self.scopes.items()))
