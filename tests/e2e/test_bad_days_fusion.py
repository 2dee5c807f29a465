"""The ledger's bad days, from end to end: what is told, what is left, what heals it."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.plan import PlanGuardError
from ml_connector.errors import AccessDeniedError, ProtocolError, SystemUnavailableError
from ml_connector.flows.ledger.visibility import BatchesHiddenError, LedgerSilentError
from ml_connector.ports import RunState

CLIENT = "halden-connector"
CREDITORS, FREIGHT = "101.00.22100.000.000.000", "101.10.68010.120.000.000"
LEDGER = "Halden US"


def unexplained(run: Any) -> set[str]:
    """The unexplained amounts of a run's tie-out."""
    return {row["unexplained"] for row in run.summary["tie_out"]}


def in_period(cells: dict[str, str], time: str) -> dict[str, str]:
    """The cells of one planning period."""
    return {key: value for key, value in cells.items() if json.loads(key)["Time"] == time}


def batch_form(amount: str, *, period: str = "Oct-26", default: str = "") -> dict[str, Any]:
    """A posted batch of one balanced journal."""
    lines = [
        {"combination": FREIGHT, "debit": amount},
        {"combination": CREDITORS, "credit": amount},
    ]
    journal = {"ledger": LEDGER, "period": period, "lines": lines}
    form = {"name": f"{period} {amount}", "journals": [journal], "allow_closed": True}
    return form | ({"period": default} if default else {})


def post(office: Any, amount: str, **where: str) -> int:
    """The id of a batch that stands in the ledger now."""
    return int(office.company.erp("create_batch", **batch_form(amount, **where))["JeBatchId"])


def freight(office: Any, time: str = "Oct 26") -> Decimal:
    """What the model holds of the account the batches above post to, in one period."""
    found = [
        value
        for key, value in office.company.cells().items()
        if json.loads(key)["Accounts"] == "68010"
        and json.loads(key)["Cost Centres"] == "120"
        and json.loads(key)["Entities"] == "101"
        and json.loads(key)["Time"] == time
    ]
    return sum(map(Decimal, found), Decimal(0))


def after_step(name: str, act: Callable[[], Any]) -> Callable[[str, str, str], None]:
    """Does something once, when the first step of a name that begins so is done."""
    acts = [act]

    def listen(_run_id: str, step: str, state: str) -> None:
        if acts and step.startswith(name) and state == "done":
            acts.pop()()

    return listen


# --- rights --------------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_ledger_without_data_access_is_not_taken_for_an_empty_one(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A user without data access gets empty lists; a ledger that is wholly silent is told."""
    office.company.turn(office.company.fusion, data_roles={CLIENT: []})

    error, run = office.fail(office.run)
    office.company.turn(office.company.fusion, data_roles=None)
    healed = office.run()

    assert isinstance(error, LedgerSilentError)
    assert error.exit_code == 7
    assert LEDGER in error.refused
    assert "data access set" in error.next_step
    assert run.state is RunState.FAILED
    assert healed.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
def test_rights_lost_between_two_runs_are_noticed_though_nothing_was_posted(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """Batches read before are looked at again: a hidden ledger is no quiet one."""
    office.run()
    office.company.turn(office.company.fusion, data_roles={CLIENT: ["Halden Japan"]})

    error, run = office.fail(office.run)
    asked, _ = office.fail(office.run, periods=["Sep-26"])
    office.company.turn(office.company.fusion, data_roles=None)
    post(office, "12.50", period="Sep-26")
    office.clock.sleep(2)
    healed = office.run()

    assert isinstance(error, BatchesHiddenError)
    assert isinstance(asked, BatchesHiddenError)
    assert error.exit_code == 7
    assert LEDGER in error.refused
    assert run.state is RunState.FAILED
    assert healed.state is RunState.SUCCEEDED
    assert healed.summary["cells"] == 2
    assert unexplained(healed) == {"0"}
    assert set(quiet_cells) <= set(office.company.cells())


def test_rights_lost_in_mid_run_empty_nothing_in_the_model(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """Rights that go while a run reads leave the model as it was, and the next run heals."""
    office.run()
    hide: dict[str, Any] = {"data_roles": {CLIENT: []}}
    office.on_step = after_step(
        "backfill: scope", lambda: office.company.turn(office.company.fusion, **hide)
    )

    error, run = office.fail(office.run, periods=["Sep-26"])
    cells_then = office.company.cells()
    office.on_step = None
    office.company.turn(office.company.fusion, data_roles=None)
    healed = office.run()

    assert isinstance(error, PlanGuardError)
    assert error.exit_code == 5
    assert "Sep 26 holds no lines" in error.refused
    assert "rights" in error.refused
    assert run.state is RunState.BLOCKED
    assert cells_then == quiet_cells
    assert healed.state is RunState.SUCCEEDED
    assert unexplained(healed) == {"0"}
    assert office.company.cells() == quiet_cells


def test_missing_privilege_is_told_as_such(office: Any) -> None:
    """A refusal of the journals as a whole is a matter of rights, not of data."""
    office.company.turn(office.company.fusion, journal_privilege="denied")

    error, run = office.fail(office.run)

    assert isinstance(error, AccessDeniedError)
    assert error.exit_code == 7
    assert "403" in error.refused
    assert run.state is RunState.FAILED
    assert office.company.cells() == {}


@pytest.mark.exhaustive
def test_source_that_has_become_empty_is_held_by_its_guard(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """One emptied period is held back though others have lines; the model keeps what it holds."""
    office.run()
    for batch in batches_of(office, "Oct-26"):
        office.company.erp("delete_batch", JeBatchId=batch, force=True)

    error, run = office.fail(office.run, periods=["Oct-26", "Sep-26"])

    assert isinstance(error, PlanGuardError)
    assert error.exit_code == 5
    assert "Oct 26 holds no lines" in error.refused
    assert run.state is RunState.BLOCKED
    assert office.company.cells() == quiet_cells
    assert len(office.tasks()) == 1


def batches_of(office: Any, period: str) -> list[int]:
    """Ids of the archived batches of a period."""
    from ml_connector.wiring import open_house  # noqa: PLC0415 - only here.

    with open_house(office.root, clock=office.clock) as house:
        found = house.records.batches.load_current("fusion-sandbox", LEDGER, period)
        return [int(revision.batch_id) for revision in found]


# --- paging --------------------------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "switches",
    [
        {"has_more": "never", "max_limit": 100},
        {"max_limit": 499},
        {"max_limit": 7, "default_order": "reversed"},
        {"batch_last_update_queryable": False},
        {"items_missing_when_empty": True, "empty_children_missing": True},
    ],
    ids=[
        "has-more-lies",
        "cap-499",
        "tiny-pages-reversed",
        "no-change-filter",
        "absent-when-empty",
    ],
)
def test_odd_paging_skips_and_repeats_nothing(
    switches: dict[str, Any], office: Any, quiet_cells: dict[str, str]
) -> None:
    """Whatever pages look like, every line comes once, and the period ties."""
    office.company.turn(office.company.fusion, **switches)

    run = office.run()

    assert run.state is RunState.SUCCEEDED
    assert unexplained(run) == {"0"}
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "switches",
    [{"repeat_page": True, "max_limit": 100}, {"has_more": "always"}],
    ids=["repeated-page", "endless"],
)
def test_pages_that_cannot_be_true_stop_the_run_and_a_resume_reads_them_anew(
    switches: dict[str, Any], office: Any, quiet_cells: dict[str, str]
) -> None:
    """A page given twice, or one that announces more for ever, is no basis for amounts."""
    office.company.turn(office.company.fusion, **switches)
    error, stopped = office.fail(office.run)
    office.company.turn(office.company.fusion, repeat_page=False, has_more="honest", max_limit=500)

    run = office.resume(stopped.run_id)

    assert isinstance(error, ProtocolError)
    assert error.exit_code == 1
    assert stopped.state is RunState.FAILED
    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


# --- books that move -----------------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.parametrize("change", ["insert", "update", "delete"])
def test_books_that_change_while_they_are_listed_still_tie(
    change: str, office: Any, quiet_cells: dict[str, str]
) -> None:
    """A batch that comes, changes or goes between two pages is in the model as it stands after."""
    office.company.turn(office.company.fusion, max_limit=5)
    extra = post(office, "12.50")
    arguments: dict[str, Any] = {"op": change, "row": 1}
    if change == "insert":
        arguments["form"] = batch_form("7.25")
    office.company.fail(
        office.company.fusion, path=r"/journalBatches\?", kind="hook", hook="mutate", nth=2,
        arguments=arguments,
    )  # fmt: skip
    quiet = sum((Decimal(v) for k, v in quiet_cells.items() if k == freight_key()), Decimal(0))

    run = office.run()

    expected = quiet + Decimal("12.50") + (Decimal("7.25") if change == "insert" else 0)
    assert extra
    assert run.state is RunState.SUCCEEDED
    assert unexplained(run) == {"0"}
    assert freight(office) == expected


def freight_key() -> str:
    """The cell the batches above post to, in October."""
    return json.dumps(
        {
            "Entities": "101", "Accounts": "68010", "Cost Centres": "120", "Currencies": "USD",
            "Versions": "Actual", "Time": "Oct 26",
        },
        sort_keys=True,
    )  # fmt: skip


@pytest.mark.exhaustive
def test_books_that_do_not_rest_are_loaded_but_not_signed_off(office: Any) -> None:
    """A ledger posted into faster than it is read ends as moving; once it rests, it ties."""
    office.company.fail(
        office.company.fusion, path="/ledgerBalances.*Oct-26", kind="hook", hook="mutate",
        times=None, every=1, arguments={"op": "insert", "form": batch_form("1.10")},
    )  # fmt: skip

    moving = office.run()
    held_then = freight(office)
    office.company.mend()
    rested = office.run()

    assert moving.state is RunState.MOVING
    assert [row["period"] for row in moving.summary["erp_differences"]] == ["Oct-26"]
    assert held_then > 0
    assert rested.state is RunState.SUCCEEDED
    assert rested.summary["periods"] == ["Oct 26"]
    assert unexplained(rested) == {"0"}
    assert freight(office) > held_then
    assert office.run().summary["periods"] == []


@pytest.mark.exhaustive
def test_batch_that_goes_while_it_is_read_is_left_out(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A batch listed a moment ago and gone by now is no error."""
    batch = post(office, "12.50")
    office.on_step = after_step(
        "backfill: list batches",
        lambda: office.company.erp("delete_batch", JeBatchId=batch, force=True),
    )

    run = office.run()

    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
def test_batch_filed_under_another_period_is_found_by_the_balances(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A late journal in a batch whose own period is another one is looked for until it ties."""
    office.run(periods=["Oct-26"])
    post(office, "12.50", period="Sep-26", default="Aug-26")

    run = office.run()

    assert run.state is RunState.SUCCEEDED
    assert unexplained(run) == {"0"}
    assert freight(office, "Sep 26") == Decimal("12.50") + sum(
        (Decimal(v) for k, v in quiet_cells.items() if k == freight_key().replace("Oct", "Sep")),
        Decimal(0),
    )


@pytest.mark.exhaustive
def test_late_journal_into_a_period_not_read_yet_brings_the_whole_period(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A period is read whole and tied to the ERP before anything of it is sent."""
    office.run(periods=["Oct-26"])
    first = office.company.cells()
    office.company.erp("late_journals", periods=[[LEDGER, "Sep-26"]])
    office.company.model("add_items", list="Accounts", items=[{"code": "68990"}])
    began = len(office.company.journal(office.company.anaplan))

    run = office.run()

    september = in_period(office.company.cells(), "Sep 26")
    assert first == in_period(quiet_cells, "Oct 26")
    assert run.state is RunState.SUCCEEDED
    assert set(run.summary["periods"]) == {"Sep 26", "Nov 26"}
    assert unexplained(run) == {"0"}
    assert set(in_period(quiet_cells, "Sep 26")) < set(september)
    assert last_read(office) < first_write(office, began)


def last_read(office: Any) -> float:
    """When the ledger was last asked for September's balances."""
    lines = office.company.journal(office.company.fusion)
    return max(
        float(line["wall_s"])
        for line in lines
        if "ledgerBalances" in line["path"] and "Sep-26" in line["path"]
    )


def first_write(office: Any, after: int) -> float:
    """When the model was first sent a chunk, the earlier ones left out."""
    lines = office.company.journal(office.company.anaplan)[after:]
    return min(float(line["wall_s"]) for line in lines if line["method"] == "PUT")


# --- batches that cannot be right ----------------------------------------------------------------


@pytest.mark.exhaustive
def test_journal_whose_lines_do_not_add_up_to_its_totals_is_refused(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """Header totals that contradict the lines stop the run with both figures; nothing is stored."""
    batch = post(office, "12.50")
    office.company.erp("misstate_batch", JeBatchId=batch, debit="99")

    error, stopped = office.fail(office.run)
    cells_then = office.company.cells()
    office.company.erp("misstate_batch", JeBatchId=batch, debit="12.5")
    run = office.resume(stopped.run_id)

    assert isinstance(error, ProtocolError)
    assert str(batch) in error.refused
    assert "12.5" in error.refused
    assert "99" in error.refused
    assert error.next_step
    assert stopped.state is RunState.FAILED
    assert cells_then == {}
    assert run.state is RunState.SUCCEEDED
    assert unexplained(run) == {"0"}
    assert set(quiet_cells) <= set(office.company.cells())


# --- overload and broken answers -----------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "throttle",
    [
        {"status": 429, "every": 5, "retry_after": "s", "seconds": 30},
        {"status": 503, "every": 7, "retry_after": "date", "seconds": 30},
        {"status": 503, "every": 6, "retry_after": "none"},
    ],
    ids=["429-seconds", "503-date", "503-silent"],
)
def test_overloaded_pod_is_waited_for(
    throttle: dict[str, Any], office: Any, quiet_cells: dict[str, str]
) -> None:
    """Refusals under load are waited out in whatever form they come, body included."""
    office.company.turn(office.company.fusion, throttle=throttle)

    run = office.run()

    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
def test_outage_is_told_and_a_resume_does_not_read_again_what_is_archived(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """A pod that is down ends the run as unavailable; what is archived is not read twice."""
    office.company.fail(
        office.company.fusion, path="/ledgerBalances", kind="html", status=503, times=None
    )

    error, stopped = office.fail(office.run)
    office.company.mend()
    read_then = len(lines_read(office))
    run = office.resume(stopped.run_id)

    assert isinstance(error, SystemUnavailableError)
    assert error.exit_code == 8
    assert "503" in error.refused
    assert "<html" not in str(error)
    assert stopped.state is RunState.FAILED
    assert run.state is RunState.SUCCEEDED
    assert len(lines_read(office)) == read_then > 0
    assert office.company.cells() == quiet_cells


def lines_read(office: Any) -> list[str]:
    """Paths of the journals whose lines were asked for."""
    journal = office.company.journal(office.company.fusion)
    return [line["path"] for line in journal if "/child/journalLines" in line["path"]]


@pytest.mark.exhaustive
def test_json_that_ends_in_the_middle_is_refused_whole(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """Half a page of balances is not compared with."""
    office.company.fail(
        office.company.fusion, path="/ledgerBalances", kind="status", status=200, times=None,
        body='{"items": [{"LedgerName": "Halden US", "Period',
    )  # fmt: skip

    error, stopped = office.fail(office.run)
    office.company.mend()
    run = office.resume(stopped.run_id)

    assert isinstance(error, ProtocolError)
    assert "ledgerBalances" in error.refused
    assert "cannot be read" in error.refused
    assert office.tasks() != []
    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells


@pytest.mark.exhaustive
def test_token_that_dies_while_lines_are_read_is_fetched_anew(
    office: Any, quiet_cells: dict[str, str]
) -> None:
    """Tokens that live five seconds, and one that is revoked in between, cost log-ins alone."""
    office.company.turn(office.company.fusion, token_lifetime_s=5)
    office.on_step = after_step(
        "backfill: list batches", lambda: office.company.erp("revoke_tokens")
    )

    run = office.run()

    assert run.state is RunState.SUCCEEDED
    assert office.company.cells() == quiet_cells
