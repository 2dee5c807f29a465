"""Which rule decides, why the others lost, and what a mapping file may not hold."""

import re
from datetime import date
from decimal import Decimal

import pytest

from ml_connector.domain.ledger import Chart, CombinationSplitError, Line
from ml_connector.domain.mapping import (
    Mapped,
    Mapper,
    Unmapped,
    facts_of,
    find_changed_dates,
)
from ml_connector.domain.mapping_file import (
    MappingFaultsError,
    parse_mapping,
    parse_rows,
)
from ml_connector.domain.mapping_rules import (
    MappingSet,
    diff_mappings,
    render_mapping,
)
from ml_connector.domain.patterns import Pattern, PatternError, PatternKind, parse_pattern
from ml_connector.settings.flows import LINE_FACTS

ON = date(2026, 10, 31)
FACTS = {"entity": "101", "account": "68010", "center": "0200", "ledger": "Vision"}


def mapping_of(*rows: str) -> MappingSet:
    """A mapping from rows without heading: dimension,when,target[,precedence[,from[,to]]]."""
    heading = "dimension,when,target,precedence,valid_from,valid_to,note"
    full = [row + "," * (6 - row.count(",")) for row in rows]
    return parse_mapping("\n".join([heading, *full]), origin="map.csv")


def target_of(*rows: str, on: date = ON, **facts: str) -> str | None:
    """What the rows map the account to; None when unmapped."""
    found = Mapper(mapping_of(*rows), ["account"]).map_facts({**FACTS, **facts}, on)
    return found.targets[0] if isinstance(found, Mapped) else None


@pytest.mark.parametrize(
    ("pattern", "fitting", "other"),
    [
        ("68010", ["68010"], ["068010", "6801", "680100", ""]),
        ("68010|68020", ["68010", "68020"], ["68015"]),
        ("60000..69999", ["60000", "65000", "69999"], ["5999", "650", "065000", "70000", "6500A0"]),
        ("0100..0200", ["0100", "0150"], ["100", "150"]),
        ("68*", ["68", "68010"], ["6", "168"]),
        ("6?010", ["68010", "6X010"], ["6010", "688010"]),
        ("*10", ["10", "6810"], ["101"]),
        ("*", ["", "anything"], []),
        ("", [""], ["0"]),
        (r"5\*", ["5*"], ["50"]),
        (r"A\;B", ["A;B"], ["A"]),
        (r"\ 30", [" 30"], ["30"]),
        ("1.5", ["1.5"], ["1x5"]),
        (r"a\..b", ["a..b"], ["a.b"]),
        ("a=b", ["a=b"], ["a"]),
        ("a+b", ["a+b"], ["aab"]),
    ],
)
def test_pattern_fits_what_it_says(pattern: str, fitting: list[str], other: list[str]) -> None:
    """Each kind of pattern takes its values and no others; leading zeros matter."""
    parsed = parse_pattern(pattern)

    assert [value for value in fitting if not parsed.matches(value)] == []
    assert [value for value in other if parsed.matches(value)] == []
    assert parse_pattern(parsed.text) == parsed


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("1..22", "differ in length"),
        ("9..1", "begins after its end"),
        ("1..", "exactly two ends"),
        ("1..2..3", "exactly two ends"),
        ("1|2*", "wildcard into a list"),
        ("1..2|5", "a rule of its own"),
        ("1..2*", "wildcard into a list or range"),
        ("1\\", "backslash"),
    ],
)
def test_pattern_is_refused_with_its_reason(pattern: str, why: str) -> None:
    """A pattern that means nothing is refused in words that say why."""
    with pytest.raises(PatternError, match=why):
        parse_pattern(pattern)


def test_range_of_values_that_end_in_dots_is_written_so_that_it_is_read_again() -> None:
    """A dot beside the two dots of a range is escaped."""
    pattern = Pattern(kind=PatternKind.RANGE, values=("a.", "b."))

    assert parse_pattern(pattern.text) == pattern


def test_pattern_of_stars_is_a_rule_for_everything() -> None:
    """Any number of stars is the star alone; a list of one value is that value."""
    assert parse_pattern("***").kind is PatternKind.ALWAYS
    assert parse_pattern("1|1").kind is PatternKind.EXACT


def test_rule_needs_its_fact_even_for_a_star() -> None:
    """A star stands for any value of a fact the line has, not for a missing fact."""
    assert target_of("account,product=*,P", product="") == "P"
    assert target_of("account,product=*,P") is None


@pytest.mark.parametrize(
    ("winner", "loser", "why"),
    [
        ("account,,W,10", "account,account=68010,L", "precedence 100 comes after 10"),
        ("account,account=68010,W", "account,,L,101", "precedence 101 comes after 100"),
        (
            "account,account=68010,W",
            "account,account=68010|68020,L",
            "a list gives way to an exact",
        ),
        ("account,account=68010|1,W", "account,account=60000..69999,L", "a range gives way"),
        ("account,account=60000..69999,W", "account,account=6801*,L", "a wildcard gives way"),
        ("account,account=6*,W", "account,,L", "everything gives way to a wildcard"),
        (
            "account,account=68010; entity=1*,W",
            "account,account=68010,L",
            "1 condition.* give way to 2",
        ),
        ("account,account=680*,W", "account,account=68*,L", "2 literal characters give way to 3"),
        ("account,account=68*,W", "account,account=*10,L", "0 literal characters"),
    ],
)
def test_rule_wins_by_precedence_then_kind_then_conditions(
    winner: str, loser: str, why: str
) -> None:
    """The documented order decides whatever the order in the file, and the loser is told why."""
    for rows in ([winner, loser], [loser, winner]):
        mapper = Mapper(mapping_of(*rows), ["account"])
        explanation = mapper.explain(FACTS, ON)[0]

        assert mapper.map_facts(FACTS, ON) == Mapped(
            ("W",), (explanation.decided_by.rule_id if explanation.decided_by else "",)
        )
        assert explanation.target == "W"
        assert len(explanation.lost) == 1
        assert explanation.lost[0].rule.target == "L"
        assert re.search(why, explanation.lost[0].why)


def test_rules_of_equal_rank_are_decided_by_their_place() -> None:
    """Where nothing else tells two rules apart, the earlier line wins and says so."""
    mapping = mapping_of("account,account=68*,W", "account,entity=10*,L")
    explanation = Mapper(mapping, ["account"]).explain(FACTS, ON)[0]

    assert explanation.target == "W"
    assert explanation.lost[0].why == "line 3 stands after line 2"


def test_explain_names_rules_whose_dates_or_facts_do_not_fit() -> None:
    """A rule whose conditions hold is shown even when its dates or its target keep it out."""
    mapping = mapping_of(
        "account,account=68010,OLD,,,2026-09-30", "account,account=680*,A_{product}"
    )
    explanation = Mapper(mapping, ["account"]).explain(FACTS, ON)[0]

    assert explanation.decided_by is None
    assert explanation.target is None
    assert [lost.why for lost in explanation.lost] == [
        "valid from ever to 2026-09-30, not on 2026-10-31",
        "the facts give no member for its target 'A_{product}'",
    ]


def test_target_copies_facts() -> None:
    """A template is filled from the facts; doubled braces are braces."""
    assert target_of("account,,A_{entity}_{account}") == "A_101_68010"
    assert target_of("account,,{{{account}}}") == "{68010}"


def test_target_that_would_be_empty_does_not_apply() -> None:
    """An empty fact gives no empty member; the next rule decides."""
    assert target_of("account,account=68010,{product}", "account,,REST", product="") == "REST"
    assert target_of("account,,{product}", product="") is None


def test_rule_holds_on_both_its_dates_and_not_outside() -> None:
    """Effective dates include both ends, through one mapper that remembers."""
    mapper = Mapper(
        mapping_of("account,,IN,,2026-10-01,2026-10-31", "account,,OUT,200"), ["account"]
    )
    days = [date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 31), date(2026, 11, 1)]

    for _ in range(2):
        found = [mapper.map_facts(FACTS, day) for day in days]
        assert [item.targets[0] for item in found if isinstance(item, Mapped)] == [
            "OUT",
            "IN",
            "IN",
            "OUT",
        ]


def test_rule_may_hold_until_the_last_day_there_is() -> None:
    """An end date of the last representable day overflows nothing."""
    assert target_of("account,,W,,0001-01-01,9999-12-31") == "W"


def test_unmapped_lists_every_dimension_without_a_rule() -> None:
    """One gap does not hide the next one, and the facts are kept for the queue."""
    mapper = Mapper(mapping_of("center,,C", "other,,O"), ["account", "center", "entity"])

    for _ in range(2):
        assert mapper.map_facts(FACTS, ON) == Unmapped(("account", "entity"), FACTS)


def test_mapped_targets_come_in_the_order_of_the_dimensions() -> None:
    """Targets and rule ids follow the mapper's dimensions, not the file."""
    mapping = mapping_of("center,,{center}", "account,,{account}")
    found = Mapper(mapping, ["account", "center"]).map_facts(FACTS, ON)

    assert found == Mapped(("68010", "0200"), (mapping.rules[1].rule_id, mapping.rules[0].rule_id))


@pytest.mark.parametrize("cache_max", [0, 1, 2, 5])
def test_memo_stays_within_its_bound(cache_max: int) -> None:
    """However many facts come by, no more than the maximum is remembered."""
    mapper = Mapper(mapping_of("account,,{account}"), ["account"], cache_max=cache_max)

    for number in range(20):
        found = mapper.map_facts({"account": str(number)}, ON)
        assert isinstance(found, Mapped)
        assert found.targets == (str(number),)
        assert len(mapper._memo) <= cache_max


def test_memo_is_asked_once_per_facts_that_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts no rule looks at, and days between two dates of rules, share one decision."""
    mapper = Mapper(mapping_of("account,account=68010,W,,2026-10-01"), ["account"])
    mapper.map_facts(FACTS, ON)
    monkeypatch.setattr(mapper, "_decide", None)

    assert isinstance(mapper.map_facts({**FACTS, "source": "x"}, date(2027, 5, 5)), Mapped)
    with pytest.raises(TypeError):
        mapper.map_facts(FACTS, date(2026, 9, 30))


def test_mapping_file_faults_are_told_all_at_once() -> None:
    """Every fault is listed with its line, and the file's name."""
    text = (
        "dimension,when,target,precedence,valid_from,valid_to,note\n"
        "account,acount=1,X,,,,\n"
        "account,account=1..22,X,,,,\n"
        "account,account=1,{acc},,,,\n"
        "account,account=1,{,,,,\n"
        ",account=1,,x,2026-02-30,20261101,\n"
        "centre,account,X,,2026-02-02,2026-02-01,\n"
        "\n"
        "account,account=7,A,,,,\n"
        "account,account=7,B,,,,\n"
        "account,1\n"
    )
    with pytest.raises(MappingFaultsError) as caught:
        parse_mapping(
            text, origin="m.csv", facts=frozenset({"account"}), dimensions={"account", "center"}
        )

    error = caught.value
    assert error.code == "mapping.faults"
    assert error.exit_code == 2
    assert [(fault.line, fault.text.split(";")[0][:34]) for fault in error.faults] == [
        (2, "unknown fact 'acount'"),
        (3, "the ends of the range 1..22 differ"),
        (4, "unknown fact 'acc'"),
        (5, "the target '{' has a brace that is"),
        (6, "the dimension is empty"),
        (6, "the precedence 'x' is no whole num"),
        (6, "the target is empty"),
        (6, "valid_from '2026-02-30' is no date"),
        (6, "valid_to '20261101' is no date suc"),
        (7, "the condition 'account' is not wri"),
        (7, "unknown dimension 'centre'"),
        (7, "valid_from 2026-02-02 lies after v"),
        (10, "account 'account=7' goes to 'B', b"),
        (11, "the row has 2 cells, the heading h"),
    ]
    for fault in error.faults:
        assert fault.sentence in str(error)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("", 0, "heading .* is missing"),
        ("dimension;when;target\na;b;c\n", 1, "separated by commas"),
        ("dimension,when,target,why\n", 1, "unknown columns 'why'"),
        ("dimension,when,target,note,note\n", 1, "names a column twice"),
        ('dimension,when,target\na,"b"c,d\n', 2, "no CSV text"),
    ],
)
def test_mapping_file_is_refused_when_its_shape_is_wrong(text: str, line: int, why: str) -> None:
    """A file that is no such table is refused with the line where it goes wrong."""
    with pytest.raises(MappingFaultsError) as caught:
        parse_mapping(text, origin="m.csv")

    assert any(f.line == line and re.search(why, f.text) for f in caught.value.faults)


def test_mapping_file_counts_the_lines_of_quoted_breaks() -> None:
    """A fault after a note with a line break is told at its true line."""
    text = 'dimension,when,target,note\na,,X,"one\ntwo"\n\na,,,\n'
    with pytest.raises(MappingFaultsError) as caught:
        parse_mapping(text, origin="m.csv")

    assert [fault.line for fault in caught.value.faults] == [5]


def test_mapping_file_may_start_with_a_byte_order_mark_and_order_its_columns() -> None:
    """What Excel writes is read; columns that are missing count as empty."""
    mapping = parse_mapping("\ufefftarget,when,dimension\r\nX, ,account\r\n", origin="m.csv")

    assert [(r.dimension, r.when, r.target) for r in mapping.rules] == [("account", "", "X")]


@pytest.mark.parametrize(
    ("rows", "conflicts"),
    [
        (["account,account=1,A", "account,account=1,B"], True),
        (["account,account=1; entity=2,A", "account,entity=2; account=1,B"], True),
        (["account,account=1,A", "account,account=1,A"], False),
        (["account,account=1,A,5", "account,account=1,B,6"], False),
        (["account,account=1,A,100", "account,account=1,B"], True),
        (["account,account=1,A,,,2026-10-31", "account,account=1,B,,2026-11-01"], False),
        (["account,account=1,A,,,2026-10-31", "account,account=1,B,,2026-10-31"], True),
        (["account,account=1,A", "entity,account=1,B"], False),
    ],
)
def test_rules_that_contradict_each_other_are_refused(rows: list[str], *, conflicts: bool) -> None:
    """The same conditions must not have two targets on a day at one precedence."""
    if not conflicts:
        assert len(mapping_of(*rows).rules) == 2
        return
    with pytest.raises(MappingFaultsError, match=r"map.csv, line 3: .* goes to 'B'"):
        mapping_of(*rows)


def test_parse_rows_takes_rows_of_any_file() -> None:
    """Rows read elsewhere make the same rules, with their own line numbers."""
    rows = [(7, {"dimension": "account", "when": "account=1", "target": "A"})]

    mapping = parse_rows(rows, origin="m.yaml")
    assert mapping == mapping_of("account,account=1,A")
    assert (mapping.rules[0].origin, mapping.rules[0].line) == ("m.yaml", 7)


def test_content_hash_follows_content_and_order_alone() -> None:
    """The hash is the rendered file's: another file of the same rules has it too."""
    one = mapping_of("account,account=1,A", "account,account=2,B")
    again = parse_mapping(render_mapping(one), origin="elsewhere.csv")
    swapped = mapping_of("account,account=2,B", "account,account=1,A")

    assert one.content_hash == again.content_hash
    assert one.content_hash != swapped.content_hash
    assert [rule.rule_id for rule in one.rules] == [rule.rule_id for rule in again.rules]


def test_diff_mappings_tells_added_removed_changed_and_moved() -> None:
    """Rules are paired by what they are about, and a rule that only moved is named alone."""
    before = mapping_of("d,a=1,A", "d,a=2,B", "d,a=3,C", "d,a=4,D")
    after = mapping_of("d,a=4,D", "d,a=1,A", "d,a=2,X", "d,a=5,E")

    diff = diff_mappings(before, after)
    assert [rule.when for rule in diff.added] == ["a=5"]
    assert [rule.when for rule in diff.removed] == ["a=3"]
    assert [(c.before.target, c.after.target) for c in diff.changed] == [("B", "X")]
    assert [rule.when for rule in diff.moved] == ["a=4"]
    assert diff_mappings(before, before).is_empty
    assert not diff.is_empty


def test_diff_mappings_shows_a_new_end_date_as_a_change() -> None:
    """Ending a rule and beginning its successor is one change and one addition."""
    before = mapping_of("d,a=1,A")
    after = mapping_of("d,a=1,A,,,2026-10-31", "d,a=1,B,,2026-11-01")

    diff = diff_mappings(before, after)
    assert [c.after.valid_to for c in diff.changed] == [date(2026, 10, 31)]
    assert [rule.target for rule in diff.added] == ["B"]


def test_find_changed_dates_spans_the_changed_rules() -> None:
    """Periods outside the span map as before; a new note alone spans nothing."""
    before = mapping_of("d,a=1,A", "d,a=2,B,,2026-01-01,2026-03-31")
    after = mapping_of("d,a=1,A", "d,a=2,C,,2026-02-01,2026-04-30")

    assert find_changed_dates(before, after) == (date(2026, 1, 1), date(2026, 4, 30))
    assert find_changed_dates(before, before) is None
    assert (
        find_changed_dates(before, mapping_of("d,a=1,A,,,,why", "d,a=2,B,,2026-01-01,2026-03-31"))
        is None
    )
    assert find_changed_dates(before, mapping_of("d,a=1,A")) == (
        date(2026, 1, 1),
        date(2026, 3, 31),
    )


def test_facts_of_a_line_are_its_segments_and_its_own_facts() -> None:
    """Segments keep their zeros; the line's own facts win over a segment of the same name."""
    chart = Chart(name="US", delimiter="-", segments=("entity", "account", "source"))
    zero = Decimal(0)
    line = Line(
        "Vision", "Oct-26", ON, "US", "101-0068-x", "J1", 1, "USD", zero, zero, "USD", zero, zero,
        "Payables", "Invoices", "",
    )  # fmt: skip

    assert set(facts_of(line, chart)) == {*chart.segments, *LINE_FACTS}
    assert facts_of(line, chart) == {
        "entity": "101",
        "account": "0068",
        "ledger": "Vision",
        "chart": "US",
        "currency": "USD",
        "source": "Payables",
        "category": "Invoices",
    }
    with pytest.raises(CombinationSplitError, match="has 2 parts"):
        facts_of(line._replace(combination="101-1"), chart)
