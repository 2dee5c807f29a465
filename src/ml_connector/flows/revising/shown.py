"""What an ERP shows of a revision: taken, untouched, overtaken, or something for a person.

The version alone proves that nobody has written: every change of anybody gives another one. Values
alone prove nothing where old and new differ in letters only, for an ERP may spell names its own
way; they are told apart by the others, and where there are none, what is shown counts as old.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from ml_connector.domain.money import render_plain
from ml_connector.flows.revising.changes import Revision
from ml_connector.ports import SupplierRow
from ml_connector.settings import ATTRIBUTE_KINDS

NO_END = "4712-12-31"
"""The day that stands for none."""
VALUE_SHOWN_MAX = 60
NAMED_MAX = 10


class Shown(StrEnum):
    """What a look found."""

    TAKEN = "taken"
    """Every value of the revision stands there."""
    UNTOUCHED = "untouched"
    """Nobody has written since the revision was planned."""
    ABSENT = "absent"
    """No supplier of the number or name; of a change, none that could be changed."""
    OVERTAKEN = "overtaken"
    """Somebody has written since, and no value of the revision stands there."""
    UNCLEAR = "unclear"
    """A part of the revision, or values that neither the plan nor the ERP had before."""


UNDER_WAY = frozenset({Shown.UNTOUCHED, Shown.ABSENT})
"""What a supplier may look like whose request the server still works on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen, the supplier itself when it was one, and words for people."""

    shown: Shown
    row: SupplierRow | None = None
    words: str = ""


def judge_change(revision: Revision, row: SupplierRow) -> Sight:
    """What the row shows of a change."""
    if row.remote_id != revision.remote_id:
        words = f"the number stands for another supplier now (id {row.remote_id})"
        return Sight(shown=Shown.UNCLEAR, row=row, words=words)
    if row.version == revision.version:
        return Sight(shown=Shown.UNTOUCHED, row=row, words="it stands as it did when planned")
    if not list_differing(revision, row) and _tells(revision, row):
        return Sight(shown=Shown.TAKEN, row=row, words="it shows every value of the plan")
    words = render_sight(revision, row)
    is_old = all(
        find_value(row, name) in (None, revision.before.get(name, "")) for name in revision.after
    )
    return Sight(shown=Shown.OVERTAKEN if is_old else Shown.UNCLEAR, row=row, words=words)


def judge_creation(revision: Revision, rows: Sequence[SupplierRow]) -> Sight:
    """What the suppliers of its number or name show of a creation."""
    if not rows:
        return Sight(shown=Shown.ABSENT, words="it shows no supplier of the number or name")
    if len(rows) > 1:
        numbers = ", ".join(row.number for row in rows[:NAMED_MAX])
        words = f"it shows {len(rows)} suppliers of the number or name: {numbers}"
        return Sight(shown=Shown.UNCLEAR, words=words)
    row = rows[0]
    if list_differing(revision, row):
        words = f"it shows supplier {row.number}: {render_sight(revision, row)}"
        return Sight(shown=Shown.UNCLEAR, row=row, words=words)
    return Sight(shown=Shown.TAKEN, row=row, words=f"it shows supplier {row.number}")


def list_sent(revision: Revision) -> dict[str, str]:
    """The attributes that leave with the revision; of a creation, only those with a value."""
    if not revision.is_creation:
        return dict(revision.after)
    number = {"number": revision.number} if revision.number else {}
    sent = {"name": revision.name} | dict(revision.after) | number
    return {name: value for name, value in sent.items() if value}


def list_differing(revision: Revision, row: SupplierRow) -> list[str]:
    """Attributes that show another value than was sent; case and outer blanks are none."""
    return [name for name in list_unlike(revision, row) if not is_alike_sent(revision, row, name)]


def list_unlike(revision: Revision, row: SupplierRow) -> list[str]:
    """Attributes that do not show what was sent, letter by letter; what is hidden is left out."""
    return [
        name
        for name, value in list_sent(revision).items()
        if (shown := find_value(row, name)) is not None and shown != value
    ]


def is_alike_sent(revision: Revision, row: SupplierRow, name: str) -> bool:
    """Whether the attribute shows what was sent, but for case, outer blanks and spelling."""
    shown = find_value(row, name)
    return shown is not None and is_alike(name, list_sent(revision)[name], shown)


def is_alike(name: str, one: str, other: str) -> bool:
    """Whether two values of the attribute differ merely in letter case, blanks or spelling."""
    return _fold(name, one) == _fold(name, other)


def find_value(row: SupplierRow, name: str) -> str | None:
    """What the row shows of the attribute; None when it does not show it."""
    if name == "number":
        return row.number
    return None if name in row.hidden else row.attributes.get(name)


def render_sight(revision: Revision, row: SupplierRow) -> str:
    """Each attribute that shows something else, with what was sent and what stood there before."""
    named = list_unlike(revision, row)
    told = [
        f"{name} is {_cut(find_value(row, name))}, sent {_cut(list_sent(revision)[name])}"
        f"{_render_before(revision.before, name)}"
        for name in named[:NAMED_MAX]
    ]
    more = f" and {len(named) - NAMED_MAX} more" if len(named) > NAMED_MAX else ""
    return "; ".join(told) + more


def _render_before(before: Mapping[str, str], name: str) -> str:
    return f", before {_cut(before[name])}" if name in before else ""


def _cut(value: str | None) -> str:
    text = value or ""
    return repr(text[:VALUE_SHOWN_MAX] + ("…" if len(text) > VALUE_SHOWN_MAX else ""))


def _tells(revision: Revision, row: SupplierRow) -> bool:
    """Whether some value proves the change: one that could not have stood there before."""
    return any(
        find_value(row, name) == value or not is_alike(name, revision.before.get(name, ""), value)
        for name, value in revision.after.items()
        if find_value(row, name) is not None
    )


def _fold(name: str, value: str) -> str:
    bare = value.strip().casefold()
    kind = ATTRIBUTE_KINDS.get(name, "text")
    if kind == "date":
        return "" if bare == NO_END else bare
    if kind == "amount" and bare:
        try:
            return render_plain(Decimal(bare))
        except InvalidOperation:
            return bare
    return bare
