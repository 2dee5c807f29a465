"""Laws of mapping: one order, a memo nobody notices, files that say what the rules are."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from fnmatch import fnmatchcase

from hypothesis import assume, given, reject
from hypothesis import strategies as st

from ml_connector.domain.mapping import Mapped, Mapper, Unmapped
from ml_connector.domain.mapping_file import MappingFaultsError, parse_mapping
from ml_connector.domain.mapping_rules import (
    MappingRule,
    MappingSet,
    diff_mappings,
    render_mapping,
)
from ml_connector.domain.patterns import (
    Condition,
    Pattern,
    PatternError,
    PatternKind,
    parse_conditions,
    parse_pattern,
    render_conditions,
)

DAYS = st.dates(date(2026, 1, 1), date(2026, 1, 12))
CODES = st.text("012", min_size=1, max_size=3)
FACT_NAMES = st.sampled_from(["account", "entity", "center"])
FACTS = st.dictionaries(FACT_NAMES, CODES)


def _range_of(ends: tuple[str, str]) -> str:
    low, high = sorted(end.ljust(3, "0") for end in ends)
    return f"{low}..{high}"


PATTERN_TEXTS = st.one_of(
    CODES,
    st.lists(CODES, min_size=2, max_size=3).map("|".join),
    st.tuples(CODES, CODES).map(_range_of),
    st.text("012*?", min_size=1, max_size=3),
)
CONDITIONS = st.builds(
    lambda fact, text: Condition(fact=fact, pattern=parse_pattern(text)), FACT_NAMES, PATTERN_TEXTS
)


@st.composite
def rules(draw: st.DrawFn) -> MappingRule:
    """A rule of one of two dimensions over few facts, so that rules meet."""
    first, last = draw(st.none() | DAYS), draw(st.none() | DAYS)
    if first and last and first > last:
        first, last = last, first
    return MappingRule(
        dimension=draw(st.sampled_from(["D", "E"])),
        conditions=tuple(draw(st.lists(CONDITIONS, max_size=2))),
        target=draw(st.sampled_from(["A", "B", "C", "{account}", "X_{entity}"])),
        precedence=draw(st.none() | st.sampled_from([10, 100, 200])),
        valid_from=first,
        valid_to=last,
    )


MAPPINGS = st.lists(rules(), max_size=8).map(lambda found: MappingSet(rules=tuple(found)))


def _fits(pattern: Pattern, value: str) -> bool:
    """Another reading of patterns, for comparison."""
    if pattern.kind is PatternKind.RANGE:
        low, high = pattern.values
        return value in {str(n).zfill(len(low)) for n in range(int(low), int(high) + 1)}
    return any(fnmatchcase(value, text) for text in pattern.text.split("|"))


def _naive(
    mapping: MappingSet, dimension: str, facts: Mapping[str, str], on: date
) -> MappingRule | None:
    """The first applying rule when all rules are put in the documented order."""
    applying = [
        (rule.rank, place, rule)
        for place, rule in enumerate(mapping.rules)
        if rule.dimension == dimension
        and (rule.valid_from is None or rule.valid_from <= on)
        and (rule.valid_to is None or on <= rule.valid_to)
        and all(c.fact in facts and _fits(c.pattern, facts[c.fact]) for c in rule.conditions)
        and ("{" not in rule.target or ("account" if "acc" in rule.target else "entity") in facts)
    ]
    return min(applying, key=lambda item: item[:2])[2] if applying else None


@given(mapping=MAPPINGS, facts=FACTS, on=DAYS)
def test_the_rule_that_decides_is_the_first_in_the_documented_order(
    mapping: MappingSet, facts: dict[str, str], on: date
) -> None:
    """Looking rules up by value finds what going through all of them in order finds."""
    expected = {dimension: _naive(mapping, dimension, facts, on) for dimension in "DE"}

    found = Mapper(mapping, ["D", "E"]).map_facts(facts, on)
    if isinstance(found, Unmapped):
        assert found.dimensions == tuple(d for d, rule in expected.items() if rule is None)
    else:
        assert found.rule_ids == tuple(rule.rule_id for rule in expected.values() if rule)


@given(mapping=MAPPINGS, facts=FACTS, on=DAYS)
def test_explain_agrees_with_the_map_and_names_every_rule_that_fits(
    mapping: MappingSet, facts: dict[str, str], on: date
) -> None:
    """Decided and lost rules together are all rules whose conditions hold, each once."""
    mapper = Mapper(mapping, ["D", "E"])
    explained = mapper.explain(facts, on)
    assert mapper.find_decided(facts, on) == tuple(
        (one.target or "", one.decided_by.rule_id if one.decided_by else "") for one in explained
    )
    for explanation in explained:
        shown = [lost.rule for lost in explanation.lost]
        shown += [explanation.decided_by] if explanation.decided_by else []
        fitting = [
            rule
            for rule in mapping.rules
            if rule.dimension == explanation.dimension
            and all(condition.holds(facts) for condition in rule.conditions)
        ]
        assert explanation.decided_by == _naive(mapping, explanation.dimension, facts, on)
        assert sorted(map(repr, shown)) == sorted(map(repr, fitting))
        assert all(lost.why for lost in explanation.lost)


@given(
    mapping=MAPPINGS,
    asked=st.lists(st.tuples(FACTS, DAYS), max_size=25),
    cache_max=st.sampled_from([2, 3, 200]),
)
def test_memo_changes_no_answer(
    mapping: MappingSet, asked: list[tuple[dict[str, str], date]], cache_max: int
) -> None:
    """A mapper that remembers answers as one that does not, in any order of questions."""
    remembering = Mapper(mapping, ["D", "E"], cache_max=cache_max)
    plain = Mapper(mapping, ["D", "E"], cache_max=0)

    for facts, on in [*asked, *asked]:
        assert remembering.map_facts(facts, on) == plain.map_facts(facts, on)


@given(rule=rules(), facts=FACTS, days=st.integers(1, 20))
def test_effective_dates_change_the_map_only_at_their_ends(
    rule: MappingRule, facts: dict[str, str], days: int
) -> None:
    """Between two ends of effective dates every day maps alike; outside them, not by this rule."""
    mapper = Mapper(MappingSet(rules=(rule,)), [rule.dimension])
    first, last = rule.valid_from or date(2026, 1, 1), rule.valid_to or date(2026, 1, 12)
    assume(first <= last)
    inside = [first + timedelta(days=day) for day in range((last - first).days + 1)]

    outcomes = {isinstance(mapper.map_facts(facts, on), Mapped) for on in inside}
    assert len(outcomes) == 1
    if rule.valid_from:
        assert isinstance(mapper.map_facts(facts, first - timedelta(days=days)), Unmapped)
    if rule.valid_to:
        assert isinstance(mapper.map_facts(facts, last + timedelta(days=days)), Unmapped)


@given(mapping=MAPPINGS, extra=CONDITIONS, facts=FACTS, on=DAYS)
def test_an_exception_beats_the_rule_it_is_an_exception_to(
    mapping: MappingSet, extra: Condition, facts: dict[str, str], on: date
) -> None:
    """A rule with one more condition than another always comes before it."""
    for rule in mapping.rules:
        exception = MappingRule(
            dimension=rule.dimension,
            conditions=(*rule.conditions, extra),
            target="EXCEPTION",
            precedence=rule.precedence,
        )
        assert exception.rank < rule.rank


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=6)


@given(facts=st.lists(TEXTS.filter(bool), min_size=1, max_size=3), values=st.lists(TEXTS))
def test_conditions_survive_being_written_whatever_they_hold(
    facts: list[str], values: list[str]
) -> None:
    """Any fact name and any values, separators and blanks included, are read back equal."""
    unique = tuple(dict.fromkeys(values))
    kind = PatternKind.LIST if len(unique) > 1 else PatternKind.EXACT
    pattern = Pattern(kind=kind, values=unique or ("",))
    conditions = tuple(Condition(fact=fact, pattern=pattern) for fact in facts)

    assert parse_conditions(render_conditions(conditions)) == conditions


@given(text=st.text(r"01*?.\|; =", min_size=1, max_size=8), value=st.text(r"01*.\ ", max_size=4))
def test_patterns_survive_being_written(text: str, value: str) -> None:
    """A pattern that is read can be written and means the same when it is read again."""
    try:
        parsed = parse_pattern(text)
    except PatternError:
        reject()

    again = parse_pattern(parsed.text)
    assert again == parsed
    assert again.matches(value) == parsed.matches(value)
    assert not parsed.matches(value) or value.startswith(parsed.prefix)


@given(mapping=MAPPINGS, notes=st.lists(TEXTS.map(str.strip), min_size=8, max_size=8))
def test_parsing_a_rendered_mapping_gives_it_back(mapping: MappingSet, notes: list[str]) -> None:
    """Rendering loses nothing, and the hash is that of the file."""
    rows = zip(mapping.rules, notes, strict=False)
    mapping = MappingSet(rules=tuple(replace(rule, note=note) for rule, note in rows))
    text = render_mapping(mapping)
    try:
        again = parse_mapping(text, origin="again")
    except MappingFaultsError as error:
        if all("goes to" in fault.text for fault in error.faults):
            reject()
        raise

    assert again == mapping
    assert render_mapping(again) == text
    assert again.content_hash == mapping.content_hash


@given(before=MAPPINGS, after=MAPPINGS)
def test_a_diff_accounts_for_every_rule(before: MappingSet, after: MappingSet) -> None:
    """Removed and changed rules taken out, added ones put in: the counts are those of after."""
    diff = diff_mappings(before, after)

    assert len(before.rules) - len(diff.removed) + len(diff.added) == len(after.rules)
    assert diff.is_empty == (before == after)
