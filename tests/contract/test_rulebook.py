"""Rules in force: the file's until somebody takes them over, the records' from then on."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.fakes.desk import HEADING, make_flow

from ml_connector.domain.mapping_file import MappingFaultsError, parse_mapping
from ml_connector.errors import BusyError, UsageError
from ml_connector.flows.placing.rule_edits import edit_rules
from ml_connector.flows.placing.rulebook import (
    Rulebook,
    RulesConflictError,
    RulesInForce,
    count_changes,
)
from ml_connector.ports import Records
from ml_connector.ports.rules import Deed
from ml_connector.settings import ActualsFlow
from ml_connector.settings.flows import LINE_FACTS
from ml_connector.wiring.mappings import Mappings

ENTITY = "entity,,{entity},,,,\n"
ACCOUNT = "account,,{account},,,,\n"


class Desk:
    """A rulebook over a file that changes."""

    def __init__(self, records: Records) -> None:
        self.text = HEADING + ENTITY + ACCOUNT
        self.records = records
        self.facts: frozenset[str] | None = None

    def book(self, actor: str = "kim") -> Rulebook:
        """The rulebook as that person has it."""
        return Rulebook(
            flow=make_flow("f"), records=self.records, read_file=lambda: self.text, actor=actor,
            facts=self.facts,
        )  # fmt: skip


def rules(*rows: str) -> str:
    """A file of rules."""
    return HEADING + "".join(rows)


@pytest.mark.usefixtures("sqlite_only")
def test_rules_are_taken_over_saved_restored_and_given_back(records: Records) -> None:
    """Each deed is a version and a link of the audit chain; the file drifts without deciding."""
    desk = Desk(records)
    book = desk.book()
    assert (book.load().is_kept, book.load().number, book.load().drift) == (False, 0, None)
    assert book.find_kept_text() is None
    with pytest.raises(UsageError, match=r"are kept in mappings/actuals\.csv"):
        book.save(book.load().mapping, based_on=0, comment="")

    taken = book.take(comment="  from now on  ")
    assert (taken.number, taken.comment, taken.is_kept) == (1, "from now on", True)
    with pytest.raises(UsageError, match="already"):
        book.take(comment="")
    more = parse_mapping(rules(ENTITY, ACCOUNT, "account,account=1,2,,,,\n"), origin="x")
    saved = desk.book("lee").save(more, based_on=1, comment="a rule")
    drift = book.load().drift
    assert drift is not None
    assert [rule.when for rule in drift.removed] == ["account=1"]
    assert book.find_kept_text() == rules(ENTITY, ACCOUNT, "account,account=1,2,,,,\n")

    desk.text = "no rules at all"
    assert (book.load().file, book.load().drift, book.load().mapping) == (None, None, more)
    with pytest.raises(MappingFaultsError):
        book.give_back(comment="")
    back = book.restore(1, comment="was better")
    assert (back.number, back.content_hash, back.deed) == (3, taken.content_hash, Deed.RESTORED)
    with pytest.raises(UsageError, match="no version 9"):
        book.restore(9, comment="")

    desk.text = rules(ENTITY)
    given = book.give_back(comment="git again")
    assert (given.number, book.load().is_kept, len(book.load().mapping.rules)) == (4, False, 1)
    links = records.audit.find("mapping.saved") or records.audit.find("f")
    told = [(link.actor, link.details["number"], link.details["deed"]) for link in links]
    assert told == [
        ("kim", 1, "taken over"), ("lee", saved.number, "saved"), ("kim", 3, "restored"),
        ("kim", 4, "returned"),
    ]  # fmt: skip
    assert records.audit.verify() == len(links)


@pytest.mark.usefixtures("sqlite_only")
def test_of_two_who_save_at_once_the_later_sees_both_changes(records: Records) -> None:
    """Nothing of theirs is lost, nothing of the other's undone."""
    desk = Desk(records)
    desk.book().take(comment="")
    theirs = parse_mapping(rules(ENTITY, ACCOUNT, "account,account=1,2,,,,\n"), origin="x")
    ours = parse_mapping(rules(ENTITY, "account,,9,,,,\n"), origin="x")
    desk.book("kim").save(theirs, based_on=1, comment="")
    with pytest.raises(RulesConflictError, match="They changed 1 rules, you 1") as refused:
        desk.book("lee").save(ours, based_on=1, comment="")
    assert [rule.when for rule in refused.value.theirs.added] == ["account=1"]
    assert [change.after.target for change in refused.value.ours.changed] == ["9"]
    assert refused.value.exit_code == 6
    assert desk.book().load().mapping == theirs
    assert count_changes(refused.value.ours) == 1


@pytest.mark.usefixtures("sqlite_only")
def test_of_two_who_add_a_rule_to_the_file_neither_loses_his(
    records: Records, tmp_path: Path
) -> None:
    """The later begins again, also where the records keep the rules by then."""
    file = tmp_path / "rules.csv"
    file.write_text(rules(ENTITY, ACCOUNT), encoding="utf-8")

    class Home(Mappings):
        """A house with one flow."""

        actor = "kim"
        project: Any = SimpleNamespace(
            resolve=lambda _path: file, read_text=lambda _path: file.read_text(encoding="utf-8"),
            flows={}, connections={},
        )  # fmt: skip
        flow_of_all = make_flow("f")

        @property
        def records(self) -> Records:
            """The stores."""
            return records

        def actuals_flow(self, name: str) -> ActualsFlow:
            """The only one."""
            return self.flow_of_all

    class Late(Home):
        """What it saw of the rules is not as it is now."""

        def find_rules(self, flow_name: str) -> RulesInForce:
            """Those of before."""
            return seen

    new = tmp_path / "new.csv"
    new.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    file.write_text("faulty", encoding="utf-8")
    assert Home().replace_rules("f", new) == (str(file), 2)
    home, rule = Home(), {"dimension": "account", "when": "account=1", "target": "2", "note": ""}
    seen = home.find_rules("f")
    home.add_rule("f", **rule)
    text = file.read_text(encoding="utf-8")
    assert text == rules(ENTITY, ACCOUNT, "account,account=1,2,,,,\n")
    with pytest.raises(BusyError, match="changed or taken over meanwhile"):
        Late().add_rule("f", **{**rule, "when": "account=9"})
    seen = home.find_rules("f")
    home.take_rules("f")
    with pytest.raises(BusyError, match="changed or taken over meanwhile"):
        Late().add_rule("f", **{**rule, "when": "account=9"})
    assert file.read_text(encoding="utf-8") == text
    assert len(records.audit.find("f")) == 3


@pytest.mark.usefixtures("sqlite_only")
def test_rules_that_contradict_each_other_or_name_no_dimension_are_not_saved(
    records: Records,
) -> None:
    """Though each of them may be fine by itself."""
    desk = Desk(records)
    desk.book().take(comment="")
    odd = parse_mapping(rules("planet,,Mars,,,,\n"), origin="x")
    with pytest.raises(MappingFaultsError, match="unknown dimension 'planet'"):
        desk.book().save(odd, based_on=1, comment="")
    assert desk.book().load().number == 1


@pytest.mark.usefixtures("sqlite_only")
def test_restoring_and_giving_back_undo_nothing_that_was_not_seen(records: Records) -> None:
    """Whoever looked at an older version is refused, as one is who saves."""
    desk = Desk(records)
    book = desk.book()
    book.take(comment="")
    more = parse_mapping(rules(ENTITY, ACCOUNT, "account,account=1,2,,,,\n"), origin="x")
    desk.book("lee").save(more, based_on=1, comment="")
    for act in (partial(book.restore, 1), book.give_back):
        with pytest.raises(BusyError, match="lee made version 2"):
            act(comment="", based_on=1)
    assert (book.load().number, book.load().mapping) == (2, more)
    assert book.restore(1, comment="", based_on=2).number == 3


@pytest.mark.usefixtures("sqlite_only")
def test_facts_no_line_has_are_refused_together_and_the_known_ones_named(records: Records) -> None:
    """Such a rule never decides: its lines would be unmapped, or go where another rule says."""
    desk = Desk(records)
    desk.facts = frozenset({"account", "entity", "ledger"})
    desk.text = rules(ENTITY, "account,acount=1,{accnt},,,,\n", "account,center=2,3,,,,\n")

    for act in (desk.book().load, partial(desk.book().take, comment="")):
        with pytest.raises(MappingFaultsError) as caught:
            act()
        assert [(fault.line, fault.text) for fault in caught.value.faults] == [
            (3, "unknown fact 'accnt'; known are account, entity, ledger"),
            (3, "unknown fact 'acount'; known are account, entity, ledger"),
            (4, "unknown fact 'center'; known are account, entity, ledger"),
        ]


@pytest.mark.usefixtures("sqlite_only")
def test_a_kept_rule_whose_fact_is_gone_is_no_fault_of_the_next_change(records: Records) -> None:
    """Its connection names the fact no more: the others are changed, and it is taken out."""
    desk = Desk(records)
    desk.text = rules(ENTITY, ACCOUNT, "account,r003=1,3,,,,\n")
    desk.book().take(comment="")
    desk.facts = frozenset({"account", "entity"})
    book = desk.book()
    cells = {"dimension": "account", "when": "account=1", "target": "2"}

    held = book.load().mapping
    more = edit_rules(held, cells, place=None, words=book.words)
    with pytest.raises(MappingFaultsError, match="unknown fact 'r003'"):
        edit_rules(held, {**cells, "when": "r003=2"}, place=None, words=book.words)
    book.save(more, based_on=1, comment="")
    book.save(edit_rules(more, None, place=2, words=book.words), based_on=2, comment="")

    assert [rule.when for rule in book.load().mapping.rules] == ["", "", "account=1"]


def test_a_file_that_flows_share_may_name_the_facts_of_all_their_sources() -> None:
    """Another file's flows lend nothing; where a source does not say, nothing is checked."""

    class House(Mappings):
        project: Any = SimpleNamespace(
            flows={
                "one": make_flow("one", source="fusion"), "two": make_flow("two", source="jde"),
                "other": make_flow("other", source="pod", mapping="mappings/other.csv"),
                "dumb": make_flow("dumb", source="silent", mapping="mappings/dumb.csv"),
            },
            connections={
                "fusion": SimpleNamespace(segments=frozenset({"entity"})),
                "jde": SimpleNamespace(segments=frozenset({"object"})),
                "pod": SimpleNamespace(segments=frozenset({"fund"})),
                "silent": SimpleNamespace(segments=frozenset()),
            },
        )  # fmt: skip

    found = {name: House().find_facts(flow) for name, flow in House.project.flows.items()}

    assert found["one"] == found["two"] == LINE_FACTS | {"entity", "object"}
    assert found["other"] == LINE_FACTS | {"fund"}
    assert found["dumb"] is None
