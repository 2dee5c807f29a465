"""Long lists a page at a time, by number, so that the address can be pasted into a ticket."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from django.http import HttpRequest, QueryDict

Item = TypeVar("Item")
ASKED = "page"
DIGITS_MAX = 6


@dataclass(slots=True, kw_only=True)
class Page:
    """One page of a list.

    Attributes:
        number: From 1 on.
        size: Rows of a page.
        last: The last page that is shown, whatever lies behind it.
        has_next: Whether there is another one.
    """

    number: int
    size: int
    last: int
    query: QueryDict = field(repr=False)
    has_next: bool = False

    @property
    def start(self) -> int:
        """Rows before the page."""
        return (self.number - 1) * self.size

    def tell(self, total: int) -> None:
        """The list has so many rows."""
        self.has_next = self.number < self.last and self.start + self.size < total

    def cut(self, rows: Sequence[Item]) -> Sequence[Item]:
        """The rows of the page, of which one more was asked for."""
        self.has_next = self.number < self.last and len(rows) > self.size
        return rows[: self.size]

    def take(self, rows: Iterable[Item]) -> list[Item]:
        """The rows of the page; the others are left where they are."""
        return list(islice(rows, self.size))

    @property
    def previous_query(self) -> str:
        """The address of the page before; empty on the first."""
        return self._render(self.number - 1) if self.number > 1 else ""

    @property
    def next_query(self) -> str:
        """The address of the page behind; empty on the last."""
        return self._render(self.number + 1) if self.has_next else ""

    def _render(self, number: int) -> str:
        query = self.query.copy()
        query[ASKED] = str(number)
        return f"?{query.urlencode()}"


def find_page(request: HttpRequest, last: int, size: int) -> Page:
    """The page that was asked for, the first where none was or there is no such."""
    text = request.GET.get(ASKED, "")
    number = int(text) if text.isdecimal() and len(text) <= DIGITS_MAX else 1
    return Page(number=min(max(number, 1), last), size=size, last=last, query=request.GET)
