"""The pages in a real browser: nothing on the console, nothing axe objects to, nothing cut off."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from tests.pages.conftest import PASSWORD

SIZES = {"phone": (390, 844), "laptop": (1280, 800), "wide": (1920, 1080)}
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
def test_every_page_is_clean_in_a_browser(site: Any, chromium: Any, scheme: str, size: str) -> None:
    """Signed in as an admin, at each size, in each colour scheme."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # noqa: PLC0415 - as above; it has no types.

    width, height = SIZES[size]
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=True
    )
    page, told = context.new_page(), []
    page.on("console", lambda line: told.append(line.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(site.url)
    faults = [*_find_faults(page, Axe())]
    page.fill("#name", "admin")
    page.fill("#password", PASSWORD)
    page.click("button.main")
    for path in ("", "flows/actuals-fusion/", "runs/", f"runs/{site.run_id}/", "people/",
                 "people/viewer/", "nowhere/"):  # fmt: skip
        page.goto(f"{site.url}{path}")
        faults += _find_faults(page, Axe())
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"/{path} is {wide} wide on {width}"
    context.close()

    assert faults == []
    assert [line for line in told if "404" not in line] == []


def test_signing_in_works_by_keyboard_alone_and_without_scripts(site: Any, chromium: Any) -> None:
    """Tab, type, enter; then the flows are there."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url)
    page.keyboard.type("viewer")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    page.wait_for_url(site.url)
    assert page.locator("h1").inner_text() == "Flows"
    assert page.locator("td[data-title=State] .chip", has_text="succeeded").count() == 1
    context.close()


def _find_faults(page: Any, axe: Any) -> Iterator[str]:
    for fault in axe.run(page).response["violations"]:
        places = ", ".join(str(node["target"]) for node in fault["nodes"])
        yield f"{page.url} {fault['id']}: {places}"
