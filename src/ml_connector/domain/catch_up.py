"""What becomes of the times of a schedule that have come, also when nobody looked for a while."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ml_connector.domain.schedules import (
    Calendar,
    Due,
    find_next,
    find_waiting,
    list_due,
    list_last,
    rule_on_time,
)
from ml_connector.domain.windows import TICK, Blackout, Shut, find_closed

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
    done: datetime | None = None
    """Until when all that was planned has come; None: nothing has."""


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
    done = max((one.at for one in [*come, *chosen[:1]]), default=None)
    waiting = find_waiting(calendar, until)
    return Claimed(
        rulings=tuple(sorted(rulings, key=lambda one: one.due.at)),
        next_due=following.at if following else None,
        # Not beyond what a window still holds back, though later ones were dropped meanwhile.
        done=min(done, waiting - TICK) if done and waiting else done,
    )


def rule_on_events(shut: Shut, events: Sequence[datetime], now: datetime) -> Claimed:
    """The oldest of the events runs, unless a window holds it back or drops it.

    However late one is found it runs, and the others come one after the other. A window drops what
    came within it; what came before waits for its end.

    Args:
        shut: The schedule's windows.
        events: Those that have come and are not done, oldest first.
        now: When nothing may begin that a window holds.
    """
    if not events:
        return Claimed(rulings=(), next_due=None)
    due, closed = rule_on_time(shut, events[0]), find_closed(shut, now)
    if not due.is_run and due.at > now:
        return Claimed(rulings=(), next_due=due.at)
    if due.is_run and closed is not None:
        return Claimed(rulings=(), next_due=closed.ends)
    fate = Fate.RUN if due.is_run else Fate.SKIPPED
    reason = "" if due.is_run else _tell_skip(due)
    return Claimed(
        rulings=(Ruling(due=replace(due, at=events[0]), fate=fate, reason=reason),),
        next_due=events[1] if len(events) > 1 else None,
        done=events[0],
    )


def name_window(held: Blackout) -> str:
    """The window in words: `a blackout (close)`."""
    return f"a {held.kind}{f' ({held.reason})' if held.reason else ''}"


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
    until = f"{due.skipped_by.ends:%Y-%m-%d %H:%M} UTC"
    moved = f"{_tell_delay(due)}, where " if due.dropped_by is not None else ""
    return f"{moved}{name_window(due.skipped_by)} lets nothing run until {until}"


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
    if due.held_by is None:
        return ""
    return f"delayed from {due.planned:%Y-%m-%d %H:%M} UTC by {name_window(due.held_by)}"
