"""The mapping workbench and the queue of unmapped values, as mappers and others meet them."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request

import pytest

from ml_connector.errors import UsageError
from ml_connector.flows.bench import store_document
from ml_connector.ports.unmapped import PlacedRow, UnmappedSum

FLOW = "actuals-append-fusion"
"""It has never run, so what is done to its rules touches no other test's run."""
RAN = "actuals-fusion"
WHERE = f"/mapping/{FLOW}/"
AT = datetime(2026, 11, 20, 6, tzinfo=UTC)


def send_file(visitor: Any, path: str, content: bytes, **fields: str) -> Any:
    """The answer to a form with a file."""
    cookies = {cookie.name: cookie.value for cookie in visitor._cookies}
    fields |= {"csrfmiddlewaretoken": cookies["ml-connector-csrf"]}
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    parts.append(
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="rules.xlsx"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n--edge--\r\n"
    )
    kind = {"Content-Type": "multipart/form-data; boundary=edge"}
    return visitor._send(Request(f"{visitor.url}{path}", data=b"".join(parts), headers=kind))


def read_csv(answer: Any) -> list[dict[str, str]]:
    """The rows of a table that was asked for as a file."""
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


@pytest.fixture
def kept(site: Any) -> Iterator[Any]:
    """The mapper, while the records keep the rules of the flow."""
    mapper = site.member("mapper")
    assert mapper.post(f"{WHERE}keep/", {"where": "records", "comment": "here"}).status == 302
    yield mapper
    assert mapper.post(f"{WHERE}keep/", {"where": "file"}).status == 302


@pytest.fixture
def queued(site: Any) -> Iterator[None]:
    """Two values of the flow that no rule takes, as a run would have told."""
    told = [
        UnmappedSum(
            dimension="account", fact="account", value=value, ledger="Halden US", period="Oct-26",
            currency="USD", debit=Decimal(debit), credit=Decimal(0), lines=3,
            facts={"account": value, "nothing": "x"}, on=date(2026, 10, 14),
        )
        for value, debit in (("68/999", "12345.60"), ("=cmd", "7"))
    ]  # fmt: skip
    nothing = {"placed": [], "rules": [], "left_out": 0}
    with site.house() as house:
        placed = PlacedRow(
            flow=FLOW, member="Oct 26", mapping_hash="h", run_id=site.run_id, at=AT,
            document=store_document(house.archive, nothing),
        )  # fmt: skip
        house.records.unmapped.save_placed(placed, told)
        yield
        house.records.unmapped.save_placed(placed, [])


def test_workbench_lists_rules_in_the_order_in_which_they_decide(site: Any) -> None:
    """With what each decided, filtered by the address; a viewer may look and change nothing."""
    viewer = site.member("viewer")
    overview = viewer.get("/mapping/").text
    page = viewer.get(f"/mapping/{RAN}/")
    rows = read_csv(viewer.get(f"/mapping/{RAN}/?as=csv&table=rules&dimension=account"))
    none = read_csv(viewer.get(f"/mapping/{RAN}/?as=csv&table=rules&text=no+such"))

    assert f'href="/mapping/{RAN}/"' in overview
    assert "Change the rules here" not in page.text
    assert "kept in" in page.text.lower()
    assert {row["Dimension"] for row in rows} == {"account"}
    assert [row["Order"] for row in rows] == [str(n) for n in range(1, len(rows) + 1)]
    assert int(rows[0]["Lines"]) > 0
    assert none == []
    assert viewer.get(f"{WHERE}rule/").status == 403
    assert viewer.post(f"{WHERE}keep/", {"where": "records"}).status == 403
    assert viewer.get("/mapping/no-such-flow/").status == 404


def test_every_page_of_the_rules_asks_for_its_right(site: Any) -> None:
    """Whoever sees may look everywhere; changes are the mapper's, doing again the operator's."""
    mine = [
        (path, right) for path, right in site.routes if path.startswith(("mapping", "unmapped"))
    ]
    assert {
        right for path, right in mine if path.endswith(("rule/", "upload/", "keep/", "owner/"))
    } == {"map"}
    assert {right for path, right in mine if path.endswith("again/")} == {"run"}
    for role, held in (
        ("viewer", {"see"}),
        ("mapper", {"see", "map"}),
        ("operator", {"see", "run"}),
    ):
        for path, right in mine:
            answer = site.member(role).get("/" + path.replace("<str:name>", RAN))
            assert answer.status in ((200, 405) if right in held else (403,)), (role, path)


def test_test_box_says_what_the_command_says(site: Any) -> None:
    """The same rule decides, in the same words."""
    facts = {"account": "68010", "entity": "101", "cost_centre": "120"}
    query = urlencode({f"fact-{name}": value for name, value in facts.items()})
    page = site.member("viewer").get(f"/mapping/{RAN}/test/?{query}&on=2026-10-14&test=1&as=csv")
    with site.house() as house:
        told = house.explain_mapping(RAN, facts, date(2026, 10, 14))

    rows = [row for row in read_csv(page) if row["State"] == "decides"]
    assert [(row["Dimension"], row["Member"]) for row in rows] == [
        (one.dimension, one.target) for one in told
    ]
    assert all(
        f"line {one.decided_by.line}:" in row["Rule"] for one, row in zip(told, rows, strict=True)
    )


def test_coverage_of_the_page_is_that_of_the_command(site: Any) -> None:
    """As placed by the run; the archive asked anew says the same."""
    rows = read_csv(site.member("viewer").get(f"/mapping/{RAN}/coverage/?as=csv&table=coverage"))
    with site.house() as house:
        covered = house.cover(RAN, None)[0]

    assert {
        (r["Ledger"], r["Period"], r["Currency"], r["Goes"], int(r["Lines"])) for r in rows
    } == {(c.ledger, c.period, c.currency, c.placement, c.totals.lines) for c in covered}
    assert {Decimal(r["Debit"]) for r in rows} == {c.totals.debit for c in covered}


def test_a_rule_is_added_changed_restored_and_every_version_told(kept: Any, site: Any) -> None:
    """Faults of a rule are told all at once; the history says who, and what differs."""
    start = int(read_csv(kept.get(f"{WHERE}history/?as=csv"))[0]["Version"])
    rule = {
        "dimension": "account", "when": "account=68010", "target": "68020", "note": "freight",
        "comment": "asked for", "based_on": str(start), "what": "save",
    }  # fmt: skip
    faulty = kept.post(
        f"{WHERE}rule/", {**rule, "when": "account=1..", "valid_from": "x", "target": ""}
    )
    added = kept.post(f"{WHERE}rule/", rule)
    late = kept.post(f"{WHERE}rule/", {**rule, "when": "account=68020"})
    rows = read_csv(kept.get(f"{WHERE}?as=csv&text=freight"))
    shown = kept.get(f"{WHERE}diff/?from={start}&to={start + 1}&as=csv")
    history = read_csv(kept.get(f"{WHERE}history/?as=csv"))
    unseen = kept.post(f"{WHERE}restore/", {"version": str(start), "based_on": str(start)})
    restored = kept.post(f"{WHERE}restore/", {"version": str(start), "comment": "no"})

    assert faulty.status == 422
    assert all(part in faulty.text for part in ("two ends", "is no date", "target is empty"))
    assert (added.status, restored.status) == (302, 302)
    assert [(row["When"], row["Member"]) for row in rows] == [("account=68010", "68020")]
    assert [(row["Change"], row["When"]) for row in read_csv(shown)] == [("added", "account=68010")]
    assert (history[0]["By"], history[0]["Comment"]) == ("mapper", "asked for")
    assert late.status == unseen.status == 422
    for part in ("Saved meanwhile", "Your change", "account=68020", "account=68010"):
        assert part in late.text
    assert read_csv(kept.get(f"{WHERE}?as=csv&text=freight")) == []
    with site.house() as house:
        assert house.records.audit.verify()


def test_a_file_is_looked_at_before_it_is_saved(kept: Any) -> None:
    """A workbook of the page comes back unchanged; faults name rows; a preview saves nothing."""
    sent = kept.get(f"{WHERE}file/?as=xlsx").content
    text = kept.get(f"{WHERE}file/?as=csv").text
    upload = f"{WHERE}upload/"
    number = read_csv(kept.get(f"{WHERE}history/?as=csv"))[0]["Version"]

    same = send_file(kept, upload, sent, what="check")
    torn = send_file(kept, upload, b"PK\x03\x04", what="check")
    wrong = text + "accnt,,x,,,,\naccount,a,b,x,,,\naccount,acount=1,2,,,,\n"
    faulty = send_file(kept, upload, wrong.encode(), what="check")
    looked = send_file(kept, upload, (text + "account,account=1,2,,,,\n").encode(), what="check")
    untouched = kept.get(f"{WHERE}file/?as=csv").text
    saved = kept.post(
        upload,
        {"what": "save", "rules": text + "account,account=1,2,,,,\n", "based_on": number},
    )

    assert "The file holds the rules in force" in same.text
    assert torn.status == faulty.status == 422
    assert "cannot be read" in torn.text
    lines = text.count("\n")
    for part in (f">{lines + 1}<", f">{lines + 2}<", "accnt", "not written as fact=pattern",
                 "unknown fact 'acount'; known are account, "):  # fmt: skip
        assert part in unescape(faulty.text)
    assert looked.status == 200
    assert "account=1" in looked.text
    assert "has not run yet" in looked.text
    assert untouched == text
    assert saved.status == 302
    assert kept.get(f"{WHERE}file/?as=csv").text == text + "account,account=1,2,,,,\n"


def test_a_file_too_large_for_a_page_is_refused_and_never_read_in_part(kept: Any) -> None:
    """Half of a file would be rules taken away; numbers nobody has are no faults of the server."""
    text, huge = kept.get(f"{WHERE}file/?as=csv").text, "9" * 4_000
    noted = [f"account,account={number},1,,,,{'x' * 90_000}\n" for number in range(25)]
    for more, most in (("\n" * 5_000_000, "5,000,000"), ("".join(noted), "2,000,000")):
        refused = send_file(kept, f"{WHERE}upload/", (text + more).encode(), what="check")
        assert refused.status == 422
        assert f"more than the {most} bytes that a page takes" in refused.text
        assert f"mappings import {FLOW} FILE" in refused.text
    few = (text + "".join(noted[:15])).encode()
    assert send_file(kept, f"{WHERE}upload/", few, what="check").status == 200
    assert kept.post(f"{WHERE}restore/", {"version": huge}).status == 422
    assert kept.get(f"{WHERE}diff/?from=1&to={huge[:99]}").status == 404
    assert kept.get(f"{WHERE}history/?before={huge[:99]}").status == 200


@pytest.mark.usefixtures("queued")
def test_unmapped_values_have_owners_rules_and_a_run_of_their_periods(kept: Any, site: Any) -> None:
    """The largest first; the fix is a rule; what is done again is what the value lies in."""
    viewer, query = site.member("viewer"), urlencode({"dimension": "account", "value": "68/999"})
    rows = read_csv(viewer.get(f"/unmapped/?as=csv&flow={FLOW}"))
    page = f"/unmapped/{FLOW}/value/?{query}"
    value = {"dimension": "account", "value": "68/999"}
    number = read_csv(kept.get(f"{WHERE}history/?as=csv"))[0]["Version"]
    with site.house() as house:
        before = house.records.runs.find_unfinished(FLOW)
        with pytest.raises(UsageError, match="No period"):
            house.place_again(FLOW, ())

    assert [(row["Value"], row["Debits"]) for row in rows] == [
        ("68/999", "12345.6"),
        ("'=cmd", "7"),
    ]
    assert viewer.get(page).status == 200
    assert "Add the rule" not in viewer.get(page).text
    assert viewer.post(f"/unmapped/{FLOW}/owner/", {**value, "owner": "viewer"}).status == 403

    owned = kept.post(f"/unmapped/{FLOW}/owner/", {**value, "owner": "viewer", "note": "asked"})
    unknown = kept.post(f"/unmapped/{FLOW}/owner/", {**value, "owner": "nobody-there"})
    mine = read_csv(viewer.get("/unmapped/?as=csv&owner=mine"))
    faulty = kept.post(
        f"/unmapped/{FLOW}/rule/", {**value, "when": "x", "target": "", "based_on": number}
    )
    added = kept.post(
        f"/unmapped/{FLOW}/rule/",
        {**value, "when": "account=68/999", "target": "68010", "based_on": number},
    )
    states = {row["Value"]: row["State"] for row in read_csv(viewer.get("/unmapped/?as=csv"))}

    assert (owned.status, unknown.status, faulty.status, added.status) == (302, 422, 422, 302)
    assert [(row["Value"], row["Owner"]) for row in mine] == [("68/999", "viewer")]
    assert "nobody named" in unknown.text
    assert "fact=pattern" in faulty.text
    assert states["68/999"] in ("assigned, not yet re-run", "unmapped")
    assert kept.post(f"/unmapped/{FLOW}/again/", value).status == 403
    assert before is None
    assert viewer.get(f"/unmapped/{FLOW}/value/?dimension=account&value=none").status == 404


@pytest.mark.usefixtures("queued")
def test_queue_asks_as_often_for_many_values_as_for_few(site: Any) -> None:
    """The page asks as often for many values as for two; see also the plan of its statement."""
    from django.db import connection  # noqa: PLC0415 - Django is set up by the house.
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - as above.

    from ml_connector.ports.unmapped import UnmappedFilter  # noqa: PLC0415 - as above.

    asked = UnmappedFilter(flow=FLOW)
    with site.house() as house:
        house.list_unmapped(asked, limit=100)
        with CaptureQueriesContext(connection) as few:
            house.list_unmapped(asked, limit=100)
        (row,) = [one for one in house.records.unmapped.load_placed(FLOW) if one.member == "Oct 26"]
        many = [
            UnmappedSum(
                dimension="account", fact="account", value=f"x{number:04}", ledger="Halden US",
                period="Sep-26", currency="USD", debit=Decimal(number), credit=Decimal(0), lines=1,
                facts={"account": f"x{number:04}"}, on=date(2026, 9, 1),
            )
            for number in range(150)
        ]  # fmt: skip
        placed = replace(row, member="Sep 26")
        house.records.unmapped.save_placed(placed, many)
        with CaptureQueriesContext(connection) as lots:
            listing = house.list_unmapped(asked, limit=100)
        house.records.unmapped.save_placed(placed, [])

    assert len(listing.rows) == 100
    assert len(lots) == len(few)
