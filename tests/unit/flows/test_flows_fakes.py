"""The fakes carry a flow from end to end, so that what fails over them fails for a reason."""

from collections.abc import Callable

import pytest
from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import line

MakeDesk = Callable[..., FakeDesk]


def post_two_months(desk: FakeDesk) -> None:
    """August and September hold a balanced journal each."""
    desk.source.post(
        "1", line(1, "US", "08-26", "101.4000.10", "100.10"),
        line(2, "US", "08-26", "101.5000.10", "-100.10"),
    )  # fmt: skip
    desk.source.post(
        "2", line(1, "US", "09-26", "101.4000.10", "200.20"),
        line(2, "US", "09-26", "102.5000.10", "-200.20"),
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["snapshot", "append"])
@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
def test_flow_lands_and_ties_out_whether_bodies_run_once_or_twice(
    make_desk: MakeDesk, mode: str, *, twice: bool
) -> None:
    """The model holds the ledger's sums after a run, however often each step's body ran."""
    desk = make_desk(mode=mode)
    desk.twice = twice
    post_two_months(desk)

    first = desk.run()
    desk.source.post("3", line(1, "US", "09-26", "101.4000.20", "0.05"))
    late = desk.run()

    assert first["state"] == late["state"] == "succeeded"
    assert first["cells"] == 4
    assert late["periods"] == ["Sep 26"]
    assert late["cells"] == 1
    assert desk.target.total("4000", "Sep 26") == "200.25"
    assert desk.target.total("4000", "Aug 26") == "100.10"
    assert {row["unexplained"] for row in late["tie_out"]} == {"0"}
