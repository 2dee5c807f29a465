"""The pages in a real browser: nothing on the console, nothing axe objects to, nothing cut off."""

from collections.abc import Iterator
from typing import Any

import pytest
from scripts.browsing import CHROMIUM, NO_BROWSER, opened_browser
from tests.fakes.alert_seeds import CONNECTION
from tests.pages.addresses import fill
from tests.pages.conftest import PASSWORD
from tests.pages.looking import Look, looking

FLOW = "actuals-fusion"
PERIOD = f"reconciliation/period/{FLOW}/Halden%20US/Sep-26/"
LOOKS = {
    "laptop": Look(scheme="light", width=1280, height=800),
    "phone": Look(scheme="dark", width=390, height=844),
    "narrow": Look(scheme="light", width=360, height=740),
    "wide": Look(scheme="dark", width=1920, height=1080),
}
SIZES = {"phone": (360, 780), "laptop": (1280, 800), "wide": (1920, 1080)}
WALKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "alerts": (
        "chief",
        ("alerts/", "alerts/past/", "alerts/<str:alert_id>/", "connections/",
         f"connections/{CONNECTION}/"),
    ),
    "close": (
        "viewer",
        ("", f"?flow={FLOW}&open=yes", "?year=2019", f"flows/{FLOW}/", "runs/<str:run_id>/",
         "runs/"),
    ),
    "mapping": (
        "mapper",
        ("mapping/", f"mapping/{FLOW}/", f"mapping/{FLOW}/test/?test=1",
         *(f"mapping/{FLOW}/{part}/" for part in ("coverage", "history", "diff", "rule", "upload")),
         "unmapped/"),
    ),
    "reconciliation": (
        "approver",
        ("reconciliation/?months=600", PERIOD, f"{PERIOD}?differs=yes", "trace/",
         "trace/?key=<str:run_id>", "trace/?key=nothing&lines=yes"),
    ),
    "tokens": ("chief", ("tokens/", "api/v1/")),
}  # fmt: skip
"""Who walks where: addresses with what is asked of them, which the router does not know."""
OPENED = frozenset({"close", "tokens"})
"""Walks with every fold open."""
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
        "phone",
        *(
            pytest.param(look, marks=pytest.mark.exhaustive)
            for look in ("narrow", "laptop", "wide")
        ),
    ],
)
def test_every_page_is_clean_in_a_browser(site: Any, chromium: Any, look: str) -> None:
    """Every page of the router as somebody sees it who may do everything."""
    with looking(chromium, site.url, LOOKS[look]) as looker:
        faults = [*looker.visit("/")]
        looker.sign_in("chief")
        for path in [*_list_pages(site, "chief"), "/nowhere/"]:
            faults += looker.visit(path)

    assert faults == []
    assert [line for line in looker.told if "/nowhere/" not in line] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("walk", WALKS)
def test_walk_is_clean_at_every_size_and_in_both_schemes(
    site: Any, chromium: Any, walk: str, size: str, scheme: str
) -> None:
    """With the rights of those whose pages these are, and with what they ask of them."""
    (width, height), (name, paths) = SIZES[size], WALKS[walk]
    look, faults = Look(scheme=scheme, width=width, height=height), list[str]()
    with looking(chromium, site.url, look) as looker:
        looker.sign_in(name)
        for path in paths:
            faults += looker.visit(fill(path, site), opens=walk in OPENED)

    assert faults == []
    assert looker.told == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("size", SIZES)
def test_new_token_is_shown_cleanly(site: Any, chromium: Any, size: str) -> None:
    """The one page that shows it, however long its name."""
    width, height = SIZES[size]
    with looking(chromium, site.url, Look(scheme="light", width=width, height=height)) as looker:
        looker.sign_in("chief")
        faults = [*looker.visit("tokens/")]
        looker.page.fill("#name", "a build server with a name that is long enough to be cut")
        looker.page.click("text=Make it")
        faults += looker.find_faults()

    assert faults == []
    assert looker.told == []


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
