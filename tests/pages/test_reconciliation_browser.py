"""Reconciliation and trace in a real browser: nothing on the console, nothing axe objects to."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from tests.pages.conftest import PASSWORD

SIZES = {"phone": (360, 800), "laptop": (1280, 800), "wide": (1920, 1080)}
PERIOD = "reconciliation/period/actuals-fusion/Halden%20US/Sep-26/"
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
def test_pages_of_a_period_are_clean(site: Any, chromium: Any, scheme: str, size: str) -> None:
    """As an approver sees them, at each size, in each colour scheme; nothing is cut off."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # noqa: PLC0415 - as above; it has no types.

    width, height = SIZES[size]
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=True
    )
    page, told, faults = context.new_page(), [], []
    page.on("console", lambda line: told.append(line.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(site.url)
    page.fill("#name", "approver")
    page.fill("#password", PASSWORD)
    page.click("button.main")
    for path in (
        "reconciliation/?months=600", PERIOD, f"{PERIOD}?differs=yes", "trace/",
        f"trace/?key={site.run_id}", "trace/?key=nothing&lines=yes",
    ):  # fmt: skip
        page.goto(f"{site.url}{path}")
        for fault in Axe().run(page).response["violations"]:
            places = ", ".join(str(node["target"]) for node in fault["nodes"])
            faults.append(f"{path} {fault['id']}: {places}")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"/{path} is {wide} wide on {width}"
    context.close()

    assert faults == []
    assert told == []
