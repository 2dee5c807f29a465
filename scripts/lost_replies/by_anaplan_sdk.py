"""A process that runs one import after the other by anaplan-sdk, as its documents show it.

Usage: `python -m scripts.lost_replies.by_anaplan_sdk SPEC`. Each import is a job of its own: what
is done is written down, and the next process begins with the first that is not. Settings are the
client's defaults; only the addresses, which stand in the library, lead to the sandbox.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anaplan_sdk  # type: ignore[import-untyped]  # ships no types
import httpx2


class ToSandbox(httpx2.HTTPTransport):
    """Sends what is meant for the vendor's hosts to the sandbox."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = httpx2.URL(url)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The sandbox's answer to a request for *.anaplan.com."""
        if request.url.host.endswith("anaplan.com"):
            where = {"scheme": "http", "host": self._url.host, "port": self._url.port}
            request.url = request.url.copy_with(**where)
        return super().handle_request(request)


def lead_to(url: str) -> None:
    """Every httpx2 client that is made from now on ends at the sandbox."""
    plain, transport = httpx2.Client.__init__, ToSandbox(url)

    def redirected(self: httpx2.Client, *args: Any, **kwargs: Any) -> None:
        plain(self, *args, **{**kwargs, "transport": transport})

    httpx2.Client.__init__ = redirected  # type: ignore[method-assign]  # it makes its own.


def main(spec: Mapping[str, Any]) -> None:
    """Every import that is not written down as done has been run."""
    lead_to(spec["url"])
    client = anaplan_sdk.Client(
        workspace_id=spec["workspace"],
        model_id=spec["model"],
        user_email=spec["user"],
        password=spec["password"],
        **({"timeout": spec["timeout_s"]} if spec["timeout_s"] else {}),
    )
    done = Path(spec["done"])
    ready = len(done.read_text(encoding="utf-8").splitlines()) if done.exists() else 0
    for job in spec["jobs"][ready:]:
        client.upload_and_import(job["file"], job["content"], job["import"])
        with done.open("a", encoding="utf-8") as out:
            out.write(f"{job['import']}\n")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
