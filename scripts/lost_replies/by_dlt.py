"""A process that loads rows by dlt into a custom destination, as a scheduler would start it.

Usage: `python -m scripts.lost_replies.by_dlt SPEC`, with dlt and its requests installed. Everything
is dlt's default: ten rows a batch, five tries a job. The destination sends one request a row, and
an answer that is none of success, or none at all, is an error.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dlt  # type: ignore[import-not-found]  # only where `make lost-replies` puts it.
import requests

SPEC: Mapping[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))


def sign_on() -> dict[str, str]:
    """Headers of a session; nothing of it is ever spoiled."""
    asked = SPEC["sign_on"]
    if asked is None:
        return dict(SPEC["headers"])
    reply = requests.post(asked["url"], json=asked["body"], headers=asked["headers"], timeout=60)
    reply.raise_for_status()
    found = reply.json()
    for name in asked["token"]:
        found = found[name]
    return {**SPEC["headers"], asked["header"]: asked["prefix"] + found}


HEADERS = sign_on()


@dlt.destination  # type: ignore[misc, untyped-decorator, unused-ignore]  # dlt is not here to see.
def sandbox(items: list[dict[str, Any]], _table: Any) -> None:
    """Every row is sent once, in its order."""
    for row in items:
        reply = requests.request(
            row["method"], row["url"], json=row["body"], headers=HEADERS,
            timeout=SPEC["timeout_s"] or None,
        )  # fmt: skip
        reply.raise_for_status()


if __name__ == "__main__":
    pipeline = dlt.pipeline(
        pipeline_name="lost_replies", destination=sandbox, pipelines_dir=SPEC["folder"]
    )
    pipeline.run(SPEC["rows"], table_name="writes")
