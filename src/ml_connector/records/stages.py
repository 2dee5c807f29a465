"""When a migration is applied: beside processes of an older release, or after the last has gone.

From the ninth on a migration's file says so in its name: `NNNN_pre_name` only adds, so that older
code goes on beside it; `NNNN_post_name` takes away or tightens what older code may still use.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from pkgutil import iter_modules

STAGED_FROM = 9
"""Migrations with lower numbers have no stage: no release is old enough to meet them unapplied."""
_NAME = re.compile(r"^(\d{4})_(?:(pre|post)_)?[a-z0-9_]+$")


class Stage(StrEnum):
    """What a migration does to processes of an older release."""

    PRE = "pre"
    POST = "post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Migrations that are not applied yet, in their order.

    Attributes:
        now: May be applied beside processes of an older release.
        after: Wait until these have gone.
        behind: Of those that wait, what stands behind a later one that only adds; it cannot come
            first, so this release cannot work before all of them are applied.
    """

    now: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()


def find_stage(name: str) -> Stage | None:
    """The stage in the migration's name; None when it has none."""
    found = _NAME.match(name)
    return Stage(found[2]) if found is not None and found[2] else None


def find_number(name: str) -> int:
    """The migration's place in the order; 0 when the name has none."""
    found = _NAME.match(name)
    return int(found[1]) if found is not None else 0


def sort_pending(names: Iterable[str], *, is_alone: bool) -> Pending:
    """What may be applied now, and what waits.

    Args:
        names: Migrations that are not applied.
        is_alone: Whether no process of an older release can be there.
    """
    ordered = tuple(sorted(names))
    posts = [at for at, name in enumerate(ordered) if find_stage(name) is Stage.POST]
    if is_alone or not posts:
        return Pending(now=ordered)
    later = [name for name in ordered[posts[0] :] if find_stage(name) is not Stage.POST]
    return Pending(now=ordered[: posts[0]], after=ordered[posts[0] :], behind=tuple(later))


def list_forbidding(unknown: Collection[str]) -> list[str]:
    """Of migrations a newer release has applied, those this code cannot go on beside."""
    return sorted(name for name in unknown if find_stage(name) is not Stage.PRE)


def find_newest() -> str:
    """The newest migration this release knows; read from the names of the files."""
    folder = Path(__file__).parent / "migrations"
    return max(module.name for module in iter_modules([str(folder)]))
