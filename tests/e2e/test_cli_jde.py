"""Commands on JD Edwards as somebody types them, and processes that are interrupted or killed.

After each of them the server holds no session; the fixture of the project sees to that.
"""

import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.e2e.conftest import Terminal, move_clock
from tests.e2e.test_cli_interrupts import HANGS_S, Process, Room
from tests.fakes.books_desk import CONNECTION, FLOW, BooksDesk

SLOW: dict[str, Any] = {
    "kind": "delay", "path": "/dataservice$", "nth": 20, "every": 1, "delay_s": 0.25,
}  # fmt: skip
"""Lines come so slowly that somebody loses patience; what a run begins with does not."""
SEPTEMBER = "backfill: batches"


@pytest.fixture
def typist(books_desk: BooksDesk, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal in the project."""
    move_clock(monkeypatch, books_desk.clock)
    return Terminal(books_desk.root)


# --- looking --------------------------------------------------------------------------------------


def test_doctor_finds_a_healthy_site_sound_and_ends_its_session(
    typist: Terminal, books_desk: BooksDesk
) -> None:
    """Reach, log-in, companies, tables, dates, limits and posting: one log-in, one log-out."""
    printed = typist.type("connections", "test", CONNECTION, "-o", "json")

    found = {row["what"]: row["state"] for row in printed.json}
    assert printed.code == 0, printed.out
    assert set(found.values()) == {"ok"}
    assert {"log-in", "clock", "dates", "row limit", "posting", "table F0911"} <= found.keys()
    assert books_desk.logins == len(books_desk.calls("/logout")) == 1


@pytest.mark.parametrize(
    ("fault", "code", "told"),
    [
        ({"passwordExpiry": "aboutToExpire"}, 0, "about to expire"),
        ({"passwordExpiry": "expired"}, 7, "password has expired"),
        ({"allowedHosts": "405Login"}, 7, "Allowed Hosts"),
        (
            {"allowedHosts": "403Gateway"},
            7,
            "gateway in front of it does not let this caller through",
        ),
        ({"sessionsMax": 0}, 8, "number of users"),
        ({"deniedTables": ["F0902"]}, 7, "no right to F0902"),
        ({"wrongDate": "misread"}, 0, "Days are understood"),
    ],
    ids=["expiring", "expired", "405", "gateway", "no room", "denied", "lenient dates"],
)
def test_doctor_says_what_is_amiss(
    fault: dict[str, Any], code: int, told: str, typist: Terminal, books_desk: BooksDesk
) -> None:
    """Each fault has its exit code and a sentence that helps; a refused log-in is not repeated."""
    books_desk.turn(**fault)

    printed = typist.type("connections", "test", CONNECTION)

    assert printed.code == code, printed.out
    assert told in printed.out
    assert books_desk.logins <= 2


def test_doctor_names_hidden_columns_and_companies(typist: Terminal, books_desk: BooksDesk) -> None:
    """What security takes away without a word is told by name."""
    books_desk.connect(companies=["00001", "00077"])
    books_desk.do("hide_columns", F0911=["AA"], F0006=["RP01"])
    books_desk.do("hide_companies", companies=["00077"])

    printed = typist.type("connections", "test", CONNECTION, "-o", "json")

    failed = {row["what"]: row["found"] for row in printed.json if row["state"] == "failed"}
    assert printed.code == 7
    assert failed["table F0911"].endswith(": AA.")
    assert failed["table F0006"].endswith(": RP01.")
    assert "00077" in failed["companies"]


def test_clock_of_the_server_a_day_ahead_is_a_warning(
    typist: Terminal, books_desk: BooksDesk
) -> None:
    """More than the looks for changes overlap by is worth a word, and no run stops for it."""
    books_desk.clock.at -= timedelta(days=1)

    printed = typist.type("connections", "test", CONNECTION, "-o", "json")

    [clock] = [row for row in printed.json if row["what"] == "clock"]
    assert printed.code == 0
    assert clock["state"] == "warning"
    assert "24 hours apart" in clock["found"]


def test_discover_lists_what_flows_can_name(typist: Terminal) -> None:
    """Companies with their calendars, ledger types, category codes."""
    printed = typist.type("discover", CONNECTION, "-o", "json")

    names = {(row["kind"], row["name"]) for row in printed.json}
    assert printed.code == 0
    assert names >= {
        ("company", "00077"), ("ledger type", "BA"), ("account category", "r001"),
        ("business unit category", "rp01"),
    }  # fmt: skip


# --- running --------------------------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.long
def test_month_is_run_read_again_and_compared_by_its_fiscal_name(
    typist: Terminal, books_desk: BooksDesk
) -> None:
    """`run`, `backfill`, `reconcile` take FY2026-P10 and 2026-10; a foreign name is refused."""
    ran = typist.type("run", FLOW, "--period", "FY2026-P10")
    again = typist.type("backfill", FLOW, "--period", "FY2026-P10")
    by_month = typist.type("backfill", FLOW, "--month", "2026-10")
    compared = typist.type("reconcile", FLOW, "--month", "2026-10")
    refused = typist.type("backfill", FLOW, "--period", "Oct-26")

    assert [each.code for each in (ran, again, by_month, compared)] == [0, 0, 0, 0]
    assert "2 cells sent" in ran.err
    for each in (again, by_month, compared):
        assert "nothing to do" in each.err
        assert "FY2026-P10" in each.out
    assert "2026-10-01 to 2026-10-31" in by_month.err
    assert refused.code == 2
    assert "FY2026-P10" in refused.hints[0]
    assert books_desk.company.starts() != []


def test_batch_account_and_business_unit_are_traced(
    typist: Terminal, books_desk: BooksDesk
) -> None:
    """From what stands on a report of JD Edwards to the cell it went to."""
    keyed = books_desk.enter("12.50")
    typist.type("run", FLOW, "--period", "FY2026-P10")

    batch = typist.type("trace", keyed["batch"])
    cells = [typist.type("trace", key) for key in ("00062411", "8720")]
    nothing = typist.type("trace", "G-999999")

    assert batch.code == 0
    assert f"batch {keyed['batch']}" in batch.out
    assert "2 lines in 00001 FY2026-P10" in batch.out
    for printed in cells:
        assert "debit 12.50, credit 0.00 USD" in printed.out
        assert "00001 / 8720 / 30 / USD / Actual / Oct 26" in printed.out
    assert nothing.code == 1
    assert "Nothing is known" in nothing.err


@pytest.mark.exhaustive
def test_amounts_of_a_heading_are_named_with_their_documents(
    typist: Terminal, books_desk: BooksDesk
) -> None:
    """An account made a heading after postings is a parent in the model: refused by name."""
    books_desk.books("UPDATE F0901 SET PEC = 'N', LDA = '5' WHERE trim(OBJ) = '8420'")
    books_desk.change(dimensions_flow="dimensions-jde")

    ran = typist.type("run", FLOW)
    lines = typist.type("runs", "lines", books_desk.newest().run_id, "--refused", "-o", "json")

    assert ran.code == 3
    assert "runs lines" in ran.hints[0]
    assert {row["intersection"].split(" / ")[1] for row in lines.json} == {"8420"}
    assert all(row["journal"].startswith("00001-JE-") for row in lines.json)
    assert all(row["batch"].startswith("G-") for row in lines.json)


@pytest.mark.exhaustive
def test_wrong_password_is_sent_once_for_each_command(
    typist: Terminal, books_desk: BooksDesk
) -> None:
    """No command tries twice, members and lines included, and none of them prints the password."""
    books_desk.turn(badLogin="403ThenDisabled", signOnAttempts=3)
    books_desk.change(dimensions_flow="dimensions-jde")
    books_desk.save_password("halden-passwort")

    ran = typist.type("run", FLOW)
    tested = typist.type("connections", "test", CONNECTION)
    attempts = books_desk.logins
    books_desk.save_password("halden-password")
    healed = typist.type("connections", "test", CONNECTION)

    assert (ran.code, tested.code) == (7, 7)
    assert attempts == 2
    assert "halden-passwort" not in ran.err + ran.out + tested.err + tested.out
    assert healed.code == 0


@pytest.mark.exhaustive
def test_two_commands_at_once_keep_their_own_sessions(
    typist: Terminal, books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """A `doctor` in the middle of a run ends its own session and leaves the run's alone."""
    open_then: list[int] = []

    def look(_run_id: str, step: str, state: str) -> None:
        if step == "backfill: list batches" and state == "done":
            assert typist.type("connections", "test", CONNECTION).code == 0
            open_then.append(len(books_desk.sessions()))

    books_desk.on_step = look

    run = books_desk.run()

    assert str(run.state) == "succeeded"
    assert open_then == [1]
    assert books_desk.logins == 2
    assert books_desk.cells() == quiet_books


# --- processes ------------------------------------------------------------------------------------


@pytest.fixture
def room(books_desk: BooksDesk, typist: Terminal) -> Iterator[Room]:
    """A project whose history is not empty and whose reads take a while; no process outlives it."""
    # Before the machine's time, so that what a process books is not yet to come afterwards.
    books_desk.clock.at = datetime.now(UTC) - timedelta(hours=1)
    books_desk.connect(page_size=20)
    assert typist.type("plan", FLOW, "--period", "FY2026-P11").code == 0
    books_desk.spoil(**SLOW)
    room = Room(books_desk, typist)
    with room.stack:
        yield room
    books_desk.company.mend()


@pytest.mark.exhaustive
@pytest.mark.long
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_run_interrupted_in_the_middle_of_a_read_leaves_no_session(
    number: int, code: int, room: Room, books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """Out within seconds, logged out, resumable; the resumed run ties out to the same cells."""
    process, run = room.start_until(SEPTEMBER, "run", FLOW)
    open_before = len(books_desk.sessions())
    process.signal(number)

    left_with = process.leave()
    sessions = books_desk.sessions()
    state = room.newest()["state"]
    books_desk.company.mend()
    resumed = room.typist.type("runs", "resume", run)

    assert open_before == 1
    assert left_with == code, process.err
    assert sessions == []
    assert state == "interrupted"
    assert "Traceback" not in process.err
    assert resumed.code == 0, resumed.err
    assert books_desk.cells() == quiet_books


@pytest.mark.exhaustive
@pytest.mark.long
def test_session_of_a_killed_run_is_ended_by_the_next_command(
    room: Room, books_desk: BooksDesk, quiet_books: dict[str, str]
) -> None:
    """A kill leaves the session; whoever logs in next ends it; the run is resumed all the same."""
    process, run = room.start_until(SEPTEMBER, "run", FLOW)
    process.signal(signal.SIGKILL)
    process.leave()
    left = books_desk.sessions()
    books_desk.company.mend()

    tested = room.typist.type("connections", "test", CONNECTION)
    sessions = books_desk.sessions()
    resumed = room.typist.type("runs", "resume", run)

    assert len(left) == 1
    assert tested.code == 0
    assert sessions == []
    assert resumed.code == 0, resumed.err
    assert books_desk.cells() == quiet_books


@pytest.mark.exhaustive
@pytest.mark.long
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_check_interrupted_in_the_middle_leaves_no_session(
    number: int, code: int, room: Room, books_desk: BooksDesk
) -> None:
    """A command without a run logs out as well, though a request of it hangs."""
    books_desk.company.mend()
    books_desk.spoil(kind="delay", path="/dataservice", nth=4, times=1, delay_s=HANGS_S)
    asked = len(books_desk.calls("/dataservice"))
    process = room.start("connections", "test", CONNECTION)
    wait_until(lambda: len(books_desk.calls("/dataservice")) == asked + 3, process)
    process.signal(number)

    assert process.leave() == code, process.err
    assert books_desk.sessions() == []
    assert "Traceback" not in process.err


@pytest.mark.exhaustive
@pytest.mark.long
def test_check_interrupted_while_it_logs_in_leaves_no_session(
    room: Room, books_desk: BooksDesk
) -> None:
    """The answer to a log-in that nobody waits for any more still says which session to end."""
    books_desk.company.mend()
    books_desk.spoil(kind="delay", effect=True, path="/tokenrequest$", times=1, delay_s=2)
    process = room.start("connections", "test", CONNECTION)
    wait_until(lambda: len(books_desk.sessions()) == 1, process)
    process.signal(signal.SIGINT)

    assert process.leave() == 130, process.err
    assert books_desk.sessions() == []
    assert len(books_desk.calls("/logout")) >= 2


def wait_until(happened: Callable[[], bool], process: Process) -> None:
    """Something has happened that the process does."""
    ends_at = time.monotonic() + 60
    while not happened():
        assert process.popen.poll() is None, process.popen.communicate()
        assert time.monotonic() < ends_at


@pytest.mark.long
def test_periods_of_companies_are_looked_at_for_a_schedule(books_desk: BooksDesk) -> None:
    """By the company's current period; the session of the look is closed with its process."""
    from ml_connector.domain.periods import PeriodState  # noqa: PLC0415 - only this test asks.
    from ml_connector.wiring import open_house  # noqa: PLC0415 - as above.

    folder = books_desk.root / "schedules"
    folder.mkdir(exist_ok=True)
    (folder / "close.yaml").write_text(
        f"flow: {FLOW}\nwhen: {{on: period-closed}}\nzone: Europe/Berlin\n"
    )
    with open_house(books_desk.root, clock=books_desk.clock) as house:
        assert house.look_at_periods() == []
        (watch,) = house.list_watches()
        seen = {
            one.period.name: one.state
            for one in house.records.closing.load_periods(CONNECTION)
            if one.state is not None
        }
    assert (watch.connection, watch.problem) == (CONNECTION, "")
    assert PeriodState.OPEN in seen.values(), seen
    assert PeriodState.CLOSED in seen.values(), seen
