"""Trace: any key leads to its story, oldest first; archived lines are looked through on demand."""

import re
from html import escape
from typing import Any
from urllib.parse import quote


def trace(site: Any, key: str, more: str = "") -> str:
    """The page about a key."""
    answer = site.member("viewer").get(f"/trace/?key={quote(key)}{more}")
    assert answer.status == 200
    return str(answer.text)


def test_key_of_any_kind_leads_to_the_run_that_knows_it(site: Any) -> None:
    """Run, task and its beginning, load, plan, batch: each story names the run and its page."""
    with site.house() as house:
        load = next(
            one for one in house.records.loads.load_loads(run_id=site.run_id) if one.task_id
        )
        run = house.records.runs.load_run(site.run_id)
        (line_file, *_) = house.records.traces.load_line_files("fusion-sandbox")
        standing = house.records.standings.find_standing("actuals-fusion", "Halden US", "Sep-26")
    plan = run.summary["plan_hash"]

    for key in (site.run_id, load.task_id, load.task_id[:8], load.load_id, plan, plan[:12]):
        page = trace(site, key)
        assert f'href="/runs/{site.run_id}/"' in page, key
        assert "ended, succeeded" in page, key
        assert "audit chain, link" in page, key
        times = re.findall(r'<time datetime="([^"]+)"', page)
        assert times == sorted(times), key
    assert line_file
    assert standing is not None


def test_document_and_account_are_found_in_archived_lines(site: Any) -> None:
    """Only when it is asked for: the records alone answer at once."""
    with site.house() as house:
        bench = house.actuals_bench(house.actuals_flow("actuals-fusion"))
        batches = house.records.batches.load_current("fusion-sandbox", "Halden US", "Sep-26")
        line = next(iter(house.archive.read_lines(batches[0])))
        assert bench.flow.name == "actuals-fusion"
    account = re.split(r"[^0-9A-Za-z]", line.combination)[1]

    quick = trace(site, line.journal)
    assert "What the lines hold" not in quick
    page = trace(site, line.journal, "&lines=yes")

    assert f"in batch {batches[0].batch_id}" in page
    assert re.search(rf"document {re.escape(escape(line.journal))}.*Halden US", page)
    assert "debit" in page
    assert "lines of actuals-fusion" in trace(site, account, "&lines=yes")
    rows = site.member("viewer").get(f"/trace/?key={quote(batches[0].batch_id)}&as=csv").text
    assert rows.splitlines()[0].lstrip("\ufeff") == "When (UTC),What,Where,By,Run"
    assert "archive of fusion-sandbox" in rows


def test_key_nobody_knows_is_said_to_be_unknown(site: Any) -> None:
    """However odd it is; nothing of it becomes markup."""
    for key in ("no-such-key", "%", "'; DROP TABLE records_run; --", "ä" * 300):
        page = trace(site, key)
        assert "The records know nothing of" in page, key
    page = trace(site, "<b>x</b>", "&lines=yes")
    assert "<b>x" not in page
    assert "No archived line of the newest periods names it." in page
    assert "Type any key you have in hand" in trace(site, " ")
