"""The members a list shall hold: read from the source, named, given parents, parents first."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ml_connector.domain.dimensions import Member, order_parents_first
from ml_connector.errors import RefusedError
from ml_connector.flows.bench import DimensionsBench
from ml_connector.ports import Json, TargetMember
from ml_connector.settings import ListFlow

PARENT_COLUMNS = ("code", "name", "parent")


class ParentsFileError(RefusedError):
    """The parents file of a list lacks a column."""

    code = "members.parents-file"


class UnknownPropertyError(RefusedError):
    """The flow names a property that no member of the list's source has."""

    code = "members.unknown-property"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRun:
    """One list within one run."""

    list_flow: ListFlow
    pins: Json
    model_id: str
    run_id: str

    @property
    def label(self) -> str:
        """Name of its steps."""
        return f"members of {self.list_flow.list}"

    def key_of(self, row: Mapping[str, str]) -> tuple[str, ...]:
        """The row as the file has it, by which one knows what a list was told."""
        return tuple(row[header] for header in self.pins["headers"])


def read_desired(bench: DimensionsBench, list_flow: ListFlow) -> list[Member]:
    """The members of one list, parents before children; the first source to name a code wins.

    Raises:
        UnknownPropertyError: The flow names a property the members do not have.
        MemberConflictError: A group has the code of a member.
        MissingParentError: A parents file names a parent nobody has.
        MemberCycleError: Members are each other's parents.
    """
    found: dict[str, Member] = {}
    firsts: dict[str, Member] = {}
    for dimension in list_flow.from_:
        for member in bench.source.read_members(dimension):
            firsts.setdefault(dimension, member)
            if member.is_active or list_flow.inactive == "keep":
                found.setdefault(member.code, _rename(list_flow, member))
    _verify_properties(list_flow, firsts)
    return order_parents_first(_with_parents(bench, list_flow, found))


def _verify_properties(list_flow: ListFlow, firsts: Mapping[str, Member]) -> None:
    """Every property the flow names is one of the source's; its first member tells which it has.

    A list of several sources may name what only one of them has. Where none shows a member there
    is nothing to tell by, and nothing to send.
    """
    known = sorted({name for member in firsts.values() for name, _ in member.properties})
    named = set(list_flow.columns.properties)
    if list_flow.parents.by == "property":
        named.add(list_flow.parents.property)
    unknown = sorted(named - set(known))
    if not firsts or not unknown:
        return
    silent = [dimension for dimension in list_flow.from_ if dimension not in firsts]
    raise UnknownPropertyError(
        f"The source has no such property for list {list_flow.list}: {', '.join(unknown)}."
        + (f" Of {', '.join(silent)} it shows no member to tell by." if silent else ""),
        written="Nothing was sent: each member would have been sent with a blank for it.",
        next_step=f"Correct the flow's file. The properties there are: {', '.join(known)}.",
        list=list_flow.list,
    )


def _rename(list_flow: ListFlow, member: Member) -> Member:
    name = list_flow.name_pattern.format(code=member.code, name=member.name).strip()
    parent_code = member.parent_code if list_flow.parents.by == "source" else ""
    return replace(member, name=name, parent_code=parent_code)


def _with_parents(
    bench: DimensionsBench, list_flow: ListFlow, found: dict[str, Member]
) -> Iterable[Member]:
    if list_flow.parents.by == "property":
        return _group_by_property(list_flow, found)
    if list_flow.parents.by == "file":
        return _group_by_file(bench.parents_files[list_flow.list], list_flow, found).values()
    return found.values()


def _group_by_property(list_flow: ListFlow, found: dict[str, Member]) -> list[Member]:
    """Each member under the group its property names; a value without a name is its own group.

    A group with the code of a member comes beside it, and the conflict is refused where they are
    put in order: the member would hold others, and no amount of its own.
    """
    rules = list_flow.parents
    groups: dict[str, Member] = {}
    members: list[Member] = []
    for member in found.values():
        value = dict(member.properties).get(rules.property, "")
        name = rules.names.get(value, value)
        if name:
            groups.setdefault(name, Member(code=name, name=name))
        members.append(replace(member, parent_code=name))
    return [*groups.values(), *members]


def _group_by_file(text: str, list_flow: ListFlow, found: dict[str, Member]) -> dict[str, Member]:
    grouped = dict(found)
    for row in _read_rows(text, list_flow):
        member = grouped.get(row["code"]) or Member(code=row["code"], name=row["name"])
        grouped[row["code"]] = replace(member, parent_code=row["parent"])
    return grouped


def _read_rows(text: str, list_flow: ListFlow) -> Iterator[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text))
    missing = [column for column in PARENT_COLUMNS if column not in (reader.fieldnames or [])]
    if missing:
        raise ParentsFileError(
            f"The parents file of list {list_flow.list} lacks the columns {', '.join(missing)}.",
            written="Nothing of this list was sent.",
            next_step="Give it the columns code,name,parent.",
            list=list_flow.list,
        )
    for row in reader:
        yield {column: (row[column] or "").strip() for column in PARENT_COLUMNS}


def render_member(list_flow: ListFlow, member: Member) -> dict[str, str]:
    """A member as a row of the list's import file, by column header."""
    columns = list_flow.columns
    row = {columns.code: member.code, columns.name: member.name}
    if columns.parent:
        row[columns.parent] = member.parent_code
    properties = dict(member.properties)
    for name, header in columns.properties.items():
        value = properties.get(name, "")
        row[header] = columns.values.get(name, {}).get(value, value)
    return row


def is_held(
    run: ListRun, row: dict[str, str], held: TargetMember | None, names: Mapping[str, str]
) -> bool:
    """Whether the list shows name and parent as wanted; a parent is shown by name or code."""
    columns = run.list_flow.columns
    if held is None or held.name != row[columns.name]:
        return False
    parent = row.get(columns.parent, "")
    return not columns.parent or held.parent in (parent, names.get(parent, parent))
