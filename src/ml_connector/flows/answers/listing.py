"""Tables as answers: the same rows for the terminal, a page, a CSV file and a workbook."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from ml_connector.domain.money import render_amount, render_plain


class Tone(StrEnum):
    """What a state asks of whoever reads it; never the only sign of it, the word stands beside."""

    GOOD = "good"
    BUSY = "busy"
    WAITS = "waits"
    WRONG = "wrong"
    IDLE = "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount with the currency that says how many decimals it shows."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A word for how something stands."""

    word: str
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A text that leads to the page of what it names, where there are pages."""

    text: str
    kind: str
    """What it names: `run`, `flow`."""
    key: str


Cell = str | int | Decimal | bool | Money | State | Link | datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A table: column titles, rows, and what to say when there are none."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    empty: str = "Nothing to show."

    def is_right(self, column: int) -> bool:
        """Whether the column holds amounts or counts; an empty one is as the one before it."""
        cells = [row[column] for row in self.rows if row[column] is not None]
        if not cells and column and self.rows:
            return self.is_right(column - 1)
        return any(isinstance(cell, Decimal | Money | int) for cell in cells)


def render_money(money: Money) -> str:
    """An amount with grouped thousands and at least its currency's decimals; never rounded."""
    return render_amount(money.amount, money.currency)


def render_bare(cell: Cell) -> str | int | bool | None:
    """The value for a program: amounts as exact text, instants as ISO 8601 in UTC."""
    match cell:
        case Money(amount=amount) | (Decimal() as amount):
            return render_plain(amount)
        case State(word=text) | Link(text=text):
            return text
        case datetime():
            return cell.isoformat()
    return cell


def render_cell(cell: Cell, *, grouped: bool) -> str:
    """The value as text for people, thousands grouped or not."""
    match cell:
        case bool():
            return "yes" if cell else "no"
        case int():
            return f"{cell:,}" if grouped else str(cell)
        case datetime():
            return f"{cell:%Y-%m-%d %H:%M}"
        case State(word=text) | Link(text=text):
            return text
        case Money() | Decimal():
            return _render_amount(cell, grouped=grouped)
    return cell or ""


def _render_amount(amount: Money | Decimal, *, grouped: bool) -> str:
    money = amount if isinstance(amount, Money) else Money(amount=amount, currency="")
    return render_money(money) if grouped else render_plain(money.amount)
