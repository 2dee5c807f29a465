"""Members of planning lists, and their order: parents before children."""

from collections.abc import Iterable
from dataclasses import dataclass

from ml_connector.errors import RefusedError


class MemberCycleError(RefusedError):
    """Members name each other as parents in a circle."""

    code = "dimensions.cycle"


class MissingParentError(RefusedError):
    """A member names a parent that neither the source nor the parents file knows."""

    code = "dimensions.missing-parent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An item of a planning list; `properties` are (name, value) pairs in a fixed order."""

    code: str
    name: str
    parent_code: str = ""
    properties: tuple[tuple[str, str], ...] = ()
    is_active: bool = True


def order_parents_first(members: Iterable[Member]) -> list[Member]:
    """The members with every parent before its children, siblings by code.

    Raises:
        MissingParentError: A parent is not among the members; all of them are listed.
        MemberCycleError: Members are each other's parents.
    """
    by_code = {member.code: member for member in members}
    orphans = sorted(
        m.code for m in by_code.values() if m.parent_code and m.parent_code not in by_code
    )
    if orphans:
        raise MissingParentError(
            f"The members {', '.join(orphans)} name parents that do not exist.",
            written="Nothing of this list was sent.",
            next_step="Add the parents to the flow's parents file, or correct the parent rule.",
            members=", ".join(orphans),
        )
    depths = {code: _depth_of(code, by_code) for code in by_code}
    return sorted(by_code.values(), key=lambda member: (depths[member.code], member.code))


def _depth_of(code: str, by_code: dict[str, Member]) -> int:
    depth = 0
    at = by_code[code]
    while at.parent_code:
        depth += 1
        if depth > len(by_code):
            raise MemberCycleError(
                f"The parents of member {code} lead back to it.",
                written="Nothing of this list was sent.",
                next_step="Break the circle in the flow's parents file.",
                member=code,
            )
        at = by_code[at.parent_code]
    return depth
