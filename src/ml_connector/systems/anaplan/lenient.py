"""JSON bodies read leniently: what is absent, null or of another kind is borne (A-10)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLIS_MAX = 253_402_300_799_999


class OffContractError(ValueError):
    """A body is not what the contract promises; the client turns it into an error of the tree."""


def parse_int(text: str) -> int | None:
    """A whole number spelled 5, 5.0 or 5e0; None for anything else."""
    try:
        number = Decimal(text)
        return int(number) if number == number.to_integral_value() else None
    except (InvalidOperation, ValueError, OverflowError):
        return None


def parse_millis(text: str) -> datetime | None:
    """An instant given in milliseconds since 1970; None where there is none."""
    millis = parse_int(text)
    if millis is None or not 0 < millis <= _MILLIS_MAX:
        return None
    return _EPOCH + timedelta(milliseconds=millis)


def _keep_literal(literal: str) -> str:
    return literal


_DECODER = msgspec.json.Decoder(float_hook=_keep_literal)
Kind = TypeVar("Kind")


def parse_object(body: bytes) -> dict[str, Any]:
    """A JSON object, softened.

    Raises:
        OffContractError: The body is no JSON, or another kind of it; says what it is instead.
    """
    try:
        frame = _soften(_DECODER.decode(body))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise OffContractError(_name_fault(body, error)) from error
    if not isinstance(frame, dict):
        raise OffContractError(f"a JSON {type(frame).__name__} instead of an object")
    return frame


def _soften(value: Any) -> Any:
    """The same tree with every number and truth value as text and null fields left out."""
    if isinstance(value, dict):
        return {key: _soften(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_soften(part) for part in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


def convert(value: Any, kind: type[Kind], what: str) -> Kind:
    """The value as a part of an answer.

    Raises:
        OffContractError: It has another shape.
    """
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise OffContractError(f"a {what} that cannot be read ({error})") from error


def _name_fault(body: bytes, error: Exception) -> str:
    if not body.strip():
        return "an empty body instead of JSON"
    if body.lstrip()[:1] == b"<":
        return "a page of HTML instead of JSON"
    return f"JSON that cannot be read ({len(body)} bytes: {error})"
