"""The least a reader of journal lines can do: what the benchmark holds the product against.

`benchmark_bare.py fetch URL FOLDER` walks the posted batches of the sandbox's Fusion one request
after the other and keeps the raw pages of lines; `benchmark_bare.py sum FOLDER` decodes the kept
pages and adds them up in one dict. No retries, no checks, no archive: a floor, not a rival.
"""

import json
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import msgspec

ROOT = "/fscmRestApi/resources/11.13.18.05"
USER = ("INTEGRATION.USER", "halden-password")
"""Public values of a pretended company."""
PAGE = 500
PAGES = "pages.bin"
INDEX = "index.json"
ZERO = Decimal(0)


class Line(msgspec.Struct, rename="pascal"):
    """What is summed of a line."""

    account_combination: str
    accounted_dr: Decimal | None = None
    accounted_cr: Decimal | None = None


class Page(msgspec.Struct):
    """A page of lines."""

    items: list[Line]


def fetch(url: str, folder: Path) -> dict[str, Any]:
    """Every page of lines of every posted batch is kept as it came."""
    began = time.perf_counter()
    index: list[tuple[int, str, str, str]] = []
    with (
        httpx2.Client(base_url=url, auth=USER, headers={"REST-Framework-Version": "4"}) as client,
        (folder / PAGES).open("wb") as out,
    ):
        for batch_id in list_batches(client):
            headers = read(client, f"{ROOT}/journalBatches/{batch_id}/child/journalHeaders")
            for header in (item for page in headers for item in json.loads(page)["items"]):
                scope = (header["LedgerName"], header["PeriodName"], header["LedgerCurrencyCode"])
                pages = read(client, find_lines(header))
                index.extend((out.write(page), *scope) for page in pages)
    (folder / INDEX).write_text(json.dumps(index))
    return {"pages": len(index), "seconds": time.perf_counter() - began}


def list_batches(client: httpx2.Client) -> Iterator[int]:
    """Yield the ids of posted batches, by ascending id."""
    last = 0
    while True:
        query = {"q": f"Status = 'P' and JeBatchId > {last}", "orderBy": "JeBatchId:asc",
                 "onlyData": "true", "limit": str(PAGE)}  # fmt: skip
        reply = client.get(f"{ROOT}/journalBatches", params=query).raise_for_status()
        ids = [item["JeBatchId"] for item in reply.json().get("items", [])]
        yield from ids
        if not ids:
            return
        last = ids[-1]


def read(client: httpx2.Client, path: str) -> Iterator[bytes]:
    """Yield the raw pages of a collection of children."""
    offset, has_more = 0, True
    while has_more:
        # Journals need their links, lines do not.
        query = {"limit": str(PAGE), "offset": str(offset)}
        if path.endswith("journalLines"):
            query |= {"onlyData": "true", "orderBy": "JeLineNumber:asc"}
        content = client.get(path, params=query).raise_for_status().content
        envelope = json.loads(content)
        yield content
        offset, has_more = offset + envelope["count"], envelope["hasMore"]


def find_lines(header: dict[str, Any]) -> str:
    """The path of a journal's lines, from its own link."""
    href = next(link["href"] for link in header["links"] if link["name"] == "journalLines")
    return urlsplit(str(href)).path


def add_up(folder: Path) -> dict[str, Any]:
    """The kept pages, decoded and summed per ledger, period, currency and combination."""
    decode = msgspec.json.Decoder(Page).decode
    sums: dict[tuple[str, str, str, str], Decimal] = {}
    lines = 0
    wall, cpu = time.perf_counter(), time.process_time()
    with (folder / PAGES).open("rb") as pages:
        for size, *scope in json.loads((folder / INDEX).read_text()):
            ledger, period, currency = scope
            for line in decode(pages.read(size)).items:
                key = (ledger, period, currency, line.account_combination)
                net = (line.accounted_dr or ZERO) - (line.accounted_cr or ZERO)
                sums[key] = sums.get(key, ZERO) + net
                lines += 1
    return {
        "lines": lines,
        "sums": len(sums),
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
    }


if __name__ == "__main__":
    done = (
        fetch(sys.argv[2], Path(sys.argv[3]))
        if sys.argv[1] == "fetch"
        else add_up(Path(sys.argv[2]))
    )
    print(json.dumps(done))
