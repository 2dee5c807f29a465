"""What happens to the books: posting, deletion, renames, purge."""

from typing import Any

import pytest

KEY = ("DCT", "DOC", "KCO", "DGJ", "JELN", "LT", "EXTL")
Row = dict[str, Any]


def batch_of(own: Any, key: str) -> tuple[str, int]:
    """Type and number of the batch that holds the key."""
    row = own.keyed(key)[0]
    return row["ICUT"].strip(), row["ICU"]


def post(own: Any, key: str) -> None:
    """The batch of the key has been posted."""
    kind, number = batch_of(own, key)
    own.do("post_batch", batch=f"{kind}-{number}")


@pytest.mark.parametrize("position", [True, False])
def test_posting_stamps_rows_only_where_switched(own: Any, *, position: bool) -> None:
    """By default a row posted on Thursday still says Tuesday."""
    own.turn(postTouchesUpmj=position)
    own.write("STAMPED1", [1250, -300])
    own.advance(days=2)
    own.sign_on()
    post(own, "STAMPED1")

    expected = "20261105" if position else "20261103"
    assert {(r["POST"], r["UPMJ"]) for r in own.keyed("STAMPED1", "POST UPMJ LT JELN")} == {
        ("P", expected)
    }


def test_posting_stamps_some_rows_where_the_switch_is_mixed(own: Any) -> None:
    """Over several batches both kinds occur."""
    own.turn(postTouchesUpmj="mixed")
    for n in range(8):
        own.write(f"MIXED00{n}", [100, 200, 300, 400])
    own.advance(days=2)
    own.sign_on()
    for n in range(8):
        post(own, f"MIXED00{n}")
    dates = {row["UPMJ"] for n in range(8) for row in own.keyed(f"MIXED00{n}", "UPMJ LT JELN")}

    assert dates == {"20261103", "20261105"}


@pytest.mark.parametrize(
    ("position", "audit"), [("untouched", (None, 0)), ("touched", ("20261103", 80000))]
)
def test_header_is_stamped_by_a_change_of_status_only_where_switched(
    own: Any, position: str, audit: tuple[Any, ...]
) -> None:
    """The header of a posted batch usually has no date of update."""
    own.turn(batchAudit=position)
    own.write("AUDITED1", [1250])
    post(own, "AUDITED1")
    kind, number = batch_of(own, "AUDITED1")
    where = [own.when("ICUT", "EQUAL", kind), own.when("ICU", "EQUAL", number)]
    (row,) = own.browse("F0011", "IST UPMJ UPMT", *where)

    assert (row["IST"].strip(), row["UPMJ"], row["UPMT"]) == ("D", *audit)


def test_posting_moves_the_balances_by_the_batch(own: Any) -> None:
    """Before it nothing, after it exactly the amounts."""
    before = own.balances()
    own.write("MOVING01", [6778.23, -300])
    assert own.balances() == before
    post(own, "MOVING01")
    after = own.balances()
    change = {k: after.get(k, 0) - before.get(k, 0) for k in before.keys() | after.keys()}
    rows = own.keyed("MOVING01")

    assert {k: v for k, v in change.items() if v} == {
        (row["AID"], 26, "BA", "", "", 11): row["AA"] for row in rows
    }


def test_batch_is_not_posted_twice(own: Any) -> None:
    """The second attempt changes nothing."""
    own.write("TWICE001", [1250])
    post(own, "TWICE001")
    before = own.balances()
    kind, number = batch_of(own, "TWICE001")
    again = {"batch": f"{kind}-{number}"}
    own.http.post(f"{own.url}/__sandbox/post_batch", json=again)

    assert own.balances() == before


def test_posting_an_intercompany_batch_creates_entries_that_were_not_there(own: Any) -> None:
    """Rows of type AE appear with the day of the post; each company balances."""
    amounts = [1000, -1000]
    lines = own.lines(amounts, accounts=[own.accounts("00001")[-1], own.accounts("00300")[-1]])
    body = own.plan("INTERCO1", lines, LedgerType="AA", DocumentType="JE")
    reply = own.run(body)
    assert reply.json()["Result"] == "CREATED", reply.text
    kind, number = batch_of(own, "INTERCO1")
    where = [own.when("ICUT", "EQUAL", kind), own.when("ICU", "EQUAL", number)]
    own.advance(days=1)
    own.sign_on()
    post(own, "INTERCO1")
    rows = [own.trimmed(row) for row in own.browse("F0911", "DCT CO AA LT UPMJ POST", *where)]
    created = [row for row in rows if row["DCT"] == "AE"]

    assert created
    assert {(row["UPMJ"], row["POST"]) for row in created} == {("20261104", "P")}
    for company in {row["CO"] for row in rows}:
        assert sum(r["AA"] for r in rows if r["CO"] == company and r["LT"] == "AA") == 0


# The day behind the stage.


def test_day_posts_deletes_and_renames(own: Any) -> None:
    """The three events a watermark on the date of update does not see."""
    late = [own.when("DGJ", "EQUAL", "10/20/2026"), own.when("DICJ", "EQUAL", "10/24/2026"),
            own.when("POST", "EQUAL", "")]  # fmt: skip
    pending = own.browse("F0911", "ICUT ICU DOC AID UPMJ", *late)
    counts = own.count("F0911")
    done = own.do("pass_day")
    own.sign_on()

    assert pending
    assert own.control("GET", "clock")["now"].startswith("2026-11-04T08:00")
    assert {(row["ICUT"].strip(), row["ICU"]) for row in pending} == {batch_id(done["posted"])}
    after = [own.when("ICU", "EQUAL", pending[0]["ICU"]), own.when("ICUT", "EQUAL", "G")]
    rows = own.browse("F0911", "POST UPMJ DCT", *after)
    assert {row["POST"] for row in rows} == {"P"}
    assert {row["UPMJ"] for row in rows if row["DCT"].strip() != "AE"} == {
        row["UPMJ"] for row in pending
    }
    gone = batch_id(done["deleted"])
    assert (
        own.count("F0911", own.when("ICU", "EQUAL", gone[1]), own.when("ICUT", "EQUAL", gone[0]))
        == 0
    )
    assert own.count("F0911") < counts


def batch_id(told: Row) -> tuple[str, int]:
    """Type and number out of "G-15981"."""
    kind, _, number = str(told["batch"]).rpartition("-")
    return kind or "G", int(number)


def test_day_renames_an_account_everywhere_without_a_stamp(own: Any) -> None:
    """Master, rows and balances have the new name; the rows keep their date of update."""
    columns = "KCO DCT DOC DGJ JELN LT EXTL AID MCU OBJ SUB UPMJ UPMT"
    body = own.browsing("F0911", columns, maxPageSize="1000")

    def by_key() -> dict[tuple[Any, ...], Row]:
        rows = [row for page in own.pages(body) for row in own.rows(page, "F0911")]
        return {tuple(row[name] for name in KEY): row for row in rows}

    before = by_key()
    told = own.do("pass_day")["renamed"]
    own.sign_on()
    after = by_key()
    (master,) = own.browse("F0901", "MCU OBJ SUB", own.when("AID", "EQUAL", told["aid"]))
    touched = [key for key, row in after.items() if row["AID"] == told["aid"]]

    assert touched
    for key in touched:
        assert {name: after[key][name] for name in master} == master
        if key in before:
            assert {name: before[key][name] for name in master} != master
            assert before[key]["UPMJ"] == after[key]["UPMJ"]
            assert before[key]["UPMT"] == after[key]["UPMT"]
    balanced = own.browse("F0902", "MCU OBJ SUB", own.when("AID", "EQUAL", told["aid"]))
    assert balanced
    assert all(row == master for row in balanced)


def test_books_stay_in_step_over_several_days(own: Any) -> None:
    """After three days balances still equal the posted rows."""
    for _ in range(3):
        own.do("pass_day")
    own.sign_on()
    columns = "AID FY LT SBL CRCD PN AA POST CO"
    body = own.browsing("F0911", columns, maxPageSize="1000")
    rows = [row for page in own.pages(body) for row in own.rows(page, "F0911")]
    japan = {row["AID"] for row in own.accounts_of("00200")}
    of_table = {k: v for k, v in own.balances().items() if k[2] != "BA" or k[0] not in japan}
    wanted = {"AA", "CA", "BA"}

    assert {k: v for k, v in of_table.items() if k[2] in wanted} == own.movements(rows)


def test_purge_takes_rows_out_of_the_ledger(own: Any) -> None:
    """Purged rows are gone from F0911 and stand in F0911P; balances keep what they were."""
    old = [own.when("FY", "EQUAL", "24"), own.when("CO", "EQUAL", "00001")]
    count, before = own.count("F0911", *old), own.balances()
    own.do("purge", company="00001", fiscal_year=24)

    assert count > 0
    assert own.count("F0911", *old) < count
    assert own.balances() == before


def test_unposted_document_can_be_deleted_and_a_posted_one_cannot(own: Any) -> None:
    """Deletion leaves no trace; a posted document stays."""
    for key, is_posted in (("DELETED1", False), ("DELETED2", True)):
        answer = own.write(key, [1250], PostAfterCreate=is_posted)
        own.http.post(
            f"{own.url}/__sandbox/delete_document",
            json={"document": f"00001-BX-{answer['DocumentNumber']}"},
        )
        assert bool(own.keyed(key)) is is_posted
