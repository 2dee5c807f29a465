"""A process may end after any call: every supplier is written exactly once all the same."""

import pytest
from tests.fakes.steps import Crash
from tests.fakes.supplier_desk import CountingKiller, SupplierDesk, creation
from tests.fakes.suppliers import TEMPLATE

from ml_connector.ports import PostingState

NUMBERS = [f"000{number}" for number in range(1, 5)]
CALLS_MAX = 150


@pytest.mark.long
@pytest.mark.parametrize(
    ("send", "lost"),
    [
        pytest.param("single", "", marks=pytest.mark.exhaustive),
        ("single", "late"),
        pytest.param("batch", "late", marks=pytest.mark.exhaustive),
        pytest.param("file", "", marks=pytest.mark.exhaustive),
        pytest.param("file", "lose_after", marks=pytest.mark.exhaustive),
    ],
)
def test_run_killed_after_any_call_writes_each_supplier_once(
    sender: SupplierDesk, send: str, lost: str
) -> None:
    """Each plan writes four suppliers and makes one, and dies after the next writing call."""
    sender.template = TEMPLATE
    for at in range(1, CALLS_MAX):
        value, name = f"ALIAS {at}", f"Fresh {at}"
        plan = sender.plan(
            *(sender.change(number, alias=value) for number in NUMBERS),
            creation(name, alias=value),
            send=send,
        )
        sender.erp.writes.clear()
        if lost:
            setattr(sender.erp, lost, 1)
        sender.killer = killer = CountingKiller(at=at)
        try:
            rows = sender.run(plan)
        except Crash:
            rows = sender.resume(plan)
        where = f"died after call {at}: {killer.died}"
        [made] = sender.erp.named(name)
        assert [sender.alias(number) for number in NUMBERS] == [value] * len(NUMBERS), where
        assert dict(sender.erp.writes) == dict.fromkeys([*NUMBERS, made.number], 1), where
        assert set(sender.states().values()) == {PostingState.CONFIRMED}, where
        assert sum(row["confirmed"] for row in rows) == len(NUMBERS) + 1, where
        for code in (*NUMBERS, made.number):
            assert sender.agreed(code)[0]["alias"] == value, where
        links = sender.desk.records.audit.find(sender.steps.run_id)
        told = {one.subject for one in links if one.event == "posting.confirmed"}
        assert told == {one.posting_key for one in sender.postings() if one.plan_hash == plan}, (
            where
        )
        if not killer.died:
            return
    raise AssertionError("the run makes more calls than were tried")
