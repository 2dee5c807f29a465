"""The least a reader of F0911 can do: what the benchmark holds the product against.

`benchmark_bare_jde.py fetch URL FOLDER` walks the posted rows of the sandbox's JD Edwards, page
after page, and keeps the raw pages; `benchmark_bare_jde.py sum FOLDER` decodes the kept pages and
adds up the actual amounts in one dict. No retries, no checks, no archive: a floor, not a rival.
"""

import json
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import httpx2
import msgspec

ROOT = "/jderest/v2"
LOGIN = {
    "username": "PLNSVC", "password": "halden-password", "environment": "JPY920", "role": "*ALL",
    "deviceName": "benchmark-bare",
}  # fmt: skip
"""Public values of a pretended company."""
COLUMNS = (
    "KCO", "DCT", "DOC", "DGJ", "JELN", "EXTL", "LT", "ICUT", "ICU", "DICJ", "CO", "AID", "CTRY",
    "FY", "PN", "AA", "CRCD", "EXA", "EXR", "UPMJ", "UPMT",
)  # fmt: skip
"""Those the product asks for."""
PAGE = 2000
PAGES = "pages.bin"
INDEX = "index.json"
TIMEOUT_S = 600.0
ZERO = Decimal(0)


class Line(msgspec.Struct):
    """What is summed of a row."""

    ledger_type: str = msgspec.field(name="F0911_LT")
    company: str = msgspec.field(name="F0911_CO")
    account: str = msgspec.field(name="F0911_AID")
    year: int = msgspec.field(name="F0911_FY")
    period: int = msgspec.field(name="F0911_PN")
    amount: Decimal = msgspec.field(name="F0911_AA")


class Grid(msgspec.Struct):
    """The rows of a page."""

    rowset: list[Line]


class Data(msgspec.Struct, rename="camel"):
    """What is around the rows."""

    grid_data: Grid


class Browse(msgspec.Struct):
    """What is around that."""

    data: Data


class Page(msgspec.Struct):
    """A page of the account ledger."""

    browse: Browse = msgspec.field(name="fs_DATABROWSE_F0911")


def fetch(url: str, folder: Path) -> dict[str, Any]:
    """Every page of posted rows of the two ledger types is kept as it came."""
    turn_off_fetch_limit(url)
    began = time.perf_counter()
    sizes: list[int] = []
    with (
        httpx2.Client(base_url=url, timeout=TIMEOUT_S) as client,
        (folder / PAGES).open("wb") as out,
    ):
        reply = client.post(f"{ROOT}/tokenrequest", json=LOGIN).raise_for_status()
        token = reply.json()["userInfo"]["token"]
        client.headers |= {
            "jde-AIS-Auth": token,
            "jde-AIS-Auth-Device": LOGIN["deviceName"],
            "Content-Type": "application/json",
        }
        sizes.extend(out.write(page) for page in read(client))
        client.post(f"{ROOT}/tokenrequest/logout", json={"token": token})
    (folder / INDEX).write_text(json.dumps(sizes))
    return {"pages": len(sizes), "seconds": time.perf_counter() - began}


def turn_off_fetch_limit(url: str) -> None:
    """The sandbox gives pages without end; the product, run before, has met the limit."""
    body = json.dumps({"dbFetchLimit": 0}).encode()
    with urlopen(Request(f"{url}/__sandbox/switches", data=body, method="POST")):  # noqa: S310 - our own sandbox.
        pass


def read(client: httpx2.Client) -> Iterator[bytes]:
    """Yield the raw pages of all posted rows."""
    body = {
        "targetName": "F0911", "targetType": "table", "dataServiceType": "BROWSE",
        "findOnEntry": "TRUE", "outputType": "GRID_DATA", "maxPageSize": str(PAGE),
        "returnControlIDs": "|".join(f"F0911.{name}" for name in COLUMNS),
        "enableNextPageProcessing": True,
        "query": {"autoFind": True, "matchType": "MATCH_ALL", "condition": [
            {"controlId": "F0911.POST", "operator": "EQUAL", "value": [literal("P")]},
            {"controlId": "F0911.LT", "operator": "LIST", "value": [literal("AA"), literal("CA")]},
        ]},
    }  # fmt: skip
    content = client.post(f"{ROOT}/dataservice", json=body).raise_for_status().content
    while True:
        yield content
        links = json.loads(content).get("links")
        if not links:
            return
        parts = urlsplit(str(links[0]["href"]))
        content = client.get(f"{parts.path}?{parts.query}").raise_for_status().content


def literal(text: str) -> dict[str, str]:
    """A value of a condition."""
    return {"content": text, "specialValueId": "LITERAL"}


def add_up(folder: Path) -> dict[str, Any]:
    """The kept pages, decoded and summed per company, fiscal year, period and account."""
    decode = msgspec.json.Decoder(Page).decode
    sums: dict[tuple[str, int, int, str], Decimal] = {}
    lines = 0
    wall, cpu = time.perf_counter(), time.process_time()
    with (folder / PAGES).open("rb") as pages:
        for size in json.loads((folder / INDEX).read_text()):
            for line in decode(pages.read(size)).browse.data.grid_data.rowset:
                lines += 1
                if line.ledger_type == "AA":
                    key = (line.company, line.year, line.period, line.account)
                    sums[key] = sums.get(key, ZERO) + line.amount
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
