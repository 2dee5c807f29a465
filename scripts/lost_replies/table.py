"""The table, in markdown, and its place in the page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.lost_replies.driving import Outcome
from scripts.lost_replies.work import ROOT, Fault, Tool, WritePath

PAGE = ROOT / "docs" / "concepts" / "lost-replies.md"
BEGIN = "<!-- lost-replies: begin; written by the command, not by hand -->"
END = "<!-- lost-replies: end -->"
ABSENT = "n/a"
"""Stands where a tool does not do the job."""
HEAD = (
    "write path", "reply lost by", "writes", "replies lost",
    *("ml-connector: doubled", "missing", "unknown, settled"),
    *("dlt: doubled", "missing", "anaplan-sdk: doubled", "missing"),
)  # fmt: skip
TEXT_COLUMNS = 2
ALL = "all"
Outcomes = Mapping[tuple[str, Fault, Tool], Outcome]
"""By title of the write path, fault and tool."""


class PageError(Exception):
    """The page has no place for the table."""


def render_table(paths: Sequence[WritePath], outcomes: Outcomes) -> str:
    """One row for each write path and fault, and one for all of them."""
    rows = [
        (path.title, str(fault), *render_cells(_pick(outcomes, path.title, fault)))
        for path in paths
        for fault in Fault
    ]
    total = {tool: sum_up(outcomes, tool) for tool in Tool}
    rule = ["---"] * TEXT_COLUMNS + ["---:"] * (len(HEAD) - TEXT_COLUMNS)
    return "\n".join(
        f"| {' | '.join(row)} |" for row in [HEAD, rule, *rows, (ALL, ALL, *render_cells(total))]
    )


def _pick(outcomes: Outcomes, title: str, fault: Fault) -> dict[Tool, Outcome]:
    return {tool: its for (path, by, tool), its in outcomes.items() if (path, by) == (title, fault)}


def sum_up(outcomes: Outcomes, tool: Tool) -> Outcome:
    """All that became of a tool's writes."""
    return sum((its for (_, _, by), its in outcomes.items() if by is tool), start=Outcome())


def render_cells(outcomes: Mapping[Tool, Outcome]) -> tuple[str, ...]:
    """The numbers of a row; a tool that did not do the job has none."""
    ours = outcomes[Tool.PRODUCT]
    cells = [ours.writes, ours.lost, ours.doubled, ours.missing, ours.settled]
    others = [outcomes.get(tool) for tool in (Tool.DLT, Tool.SDK)]
    pairs = [(its.doubled, its.missing) if its else (ABSENT, ABSENT) for its in others]
    return tuple(str(cell) for cell in [*cells, *(cell for pair in pairs for cell in pair)])


def render_block(table: str, *, writes: int, seed: int, versions: Mapping[str, str]) -> str:
    """What stands between the marks: the table, and what it was made with."""
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{BEGIN}\n\n{table}\n\nMade with `N={writes}`, seed {seed}: {told}.\n\n{END}"


def replace_block(text: str, block: str) -> str:
    """The page with this block in the place of the one it had.

    Raises:
        PageError: The marks are not there, or not once each.
    """
    if (text.count(BEGIN), text.count(END)) != (1, 1):
        raise PageError(f"The page wants {BEGIN!r} and {END!r} once each.")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{block}{after}"


def save_block(block: str, page: Path = PAGE) -> None:
    """The page holds the block."""
    text = replace_block(page.read_text(encoding="utf-8"), block)
    page.write_text(text, encoding="utf-8")
