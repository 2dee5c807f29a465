"""Values as programs read and write them: exact amounts as text, instants in UTC."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from ninja import Header, Path, Query, Schema
from pydantic import BeforeValidator, ConfigDict, PlainSerializer, StringConstraints, WithJsonSchema

from ml_connector.domain.money import render_plain
from ml_connector.errors import UsageError
from ml_connector.ports import Right, Role
from ml_connector.web.api.problems import MissingError

TEXT_MAX = 2_000
"""Characters of a reason or a note."""
KEY_MAX = 200
"""Characters of a key, a name or an id in a call."""
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def render_instant(at: datetime) -> str:
    """The instant in UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


Instant = Annotated[
    datetime,
    PlainSerializer(render_instant, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
Amount = Annotated[
    Decimal,
    PlainSerializer(render_plain, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["1234.50"]},
        mode="serialization",
    ),
]
"""A decimal as text, so that no reader rounds it; its currency stands beside it."""


def read_day(sent: object) -> object:
    """What was sent, where it is written as a day; a bare number would be seconds."""
    if isinstance(sent, str) and DAY.fullmatch(sent):
        return sent
    raise ValueError("A day is written as 2026-10-31")


Day = Annotated[date, BeforeValidator(read_day)]
"""A day as it is asked for."""
Rights = Annotated[list[Right], BeforeValidator(sorted)]
Roles = Annotated[list[Role], BeforeValidator(sorted)]
Document = dict[str, Any]
"""What was recorded, as it was recorded; amounts in it are text as well."""
Line = r"^[^\x00-\x1f\x7f]*$"
Name = Annotated[str, StringConstraints(min_length=1, max_length=KEY_MAX, pattern=Line)]
STORABLE = r"^[^\x00]*$"
"""PostgreSQL keeps every character but this one."""
Text = Annotated[str, StringConstraints(max_length=TEXT_MAX, pattern=STORABLE)]
Key = Annotated[str, StringConstraints(max_length=KEY_MAX, pattern=Line)]
Told = Annotated[
    str, StringConstraints(max_length=TEXT_MAX, pattern=STORABLE, strip_whitespace=False)
]
"""What we have told before, sent back letter by letter: a cause, a member of a key."""
PathName = Annotated[Name, Path()]
OfFlow = Annotated[str, Query(max_length=KEY_MAX, pattern=Line, description="Of this flow only.")]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key", max_length=KEY_MAX, pattern=Line,
        description="Your own name for this call: sent again, it stands for the run it started.",
    ),
]  # fmt: skip


class Asked(Schema):
    """What is sent; a word that is not known is refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


@contextmanager
def finding() -> Iterator[None]:
    """What is looked up in the block is there; else it is missing, and nothing else is wrong.

    Raises:
        MissingError: There is no such thing.
    """
    try:
        yield
    except UsageError as error:
        raise MissingError(
            error.refused, written=error.written, next_step=error.next_step, **error.arguments
        ) from error
