"""Tokens and the API's manual in a real browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from scripts.browsing import CHROMIUM, NO_BROWSER, opened_browser
from tests.pages.conftest import PASSWORD

WIDTHS = (360, 1280, 1920)
pytestmark = [pytest.mark.exhaustive, pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The system's browser."""
    if not CHROMIUM:
        pytest.skip(NO_BROWSER)
    with opened_browser() as browser:
        yield browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_tokens_and_manual_are_clean_in_a_browser(site: Any, chromium: Any, scheme: str) -> None:
    """Nothing axe objects to, nothing on the console, nothing wider than the page."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # noqa: PLC0415 - only this asks for it; it has no types.

    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
    page, told = context.new_page(), []
    page.on("console", lambda line: told.append(line.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(f"{site.url}sign-in/")
    page.fill("#name", "everything")
    page.fill("#password", PASSWORD)
    page.click("button.main")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{site.url}tokens/")
        page.fill("#name", "a build server with a name that is long enough to be cut")
        page.click("text=Make it")
        for path in ("", "tokens/", "api/v1/"):
            if path:
                page.goto(f"{site.url}{path}")
            page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            faults = Axe().run(page).response["violations"]
            assert [(one["id"], one["nodes"][0]["target"]) for one in faults] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()

    assert told == []
