"""How long each page of a filled project takes: `python -m scripts.page_times PROJECT`.

Every page that the navigation leads to, and one of each kind of page those lead to, is asked for
as somebody would who may do all; each line says how much of the machine's time the server took,
how long it lasted, and how many statements it made. Fill the project first:
`python -m scripts.fill_records PROJECT`. `--profile PATH` says where one page's time goes instead.
"""

import argparse
import cProfile
import gc
import html
import pstats
import re
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ml_connector.wiring import House, open_house

NAME = "page-times"
"""Who asks for the pages; added where there is nobody of that name."""
TIMES = 3
"""Requests of one page, of which the quickest counts: others disturb, nothing speeds up."""
LIMIT_MS = 200
DEPTH = 2
"""Links from the navigation to the last page that is asked for."""
PAGES_MAX = 150
ASKED = ("/?open=yes", "/reconciliation/?months=600", "/reconciliation/?state=unexplained",
         "/trace/?key=7719")  # fmt: skip
"""What is typed or chosen, so that no link leads to it."""
LINES_SHOWN = 45
LINK = re.compile(r'href="(/[^"#]*|\?[^"#]*)"')
FILES = ("as", "chart", "table")
"""What makes an address that of a file, which may take longer."""


def main() -> None:
    """A line for each page, the slowest last; ends with 1 where one takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--profile", metavar="PATH", default="")
    asked = parser.parse_args()
    with open_house(asked.project) as house:
        client = sign_in(house)
        if asked.profile:
            profile(client, asked.profile)
            return
        found = sorted(measure_all(client, times=asked.times), key=lambda row: row[1])
    print(f"{'cpu ms':>7} {'ms':>7} {'statements':>10} {'kB':>6}  page")
    for path, cpu, lasted, statements, size in found:
        mark = "  too long" if cpu > LIMIT_MS else ""
        print(f"{cpu:7.0f} {lasted:7.0f} {statements:10} {size / 1000:6.0f}  {path}{mark}")
    if any(cpu > LIMIT_MS for _, cpu, *_ in found):
        sys.exit(1)


def sign_in(house: House) -> Any:
    """Django's client, in which somebody who may do all has signed in."""
    from ml_connector.ports import Role  # noqa: PLC0415 - as the house is opened.

    if house.records.people.find_person(NAME) is None:
        house.add_person(NAME, password=secrets.token_urlsafe(), roles=list(Role))
    from django.test import Client  # noqa: PLC0415 - Django is set up by now.

    from ml_connector.web.desk import open_desk  # noqa: PLC0415 - as above.
    from ml_connector.web.signing import BACKEND, BY_PROVIDER, PROOF, find_user  # noqa: PLC0415 - as above.

    open_desk(house)
    client = Client(SERVER_NAME="127.0.0.1", raise_request_exception=False)
    client.force_login(find_user(NAME), backend=BACKEND)
    session = client.session
    session[PROOF] = BY_PROVIDER
    session.save()
    return client


def measure_all(client: Any, *, times: int) -> Iterator[tuple[str, float, float, int, int]]:
    """Yield path, milliseconds of the processor and of the clock, statements and bytes."""
    from ml_connector.web.context import PLACES  # noqa: PLC0415 - Django is set up by now.

    gc.collect()
    gc.freeze()  # As a process that serves does.
    kinds: set[str] = set()
    coming = [(path, 0) for path in (*(place.path for place in PLACES), *ASKED)]
    while coming and len(kinds) < PAGES_MAX:
        path, depth = coming.pop(0)
        kind = name_kind(path)
        if not kind or kind in kinds:
            continue
        kinds.add(kind)
        answer, cpu_ms, wall_ms, statements = measure(client, path, times=times)
        if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
            continue
        yield path, cpu_ms, wall_ms, statements, len(answer.content)
        if depth < DEPTH:
            coming += [(link, depth + 1) for link in list_links(path, answer.content.decode())]


def name_kind(path: str) -> str:
    """The same for pages of one make: what is shown, and what may narrow it; nothing for files."""
    from django.urls import Resolver404, resolve  # noqa: PLC0415 - Django is set up by now.

    parts = urlsplit(path)
    asked = sorted({name for name, value in parse_qsl(parts.query)})
    if any(name in FILES for name in asked) or parts.path.startswith("/static/"):
        return ""
    try:
        return f"{resolve(parts.path).url_name}?{'&'.join(asked)}"
    except Resolver404:
        return ""


def list_links(path: str, text: str) -> list[str]:
    """Where the page leads to, on this server."""
    here = urlsplit(path).path
    found = (html.unescape(link) for link in LINK.findall(text))
    return list(dict.fromkeys(here + link if link.startswith("?") else link for link in found))


def measure(client: Any, path: str, *, times: int) -> tuple[Any, float, float, int]:
    """The answer, and what the quickest of some requests took."""
    from django.db import connection  # noqa: PLC0415 - Django is set up by now.
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - as above.

    with CaptureQueriesContext(connection) as asked:
        answer = client.get(path)
        # Each request forgets those of the one before.
        statements = len(asked)
    if answer.status_code != 200:
        return answer, 0.0, 0.0, statements
    took = []
    for _ in range(times):
        clock, processor = time.perf_counter(), time.process_time()
        client.get(path)
        took.append((time.process_time() - processor, time.perf_counter() - clock))
    return answer, min(took)[0] * 1000, min(one for _, one in took) * 1000, statements


def profile(client: Any, path: str) -> None:
    """Where the time of one page goes is printed."""
    client.get(path)
    profiler = cProfile.Profile()
    profiler.runcall(client.get, path)
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(LINES_SHOWN)


if __name__ == "__main__":
    main()
