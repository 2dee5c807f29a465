"""Somebody at a real browser who notes all that is wrong with a page."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.pages.conftest import PASSWORD


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the pages are looked at."""

    scheme: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Looker:
    """A page of the browser, and what it has told on its console."""

    url: str
    page: Any
    axe: Any
    width: int
    told: list[str] = field(default_factory=list)

    def sign_in(self, name: str) -> None:
        """Signed in as that person."""
        self.page.goto(self.url)
        self.page.fill("#name", name)
        self.page.fill("#password", PASSWORD)
        self.page.click("button.main")

    def visit(self, path: str, *, opens: bool = False) -> Iterator[str]:
        """Yield what is wrong with the page of that address.

        Args:
            path: From the root.
            opens: With every fold open and every picture drawn.
        """
        self.page.goto(f"{self.url}{path.removeprefix('/')}")
        if opens:
            self._open_folds()
        yield from self.find_faults()

    def find_faults(self) -> Iterator[str]:
        """Yield what axe objects to on the page as it stands, and whether it is cut off."""
        for fault in self.axe.run(self.page).response["violations"]:
            places = ", ".join(str(node["target"]) for node in fault["nodes"])
            yield f"{self.page.url} {fault['id']}: {places}"
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        if wide > self.width:
            yield f"{self.page.url} is {wide} wide on {self.width}"

    def _open_folds(self) -> None:
        self.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        for picture in self.page.query_selector_all("figure img"):
            picture.scroll_into_view_if_needed()
            self.page.wait_for_function("one => one.complete && one.naturalWidth", arg=picture)


@contextmanager
def looking(chromium: Any, url: str, look: Look) -> Iterator[Looker]:
    """Nobody is signed in yet; what the console is told is kept."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # noqa: PLC0415 - it starts slowly and has no types.

    context = chromium.new_context(
        viewport={"width": look.width, "height": look.height}, color_scheme=look.scheme,
        bypass_csp=True,
    )  # fmt: skip
    page = context.new_page()
    looker = Looker(url=url, page=page, axe=Axe(), width=look.width)
    page.on("console", lambda line: looker.told.append(f"{page.url}: {line.text}"))
    page.on("pageerror", lambda error: looker.told.append(f"{page.url}: {error}"))
    try:
        yield looker
    finally:
        context.close()
