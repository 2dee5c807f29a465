"""The server is away: reads and writes say so alike, and the next call finds back by itself."""

import threading
from collections.abc import Callable, Iterator

import pytest
from tests.fakes.outages import Way, way_to
from tests.fakes.postgres import Postgres

from ml_connector.errors import ConnectorError, DatabaseAwayError, SystemUnavailableError
from ml_connector.ports import Records, RunState
from ml_connector.records import close, configure, open_records
from ml_connector.records.opening import open_budget
from ml_connector.wiring.workers import HeardBudget

RUN = "261005-060000-aaaa"


def _write_two(records: Records) -> None:
    with records.transactions.begin("two things"):
        records.runs.save_run(RUN, RunState.RUNNING)
        records.audit.record("run.tried", subject="f", actor="me")


CALLS: dict[str, Callable[[Records], object]] = {
    "read": lambda records: records.runs.load_run(RUN),
    "read of many": lambda records: records.runs.load_runs(),
    "write": lambda records: records.runs.save_run(RUN, RunState.RUNNING),
    "audit": lambda records: records.audit.record("run.tried", subject="f", actor="me"),
    "step": lambda records: records.runs.record_step_started(RUN, "read"),
    "block": _write_two,
}


@pytest.fixture
def way(
    records_url: str, postgresql_only: None, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Way]:
    """The process works on its database over a way that can be cut."""
    with way_to(postgres) as way:
        close()
        configure(way.url(records_url), secret_key="only for tests")
        # A server that is back answers in its own time; one that is cut off refuses at once.
        monkeypatch.setattr("ml_connector.records.postgresql.base.PROBE_TIMEOUT_S", 30)
        yield way
        way.mend()
        close()


@pytest.fixture
def records(way: Way) -> Records:
    """All stores, over that way, and a run in them."""
    records = open_records()
    records.runs.create_run(run_id=RUN, flow="f", kind="actuals", actor="me", request={})
    return records


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_call_says_that_the_database_is_away_and_the_next_one_finds_back(
    call: Callable[[Records], object], way: Way, records: Records
) -> None:
    """Cut off in the midst, each kind of call raises the same error, and works afterwards."""
    call(records)
    for _ in range(2):
        way.cut()
        with pytest.raises(DatabaseAwayError, match="does not answer") as caught:
            call(records)
        assert not isinstance(caught.value, SystemUnavailableError)
        assert caught.value.exit_code == SystemUnavailableError.exit_code
        assert not caught.value.is_back()
        way.mend()
        assert caught.value.is_back()
        call(records)
    assert records.audit.verify() >= 0


def test_session_that_the_server_ends_in_a_block_leaves_nothing_of_it(
    way: Way, records: Records
) -> None:
    """The block raises once, whatever it asks for afterwards; its writes are not there."""

    def write_and_lose() -> None:
        with records.transactions.begin("two things"):
            records.runs.save_run(RUN, RunState.RUNNING)
            way.cut()
            try:
                records.runs.load_run(RUN)
            finally:
                way.mend()

    with pytest.raises(DatabaseAwayError):
        write_and_lose()
    assert records.runs.load_run(RUN).state is RunState.QUEUED
    records.runs.save_run(RUN, RunState.RUNNING)
    assert records.runs.load_run(RUN).state is RunState.RUNNING


def test_thread_whose_connection_died_while_it_was_idle_notices_nothing(
    way: Way, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart between two calls is none of their business."""
    monkeypatch.setattr("ml_connector.records.postgresql.base.DOUBTED_AFTER_S", 0.0)
    for _ in range(2):
        way.cut()
        way.mend()
        assert records.runs.load_run(RUN).run_id == RUN
        way.cut()
        way.mend()
        records.runs.save_run(RUN, RunState.RUNNING)


def test_server_that_is_full_or_refuses_is_not_away(way: Way, records: Records) -> None:
    """What the server itself says no to is no outage: nobody waits for that."""
    with pytest.raises(ConnectorError) as caught:
        records.runs.load_run("unknown")
    assert not isinstance(caught.value, DatabaseAwayError)
    with pytest.raises(ConnectorError) as caught:
        records.runs.create_run(run_id=RUN, flow="f", kind="actuals", actor="me", request={})
    assert not isinstance(caught.value, DatabaseAwayError)
    assert way.commits_lost == 0


def test_link_whose_commit_was_not_answered_stands_once_however_often_it_is_told(
    way: Way, records: Records
) -> None:
    """The chain is asked for it before it is told again; a later link of the same words is new."""

    def record() -> None:
        records.audit.record("task.started", subject="T1", actor="me", run_id=RUN, action="Load")

    for lost in range(1, 3):
        way.lose_commit("task.started")
        with pytest.raises(DatabaseAwayError):
            record()
        assert way.commits_lost == lost
        record()
        assert [link.event for link in records.audit.find("T1")] == ["task.started"] * lost
    record()
    assert len(records.audit.find("T1")) == 3
    assert records.audit.verify() == 3


def test_link_that_was_not_stored_is_stored_by_the_second_telling(
    way: Way, records: Records
) -> None:
    """An outage before the commit loses nothing either."""
    way.cut()
    with pytest.raises(DatabaseAwayError):
        records.audit.record("task.started", subject="T1", actor="me", run_id=RUN)
    way.mend()
    records.audit.record("task.started", subject="T1", actor="me", run_id=RUN)
    assert len(records.audit.find("T1")) == 1
    assert records.audit.verify() == 1


def test_grant_is_refused_while_the_database_is_away(way: Way, records: Records) -> None:
    """Nothing is sent without a grant; the next one is given when the server is back."""
    budget = open_budget()
    budget.acquire("erp")
    way.cut()
    with pytest.raises(DatabaseAwayError):
        budget.acquire("erp")
    way.mend()
    budget.acquire("erp")
    assert records.runs.load_run(RUN).run_id == RUN


def test_hold_that_cannot_be_stored_does_not_cost_the_answer_in_hand(
    way: Way, records: Records
) -> None:
    """A system's answer was taken; that our database is away is met by whoever sends next."""
    budget = HeardBudget(open_budget(), lambda: None)
    way.cut()
    budget.hold("erp", 5.0)
    with pytest.raises(DatabaseAwayError):
        budget.acquire("erp")
    way.mend()
    assert records.runs.load_run(RUN).run_id == RUN


def test_threads_find_back_each_with_a_connection_of_its_own(way: Way, records: Records) -> None:
    """A thread that meets the outage later meets it once as well."""
    begun, away = threading.Barrier(4), threading.Event()
    met: list[type[BaseException]] = []

    def read() -> None:
        records.runs.load_run(RUN)
        begun.wait()
        away.wait()
        try:
            records.runs.load_run(RUN)
        except DatabaseAwayError as error:
            met.append(type(error))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    begun.wait()
    way.cut()
    away.set()
    for thread in threads:
        thread.join()
    with pytest.raises(DatabaseAwayError):
        records.runs.load_run(RUN)
    way.mend()
    assert len(met) == 3
    assert records.runs.load_run(RUN).run_id == RUN
