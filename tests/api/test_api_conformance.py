"""The served API against its own description: every operation, with what fits and what does not."""

from contextlib import suppress
from itertools import islice
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from tests.api.names import find_names, load_operations
from tests.api.writer import CHECKS
from tests.fakes.decision_seeds import plant_refusals

SLOW = frozenset({"connections_test_connection", "connections_discover", "flows_check_flow"})
"""Ask systems; once each is enough."""
LEFT_OUT = frozenset({"people_save_roles", "people_save_active"})
"""Would take the caller's own rights away; `writes.py` has them."""

NOT_HERE = frozenset({"unmapped_show_value", "unmapped_list_lines", "postings_show_change"})
"""Of what this installation has not: unmapped values, suppliers that were changed."""


def ask_for_what_is_there(operation: Any, site: Any, token: str) -> Any:
    """The answer to the call with names of things there are, once it is as described."""
    names = find_names(site, operation.definition.raw["operationId"])
    asked = operation.definition.raw.get("parameters", ())
    wanted = {one["name"]: names[one["name"]] for one in asked if one.get("required")}
    parts = {one["name"] for one in asked if one["in"] == "path"}
    case = operation.Case(
        path_parameters={name: text for name, text in wanted.items() if name in parts},
        query={name: text for name, text in wanted.items() if name not in parts},
    )
    answer = case.call(headers={"Authorization": f"Bearer {token}"})
    case.validate_response(answer, checks=CHECKS)
    return answer


@pytest.mark.long
def test_whatever_is_there_is_told(site: Any, token: str) -> None:
    """Each operation that reads, asked for something that exists: made-up names find nothing."""
    with site.house() as house:  # Others of these tests have replayed what was refused.
        third = next(islice(house.load_saved_plan(site.run_id).read_cells(), 2, None))
        plant_refusals(house, run_id=site.run_id, keys=[third.key])
        open_ones = house.records.loads.load_refused_run("actuals-fusion", site.run_id, limit=200)
        site.samples["refusal"] = str(open_ones[-1].number)
    refused = []
    for operation in load_operations(site, token):
        if operation.method.upper() != "GET" or operation.definition.raw["operationId"] in NOT_HERE:
            continue
        answer = ask_for_what_is_there(operation, site, token)
        if answer.status_code != 200:
            refused.append((operation.path, answer.status_code, answer.text))
    assert refused == []


def verify(operation: Any, site: Any, mode: GenerationMode, examples: int) -> None:
    """As many calls as said; with names there are, where the address has some."""
    named = find_names(site, operation.definition.raw["operationId"])

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
    for operation in load_operations(site, token, without=LEFT_OUT):
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
    for operation in load_operations(site, token, without=LEFT_OUT):
        slow = operation.definition.raw["operationId"] in SLOW
        verify(operation, site, mode, 3 if slow else 60)
