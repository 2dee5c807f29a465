"""What must hold of suppliers whatever went wrong, by the pod's own table and its log of writes.

What people were shown when they agreed is the one thing asked of the product; what was written is
held against it.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.simulation.checkers import Finding, read_rows
from tests.simulation.suppliers import (
    CLERK,
    HEADERS,
    MEMBERS,
    Desk,
    Row,
    Write,
    find_desk,
    read_log,
    read_planned,
    read_suppliers,
)

FILE_MAX = timedelta(hours=1)
"""From the look before a file leaves to the last of its rows, at the slowest pod of the story."""
OWNED = frozenset(HEADERS.values())
GIVEN = frozenset(
    {"BusinessRelationship", "BusinessRelationshipCode", "TaxOrganizationType",
     "TaxOrganizationTypeCode"}
)  # fmt: skip
"""What a new supplier is given beside what planners wrote."""
PLANNED = """
SELECT r.plan_hash, r.subject, r.state, r.receipt, r.reason FROM records_posting r ORDER BY r.id
"""
AGREEMENTS = "SELECT code, attributes FROM records_agreement"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """One supplier of a plan people have agreed to, by the pod's members."""

    plan: str
    at: int
    subject: str
    number: str
    name: str
    before: Row
    after: Row

    @property
    def is_creation(self) -> bool:
        """The supplier is to be made."""
        return self.subject.startswith("new ")


def check_suppliers(world: Any) -> Iterator[Finding]:
    """Every rule of writing suppliers."""
    desk, log = find_desk(world), read_log(world)
    items = list(_list_items(desk))
    taken = _match(desk, log, items)
    yield from _check_writes(taken, is_file=_is_file(world))
    yield from _check_postings(world, taken, items)
    yield from _check_arrived(world, desk, log)
    yield from _check_made(world, desk)
    yield from _check_agreements(world, desk, log)


def _is_file(world: Any) -> bool:
    return bool(world.project.flows["supplier-revisions-fusion"].send == "file")


def _list_items(desk: Desk) -> Iterator[_Item]:
    for agreed in desk.agreed:
        for one in agreed.revisions:
            yield _Item(
                plan=agreed.plan, at=agreed.at, subject=one.subject, number=one.number,
                name=one.name, before=_render(one.before), after=_render(one.after),
            )  # fmt: skip


def _render(values: Any) -> Row:
    return {MEMBERS[name]: value for name, value in values.items()}


# --- what was written -----------------------------------------------------------------------------


def _match(desk: Desk, log: list[Write], items: list[_Item]) -> list[tuple[Write, list[_Item]]]:
    """Each write of ours with what people had agreed to last that asks for just that."""
    numbers = {row: old["SupplierNumber"] for row, old in desk.first.items()}
    for write in log:
        numbers.setdefault(write.row, write.after["SupplierNumber"])
    return [
        (write, [item for item in items if _fits(write, item, numbers[write.row])][-1:])
        for write in log
        if write.who != CLERK
    ]


def _fits(write: Write, item: _Item, number: str) -> bool:
    if item.at > write.number or item.is_creation is not (write.before is None):
        return False
    if item.is_creation:
        return _asks_for(write, item) and write.after["Supplier"] == item.name
    return item.number == number and _asks_for(write, item)


def _asks_for(write: Write, item: _Item) -> bool:
    return all(
        item.after.get(name) == (write.after.get(name) or "")
        for name in write.changed
        if name in OWNED
    )


def _check_writes(taken: list[tuple[Write, list[_Item]]], *, is_file: bool) -> Iterator[Finding]:
    """Nothing but what was agreed to, nothing over somebody else's value, nothing of others."""
    for write, items in taken:
        told = f"write {write.number} of {write.after['SupplierNumber']}: {write.changed}"
        if write.before is not None and (foreign := write.changed.keys() - OWNED):
            yield Finding(checker="owner", text=f"{sorted(foreign)} are nobody's to write: {told}")
        if not items:
            yield Finding(checker="unapproved", text=told)
        elif write.before is not None and not _is_as_shown(write, items):
            if is_file and _is_close(write):
                continue
            yield Finding(checker="lost update", text=f"{told} over {_pick(write)}")


def _is_close(write: Write) -> bool:
    """Whether the other's value came while a file was on its way, whose rows name no version."""
    assert write.before is not None
    before, after = (
        datetime.fromisoformat(row["LastUpdateDate"]) for row in (write.before, write.after)
    )
    return after - before <= FILE_MAX


def _is_as_shown(write: Write, items: list[_Item]) -> bool:
    """Whether people saw just those values that were overwritten."""
    return any(
        all((_of(write.before, name)) == value for name, value in item.before.items())
        for item in items
    )


def _of(row: Row | None, name: str) -> str:
    return str((row or {}).get(name) or "")


def _pick(write: Write) -> Row:
    return {name: _of(write.before, name) for name in write.changed}


def _check_postings(
    world: Any, taken: list[tuple[Write, list[_Item]]], items: list[_Item]
) -> Iterator[Finding]:
    """What is said to be confirmed stands once; what is said to be refused was never written."""
    counts = Counter((item.plan, item.subject) for _, its in taken for item in its)
    known = {(item.plan, item.subject) for item in items}
    for plan, subject, state, receipt, reason in read_rows(world, PLANNED):
        count, told = counts[plan, subject], f"{subject} of {plan[:12]}"
        if (plan, subject) not in known:
            yield Finding(checker="unapproved", text=f"{told} has a posting: {state} {reason}")
        if count > 1:
            yield Finding(checker="postings", text=f"{told} was written {count} times")
        if state == "confirmed" and not count and not _was_there(items, plan, subject, world):
            yield Finding(checker="lines", text=f"{told} is confirmed, never written: {receipt}")
        if state == "refused" and count and "closed by" not in reason:
            yield Finding(checker="postings", text=f"{told} is refused and written: {reason}")


def _was_there(items: list[_Item], plan: str, subject: str, world: Any) -> bool:
    """Whether somebody else has entered just these values."""
    wanted = [item for item in items if (item.plan, item.subject) == (plan, subject)]
    return any(
        all(_of(write.after, name) == value for name, value in item.after.items())
        for item in wanted
        for write in read_log(world)
        if write.who == CLERK and write.after["SupplierNumber"] == item.number
    )


# --- what stands in the end -----------------------------------------------------------------------


def _check_arrived(world: Any, desk: Desk, log: list[Write]) -> Iterator[Finding]:
    """What planners wrote last has arrived; whatever stands there now, others wrote after it."""
    last = {(key, member): value for _, key, member, value in desk.moves}
    rows = _find_rows(world)
    for (key, member), value in last.items():
        row = rows.get(key)
        held = _list_held(desk, log, row, member) if row is not None else []
        arrived = max((n for n, (_, one) in enumerate(held) if one == value), default=None)
        if arrived is None:
            yield Finding(checker="lines", text=f"{member} {value!r} of {key} never arrived")
        elif any(who != CLERK for who, _ in held[arrived + 1 :]):
            yield Finding(checker="lines", text=f"{member} of {key} went on to {held[-1]}")


def _find_rows(world: Any) -> dict[str, int]:
    """Ids of suppliers by number and by name."""
    rows = read_suppliers(world)
    return {row["Supplier"]: key for key, row in rows.items()} | {
        row["SupplierNumber"]: key for key, row in rows.items()
    }


def _list_held(desk: Desk, log: list[Write], row: int, member: str) -> list[tuple[str, str]]:
    """(who, value) of each value the member has had, oldest first."""
    held = [("", _of(desk.first.get(row), member))] if row in desk.first else []
    for write in log:
        if write.row == row and (not held or held[-1][1] != _of(write.after, member)):
            held.append((write.who, _of(write.after, member)))
    return held


def _check_made(world: Any, desk: Desk) -> Iterator[Finding]:
    """Each supplier planners wanted is there once, whatever the pod would have taken."""
    names = Counter(row["Supplier"].casefold() for row in read_suppliers(world).values())
    for name in desk.made:
        if names[name.casefold()] != 1:
            text = f"{names[name.casefold()]} suppliers are called {name}"
            yield Finding(checker="postings" if names[name.casefold()] else "lines", text=text)
    if extra := len(read_suppliers(world)) - len(desk.first) - len(desk.made):
        yield Finding(checker="postings", text=f"{extra} suppliers too many")


def _check_agreements(world: Any, desk: Desk, log: list[Write]) -> Iterator[Finding]:
    """What is remembered of the model is what it shows, and of the ERP what it held at the time."""
    headers = {member: header for header, member in HEADERS.items()}
    planned: dict[str, Row] = defaultdict(dict)
    for row in read_planned(world):
        planned[row["code"] or row["name"]] = row["values"] | {"Name": row["name"]}
    rows, names = _find_rows(world), {row["SupplierNumber"]: row["Supplier"]
                                      for row in read_suppliers(world).values()}  # fmt: skip
    for code, attributes in read_rows(world, AGREEMENTS):
        shown = planned.get(code) or planned.get(names.get(code, ""), {})
        for name, (model, erp) in json.loads(attributes).items():
            member = MEMBERS[name]
            told = f"{code} {name}: {model!r} / {erp!r}"
            held = _list_held(desk, log, rows[code], member)
            values = [value for _, value in held]
            if member in headers and str(shown.get(headers[member]) or "") != model:
                yield Finding(checker="agreed", text=f"{told}, the model shows {shown}")
            if erp not in values:
                yield Finding(checker="agreed", text=f"{told}, the ERP never held that: {held}")
            elif erp != values[-1] and held[-1][0] != CLERK:
                yield Finding(checker="agreed", text=f"{told}, and we have written {held[-1]}")
