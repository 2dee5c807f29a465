"""The served API against its own description: every operation, with what fits and what does not."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance,
]  # fmt: skip
SLOW = frozenset({"connections_test_connection", "connections_discover", "flows_check_flow"})
"""Ask systems; once each is enough."""
LEFT_OUT = frozenset({"people_save_roles", "people_save_active"})
"""Would take the caller's own rights away; tested by hand."""


def load_operations(site: Any, token: str) -> Iterator[Any]:
    """Yield the operations of the document as it is served."""
    answer = site.visitor().call("GET", "/openapi.json", Authorization=f"Bearer {token}")
    schema = schemathesis.openapi.from_dict(json.loads(answer.text))
    schema.config.update(base_url=site.url, headers={"Authorization": f"Bearer {token}"})
    for found in schema.get_all_operations():
        operation = cast("Any", found).ok()
        if operation.definition.raw["operationId"] not in LEFT_OUT:
            yield operation


def verify(operation: Any, site: Any, mode: GenerationMode, examples: int) -> None:
    """As many calls as said; with names there are, where the address has some."""
    named = {"name": "actuals-fusion", "flow": "actuals-fusion", "run_id": site.run_id}

    @settings(
        max_examples=examples, derandomize=True, deadline=None, database=None,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Any) -> None:
        if mode.is_positive:
            case.path_parameters = {
                name: named.get(name, value) for name, value in (case.path_parameters or {}).items()
            }
        case.call_and_validate(checks=CHECKS)

    # Where nothing is asked, nothing can be asked wrongly.
    with suppress(*([] if mode.is_positive else [Unsatisfiable])):
        call()


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_answers_as_its_description_says(
    site: Any, token: str, mode: GenerationMode
) -> None:
    """No fault of ours, no status or shape that is not told; whatever is sent."""
    count = 0
    for operation in load_operations(site, token):
        slow = operation.definition.raw["operationId"] in SLOW
        verify(operation, site, mode, 2 if mode.is_positive and not slow else 1)
        count += 1
    assert count > 100


@pytest.mark.exhaustive
@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_answers_as_its_description_says_at_length(
    site: Any, token: str, mode: GenerationMode
) -> None:
    """As above, with many more calls of each."""
    for operation in load_operations(site, token):
        slow = operation.definition.raw["operationId"] in SLOW
        verify(operation, site, mode, 3 if slow else 60)
