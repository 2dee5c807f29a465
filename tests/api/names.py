"""Names of things that are there, by the parameters of the operations that lead to them."""

import json
from collections.abc import Collection, Iterator
from typing import Any, cast
from urllib.parse import quote

import schemathesis
from tests.fakes.decision_seeds import CAUSE

BY_OPERATION: dict[str, dict[str, str]] = {
    "audit_find_links": {"about": "actuals-fusion"},
    "trace_trace": {"key": "{run}"},
    "refused_list_summaries": {"cause": CAUSE, "period": "{member}"},
    "refused_show_summary": {"number": "{refusal}"},
    "runs_fetch_file": {"file": "{file}"},
    "people_show_person": {"name": "viewer"},
    "errors_show_error": {"code": "api.missing"},
    "connections_show_connection": {"name": "{connection}"},
    "connections_list_tests": {"name": "{connection}"},
    "connections_discover": {"name": "{connection}"},
    "plans_list_plans": {"state": "stale"},
    "schedules_list_firings": {"name": "actuals-fusion"},
    "mapping_list_differences": {"before": "file", "other": ""},
    "mapping_list_moved": {"before": "file", "other": ""},
    "alerts_list_occurrences": {"alert_id": "{alert_id}"},
}
"""What leads to rows, beyond what leads to something everywhere."""


def load_document(site: Any, token: str) -> dict[str, Any]:
    """The description as it is served."""
    answer = site.visitor().call("GET", "/openapi.json", Authorization=f"Bearer {token}")
    found: dict[str, Any] = json.loads(answer.text)
    return found


def load_operations(site: Any, token: str, *, without: Collection[str] = ()) -> Iterator[Any]:
    """Yield the operations of the document as it is served; not those of these ids."""
    schema = schemathesis.openapi.from_dict(load_document(site, token))
    schema.config.update(base_url=site.url, headers={"Authorization": f"Bearer {token}"})
    for found in schema.get_all_operations():
        operation = cast("Any", found).ok()
        if operation.definition.raw["operationId"] not in without:
            yield operation


def find_names(site: Any, operation_id: str) -> dict[str, str]:
    """What the parameters of the operation may be."""
    names = {
        "name": "actuals-fusion", "flow": "actuals-fusion", "run_id": site.run_id, **site.samples,
        **BY_OPERATION.get(operation_id, {}),
    }  # fmt: skip
    return {name: text.format(run=site.run_id, **site.samples) for name, text in names.items()}


def fill(site: Any, address: str, operation: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """The address with names there are, and what has to be asked with it."""
    names = find_names(site, operation["operationId"])
    asked = {}
    for one in operation["parameters"]:
        name = one["name"]
        if one["in"] == "path":
            address = address.replace(f"{{{name}}}", quote(names[name], safe=""))
        elif one.get("required") or name in BY_OPERATION.get(operation["operationId"], {}):
            asked[name] = names[name]
    return address.removeprefix("/api/v1"), asked
