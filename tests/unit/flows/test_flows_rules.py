"""A changed rule reaches what was loaded before it, be it a mapping, an exclusion or a sign."""

from collections.abc import Callable

import pytest
from tests.fakes.desk import FakeDesk, make_flow
from tests.fakes.ledger import line
from tests.fakes.steps import Crash

from ml_connector.domain.dimensions import Member
from ml_connector.domain.mapping_file import MappingFaultsError
from ml_connector.flows.placing.remapping import MappingReachError
from ml_connector.flows.placing.rules import RulesChangedError

MakeDesk = Callable[..., FakeDesk]
DAY = 86_400


def test_ledger_another_flow_has_read_comes_whole_when_it_is_added(make_desk: MakeDesk) -> None:
    """A ledger the archive holds already, for another flow, still owes its periods to this one."""
    desk = make_desk(ledgers=["US", "CA"])
    desk.change(ledgers=("US",))
    other = desk.beside(make_flow("other", ledgers=["CA"]))
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.source.post("2", line(1, "CA", "09-26", "102.4000.10", "7"))
    desk.run()
    other.run()
    desk.clock.sleep(DAY)

    desk.change(ledgers=("US", "CA"))
    with pytest.raises(MappingReachError, match="Sep 26"):
        desk.run()
    desk.run(remap=True)

    assert desk.target.total("102", "Sep 26") == "7.00"


def test_excluded_lines_leave_the_model_though_nothing_was_posted(desk: FakeDesk) -> None:
    """A new exclusion reaches periods that were loaded before it; without `remap` it is told."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.source.post("2", line(1, "US", "09-26", "101.5000.10", "7"))
    desk.run()

    desk.change(exclusions=({"name": "sales", "when": {"account": "5000"}},))
    desk.run(remap=True)

    assert desk.target.total("5000") == "0.00"
    assert desk.target.total("4000") == "100.00"


def test_look_tells_what_changed_rules_would_move_beyond_its_scope(desk: FakeDesk) -> None:
    """A look at nothing touched does not say "nothing would change" where a run would refuse."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    first = desk.run()

    desk.change(exclusions=({"name": "sales", "when": {"account": "4000"}},))
    looked = desk.run(dry_run=True)
    everything = desk.run(dry_run=True, remap=True)

    assert first["beyond"] == everything["beyond"] == {}
    assert (looked["beyond"], looked["periods"]) == ({"Sep 26": 1}, [])
    assert everything["periods"] == ["Sep 26"]


def test_turned_sign_reaches_what_was_loaded_before(desk: FakeDesk) -> None:
    """A sign rule that changes plans every loaded period anew."""
    desk.source.members["value-set:A"] = [
        Member(code=code, name=code, properties=(("account_type", kind),))
        for code, kind in (("4000", "R"), ("5000", "E"))
    ]
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "-100"))
    desk.run()

    desk.change(signs={"flip": ["R"], "account_types": {"Chart": "value-set:A"}})
    desk.run(remap=True)

    assert desk.target.total("4000") == "100.00"


def test_later_first_month_leaves_what_the_model_holds_of_earlier_ones(desk: FakeDesk) -> None:
    """Months before the first one stay as they are, though the rules no longer take them."""
    desk.source.post("1", line(1, "US", "08-26", "101.4000.10", "1"))
    desk.source.post("2", line(1, "US", "09-26", "101.4000.10", "2"))
    desk.run()

    desk.change(first_month="2026-09")
    summary = desk.run(remap=True)

    assert summary["cells"] == 0
    assert desk.target.total("Aug 26") == "1.00"


def test_stopped_run_does_not_go_on_by_other_rules(desk: FakeDesk) -> None:
    """Settings changed while a run was stopped are refused; undone, the run goes on to its end."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))

    def die_after_summing(name: str) -> None:
        if name == "plan: save":
            raise Crash

    with pytest.raises(Crash):
        desk.run(after_body=die_after_summing)
    desk.steps["actuals-1"].after_body = lambda _: None
    desk.change(exclusions=({"name": "all", "when": {"account": "4000"}},))
    with pytest.raises(RulesChangedError):
        desk.resume()
    desk.change(exclusions=())

    assert desk.resume()["state"] == "succeeded"
    assert desk.target.total("4000") == "100.00"


def test_rules_that_move_nothing_are_looked_at_once(desk: FakeDesk) -> None:
    """A changed rule that moves no loaded amount is asked about in the next run, not in each."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.run()
    desk.change(exclusions=({"name": "none", "when": {"account": "6000"}},))
    desk.run()
    desk.run()

    assert not [name for name in desk.list_steps() if name.startswith("mapping: loaded")]


def test_rule_of_a_fact_no_line_has_stops_a_run_before_anything_is_read(desk: FakeDesk) -> None:
    """Its lines would go where another rule says, without a word."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.rules = (*desk.rules, "account,acount=4000,9999,10,,,")
    desk.facts = frozenset({"entity", "account", "centre"})

    with pytest.raises(MappingFaultsError, match="unknown fact 'acount'; known are account, c"):
        desk.run()

    assert desk.target.total("4000") == "0.00"
