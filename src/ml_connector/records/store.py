"""What all stores share: one organisation, one clock, transactions that fail in our own words."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet

from ml_connector.errors import DatabaseAwayError, SystemUnavailableError
from ml_connector.ports import Clock
from ml_connector.records.clock import read_common
from ml_connector.records.models import Organisation
from ml_connector.records.setup import DEFAULT_ALIAS

Item = TypeVar("Item")
ROWS_PER_STATEMENT = 500
"""Ids in one question and rows in one write; SQLite takes about a thousand values at once."""


class OrganisationStore:
    """A store that sees the rows of one organisation only."""

    def __init__(self, organisation_id: int, *, clock: Clock) -> None:
        self._id = organisation_id
        self._clock = clock

    def _read_now(self) -> datetime:
        """The instant that every process on the database agrees on."""
        return read_common(self._clock, using=DEFAULT_ALIAS)

    def _older(self, rows: QuerySet[Any], **name: str) -> QuerySet[Any]:
        """Of the rows those that came before the one of this name; none where none is called so."""
        first = rows.model.of(self._id).filter(**name).values_list("pk", flat=True).first()
        return rows.filter(pk__lt=first or 0)

    @contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        """As `writing`, one at a time per organisation.

        SQLite lets one writer in anyway. PostgreSQL lines them up at the organisation's row, so
        that a store may read, decide and write without a thought for who else does the same.
        """
        with writing(what):
            if connection.features.has_select_for_update:
                row = Organisation.objects.select_for_update(no_key=True)
                row.get(pk=self._id)
            yield


def select_behind(**key: object) -> Q:
    """Rows that come behind this key, in the order of its columns."""
    (name, value), *rest = key.items()
    later = Q(**{f"{name}__gt": value})
    if not rest:
        return later
    # The bound of the first column alone lets a database begin in the middle of its index.
    return Q(**{f"{name}__gte": value}) & (later | select_behind(**dict(rest)))


@contextmanager
def writing(what: str, *, using: str = DEFAULT_ALIAS) -> Iterator[None]:
    """Everything in the block is stored, or nothing is.

    Args:
        what: What the block stores, for the message.
        using: The connection; the budget has its own.

    Raises:
        DatabaseAwayError: The server does not answer; whether the block is stored is not known
            when that was met at its end, and nothing of it is when it was met before.
        SystemUnavailableError: The database is locked for too long, or full.
    """
    try:
        with transaction.atomic(using=using):
            yield
    except DatabaseAwayError:
        raise
    except OperationalError as error:
        raise SystemUnavailableError(
            f"The records database could not store {what}: {error}.",
            written=f"Nothing of {what} is stored.",
            next_step="Look at the disk and the database, then try again.",
            what=what,
        ) from error


def split_chunks(items: Iterable[Item], size: int = ROWS_PER_STATEMENT) -> Iterator[list[Item]]:
    """Yield the items in lists of at most `size`."""
    left = iter(items)
    while chunk := list(islice(left, size)):
        yield chunk
