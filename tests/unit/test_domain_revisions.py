"""Whose word counts is decided by who has moved, and never where both have."""

from hypothesis import given
from hypothesis import strategies as st

from ml_connector.domain.revisions import Agreed, Fate, find_fate

VALUES = st.sampled_from(["", "a", "b", "c"])
AGREED = st.one_of(st.none(), st.builds(Agreed, VALUES, VALUES))


@given(model=VALUES, erp=VALUES, agreed=AGREED)
def test_value_is_written_only_where_the_model_alone_has_moved(
    model: str, erp: str, agreed: Agreed | None
) -> None:
    """The ERP still holds what it held, the model does not, and the two differ."""
    fate = find_fate(model=model, erp=erp, agreed=agreed)
    has_moved_alone = agreed is not None and agreed.erp == erp and agreed.model != model

    assert (fate is Fate.WRITTEN) == (model != erp and has_moved_alone)


@given(model=VALUES, erp=VALUES, agreed=AGREED)
def test_sides_that_hold_the_same_need_nothing(model: str, erp: str, agreed: Agreed | None) -> None:
    """Whatever was agreed before; and only they are the same."""
    assert (find_fate(model=model, erp=erp, agreed=agreed) is Fate.SAME) == (model == erp)


@given(model=VALUES, erp=VALUES, agreed=AGREED)
def test_what_was_written_is_not_written_again(model: str, erp: str, agreed: Agreed | None) -> None:
    """Once both are known to hold their values of now, nothing moves by itself."""
    del agreed
    after = Agreed(model, erp)

    assert find_fate(model=model, erp=erp, agreed=after) in (Fate.SAME, Fate.KEPT)


@given(model=VALUES, erp=VALUES, agreed=st.builds(Agreed, VALUES, VALUES))
def test_change_of_the_erp_alone_stands(model: str, erp: str, agreed: Agreed) -> None:
    """The model that did not move never overwrites the ERP."""
    fate = find_fate(model=agreed.model, erp=erp, agreed=agreed)

    assert fate in (Fate.SAME, Fate.KEPT)
    assert find_fate(model=model, erp=erp, agreed=None) in (Fate.SAME, Fate.UNDECIDED)
