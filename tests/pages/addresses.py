"""Addresses that the router's patterns stand for, in the site of these tests."""

import re
from typing import Any

SAMPLES = {
    "<path:place>": "actuals-fusion/Halden%20US/Sep-26",
    "<str:name>": "actuals-fusion",
    "<str:run_id>": "{run}",
}


def fill(path: str, site: Any) -> str:
    """An address of the route that leads somewhere."""
    if path.startswith("people/<"):
        return "/people/viewer/"
    for part, sample in {**SAMPLES, **site.samples}.items():
        path = path.replace(part, sample.format(run=site.run_id))
    return f"/{path}"


def name_nothing(path: str) -> str:
    """An address of the API that leads to nothing there is, so that nothing is changed."""
    return "/" + re.sub("<[^>]*>", "nothing-there", path.removeprefix("api/v1/"))
