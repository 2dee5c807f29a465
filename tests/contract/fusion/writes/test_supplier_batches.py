"""Batches of changes: all of them or none, and no claim that was not looked at."""

from typing import Any

import pytest

from ml_connector.errors import OutcomeUnknownError, RefusedError
from ml_connector.ports import SupplierChangedError

NUMBERS = ("10005", "10006", "10007")


def aliases(scene: Any) -> list[Any]:
    """What the suppliers are called besides their names."""
    return [scene.shown(number)["Alias"] for number in NUMBERS]


def changes(scene: Any, **attributes: str) -> list[Any]:
    """An alias for each of the suppliers."""
    return [scene.change(number, alias=f"A{number}", **attributes) for number in NUMBERS]


def test_batch_makes_all_changes_in_one_request(scene: Any) -> None:
    """Each part is confirmed with its values and its new version."""
    receipts = scene.source.submit_batch(changes(scene))

    assert [each.row for each in receipts] == [scene.source.read_supplier(n) for n in NUMBERS]
    assert aliases(scene) == ["A10005", "A10006", "A10007"]
    assert [each.unlike for each in receipts] == [(), (), ()]
    assert (scene.written("POST", "11.13.18.05"), scene.written("PATCH")) == (1, 0)


def test_batch_with_a_refused_part_changes_nothing_and_names_the_supplier(scene: Any) -> None:
    """The pod's words, the attribute, the supplier; the parts before are undone."""
    parts = changes(scene)
    parts[1] = scene.change("10006", alias="x" * 81)

    with pytest.raises(RefusedError, match=r"supplier 10006.*FND-2825.*\[alias\]") as raised:
        scene.source.submit_batch(parts)
    assert raised.value.code == "fusion.supplier-refused"
    assert "as it was" in raised.value.written
    assert aliases(scene) == [None, None, None]


@pytest.mark.parametrize("failure", ["bad_request", "own_status", "no_path"])
def test_batch_with_an_overtaken_part_changes_nothing_and_names_the_supplier(
    scene: Any, failure: str
) -> None:
    """Whatever status it comes with, somebody else's change is told as such."""
    parts = changes(scene)
    scene.pod.perform("change_supplier", SupplierNumber="10007", Alias="THEIRS")
    scene.pod.turn(batch_failure=failure)

    with pytest.raises(SupplierChangedError, match=r"10007\b") as raised:
        scene.source.submit_batch(parts)
    assert "10005" not in str(raised.value)
    assert aliases(scene) == [None, None, "THEIRS"]


def test_batch_whose_refusal_names_no_part_is_refused_as_a_whole(scene: Any) -> None:
    """Not knowing which, the caller may halve it."""
    parts = [*changes(scene)[:2], scene.change("10007", alias="x" * 81)]
    scene.pod.turn(batch_failure="no_path")

    with pytest.raises(RefusedError, match="the batch of 3 changes with") as raised:
        scene.source.submit_batch(parts)
    assert raised.value.code == "fusion.supplier-refused"
    assert aliases(scene) == [None, None, None]


@pytest.mark.parametrize("failure", ["bad_request", "no_path"])
def test_torn_batch_is_never_called_untouched(scene: Any, failure: str) -> None:
    """Where a pod keeps the parts before the failing one, the outcome is unknown, not refused."""
    parts = [*changes(scene)[:2], scene.change("10007", alias="x" * 81)]
    scene.pod.turn(batch_transaction="part", batch_failure=failure)

    with pytest.raises(OutcomeUnknownError, match="10005, 10006 shows"):
        scene.source.submit_batch(parts)
    assert aliases(scene) == ["A10005", "A10006", None]


@pytest.mark.parametrize(("kind", "is_there"), [("reset_before", False), ("reset_after", True)])
def test_lost_reply_to_a_batch_is_unknown_and_its_suppliers_tell(
    scene: Any, kind: str, *, is_there: bool
) -> None:
    """All of them show their change, or none; it leaves once."""
    parts = changes(scene)
    scene.pod.spoil(kind=kind, path="resources/11.13.18.05$", method="POST")

    with pytest.raises(OutcomeUnknownError):
        scene.source.submit_batch(parts)
    rows = [scene.source.read_supplier(number) for number in NUMBERS]
    assert [row.attributes["alias"] != "" for row in rows] == [is_there] * 3
    assert scene.written("POST", "11.13.18.05") == 1


def test_batch_that_a_gateway_gave_up_on_is_unknown(scene: Any) -> None:
    """A 504 comes as a page and tells nothing."""
    parts = changes(scene)
    scene.pod.turn(batch_parts_time_out_above=2)

    with pytest.raises(OutcomeUnknownError):
        scene.source.submit_batch(parts)
    assert scene.written("POST", "11.13.18.05") == 1


def test_refused_batch_that_cannot_be_looked_after_is_unknown(scene: Any) -> None:
    """Without the look nobody says that nothing was written."""
    parts = [*changes(scene)[:2], scene.change("10007", alias="x" * 81)]
    scene.pod.spoil(kind="html", status=503, path="suppliers/", method="GET", times=None)

    with pytest.raises(OutcomeUnknownError, match="FND-2825"):
        scene.source.submit_batch(parts)


def test_batch_sends_the_pods_word_when_it_takes_none(scene: Any) -> None:
    """Updates in batches are no promise; the caller changes one by one then."""
    parts = changes(scene)
    scene.pod.turn(batch_disabled=["update"])

    with pytest.raises(RefusedError, match="enabled for batch"):
        scene.source.submit_batch(parts)
    assert aliases(scene) == [None, None, None]


def test_batch_tells_unfit_changes_before_anything_is_sent(scene: Any) -> None:
    """None, too many, one supplier twice, and a fault in any part."""
    one = scene.change(alias="A")
    for parts, fault in (
        ([], "0 changes"),
        ([one] * 51, "51 changes"),
        ([one, one], "10005: it is changed twice"),
        ([one, scene.change("10006", one_time="x")], "10006: one_time"),
    ):
        with pytest.raises(RefusedError, match=fault):
            scene.source.submit_batch(parts)
    assert scene.written("POST", "11.13.18.05") == 0


def test_batch_takes_fifty_changes(scene: Any) -> None:
    """The most that is sent in one."""
    numbers = [item["SupplierNumber"] for item in scene.ask("SupplierId > 0")][5:55]
    receipts = scene.source.submit_batch(
        [scene.change(number, customer_number=f"C{number}") for number in numbers]
    )

    assert [each.row.number for each in receipts] == numbers
    assert all(scene.shown(number)["CustomerNumber"] == f"C{number}" for number in numbers[::10])
