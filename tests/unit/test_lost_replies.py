"""The table of lost replies: what is counted, and that the page shows what the command writes."""

import re
import tomllib
from collections import Counter
from typing import Any

import pytest
from scripts.lost_replies.driving import Outcome, compare, count_settled, draw_losses
from scripts.lost_replies.paths import PATHS
from scripts.lost_replies.table import (
    ABSENT,
    ALL,
    BEGIN,
    END,
    HEAD,
    PAGE,
    PageError,
    render_block,
    render_table,
    replace_block,
)
from scripts.lost_replies.work import ROOT, Fault, Tool

OURS = slice(2, 7)
"""Cells of a row that tell of the product."""
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ; .*)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def read_rows(text: str) -> list[list[str]]:
    """The cells of a markdown table, row by row, the rule left out."""
    rows = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [rows[0], *rows[2:]]


def read_pins(lines: list[str]) -> dict[str, str]:
    """Versions of a lock, by package."""
    return {found[1]: found[2] for line in lines if (found := PIN.match(line))}


def make_outcomes() -> dict[Any, Outcome]:
    """Every task of the command, with numbers that tell the tools apart."""
    return {
        (path.title, fault, tool): Outcome(writes=12, lost=3, doubled=number, settled=3)
        for path in PATHS
        for fault in Fault
        for number, tool in enumerate(path.tools)
    }


def test_page_shows_a_table_of_the_shape_the_command_writes() -> None:
    """Same columns, same rows in the same order, and a number or a gap where one is written."""
    [_, _, block] = PAGE.read_text(encoding="utf-8").rpartition(BEGIN)
    shown, made = (
        read_rows(text) for text in (block.split(END)[0], render_table(PATHS, make_outcomes()))
    )

    assert shown[0] == made[0] == list(HEAD)
    assert [row[:2] for row in shown] == [row[:2] for row in made]
    assert [[cell == ABSENT for cell in row] for row in shown] == [
        [cell == ABSENT for cell in row] for row in made
    ]
    assert all(cell.isdecimal() for row in shown[1:] for cell in row[2:] if cell != ABSENT)


def test_page_tells_of_a_product_that_doubles_and_loses_nothing() -> None:
    """Every reply lost was settled, or the page would have to say so in words."""
    rows = read_rows(PAGE.read_text(encoding="utf-8").rpartition(BEGIN)[2].split(END)[0])

    assert [row[OURS][2:] for row in rows[1:]] == [["0", "0", row[3]] for row in rows[1:]]
    assert all(int(row[3]) > 0 for row in rows[1:])


def test_last_row_adds_up_the_rows_above_it() -> None:
    """Column by column; a gap counts for nothing."""
    *rows, last = read_rows(render_table(PATHS, make_outcomes()))[1:]
    sums = [
        sum(int(cell) for cell in column if cell != ABSENT)
        for column in zip(*(row[2:] for row in rows), strict=True)
    ]

    assert last == [ALL, ALL, *(str(number) for number in sums)]


def test_block_is_replaced_and_the_page_around_it_stays() -> None:
    """Between the marks stands what was written last, and nothing of what stood there."""
    block = render_block("| new |", writes=4, seed=7, versions={"dlt": "1"})
    page = f"Before.\n\n{BEGIN}\n| old |\n{END}\n\nAfter.\n"

    made = replace_block(page, block)

    assert made == f"Before.\n\n{block}\n\nAfter.\n"
    assert "old" not in made
    assert replace_block(made, block) == made


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{BEGIN}{END}{BEGIN}{END}"])
def test_page_without_its_marks_is_refused(page: str) -> None:
    """Nothing is written over that the command does not know as its own."""
    with pytest.raises(PageError, match="once each"):
        replace_block(page, "block")


def test_losses_are_drawn_alike_for_the_same_seed_and_else_otherwise() -> None:
    """A reader gets the same losses; every number is one of the writes, none twice."""
    drawn = draw_losses(40, 4, "1/path/fault")

    assert drawn == draw_losses(40, 4, "1/path/fault") == sorted(set(drawn))
    assert drawn != draw_losses(40, 4, "2/path/fault")
    assert len(drawn) == 10
    assert set(drawn) <= set(range(1, 41))


@pytest.mark.parametrize(
    ("found", "doubled", "missing"),
    [
        ({"1": "a", "2": "b"}, 0, 0),
        ({"1": "a", "2": "b", "3": "a", "4": "a"}, 2, 0),
        ({"1": "a"}, 0, 1),
        ({"1": "a", "2": "a"}, 1, 1),
        ({"1": "a", "2": "b", "3": "never asked for"}, 1, 0),
        ({}, 0, 2),
    ],
)
def test_books_are_held_against_what_was_wanted(
    found: dict[str, str], doubled: int, missing: int
) -> None:
    """Too many of one write never make up for too few of another."""
    assert compare(found, Counter(["a", "b"])) == (doubled, missing)


@pytest.mark.parametrize(
    ("claims", "repeated", "settled"),
    [
        (("1", "2"), 0, 3),
        (("1", "2"), 1, 2),
        (("1",), 0, 2),
        (("1", "9"), 0, 1),
        ((), 0, 0),
    ],
    ids=["as the books have it", "one sent again", "one not known", "another named", "nothing"],
)
def test_unknown_is_settled_only_where_records_and_books_agree(
    claims: tuple[str, ...], repeated: int, settled: int
) -> None:
    """Three replies were lost, and the books hold entries 1 and 2."""
    assert count_settled(claims, {"1": "a", "2": "b"}, 3, repeated) == settled


def test_every_path_is_done_by_the_product_and_by_another() -> None:
    """A row has something to be read beside."""
    assert all(Tool.PRODUCT in path.tools for path in PATHS)
    assert all(path.count_writes(5) * path.share >= 5 for path in PATHS)
    assert len({path.title for path in PATHS}) == len(PATHS)


def test_others_are_locked_by_hash_in_the_versions_that_are_asked_for() -> None:
    """Every line is a pin or a hash, and what the tests know as well has their version."""
    lines, known = (
        (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        for name in ("compare", "dev")
    )
    pins, theirs = (read_pins(each) for each in (lines, known))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert [line for line in lines if not PIN.match(line) and not HASH.match(line)] == []
    assert {f"{name}=={pins[name]}" for name in ("anaplan-sdk", "dlt")} == set(
        project["dependency-groups"]["compare"]
    )
    assert {n: v for n, v in pins.items() if theirs.get(n, v) != v} == {}
