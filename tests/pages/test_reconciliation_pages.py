"""Reconciliation as people see it: periods in money, one period, signing and taking back."""

import html
import io
import re
from typing import Any

from openpyxl import load_workbook

PERIOD = "/reconciliation/period/actuals-fusion/Halden%20US/Sep-26/"
SIGN = "/reconciliation/sign/actuals-fusion/Halden%20US/Sep-26/"


def find_proof(text: str) -> str:
    """What the form binds the signature to."""
    found = re.search(r'name="proof" value="(\w{64})"', text)
    assert found
    return found[1]


def test_periods_are_listed_in_money_and_narrowed_by_the_address(site: Any) -> None:
    """By flow, ledger, period, currency and state; what is asked stands in every file's address."""
    viewer = site.member("viewer")

    page = viewer.get("/reconciliation/?months=36")
    assert page.status == 200
    assert 'href="/reconciliation/period/actuals-fusion/Halden%20US/Sep-26/"' in page.text
    assert "<dt>Unexplained</dt><dd>0.00</dd>" in page.text
    assert 'alt="Nothing differs in the ' in page.text
    at = re.search(r'<img src="\?([^"]+)"', page.text)
    assert at
    picture = viewer.get(f"/reconciliation/?{html.unescape(at[1])}")
    assert (picture.status, picture.headers["Content-Type"]) == (200, "image/svg+xml")
    twin = viewer.get("/reconciliation/?as=csv&table=differences-table&months=600").text
    assert "Halden US,Sep 26,Sep-26,ties out,nothing," in twin
    for query in ("ledger=nowhere", "currency=EUR", "period=Jan-99", "state=unexplained"):
        answer = viewer.get(f"/reconciliation/?months=36&{query}")
        assert "No run has looked at such a period yet." in answer.text, query
    narrow = viewer.get("/reconciliation/?ledger=halden+us&period=sep-26&currency=USD&months=600")
    assert narrow.text.count('data-title="Period"') == 1
    assert "&ledger=halden+us&amp;period" in narrow.text or "ledger=halden" in narrow.text
    rows = viewer.get("/reconciliation/?as=csv&period=sep-26&months=600").text.splitlines()
    assert rows[0].lstrip("\ufeff").startswith("Period,Ledger or company,State,Signature")
    assert rows[1].startswith("Sep-26,Halden US,ties out,")
    for odd in ("page=0", "page=999999", "page=x", "months=7", "months=" + "9" * 30):
        assert viewer.get(f"/reconciliation/?{odd}").status == 200, odd


def test_period_shows_its_bridge_its_accounts_and_its_cells(site: Any) -> None:
    """Searched by account, only what differs on demand; all tables are one workbook."""
    viewer = site.member("viewer")

    page = viewer.get(PERIOD)
    assert page.status == 200
    for word in ("From the ERP to the model", "Accounts", "Cells of the model", "Signatures"):
        assert word in page.text
    rows = viewer.get(f"{PERIOD}?as=csv&table=accounts").text.splitlines()
    combination = rows[1].split(",")[0]
    assert rows[1].split(",")[-2:] == ["0", "USD"]
    found = viewer.get(f"{PERIOD}?as=csv&table=accounts&find={combination}").text.splitlines()
    assert found[1:] == [row for row in rows if combination in row]
    assert "Nothing of Sep-26 fits." in viewer.get(f"{PERIOD}?differs=yes").text
    book = load_workbook(io.BytesIO(viewer.get(f"{PERIOD}?as=xlsx&table=all").content))
    assert book.sheetnames[0] == "From the ERP to the model"
    assert len(book.sheetnames) == 4
    totals = [row[2] for row in book.worksheets[0].iter_rows(min_row=2, values_only=True)]
    assert totals[-1] == 0


def test_places_that_are_none_are_not_found(site: Any) -> None:
    """Nor is anything told of them."""
    viewer = site.member("viewer")
    for place in ("actuals-fusion/Nowhere/Sep-26/", "a/b/", "a/b/c/d/", "~1/~0/~/"):
        assert viewer.get(f"/reconciliation/period/{place}").status == 404, place


def test_approver_signs_a_period_and_takes_it_back_in_the_open(site: Any) -> None:
    """A comment is needed, old pages sign nothing, a viewer sees who signed and cannot undo it."""
    approver, viewer = site.member("approver"), site.member("viewer")
    assert 'name="comment"' not in viewer.get(PERIOD).text
    proof = find_proof(approver.get(PERIOD).text)
    for faulty in ({"comment": " ", "proof": proof}, {"comment": "yes", "proof": "0" * 64}, {}):
        refused = approver.post(SIGN, faulty)
        assert refused.status == 422
        assert "Nothing was" in refused.text
    old = approver.post(SIGN, {"comment": "I had <i>written</i> this.", "proof": "0" * 64})
    assert "I had &lt;i&gt;written&lt;/i&gt; this.</textarea>" in old.text
    long = approver.post(SIGN, {"comment": "x" * 2_001, "proof": proof})
    assert "The comment has 2,001 characters" in long.text
    assert "x" * 2_001 in long.text

    signed = approver.post(SIGN, {"comment": "Agreed <b>with</b> the bank.", "proof": proof})

    assert signed.status == 302
    # Who clicks twice is told what the first click did.
    twice = {"comment": "Agreed <b>with</b> the bank.\r\n", "proof": proof}
    assert approver.post(SIGN, twice).status == 302
    page = viewer.get(PERIOD).text
    assert "Signed by approver on " in page
    assert "Agreed &lt;b&gt;with&lt;/b&gt; the bank." in page
    assert approver.post(SIGN, {"comment": "again", "proof": proof}).status == 422
    with site.house() as house:
        newest = house.records.sign_offs.load_sign_offs()[0]
        assert house.records.audit.find(newest.sign_off_id)[0].actor == "approver"
    listed = viewer.get("/reconciliation/?state=signed&months=600").text
    assert listed.count('data-title="Period"') == 1
    away = f"/reconciliation/withdraw/{newest.sign_off_id}/"
    for other in (viewer, site.member("operator")):
        refused = other.post(away, {"reason": "no"})
        assert refused.status == 422
        assert "may not take back" in refused.text
    assert approver.post(away, {"reason": " "}).status == 422

    long = approver.post(away, {"reason": "x" * 2_001})
    assert long.status == 422
    assert f'value="{"x" * 2_001}"' in long.text
    for _ in range(2):
        assert approver.post(away, {"reason": "late invoice"}).status == 302
    other = approver.post(away, {"reason": "another one"})
    assert other.status == 422
    assert "was taken back by approver before" in other.text

    assert "withdrawn by approver" in viewer.get(PERIOD).text
    assert viewer.post("/reconciliation/withdraw/nothing/", {"reason": "r"}).status == 404
