"""What pages show, and the files of their tables."""

import csv
import io
from typing import Any
from zipfile import ZipFile


def test_flow_and_its_run_are_shown_with_the_way_there(site: Any) -> None:
    """From the flows to the newest run in two clicks, and from a flow to each of its runs."""
    visitor = site.member("viewer")

    flows = visitor.get("/flows/").text
    assert "/flows/actuals-fusion/" in flows
    with site.house() as house:
        newest = house.records.runs.load_runs(flow="actuals-fusion", limit=1)[0]
    assert f"/runs/{newest.run_id}/" in flows
    assert f"/runs/{site.run_id}/" in visitor.get("/flows/actuals-fusion/").text
    run = visitor.get(f"/runs/{site.run_id}/").text
    assert "Unexplained" in run
    assert "preflight" in run


def test_table_is_the_same_in_each_file(site: Any) -> None:
    """What was seen is what is exported: titles, rows, exact amounts."""
    visitor = site.member("viewer")
    where = f"/runs/{site.run_id}/?table=tie-out&as="

    sheet = visitor.get(f"{where}csv")
    rows = list(csv.reader(io.StringIO(sheet.content.decode("utf-8-sig"))))
    assert sheet.headers["Content-Disposition"] == 'attachment; filename="tie-out.csv"'
    assert rows[0][:5] == ["Ledger", "Period", "Currency", "Lines", "Debits"]
    assert len(rows) > 1
    book = visitor.get(f"{where}xlsx")
    with ZipFile(io.BytesIO(book.content)) as parts:
        text = parts.read("xl/worksheets/sheet1.xml").decode()
    for row in rows[1:]:
        assert row[0] in text
        assert row[4].rstrip("0").rstrip(".") in text


def test_unknown_thing_is_told_and_never_taken_for_markup(site: Any) -> None:
    """An address is text from outside."""
    visitor = site.member("viewer")
    for where in ("/runs/%3Cscript%3E/", "/flows/%3Cscript%3E/"):
        answer = visitor.get(where)
        assert answer.status == 404
        assert "<script>" not in answer.text
    assert visitor.get("/nowhere/").status == 404


def test_process_says_that_it_lives_and_can_work(site: Any) -> None:
    """For whoever watches it; nobody has to sign in for that."""
    visitor = site.visitor()
    assert visitor.get("/health/live").text == "lives\n"
    assert visitor.get("/health/ready").text == "ready\n"
