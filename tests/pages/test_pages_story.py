"""A whole month end on the pages, in a real browser, by two people."""

from pathlib import Path

import pytest
from scripts.browsing import CHROMIUM, NO_BROWSER
from scripts.story import BEN, FLOW, LATE_PERIOD, LEDGER, opened_house, play

from ml_connector.ports import PostingState
from ml_connector.wiring import open_house


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.skipif(not CHROMIUM, reason=NO_BROWSER)
def test_month_end_from_connecting_to_the_write_back_is_lived_on_the_pages(tmp_path: Path) -> None:
    """Connected, mapped, run, refused, mended, replayed, reconciled, signed, written back."""
    with opened_house(tmp_path) as house:
        scenes = [scene.name for scene in play(house)]

    assert scenes[0] == "connection"
    assert scenes[-1] == "postings"
    with open_house(house.root) as opened:
        records = opened.records
        assert not records.loads.load_refused(FLOW)
        [signed] = records.sign_offs.load_sign_offs(flow=FLOW)
        assert (signed.ledger, signed.period, signed.signed_by) == (LEDGER, LATE_PERIOD, BEN)
        postings = records.postings.load_postings()
        assert postings
        assert {posting.state for posting in postings} == {PostingState.CONFIRMED}
