"""Rows as JSON text, written once: values, children, links."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any
from urllib.parse import quote

from ml_connector.sandbox.fusion.amounts import is_longer_than_a_double
from ml_connector.sandbox.fusion.call import Call
from ml_connector.sandbox.fusion.meanings import MEANINGS
from ml_connector.sandbox.fusion.opaque import OpaqueKeys, change_indicator
from ml_connector.sandbox.fusion.resource import Attribute, Resource, Row

CONTEXT_FROM = 6
LOVS_UNTIL = 6
STRINGS_FROM = 9
Encode = Callable[[Any], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowForm:
    """How the values of one row become the inside of a JSON object."""

    template: str
    encoders: tuple[Encode, ...]

    def render(self, values: Row) -> str:
        """Return the members, without braces; empty where nothing is shown."""
        return self.template % tuple(
            [
                "null" if value is None else encode(value)
                for encode, value in zip(self.encoders, values, strict=True)
            ]
        )


@lru_cache(maxsize=500)
def row_form(attributes: tuple[Attribute, ...], *, long_as_strings: bool, language: str) -> RowForm:
    """Return the form of rows that show these attributes, meanings in a language."""
    template = ",".join(f'"{attribute.name}":%s' for attribute in attributes)
    encoders = tuple(
        _meaning_encoder(language)
        if attribute.translated or attribute.name.endswith("Meaning")
        else _encoder(attribute, long_as_strings=long_as_strings)
        for attribute in attributes
    )
    return RowForm(template=template, encoders=encoders)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkWriter:
    """Writes the links of the items of one collection."""

    call: Call
    resource: Resource
    collection: str
    parent: str
    keys: OpaqueKeys
    key_style: str
    wanted: frozenset[str]

    def key_of(self, row_id: int, key_value: object) -> str:
        """Return the key of a row as text, not yet encoded."""
        if self.resource.opaque:
            return self.keys.render(self.resource.name, row_id, style=self.key_style)
        return str(key_value)

    def item_links(self, href: str, indicator: str) -> str:
        """Return the JSON array of one item's links."""
        name = self.resource.name
        links = [
            ("self", _self_link(href, name, indicator)),
            ("canonical", f'{{"rel":"canonical","href":"{href}","name":"{name}","kind":"item"}}'),
        ]
        if self.parent:
            label = self.parent.rsplit("/", 2)[1]
            text = f'{{"rel":"parent","href":"{self.parent}","name":"{label}","kind":"item"}}'
            links.append(("parent", text))
        if self.call.version <= LOVS_UNTIL:
            links += [("lov", _lov_link(href, lov.accessor)) for lov in self.resource.lovs]
        links += [("child", _child_link(href, child.accessor)) for child in self.resource.children]
        shown = [text for rel, text in links if not self.wanted or rel in self.wanted]
        return "[" + ",".join(shown) + "]"

    def item_href(self, key: str) -> str:
        """Return the address of the item with this key."""
        return f"{self.collection}/{quote(key, safe='')}"


def _self_link(href: str, name: str, indicator: str) -> str:
    return (
        f'{{"rel":"self","href":"{href}","name":"{name}","kind":"item",'
        f'"properties":{{"changeIndicator":"{indicator}"}}}}'
    )


def _child_link(href: str, accessor: str) -> str:
    return (
        f'{{"rel":"child","href":"{href}/child/{accessor}","name":"{accessor}",'
        '"kind":"collection"}'
    )


def _lov_link(href: str, accessor: str) -> str:
    return f'{{"rel":"lov","href":"{href}/lov/{accessor}","name":"{accessor}","kind":"collection"}}'


def assemble_item(call: Call, parts: list[str], links: str, context: tuple[str, str]) -> str:
    """Return one item: its members, then its links where the version wants them.

    `context` is the key and the change indicator.
    """
    members = [part for part in parts if part]
    if not call.only_data:
        if call.version >= CONTEXT_FROM:
            key, indicator = context
            members.append(
                f'"@context":{{"key":{encode_basestring(key)},'
                f'"headers":{{"ETag":"{indicator}"}},"links":{links}}}'
            )
        else:
            members.append(f'"links":{links}')
    return "{" + ",".join(members) + "}"


def row_indicator(resource: Resource, row_id: int, revision: object) -> str:
    """Return the change indicator of a row."""
    return change_indicator(resource.name, row_id, revision)


def _encoder(attribute: Attribute, *, long_as_strings: bool) -> Encode:
    if attribute.kind == "integer":
        return str
    if attribute.kind == "number":
        return _number_or_text if long_as_strings else str
    if attribute.kind == "boolean":
        return _boolean
    return encode_basestring


def _meaning_encoder(language: str) -> Encode:
    words = MEANINGS.get(language, {})
    return lambda value: encode_basestring(words.get(str(value), str(value)))


def _number_or_text(literal: str) -> str:
    return f'"{literal}"' if is_longer_than_a_double(literal) else literal


def _boolean(value: int) -> str:
    return "true" if value else "false"
