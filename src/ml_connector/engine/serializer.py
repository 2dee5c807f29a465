"""How DBOS stores values: tagged JSON and nothing else.

DBOS pickles by default, and each row of its database names its own format: one row marked as
pickled would run code even when it is only listed. So the pickling serializer is disarmed before
the engine starts, in both directions, and a probe shows that it is.
"""

import base64
from typing import Any, NoReturn

from dbos import Serializer
from dbos._serialization import DBOSDefaultSerializer, DefaultSerializer, deserialize_value

from ml_connector.engine.errors import PickleRefusedError, as_connector_error, render_error
from ml_connector.engine.tagged_json import parse_tagged, render_tagged
from ml_connector.errors import StoredError

_ERROR = "ml-connector-error"
_PROBE = base64.b64encode(b"N.").decode("ascii")
"""A pickled None, in the form of a row."""


class TaggedSerializer(Serializer):
    """Tagged JSON for everything DBOS stores, exceptions included."""

    def serialize(self, data: Any) -> str:
        """The data as text."""
        if isinstance(data, BaseException):
            return render_tagged({_ERROR: render_error(as_connector_error(data, ""))})
        return render_tagged(data)

    def deserialize(cls, serialized_data: str) -> Any:  # noqa: N805 - as its base class has it
        """The data; an exception comes back as a stored error."""
        found = parse_tagged(serialized_data)
        if isinstance(found, dict) and found.keys() == {_ERROR}:
            return StoredError(found[_ERROR])
        return found

    def name(self) -> str:
        """The format's name in each row."""
        return "ml-connector-json"


def forbid_pickle() -> None:
    """No row can be pickled or unpickled in this process any more.

    Raises:
        AssertionError: This release of DBOS unpickles on another way; the engine must not start.
    """
    DefaultSerializer.serialize = _refuse  # type: ignore[method-assign, assignment]  # disarmed on purpose
    DefaultSerializer.deserialize = _refuse  # type: ignore[method-assign, assignment]  # disarmed on purpose
    try:
        deserialize_value(_PROBE, DBOSDefaultSerializer.name(), TaggedSerializer())
    except PickleRefusedError:
        return
    raise AssertionError("a pickled row was read: this release of DBOS is not supported")


def _refuse(*_: object) -> NoReturn:
    raise PickleRefusedError
