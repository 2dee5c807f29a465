"""What people start and decide, below every page: once for each form, and never against the laws.

No server takes the runs here: they stay queued, as they do until one looks.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import decision_seeds as seeds
from tests.fakes.standing import lay_state

from ml_connector.errors import BlockedError, BusyError, SystemUnavailableError, UsageError
from ml_connector.flows.scheduling import FlowPlace
from ml_connector.ports import ApprovalState, PlanRow, RunState
from ml_connector.wiring import House, open_house, write_project

ACTUALS, BUDGET = "actuals-fusion", "budgets-jde"
AsPerson = Callable[[str], House]


@pytest.fixture(scope="module")
def folder(fresh_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of real systems, none of which is ever asked."""
    root = tmp_path_factory.mktemp("actions") / "project"
    write_project(root, first_month="2026-01")
    lay_state(fresh_state, root)
    return root


@pytest.fixture(scope="module")
def opened(folder: Path) -> Iterator[House]:
    """Its house, open for all tests of the module."""
    with open_house(folder) as house:
        assert house.records is not None
        yield house


@pytest.fixture
def acting(opened: House) -> Iterator[AsPerson]:
    """The house as that person; every flow is free again in the end."""
    yield opened.acting_as
    for flow in opened.project.flows:
        busy = opened.find_unfinished(flow)
        if busy is not None:
            opened.cancel(busy.run_id)


def end(house: House, run_id: str, state: RunState = RunState.SUCCEEDED) -> None:
    """The run has ended so."""
    house.records.runs.save_run(run_id, state)


def plant_plan(house: House, run_id: str, *, needed: int = 1) -> Any:
    """A plan of the budget flow that waits."""
    house.records.approvals.load_approvals()
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(seeds, "FLOW", BUDGET)
        return seeds.plant_plan(house, run_id=run_id, needed=needed)


def test_second_click_is_the_run_the_first_has_started(acting: AsPerson) -> None:
    """Also once that has ended; another form, another content or another person is another run."""
    kim, ann = acting("kim"), acting("ann")
    first = kim.enqueue_run(ACTUALS, {"dry_run": True}, key="form1")
    again = kim.enqueue_run(ACTUALS, {"dry_run": True}, key="form1")

    assert (first.run_id, first.state, first.actor) == (again.run_id, RunState.QUEUED, "kim")
    for house, key, request in (
        (kim, "form1", {}), (kim, "form2", {"dry_run": True}), (ann, "form1", {"dry_run": True}),
    ):  # fmt: skip
        with pytest.raises(BusyError) as busy:
            house.enqueue_run(ACTUALS, request, key=key)
        assert busy.value.arguments["run_id"] == first.run_id
    end(kim, first.run_id)
    assert kim.enqueue_run(ACTUALS, {"dry_run": True}, key="form1").run_id == first.run_id
    other = kim.enqueue_run(ACTUALS, {}, key="form1")
    assert other.run_id != first.run_id
    started = [row for row in kim.records.audit.find(first.run_id) if row.event == "run.started"]
    assert [row.actor for row in started] == ["kim"]


def test_refused_start_leaves_its_key_free(acting: AsPerson) -> None:
    """Who was told that the flow is busy presses again later, and then it runs."""
    kim = acting("kim")
    busy = kim.enqueue_run(ACTUALS, {})
    with pytest.raises(BusyError):
        kim.enqueue_run(ACTUALS, {"dry_run": True}, key="patient")
    end(kim, busy.run_id)

    assert kim.enqueue_run(ACTUALS, {"dry_run": True}, key="patient").run_id != busy.run_id


@pytest.mark.parametrize(
    ("flow", "request_"),
    [
        (BUDGET, {"periods": ["Oct-26"]}), (BUDGET, {"replay": True}),
        ("dimensions-fusion", {"reverse": "AAAAAAA2"}), (ACTUALS, {"take": ["1"]}),
        ("supplier-revisions-fusion", {"against": "model"}), (ACTUALS, {"nonsense": 1}),
    ],
)  # fmt: skip
def test_flow_is_not_asked_for_what_it_does_not_do(
    acting: AsPerson, flow: str, request_: dict[str, Any]
) -> None:
    """Refused before a run is recorded, by whatever way it was asked."""
    kim = acting("kim")
    with pytest.raises(UsageError) as refused:
        kim.enqueue_run(flow, request_)
    assert refused.value.code == "runs.unfit-request"
    assert kim.find_unfinished(flow) is None


def test_stopped_run_goes_on_and_a_cancelled_one_never(acting: AsPerson) -> None:
    """A second click on either changes nothing; what has ended is run anew with its scope."""
    kim = acting("kim")
    run = kim.enqueue_run(ACTUALS, {"periods": ["Oct-26"]})
    end(kim, run.run_id, RunState.INTERRUPTED)

    assert kim.enqueue_resume(run.run_id).run_id == run.run_id
    assert kim.records.runs.load_run(run.run_id).state is RunState.QUEUED
    assert kim.enqueue_resume(run.run_id).state is RunState.QUEUED
    resumed = [row for row in kim.records.audit.find(run.run_id) if row.event == "run.resumed"]
    assert len(resumed) == 1
    kim.cancel(run.run_id)
    for refused in (kim.enqueue_resume, kim.cancel):
        with pytest.raises(UsageError) as told:
            refused(run.run_id)
        assert told.value.code == "runs.not-resumable"
    anew = kim.enqueue_retry(run.run_id, key="again")
    assert anew.request == run.request
    assert kim.enqueue_retry(run.run_id, key="again").run_id == anew.run_id


def test_maker_never_approves_and_others_once(acting: AsPerson) -> None:
    """Whoever started or resumed the run; the bar that a page shows is the law that refuses.

    The approval that was enough, sent again under its key, is the run it has started.
    """
    maker, ann, ben = acting("maker"), acting("ann"), acting("ben")
    run = maker.enqueue_run(BUDGET, {})
    end(maker, run.run_id, RunState.WAITING_APPROVAL)
    plan = plant_plan(maker, run.run_id, needed=2).plan_hash
    bars = {
        one: ann.records.approvals.find_bar(plan, actor=one) for one in ("maker", "MAKER", "ann")
    }

    with pytest.raises(BlockedError) as own:
        maker.approve_plan(plan, key="k")
    decided, none = ann.approve_plan(plan, reason="Fine.", key="k")
    with pytest.raises(BlockedError) as twice:
        ann.approve_plan(plan, key="k2")
    approved, applied = ben.approve_plan(plan, key="k")
    end(ben, applied.run_id if applied else "")
    ben.records.approvals.save_state(plan, ApprovalState.APPLIED, before=ApprovalState.APPROVED)
    written, again = ben.approve_plan(plan, key="k")
    with pytest.raises(BlockedError) as over:
        ben.approve_plan(plan, key="k2")

    assert own.value.refused == bars["maker"]
    assert bars["MAKER"]
    assert bars["ann"] == ""
    assert (decided.state, decided.approvals, none) == (ApprovalState.WAITING, 1, None)
    assert twice.value.code == "approvals.decided-twice"
    assert approved.state is ApprovalState.APPROVED
    assert applied is not None
    assert (applied.request, applied.actor) == ({"apply": plan}, "ben")
    assert again is not None
    assert (written.state, again.run_id) == (ApprovalState.APPLIED, applied.run_id)
    assert over.value.code == "approvals.not-waiting"


def test_run_that_applied_a_plan_is_not_run_anew(acting: AsPerson) -> None:
    """A newer plan may have written by now what it left undone; before it began it may be."""
    maker, ann = acting("maker"), acting("ann")
    run = maker.enqueue_run(BUDGET, {})
    end(maker, run.run_id, RunState.WAITING_APPROVAL)
    plan = plant_plan(maker, run.run_id).plan_hash
    _, applied = ann.approve_plan(plan, key="k")
    assert applied is not None
    end(ann, applied.run_id, RunState.FAILED)

    anew = ann.enqueue_retry(applied.run_id)
    end(ann, anew.run_id, RunState.FAILED)
    ann.records.approvals.save_state(plan, ApprovalState.APPLIED, before=ApprovalState.APPROVED)
    with pytest.raises(UsageError) as refused:
        ann.enqueue_retry(anew.run_id)

    assert anew.request == {"apply": plan}
    assert refused.value.code == "actions.not-applicable"
    assert f"runs resume {anew.run_id}" in refused.value.next_step
    assert ann.find_unfinished(BUDGET) is None


def test_approved_plan_whose_flow_is_busy_is_written_later(acting: AsPerson) -> None:
    """The word stands; the run is queued by whoever asks once the flow is free."""
    maker, ann = acting("maker"), acting("ann")
    run = maker.enqueue_run(BUDGET, {})
    end(maker, run.run_id, RunState.WAITING_APPROVAL)
    plan = plant_plan(maker, run.run_id).plan_hash
    other = maker.enqueue_run(BUDGET, {"dry_run": True})

    with pytest.raises(BusyError):
        ann.approve_plan(plan, key="k")
    stands = ann.find_approval(plan)
    end(maker, other.run_id)
    found, applied = ann.approve_plan(plan, key="k")

    assert stands.state is ApprovalState.APPROVED
    assert len(found.decisions) == 1
    assert applied is not None


def test_stale_and_rejected_plans_are_over(acting: AsPerson) -> None:
    """A newer plan retires the one that waits; a rejection wants a reason and ends it."""
    maker, ann = acting("maker"), acting("ann")
    run = maker.enqueue_run(BUDGET, {})
    end(maker, run.run_id, RunState.WAITING_APPROVAL)
    first = plant_plan(maker, run.run_id).plan_hash
    second = plant_plan(maker, run.run_id, needed=2).plan_hash

    with pytest.raises(UsageError) as bare:
        ann.reject_plan(second, reason="  ")
    ann.reject_plan(second, reason="Travel is too high.")
    for plan in (first, second):
        with pytest.raises(BlockedError) as over:
            ann.approve_plan(plan, key="k")
        assert over.value.code == "approvals.not-waiting"

    assert bare.value.code == "approvals.reason-missing"
    assert ann.find_approval(first).state is ApprovalState.STALE
    assert ann.find_approval(second).decisions[0].reason == "Travel is too high."


def test_plan_of_actuals_is_applied_as_it_was_saved(acting: AsPerson) -> None:
    """With the periods and totals of the saved plan, which the run holds against it again."""
    kim = acting("kim")
    row = PlanRow(
        plan_hash="f" * 64, run_id="r", flow=ACTUALS, model_id="m", mapping_hash="h",
        shadow_revision=3, periods=("Oct 26",), totals={"USD": {"added": 1}},
        created_at=kim.clock.now(), state="planned",
    )  # fmt: skip
    kim.records.loads.save_plan(row)

    run = kim.enqueue_plan(row.plan_hash, key="k")
    with pytest.raises(UsageError) as unknown:
        kim.enqueue_plan("0" * 64)

    assert run.request == {"apply": row.plan_hash, "members": ["Oct 26"], "totals": row.totals}
    assert unknown.value.code == "actions.not-applicable"


def test_replay_wants_something_refused(acting: AsPerson) -> None:
    """And names what was chosen, so that the run sends that and nothing else of it."""
    kim = acting("kim")
    with pytest.raises(UsageError) as nothing:
        kim.enqueue_replay(ACTUALS)
    run = kim.enqueue_run(ACTUALS, {})
    kim.records.runs.save_run(run.run_id, RunState.PARTLY, summary={"periods": ["Oct 26"]})
    rows = seeds.plant_refusals(kim, run_id=run.run_id)
    with pytest.raises(UsageError) as other:
        kim.enqueue_replay(ACTUALS, {"causes": [seeds.CAUSE, "No such cause"]})
    chosen = kim.enqueue_replay(ACTUALS, {"keys": [list(rows[0].key)], "causes": []}, key="k")
    end(kim, chosen.run_id)
    whole = kim.enqueue_replay(ACTUALS, {"causes": [seeds.CAUSE]})

    assert nothing.value.code == other.value.code == "actions.nothing-refused"
    assert "No such cause" in other.value.refused
    assert seeds.CAUSE not in other.value.refused
    assert whole.request == {"replay": True, "chosen": {"causes": [seeds.CAUSE]}}
    assert chosen.request == {"replay": True, "chosen": {"keys": [list(rows[0].key)]}}
    assert rows[0].lacking == Decimal("1.50")


def test_posting_is_not_settled_by_a_page_while_its_run_executes(acting: AsPerson) -> None:
    """The serving process is the one that may be about to send it."""
    kim = acting("kim")
    run = kim.enqueue_run(BUDGET, {})
    kim.records.runs.save_run(run.run_id, RunState.RUNNING)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(vars(kim), "engine", object())
        with pytest.raises(BusyError) as busy:
            kim.verify_not_sending(run.run_id)
        end(kim, run.run_id)
        kim.verify_not_sending(run.run_id)

    assert busy.value.code == "workers.executed-run"


class Queue:
    """An engine of many processes, as far as it takes runs."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []

    def queue(self, *, flow: str, run_id: str, request: Any, queue_key: str) -> None:
        """The run is taken."""
        self.taken.append((run_id, queue_key))


def test_many_processes_are_handed_the_run_through_their_queue(acting: AsPerson) -> None:
    """After it was recorded; a process that executes nothing yet starts nothing.

    Sent again, or resumed while it is queued, it is handed over again under the same id: who
    recorded it may not have come to it.
    """
    kim, queue = acting("kim"), Queue()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ml_connector.wiring.actions.is_shared", lambda _project: True)
        place = FlowPlace(kind="actuals", queue_key="model")
        patch.setattr(type(kim), "_find_place", lambda _house, _flow: place)
        with pytest.raises(SystemUnavailableError) as early:
            kim.enqueue_run(ACTUALS, {}, key="k")
        unrecorded = kim.find_unfinished(ACTUALS)
        patch.setitem(vars(kim), "engine", queue)
        run = kim.enqueue_run(ACTUALS, {}, key="k")
        kim.enqueue_run(ACTUALS, {}, key="k")
        kim.enqueue_resume(run.run_id)

    assert early.value.code == "actions.not-ready"
    assert unrecorded is None
    assert queue.taken == [(run.run_id, "model")] * 3
