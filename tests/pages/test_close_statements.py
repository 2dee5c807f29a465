"""The close, a flow, a run and others ask few statements, however much there is."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.http import HttpResponse

ONE, MANY = 1, 60


@pytest.fixture(scope="module")
def ask(
    records_of_site: Any,
) -> Callable[..., tuple[int, HttpResponse]]:
    """Statements a view made, and its answer."""
    from django.db import connection  # noqa: PLC0415 - Django is set up by now.
    from django.test import RequestFactory  # noqa: PLC0415 - as above.
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - as above.

    house = records_of_site

    def call(view: Any, path: str, *args: str) -> tuple[int, HttpResponse]:
        request: Any = RequestFactory().get(path)
        request.house = house
        request.person = house.records.people.find_person("viewer")
        with CaptureQueriesContext(connection) as asked:
            answer = view(request, *args)
        return len(asked), answer

    return call


@pytest.fixture(scope="module")
def records_of_site(site: Any) -> Iterator[Any]:
    """The house of the served project, asked in this process."""
    with site.house() as house:
        assert house.records is not None
        from ml_connector.web.desk import close_desk, open_desk  # noqa: PLC0415 - Django is set up.

        open_desk(house)
        yield house
        close_desk()


@pytest.fixture
def undone(records_of_site: Any) -> Iterator[ExitStack]:
    """What is entered here is left at the end: other tests see nothing of what is stored."""
    assert records_of_site
    with ExitStack() as stack:
        yield stack


def test_statements_of_pages_are_few(
    ask: Any, site: Any, records_of_site: Any, undone: ExitStack
) -> None:
    """Sixty ledgers over half a year ask as few statements as one ledger does."""
    from django.db.transaction import atomic, set_rollback  # noqa: PLC0415 - as above.
    from scripts.fill_records import fill  # noqa: PLC0415 - Django is set up by now.

    from ml_connector.web.views import (  # noqa: PLC0415 - as above.
        close,
        flows,
        reconciliation,
        refused,
        runs,
    )

    flow = "actuals-append-fusion"
    counts: list[tuple[int, ...]] = []
    undone.enter_context(atomic())
    undone.callback(set_rollback, True)
    for ledgers in (ONE, MANY):
        fill([f"filled {ledgers}"], runs=ledgers, refused=ledgers, ledgers=ledgers)
        told = [
            ask(close.show_close, "/"),
            ask(flows.show_flow, f"/flows/{flow}/", flow),
            ask(flows.show_flows, "/flows/"),
            ask(runs.show_runs, "/runs/"),
            ask(runs.show_run, f"/runs/{site.run_id}/", site.run_id),
            ask(refused.show_refused, "/refused/"),
            ask(reconciliation.show_periods, "/reconciliation/"),
        ]
        assert {answer.status_code for _, answer in told} == {200}
        counts.append(tuple(number for number, _ in told))

    few, many = counts
    # Of the close and the reconciliation one for each flow's signatures.
    assert all(0 <= many[at] - few[at] <= 1 for at in (0, -1))
    assert many[1:-1] == few[1:-1]
    assert max(counts[1]) <= 30
