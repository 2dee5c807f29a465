"""Cells of a listing as markup; everything from outside is escaped."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ml_connector.flows.answers.listing import Cell, Link, Money, State, render_cell, render_money

register = template.Library()
PAGES = {
    "run": "run",
    "flow": "flow",
    "person": "person",
    "period": "reconciliation-period",
    "plan": "plan",
    "posting": "posting",
    "journal": "journal",
    "cause": "cause",
    "alert": "alert",
    "connection": "connection",
    "run-file": "run-file",
    "mapping": "mapping-flow",
    "schedule": "schedule",
}
"""Kind of a link to the name of the page that shows such a thing."""
FIELD = '<td data-title="{}" class="{}"><span>{}</span></td>'
PROSE_FROM = 30
"""Letters from which on a text is read as a sentence, which needs room."""
CODE_MAX = 20
"""Letters of a text without blanks that is a code, and not broken at its hyphens."""
ASKED_OF = {"rule": "mapping-rule", "version": "mapping-diff", "unmapped": "unmapped-value"}
"""Kinds whose key is a flow and what the page of that flow is asked for: `FLOW?QUERY`."""
LISTS_OF = {"unmapped-of": "unmapped", "refused-of": "refused"}
"""Kinds whose key is the flow that a list is narrowed to."""


@register.filter
def markup(cell: Cell) -> SafeString | str:
    """The cell as people read it."""
    match cell:
        case State():
            return format_html('<span class="chip {}">{}</span>', cell.tone.value, cell.word)
        case Link():
            where = _find_page(cell)
            return format_html('<a href="{}">{}</a>', where, cell.text)
        case Money():
            return format_html(
                '{}<span class="currency">{}</span>', render_money(cell), cell.currency
            )
        case datetime():
            at = cell.astimezone(UTC)
            return format_html(
                '<time datetime="{}">{}</time>', f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%d %H:%M}"
            )
    return render_cell(cell, grouped=True)


def _find_page(link: Link) -> str:
    if link.kind in LISTS_OF:
        return f"{reverse(LISTS_OF[link.kind])}?{urlencode({'flow': link.key})}"
    if link.kind not in ASKED_OF:
        return reverse(PAGES[link.kind], args=[link.key])
    flow, _, query = link.key.partition("?")
    return f"{reverse(ASKED_OF[link.kind], args=[flow])}?{query}"


@register.filter
def kind(cell: Cell, is_first: bool = False) -> str:  # noqa: FBT001, FBT002 - a filter's argument.
    """The classes of the cell: amounts stand to the right, nought steps back, names stay whole."""
    if isinstance(cell, Link) or (is_first and isinstance(cell, str)):
        return "name"
    if isinstance(cell, str) and len(cell) > PROSE_FROM:
        return "prose"
    if isinstance(cell, str) and len(cell) <= CODE_MAX and " " not in cell:
        return "name"
    if isinstance(cell, bool) or not isinstance(cell, int | Decimal | Money):
        return ""
    amount = cell.amount if isinstance(cell, Money) else cell
    return "number" if amount else "number nought"


@register.filter
def fields(row: Sequence[tuple[str, Cell]], said: Collection[int] = frozenset()) -> SafeString:
    """A row's cells, each with the title of its column; long tables are mostly made of these.

    Args:
        row: Titles and cells.
        said: Columns whose currency stands further left in each row.
    """
    return format_html_join(
        "", FIELD, (_show(row[at], is_first=at == 0, is_said=at in said) for at in range(len(row)))
    )


def _show(
    field: tuple[str, Cell], *, is_first: bool, is_said: bool
) -> tuple[str, str, SafeString | str]:
    title, cell = field
    marks = (" empty" if cell in (None, "") else "") + (" said" if is_said else "")
    return title, kind(cell, is_first) + marks, markup(cell)


@register.filter
def spelled(text: str) -> SafeString:
    """The sentence, with what is typed or named between backticks set apart."""
    parts = str(text).split("`")
    return format_html_join(
        "",
        "{}",
        ((format_html("<code>{}</code>", part) if at % 2 else part,)
         for at, part in enumerate(parts)),
    )  # fmt: skip


@register.filter
def counted(number: int) -> str:
    """A count for people, its thousands set apart."""
    return f"{number:,}"


@register.filter
def seconds(value: float | None) -> str:
    """A duration for people."""
    if value is None:
        return ""
    if value < 90:
        return f"{value:.1f} s"
    minutes, left = divmod(round(value), 60)
    return f"{minutes} min {left:02} s"
