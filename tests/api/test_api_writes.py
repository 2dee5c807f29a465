"""Each operation that writes, called so that it succeeds: over HTTP, and its effect read back."""

from typing import Any

import pytest
from tests.api.names import load_operations
from tests.api.writer import Writer, await_idle
from tests.api.writes import BUDGETS, FLOW, LISTS, STORIES
from tests.conftest import fill_lists

pytestmark = pytest.mark.long
FLOWS = (FLOW, LISTS, BUDGETS)
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@pytest.fixture(scope="module")
def writer(site: Any, token: str, shared_company: Any) -> Writer:
    """Calls with every right."""
    fill_lists(shared_company)
    found = {
        one.definition.raw["operationId"]: one
        for one in load_operations(site, token)
        if one.method.upper() in WRITES
    }
    return Writer(site=site, token=token, operations=found, company=shared_company)


def test_no_operation_that_writes_is_without_a_story(writer: Writer) -> None:
    """The served document names them; of each it is told how it succeeds."""
    told = [name for names in STORIES.values() for name in names]
    assert sorted(told) == sorted(writer.operations)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_whatever_is_written_is_there_afterwards(writer: Writer, story: Any) -> None:
    """Answered as described, and to be read where it is said to be."""
    await_idle(writer.site, writer.company, *FLOWS)
    story(writer)
    assert set(STORIES[story]) <= writer.answered
