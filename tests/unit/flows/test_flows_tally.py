"""What placing tells the records of the rules' reach, and of the values they do not reach."""

from collections.abc import Callable
from decimal import Decimal

from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import line

from ml_connector.domain.mapping_file import parse_mapping
from ml_connector.flows.placing.behind import find_lines_behind
from ml_connector.flows.placing.coverage import cover_archived
from ml_connector.flows.placing.moving import weigh_change
from ml_connector.flows.placing.reach import ALL, load_reach
from ml_connector.ports.unmapped import UnmappedFilter, UnmappedValue

MakeDesk = Callable[..., FakeDesk]
ENTITY = "entity,,{entity},,,,"
EVERYTHING = UnmappedFilter()
LEFT = "unmapped.period-left"


def queue(desk: FakeDesk) -> list[UnmappedValue]:
    """The values no rule takes, the largest amount first."""
    return desk.records.unmapped.load_values(EVERYTHING, limit=50)


def post(desk: FakeDesk) -> None:
    """Three accounts over two periods, one of them without a rule."""
    desk.source.post("1", line(1, "US", "09-26", "101.4000.10", "100"))
    desk.source.post("2", line(1, "US", "09-26", "101.5000.10", "7"))
    desk.source.post("3", line(1, "US", "09-26", "102.5000.20", "-2.25"))
    desk.source.post("4", line(1, "US", "10-26", "101.5000.10", "30"))
    desk.source.post("5", line(1, "US", "10-26", "101.6000.10", "1"))


def test_unmapped_values_are_queued_with_their_amounts_until_a_rule_takes_them(
    desk: FakeDesk,
) -> None:
    """Both periods are held back and told; after the fix only they are done, and the queue empties.

    Told twice, as by a step that is repeated, is told once.
    """
    desk.twice = True
    desk.rules = (ENTITY, "account,account=4000|6000,{account},,,,")
    post(desk)
    held = desk.run()
    (found,) = queue(desk)

    assert held["unmapped"] == {"Oct 26": 1, "Sep 26": 2}
    assert (found.dimension, found.fact, found.value, found.lines) == (
        "account", "account", "5000", 3,
    )  # fmt: skip
    (total,) = found.totals
    assert (total.currency, total.debit, total.credit) == ("USD", Decimal(37), Decimal("2.25"))
    assert found.members == ("Oct 26", "Sep 26")
    assert found.facts["entity"] in ("101", "102")
    lines = find_lines_behind(desk.bench(), found, found.members)
    assert sorted(one.line.combination for one in lines) == [
        "101.5000.10", "101.5000.10", "102.5000.20",
    ]  # fmt: skip

    desk.rules = (*desk.rules, "account,account=5000,9999,,,,")
    summary = desk.run(members=["Oct 26"], remap=True)
    assert summary["periods"] == ["Oct 26"]
    assert queue(desk)[0].members == ("Sep 26",)
    desk.run()
    assert queue(desk) == []
    gone = desk.records.unmapped.find_value("actuals", "account", "account", "5000")
    assert gone is not None
    assert gone.first_run_id == "actuals-1"
    assert desk.target.total("9999") == "34.75"


def test_value_is_mapped_once_a_run_has_placed_its_lines_and_not_by_a_look(desk: FakeDesk) -> None:
    """In suspense the money stays there until the run; so does the value in the queue."""
    desk.rules = (ENTITY, "account,account=4000|6000,{account},,,,")
    desk.change(unmapped="suspense", suspense={"entity": "101", "account": "9999"})
    post(desk)
    desk.run()
    desk.rules = (*desk.rules, "account,account=5000,5000,,,,")

    desk.run(dry_run=True, members=["Oct 26", "Sep 26"], remap=True)
    assert [one.members for one in queue(desk)] == [("Oct 26", "Sep 26")]
    desk.run(members=["Oct 26", "Sep 26"], remap=True)
    assert queue(desk) == []


def test_period_that_leaves_the_flow_leaves_the_queue_and_the_chain_says_so(
    desk: FakeDesk,
) -> None:
    """A look leaves it alone."""
    desk.rules = (ENTITY, "account,account=4000|6000,{account},,,,")
    post(desk)
    desk.run()
    desk.change(first_month="2026-10")

    desk.run(dry_run=True, members=["Oct 26"])
    assert queue(desk)[0].members == ("Oct 26", "Sep 26")
    desk.run(members=["Oct 26"])

    assert queue(desk)[0].members == ("Oct 26",)
    links = [one for one in desk.records.audit.find("actuals") if one.event == LEFT]
    assert {one.details["member"]: one.details["values"] for one in links} == {
        "Aug 26": 0, "Sep 26": 1,
    }  # fmt: skip


def test_reach_is_what_coverage_finds_and_adds_up_by_rule(desk: FakeDesk) -> None:
    """Stored amounts by placement equal those the archive is asked for anew."""
    desk.rules = (ENTITY, "account,account=4000|6000,{account},,,,", "account,account=5*,9999,,,,")
    desk.change(unmapped="suspense", suspense={"entity": "101", "account": "9999"})
    desk.source.post("6", line(1, "US", "10-26", "101.7000.10", "5"))
    post(desk)
    desk.run()
    reach = load_reach(desk.records, desk.archive, "actuals", ALL)
    covered, _ = cover_archived(desk.bench(), None)

    assert {(c.ledger, c.period, c.currency, c.placement): c.totals for c in covered} == dict(
        reach.placed
    )
    rules = {
        rule.when: reach.rules[rule.rule_id, "USD"].debit
        for rule in parse_mapping(desk.bench().mapping_text, origin="x").rules
    }
    assert rules == {
        "": Decimal(143), "account=4000|6000": Decimal(101), "account=5*": Decimal(37),
    }  # fmt: skip
    assert [one.value for one in queue(desk)] == ["7000"]
    assert load_reach(desk.records, desk.archive, "actuals", "Oct 26").members


def test_weighing_tells_what_a_change_would_move_and_sends_nothing(desk: FakeDesk) -> None:
    """By period, dimension and member; lines that lose their rule go nowhere; dates are kept to."""
    post(desk)
    desk.run()
    text = desk.bench().mapping_text
    before = parse_mapping(text, origin="x")
    after = parse_mapping(text + "account,account=5000,9999,,2026-10-01,,\n", origin="x")
    weighed = weigh_change(desk.bench(), before, after)
    none = weigh_change(desk.bench(), before, before)
    lost = parse_mapping(
        text.replace("account,,{account}", "account,account=4*,{account}"), origin="x"
    )

    assert [(m.member, m.dimension, m.before, m.after, m.totals.debit) for m in weighed.moved] == [
        ("Oct 26", "account", "5000", "9999", Decimal(30))
    ]
    assert (none.moved, none.looked_at) == ((), ())
    assert {(m.before, m.after) for m in weigh_change(desk.bench(), before, lost).moved} == {
        ("5000", ""), ("6000", ""),
    }  # fmt: skip
    assert (desk.target.total("5000"), desk.target.total("9999")) == ("34.75", "0.00")
