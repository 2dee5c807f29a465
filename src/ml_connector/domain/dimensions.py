"""Members of planning lists, and their order: parents before children."""

from collections.abc import Iterable
from dataclasses import dataclass

from ml_connector.errors import RefusedError


class MemberCycleError(RefusedError):
    """Members name each other as parents in a circle."""

    code = "dimensions.cycle"


class MemberConflictError(RefusedError):
    """One code stands for two different members."""

    code = "dimensions.conflict"


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
    """The members with every parent before its children, siblings by code, each code once.

    Raises:
        MemberConflictError: A code comes twice with different names, parents or properties.
        MissingParentError: A parent is not among the members; all of them are listed.
        MemberCycleError: Members are each other's parents.
    """
    by_code = _index_members(members)
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
    depths: dict[str, int] = {"": -1}
    for code in by_code:
        _find_depth(code, by_code=by_code, depths=depths)
    return sorted(by_code.values(), key=lambda member: (depths[member.code], member.code))


def _index_members(members: Iterable[Member]) -> dict[str, Member]:
    by_code: dict[str, Member] = {}
    for member in members:
        other = by_code.setdefault(member.code, member)
        if other != member:
            raise MemberConflictError(
                f"The code {member.code!r} stands for {other.name!r} and for {member.name!r}.",
                written="Nothing of this list was sent.",
                next_step="Give the two members different codes, or leave one source out. If one is"
                " a group made of a property, give it another name in `parents.names` of the list.",
                member=member.code,
            )
    return by_code


def _find_depth(code: str, *, by_code: dict[str, Member], depths: dict[str, int]) -> None:
    """The member and all above it have their depth; each member is walked once over all calls."""
    path: dict[str, None] = {}
    while code not in depths:
        if code in path:
            circle = ", ".join(sorted(path))
            raise MemberCycleError(
                f"The parents of member {code} lead back to it, by way of {circle}.",
                written="Nothing of this list was sent.",
                next_step="Break the circle in the flow's parents file.",
                member=code,
            )
        path[code] = None
        code = by_code[code].parent_code
    for below, member in enumerate(reversed(path), start=1):
        depths[member] = depths[code] + below
