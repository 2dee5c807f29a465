"""Alerts and connections in a real browser: nothing on the console, nothing axe objects to."""

import shutil
from typing import Any

import pytest
from tests.fakes.alert_seeds import CONNECTION
from tests.pages.conftest import PASSWORD

SIZES = {"phone": (360, 780), "laptop": (1280, 800), "wide": (1920, 1080)}
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
pytestmark = [pytest.mark.exhaustive, pytest.mark.long, pytest.mark.timeout(600)]


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium: sudo apt-get install chromium")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_alerts_and_connections_are_clean_in_a_browser(site: Any, scheme: str, size: str) -> None:
    """Signed in with every right, at each size, in each colour scheme."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # noqa: PLC0415 - the browser's tests only; it has no types.
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - as above.

    width, height = SIZES[size]
    told: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": width, "height": height}, bypass_csp=True,
            color_scheme="dark" if scheme == "dark" else "light",
        )  # fmt: skip
        page = context.new_page()
        page.on("console", lambda line: told.append(line.text))
        page.goto(site.url)
        page.fill("#name", "chief")
        page.fill("#password", PASSWORD)
        page.click("button.main")
        for path in ("alerts/", "alerts/past/", f"alerts/{site.samples['<str:alert_id>']}/",
                     "connections/", f"connections/{CONNECTION}/"):  # fmt: skip
            page.goto(f"{site.url}{path}")
            faults = Axe().run(page).response["violations"]
            assert [(one["id"], path) for one in faults] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        browser.close()
    assert told == []
