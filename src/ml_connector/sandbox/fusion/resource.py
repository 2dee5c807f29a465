"""What a resource is made of: attributes, children, finders, and where its rows come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal["integer", "string", "number", "boolean", "date", "datetime"]
Row = tuple[Any, ...]
Compute = Callable[[Mapping[str, str], str | None], list[Row]]
"""Finder variables and user to rows, each in the order of the attributes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute; `query_switch` and `sort_switch` name what makes it queryable or sortable.

    An `insertable` one may be given to a new row and never changed; a `translated` one shows
    its text in the user's language.
    """

    name: str
    kind: Kind = "string"
    updatable: bool = False
    mandatory: bool = False
    queryable: bool = True
    query_switch: str | None = None
    sort_switch: str | None = None
    is_clob: bool = False
    length_max: int | None = None
    insertable: bool = False
    translated: bool = False

    @property
    def column(self) -> str:
        """The quoted column that holds it."""
        return f'"{self.name}"'

    def asked_by(self, switch: str) -> Attribute:
        """Return the same attribute, queryable only while the switch stands."""
        return replace(self, query_switch=switch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A collection below a row: the accessor in the path and the resource behind it."""

    accessor: str
    resource: Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Finder:
    """A named query: each variable stands for an attribute (or only for itself)."""

    name: str
    variables: Mapping[str, str]
    required: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A collection of rows of one shape.

    `table` is a table or view with `_id` and, for children, `_parent`; resources without one
    have `compute`. `opaque` resources hide their key; the others show it in `key`.
    """

    name: str
    title: str
    attributes: tuple[Attribute, ...]
    key: str = ""
    table: str = ""
    compute: Compute | None = None
    opaque: bool = False
    children: tuple[Child, ...] = ()
    finders: tuple[Finder, ...] = ()
    verbs: frozenset[str] = frozenset({"GET"})
    privilege: Literal["journal", "lov", "supplier", ""] = ""
    ledger_filter: str = ""
    unit_filter: str = ""
    lovs: tuple[Child, ...] = ()
    actions: tuple[str, ...] = ()
    has_revision: bool = False

    def find_attribute(self, name: str) -> Attribute | None:
        """Return the attribute called exactly so, or None."""
        return next((attr for attr in self.attributes if attr.name == name), None)

    def find_child(self, accessor: str) -> Child | None:
        """Return the child behind an accessor, or None."""
        return next((child for child in self.children if child.accessor == accessor), None)

    def find_lov(self, accessor: str) -> Child | None:
        """Return the list of values behind an accessor, or None."""
        return next((lov for lov in self.lovs if lov.accessor == accessor), None)


def attributes(kind: Kind, names: str, **facts: Any) -> tuple[Attribute, ...]:
    """Return one attribute of a kind for each name in a blank-separated list."""
    return tuple(Attribute(name=name, kind=kind, **facts) for name in names.split())
