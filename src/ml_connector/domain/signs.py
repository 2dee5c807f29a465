"""Sign rules: which account types a model shows with the opposite sign of the ledger."""

from dataclasses import dataclass
from decimal import Decimal

from ml_connector.domain.summaries import sign_amount


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRule:
    """Account types shown with flipped sign; the ledger itself is debit positive.

    Types compare as the ERP writes them, such as `Revenue` or `L`; a type that is not named keeps
    the ledger's sign.
    """

    flip_types: frozenset[str] = frozenset()

    def sign_of(self, account_type: str) -> int:
        """Minus one when the type is flipped, else one."""
        return -1 if account_type in self.flip_types else 1

    def undo_sign(self, amount: Decimal, *, account_type: str) -> Decimal:
        """The ledger's amount of an amount as the model shows it."""
        return sign_amount(amount, sign=self.sign_of(account_type))
