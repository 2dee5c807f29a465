"""The pages in a real browser: nothing on the console, nothing axe objects to, nothing cut off."""

from collections.abc import Iterator
from typing import Any

import pytest
from scripts.browsing import CHROMIUM, NO_BROWSER, opened_browser
from tests.pages.conftest import PASSWORD
from tests.pages.test_pages_rights import fill

LOOKS = {
    "laptop": ("light", 1280, 800),
    "phone": ("dark", 390, 844),
    "narrow": ("light", 360, 740),
    "wide": ("dark", 1920, 1080),
}
"""Colour scheme, width and height."""
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not CHROMIUM, reason=NO_BROWSER),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The system's browser."""
    with opened_browser() as browser:
        yield browser


@pytest.mark.parametrize(
    "look",
    [
        "laptop",
        "phone",
        *(pytest.param(look, marks=pytest.mark.exhaustive) for look in ("narrow", "wide")),
    ],
)
def test_every_page_is_clean_in_a_browser(site: Any, chromium: Any, look: str) -> None:
    """Every page of the router as somebody sees it who may do everything."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # noqa: PLC0415 - it starts slowly and has no types.

    scheme, width, height = LOOKS[look]
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=True
    )
    page, told = context.new_page(), []
    page.on("console", lambda line: told.append(f"{page.url}: {line.text}"))
    page.on("pageerror", lambda error: told.append(f"{page.url}: {error}"))
    page.goto(site.url)
    faults = [*_find_faults(page, Axe(), width)]
    page.fill("#name", "chief")
    page.fill("#password", PASSWORD)
    page.click("button.main")
    for path in [*_list_pages(site, "chief"), "/nowhere/"]:
        page.goto(f"{site.url.rstrip('/')}{path}")
        faults += _find_faults(page, Axe(), width)
    context.close()

    assert faults == []
    assert [line for line in told if "/nowhere/" not in line] == []


def test_signing_in_works_by_keyboard_alone_and_without_scripts(site: Any, chromium: Any) -> None:
    """Tab, type, enter; then the pages are there."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.url}flows/")
    page.keyboard.type("viewer")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    page.wait_for_url(f"{site.url}flows/")
    assert page.locator("h1").inner_text() == "Flows"
    assert page.locator(".chip", has_text="succeeded").count() >= 1
    context.close()


def _list_pages(site: Any, name: str) -> list[str]:
    """What the router leads this person to that is a page."""
    visitor, found = site.member(name), []
    for path, right in site.routes:
        if right == "open":
            continue
        answer = visitor.get(fill(path, site))
        if answer.status == 200 and "text/html" in answer.headers["Content-Type"]:
            found.append(fill(path, site))
    assert len(found) >= len(("", "flows/", "runs/", "people/"))
    return found


def _find_faults(page: Any, axe: Any, width: int) -> Iterator[str]:
    for fault in axe.run(page).response["violations"]:
        places = ", ".join(str(node["target"]) for node in fault["nodes"])
        yield f"{page.url} {fault['id']}: {places}"
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > width:
        yield f"{page.url} is {wide} wide on {width}"
