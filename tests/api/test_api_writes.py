"""Each operation that writes, called so that it succeeds: over HTTP, and its effect read back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.conftest import make_token, serving_site
from tests.api.names import load_operations
from tests.api.writer import Writer, await_idle
from tests.api.writes import BUDGETS, FLOW, LISTS, STORIES
from tests.conftest import ONE_LEDGER, ProjectMaker

FLOWS = (FLOW, LISTS, BUDGETS)
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@pytest.fixture
def writer(start_company: Any, fresh_state: Path, tmp_path: Path) -> Iterator[Writer]:
    """Calls with every right, in an installation whose systems nobody else uses."""
    company, root = start_company(), tmp_path / "project"
    ProjectMaker(company=company, root=root, state=fresh_state).make(**ONE_LEDGER)
    with serving_site(company, root) as site:
        token = make_token(site)
        found = {
            one.definition.raw["operationId"]: one
            for one in load_operations(site, token)
            if one.method.upper() in WRITES
        }
        yield Writer(site=site, token=token, operations=found, company=company)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_whatever_is_written_is_there_afterwards(writer: Writer) -> None:
    """Each operation of the document has a story; it is answered as described, and read back."""
    told = [name for names in STORIES.values() for name in names]
    assert sorted(told) == sorted(writer.operations)
    for story, operations in STORIES.items():
        await_idle(writer.site, writer.company, *FLOWS)
        story(writer)
        assert set(operations) <= writer.answered, story
