"""Tagged JSON keeps every value exactly, and refuses what is no value of ours."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.engine.errors import UnstorableValueError
from ml_connector.engine.tagged_json import parse_tagged, render_tagged

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.binary()
    | st.dates()
    | st.decimals(allow_nan=False)
    | st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(fold=0))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.sampled_from(["$decimal", "$", "$object"]), inner)
    ),
    max_leaves=20,
)


class Pair(NamedTuple):
    """Two numbers with names."""

    one: int
    other: int


@given(VALUES)
def test_every_value_comes_back_equal_and_of_its_type(value: Any) -> None:
    """What is stored is what is read, down to the zeros of an amount."""
    found = parse_tagged(render_tagged(value))
    assert found == value
    assert repr(found) == repr(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.10"), '{"$decimal":"1.10"}'),
        (date(2026, 10, 31), '{"$date":"2026-10-31"}'),
        (datetime(2026, 10, 31, 8, tzinfo=UTC), '{"$datetime":"2026-10-31T08:00:00+00:00"}'),
        ((1, "é"), '{"$tuple":[1,"é"]}'),
        (b"\x00", '{"$bytes":"AA=="}'),
        ({"$date": "x"}, '{"$object":[["$date","x"]]}'),
        ({"a": [None, True]}, '{"a":[null,true]}'),
    ],
)
def test_form_of_each_kind_stays(value: Any, text: str) -> None:
    """Rows written by an older release are read by a newer one."""
    assert render_tagged(value) == text


def test_times_keep_their_zone() -> None:
    """An offset other than UTC survives."""
    at = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-5)))
    assert parse_tagged(render_tagged(at)).utcoffset() == timedelta(hours=-5)


@pytest.mark.parametrize(
    ("value", "finding"),
    [
        ({"a": [{"b": 1.5}]}, r"at \$\.a\[0\]\.b cannot be stored: 1\.5 is a float"),
        (float("nan"), "nan is a float"),
        ({1: "x"}, "the key 1 is no text"),
        ({"x": {1, 2}}, "a set has no form"),
        (object(), "a object has no form"),
        (datetime(2026, 1, 1), "no time zone"),  # noqa: DTZ001 - the naive time is the subject
    ],
)
def test_what_is_no_json_of_ours_is_refused_with_its_place(value: Any, finding: str) -> None:
    """The refusal says where in the value the fault lies."""
    with pytest.raises(UnstorableValueError, match=finding):
        render_tagged(value)


@pytest.mark.parametrize(
    "text",
    ["1.5", "1e3", "NaN", "Infinity", '{"$pickle":"x"}', '{"$decimal":"x"}', '{"$date":1}', "{"],
)
def test_text_of_another_making_is_refused(text: str) -> None:
    """Floats, unknown tags and broken text are not guessed at."""
    with pytest.raises(UnstorableValueError):
        parse_tagged(text)


def test_named_tuples_come_back_as_tuples() -> None:
    """Names are not stored; the values are."""
    assert parse_tagged(render_tagged(Pair(1, 2))) == (1, 2)
