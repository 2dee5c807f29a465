"""What the models have refused, by cause: how many summaries, how much they lack, whose lines."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from ml_connector.flows.answers.listing import Link, Listing, Money
from ml_connector.flows.placing.lineage import LineWay
from ml_connector.ports import RefusedSummary, RefusedTally

EARLIER = "Recorded before causes were kept"
"""What stands for refusals of an older release; a new run of their period settles them."""
DIGEST_CHARACTERS = 12
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """All that is refused for one cause in one flow and currency.

    Attributes:
        share: Of all summaries told beside it, in percent, added up from the first.
    """

    flow: str
    text: str
    currency: str
    count: int
    amount: Decimal
    periods: tuple[str, ...]
    share: Decimal = _ZERO

    @property
    def place(self) -> str:
        """What names its page."""
        return f"{self.flow}/{digest_cause(self.text)}"


def digest_cause(text: str) -> str:
    """What stands for a cause in an address."""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARACTERS]


def tell_cause(text: str) -> str:
    """The cause in words."""
    return text or EARLIER


def gather_causes(tallies: Iterable[RefusedTally], *, period: str = "") -> list[Cause]:
    """Tallies by flow, cause and currency, the most frequent first, with the share they add up to.

    Amounts of two currencies are never added.
    """
    found: dict[tuple[str, str, str], list[RefusedTally]] = {}
    for one in tallies:
        if period in ("", one.period):
            found.setdefault((one.flow, one.cause, one.currency), []).append(one)
    ordered = sorted(found.items(), key=lambda its: (-sum(t.count for t in its[1]), its[0]))
    total = sum(one.count for _, its in ordered for one in its)
    causes, told = [], 0
    for (flow, text, currency), its in ordered:
        count = sum(one.count for one in its)
        told += count
        causes.append(
            Cause(
                flow=flow, text=text, currency=currency, count=count,
                amount=sum((one.amount for one in its), _ZERO),
                periods=tuple(sorted({one.period for one in its})),
                share=_percent(told, total),
            )
        )  # fmt: skip
    return causes


def _percent(part: int, whole: int) -> Decimal:
    share = Decimal(100 * part) / whole if whole else _ZERO
    return share.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)


def list_causes(causes: Sequence[Cause]) -> Listing:
    """Why summaries were refused, most first."""
    return Listing(
        columns=("Why", "Flow", "Summaries", "Lacking", "Adds up to", "Periods"),
        rows=[
            (
                Link(text=tell_cause(one.text), kind="cause", key=one.place),
                Link(text=one.flow, kind="flow", key=one.flow), one.count,
                Money(amount=one.amount, currency=one.currency) if one.currency else None,
                f"{one.share} %", _name_periods(one.periods),
            )
            for one in causes
        ],
        empty="The models have refused nothing that is still open.",
    )  # fmt: skip


def _name_periods(periods: Sequence[str]) -> str:
    named = [one for one in periods if one]
    return f"{len(named)} periods" if len(named) > 2 else ", ".join(named)


def list_summaries(
    rows: Sequence[RefusedSummary], *, dimensions: Sequence[str], has_words: bool = True
) -> Listing:
    """Refused summaries one by one: what the model holds, what it should, and its own words."""
    words = ("Model's words",) if has_words else ()
    return Listing(
        columns=(
            *_name_parts(rows, dimensions), "Holds", "Should hold", "Lacking", *words,
        ),
        rows=[
            (
                *row.key, *(
                    Money(amount=amount, currency=row.currency)
                    for amount in (row.before, row.after, row.lacking)
                ), *("; ".join(row.reasons) for _ in words),
            )
            for row in rows
        ],
        empty="Nothing of it is open.",
    )  # fmt: skip


def _name_parts(rows: Sequence[RefusedSummary], dimensions: Sequence[str]) -> Sequence[str]:
    """Titles of the key's parts; those of a flow that was changed since are numbered."""
    count = len(rows[0].key) if rows else len(dimensions)
    is_fit = len(dimensions) == count
    return dimensions if is_fit else [f"Part {number}" for number in range(1, count + 1)]


def list_ways(ways: Sequence[LineWay]) -> Listing:
    """The journal lines of a summary."""
    return Listing(
        columns=("Batch", "Journal", "Line", "Ledger", "Period", "Account combination", "Debit",
                 "Credit"),
        rows=[
            (
                way.batch_id, way.line.journal, way.line.number, way.line.ledger, way.line.period,
                way.line.combination,
                Money(amount=way.line.debit, currency=way.line.currency),
                Money(amount=way.line.credit, currency=way.line.currency),
            )
            for way in ways
        ],
        empty="No archived line makes it up any more; the ledger has moved since.",
    )  # fmt: skip
