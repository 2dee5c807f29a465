"""Commands about mapping rules and what they do not reach."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ml_connector.cli.options import Options, opened, output_of
from ml_connector.cli.output import Listing, Money, hint, say, show
from ml_connector.errors import UsageError
from ml_connector.flows.answers import mapping_listings as tables
from ml_connector.flows.placing.rulebook import count_changes
from ml_connector.ports.unmapped import UnmappedFilter

if TYPE_CHECKING:
    from ml_connector.flows.placing.coverage import UnmappedRow
    from ml_connector.wiring import House

Periods = Annotated[
    list[str] | None,
    Parameter(name="--period", help="Planning period such as 'Oct 26'.", negative=()),
]
Why = Annotated[str, Parameter(help="Why, for the history.")]
VALUES_MAX = 1_000
"""Unmapped values listed at once, the largest amounts."""
VERSIONS_MAX = 200
"""Versions listed at once, the newest."""


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
        explained = house.explain_mapping(flow, given, on or house.clock.now().date())
        show(tables.list_explained(explained), output_of(options))
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


def coverage(
    flow: str,
    /,
    *,
    period: Periods = None,
    placed: Annotated[
        bool, Parameter(negative=(), help="As runs last placed it; reads no lines again.")
    ] = False,
    options: Options | None = None,
) -> int:
    """Show where the archived lines go by the rules, in money."""
    with opened(options) as house:
        if placed:
            names = period or ["*"]
            found = [tables.list_reach(house.find_reach(flow, name)) for name in names]
            rows = [row for one in found for row in one.rows]
            listing = Listing(columns=found[0].columns, rows=rows, empty=found[0].empty)
        else:
            listing = tables.list_coverage(house.cover(flow, period)[0])
        show(listing, output_of(options))
    return 0


def list_unmapped(
    flow: str,
    /,
    *,
    owner: Annotated[str, Parameter(help="Only what this person looks after.")] = "",
    combinations: Annotated[
        bool, Parameter(negative=(), help="Account combinations, from the archive's lines.")
    ] = False,
    period: Periods = None,
    options: Options | None = None,
) -> int:
    """List the values no rule takes, largest amount first, with who looks after them."""
    with opened(options) as house:
        if combinations or period:
            listing = _list_combinations(house.cover(flow, period)[1])
        else:
            asked = UnmappedFilter(flow=house.actuals_flow(flow).name, owner=owner)
            listing = house.list_unmapped(asked, limit=VALUES_MAX)
        show(listing, output_of(options))
        if listing.rows:
            hint(f"add a rule: `ml-connector unmapped assign {flow} account account=VALUE MEMBER`")
    return 0


def _list_combinations(unmapped: "Sequence[UnmappedRow]") -> Listing:
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
    columns = (
        "Dimension", "Ledger", "Period", "Account combination", "Currency", "Lines", "Debit",
        "Credit",
    )  # fmt: skip
    return Listing(columns=columns, rows=rows, empty="Every line of these periods is mapped.")


def assign(
    flow: str,
    dimension: str,
    when: str,
    target: str,
    /,
    *,
    note: Why = "",
    options: Options | None = None,
) -> int:
    """Add a rule to the flow's rules: DIMENSION, WHEN such as account=68010, MEMBER."""
    with opened(options) as house:
        where = house.add_rule(flow, dimension=dimension, when=when, target=target, note=note)
    say(f"Added to {where}: {dimension}: {when} → {target}.")
    hint(f"see what it moves: `ml-connector plan {flow} --remap`")
    return 0


def own(
    flow: str,
    dimension: str,
    value: str,
    person: Annotated[str, Parameter(help="Who looks after it; `nobody`: no one any more.")],
    /,
    *,
    note: Annotated[str, Parameter(help="What is known.")] = "",
    options: Options | None = None,
) -> int:
    """Say who looks after an unmapped value."""
    owner = "" if person == "nobody" else person
    with opened(options) as house:
        house.assign_unmapped(flow, dimension, value, owner=owner, note=note)
    say(f"{dimension} {value}: {person} looks after it.")
    return 0


def diff(
    flow: str,
    other: Annotated[
        str, Parameter(help="A CSV file or workbook, the number of a version, or `file`.")
    ],
    /,
    *,
    amounts: Annotated[bool, Parameter(negative=(), help="Show what it would move.")] = False,
    options: Options | None = None,
) -> int:
    """Compare the flow's rules with those of a file or of an earlier version."""
    with opened(options) as house:
        mine, theirs = house.find_rules_of(flow, ""), house.find_rules_at(flow, other)
        listing = (
            tables.list_moved(house.weigh_rules(flow, mine, theirs))
            if amounts
            else tables.list_diff(house.compare_rules(mine, theirs))
        )
        show(listing, output_of(options))
    return 0


def import_rules(flow: str, file: Path, /, *, options: Options | None = None) -> int:
    """Replace the flow's rules by those of a CSV file or workbook, once all of it is valid."""
    with opened(options) as house:
        where, count = house.replace_rules(flow, file)
    say(f"{where} now holds the {count} rules of {file}.")
    hint(f"see what they move: `ml-connector plan {flow} --remap`")
    return 0


def export_rules(
    flow: str,
    /,
    *,
    version: Annotated[str, Parameter(help="Number of a version; default: in force.")] = "",
    workbook: Annotated[Path | None, Parameter(help="Write a workbook there instead.")] = None,
    options: Options | None = None,
) -> int:
    """Print the flow's rules as CSV, or write them as a workbook."""
    with opened(options) as house:
        if workbook is None:
            print(house.render_rules(flow, version), end="")
        else:
            workbook.write_bytes(house.render_rules_workbook(flow, version))
            say(f"{workbook} holds the rules of {flow}.")
    return 0


def history(flow: str, /, *, options: Options | None = None) -> int:
    """List who changed the flow's rules, when and why, newest first."""
    with opened(options) as house:
        name = house.actuals_flow(flow).name
        versions = house.records.mappings.load_versions(name, limit=VERSIONS_MAX)
        show(tables.list_history(versions), output_of(options))
    return 0


def keep(
    flow: str,
    where: Literal["records", "file"],
    /,
    *,
    comment: Why = "",
    options: Options | None = None,
) -> int:
    """Let the records keep the flow's rules, so that pages change them, or the project's file."""
    with opened(options) as house:
        if where == "records":
            saved = house.take_rules(flow, comment=comment)
        else:
            saved = house.give_rules_back(flow, comment=comment)
    say(f"Version {saved.number}: the {saved.rules} rules of {flow} are kept in the {where}.")
    return 0


def restore(
    flow: str, version: int, /, *, comment: Why = "", options: Options | None = None
) -> int:
    """Make the rules of an earlier version those in force again, as a new version."""
    with opened(options) as house:
        saved = house.restore_rules(flow, version, comment=comment)
    say(f"Version {saved.number} of {flow} holds the {saved.rules} rules of version {version}.")
    hint(f"see what they move: `ml-connector plan {flow} --remap`")
    return 0


def tell_drift(house: "House", flow: str) -> None:
    """Say where the project's file holds other rules than those that decide."""
    if house.flow(flow).kind != "actuals":
        return
    drift = house.find_rules(flow).drift
    if drift is not None:
        count = count_changes(drift)
        say(f"The rules are kept in the records; the project's file differs in {count} of them.")
        hint(f"see what it would move: `ml-connector mappings diff {flow} file --amounts`")
