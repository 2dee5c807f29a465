"""The close, a flow and a run in a real browser: nothing axe objects to, nothing cut off."""

from typing import Any

import pytest
from tests.pages.conftest import PASSWORD
from tests.pages.test_pages_browser import LOOKS, _find_faults
from tests.pages.test_pages_browser import chromium as chromium  # noqa: PLC0414 - a fixture.

pytestmark = [pytest.mark.exhaustive, pytest.mark.long]
FLOW = "actuals-fusion"


@pytest.mark.parametrize("look", LOOKS)
def test_close_is_clean_in_a_browser(site: Any, chromium: Any, look: str) -> None:
    """Folds opened, charts drawn, filters set: at each size, in both schemes."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # noqa: PLC0415 - the browser's tests only; it has no types.

    scheme, width, height = LOOKS[look]
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=True
    )
    page, told = context.new_page(), []
    page.on("console", lambda line: told.append(line.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(site.url)
    page.fill("#name", "viewer")
    page.fill("#password", PASSWORD)
    page.click("button.main")
    faults: list[Any] = []
    for path in ("", f"?flow={FLOW}&open=yes", "?year=2019", f"flows/{FLOW}/",
                 f"runs/{site.run_id}/", "runs/"):  # fmt: skip
        page.goto(f"{site.url}{path}")
        for fold in page.query_selector_all("details > summary"):
            fold.click()
        for picture in page.query_selector_all("figure img"):
            picture.scroll_into_view_if_needed()
            page.wait_for_function("one => one.complete && one.naturalWidth > 0", arg=picture)
        faults += _find_faults(page, Axe(), width)
    context.close()

    assert faults == []
    assert told == []
