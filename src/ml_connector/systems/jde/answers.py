"""Answers before anybody asks what their keys mean: JSON, its faults, texts without padding."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from ml_connector.systems.jde.conditions import Row

T = TypeVar("T")

DEPTH_MAX: Final = 6
"""Levels of an error body that are searched for words."""
_ANY: Final = msgspec.json.Decoder(Any, float_hook=Decimal)


class UnreadableError(Exception):
    """An answer is cut, a page of HTML, or of another shape; reading again may help."""


class FaultError(Exception):
    """An answer tells of a failure in the server's words."""


class HiddenError(Exception):
    """Asked columns are missing from an answer that is otherwise whole."""

    def __init__(self, columns: list[str]) -> None:
        super().__init__(", ".join(columns))
        self.columns = columns


def decode_object(content: bytes) -> dict[str, Any]:
    """The JSON object a body holds, its numbers from their literals.

    Raises:
        UnreadableError: It holds none.
    """
    try:
        answer = _ANY.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, ArithmeticError):
        raise UnreadableError(name_fault(content)) from None
    if not isinstance(answer, dict):
        raise UnreadableError("JSON that is no object")
    return answer


def decode_as(content: bytes, kind: type[T]) -> T:
    """What a body holds, in its own type; nothing of it is repeated when it cannot be read.

    Raises:
        UnreadableError: It holds something else.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise UnreadableError(name_fault(content)) from None


def is_object(content: bytes) -> bool:
    """Whether the body is a JSON object, and so comes from the AIS server itself."""
    try:
        decode_object(content)
    except UnreadableError:
        return False
    return True


def name_fault(content: bytes) -> str:
    """What a body is that cannot be read."""
    if not content:
        return "an empty body"
    return "a page of HTML" if content.lstrip()[:1] == b"<" else "JSON that cannot be read"


def find_deep(body: Any, *keys: str) -> Any:
    """What lies behind a path of keys; None when it leads nowhere."""
    for key in keys:
        if not isinstance(body, dict):
            return None
        body = body.get(key)
    return body


def find_text(body: Any, keys: tuple[str, ...], *, depth: int = 0) -> str:
    """The best text under one of the keys, however deep it lies; empty when there is none."""
    if depth > DEPTH_MAX:
        return ""
    if isinstance(body, dict):
        said = [body[key] for key in keys if isinstance(body.get(key), str) and body[key].strip()]
        if said:
            return str(said[0]).strip()
        return _find_first(body.values(), keys, depth)
    return _find_first(body, keys, depth) if isinstance(body, list) else ""


def _find_first(bodies: Iterable[Any], keys: tuple[str, ...], depth: int) -> str:
    return next(filter(None, (find_text(each, keys, depth=depth + 1) for each in bodies)), "")


def clean_rows(rows: list[Any]) -> list[Row]:
    """The structs as tuples, texts trimmed."""
    # Most texts of a ledger occur again and again; keeping one of each costs a quarter of the
    # memory, and a look-up is no slower than trimming anew.
    trimmed = _Trimmed()
    as_tuple = msgspec.structs.astuple
    return [
        tuple([trimmed[cell] if cell.__class__ is str else cell for cell in as_tuple(row)])
        for row in rows
    ]


class _Trimmed(dict[str, str | None]):
    """Texts without their padding; None for what is blank (J-11)."""

    def __missing__(self, text: str) -> str | None:
        self[text] = found = text.strip(" ") or None
        return found


def trim(cell: Any) -> Any:
    """A text without its padding, None when it is blank; anything else as it is."""
    return cell.strip(" ") or None if isinstance(cell, str) else cell


def is_true(value: Any) -> bool:
    """Whether a flag is set; some releases write flags as text."""
    return value.strip().lower() == "true" if isinstance(value, str) else bool(value)


def parse_whole(number: Any) -> int:
    """A count, written as a number or as text; raises `UnreadableError` for anything else."""
    text = str(number).strip()
    if not (text.isascii() and text.isdecimal()):
        raise UnreadableError("no count in the answer")
    return int(text)


def find_echo(values: Mapping[str, Any], name: str, table: str) -> Any:
    """What stands under a name, bare or with its table (J-14); raises `HiddenError`."""
    for spelling in (name, f"{table}.{name}"):
        if spelling in values:
            return values[spelling]
    raise HiddenError([name])
