"""Pages of a project that has people and nothing else, in a process without an engine."""

import base64
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from tests.pages.conftest import SOURCE_ROOT, Visitor

STEP_S = 30
SHOW = """
import sys
from pathlib import Path
from ml_connector.wiring import open_house
with open_house(Path(sys.argv[1])) as house:
    assert house.records is not None
    from ml_connector.web.serving import Pages
    with Pages(house, host="127.0.0.1", port=0) as pages:
        print(pages.url, flush=True)
        sys.stdin.read()
"""


@contextmanager
def opening_door(root: Path, settings: str) -> Iterator[str]:
    """The address of the project's pages; its settings are these."""
    root.mkdir(exist_ok=True)
    (root / "ml-connector.yaml").write_text(settings, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-c", SHOW, str(root)], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={"PYTHONPATH": str(SOURCE_ROOT), "PATH": "/usr/bin:/bin"},
    ) as child:  # fmt: skip
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        if not url:
            raise AssertionError(child.communicate()[1])
        try:
            yield url
        finally:
            told = child.communicate("")[1]
        assert "Traceback" not in told, told


class App:
    """An authenticator app; each code of it is another one."""

    def __init__(self, secret: str) -> None:
        key = base64.b32decode(secret + "=" * (-len(secret) % 8))
        self._totp = TOTP(key, 6, SHA1(), STEP_S)
        self._next = 0

    def show(self) -> str:
        """A code that was not shown before; two are good for half a minute and more.

        Not the one before: that is good until the half minute ends, which may be at once.
        """
        self._next = max(self._next + 1, int(time.time()) // STEP_S)
        return self._totp.generate(self._next * STEP_S).decode()


def set_up_factor(visitor: Visitor) -> tuple[App, list[str]]:
    """The second factor of who has signed in, confirmed, and its recovery codes."""
    begun = visitor.post("/account/factor/", {"what": "begin"})
    app = App(between(begun.text, '<code class="typed">', "<"))
    shown = visitor.post("/account/factor/", {"code": app.show()})
    assert shown.status == 200, shown.text
    return app, [between(part, "<code>", "<") for part in shown.text.split("<li>")[1:]]


def between(text: str, left: str, right: str) -> str:
    """What stands between the two."""
    return text.partition(left)[2].partition(right)[0]


def find_events(house: Any, name: str) -> list[tuple[str, str]]:
    """What the audit chain says of a person: event and actor."""
    return [(row.event, row.actor) for row in house.records.audit.find(name)]
