"""JSON in one spelling: the same value always gives the same bytes, and floats are refused."""

import json
from typing import Any


class FloatInRecordError(TypeError):
    """A float was about to be stored; amounts are decimal text, counts are ints."""


def render_canonical(value: Any) -> str:
    """The value as JSON with sorted keys and no blanks.

    Raises:
        FloatInRecordError: A float is somewhere inside.
        TypeError: Something else that JSON does not know is inside.
    """
    return json.dumps(
        verify_plain(value),
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
        allow_nan=False,
    )


def verify_plain(value: Any) -> Any:
    """Return the value when it holds nothing but text, ints, bools, nulls, lists and objects.

    Raises:
        FloatInRecordError: A float is somewhere inside.
        TypeError: Something else is, or a key is no text.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise TypeError(f"The key {key!r} of a record is no text.")
            verify_plain(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            verify_plain(inner)
    elif isinstance(value, float):
        raise FloatInRecordError(f"The float {value!r} is about to be stored; use decimal text.")
    elif value is not None and not isinstance(value, str | int):
        raise TypeError(f"A {type(value).__name__} is about to be stored as JSON.")
    return value
