"""Suppliers that are made, and looked for before and after."""

from typing import Any

import pytest

from ml_connector.errors import OutcomeUnknownError, RefusedError

NEW = {
    "name": "Filed Ltd",
    "business_relationship": "PROSPECTIVE",
    "tax_organisation_type": "CORPORATION",
}


def test_creation_is_confirmed_with_number_and_version(scene: Any) -> None:
    """The pod gives number and id, and both lead back to what was made."""
    receipt = scene.source.submit_creation({**NEW, "alias": "FIL", "one_time": "N"})
    found = scene.source.find_supplier(name="Filed Ltd")

    assert receipt.unlike == ()
    assert receipt.row == scene.source.read_supplier(receipt.row.number)
    assert found.rows == (receipt.row,)
    assert scene.written("POST", "/suppliers") == 1


def test_creation_takes_a_number_and_hidden_attributes(scene: Any) -> None:
    """Leading zeros stay; a tax id goes in and is not shown again."""
    receipt = scene.source.submit_creation(
        {
            **NEW,
            "number": "000099",
            "business_relationship": "SPEND_AUTHORIZED",
            "taxpayer_country": "US",
            "taxpayer_id": "12-3456789",
        }
    )

    assert (receipt.row.number, receipt.row.hidden) == ("000099", {"taxpayer_id"})
    assert receipt.unlike == ()
    assert scene.shown("000099")["TaxpayerIdExistsFlag"] is True


def test_empty_values_are_left_out_of_a_creation(scene: Any) -> None:
    """What a planner left empty takes the pod's default."""
    receipt = scene.source.submit_creation({**NEW, "alias": "", "one_time": ""})

    assert (receipt.row.attributes["alias"], receipt.row.attributes["one_time"]) == ("", "N")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"name": "acme office supplies"}, r"POZ-\d+.*\[name\]"),
        ({"number": "10005"}, r"POZ-\d+.*\[number\]"),
        ({"business_relationship": ""}, "business_relationship"),
        ({"tax_organisation_type": "NONSENSE"}, "tax_organisation_type"),
        ({"business_relationship": "SPEND_AUTHORIZED"}, "status 400"),
    ],
)
def test_refused_creation_is_told_in_the_pods_words_and_makes_nothing(
    scene: Any, more: dict[str, str], words: str
) -> None:
    """A name, number or tax id somebody has, and what is missing, with our names."""
    before = scene.ask("SupplierId > 0")

    with pytest.raises(RefusedError, match=words) as raised:
        scene.source.submit_creation({**NEW, **more})
    assert raised.value.code == "fusion.supplier-refused"
    assert scene.ask("SupplierId > 0") == before


def test_refused_tax_id_is_not_repeated_in_the_text(scene: Any) -> None:
    """An id that is hidden in the pod is hidden in our errors."""
    secret = "9" * 200

    with pytest.raises(RefusedError) as raised:
        scene.source.submit_creation(
            {
                **NEW,
                "business_relationship": "SPEND_AUTHORIZED",
                "taxpayer_country": "US",
                "taxpayer_id": secret,
            }
        )
    assert raised.value.code == "fusion.supplier-refused"
    assert "99999" not in f"{raised.value} {raised.value.render_record()}"


@pytest.mark.parametrize(
    ("attributes", "fault"),
    [
        ({}, "cannot be without one"),
        ({"name": "  "}, "cannot be without one"),
        ({**NEW, "status": "ACTIVE"}, "status: no attribute"),
        ({**NEW, "inactive_date": "tomorrow"}, "no day"),
    ],
)
def test_unfit_creation_is_told_before_anything_is_sent(
    scene: Any, attributes: dict[str, str], fault: str
) -> None:
    """What cannot be right is not sent at all."""
    with pytest.raises(RefusedError, match=fault):
        scene.source.submit_creation(attributes)
    assert scene.written("POST", "/suppliers") == 0


@pytest.mark.parametrize(("kind", "made"), [("reset_before", 0), ("reset_after", 1)])
def test_lost_reply_to_a_creation_is_unknown_and_a_look_by_name_tells(
    scene: Any, kind: str, made: int
) -> None:
    """The supplier may be there; it is never made a second time unasked."""
    scene.pod.spoil(kind=kind, path="suppliers$", method="POST")

    with pytest.raises(OutcomeUnknownError):
        scene.source.submit_creation(NEW)
    assert len(scene.source.find_supplier(name="filed  LTD").rows) == made
    assert scene.written("POST", "/suppliers") == 1


def test_creation_after_a_refused_login_happens_once(scene: Any) -> None:
    """401 comes before anything is executed."""
    scene.source.read_supplier("10005")
    scene.pod.perform("revoke_tokens")
    scene.source.submit_creation(NEW)

    assert len(scene.ask("Supplier = 'Filed Ltd'")) == 1


def test_pod_that_takes_names_twice_shows_both(scene: Any) -> None:
    """Where names may repeat, the look before is the only guard."""
    scene.pod.turn(supplier_duplicates="accept")
    rows = [scene.source.submit_creation(NEW).row for _ in range(2)]

    assert scene.source.find_supplier(name="Filed Ltd").rows == tuple(rows)


@pytest.mark.parametrize(
    "name", ["ACME OFFICE SUPPLIES", "Acme Office Supplies", " acme  office supplies"]
)
@pytest.mark.parametrize("queryable", [True, False])
def test_supplier_is_found_by_name_whatever_its_capitals(
    scene: Any, name: str, *, queryable: bool
) -> None:
    """Also on a pod that does not query by name: there all suppliers are looked through."""
    scene.pod.turn(supplier_names_queryable=queryable)

    assert [row.number for row in scene.source.find_supplier(name=name).rows] == ["10005"]


def test_supplier_is_found_by_number_or_name_each_once(scene: Any) -> None:
    """Three of one name, and the number of another; of both, all."""
    name, number = "Summit Tooling LLC", "10005"
    found = [
        {row.number for row in scene.source.find_supplier(**by).rows}
        for by in (
            {"name": name},
            {"number": number},
            {"name": name, "number": number},
            {"name": "ACME OFFICE SUPPLIES", "number": number},
            {"name": 'Nobody\'s "Sons" & Co'},
            {"number": "4711' or SupplierId > 0 or Supplier = '"},
            {"name": "  "},
            {},
        )
    ]

    three = {"10001", "10002", "10003"}
    assert found == [three, {number}, three | {number}, {number}, set(), set(), set(), set()]


def test_new_supplier_that_is_not_shown_yet_is_absent_and_then_there(scene: Any) -> None:
    """For a while a supplier just made answers 404: one look does not prove its absence."""
    scene.pod.turn(not_found_after_create_s=30)
    number = scene.source.submit_creation(NEW).row.number
    first = scene.source.find_supplier(number=number).rows
    scene.pod.clock.sleep(31)

    assert first == ()
    assert [row.number for row in scene.source.find_supplier(number=number).rows] == [number]
