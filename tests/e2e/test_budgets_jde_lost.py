"""Journals without an answer, in part, refused: none twice, none lost, each told."""

from typing import Any

import pytest
from tests.fakes.books_desk import unexplained
from tests.fakes.budget_desk import MONTHS, ORCHESTRATION, Amounts, BudgetDesk, once_at

from ml_connector.engine.process_lock import ProcessLock
from ml_connector.errors import BusyError, OutcomeUnknownError
from ml_connector.flows.bench import read_document
from ml_connector.flows.budgets import load_budget_books, read_budget_books
from ml_connector.flows.writing.journals import parse_journal
from ml_connector.ports import CheckState, JournalHead, PostingState, RunState
from ml_connector.systems.jde.adapter import JdeSource

# --- answers that are lost ------------------------------------------------------------------------


LOST = [
    {"kind": "reset_after"},
    {"kind": "close_after"},
    {"kind": "html", "status": 502, "effect": True},
    {"kind": "status", "status": 500, "body": "", "effect": True},
    {"kind": "truncate_body", "cut_at": 40},
    {"kind": "reset_before"},
    {"kind": "html", "status": 502},
    {"kind": "status", "status": 503, "body": ""},
]
NAMES = [
    "reset", "closed", "502 but entered", "500 but entered", "cut off", "never arrived",
    "502 in vain", "503 in vain",
]  # fmt: skip


@pytest.mark.exhaustive
@pytest.mark.parametrize("behaviour", ["unchecked"])
@pytest.mark.parametrize("fault", LOST, ids=NAMES)
def test_lost_answer_neither_doubles_nor_loses_a_journal(
    fault: dict[str, Any], behaviour: str, budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """Whether the orchestration knows its keys or not: one document for each journal."""
    budget_desk.turn(orchestrationBehaviour=behaviour)
    budget_desk.spoil(path=ORCHESTRATION, times=1, **fault)

    row = budget_desk.run()

    assert row.state is RunState.SUCCEEDED, row
    assert unexplained(row) == {"0"}
    assert budget_desk.held() == approved
    assert [len(its) for its in budget_desk.keyed().values()] == [1, 1]
    assert {one.state for one in budget_desk.postings()} == {PostingState.CONFIRMED}


@pytest.mark.parametrize("behaviour", ["unchecked"])
def test_answer_later_than_the_time_out_is_not_waited_for(
    behaviour: str, budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """The journal is entered, its answer comes too late; the ledger tells, nothing is resent."""
    budget_desk.timeout_s = 1
    budget_desk.turn(orchestrationBehaviour=behaviour)
    budget_desk.spoil(path=ORCHESTRATION, kind="delay", effect=True, delay_s=3_600)

    row = budget_desk.run()

    assert row.state is RunState.SUCCEEDED
    assert budget_desk.held() == approved
    assert [len(its) for its in budget_desk.keyed().values()] == [1, 1]


@pytest.mark.exhaustive
def test_journal_that_is_never_shown_stops_the_run_and_blocks_the_next(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """Sent twice in vain the run ends as unknown; a resume sends once more and ends well."""
    budget_desk.spoil(path=ORCHESTRATION, kind="reset_before", times=2)

    error, stopped = budget_desk.fail()
    blocked, _ = budget_desk.fail()
    row = budget_desk.resume(stopped.run_id)

    assert isinstance(error, OutcomeUnknownError)
    assert error.exit_code == 9
    assert stopped.state is RunState.UNKNOWN
    assert blocked.exit_code == 6
    assert stopped.run_id in blocked.refused
    assert row.state is RunState.SUCCEEDED
    assert budget_desk.held() == approved
    assert [len(its) for its in budget_desk.keyed().values()] == [1, 1]


@pytest.mark.exhaustive
def test_person_settles_what_a_run_could_not(budget_desk: BudgetDesk, approved: Amounts) -> None:
    """Absent for long enough is refused: the run goes on without it, the next plans it anew.

    Not while a process has the run: frozen, it may still be about to send.
    """
    budget_desk.spoil(path=ORCHESTRATION, kind="reset_before", times=2)
    _, stopped = budget_desk.fail()
    [lost] = budget_desk.postings()

    with budget_desk.house() as house:
        house.records.runs.save_run(stopped.run_id, RunState.RUNNING)
        frozen = ProcessLock(house.project.state_dir)
        frozen.take(now=house.clock.now())
    with pytest.raises(BusyError):
        budget_desk.settle(lost.posting_key)
    frozen.release()
    settled, found = budget_desk.settle(lost.posting_key)
    partly = budget_desk.resume(stopped.run_id)
    row = budget_desk.run()

    assert lost.state is PostingState.UNKNOWN
    assert found.startswith("absent")
    assert settled.state is PostingState.REFUSED
    assert partly.state is RunState.PARTLY
    assert unexplained(partly) == {"0"}
    assert row.state is RunState.SUCCEEDED
    assert budget_desk.held() == approved


@pytest.mark.exhaustive
def test_ledger_that_cannot_be_read_after_a_lost_answer_is_asked_again_later(
    budget_desk: BudgetDesk, approved: Amounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither answer nor look: nothing is sent on a guess, and a resume finds what was entered."""
    budget_desk.turn(orchestrationBehaviour="unchecked")
    budget_desk.spoil(path=ORCHESTRATION, kind="reset_after", times=1)
    submit = JdeSource.submit_journal

    def send_and_fall_silent(self: JdeSource, *asked: Any) -> Any:
        try:
            return submit(self, *asked)
        finally:
            budget_desk.spoil(path="/dataservice", kind="html", status=503, nth=1, every=1)

    with monkeypatch.context() as patch:
        patch.setattr(JdeSource, "submit_journal", send_and_fall_silent)
        error, stopped = budget_desk.fail()
    budget_desk.company.mend()
    sends = budget_desk.sends()
    row = budget_desk.resume(stopped.run_id)

    assert sends == 1
    assert error.exit_code == 9
    assert stopped.state is RunState.UNKNOWN
    assert row.state is RunState.SUCCEEDED
    assert budget_desk.held() == approved
    assert [len(its) for its in budget_desk.keyed().values()] == [1, 1]


@pytest.mark.exhaustive
def test_key_that_is_sent_once_more_is_no_second_journal(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """A journal entered while nobody could see it: the orchestration calls it a duplicate."""
    budget_desk.run()
    keys = {one.posting_key for one in budget_desk.postings()}
    with budget_desk.house() as house:
        bench = house.budget_bench(house.budget_flow("budgets-jde"))
        bench = load_budget_books(bench, read_budget_books(bench))
        posting = house.records.postings.load_postings()[0]
        journal = parse_journal(read_document(bench.archive, posting.content_hash))
        head = JournalHead(
            posting_key=posting.posting_key, document_type="BX", explanation="Once more"
        )
        receipt = bench.journals.submit_journal(journal, head)

    assert receipt.is_duplicate
    assert receipt.document in budget_desk.documents(posting.posting_key)
    assert set(budget_desk.keyed()) == keys
    assert budget_desk.held() == approved


# --- journals in part, refused, unsendable --------------------------------------------------------


@pytest.mark.exhaustive
def test_half_a_journal_is_quarantined_until_a_person_has_mended_it(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """Nobody adds to a part: the run is no success, the next is blocked, settling looks anew."""
    before = budget_desk.held()
    budget_desk.turn(orchestrationBehaviour="half")

    row = budget_desk.run()
    budget_desk.turn(orchestrationBehaviour="plain")
    blocked, _ = budget_desk.fail()
    halves = [one for one in budget_desk.postings() if one.state is PostingState.QUARANTINED]
    kept, _ = budget_desk.settle(halves[0].posting_key)
    for half in halves:
        for document in half.receipt["documents"]:
            budget_desk.do("delete_document", document=document)
    settled = {budget_desk.settle(half.posting_key)[0].state for half in halves}
    mended = budget_desk.held()
    again = budget_desk.run()

    assert row.state is RunState.UNTIED
    assert len(halves) == 2
    assert blocked.code == "budgets.unsettled-posting"
    assert kept.state is PostingState.QUARANTINED
    assert settled == {PostingState.REFUSED}
    assert mended == before
    assert again.state is RunState.SUCCEEDED
    assert budget_desk.held() == approved


def test_line_that_is_refused_keeps_its_whole_journal_away(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """An account closed after the plan was made: its journal is refused, the other one stands."""
    before, place = budget_desk.held(), next(iter(sorted(approved)))[0]
    first, second = (sorted(key for key in approved if key[1] == month) for month in MONTHS)
    approved[place, "Oct 26"] += 1
    approved.pop((place, "Nov 26"), None)
    approved |= {key: amount for key, amount in before.items() if key == (place, "Nov 26")}
    budget_desk.plan(approved)
    budget_desk.on_step = once_at("post: ", lambda: budget_desk.close_account(place))

    row = budget_desk.run()

    assert row.state is RunState.PARTLY
    assert unexplained(row) == {"0"}
    assert {its["state"] for its in row.summary["postings"]} == {"confirmed", "refused"}
    assert any("inactive" in its["reason"] for its in row.summary["postings"])
    assert {key: budget_desk.held().get(key) for key in second} == {
        key: approved[key] for key in second
    }
    assert {key: budget_desk.held().get(key) for key in first} == {
        key: before.get(key) for key in first
    }


@pytest.mark.exhaustive
def test_refusal_told_as_a_failure_is_looked_for_and_never_guessed(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """Status 500 does not prove that nothing was entered; a person may settle it at once."""
    before, place = budget_desk.held(), next(iter(sorted(approved)))[0]
    budget_desk.turn(rejectedAs="500")
    budget_desk.on_step = once_at("post: ", lambda: budget_desk.close_account(place))

    error, stopped = budget_desk.fail()
    [posting] = budget_desk.postings()
    settled, _ = budget_desk.settle(posting.posting_key)

    assert error.exit_code == 9
    assert stopped.state is RunState.UNKNOWN
    assert settled.state is PostingState.REFUSED
    assert budget_desk.held() == before


@pytest.mark.exhaustive
def test_orchestration_that_is_hidden_meanwhile_posts_nothing(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """It was there when the run began; its name is told, and nothing is left to settle."""
    before, name = budget_desk.held(), "PLN_PostBudgetJournal"
    budget_desk.on_step = once_at("post: ", lambda: budget_desk.turn(deniedOrchestrations=[name]))

    row = budget_desk.run()
    budget_desk.turn(deniedOrchestrations=[])
    again = budget_desk.run()

    assert row.state is RunState.PARTLY
    assert unexplained(row) == {"0"}
    assert all(name in its["reason"] for its in row.summary["postings"])
    assert before != approved
    assert again.state is RunState.SUCCEEDED
    assert budget_desk.held() == approved


def test_doctor_asks_what_a_budget_flow_relies_on(budget_desk: BudgetDesk) -> None:
    """The export, the orchestration and its inputs, the way back to each journal, the ledger."""
    found = budget_desk.doctor()

    assert {"model", "export Export JDE Budget", "orchestration", "inputs", "key"} <= set(found)
    assert found["ledger 00001/BA"].state is CheckState.OK
    assert {one.subject for one in found.values() if one.state is CheckState.FAILED} == set()
    assert budget_desk.sends() == 0


def test_doctor_names_what_a_budget_flow_lacks(budget_desk: BudgetDesk) -> None:
    """A renamed orchestration, a renamed export and a ledger of actual amounts, all at once."""
    budget_desk.connect(orchestration={"name": "PLN_Renamed"})
    budget_desk.change(export="Export of nothing", ledgers=["00001/BA", "00001"])

    found = budget_desk.doctor()

    failed = {one.subject for one in found.values() if one.state is CheckState.FAILED}
    assert failed == {"export Export of nothing", "orchestration", "ledger 00001"}


ERROR_BODY = '{"message": "Read back failed", "status": "ERROR", "jde__status": "ERROR"}'


@pytest.mark.parametrize("fault", [{"effect": True}, {}], ids=["entered", "not entered"])
@pytest.mark.exhaustive
def test_answer_of_status_200_that_says_error_is_settled_by_the_ledger(
    fault: dict[str, Any], budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """An error behind a 200 proves neither; one document for each journal all the same."""
    budget_desk.spoil(path=ORCHESTRATION, kind="status", status=200, body=ERROR_BODY, **fault)

    row = budget_desk.run()

    assert row.state is RunState.SUCCEEDED
    assert budget_desk.held() == approved
    assert [len(its) for its in budget_desk.keyed().values()] == [1, 1]


@pytest.mark.parametrize("behaviour", ["raw", "fails", "delays"])
@pytest.mark.exhaustive
def test_orchestration_of_another_make_is_understood_by_what_the_ledger_shows(
    behaviour: str, budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """Raw steps, an error after the last line, a slow one: each journal stands once."""
    budget_desk.turn(orchestrationBehaviour=behaviour, orchestrationDelayS=0.2)

    row = budget_desk.run()

    assert row.state is RunState.SUCCEEDED
    assert budget_desk.held() == approved
    assert {one.state for one in budget_desk.postings()} == {PostingState.CONFIRMED}
    assert all(one.receipt["documents"] for one in budget_desk.postings())
    assert budget_desk.sends() == 2


def test_inputs_in_the_standard_format_land_alike(
    budget_desk: BudgetDesk, approved: Amounts
) -> None:
    """The format is what the server tells of the orchestration."""
    budget_desk.turn(inputFormat="JDE Standard")

    row = budget_desk.run()

    assert row.state is RunState.SUCCEEDED
    assert budget_desk.held() == approved
