"""Listings on stdout in four forms, hints on stderr, amounts for people."""

import csv
import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from ml_connector.cli.options import Output
from ml_connector.flows.answers.listing import (
    Cell,
    Listing,
    Money,
    render_bare,
    render_cell,
    render_money,
)

__all__ = [
    "Cell",
    "Listing",
    "Money",
    "hint",
    "render_money",
    "render_rows",
    "say",
    "show",
    "show_json",
]

_NO_NAME = re.compile(r"[^a-z0-9]+")


def show(listing: Listing, output: Output) -> None:
    """The listing on stdout; amounts and counts right-aligned in text and markdown."""
    if output == "json":
        show_json(render_rows(listing))
    elif output == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(listing.columns)
        writer.writerows([render_cell(cell, grouped=False) for cell in row] for row in listing.rows)
    elif not listing.rows:
        say(listing.empty)
    elif output == "markdown":
        _show_markdown(listing)
    else:
        _show_text(listing)


def render_rows(listing: Listing) -> list[dict[str, Any]]:
    """The listing as a program reads it: a value for each column, by its name."""
    keys = [_NO_NAME.sub("_", title.lower()).strip("_") for title in listing.columns]
    return [dict(zip(keys, map(render_bare, row), strict=True)) for row in listing.rows]


def show_json(value: Any) -> None:
    """The value as JSON on stdout; amounts as text, so that no reader rounds them."""
    print(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def say(text: str) -> None:
    """A sentence for people, on stderr."""
    print(text, file=sys.stderr)


def hint(text: str) -> None:
    """The next command, on a line of its own on stderr."""
    print(f"\nhint: {text}", file=sys.stderr)


def _show_text(listing: Listing) -> None:
    texts = [[render_cell(cell, grouped=True) for cell in row] for row in listing.rows]
    widths = [
        max(len(title), *(len(row[at]) for row in texts))
        for at, title in enumerate(listing.columns)
    ]
    right = [listing.is_right(at) for at in range(len(widths))]

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
    rules = ["---:" if listing.is_right(at) else "---" for at in range(len(listing.columns))]
    print(f"| {' | '.join(listing.columns)} |")
    print(f"| {' | '.join(rules)} |")
    for row in listing.rows:
        cells = [render_cell(cell, grouped=True).replace("|", "\\|") for cell in row]
        print(f"| {' | '.join(cells)} |")
