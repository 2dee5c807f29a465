"""Writes docs/images/: a picture of each page, taken while a month end is lived on the sandbox.

Usage: python -m scripts.screenshots. Needs Chromium. Pictures differ from one day to another, for
the pages show instants; they are written when pages have changed, not with each change.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scripts.browsing import CHROMIUM, NO_BROWSER, ROOT
from scripts.story import BEN, FLOW, House, opened_house, play

IMAGES = ROOT / "docs" / "images"
LAPTOP = {"viewport": {"width": 1280, "height": 860}}
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
LATER = {
    "close": "", "flow": f"flows/{FLOW}/", "runs": "runs/", "coverage": f"mapping/{FLOW}/coverage/",
    "unmapped": "unmapped/", "trace": "trace/?key=68990&lines=yes", "schedules": "schedules/",
    "alerts": "alerts/", "connections": "connections/", "people": "people/", "tokens": "tokens/",
    "api": "api/v1/",
}  # fmt: skip
"""Pages that are photographed when the month end is over, as somebody sees them who may all."""
ON_PHONE = {"close-phone": "", "reconciliation-phone": f"reconciliation/?flow={FLOW}"}


def main() -> None:
    """Every picture is there."""
    if not CHROMIUM:
        sys.exit(NO_BROWSER)
    shutil.rmtree(IMAGES, ignore_errors=True)
    IMAGES.mkdir(parents=True)
    with TemporaryDirectory() as folder, opened_house(Path(folder)) as house:
        for scene in play(house, **LAPTOP):
            scene.page.wait_for_load_state("networkidle")
            shoot(scene.page, scene.name)
        visit(house, house.sign_in("chief", **LAPTOP), LATER)
        visit(house, house.sign_in(BEN, **PHONE), ON_PHONE)


def visit(house: House, page: Any, places: dict[str, str]) -> None:
    """Each place is photographed."""
    for name, path in places.items():
        house.go(page, path)
        page.wait_for_load_state("networkidle")
        shoot(page, name)


def shoot(page: Any, name: str) -> None:
    """What the window shows is a file."""
    page.screenshot(path=str(IMAGES / f"{name}.png"))
    print(f"docs/images/{name}.png", flush=True)


if __name__ == "__main__":
    main()
