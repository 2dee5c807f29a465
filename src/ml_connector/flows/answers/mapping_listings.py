"""Mapping rules, their history, their reach and what they do not reach, as tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

from ml_connector.domain.ledger import Totals
from ml_connector.domain.mapping import Explanation
from ml_connector.domain.mapping_file import FAULTS_TOLD_MAX, MappingFault
from ml_connector.domain.mapping_rules import (
    COLUMNS,
    MappingDiff,
    MappingRule,
    MappingSet,
    RuleChange,
    render_rule,
)
from ml_connector.domain.mapping_suggestions import Suggestion
from ml_connector.domain.patterns import PatternKind
from ml_connector.domain.summaries import MAPPED, UNMAPPED
from ml_connector.flows.answers.listing import Cell, Link, Listing, Money, State, Tone
from ml_connector.flows.placing.behind import LineBehind
from ml_connector.flows.placing.coverage import CoverageRow, name_placement
from ml_connector.flows.placing.moving import Weighed
from ml_connector.flows.placing.reach import Reach
from ml_connector.ports.rules import Deed, RuleVersion
from ml_connector.ports.unmapped import UnmappedAmount, UnmappedValue

KINDS = {
    PatternKind.EXACT: "exact",
    PatternKind.LIST: "list",
    PatternKind.RANGE: "range",
    PatternKind.WILDCARD: "wildcard",
    PatternKind.ALWAYS: "always",
}
SEVERAL = "several facts"
NO_MEMBER = "no rule"
DEEDS = {
    Deed.SEEN: Tone.IDLE,
    Deed.TAKEN: Tone.BUSY,
    Deed.SAVED: Tone.GOOD,
    Deed.IMPORTED: Tone.GOOD,
    Deed.RESTORED: Tone.WAITS,
    Deed.RETURNED: Tone.WAITS,
}
PERIODS_NAMED_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFilter:
    """Which rules are shown; empty: all."""

    dimension: str = ""
    kind: str = ""
    text: str = ""
    on: date | None = None
    """Only rules that hold on this accounting date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedRule:
    """A rule with its places: in the order in which rules decide, and in the file."""

    order: int
    place: int
    rule: MappingRule


def name_kind(rule: MappingRule) -> str:
    """What the rule looks for: the kind of its pattern, or that it looks at several facts."""
    return SEVERAL if len(rule.conditions) > 1 else KINDS[rule.kind]


def rank_rules(mapping: MappingSet, asked: RuleFilter) -> list[RankedRule]:
    """The rules in the order in which they decide, dimension by dimension in file order."""
    dimensions = {
        name: at for at, name in enumerate(dict.fromkeys(r.dimension for r in mapping.rules))
    }
    ordered = sorted(
        enumerate(mapping.rules),
        key=lambda row: (dimensions[row[1].dimension], row[1].rank, row[0]),
    )
    orders: dict[str, int] = {}
    ranked = []
    for place, rule in ordered:
        orders[rule.dimension] = orders.get(rule.dimension, 0) + 1
        if _fits(rule, asked):
            ranked.append(RankedRule(order=orders[rule.dimension], place=place, rule=rule))
    return ranked


def _fits(rule: MappingRule, asked: RuleFilter) -> bool:
    if asked.dimension and rule.dimension != asked.dimension:
        return False
    if asked.kind and name_kind(rule) != asked.kind:
        return False
    if asked.on is not None and not rule.is_valid(asked.on):
        return False
    wanted = asked.text.casefold()
    return not wanted or any(wanted in text.casefold() for text in render_rule(rule))


def list_rules(ranked: Sequence[RankedRule], *, flow: str, reach: Reach, currency: str) -> Listing:
    """Rules with what each decided when the period was last placed.

    Args:
        ranked: The rules.
        flow: Whose they are, where each leads to the form that changes it; else empty.
        reach: What they reached.
        currency: Whose amounts are shown.
    """
    columns = (
        "Order", "Dimension", "When", "Member", "Kind", "Lines", "Debits", "Credits", "Precedence",
        "Holds", "Note",
    )  # fmt: skip
    return Listing(
        columns=columns,
        rows=[
            (
                Link(text=str(one.order), kind="rule", key=f"{flow}?place={one.place}")
                if flow
                else one.order,
                one.rule.dimension, one.rule.when or "always", one.rule.target,
                name_kind(one.rule),
                *_show(reach.rules.get((one.rule.rule_id, currency), Totals()), currency),
                "" if one.rule.precedence is None else str(one.rule.precedence),
                name_dates(one.rule), one.rule.note,
            )
            for one in ranked
        ],
        empty="No rule fits.",
    )  # fmt: skip


def name_dates(rule: MappingRule) -> str:
    """Between which accounting dates the rule holds; empty: always."""
    if rule.valid_from is None and rule.valid_to is None:
        return ""
    if rule.valid_to is None:
        return f"from {rule.valid_from}"
    return (
        f"until {rule.valid_to}"
        if rule.valid_from is None
        else f"{rule.valid_from} to {rule.valid_to}"
    )


def _show(totals: Totals, currency: str) -> tuple[int, Money, Money]:
    return (
        totals.lines,
        Money(amount=totals.debit, currency=currency),
        Money(amount=totals.credit, currency=currency),
    )


def list_explained(explained: Iterable[Explanation]) -> Listing:
    """Which rule decides each dimension, and why the others that fit lose."""
    rows: list[Sequence[Cell]] = []
    for one in explained:
        rule = one.decided_by
        decided = f"line {rule.line}: {rule.when or 'always'}" if rule else NO_MEMBER
        state = (
            State(word="decides", tone=Tone.GOOD)
            if rule
            else State(word="unmapped", tone=Tone.WRONG)
        )
        rows.append((one.dimension, one.target or "", state, decided, ""))
        rows += [
            (
                one.dimension, lost.rule.target, State(word="loses", tone=Tone.IDLE),
                f"line {lost.rule.line}: {lost.rule.when or 'always'}", lost.why,
            )
            for lost in one.lost
        ]  # fmt: skip
    return Listing(columns=("Dimension", "Member", "State", "Rule", "Why it lost"), rows=rows)


def list_coverage(rows: Iterable[CoverageRow]) -> Listing:
    """Where lines go, by ledger, period and currency."""
    return Listing(
        columns=("Ledger", "Period", "Currency", "Goes", "Lines", "Debit", "Credit"),
        rows=[
            (row.ledger, row.period, row.currency, name_placement(row.placement),
             *_show(row.totals, row.currency))
            for row in rows
        ],
        empty="The archive holds no lines of these periods.",
    )  # fmt: skip


def list_reach(reach: Reach) -> Listing:
    """As `list_coverage`, of what was found when the periods were last placed."""
    return list_coverage(
        CoverageRow(ledger=key[0], period=key[1], currency=key[2], placement=key[3], totals=totals)
        for key, totals in reach.placed.items()
    )


def list_shares(reach: Reach) -> Listing:
    """How much of each currency is mapped, by the larger side of its amounts."""
    sums = reach.sum_placed()
    rows: list[Sequence[Cell]] = []
    for (currency, placement), totals in sums.items():
        whole = sum(_weigh(its) for key, its in sums.items() if key[0] == currency)
        share = f"{_weigh(totals) * 100 / whole:.1f} %" if whole else ""
        tone = {MAPPED: Tone.GOOD, UNMAPPED: Tone.WRONG}.get(placement, Tone.WAITS)
        state = State(word=name_placement(placement), tone=tone)
        rows.append((state, share, *_show(totals, currency)))
    columns = ("Goes", "Share", "Lines", "Debits", "Credits")
    return Listing(columns=columns, rows=rows, empty="Nothing was placed yet.")


def _weigh(totals: Totals) -> Decimal:
    return abs(totals.debit) + abs(totals.credit)


def list_history(versions: Iterable[RuleVersion]) -> Listing:
    """Who changed the rules, when and why, newest first."""
    return Listing(
        columns=("Version", "Saved (UTC)", "Deed", "By", "Comment", "Rules", "Hash"),
        rows=[
            (
                Link(text=str(one.number), kind="version", key=f"{one.flow}?to={one.number}"),
                one.at, State(word=one.deed.value, tone=DEEDS[one.deed]), one.actor,
                one.comment, one.rules, one.content_hash[:12],
            )
            for one in versions
        ],
        empty="Nobody has used or changed these rules yet.",
    )  # fmt: skip


def list_diff(diff: MappingDiff) -> Listing:
    """What differs between two sets of rules."""
    rows: list[Sequence[Cell]] = [_diff_row("removed", Tone.WRONG, rule) for rule in diff.removed]
    rows += [_diff_row("added", Tone.GOOD, rule) for rule in diff.added]
    rows += [
        (
            State(word="changed", tone=Tone.WAITS), change.after.dimension,
            change.after.when or "always", _name_targets(change), _name_others(change),
        )
        for change in diff.changed
    ]  # fmt: skip
    rows += [_diff_row("moved", Tone.IDLE, rule) for rule in diff.moved]
    columns = ("Change", "Dimension", "When", "Member", "Also")
    return Listing(columns=columns, rows=rows, empty="The rules are the same.")


def _diff_row(word: str, tone: Tone, rule: MappingRule) -> Sequence[Cell]:
    return (
        State(word=word, tone=tone),
        rule.dimension,
        rule.when or "always",
        rule.target,
        rule.note,
    )


def _name_targets(change: RuleChange) -> str:
    before, after = change.before.target, change.after.target
    return after if before == after else f"{before} → {after}"


def _name_others(change: RuleChange) -> str:
    """What else than the member differs, cell by cell."""
    cells = zip(COLUMNS, render_rule(change.before), render_rule(change.after), strict=True)
    return "; ".join(
        f"{name}: {before or 'blank'} → {after or 'blank'}"
        for name, before, after in cells
        if before != after and name != "target"
    )


def list_moved(weighed: Weighed) -> Listing:
    """The amounts a change of rules would move."""
    return Listing(
        columns=("Period", "Dimension", "From", "To", "Lines", "Debits", "Credits"),
        rows=[
            (
                row.member, row.dimension, row.before or NO_MEMBER, row.after or NO_MEMBER,
                *_show(row.totals, row.currency),
            )
            for row in weighed.moved
        ],
        empty="No archived line changes its place.",
    )  # fmt: skip


def list_faults(faults: Sequence[MappingFault]) -> Listing:
    """Faults of a file, by row; beyond `FAULTS_TOLD_MAX` they are counted."""
    told, left = faults[:FAULTS_TOLD_MAX], len(faults) - FAULTS_TOLD_MAX
    rows = [(str(fault.line) if fault.line else "", fault.text) for fault in told]
    if left > 0:
        rows.append(("", f"and {left:,} more"))
    return Listing(columns=("Row", "Fault"), rows=rows, empty="No faults.")


def list_values(
    values: Sequence[UnmappedValue],
    suggestions: Sequence[Suggestion | None],
    settled: Sequence[bool],
) -> Listing:
    """The queue: a row for each value and currency, the largest amount first."""
    rows: list[Sequence[Cell]] = []
    for value, suggestion, is_settled in zip(values, suggestions, settled, strict=True):
        rows += [
            (
                link_value(value), _name_state(value, is_settled),
                Money(amount=total.debit, currency=total.currency),
                Money(amount=total.credit, currency=total.currency),
                total.lines, suggestion.target if suggestion else "",
                suggestion.reason if suggestion else "", value.owner, name_periods(value.members),
                value.first_seen_at, value.dimension, value.flow, total.currency,
            )
            for total in value.totals
        ]  # fmt: skip
    return Listing(
        columns=(
            "Value", "State", "Debits", "Credits", "Lines", "Suggestion", "Because", "Owner",
            "Periods", "First seen (UTC)", "Dimension", "Flow", "Currency",
        ),
        rows=rows,
        empty="Every line that was placed is mapped.",
    )  # fmt: skip


def link_value(value: UnmappedValue) -> Link:
    """The way to one value."""
    query = urlencode({"dimension": value.dimension, "value": value.value})
    return Link(text=value.value or "(empty)", kind="unmapped", key=f"{value.flow}?{query}")


def _name_state(value: UnmappedValue, is_settled: bool) -> State:  # noqa: FBT001 - of a zip.
    if not value.is_open:
        # Its lines are gone, or its period has left the flow, where no rule takes it.
        gone = State(word="no lines any more", tone=Tone.IDLE)
        return State(word="mapped", tone=Tone.GOOD) if is_settled else gone
    if is_settled:
        return State(word="assigned, not yet re-run", tone=Tone.BUSY)
    return State(word="unmapped", tone=Tone.WRONG)


def name_periods(members: Sequence[str]) -> str:
    """A few by name, many by number."""
    if len(members) > PERIODS_NAMED_MAX:
        return f"{len(members)} periods"
    return ", ".join(members)


def list_amounts(amounts: Iterable[UnmappedAmount]) -> Listing:
    """What lies on a value, by period."""
    return Listing(
        columns=("Planning period", "Ledger", "Period", "Lines", "Debits", "Credits"),
        rows=[
            (
                one.member, one.ledger, one.period, one.lines,
                Money(amount=one.debit, currency=one.currency),
                Money(amount=one.credit, currency=one.currency),
            )
            for one in amounts
        ],
        empty="Nothing lies on it any more.",
    )  # fmt: skip


def list_lines(lines: Iterable[LineBehind]) -> Listing:
    """Journal lines behind a value."""
    return Listing(
        columns=("Ledger", "Period", "Date", "Account combination", "Batch", "Source",
                 "Description", "Debit", "Credit"),
        rows=[
            (
                one.line.ledger, one.line.period, one.line.accounting_date.isoformat(),
                one.line.combination, one.batch_name or one.batch_id, one.line.source,
                one.line.description, Money(amount=one.line.debit, currency=one.line.currency),
                Money(amount=one.line.credit, currency=one.line.currency),
            )
            for one in lines
        ],
        empty="None of the lines looked at lies on it.",
    )  # fmt: skip


def render_facts(facts: Mapping[str, str]) -> str:
    """Facts as a command takes them."""
    return ", ".join(f"{name}={value}" for name, value in facts.items() if value)
