"""What becomes of the times of a schedule that have come, also when nobody looked for a while."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ml_connector.domain.schedules import Calendar, Due, find_next, list_due, list_last

CATCH_UP_MAX = 24
"""Most missed times that run one after the other; older ones are let go."""
LATE = timedelta(minutes=5)
"""A time found no later than this is not missed; processes start, databases fail over."""
COUNTED_MAX = 1_000
"""Missed times that are counted; beyond it is said that there were more."""


class CatchUp(StrEnum):
    """Which of the missed times run."""

    NEWEST = "newest"
    ALL = "all"
    NONE = "none"


class Fate(StrEnum):
    """What becomes of a time."""

    RUN = "run"
    MISSED = "missed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A time that has come, or the first of several, and what becomes of it."""

    due: Due
    fate: Fate
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What has come is ruled on up to the next time."""

    rulings: tuple[Ruling, ...]
    next_due: datetime | None


def rule_on_due(calendar: Calendar, since: datetime, now: datetime, how: CatchUp) -> Claimed:
    """Every time of `since` to `now` has its fate, each once, and one of them at most runs.

    With `all` the times behind the one that runs are left for the next look.
    """
    seen = list_due(calendar, since, now, most=COUNTED_MAX)
    chosen = _choose(calendar, seen, since=since, now=now, how=how)
    until = chosen[0].at if chosen and how is CatchUp.ALL else now
    come = [one for one in seen if one.at <= until]
    missed = [one for one in come if one.is_run and one not in chosen]
    rulings = [
        *(Ruling(due=one, fate=Fate.SKIPPED, reason=_tell_skip(one)) for one in come
          if not one.is_run),
        *(Ruling(due=one, fate=Fate.MISSED, reason=_tell_missed(missed, seen, how))
          for one in missed[:1]),
        *(Ruling(due=one, fate=Fate.RUN, reason=_tell_delay(one)) for one in chosen[:1]),
    ]  # fmt: skip
    following = find_next(calendar, until)
    return Claimed(
        rulings=tuple(sorted(rulings, key=lambda one: one.due.at)),
        next_due=following.at if following else None,
    )


def _choose(
    calendar: Calendar, seen: list[Due], *, since: datetime, now: datetime, how: CatchUp
) -> list[Due]:
    """The times that run, oldest first."""
    count = CATCH_UP_MAX if how is CatchUp.ALL else 1
    if len(seen) < COUNTED_MAX:
        runs = [one for one in seen if one.is_run][-count:]
    else:
        runs = list_last(calendar, since, now, count=count)
    return [one for one in runs if how is not CatchUp.NONE or now - one.at <= LATE]


def _tell_skip(due: Due) -> str:
    assert due.skipped_by is not None
    reason = f" ({due.skipped_by.reason})" if due.skipped_by.reason else ""
    return f"a blackout{reason} lets nothing run until {due.skipped_by.ends:%Y-%m-%d %H:%M} UTC"


def _tell_missed(missed: list[Due], seen: list[Due], how: CatchUp) -> str:
    many = f"more than {COUNTED_MAX:,}" if len(seen) >= COUNTED_MAX else f"{len(missed):,}"
    times = "1 time" if many == "1" else f"{many} times"
    ruled = {
        CatchUp.NEWEST: "only the newest runs",
        CatchUp.ALL: f"only the newest {CATCH_UP_MAX} run",
        CatchUp.NONE: "none is caught up",
    }
    return f"{times} came while nothing looked; {ruled[how]}"


def _tell_delay(due: Due) -> str:
    return "" if due.at == due.planned else f"delayed from {due.planned:%Y-%m-%d %H:%M} UTC"
