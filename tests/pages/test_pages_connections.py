"""Connections of the pages to PostgreSQL: kept from one request to the next, and never trusted."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.postgres import query_database
from tests.pages.conftest import PASSWORD, Visitor
from tests.pages.door import opening_door

from ml_connector.ports import Role
from ml_connector.wiring import open_house

THREADS_MAX = 8 + 1
"""Those that answer, and the one that has opened the house."""
SETTINGS = "organisation: default\nkey:\n  file: .key\ndatabase_url: {}\n"
OTHERS = (
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def served(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of pages on PostgreSQL, and the database's."""
    root: Path = tmp_path_factory.mktemp("kept")
    with postgres.database(template=postgres.migrated) as database:
        settings = SETTINGS.format(database)
        (root / "ml-connector.yaml").write_text(settings)
        with open_house(root) as house:
            house.add_person("anna", password=PASSWORD, roles=[Role.VIEWER])
        with opening_door(root, settings) as url:
            yield url, database


def test_connections_are_kept_between_requests_and_opened_anew_when_the_server_was_away(
    served: tuple[str, str],
) -> None:
    """Never more than threads; after a restart the very next request of each is answered."""
    url, database = served
    anna = Visitor(url)
    assert anna.sign_in("anna").status == 302

    def load_pids() -> set[object]:
        return {pid for (pid,) in query_database(database, f"SELECT pid {OTHERS}")}

    assert {anna.get("/account/").status for _ in range(THREADS_MAX)} == {200}
    before = load_pids()
    assert {anna.get("/account/").status for _ in range(THREADS_MAX)} == {200}
    after = load_pids()

    assert before
    assert before <= after
    assert len(after) <= THREADS_MAX
    # What a restart does to whoever is connected.
    query_database(database, f"SELECT pg_terminate_backend(pid, 5000) {OTHERS}")
    answers = [anna.get("/account/") for _ in range(THREADS_MAX)]
    assert [answer.status for answer in answers] == [200] * len(answers)
    assert all(re.search("anna", answer.text) for answer in answers)
    assert not load_pids() & after


def test_database_that_is_away_is_told_as_that_and_not_as_a_fault(
    postgres: Any, served: tuple[str, str]
) -> None:
    """A page, a form and a call; nobody is told where it is, and the next look finds it back."""
    url, database = served
    anna = Visitor(url)
    assert anna.sign_in("anna").status == 302
    name = database.partition("?")[0].rsplit("/", 1)[1]
    postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    try:
        postgres.execute(
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        seen = anna.get("/account/")
        sent = anna.post("/plans/x/reject/", {"reason": "The amounts of May are wrong."})
        called = anna.get("/api/v1/runs")
    finally:
        postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    assert (seen.status, sent.status, called.status) == (503, 503, 503)
    assert seen.headers["Retry-After"]
    for answer in (seen, sent):
        assert "The records do not answer" in answer.text
        assert name not in answer.text
    assert "was stored is not known" in sent.text
    assert "The amounts of May are wrong." in sent.text
    assert '"status": 503' in called.text or "does not answer" in called.text
    assert anna.get("/account/").status == 200
