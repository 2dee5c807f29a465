"""Where the differences are: a field for each ledger and planning period, the worst that is so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ml_connector.domain.money import ZERO, exact_money
from ml_connector.flows.answers.listing import Link, Listing, Money, State, Tone, render_money
from ml_connector.flows.answers.reconciliation import SignedStanding
from ml_connector.flows.answers.reconciliation_listings import describe_state
from ml_connector.flows.answers.reconciliation_places import render_place
from ml_connector.ports.standings import Standing

LEDGERS_MAX = 12
"""Ledgers of one picture: those with the largest differences."""
PERIODS_MAX = 6
"""Planning periods of one picture: the newest."""
CALM = 8
"""Of a hundred: how strong a field without a difference is."""
FAINTEST = 20
GRAVE = (Tone.WRONG, Tone.WAITS, Tone.BUSY, Tone.IDLE, Tone.GOOD)
NAMED = ("unmapped", "refused", "unsent")
"""Differences that have a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What differs most of a ledger in a planning period.

    Attributes:
        standing: Of the period, in the flow where it differs most.
        state: The gravest thing to say of it.
        kind: What differs: `unexplained`, `unmapped` ...; empty: nothing does.
        difference: How much, without sign; None: nothing.
        strength: Of a hundred: how large it is beside the largest of its currency.
    """

    standing: Standing
    state: State
    kind: str = ""
    difference: Money | None = None
    strength: int = CALM


def list_fields(rows: Iterable[SignedStanding], *, currency: str = "") -> list[Field]:
    """A field for each of the gravest ledgers and the newest planning periods, by both."""
    standings = [row.standing for row in rows]
    members = _find_members(standings)
    found: dict[tuple[str, str], Field] = {}
    for its in standings:
        if its.member in members:
            field, place = _make_field(its, currency), (its.ledger, its.member)
            if place not in found or _rank(field) < _rank(found[place]):
                found[place] = field
    gravest: dict[str, Field] = {}
    for field in sorted(found.values(), key=_rank):
        gravest.setdefault(field.standing.ledger, field)
    ledgers = list(gravest)[:LEDGERS_MAX]
    shown = [found[place] for ledger in ledgers for member in members
             if (place := (ledger, member)) in found]  # fmt: skip
    return _weigh(shown)


def _find_members(standings: Iterable[Standing]) -> list[str]:
    """The newest planning periods, the oldest of them first."""
    ends: dict[str, date] = {}
    for its in standings:
        end = its.date_last or date.min
        ends[its.member] = max(ends.get(its.member, date.min), end)
    return sorted(ends, key=lambda member: (ends[member], member))[-PERIODS_MAX:]


def _make_field(its: Standing, currency: str) -> Field:
    amounts = [row for row in its.amounts if currency in ("", row.currency)]
    for kind in ("unexplained", *NAMED):
        found = [
            Money(amount=abs(amount), currency=row.currency)
            for row in amounts if (amount := getattr(row, kind))
        ]  # fmt: skip
        if found:
            largest = max(found, key=lambda one: one.amount)
            return Field(standing=its, state=describe_state(its), kind=kind, difference=largest)
    return Field(standing=its, state=describe_state(its))


def _rank(field: Field) -> tuple[int, Decimal, str]:
    amount = field.difference.amount if field.difference else ZERO
    return GRAVE.index(field.state.tone), -amount, field.standing.ledger


def _weigh(fields: Sequence[Field]) -> list[Field]:
    """The fields, each as strong as its difference is beside the largest of its currency."""
    largest: dict[str, Decimal] = {}
    for one in filter(None, (field.difference for field in fields)):
        largest[one.currency] = max(largest.get(one.currency, ZERO), one.amount)
    return [
        field if field.difference is None else Field(
            standing=field.standing, state=field.state, kind=field.kind,
            difference=field.difference,
            strength=_find_strength(field.difference, largest[field.difference.currency]),
        )
        for field in fields
    ]  # fmt: skip


def _find_strength(difference: Money, largest: Decimal) -> int:
    with exact_money():
        return FAINTEST + int(difference.amount * (100 - FAINTEST) // largest)


def shorten(amount: Decimal) -> str:
    """The size of an amount in the room of a field: thousands and millions, cut and not rounded."""
    whole = int(abs(amount))
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if whole >= 10 * size:
            return f"{whole // size:,}{unit}"
        if whole >= size:
            return f"{whole // size}.{whole * 10 // size % 10}{unit}"
    return str(whole) if whole else "<1"


def list_heat(fields: Iterable[Field]) -> Listing:
    """The same as a table, exact."""
    return Listing(
        columns=(
            "Ledger or company", "Planning period", "Ledger period", "State", "Differs",
            "Difference", "Flow",
        ),
        rows=[
            (
                its.ledger, its.member, Link(text=its.period, kind="period", key=render_place(its)),
                field.state, field.kind or "nothing", field.difference,
                Link(text=its.flow, kind="flow", key=its.flow),
            )
            for field in fields for its in (field.standing,)
        ],
        empty="No run has looked at such a period yet.",
    )  # fmt: skip


def tell_heat(fields: Sequence[Field]) -> str:
    """The picture in a sentence."""
    ledgers = {field.standing.ledger for field in fields}
    wrong = {field.standing.ledger for field in fields if field.state.tone is Tone.WRONG}
    count = f"{len(ledgers)} ledger{'s' if len(ledgers) != 1 else ''}"
    worst = min(fields, key=_rank, default=None)
    if worst is None or worst.difference is None:
        return f"Nothing differs in the {count} shown."
    amount = f"{render_money(worst.difference)} {worst.difference.currency}"
    its = worst.standing
    told = f"{len(wrong)} of the {count} shown differ unexplained"
    return f"{told}; the most is {amount} {worst.kind}, of {its.ledger} in {its.member}."
