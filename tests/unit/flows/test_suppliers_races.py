"""Two who work on one supplier at a time: one request leaves, and no old look settles anything."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fakes.interposed import interpose_records
from tests.fakes.killing import Killer
from tests.fakes.steps import Crash, FakeSteps
from tests.fakes.supplier_desk import DAY, SupplierDesk, creation
from tests.fakes.suppliers import TEMPLATE

from ml_connector.errors import BusyError, ConnectorError
from ml_connector.flows.revising.settling import settle_supplier
from ml_connector.ports import PostingState

SUBMITS = {"single": "submit_change", "batch": "submit_batch", "file": "submit_file"}


def interpose(sender: SupplierDesk, call: str, act: Callable[[], object]) -> SupplierDesk:
    """The same desk, but what is done at it waits for the act before this call of a store."""
    records = interpose_records(sender.desk.records, call, act)
    return replace(sender, desk=replace(sender.desk, records=records))


def kill_after(sender: SupplierDesk, call: str, plan: str) -> None:
    """A new run of the plan dies right after this call."""
    sender.killer = Killer(at=1, after=call)
    with pytest.raises(Crash):
        sender.run(plan)
    sender.killer = None


@pytest.mark.parametrize("send", SUBMITS)
def test_one_of_two_executors_sends(sender: SupplierDesk, send: str) -> None:
    """Both have found it unwritten; who comes second is refused before anything leaves."""
    sender.template = TEMPLATE
    plan = sender.plan(sender.change("0001", alias="NEW"), send=send)
    kill_after(sender, "postings.make_posting", plan)
    twin = replace(sender, steps=FakeSteps(run_id=sender.steps.run_id))
    twin.killer = Killer(at=1, after=f"suppliers.{SUBMITS[send]}")

    def leave() -> None:
        with pytest.raises(Crash):
            twin.resume(plan)

    with pytest.raises(BusyError) as busy:
        interpose(sender, "postings.mark_sent", leave).resume(plan)

    assert busy.value.code == "postings.sent-meanwhile"
    assert sender.resume(plan)[0]["confirmed"] == 1
    assert sender.alias("0001") == "NEW"
    assert sender.erp.writes["0001"] == 1


def test_supplier_is_made_by_one_of_two_executors(sender: SupplierDesk) -> None:
    """A creation names no version: the second one would be a second supplier."""
    plan = sender.plan(creation("Fresh", alias="NEW"))
    kill_after(sender, "postings.make_posting", plan)
    twin = replace(sender, steps=FakeSteps(run_id=sender.steps.run_id))
    twin.killer = Killer(at=1, after="suppliers.submit_creation")

    def leave() -> None:
        with pytest.raises(Crash):
            twin.resume(plan)

    with pytest.raises(BusyError):
        interpose(sender, "postings.mark_sent", leave).resume(plan)

    assert sender.resume(plan)[0]["confirmed"] == 1
    assert len(sender.erp.named("Fresh")) == 1


def test_supplier_is_not_refused_by_a_look_from_before_it_was_sent(sender: SupplierDesk) -> None:
    """Who settles looks, the run sends, and what the look has shown is out of date."""
    plan = sender.plan(sender.change("0001", alias="NEW"))
    kill_after(sender, "postings.make_posting", plan)
    [made] = sender.postings()

    def leave() -> None:
        sender.killer = Killer(at=1, after="suppliers.submit_change")
        with pytest.raises(Crash):
            sender.resume(plan)
        sender.killer = None

    with pytest.raises(BusyError) as busy:
        settle_supplier(interpose(sender, "transactions.begin", leave).bench(), made)

    assert busy.value.code == "postings.sent-meanwhile"
    assert sender.states() == {made.subject: PostingState.OPEN}
    assert sender.resume(plan)[0]["confirmed"] == 1
    events = [one.event for one in sender.desk.records.audit.find(made.posting_key)]
    assert events == ["posting.confirmed"]


def test_supplier_is_not_settled_by_a_look_at_another_erp(sender: SupplierDesk) -> None:
    """A supplier of that number stands untouched there, and that says nothing."""
    plan = sender.plan(sender.change("0001", alias="NEW"))
    kill_after(sender, "suppliers.submit_change", plan)
    sender.desk.clock.sleep(DAY)
    sender.desk.source.connection = "production"

    with pytest.raises(ConnectorError) as other:
        settle_supplier(sender.bench(), sender.postings()[0])

    assert other.value.code == "postings.other-connection"
    assert sender.postings()[0].state is PostingState.OPEN


@pytest.mark.parametrize(
    "call", ["agreements.save_agreements", "postings.save_posting", "audit.record"]
)
def test_outcome_link_and_agreement_are_stored_together(sender: SupplierDesk, call: str) -> None:
    """A run killed among the three has stored none, and its resume stores each once."""
    plan = sender.plan(sender.change("0001", alias="NEW"))
    kill_after(sender, call, plan)
    [made] = sender.postings()
    assert made.state is PostingState.OPEN
    assert sender.agreed("0001") == ({}, {})
    assert sender.desk.records.audit.find(made.posting_key) == []

    sender.resume(plan)

    assert sender.posting(made.subject).state is PostingState.CONFIRMED
    assert sender.agreed("0001")[0] == {"alias": "NEW"}
    assert len(sender.desk.records.audit.find(made.posting_key)) == 1


@pytest.mark.parametrize("send", ["single", "file"])
def test_clock_that_was_set_back_ends_the_wait(sender: SupplierDesk, send: str) -> None:
    """Nobody waits for days inside a step; the run stops as unknown, and ends well once it can."""
    sender.template = TEMPLATE
    sender.erp.lose_before = 2
    plan = sender.plan(sender.change("0001", alias="NEW"), send=send)
    with pytest.raises(ConnectorError):
        sender.run(plan)
    clock = sender.desk.clock
    clock.at -= timedelta(days=3)
    began = clock.at

    with pytest.raises(ConnectorError) as unclear:
        sender.resume(plan)

    assert unclear.value.code == "suppliers.unclear"
    assert "it was set back" in unclear.value.refused
    assert clock.at - began < timedelta(minutes=sender.flow.settle_minutes + 10)
    clock.at += timedelta(days=3)
    assert sender.resume(plan)[0]["confirmed"] == 1
    assert sender.alias("0001") == "NEW"
