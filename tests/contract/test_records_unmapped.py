"""The history of mapping rules, and the queue of what they do not reach."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.errors import BusyError
from ml_connector.ports import Records
from ml_connector.ports.rules import Deed, NewRules
from ml_connector.ports.unmapped import PlacedRow, UnmappedFilter, UnmappedSum

AT = datetime(2026, 10, 5, 6, tzinfo=UTC)
OCTOBER = PlacedRow(flow="f", member="Oct 26", mapping_hash="h1", document="d1", run_id="r1", at=AT)
NOVEMBER = replace(OCTOBER, member="Nov 26", run_id="r2")
EVERYTHING = UnmappedFilter()


def rules(content: str, deed: Deed = Deed.SAVED, *, is_kept: bool = True) -> NewRules:
    """Rules with a content that is their hash as well."""
    return NewRules(
        content_hash=content, content=content, rules=1, deed=deed, comment="why", is_kept=is_kept
    )


def lies(value: str, debit: str = "10", **other: Any) -> UnmappedSum:
    """Lines on a value no rule takes."""
    usual: dict[str, Any] = {
        "dimension": "account", "fact": "account", "value": value, "ledger": "US",
        "period": "Oct-26", "currency": "USD", "debit": Decimal(debit), "credit": Decimal(0),
        "lines": 2, "facts": {"account": value, "entity": "101"}, "on": AT.date(),
    }  # fmt: skip
    return UnmappedSum(**usual | other)


def test_versions_count_up_and_a_restored_content_is_a_new_one(records: Records) -> None:
    """The history is a list of deeds; equal contents do not fall together in it."""
    save = records.mappings.save_version
    taken = save("f", rules("one", Deed.TAKEN), based_on=0, actor="kim")
    save("f", rules("two"), based_on=1, actor="lee")
    back = save("f", rules("one", Deed.RESTORED), based_on=2, actor="kim")
    assert (taken.number, back.number, back.content_hash) == (1, 3, "one")
    assert records.mappings.find_version("f") == back
    assert records.mappings.find_version("f", 1) == taken
    assert records.mappings.find_version("g") is None
    listed = records.mappings.load_versions("f", limit=2)
    assert [(one.number, one.actor) for one in listed] == [(3, "kim"), (2, "lee")]
    assert [one.number for one in records.mappings.load_versions("f", limit=5, before=2)] == [1]


def test_rules_saved_meanwhile_are_not_overwritten(records: Records) -> None:
    """Whoever began from an older version is refused, and told who was quicker."""
    records.mappings.save_version("f", rules("one"), based_on=0, actor="kim")
    for based_on in (0, 2):
        with pytest.raises(BusyError, match="kim made version 1") as refused:
            records.mappings.save_version("f", rules("two"), based_on=based_on, actor="lee")
        assert refused.value.code == "mapping.moved"
    assert records.mappings.find_mapping("two") is None


def test_history_notes_the_file_only_while_the_file_decides(records: Records) -> None:
    """Each content met anew in the file is a version; kept rules are no business of the file."""
    for content in ("one", "one", "two", "one"):
        records.mappings.save_mapping("f", content_hash=content, content=content, actor="run")
    newest = records.mappings.find_version("f")
    assert newest is not None
    assert (newest.number, newest.deed, newest.is_kept) == (3, Deed.SEEN, False)
    records.mappings.save_version("f", rules("kept", Deed.TAKEN), based_on=3, actor="kim")
    records.mappings.save_mapping("f", content_hash="two", content="two", actor="run")
    kept = records.mappings.find_version("f")
    assert kept is not None
    assert (kept.number, kept.content_hash) == (4, "kept")
    back = rules("two", Deed.RETURNED, is_kept=False)
    records.mappings.save_version("f", back, based_on=4, actor="kim")
    records.mappings.save_mapping("f", content_hash="one", content="one", actor="run")
    assert next(one.number for one in records.mappings.load_versions("f", limit=9)) == 6


def test_queue_adds_up_periods_and_orders_by_the_largest_amount(records: Records) -> None:
    """A value stands once, by currency; amounts of two currencies are never added."""
    records.unmapped.save_placed(OCTOBER, [
        lies("68010", "10.25"), lies("68020", "900"),
        lies("68010", "0", credit=Decimal("99.75"), currency="EUR", ledger="DE", lines=1),
    ])  # fmt: skip
    records.unmapped.save_placed(NOVEMBER, [lies("68010", "2000.50", period="Nov-26")])
    first, second = records.unmapped.load_values(EVERYTHING, limit=9)
    assert (first.value, second.value) == ("68010", "68020")
    assert [(t.currency, t.debit, t.credit, t.lines) for t in first.totals] == [
        ("EUR", Decimal(0), Decimal("99.75"), 1), ("USD", Decimal("2010.75"), Decimal(0), 4),
    ]  # fmt: skip
    assert first.members == ("Nov 26", "Oct 26")
    assert (first.lines, first.first_seen_at, first.first_run_id) == (5, AT, "r1")
    assert first.facts == {"account": "68010", "entity": "101"}
    amounts = records.unmapped.load_amounts("f", "account", "account", "68010")
    assert [(a.member, a.ledger, a.debit) for a in amounts] == [
        ("Nov 26", "US", Decimal("2000.50")), ("Oct 26", "DE", Decimal(0)),
        ("Oct 26", "US", Decimal("10.25")),
    ]  # fmt: skip


def test_placing_again_replaces_the_period_and_keeps_the_owner(records: Records) -> None:
    """Told twice is told once; a value without lines leaves the queue and may come back."""
    told = [lies("68010"), lies("68020")]
    for _ in range(2):
        records.unmapped.save_placed(OCTOBER, told)
    found = records.unmapped.find_value("f", "account", "account", "68010")
    assert found is not None
    assert found.lines == 2
    records.unmapped.save_owner(found, owner="lee", note="asked the desk", actor="kim")
    records.unmapped.save_placed(replace(OCTOBER, document="d2"), [lies("68020")])
    assert [one.value for one in records.unmapped.load_values(EVERYTHING, limit=9)] == ["68020"]
    gone = records.unmapped.find_value("f", "account", "account", "68010")
    assert gone is not None
    assert (gone.is_open, gone.totals, gone.owner) == (False, (), "lee")
    records.unmapped.save_placed(NOVEMBER, [lies("68010", "3")])
    back = records.unmapped.find_value("f", "account", "account", "68010")
    assert back is not None
    assert (back.is_open, back.owner, back.note, back.assigned_by) == (
        True, "lee", "asked the desk", "kim",
    )  # fmt: skip
    assert back.first_run_id == "r1"
    assert {one.document for one in records.unmapped.load_placed("f")} == {"d1", "d2"}


def test_values_of_a_period_that_has_left_the_flow_leave_the_queue(records: Records) -> None:
    """What lies in the periods that stay is told as before; told twice is told once."""
    records.unmapped.save_placed(OCTOBER, [lies("68010", "5"), lies("68020")])
    records.unmapped.save_placed(NOVEMBER, [lies("68010", "3", period="Nov-26")])
    other = replace(OCTOBER, flow="g")
    records.unmapped.save_placed(other, [lies("68010")])

    left = records.unmapped.keep_periods("f", {"Nov 26", "Dec 26"})
    again = records.unmapped.keep_periods("f", {"Nov 26", "Dec 26"})

    assert (left, again) == ({"Oct 26": 2}, {})
    (stays,) = records.unmapped.load_values(UnmappedFilter(flow="f"), limit=9)
    assert (stays.value, stays.members, stays.totals[0].debit) == ("68010", ("Nov 26",), Decimal(3))
    assert [one.member for one in records.unmapped.load_placed("f")] == ["Nov 26"]
    assert records.unmapped.load_values(UnmappedFilter(flow="g"), limit=9)


def test_a_look_with_other_rules_takes_no_value_from_the_queue(records: Records) -> None:
    """The lines lie in the model where the rules of the last run that sent have put them."""
    records.unmapped.save_placed(OCTOBER, [lies("68010")], is_look=True)
    mended = replace(OCTOBER, mapping_hash="h2", run_id="r3")
    records.unmapped.save_placed(mended, [], is_look=True)
    (held,) = records.unmapped.load_values(EVERYTHING, limit=9)
    assert (held.value, held.is_open) == ("68010", True)
    records.unmapped.save_placed(OCTOBER, [lies("68010"), lies("68020")], is_look=True)
    assert records.unmapped.count_values(EVERYTHING) == 2
    records.unmapped.save_placed(mended, [])
    assert records.unmapped.count_values(EVERYTHING) == 0


def test_a_value_shows_a_line_that_lies_on_it_now(records: Records) -> None:
    """The one met first may be mapped since; what would take that takes nothing of the rest."""
    payables, manual = ({"account": "68010", "source": name} for name in ("Payables", "Manual"))
    records.unmapped.save_placed(OCTOBER, [lies("68010", "10", facts=payables)])
    left = lies("68010", "4", facts=manual, on=NOVEMBER.at.date().replace(day=9))
    records.unmapped.save_placed(OCTOBER, [left])
    found = records.unmapped.find_value("f", "account", "account", "68010")
    assert found is not None
    assert (found.facts, found.on) == (manual, left.on)


def test_queue_is_filtered_and_paged(records: Records) -> None:
    """By flow, dimension, owner and part of the value; a page has as many as it was asked for."""
    told = [lies(f"68{number:03}", str(number)) for number in range(30)]
    records.unmapped.save_placed(OCTOBER, [*told, lies("120", "1", dimension="cost_centre")])
    records.unmapped.save_placed(replace(OCTOBER, flow="g"), [lies("68010", "7")])
    found = records.unmapped.find_value("f", "account", "account", "68005")
    assert found is not None
    records.unmapped.save_owner(found, owner="lee", note="", actor="kim")
    count, load = records.unmapped.count_values, records.unmapped.load_values
    assert count(EVERYTHING) == 32
    assert count(UnmappedFilter(flow="f", dimension="account")) == 30
    assert count(UnmappedFilter(flow="f", is_unowned=True)) == 30
    assert [one.value for one in load(UnmappedFilter(owner="lee"), limit=9)] == ["68005"]
    assert [one.flow for one in load(UnmappedFilter(text="801", flow="g"), limit=9)] == ["g"]
    page = load(UnmappedFilter(flow="f"), limit=3, offset=2)
    assert [one.value for one in page] == ["68027", "68026", "68025"]


@pytest.mark.usefixtures("sqlite_only")
def test_a_page_of_the_queue_is_one_statement_however_long_it_is(records: Records) -> None:
    """It reads the queue's index from its beginning and sorts nothing."""
    from django.db import connection  # noqa: PLC0415 - Django is set up by now.
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - as above.

    told = [lies(f"{number:05}", str(number)) for number in range(1_200)]
    records.unmapped.save_placed(OCTOBER, told)
    for asked in (EVERYTHING, UnmappedFilter(flow="f")):
        with CaptureQueriesContext(
            connection,
        ) as asks:
            assert len(records.unmapped.load_values(asked, limit=100)) == 100
        assert len(asks) == 1
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {asks[0]['sql']}")
            plan = " ".join(str(row) for row in cursor.fetchall())
        assert "INDEX records_unmapped_" in plan
        assert "TEMP B-TREE" not in plan
