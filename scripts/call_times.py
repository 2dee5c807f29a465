"""How long each call that reads takes on a filled project: `python -m scripts.call_times PROJECT`.

Every operation of the API's own document that reads is asked for with names of what there is, a
list at its beginning and again after some pages; each line says how much of the machine's time the
server took, how long it lasted, and how many statements it made. Operations that ask systems are
left out. Fill the project first: `python -m scripts.fill_records PROJECT`.
"""

import argparse
import gc
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from scripts.fill_others import BIG
from scripts.page_times import LIMIT_MS, TIMES, measure, profile, sign_in

from ml_connector.wiring import open_house

ASKS_SYSTEMS = frozenset({"connections_discover", "flows_check_flow"})
PAGES = 20
"""Pages a list is gone on through before it is measured again."""
CHARS_SAID = 90
Read = Callable[[str], Any]


def main() -> None:
    """A line for each call; ends with 1 where one takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--only", default="", help="calls whose address holds this")
    parser.add_argument("--profile", metavar="PATH", default="")
    asked = parser.parse_args()
    with open_house(asked.project) as house:
        client = sign_in(house)
        if asked.profile:
            profile(client, asked.profile)
            return
        slow = 0
        print(f"{'cpu ms':>7} {'ms':>7} {'statements':>10} {'status':>6}  call")
        for path, cpu, lasted, statements, status in measure_calls(
            client, asked.only, times=asked.times
        ):
            slow += cpu > LIMIT_MS
            mark = "  too long" if cpu > LIMIT_MS else ""
            told = f"{cpu:7.0f} {lasted:7.0f} {statements:10} {status:6}"
            print(f"{told}  {path[:CHARS_SAID]}{mark}", flush=True)
    sys.exit(1 if slow else 0)


def measure_calls(
    client: Any, only: str, *, times: int
) -> Iterator[tuple[str, float, float, int, int]]:
    """Yield call, milliseconds of the processor and of the clock, statements and status."""
    gc.collect()
    gc.freeze()  # As a process that serves does.

    def read(path: str) -> Any:
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.content)
        return json.loads(answer.content)

    names = find_names(read)
    for address, operation in list_reading(read("/api/v1/openapi.json")):
        for path in fill(address, operation, names) if only in address else ():
            answer, cpu, lasted, statements = measure(client, path, times=times)
            yield path, cpu, lasted, statements, answer.status_code
            if (deep := find_deep(read, path, answer)) != path:
                answer, cpu, lasted, statements = measure(client, deep, times=times)
                yield f"{path} further down", cpu, lasted, statements, answer.status_code


def list_reading(document: Any) -> Iterator[tuple[str, Any]]:
    """Yield address and operation of every call that reads and asks no system."""
    for address, methods in document["paths"].items():
        if "get" in methods and methods["get"]["operationId"] not in ASKS_SYSTEMS:
            yield address, methods["get"]


def find_names(read: Read) -> dict[str, str]:
    """Something that is there, by the parameters that name it."""

    def first(path: str, name: str) -> str:
        items = read(f"/api/v1/{path}")["items"]
        return str(items[0][name]) if items else ""

    tally = next(iter(read("/api/v1/refused")["items"]), {"cause": "", "period": "", "flow": ""})
    asked = urlencode({name: tally[name] for name in ("flow", "cause", "period")})
    return {
        "name": "", "flow": tally["flow"], "run_id": first("runs", "run_id"),
        "ledger": BIG[0], "period": BIG[1], "cause": tally["cause"], "about": "kim", "key": "7719",
        "plan": first("plans", "plan"), "dimension": "account", "value": "900001",
        "number": first(f"refused/summaries?{asked}", "number"),
        "alert_id": first("alerts", "alert_id"), "code": "api.missing",
        "postings_key": first("postings", "posting_key"),
        "connections_name": first("connections", "name"), "flows_name": tally["flow"],
        "schedules_name": first("schedules", "name"), "people_name": first("people", "name"),
        "refused_period": tally["period"],
    }  # fmt: skip


def fill(address: str, operation: Any, names: dict[str, str]) -> Iterator[str]:
    """Yield the address with names there are, and what has to be asked with it."""
    tag, asked = operation["tags"][0], {}
    for one in operation.get("parameters", ()):
        name = one["name"]
        if one["in"] == "header":
            continue
        value = names.get(f"{tag}_{name}", names.get(name, ""))
        if one["in"] == "path":
            address = address.replace(f"{{{name}}}", quote(value, safe=""))
        elif one.get("required") or (tag, name) in (("refused", "cause"), ("refused", "period")):
            asked[name] = value
    yield f"{address}?{urlencode(asked)}" if asked else address
    if any(one["name"] == "limit" for one in operation.get("parameters", ())):
        yield f"{address}?{urlencode({**asked, 'limit': 200})}"


def find_deep(read: Read, path: str, answer: Any) -> str:
    """The path of a page some pages further down; the same where there is none."""
    deep, found = path, answer
    told = json.loads(found.content) if "json" in found["Content-Type"] else {}
    told = told if found.status_code == 200 and isinstance(told, dict) else {}
    for _ in range(PAGES):
        if not told.get("next"):
            break
        joined = "&" if "?" in path else "?"
        deep = f"{path}{joined}{urlencode({'after': told['next']})}"
        told = read(deep)
    return deep


if __name__ == "__main__":
    main()
