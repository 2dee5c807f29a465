"""Amounts as an approved view spells them: plainly, or as the flow states; never guessed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.domain.cell_values import (
    PLAIN_NUMBERS,
    CellValueError,
    NumberForm,
    find_other_reading,
    parse_number,
)
from ml_connector.domain.money import count_decimals, parse_cell, render_plain
from ml_connector.settings import NumberSettings

THOUSANDS_DIGITS = 3
"""Digits of a group, by which the second reading of an amount is larger than the first."""


@dataclass(slots=True, kw_only=True)
class AmountColumn:
    """How the view spells amounts: as the flow states it, else plainly, as the column proves.

    A plain `1.234` may also be a group of thousands. Whether the point parts decimals is shown by
    any amount of the column that has no such second reading; where none does, nobody knows.
    """

    form: NumberForm
    is_stated: bool
    texts: Callable[[], Iterator[str]]
    """All amounts of the view."""
    has_proof: bool | None = None

    def parse(self, text: str, *, decimals: int) -> Decimal:
        """The amount of a cell; zero for a blank one.

        Raises:
            CellValueError: It is spelled otherwise, or has two readings.
        """
        amount = self._parse_number(text)
        if not self.is_stated and find_other_reading(text) and not self._is_proven():
            either = f"it may be {amount} or {render_plain(amount.scaleb(THOUSANDS_DIGITS))}"
            if count_decimals(amount) > decimals:
                either = f"it has more than {decimals} decimals, or may be thousands"
            raise _refuse_amount(
                text, f"{either}: no amount of the view shows what its point parts"
            )
        return parse_cell(render_plain(amount), decimals=decimals)

    def _parse_number(self, text: str) -> Decimal:
        try:
            return parse_number(text, decimal=self.form.decimal, thousands=self.form.thousands)
        except CellValueError as error:
            kind = "not as the flow states it" if self.is_stated else "no plain number"
            raise _refuse_amount(text, f"the amount is {kind}: {error.reason}") from error

    def _is_proven(self) -> bool:
        if self.has_proof is None:
            self.has_proof = any(self._proves(text) for text in self.texts())
        return self.has_proof

    def _proves(self, text: str) -> bool:
        if self.form.decimal not in text or find_other_reading(text):
            return False
        try:
            self._parse_number(text)
        except CellValueError:
            return False
        return True


def _refuse_amount(text: str, reason: str) -> CellValueError:
    return CellValueError(text, reason, next_step="State `numbers` in the flow.")


def open_amounts(stated: NumberSettings | None, texts: Callable[[], Iterator[str]]) -> AmountColumn:
    """The column of amounts of a view.

    Args:
        stated: How the flow says the view spells them; None where it says nothing.
        texts: Yields all amounts of the view; called only when an amount has two readings.
    """
    if stated is None:
        return AmountColumn(form=PLAIN_NUMBERS, is_stated=False, texts=texts)
    form = NumberForm(decimal=stated.decimal, thousands=stated.thousands)
    return AmountColumn(form=form, is_stated=True, texts=texts)
