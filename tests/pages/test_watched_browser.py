"""A run that is watched in a real browser, by keyboard, while the pages are away for a while."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from scripts.browsing import CHROMIUM, NO_BROWSER, opened_browser
from tests.pages.looking import Look, looking

from ml_connector.ports import RunState

RUN = "261122-watched"
WAIT_MS = 30_000
pytestmark = [
    pytest.mark.long,
    pytest.mark.exhaustive,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not CHROMIUM, reason=NO_BROWSER),
]


@pytest.fixture(scope="module")
def watched(site: Any) -> str:
    """A run that is executed."""
    with site.house() as house, house.records.transactions.begin("a run that is executed"):
        house.records.runs.create_run(
            run_id=RUN, flow="watched", kind="actuals", actor="kim", request={}
        )
        house.records.runs.save_run(RUN, RunState.RUNNING)
    return RUN


@pytest.fixture
def looker(site: Any, watched: str) -> Iterator[Any]:
    """An operator at a laptop, before a run that is executed."""
    look = Look(scheme="light", width=1280, height=800)
    with opened_browser() as browser, looking(browser, site.url, look) as found:
        found.sign_in("operator")
        found.page.goto(f"{site.url}runs/{watched}/")
        yield found


def test_watched_run_says_that_nobody_answers_and_keeps_the_place_of_who_works_in_it(
    site: Any, looker: Any
) -> None:
    """The word is gone with the first answer; focus stays, and goes on where its button is gone."""
    page, lost = looker.page, looker.page.locator("#lost")
    page.get_by_role("link", name="Stop …").focus()
    with page.expect_response(f"**/runs/{RUN}/", timeout=WAIT_MS):
        pass
    assert page.evaluate("document.activeElement.textContent") == "Stop …"

    page.route(f"**/runs/{RUN}/", lambda way: way.abort())
    lost.wait_for(timeout=WAIT_MS)
    assert "The pages do not answer" in lost.inner_text()
    assert [*looker.find_faults()] == []

    page.unroute(f"**/runs/{RUN}/")
    lost.wait_for(state="hidden", timeout=WAIT_MS)
    assert page.evaluate("document.activeElement.textContent") == "Stop …"

    # In a thread of its own: the browser's keeps a loop, beside which nobody asks a database.
    with ThreadPoolExecutor() as beside:
        beside.submit(_fail, site).result()
    page.locator("#live .facts .chip", has_text="failed").wait_for(timeout=WAIT_MS)
    page.wait_for_function("document.activeElement.id === 'content'", timeout=WAIT_MS)


def _fail(site: Any) -> None:
    with site.house() as house:
        house.records.runs.save_run(RUN, RunState.FAILED)


def test_printed_run_is_dark_ink_on_paper_and_cut_nowhere(site: Any, looker: Any) -> None:
    """Also from a dark screen; nothing to press, whole tables, and who printed it."""
    page = looker.page
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 718, "height": 1046})
    page.goto(f"{site.url}runs/{site.run_id}/")

    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(28, 33, 36)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 718
    for away in (".bar", ".places", ".files", ".actions"):
        assert not any(one.is_visible() for one in page.locator(away).all()), away
    assert page.locator("thead").first.is_visible()
    assert "printed by operator" in page.locator(".printed").inner_text()
