"""JSON that keeps what JSON has no word for: exact amounts, dates, tuples and bytes.

A value of another kind than JSON's is an object with one key: `{"$decimal": "1.10"}`. Objects of
our own whose keys begin with the same sign are written as `{"$object": [[key, value], ...]}`.
Floats are refused in both directions: they are no amounts.
"""

import base64
import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NoReturn

from ml_connector.engine.errors import UnstorableValueError

_SIGN = "$"


def render_tagged(value: object) -> str:
    """The value as one line of text; equal values give equal texts.

    Raises:
        UnstorableValueError: It holds a float, a naive time, or an object of another kind.
    """
    return json.dumps(_tag(value, "$"), ensure_ascii=False, separators=(",", ":"))


def parse_tagged(text: str) -> Any:
    """The value a text was rendered from.

    Raises:
        UnstorableValueError: The text is not of our making.
    """
    try:
        return json.loads(
            text, object_hook=_untag, parse_float=_refuse_float, parse_constant=_refuse_float
        )
    except (ValueError, TypeError, ArithmeticError) as error:
        raise UnstorableValueError("$", f"its text is not ours: {error}") from error


def _tag(value: object, where: str) -> object:
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, dict):
        return _tag_object(value, where)
    if isinstance(value, list):
        return [_tag(inner, f"{where}[{index}]") for index, inner in enumerate(value)]
    if isinstance(value, tuple):
        return {"$tuple": _tag(list(value), where)}
    return _tag_scalar(value, where)


def _tag_object(value: dict[Any, object], where: str) -> object:
    for key in value:
        if not isinstance(key, str):
            raise UnstorableValueError(where, f"the key {key!r} is no text")
    inner = {key: _tag(one, f"{where}.{key}") for key, one in value.items()}
    if any(key.startswith(_SIGN) for key in inner):
        return {"$object": [[key, one] for key, one in inner.items()]}
    return inner


def _tag_scalar(value: object, where: str) -> object:
    if isinstance(value, float):
        raise UnstorableValueError(where, f"{value!r} is a float")
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise UnstorableValueError(where, f"{value} has no time zone")
        return {"$datetime": value.isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    raise UnstorableValueError(where, f"a {type(value).__name__} has no form in JSON")


_READERS: dict[str, Callable[[Any], object]] = {
    "$decimal": Decimal,
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$bytes": base64.b64decode,
    "$tuple": tuple,
    "$object": dict,
}


def _untag(found: dict[str, Any]) -> object:
    if len(found) == 1:
        [(key, inner)] = found.items()
        if key.startswith(_SIGN):
            return _READERS[key](inner) if key in _READERS else _refuse_tag(key)
    return found


def _refuse_tag(key: str) -> NoReturn:
    raise UnstorableValueError("$", f"the tag {key!r} is not ours")


def _refuse_float(text: str) -> NoReturn:
    raise UnstorableValueError("$", f"{text} is a float")
