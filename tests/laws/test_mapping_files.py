"""Laws of rules that people send, compare and are advised on."""

import string
from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.test_mapping import FACTS, MAPPINGS

from ml_connector.domain.mapping_file import ANY_WORDS, MappingFaultsError, parse_mapping
from ml_connector.domain.mapping_rules import (
    MappingRule,
    MappingSet,
    diff_mappings,
    render_mapping,
)
from ml_connector.domain.mapping_suggestions import Advisor, MemberList
from ml_connector.domain.mapping_values import find_main_fact
from ml_connector.domain.patterns import Condition, Pattern, PatternKind, parse_pattern
from ml_connector.flows.answers.rule_files import read_rules, render_workbook

NOTES = st.text(
    st.sampled_from(string.ascii_letters + string.digits + " ,;\"'=+-@_x&<>éß€\n"), max_size=20
).map(str.strip)
TARGETS = st.sampled_from(
    ["A", "001", "=1+1", "1.50", "{account}", "_x0041_", "2026-10-31", "TRUE"]
)
ORDERS = st.text("0123", min_size=3, max_size=5)


def _is_sound(mapping: MappingSet) -> bool:
    try:
        return parse_mapping(render_mapping(mapping), origin="x") == mapping
    except MappingFaultsError:
        return False


SOUND = MAPPINGS.filter(_is_sound)


@st.composite
def written(draw: st.DrawFn) -> MappingSet:
    """Rules with notes and targets that spreadsheets like to take for something else."""
    found = draw(SOUND)
    rules = [replace(rule, note=draw(NOTES), target=draw(TARGETS)) for rule in found.rules]
    return MappingSet(rules=tuple(rules))


@given(mapping=written().filter(_is_sound))
@settings(max_examples=20)
def test_rules_survive_a_file_and_a_workbook_whatever_they_hold(mapping: MappingSet) -> None:
    """A canonical file comes back byte for byte, a workbook as the same rules."""
    text = render_mapping(mapping)

    from_file = read_rules(text.encode(), origin="f", words=ANY_WORDS)
    from_book = read_rules(render_workbook(mapping), origin="w", words=ANY_WORDS)

    assert from_file == from_book == mapping
    assert render_mapping(from_file) == render_mapping(from_book) == text


@given(before=MAPPINGS, after=MAPPINGS)
def test_a_diff_applied_to_the_old_rules_gives_the_new_ones(
    before: MappingSet, after: MappingSet
) -> None:
    """Take out what it removes and changes, put in what it adds and changes to."""
    diff = diff_mappings(before, after)

    applied = Counter(before.rules)
    applied.subtract([*diff.removed, *(change.before for change in diff.changed)])
    applied.update([*diff.added, *(change.after for change in diff.changed)])

    assert +applied == Counter(after.rules)
    assert all(count >= 0 for count in applied.values())
    assert set(diff.moved) <= set(after.rules)


@st.composite
def known(draw: st.DrawFn) -> MappingRule:
    """A rule for one value, a few or a range of accounts."""
    low, high = sorted([draw(ORDERS), draw(ORDERS)])
    texts = [low, f"{low}|{high}", f"{low}..{high}" if len(low) == len(high) else high]
    pattern = parse_pattern(draw(st.sampled_from(texts)))
    return MappingRule(
        dimension="D",
        conditions=(Condition(fact="account", pattern=pattern),),
        target=draw(st.sampled_from(["A", "B", "{account}"])),
    )


@given(
    rules=st.lists(known(), max_size=12), value=ORDERS,
    codes=st.none() | st.dictionaries(ORDERS, NOTES, max_size=6),
)  # fmt: skip
def test_a_suggestion_is_known_to_a_rule_or_the_list_and_says_why(
    rules: list[MappingRule], value: str, codes: dict[str, str] | None
) -> None:
    """The same evidence gives the same member; none is made up, and most neighbours agree."""
    mapping = MappingSet(rules=tuple(rules))
    list_ = None if codes is None else MemberList(name="Accounts", members=codes)
    found = Advisor(mapping, "D", "account", list_).suggest(value)

    assert found == Advisor(mapping, "D", "account", list_).suggest(value)
    if found is not None:
        assert found.target in {rule.target for rule in rules} | set(codes or ())
        assert found.reason
        assert 3 * found.agreeing >= 2 * found.asked > 0


@given(mapping=MAPPINGS, facts=FACTS)
def test_an_unmapped_line_is_called_by_a_fact_it_has(
    mapping: MappingSet, facts: dict[str, str]
) -> None:
    """By the fact named like the dimension where there is one, whatever the rules ask."""
    whole = {**facts, "ledger": "US"}

    assert find_main_fact("D", mapping, whole) in whole
    assert find_main_fact("Accounts", mapping, {**whole, "account": "1"}) == "account"


def test_neighbours_ranges_and_names_are_evidence_in_that_order() -> None:
    """Each kind of evidence by itself, with the words that people read."""

    def exact(value: str, target: str) -> MappingRule:
        pattern = Pattern(kind=PatternKind.EXACT, values=(value,))
        return MappingRule(
            dimension="D", conditions=(Condition(fact="account", pattern=pattern),), target=target
        )

    def between(low: str, high: str) -> MappingRule:
        pattern = Pattern(kind=PatternKind.RANGE, values=(low, high))
        return MappingRule(
            dimension="D", conditions=(Condition(fact="account", pattern=pattern),), target="Rent"
        )

    travel = [exact(code, "Travel") for code in ("68010", "68020", "68030")]
    mapping = MappingSet(rules=(*travel, exact("68090", "Other"), between("70000", "70999"),
                                between("72000", "72999")))  # fmt: skip
    members = {"Travel": "", "88000": "Leasing", "X9": "Fleet 91000", "X8": "Fleet"}
    advisor = Advisor(mapping, "D", "account", MemberList(name="Accounts", members=members))

    reasons = {value: advisor.suggest(value) for value in ("68055", "71500", "88000", "91000")}
    told = {value: (one.target, one.reason) for value, one in reasons.items() if one}

    assert told == {
        "68055": ("Travel", "3 of 4 values beginning with 680 go to Travel."),
        "71500": ("Rent", "The ranges around it, 70000..70999 and 72000..72999, both go to Rent."),
        "88000": ("88000", "The list Accounts has a member of this code: Leasing."),
        "91000": (
            "X9", "91000 stands in the name of one member of the list Accounts: Fleet 91000.",
        ),
    }  # fmt: skip
    assert advisor.suggest("99999") is None
