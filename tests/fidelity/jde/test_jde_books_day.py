"""The operations behind the stage, asked for over HTTP, and the day that passes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.jde.books import register_operations, seed_books
from ml_connector.sandbox.jde.schema import create_tables
from ml_connector.sandbox.jde.switches import JDE_SWITCHES
from ml_connector.sandbox.server import SandboxServer

TRAVEL = "00062411"
LINES = [
    {"account": "30.8720", "amount": "12.50"},
    {"account": "1.1120", "amount": "-12.50"},
]
JOURNAL = {"company": "00001", "gl_date": "2026-11-03", "lines": LINES}


class Backstage:
    """A bare server over the books, and the side door into it."""

    def __init__(self, folder: Path) -> None:
        self.clock = SandboxClock(folder, virtual=True)
        server = SandboxServer("jde", state_dir=folder, clock=self.clock, switches=JDE_SWITCHES)
        create_tables(server.store)
        seed_books(server.store, lines=600, now=self.clock.now_utc())
        register_operations(server)
        self.server = server
        self.url = server.start()

    def post(self, name: str, **body: Any) -> Any:
        """Return status and JSON of an operation."""
        reply = httpx2.post(f"{self.url}/__sandbox/{name}", json=body, timeout=30)
        return reply.status_code, reply.json()

    def do(self, name: str, **body: Any) -> Any:
        """Return the result of an operation that must succeed."""
        status, answer = self.post(name, **body)
        assert status == 200, answer
        return answer["result"]

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return rows of the books."""
        return self.server.store.query(sql, values)

    def misfits(self) -> list[tuple[Any, ...]]:
        """Return the sums by ledger, year and period where balances and rows differ."""
        found = []
        for period in range(1, 15):
            nets = self.query(
                f"SELECT AID, LT, FY, SUM(AN{period:02}) FROM F0902"
                f" WHERE NOT (CO = '00200' AND LT = 'BA')"
                f" GROUP BY AID, LT, FY HAVING SUM(AN{period:02}) <> 0"
            )
            rows = self.query(
                "SELECT AID, LT, FY, SUM(AA) FROM F0911 WHERE POST = 'P' AND PN = ?"
                " GROUP BY AID, LT, FY HAVING SUM(AA) <> 0",
                period,
            )
            found += sorted(set(nets) ^ set(rows))
        return found


@pytest.fixture
def backstage(tmp_path: Path) -> Iterator[Backstage]:
    """A server of its own for each test."""
    backstage = Backstage(tmp_path)
    yield backstage
    backstage.server.stop()


def test_first_day_posts_deletes_and_renames(backstage: Backstage) -> None:
    """The clock is a day on; the answer tells of all three, amounts as text."""
    told = backstage.do("pass_day")

    assert backstage.clock.now_utc().isoformat() == "2026-11-04T08:00:00+00:00"
    assert told["created"] is None
    posted, deleted, renamed = told["posted"], told["deleted"], told["renamed"]
    assert (posted["company"], posted["gl_date"]) == ("00001", "2026-10-20")
    assert sorted(posted["amounts"].values()) == ["-6062.85", "1250.50", "4812.35"]
    kind, _, number = posted["batch"].partition("-")
    rows = "SELECT DISTINCT POST, UPMJ FROM F0911 WHERE ICUT = ? AND ICU = ?"
    assert backstage.query(rows, kind, int(number)) == [("P", 126297)]
    company, type_, document = deleted["document"].split("-")
    left = "SELECT COUNT(*) FROM F0911 WHERE KCO = ? AND DCT = ? AND DOC = ?"
    assert backstage.query(left, company, type_, int(document)) == [(0,)]
    assert renamed["before"] == {"business_unit": "YARD", "object": "8330", "subsidiary": ""}
    assert renamed["after"] == {"business_unit": "M40", "object": "8330", "subsidiary": "YARD"}
    names = "SELECT DISTINCT MCU, SUB FROM F0911 WHERE AID = ?"
    assert backstage.query(names, renamed["aid"]) == [("         M40", "YARD")]


def test_later_days_bring_one_small_journal_each(backstage: Backstage) -> None:
    """Nothing is left to do, so a fresh journal is entered and posted; the clock moves on."""
    backstage.do("pass_day")
    count = backstage.query("SELECT COUNT(*) FROM F0911")[0][0]
    told = [backstage.do("pass_day") for _ in range(3)]

    assert backstage.clock.now_utc().isoformat() == "2026-11-07T08:00:00+00:00"
    assert [(one["posted"], one["deleted"], one["renamed"]) for one in told] == [(None,) * 3] * 3
    assert len({one["created"]["batch"] for one in told}) == 3
    assert [one["created"]["gl_date"] for one in told] == [
        "2026-11-05", "2026-11-06", "2026-11-07",
    ]  # fmt: skip
    assert backstage.query("SELECT COUNT(*) FROM F0911")[0][0] == count + 6
    assert backstage.misfits() == []


def test_days_are_the_same_on_every_start(tmp_path: Path) -> None:
    """Two servers answer alike, numbers included."""
    told = []
    for name in ("a", "b"):
        backstage = Backstage(tmp_path / name)
        told.append([backstage.do("pass_day") for _ in range(2)])
        backstage.server.stop()

    assert told[0] == told[1]


def test_late_batch_is_stamped_only_where_switched(backstage: Backstage) -> None:
    """With the switch the rows carry the day of the post."""
    backstage.server.switches.turn({"postTouchesUpmj": True})
    told = backstage.do("pass_day")
    number = int(told["posted"]["batch"].partition("-")[2])
    sql = "SELECT DISTINCT UPMJ, UPMT FROM F0911 WHERE ICUT = 'G' AND ICU = ?"

    assert backstage.query(sql, number) == [(126308, 80000)]


def test_zone_of_the_logic_server_decides_about_the_day(backstage: Backstage) -> None:
    """Nine hours ahead, an evening entry is tomorrow's."""
    backstage.server.switches.turn({"serverZones": "+9/-8"})
    backstage.clock.advance(8 * 3600)
    told = backstage.do("create_journal", **JOURNAL)
    number = int(told["batch"].partition("-")[2])
    sql = "SELECT DISTINCT UPMJ, UPMT FROM F0911 WHERE ICUT = 'G' AND ICU = ?"

    assert backstage.query(sql, number) == [(126308, 10000)]


def test_journal_goes_through_its_life(backstage: Backstage) -> None:
    """Entered, approved, opened by a clerk, closed again, posted; balances follow."""
    told = backstage.do("create_journal", **JOURNAL)
    batch = told["batch"]
    assert (told["lines_written"], told["rejects"], told["warnings"]) == (2, [], [])
    assert backstage.do("approve_batch", batch=batch) == {"batch": batch, "status": "A"}
    assert backstage.do("set_batch_status", batch=batch, status="U")["status"] == "U"
    status, answer = backstage.post("post_batch", batch=batch)
    assert (status, "0068" in answer["error"]) == (400, True)
    backstage.do("set_batch_status", batch=batch, status="A")
    posted = backstage.do("post_batch", batch=batch)

    assert (posted["posted"], posted["rows_posted"], posted["errors"]) == (True, 2, [])
    assert backstage.misfits() == []
    status, answer = backstage.post("delete_document", document=told["document"])
    assert (status, "posted and stays" in answer["error"]) == (400, True)


def test_journal_may_be_posted_at_once(backstage: Backstage) -> None:
    """Entering and posting in one call, at a moment of one's own."""
    told = backstage.do("create_journal", **JOURNAL, post=True, at="2026-10-30T23:59:00+00:00")
    number = int(told["batch"].partition("-")[2])
    sql = "SELECT DISTINCT POST, UPMJ, UPMT FROM F0911 WHERE ICUT = 'G' AND ICU = ?"

    assert told["posted"] is True
    assert backstage.query(sql, number) == [("P", 126303, 235900)]
    status, _ = backstage.post("create_journal", **JOURNAL, at="2026-10-30T23:59:00")
    assert status == 400


def test_refused_journal_tells_why_line_by_line(backstage: Backstage) -> None:
    """The answer lists the refusals; nothing was written."""
    count = backstage.query("SELECT COUNT(*) FROM F0911")
    lines = [{"account": "30.8700", "amount": "1"}, {"account": "30.1", "amount": "-1"}]
    told = backstage.do("create_journal", **{**JOURNAL, "lines": lines})

    assert [(one["line"], one["code"]) for one in told["rejects"]] == [(1, "0027"), (2, "0026")]
    assert backstage.query("SELECT COUNT(*) FROM F0911") == count
    status, answer = backstage.post("create_journal", company="00001")
    assert (status, "lines" in answer["error"]) == (400, True)


def test_excess_decimals_follow_the_switch(backstage: Backstage) -> None:
    """Rounded by default, refused where switched."""
    lines = [{"account": "30.8720", "amount": "0.005"}, {"account": "1.1120", "amount": "-0.005"}]
    body = {**JOURNAL, "lines": lines}
    assert len(backstage.do("create_journal", **body)["warnings"]) == 2
    backstage.server.switches.turn({"excessDecimals": "reject"})

    assert {one["code"] for one in backstage.do("create_journal", **body)["rejects"]} == {
        "DECIMALS"
    }


def test_batches_and_documents_may_be_named_in_parts(backstage: Backstage) -> None:
    """Type and number apart are as good as one text."""
    told = backstage.do("create_journal", **JOURNAL)
    number = int(told["document"].split("-")[2])
    parts = {"company": "00001", "document_type": "JE", "document": number}
    moved = backstage.do("redate_document", **parts, gl_date="2026-11-20")
    assert moved == {"document": told["document"], "gl_date": "2026-11-20"}
    kind, _, batch = told["batch"].partition("-")

    assert backstage.do("post_batch", batch_type=kind, batch=int(batch))["posted"] is True
    again = backstage.do("create_journal", **JOURNAL)
    assert backstage.do("delete_document", document=again["document"]) == {
        "batch": again["batch"], "document": again["document"],
    }  # fmt: skip


def test_masters_and_balances_can_be_moved_and_broken(backstage: Backstage) -> None:
    """Renaming, uploading, breaking and changing answer with what they did."""
    batch = backstage.do("create_journal", **JOURNAL, post=True)["batch"]
    changed = backstage.do("change_posted_amount", batch=batch, line=1, against=2, by="3")
    assert changed["lines"]["1"]["by"] == 300
    assert backstage.misfits() == []
    renamed = backstage.do("rename_account", aid=TRAVEL, subsidiary="TAXI")
    assert renamed["after"]["subsidiary"] == "TAXI"
    backstage.do("break_balances", aid=TRAVEL, year=2026, period=11)
    assert {row[0] for row in backstage.misfits()} == {TRAVEL}
    budget = backstage.do("upload_budget", aid=TRAVEL, year=2026, amounts={"1": "10.5"})
    assert budget == {"aid": TRAVEL, "periods": [1]}


def test_purge_takes_a_fiscal_year_or_a_day(backstage: Backstage) -> None:
    """The fiscal year of the company's own calendar: Japan's ends with June."""
    sql = "SELECT MIN(DGJ) FROM F0911 WHERE CO = '00200' AND POST = 'P'"
    assert backstage.do("purge", company="00200", fiscal_year=24)["rows"] > 0
    assert backstage.query(sql)[0][0] >= 125182
    assert backstage.do("purge", company="200", before="2025-07-01")["rows"] == 0


def test_row_can_be_added_to_any_table(backstage: Backstage) -> None:
    """The answer holds the raw row; what does not fit is refused."""
    told = backstage.do("add_row", values={"AID": "", "amount": "7.25"})
    assert (told["row"]["AID"], told["row"]["AA"]) == ("", 725)
    backstage.do("add_row", table="F0005", values={"SY": "55", "RT": "XX", "KY": "A"})
    assert backstage.query("SELECT KY FROM F0005 WHERE SY = '55'") == [("         A",)]
    status, _ = backstage.post("add_row", table="F0005", values={"XY": "55"})
    assert status == 400


def test_prior_periods_can_be_closed(backstage: Backstage) -> None:
    """The company's setting turns October's entries away."""
    backstage.do("set_prior_period", company="1", setting="error")
    told = backstage.do("create_journal", **{**JOURNAL, "gl_date": "2026-10-31"})

    assert [one["code"] for one in told["rejects"]] == ["PBCO"]
