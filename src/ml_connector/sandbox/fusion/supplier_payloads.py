"""Bodies of writes, member by member: what may be written, in the form the tables hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ml_connector.sandbox.fusion.amounts import render_amount
from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.resource import Attribute, Resource
from ml_connector.sandbox.fusion.stamps import parse_day
from ml_connector.sandbox.switches import Switches

_FLAGS = {"Y": 1, "N": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """A body taken apart: members as stored, and the bodies of children by accessor."""

    members: dict[str, Any] = field(default_factory=dict)
    children: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadParser:
    """Takes bodies apart for one resource; `current` is the row that is to change, if any."""

    resource: Resource
    switches: Switches
    current: Mapping[str, Any] | None = None

    def parse(self, body: Mapping[str, Any]) -> Payload:
        """Return what the body asks for.

        Raises:
            RefusalError: A member is unknown, read-only, of the wrong type or too long.
        """
        payload = Payload()
        for name, given in body.items():
            if self.resource.find_child(name) is not None:
                payload.children[name] = _bodies(name, given)
                continue
            attribute = self.resource.find_attribute(name)
            if attribute is None:
                raise RefusalError(400, f'Invalid attribute "{name}" in the payload')
            stored = self.parse_value(attribute, given)
            if self._is_writable(attribute):
                payload.members[name] = stored
            else:
                self._verify_same(attribute, stored)
        return payload

    def parse_value(self, attribute: Attribute, given: Any) -> Any:
        """Return one value as the tables hold it."""
        if given is None:
            return None
        match attribute.kind:
            case "boolean":
                return self._flag(attribute, given)
            case "integer":
                return _integer(attribute, given)
            case "number":
                return _number(attribute, given)
            case "date":
                return _day(attribute, given)
            case _:
                return _text(attribute, given)

    def _is_writable(self, attribute: Attribute) -> bool:
        return attribute.updatable or (attribute.insertable and self.current is None)

    def _verify_same(self, attribute: Attribute, stored: Any) -> None:
        """A read-only member may be sent back as it was read; anything else is up to the pod."""
        before = None if self.current is None else self.current.get(attribute.name)
        if stored != before and self.switches["read_only_member"] == "refuse":
            name = attribute.name
            raise RefusalError(400, f"Attribute {name} cannot be set.", path=f"/{name}")

    def _flag(self, attribute: Attribute, given: Any) -> int:
        if isinstance(given, bool):
            return int(given)
        if self.switches["yes_no_flags"] and isinstance(given, str) and given in _FLAGS:
            return _FLAGS[given]
        raise _unfit(attribute, given)


def _bodies(name: str, given: Any) -> list[dict[str, Any]]:
    if isinstance(given, list) and all(isinstance(body, dict) for body in given):
        return given
    raise RefusalError(400, f"The child {name} in the payload is no array.", path=f"/{name}")


def _integer(attribute: Attribute, given: Any) -> int:
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    raise _unfit(attribute, given)


def _number(attribute: Attribute, given: Any) -> str:
    if isinstance(given, int | Decimal) and not isinstance(given, bool):
        return render_amount(Decimal(given))
    raise _unfit(attribute, given)


def _day(attribute: Attribute, given: Any) -> str:
    try:
        return parse_day(_text(attribute, given))
    except ValueError:
        raise _unfit(attribute, given) from None


def _text(attribute: Attribute, given: Any) -> str:
    if not isinstance(given, str):
        raise _unfit(attribute, given)
    if attribute.length_max is not None and len(given) > attribute.length_max:
        path = f"/{attribute.name}"
        raise RefusalError(400, f"The value {given} is too long. (FND-2825)", path=path)
    return given


def _unfit(attribute: Attribute, given: Any) -> RefusalError:
    name = attribute.name
    return RefusalError(
        400, f"The value {given!r} does not fit the attribute {name}.", path=f"/{name}"
    )
