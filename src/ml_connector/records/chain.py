"""The audit chain as pure functions: hashing a link, walking links, one JSON line per link.

Nothing here needs the database, so an exported chain is verified wherever the lines are.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple

from ml_connector.errors import UnexplainedDifferenceError
from ml_connector.ports import AuditRow, Json
from ml_connector.records.canonical import render_canonical

FIRST_HASH = "0" * 64
"""`hash_before` of the first link."""


class ChainEnd(NamedTuple):
    """Number and hash of the newest link, as kept apart from the links."""

    number: int
    hash_after: str


def hash_link(row: AuditRow) -> str:
    """The hash the link must carry: SHA-256 over everything else it says."""
    return sha256(render_canonical(_render_hashed(row)).encode()).hexdigest()


def verify_chain(rows: Iterable[AuditRow], *, end: ChainEnd | None = None) -> int:
    """Number of links, all of which verify.

    Args:
        rows: The links in the order they are kept.
        end: Where the chain is known to end; without it links cut off at the end go unnoticed.

    Raises:
        UnexplainedDifferenceError: Names the first broken link.
    """
    at = ChainEnd(0, FIRST_HASH)
    for row in rows:
        _verify_link(row, after=at)
        at = ChainEnd(row.number, row.hash_after)
    if end is not None and at != end:
        raise broken_link(at.number + 1, f"it is missing; the chain ended at link {end.number}")
    return at.number


def render_instant(at: datetime) -> str:
    """The instant as it is stored and hashed: UTC, always with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def make_plain(value: Any) -> Any:
    """The value as plain JSON: amounts, dates and instants become text, tuples lists."""
    if isinstance(value, dict):
        return {key: make_plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [make_plain(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted(make_plain(inner) for inner in value)
    if isinstance(value, datetime):
        return render_instant(value)
    return str(value) if isinstance(value, Decimal | date) else value


def render_line(row: AuditRow) -> str:
    """The link as one line of JSON, without the line end."""
    return render_canonical({**_render_hashed(row), "hash_after": row.hash_after})


def parse_lines(lines: Iterable[str]) -> Iterator[AuditRow]:
    """Yield the links of an exported chain.

    Raises:
        UnexplainedDifferenceError: A line is no link.
    """
    for number, line in enumerate(lines, start=1):
        try:
            yield _parse_line(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise broken_link(number, "its line does not parse") from error


def broken_link(number: int, finding: str) -> UnexplainedDifferenceError:
    """The error that names the first link that does not verify."""
    return UnexplainedDifferenceError(
        f"The audit chain breaks at link {number}: {finding}.",
        written="Nothing was changed by this check.",
        next_step="Keep the database as it is and compare it with the newest exported chain.",
        number=number,
        finding=finding,
    )


def _verify_link(row: AuditRow, *, after: ChainEnd) -> None:
    expected = after.number + 1
    if row.number > expected:
        raise broken_link(expected, f"it is missing, link {row.number} follows")
    if row.number < expected:
        raise broken_link(expected, f"link {row.number} is in its place")
    if row.hash_before != after.hash_after:
        raise broken_link(row.number, "it does not follow from the link before")
    if row.hash_after != hash_link(row):
        raise broken_link(row.number, "it was changed after it was written")


def _render_hashed(row: AuditRow) -> Json:
    return {
        "number": row.number,
        "at": render_instant(row.at),
        "actor": row.actor,
        "event": row.event,
        "subject": row.subject,
        "run": row.run_id,
        "details": row.details,
        "hash_before": row.hash_before,
    }


def _parse_line(link: Json) -> AuditRow:
    return AuditRow(
        number=link["number"],
        at=datetime.fromisoformat(link["at"]),
        actor=link["actor"],
        event=link["event"],
        subject=link["subject"],
        run_id=link["run"],
        details=link["details"],
        hash_before=link["hash_before"],
        hash_after=link["hash_after"],
    )
