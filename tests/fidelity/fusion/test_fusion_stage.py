"""What happens behind the stage: posting, reversal, copies, late entries, restarts."""

import threading
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.fusion.schema import list_tables
from ml_connector.sandbox.fusion.server import build_fusion_server

BATCHES = "/journalBatches"
LINES = [
    {"combination": "101.20.68010.310.000.000", "debit": "1250.5", "description": "Supplies"},
    {"combination": "101.00.22100.000.000.000", "credit": "1250.5"},
]


def form(**more: Any) -> dict[str, Any]:
    """A batch of one journal in the open period."""
    journal = {"ledger": "Halden US", "period": "Nov-26", "lines": LINES, "name": "Supplies"}
    return {"name": "Made by hand", "journals": [journal | more.pop("journal", {})], **more}


def refused(own: Any, operation: str, **body: Any) -> str:
    """The reason an operation was refused for."""
    reply = own.client.post(f"{own.server.url}/__sandbox/{operation}", json=body)
    assert reply.status_code == 400, reply.text
    return str(reply.json()["error"])


def net(own: Any, **filters: Any) -> dict[str, Decimal]:
    """Net accounted by combination."""
    return {
        t["combination"]: Decimal(t["accounted_dr"]) - Decimal(t["accounted_cr"])
        for t in own.do("totals", **filters)["totals"]
    }


def balance(own: Any, combination: str, *, ledger: str = "Halden US", period: str = "Nov-26",
            currency: str = "USD") -> Decimal:  # fmt: skip
    """The period activity that ledgerBalances reports."""
    finder = quote(
        f"AccountBalanceFinder;accountCombination={combination},accountingPeriod={period},"
        f"currency={currency},ledgerName={ledger},mode=Summary"
    )
    row = own.items(f"/ledgerBalances?finder={finder}")[0]
    assert row["ErrorDetail"] is None
    return Decimal(row["PeriodActivity"])


def test_created_batch_is_there_whole(own: Any) -> None:
    """Batch, journal and lines can be read, and the totals hold them."""
    before = net(own, ledger="Halden US", period="Nov-26")
    created = own.do("create_batch", **form(source="Spreadsheet"))
    batch = own.batch(created["JeBatchId"])
    after = net(own, ledger="Halden US", period="Nov-26")
    combination = LINES[0]["combination"]

    assert (batch["Status"], batch["UserJeSourceName"]) == ("P", "Spreadsheet")
    assert [x["AccountCombination"] for x in own.walk(created["JeBatchId"])] == [
        x["combination"] for x in LINES
    ]
    assert after[combination] - before.get(combination, Decimal(0)) == Decimal("1250.5")


def test_foreign_currency_is_converted_and_still_balances(own: Any) -> None:
    """Accounted amounts follow the rate; the last line takes the rounding."""
    lines = [
        {"combination": "K01-2100-510200-0000", "debit": "33.33"},
        {"combination": "K01-2100-510100-0000", "debit": "66.67"},
        {"combination": "K01-0000-221000-0000", "credit": "100"},
    ]
    journal = {"ledger": "Halden Kuwait", "period": "Nov-26", "currency": "USD",
               "rate": "0.30745", "lines": lines}  # fmt: skip
    created = own.do("create_batch", name="Dollars", journals=[journal])
    walked = own.walk(created["JeBatchId"])

    assert [x["AccountedDr"] for x in walked] == [10.247, 20.498, None]
    assert walked[2]["AccountedCr"] == 30.745
    assert walked[0]["header"]["CurrencyConversionRate"] == 0.30745


def test_statistical_journal_need_not_balance(own: Any) -> None:
    """STAT counts units, not money."""
    lines = [{"combination": "101.20.91010.310.000.000", "debit": "12"}]
    journal = {"ledger": "Halden US", "period": "Nov-26", "currency": "STAT", "lines": lines}
    own.do("create_batch", name="Heads", journals=[journal])

    assert balance(own, "101.20.91010.310.000.000", currency="STAT") == 12


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"lines": [LINES[0]]}, "does not balance"),
        ({"lines": [{**LINES[0], "debit": 1250.5}, LINES[1]]}, "as text"),
        ({"lines": [{**LINES[0], "combination": "101.20.68990.310.000.000"}, LINES[1]]}, "68990"),
        ({"lines": [{**LINES[0], "combination": "101.20.60000.310.000.000"}, LINES[1]]}, "60000"),
        ({"lines": [{**LINES[0], "combination": "101-20-68010"}, LINES[1]]}, "no combination"),
        ({"period": "Oct-26"}, "status C"),
        ({"period": "Dec-26"}, "status F"),
        ({"period": "Nov-99"}, "Nov-99"),
        ({"ledger": "Halden Moon"}, "Halden Moon"),
    ],
)
def test_batch_that_cannot_be_is_refused_and_nothing_written(
    own: Any, change: dict[str, Any], text: str
) -> None:
    """Balance, amounts, values, periods and ledgers are checked first."""
    before = own.do("totals", status=None)

    assert text in refused(own, "create_batch", **form(journal=change))
    assert own.do("totals", status=None) == before


def test_posting_moves_status_date_stamp_and_balances(own: Any) -> None:
    """Unposted, under way, posted: each step moves LastUpdateDate, the last the balances."""
    batch_id = own.do("create_batch", **form(status="U"))["JeBatchId"]
    combination = LINES[0]["combination"]
    before, unposted = balance(own, combination), own.batch(batch_id)
    own.clock.advance(60)
    own.do("post_batch", JeBatchId=batch_id, to="S")
    selected = own.batch(batch_id)
    held = balance(own, combination)
    own.do("post_batch", JeBatchId=batch_id)
    posted = own.batch(batch_id)

    assert [b["Status"] for b in (unposted, selected, posted)] == ["U", "S", "P"]
    assert [b["PostedDate"] for b in (unposted, selected, posted)] == [None, None, "2026-11-03"]
    stamps = [b["LastUpdateDate"] for b in (unposted, selected, posted)]
    assert stamps == sorted(set(stamps))
    assert (held, balance(own, combination)) == (before, before + Decimal("1250.5"))
    assert "cannot go to" in refused(own, "post_batch", JeBatchId=batch_id)


def test_unposted_batch_may_change_until_it_is_posted(own: Any) -> None:
    """Lines and journals come and go; a posted batch stays as it is."""
    batch_id = own.do("create_batch", **form(status="U"))["JeBatchId"]
    stamp = own.batch(batch_id)["LastUpdateDate"]
    lines = [{**LINES[0], "debit": "2"}, {**LINES[1], "credit": "2"}]
    journals = form(journal={"lines": lines})["journals"] + form(journal={"name": "B"})["journals"]
    own.do("change_batch", JeBatchId=batch_id, journals=journals, description="Changed")
    changed = own.batch(batch_id)
    own.do("post_batch", JeBatchId=batch_id)

    assert changed["BatchDescription"] == "Changed"
    assert changed["LastUpdateDate"] > stamp
    assert changed["RunningTotalDr"] == 1252.5
    assert "posted" in refused(own, "change_batch", JeBatchId=batch_id, description="Again")


def test_deleted_batch_is_404_and_posted_one_stays_unless_forced(own: Any) -> None:
    """No tombstone is left; force takes the balances back too."""
    unposted = own.do("create_batch", **form(status="U"))["JeBatchId"]
    before = balance(own, LINES[0]["combination"])
    posted = own.do("create_batch", **form())["JeBatchId"]
    own.do("delete_batch", JeBatchId=unposted)

    assert own.call("GET", f"{BATCHES}/{unposted}").status_code == 404
    assert "posted" in refused(own, "delete_batch", JeBatchId=posted)
    own.do("delete_batch", JeBatchId=posted, force=True)
    assert balance(own, LINES[0]["combination"]) == before


@pytest.mark.parametrize("method", ["Switch debit or credit", "Change sign"])
def test_reversal_makes_a_new_batch_and_marks_the_old(own: Any, method: str) -> None:
    """Each names the other, the original's stamp moves, the two cancel."""
    combination = LINES[0]["combination"]
    before = balance(own, combination)
    batch_id = own.do("create_batch", **form())["JeBatchId"]
    stamp = own.batch(batch_id)["LastUpdateDate"]
    own.clock.advance(5)
    reversal = own.do("reverse_batch", JeBatchId=batch_id, period="Nov-26", method=method)
    original, line = own.batch(batch_id), own.walk(reversal["JeBatchId"])[0]

    assert original["ReversalFlag"] is True
    assert (original["ReversalPeriod"], original["ReversalMethodMeaning"]) == ("Nov-26", method)
    assert original["LastUpdateDate"] > stamp
    header = own.walk(batch_id)[0]["header"]
    assert header["AccrualReversalJeHeaderName"] == line["header"]["JournalName"]
    assert line["header"]["ReversedJeHeaderName"] == "Supplies"
    sides = (line["AccountedDr"], line["AccountedCr"])
    assert sides == ((None, 1250.5) if method.startswith("Switch") else (-1250.5, None))
    assert balance(own, combination) == before


def test_copy_in_the_secondary_ledger_names_its_parent(own: Any) -> None:
    """The copy is a batch of its own, in euro, and it balances."""
    batch_id = own.do("create_batch", **form())["JeBatchId"]
    copy = own.batch(own.do("replicate_batch", JeBatchId=batch_id)["JeBatchId"])
    lines = own.walk(copy["JeBatchId"])

    assert copy["ParentJeBatchName"] == "Made by hand"
    assert {x["header"]["LedgerName"] for x in lines} == {"Halden US Reporting"}
    assert sum(Decimal(str(x["AccountedDr"] or 0)) for x in lines) == Decimal(
        str(copy["RunningTotalAccountedCr"])
    )


def test_only_what_is_due_is_copied(own: Any) -> None:
    """Nothing is copied from other ledgers."""
    lines = [
        {"combination": "K01-2100-510200-0000", "debit": "1"},
        {"combination": "K01-0000-221000-0000", "credit": "1"},
    ]
    journal = {"ledger": "Halden Kuwait", "period": "Nov-26", "lines": lines}
    batch_id = own.do("create_batch", name="Gulf", journals=[journal])["JeBatchId"]

    assert "nothing for the secondary" in refused(own, "replicate_batch", JeBatchId=batch_id)


def test_period_may_be_opened_and_closed(own: Any) -> None:
    """Status decides whether a batch may be posted there; each application has its own."""
    own.do("set_period_status", ledger="Halden US", period="Oct-26", status="O")
    key = "PeriodNameId=Oct-26;LedgerId=300000002498206"
    rows = own.items(f"/accountingPeriodStatusLOV?q={key};ApplicationId=101", version=1)
    own.do("create_batch", **form(journal={"period": "Oct-26"}))
    own.do("set_period_status", ledger="Halden US", period="Oct-26", status="P")

    assert rows[0]["ClosingStatus"] == "O"
    assert "status P" in refused(own, "create_batch", **form(journal={"period": "Oct-26"}))
    assert "none of" in refused(
        own, "set_period_status", ledger="Halden US", period="Oct-26", status="X"
    )


def test_value_may_be_changed_behind_the_stage(own: Any) -> None:
    """Description and flags move, and the stamp with them."""
    own.do("change_value", value_set="Halden Account", value="68010", Description="Stationery",
           EnabledFlag="N")  # fmt: skip
    q = quote("Value='68010'")
    value = own.items(f"/valueSets/Halden%20Account/child/values?q={q}")[0]

    assert (value["Description"], value["EnabledFlag"]) == ("Stationery", "N")
    assert value["LastUpdateDate"].startswith("2026-11-03T08:00:00")
    assert "no value" in refused(own, "change_value", value_set="Halden Account", value="nope")
    assert "Colour" in refused(
        own, "change_value", value_set="Halden Account", value="68010", Colour="red"
    )
    assert "68010" in refused(own, "create_batch", **form())


def test_late_journals_post_into_closed_periods_with_a_new_account(own: Any) -> None:
    """A handful of journals in September, one of them to an account nobody has mapped."""
    before = net(own, ledger="Halden US", period="Sep-26")
    answer = own.do("late_journals")
    after = net(own, ledger="Halden US", period="Sep-26")
    q = quote("Value='68990'")
    value = own.items(f"/valueSets/Halden%20Account/child/values?q={q}")[0]
    combinations = own.items("/accountCombinationsLOV?q=" + quote("account='68990'"))

    assert [(b["ledger"], b["period"]) for b in answer["batches"]] == [
        ("Halden US", "Sep-26"),
        ("Halden Japan", "Sep-26"),
    ]
    assert (value["Description"], value["AccountType"]) == ("Late freight accruals", "E")
    assert [(c["company"], c["AccountType"]) for c in combinations] == [("101", "E")]
    batch = own.batch(answer["batches"][0]["JeBatchId"])
    assert (batch["DefaultPeriodName"], batch["PostedDate"]) == ("Sep-26", "2026-11-03")
    assert batch["LastUpdateDate"].startswith("2026-11-03T08:00:00")
    moved = {c: after[c] - before.get(c, Decimal(0)) for c in after}
    expected = {
        line["combination"]: Decimal(line.get("debit", 0)) - Decimal(line.get("credit", 0))
        for journal in answer["batches"][0]["journals"]
        for line in journal["lines"]
    }
    assert {c: amount for c, amount in moved.items() if amount} == expected
    assert balance(own, "%.%.68990.%.%.%", period="Sep-26") == Decimal("4812.35")


def test_late_journals_may_come_twice_and_elsewhere(own: Any) -> None:
    """The account is added once; periods can be chosen."""
    own.do("late_journals")
    again = own.do("late_journals", periods=[["Halden Kuwait", "Oct-26"]])

    assert [b["period"] for b in again["batches"]] == ["Oct-26"]
    assert own.read("/valueSets/Halden%20Account/child/values?q=" + quote("Value='68990'"))[
        "count"
    ] == 1  # fmt: skip


def test_stamp_of_a_row_never_stands_still(own: Any) -> None:
    """Two changes in one moment of the clock still have two stamps and two indicators."""
    batch_id = own.do("create_batch", **form(status="U"))["JeBatchId"]
    seen = []
    for _ in range(3):
        own.do("touch_batch", JeBatchId=batch_id)
        reply = own.call("GET", f"{BATCHES}/{batch_id}")
        seen.append((reply.json()["LastUpdateDate"], reply.headers["etag"]))

    assert len({stamp for stamp, _ in seen}) == len({etag for _, etag in seen}) == 3
    assert [stamp for stamp, _ in seen] == sorted(stamp for stamp, _ in seen)


def test_batch_may_carry_an_earlier_moment(own: Any) -> None:
    """`at` sets the stamps; a moment without offset is refused."""
    created = own.do("create_batch", **form(at="2026-10-30T10:00:00+00:00"))
    batch = own.batch(created["JeBatchId"])

    assert batch["LastUpdateDate"] == "2026-10-30T10:00:00.000+00:00"
    assert "no offset" in refused(own, "create_batch", **form(at="2026-10-30T10:00:00"))


def test_totals_are_those_of_the_lines_walked(own: Any) -> None:
    """The side door and the REST walk give the same figures, line counts included."""
    q = quote("Status='P' and ActualFlagMeaning='Actual'")
    walked: dict[tuple[str, ...], list[Decimal]] = {}
    for batch in own.items(f"{BATCHES}?limit=500&q={q}"):
        for line in own.walk(batch["JeBatchId"]):
            header = line["header"]
            key = (header["LedgerName"], header["PeriodName"], line["AccountCombination"],
                   line["CurrencyCode"])  # fmt: skip
            sums = walked.setdefault(key, [Decimal(0)] * 5)
            sides = ("EnteredDr", "EnteredCr", "AccountedDr", "AccountedCr")
            for index, amount in enumerate([1, *(line[side] or 0 for side in sides)]):
                sums[index] += Decimal(str(amount))
    told = {
        (t["ledger"], t["period"], t["combination"], t["currency"]): [
            Decimal(t["lines"]),
            *(Decimal(t[n]) for n in ("entered_dr", "entered_cr", "accounted_dr", "accounted_cr")),
        ]
        for t in own.do("totals")["totals"]
    }

    assert len(walked) > 100
    assert told == walked


def restart(folder: Path, own: Any) -> Any:
    """The same state folder behind a new server; it does not know the old one's salt."""
    own.server.stop()
    server = build_fusion_server(folder, SandboxClock(folder, virtual=True), lines=2_000)
    server.start()
    return server


def test_restart_keeps_state_and_changes_child_keys(own: Any, tmp_path: Path) -> None:
    """Batches, values, tokens and switches survive; a stored child key does not."""
    batch_id = own.do("create_batch", **form())["JeBatchId"]
    href = own.items(f"{BATCHES}/{batch_id}/child/journalHeaders")[0]["links"][0]["href"]
    etag = own.call("GET", f"{BATCHES}/{batch_id}").headers["etag"]
    own.turn(max_limit=99)
    old_url = own.server.url
    server = restart(tmp_path, own)
    auth = ("INTEGRATION.USER", "halden-password")
    root = f"{server.url}/fscmRestApi/resources/11.13.18.05"
    with httpx2.Client(auth=auth) as client:
        batch = client.get(f"{root}{BATCHES}/{batch_id}")
        header = client.get(f"{root}{BATCHES}/{batch_id}/child/journalHeaders").json()["items"][0]
        stale = client.get(href.replace(old_url, server.url))
        page = client.get(f"{root}{BATCHES}?limit=500").json()
    server.stop()

    assert (batch.status_code, batch.headers["etag"]) == (200, etag)
    assert header["JournalName"] == "Supplies"
    assert header["links"][0]["href"].rsplit("/", 1)[1] != href.rsplit("/", 1)[1]
    assert stale.status_code == 404
    assert page["limit"] == 99


def test_reset_puts_the_company_back(own: Any) -> None:
    """After a reset the ledger is as on the first day."""
    before = own.do("totals", status=None)
    own.do("late_journals")
    own.client.post(f"{own.server.url}/__sandbox/reset")

    assert own.do("totals", status=None) == before
    assert own.read("/accountCombinationsLOV?q=" + quote("account='68990'"))["count"] == 0


def test_every_reset_leaves_every_row_of_the_first_day(own: Any) -> None:
    """The first makes the company anew, the others copy it: each to the row, numbers included."""
    store = own.server.store

    def read() -> dict[str, list[tuple[Any, ...]]]:
        rows = {name: f"SELECT rowid, * FROM {name} ORDER BY rowid" for name in list_tables()}
        kept = {"kv": "SELECT * FROM kv WHERE space LIKE 'fusion%' ORDER BY space, key"}
        return {name: store.query(sql) for name, sql in (rows | kept).items()}

    first = read()
    assert len(first["je_lines"]) > 1_000
    for _ in range(3):
        own.do("late_journals")
        store.execute("DELETE FROM currency_rates")
        store.execute("DELETE FROM poz_suppliers")
        store.execute("DELETE FROM kv WHERE space = 'fusion'")
        reply = own.client.post(f"{own.server.url}/__sandbox/reset")
        assert (reply.status_code, read() == first) == (204, True)


def test_another_size_does_not_replace_the_company_that_is_there(own: Any, tmp_path: Path) -> None:
    """A state folder keeps its company; the size it has is told."""
    own.server.stop()
    server = build_fusion_server(tmp_path, SandboxClock(tmp_path, virtual=True), lines=9_000)
    held = server.info()["lines"]
    server.stop()

    assert held == 2_000


def test_side_door_refuses_what_the_value_set_refuses(own: Any) -> None:
    """A protected set is protected from behind, too."""
    assert "protected" in refused(own, "add_value", value_set="Halden Future", Value="001")


def test_reading_goes_on_while_batches_are_posted(own: Any) -> None:
    """Readers in other threads see whole pages while the books move."""
    stop, reading = threading.Event(), threading.Event()
    statuses: list[int] = []

    def keep_reading() -> None:
        with httpx2.Client(auth=("INTEGRATION.USER", "halden-password"), timeout=30) as client:
            url = f"{own.server.url}/fscmRestApi/resources/latest{BATCHES}?limit=50&expand=all"
            while not stop.is_set():
                statuses.append(client.get(url).status_code)
                reading.set()

    readers = [threading.Thread(target=keep_reading) for _ in range(3)]
    for reader in readers:
        reader.start()
    assert reading.wait(30), "no page came while nothing else was asked"
    made = [own.do("create_batch", **form())["JeBatchId"] for _ in range(15)]
    stop.set()
    for reader in readers:
        reader.join()

    assert len(set(made)) == 15
    assert statuses
    assert set(statuses) == {200}


def test_info_tells_how_to_come_in(own: Any) -> None:
    """Ids, users and the scope can be asked for."""
    info = own.client.get(f"{own.server.url}/__sandbox/info").json()

    assert info["scope"].startswith("urn:opc:resource:fa:instanceid=")
    assert info["users"] == {"INTEGRATION.USER": "halden-password"}
