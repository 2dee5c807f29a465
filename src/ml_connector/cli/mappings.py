"""Commands about mapping rules and what they do not reach."""

from datetime import date
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ml_connector.cli.options import Options, opened, output_of
from ml_connector.cli.output import Listing, Money, hint, say, show
from ml_connector.errors import UsageError

Periods = Annotated[
    list[str] | None,
    Parameter(name="--period", help="Planning period such as 'Oct 26'.", negative=()),
]


def explain(
    flow: str,
    facts: Annotated[list[str], Parameter(help="Facts as NAME=VALUE, such as account=68010.")],
    /,
    *,
    on: Annotated[date | None, Parameter(help="Accounting date; default: today.")] = None,
    options: Options | None = None,
) -> int:
    """Say which rule decides for these facts, and why the others lose."""
    given = dict(_parse_fact(text) for text in facts)
    with opened(options) as house:
        rows = []
        for explained in house.explain_mapping(flow, given, on or house.clock.now().date()):
            rule = explained.decided_by
            decided = f"line {rule.line}: {rule.when or 'always'}" if rule else "no rule"
            rows.append((explained.dimension, explained.target or "", decided, ""))
            rows += [
                (
                    explained.dimension,
                    lost.rule.target,
                    f"line {lost.rule.line}: {lost.rule.when}",
                    lost.why,
                )
                for lost in explained.lost
            ]
        show(
            Listing(columns=("Dimension", "Member", "Rule", "Why it lost"), rows=rows),
            output_of(options),
        )
    return 0


def _parse_fact(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(
            f"{text!r} is not NAME=VALUE.",
            written="Nothing was done.",
            next_step="Write facts as account=68010 cost_centre=120.",
            given=text,
        )
    return name, value


def coverage(flow: str, /, *, period: Periods = None, options: Options | None = None) -> int:
    """Show where the archived lines go by the rules, in money."""
    with opened(options) as house:
        covered, _ = house.cover(flow, period)
        rows = [
            (
                c.ledger,
                c.period,
                c.currency,
                c.placement,
                c.totals.lines,
                Money(amount=c.totals.debit, currency=c.currency),
                Money(amount=c.totals.credit, currency=c.currency),
            )
            for c in covered
        ]
        show(
            Listing(
                columns=("Ledger", "Period", "Currency", "Goes", "Lines", "Debit", "Credit"),
                rows=rows,
                empty="The archive holds no lines of these periods.",
            ),
            output_of(options),
        )
    return 0


def list_unmapped(flow: str, /, *, period: Periods = None, options: Options | None = None) -> int:
    """List the account combinations no rule takes, largest amount first."""
    with opened(options) as house:
        _, unmapped = house.cover(flow, period)
        rows = [
            (
                u.dimension,
                u.ledger,
                u.period,
                f"{u.combination} {u.stands_for}".rstrip(),
                u.currency,
                u.totals.lines,
                Money(amount=u.totals.debit, currency=u.currency),
                Money(amount=u.totals.credit, currency=u.currency),
            )
            for u in unmapped
        ]
        show(
            Listing(
                columns=(
                    "Dimension",
                    "Ledger",
                    "Period",
                    "Account combination",
                    "Currency",
                    "Lines",
                    "Debit",
                    "Credit",
                ),
                rows=rows,
                empty="Every line of these periods is mapped.",
            ),
            output_of(options),
        )
        if rows:
            hint(f"add a rule: `ml-connector unmapped assign {flow} account account=VALUE MEMBER`")
    return 0


def assign(
    flow: str,
    dimension: str,
    when: str,
    target: str,
    /,
    *,
    note: Annotated[str, Parameter(help="Why, for the history.")] = "",
    options: Options | None = None,
) -> int:
    """Add a rule to the flow's mapping file: DIMENSION, WHEN such as account=68010, MEMBER."""
    with opened(options) as house:
        path = house.add_rule(flow, dimension=dimension, when=when, target=target, note=note)
    say(f"Added to {path}: {dimension}: {when} → {target}.")
    hint(f"see what it moves: `ml-connector plan {flow} --remap`")
    return 0


def diff(flow: str, other: Path, /, *, options: Options | None = None) -> int:
    """Compare the flow's rules with those of another file."""
    with opened(options) as house:
        found = house.diff_mapping(flow, other)
        rows = [("removed", r.dimension, r.when, r.target) for r in found.removed]
        rows += [("added", r.dimension, r.when, r.target) for r in found.added]
        rows += [
            ("changed", c.after.dimension, c.after.when, f"{c.before.target} → {c.after.target}")
            for c in found.changed
        ]
        show(
            Listing(
                columns=("Change", "Dimension", "When", "Member"),
                rows=rows,
                empty="The rules are the same.",
            ),
            output_of(options),
        )
    return 0


def import_rules(flow: str, file: Path, /, *, options: Options | None = None) -> int:
    """Replace the flow's rules by those of a CSV file, once all of it is valid."""
    with opened(options) as house:
        path, count = house.replace_rules(flow, file)
    say(f"{path} now holds the {count} rules of {file}.")
    hint(f"see what they move: `ml-connector plan {flow} --remap`")
    return 0


def export_rules(flow: str, /, *, options: Options | None = None) -> int:
    """Print the flow's rules as CSV."""
    with opened(options) as house:
        print(house.render_rules(flow), end="")
    return 0
