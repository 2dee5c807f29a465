"""Laws of lists: parents come before children, whatever the order members are given in."""

from hypothesis import given
from hypothesis import strategies as st

from ml_connector.domain.dimensions import Member, order_parents_first


@st.composite
def forests(draw: st.DrawFn) -> list[Member]:
    """Members whose parents are among the earlier ones, in random order."""
    members: list[Member] = []
    for code in draw(st.lists(st.text("abcd", min_size=1, max_size=4), unique=True, max_size=15)):
        parent = draw(st.sampled_from(["", *(m.code for m in members)]))
        members.append(Member(code=code, name=code.upper(), parent_code=parent))
    return draw(st.permutations(members))


@given(members=forests())
def test_parents_come_before_their_children(members: list[Member]) -> None:
    """Every member is there once, and its parent stands before it."""
    ordered = order_parents_first(members)

    places = {member.code: at for at, member in enumerate(ordered)}
    assert sorted(places) == sorted(member.code for member in members)
    assert len(ordered) == len(members)
    assert all(places[m.parent_code] < places[m.code] for m in ordered if m.parent_code)


@given(members=forests(), data=st.data())
def test_the_order_does_not_depend_on_the_order_given(
    members: list[Member], data: st.DataObject
) -> None:
    """The same members in any order, some given twice, give the same list."""
    shuffled = data.draw(st.permutations([*members, *members[:3]]))

    assert order_parents_first(shuffled) == order_parents_first(members)
