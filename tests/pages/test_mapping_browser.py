"""The workbench and the queue in a real browser: nothing axe objects to, nothing cut off."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from tests.pages.conftest import PASSWORD

FLOW = "actuals-fusion"
PARTS = ("", "test/?test=1", "coverage/", "history/", "diff/", "rule/", "upload/")
PATHS = ("mapping/", *(f"mapping/{FLOW}/{part}" for part in PARTS), "unmapped/")
SIZES = {"phone": (360, 740), "laptop": (1280, 800), "wide": (1920, 1080)}
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
pytestmark = [pytest.mark.exhaustive, pytest.mark.long]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The system's browser."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - the browser's tests only.

    if not CHROMIUM:
        pytest.skip("no Chromium: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_the_rules_are_clean_in_a_browser(
    site: Any, chromium: Any, scheme: str, size: str
) -> None:
    """Signed in as a mapper, at each size, in each colour scheme."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # noqa: PLC0415 - as above; it has no types.

    width, height = SIZES[size]
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=True
    )
    page, told, faults = context.new_page(), [], []
    page.on("console", lambda line: told.append(line.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(f"{site.url}mapping/")
    page.fill("#name", "mapper")
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.wait_for_url(f"{site.url}mapping/")
    for path in PATHS:
        page.goto(f"{site.url}{path}")
        faults += [
            (path, fault["id"], [str(node["target"]) for node in fault["nodes"]])
            for fault in Axe().run(page).response["violations"]
        ]
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"/{path} is {wide} wide on {width}"
    context.close()

    assert faults == []
    assert told == []
