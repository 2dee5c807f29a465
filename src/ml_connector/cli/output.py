"""Listings on stdout in four forms, hints on stderr, amounts for people."""

import csv
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ml_connector.cli.options import Output
from ml_connector.domain.money import render_amount, render_plain

_NO_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount with the currency that says how many decimals it shows."""

    amount: Decimal
    currency: str


Cell = str | int | Decimal | bool | Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A table: column titles, rows, and what to say when there are none."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    empty: str = "Nothing to show."


def show(listing: Listing, output: Output) -> None:
    """The listing on stdout; amounts and counts right-aligned in text and markdown."""
    if output == "json":
        keys = [_NO_NAME.sub("_", title.lower()).strip("_") for title in listing.columns]
        show_json([dict(zip(keys, map(_plain, row), strict=True)) for row in listing.rows])
    elif output == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(listing.columns)
        writer.writerows([_text(cell, grouped=False) for cell in row] for row in listing.rows)
    elif not listing.rows:
        say(listing.empty)
    elif output == "markdown":
        _show_markdown(listing)
    else:
        _show_text(listing)


def show_json(value: Any) -> None:
    """The value as JSON on stdout; amounts as text, so that no reader rounds them."""
    print(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def say(text: str) -> None:
    """A sentence for people, on stderr."""
    print(text, file=sys.stderr)


def hint(text: str) -> None:
    """The next command, on a line of its own on stderr."""
    print(f"\nhint: {text}", file=sys.stderr)


def render_money(money: Money) -> str:
    """An amount with grouped thousands and at least its currency's decimals; never rounded."""
    return render_amount(money.amount, money.currency)


def _plain(cell: Cell) -> str | int | bool | None:
    if isinstance(cell, Money):
        return render_plain(cell.amount)
    return render_plain(cell) if isinstance(cell, Decimal) else cell


def _text(cell: Cell, *, grouped: bool) -> str:
    if isinstance(cell, Decimal):
        cell = Money(amount=cell, currency="")
    if isinstance(cell, Money):
        return render_money(cell) if grouped else render_plain(cell.amount)
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}" if grouped else str(cell)
    return cell or ""


def _is_right(listing: Listing, column: int) -> bool:
    return any(isinstance(row[column], Decimal | Money | int) for row in listing.rows)


def _show_text(listing: Listing) -> None:
    texts = [[_text(cell, grouped=True) for cell in row] for row in listing.rows]
    widths = [
        max(len(title), *(len(row[at]) for row in texts))
        for at, title in enumerate(listing.columns)
    ]
    right = [_is_right(listing, at) for at in range(len(widths))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(cells, widths, right, strict=True)
        ]
        return "  ".join(padded).rstrip()

    print(line(listing.columns))
    print("  ".join("-" * width for width in widths))
    for row in texts:
        print(line(row))


def _show_markdown(listing: Listing) -> None:
    rules = ["---:" if _is_right(listing, at) else "---" for at in range(len(listing.columns))]
    print(f"| {' | '.join(listing.columns)} |")
    print(f"| {' | '.join(rules)} |")
    for row in listing.rows:
        cells = [_text(cell, grouped=True).replace("|", "\\|") for cell in row]
        print(f"| {' | '.join(cells)} |")
