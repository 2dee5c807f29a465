"""The close, a flow and a run as pages: what they lead to, their charts, their files."""

import re
from typing import Any
from urllib.parse import quote

FLOW = "actuals-fusion"


def test_close_shows_every_period_with_the_way_to_its_books(site: Any) -> None:
    """Each company and period of a flow, its chain in words, and where it is reconciled."""
    visitor = site.member("viewer")
    page = visitor.get("/").text
    way = re.search(r'class="cell" href="([^"]+)"', page)

    assert way
    assert visitor.get(way[1]).status == 200
    assert "Halden US" in page
    assert "Oct 26" in page
    assert "tied out: done" in page
    never = page.partition("Never run, so late for nothing:")[2].partition("</p>")[0]
    assert 'href="/flows/actuals-entered-fusion/"' in never
    assert f'href="/flows/{FLOW}/"' not in never
    assert visitor.get("/?as=csv&table=standings").text.count(FLOW) >= 3
    assert visitor.get("/?as=xlsx&table=late").status == 200


def test_close_shows_what_is_asked_for(site: Any) -> None:
    """One flow, one year, only what is open; what makes no sense counts as not asked."""
    visitor = site.member("viewer")

    assert f"option selected>{FLOW}<" in visitor.get(f"/?flow={FLOW}").text
    assert "of this choice" in visitor.get("/?year=2019").text
    assert visitor.get("/?open=yes&page=7").status == 200
    for odd in ("/?flow=%3Cscript%3E", "/?year=abc", "/?year=99999999999", "/?page=-1", "/?page=x"):
        answer = visitor.get(odd)
        assert answer.status == 200, odd
        assert "<script>alert" not in answer.text


def test_flow_tells_its_health_and_draws_its_runs(site: Any) -> None:
    """A sentence for each thing its health depends on; charts as pictures, with their numbers."""
    visitor = site.member("viewer")
    page = visitor.get(f"/flows/{FLOW}/").text
    pictures = re.findall(r'<img src="(\?[^"]+)"', page)

    for word in ("Last run", "Freshness", "Tie-out", "Unmapped", "Refused", "Duration by phase"):
        assert word in page, word
    assert len(pictures) == 3
    for one in pictures:
        address = one.replace("&amp;", "&")
        drawn = visitor.get(f"/flows/{FLOW}/{address}&scheme=dark&width=narrow")
        assert drawn.headers["Content-Type"] == "image/svg+xml"
        assert drawn.text.startswith("<svg")
    # Also a process that has never drawn it answers, for instance after a restart.
    assert visitor.get(f"/flows/{FLOW}/?chart=phases").text.startswith("<svg")
    assert visitor.get(f"/flows/{FLOW}/?as=csv&table=phases-table").status == 200


def test_run_tells_its_phases_and_shows_what_the_model_said(site: Any) -> None:
    """Phases in words, the bridge in debits, ids that were resolved, and the result itself."""
    visitor = site.member("viewer")
    where = f"/runs/{site.run_id}/"
    page = visitor.get(where).text
    result = re.search(r'href="(/runs/files/[^"]+)">result', page)

    for word in ("Read the ledger", "Compare with the ERP", "every hop ties", "mapping rules",
                 "preflight", "From the ledger to the model"):  # fmt: skip
        assert word in page, word
    assert result
    file = visitor.get(result[1])
    assert file.status == 200
    assert "attachment" in file.headers["Content-Disposition"]
    assert file.content
    for wrong in ("/runs/files/x/", f"/runs/files/{site.run_id}/{'0' * 64}/",
                  f"/runs/files/{quote('../' * 4)}etc/passwd/"):  # fmt: skip
        assert visitor.get(wrong).status == 404
    part = visitor.get(where, **{"HX-Request": "true"}).text
    assert part.startswith('<div id="live"')
    assert "preflight" in visitor.get(f"{where}?steps=yes", **{"HX-Request": "true"}).text


def test_older_runs_are_a_page_further(site: Any) -> None:
    """By the run they are older than; one that is not there is told."""
    visitor = site.member("viewer")

    assert visitor.get(f"/runs/?before={site.run_id}").status == 200
    assert visitor.get("/runs/?before=nothing").status == 404
