"""Single changes of suppliers: taken, refused, overtaken or unknown, and never sent twice."""

from typing import Any

import pytest

from ml_connector.errors import (
    AccessDeniedError,
    OutcomeUnknownError,
    RefusedError,
    SystemUnavailableError,
)
from ml_connector.ports import SupplierChangedError, SupplierMissingError

SEVERAL = {
    "alternate_name": "Acme Bürobedarf",
    "alias": "ACM",
    "type": "SERVICES",
    "inactive_date": "2027-01-31",
    "one_time": "Y",
    "customer_number": "000042",
    "corporate_website": "acme.example",
    "tax_reporting_name": "ACME INC",
}


def test_change_is_confirmed_with_values_and_a_new_version(scene: Any) -> None:
    """What was sent stands there, under a version nobody has seen before."""
    change = scene.change(**SEVERAL)
    receipt = scene.source.submit_change(change)

    assert receipt.unlike == ()
    assert {name: receipt.row.attributes[name] for name in SEVERAL} == SEVERAL
    assert receipt.row.version != change.version
    assert receipt.row == scene.source.read_supplier("10005")


def test_sweep_shows_every_supplier_as_a_look_at_each_does(scene: Any) -> None:
    """Whoever compares many suppliers sees the same values as whoever looks at one."""
    swept = {row.number: row for row in scene.source.read_suppliers()}

    assert len(swept) == len(scene.ask("SupplierId > 0"))
    for number in sorted(swept)[:5]:
        alone = scene.source.read_supplier(number)
        assert swept[number].attributes == alone.attributes
        assert (swept[number].remote_id, swept[number].hidden) == (alone.remote_id, alone.hidden)


def test_change_sends_what_changes_and_nothing_else(scene: Any) -> None:
    """Every other member stays as it was, the hidden tax id among them."""
    before = scene.shown()
    scene.source.submit_change(scene.change(alias="ACM"))
    after = scene.shown()

    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"Alias", "LastUpdateDate", "LastUpdatedBy"}
    assert after["TaxpayerIdExistsFlag"] is True


def test_empty_value_empties_the_attribute(scene: Any) -> None:
    """A supplier that had an end date is active again without one."""
    scene.source.submit_change(scene.change(inactive_date="2026-02-01", alias="ACM"))
    ended = scene.shown()["Status"]
    scene.source.submit_change(scene.change(inactive_date="", alias=""))
    shown = scene.shown()

    assert (ended, shown["Status"], shown["InactiveDate"], shown["Alias"]) == (
        "INACTIVE", "ACTIVE", None, None,
    )  # fmt: skip


def test_hidden_attributes_are_named_and_not_read(scene: Any) -> None:
    """A tax id that is kept but not shown is no empty one."""
    row = scene.source.read_supplier("10005")

    assert row.hidden == {"taxpayer_id"}
    assert not {"taxpayer_id", "national_insurance_number"} & set(row.attributes)


@pytest.mark.parametrize("value", ["", "00-0000001"])
def test_hidden_attribute_is_never_sent_in_a_change(scene: Any, value: str) -> None:
    """Writing back what was read would clear the tax id."""
    with pytest.raises(RefusedError, match="taxpayer_id"):
        scene.source.submit_change(scene.change(taxpayer_id=value))
    assert scene.shown()["TaxpayerIdExistsFlag"] is True
    assert scene.written() == 0


def test_change_that_others_overtook_is_refused_and_writes_nothing(scene: Any) -> None:
    """412: who read first and writes last has to read again."""
    change = scene.change(alias="OURS")
    scene.pod.perform("change_supplier", SupplierNumber="10005", Alias="THEIRS")

    with pytest.raises(SupplierChangedError, match="10005") as raised:
        scene.source.submit_change(change)
    assert raised.value.written == "Nothing was written by this call."
    assert (scene.shown()["Alias"], scene.written()) == ("THEIRS", 1)


@pytest.mark.parametrize("body", ["json", "text", "html", "empty"])
def test_overtaken_change_is_known_by_its_status_whatever_the_body(scene: Any, body: str) -> None:
    """A gateway may say it in its own words, or in none."""
    change = scene.change(alias="OURS")
    scene.pod.perform("change_supplier", SupplierNumber="10005", Alias="THEIRS")
    scene.pod.turn(error_body=body)

    with pytest.raises(SupplierChangedError):
        scene.source.submit_change(change)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"alias": "x" * 81}, r"too long.*FND-2825.*\[alias\]"),
        ({"tax_organisation_type": "NONSENSE"}, "tax_organisation_type"),
        ({"name": ""}, r"JBO-27014.*\[name\]"),
        ({"name": "Summit Tooling LLC"}, r"POZ-\d+.*\[name\]"),
    ],
)
def test_refused_change_is_told_in_the_pods_words_and_our_names(
    scene: Any, attributes: dict[str, str], words: str
) -> None:
    """The vendor's sentence, the attribute as planners know it, and nothing written."""
    before = scene.shown()

    with pytest.raises(RefusedError, match=words) as raised:
        scene.source.submit_change(scene.change(customer_number="7", **attributes))
    assert raised.value.code == "fusion.supplier-refused"
    assert raised.value.written == "Nothing was written by this call."
    assert (scene.shown(), scene.written()) == (before, 1)


@pytest.mark.parametrize("body", ["text", "html", "empty"])
def test_refused_change_is_told_whatever_the_shape_of_the_answer(scene: Any, body: str) -> None:
    """Plain text is quoted, a page by its title, and nothing is called nothing."""
    change = scene.change(alias="x" * 81)
    scene.pod.turn(error_body=body)

    with pytest.raises(RefusedError, match=r"status 400: .+") as raised:
        scene.source.submit_change(change)
    assert raised.value.code == "fusion.supplier-refused"
    assert "<" not in str(raised.value)


@pytest.mark.parametrize(
    ("attributes", "fault"),
    [
        ({"status": "INACTIVE"}, "status: no attribute"),
        ({"number": "4711"}, "number: it is not changed"),
        ({"inactive_date": "31.01.2026"}, "no day"),
        ({"inactive_date": "2026-02-30"}, "no day"),
        ({"one_time": "true"}, "neither Y nor N"),
        ({"potential_revenue": "1.250,50"}, "no amount"),
        ({"potential_revenue": "NaN"}, "no amount"),
        ({"year_established": "MCMXC"}, "no year"),
        ({"alias": "two\nlines"}, "line break"),
        ({}, "changes nothing"),
    ],
)
def test_unfit_change_is_told_before_anything_is_sent(
    scene: Any, attributes: dict[str, str], fault: str
) -> None:
    """What cannot be right is not sent at all."""
    with pytest.raises(RefusedError, match=fault) as raised:
        scene.source.submit_change(scene.change(**attributes))
    assert raised.value.written == "Nothing was sent."
    assert scene.written() == 0


def test_unfit_change_tells_all_its_faults_at_once(scene: Any) -> None:
    """Nobody corrects one fault to meet the next."""
    with pytest.raises(RefusedError, match=r"one_time.*inactive_date.*colour"):
        scene.source.submit_change(scene.change(one_time="x", inactive_date="x", colour="red"))


@pytest.mark.parametrize(("kind", "alias"), [("reset_before", None), ("reset_after", "ACM")])
def test_lost_reply_is_unknown_and_the_supplier_tells(
    scene: Any, kind: str, alias: str | None
) -> None:
    """Broken before or after its effect looks alike; only reading back tells."""
    change = scene.change(alias="ACM")
    scene.pod.spoil(kind=kind, path="suppliers/", method="PATCH")

    with pytest.raises(OutcomeUnknownError):
        scene.source.submit_change(change)
    row = scene.source.read_supplier("10005")
    assert row.attributes["alias"] == (alias or "")
    assert (row.version == change.version) is (alias is None)
    assert scene.written() == 1


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "status", "status": 500},
        {"kind": "html", "status": 503},
        {"kind": "html", "status": 504},
        {"kind": "truncate_body", "cut_at": 40},
        {"kind": "close_after"},
    ],
    ids=lambda rule: rule["kind"] + str(rule.get("status", "")),
)
def test_answer_that_does_not_tell_is_unknown_and_never_followed_by_another_sending(
    scene: Any, rule: dict[str, Any]
) -> None:
    """Server faults, gateways that gave up and cut bodies leave the outcome open."""
    change = scene.change(alias="ACM")
    scene.pod.spoil(path="suppliers/", method="PATCH", times=None, **rule)

    with pytest.raises(OutcomeUnknownError):
        scene.source.submit_change(change)
    assert scene.written() == 1


def test_throttled_change_was_not_executed_and_is_not_repeated(scene: Any) -> None:
    """429 says that nothing was done; when to try again is for the caller."""
    change = scene.change(alias="ACM")
    scene.pod.spoil(
        kind="status", status=429, retry_after=3, path="suppliers/", method="PATCH", times=None
    )

    with pytest.raises(SystemUnavailableError):
        scene.source.submit_change(change)
    assert (scene.shown()["Alias"], scene.written()) == (None, 1)


def test_refused_login_is_renewed_and_the_change_sent_again(scene: Any) -> None:
    """401 proves that nothing was executed."""
    change = scene.change(alias="ACM")
    scene.pod.perform("revoke_tokens")
    receipt = scene.source.submit_change(change)

    assert receipt.row.attributes["alias"] == scene.shown()["Alias"] == "ACM"
    assert scene.written() == 2


def test_user_who_may_only_look_is_told_of_the_missing_right(scene: Any) -> None:
    """403, and the supplier is as it was."""
    change = scene.change(alias="ACM")
    scene.pod.turn(supplier_privilege="view")

    with pytest.raises(AccessDeniedError):
        scene.source.submit_change(change)
    assert scene.shown()["Alias"] is None


def test_supplier_that_is_gone_is_called_missing(scene: Any) -> None:
    """A 404 for the change, and none at all for the number."""
    change = scene.change(alias="ACM")
    scene.pod.perform("hide_suppliers", numbers=["10005"])

    with pytest.raises(SupplierMissingError, match="10005"):
        scene.source.submit_change(change)
    with pytest.raises(SupplierMissingError, match="10005"):
        scene.source.read_supplier("10005")


@pytest.mark.parametrize("version", [4, 6, 9])
def test_changes_work_in_every_framework_version(
    own_pod: Any, build: Any, scene: Any, version: int
) -> None:
    """From 6 on the change indicator has moved into the row's context."""
    source = build(own_pod, framework_version=version)
    scene.source = source
    first = source.submit_change(scene.change(alias="ACM", potential_revenue="1250000.50"))

    assert first.row.attributes["potential_revenue"] == "1250000.5"
    assert first.unlike == ()
    assert source.read_supplier("10005") == first.row


def test_every_supplier_can_be_read_for_a_change(scene: Any) -> None:
    """Number, id and version of suppliers all over the pod."""
    numbers = [item["SupplierNumber"] for item in scene.ask("SupplierId > 0")][::40]
    rows = [scene.source.read_supplier(number) for number in numbers]

    assert [row.number for row in rows] == numbers
    assert len({row.version for row in rows}) == len(rows) == 10
    assert all(row.remote_id.isdecimal() for row in rows)
