"""Names of migrations say when they are applied, and in what order."""

import pytest

from ml_connector.records.stages import (
    Pending,
    Stage,
    find_newest,
    find_number,
    find_stage,
    list_forbidding,
    sort_pending,
)

PRE, POST, LATER = "0010_pre_colour", "0011_post_colourless", "0012_pre_size"


@pytest.mark.parametrize(
    ("name", "stage", "number"),
    [
        (PRE, Stage.PRE, 10),
        (POST, Stage.POST, 11),
        ("0008_agreements", None, 8),
        ("0013_preferences", None, 13),
        ("squashed", None, 0),
    ],
)
def test_name_says_stage_and_place(name: str, stage: Stage | None, number: int) -> None:
    """A word that merely begins like a stage is none."""
    assert (find_stage(name), find_number(name)) == (stage, number)


@pytest.mark.parametrize(
    ("names", "is_alone", "pending"),
    [
        ((), False, Pending()),
        ((LATER, PRE), False, Pending(now=(PRE, LATER))),
        ((POST, PRE), False, Pending(now=(PRE,), after=(POST,))),
        ((POST, LATER, PRE), False, Pending(now=(PRE,), after=(POST, LATER), behind=(LATER,))),
        ((POST, LATER, PRE), True, Pending(now=(PRE, POST, LATER))),
    ],
)
def test_what_takes_away_waits_and_holds_what_stands_behind_it(
    *, names: tuple[str, ...], is_alone: bool, pending: Pending
) -> None:
    """Beside older processes only what adds is applied, and nothing out of its order."""
    assert sort_pending(names, is_alone=is_alone) == pending


def test_older_code_goes_on_beside_what_only_adds() -> None:
    """What takes away stops it, and so does what does not say."""
    assert list_forbidding([PRE, LATER]) == []
    assert list_forbidding([PRE, POST, "0099_new"]) == [POST, "0099_new"]


def test_newest_migration_is_known_by_its_file() -> None:
    """A worker says by it which changes of the database it knows."""
    assert find_number(find_newest()) >= 8
