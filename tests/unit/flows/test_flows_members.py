"""What a list shall hold: members under groups, and no code for two things."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ml_connector.domain.dimensions import Member, MemberConflictError
from ml_connector.flows.bench import DimensionsBench
from ml_connector.flows.members import UnknownPropertyError, read_desired
from ml_connector.settings import ListFlow


def read(*members: Member, **names: str) -> list[Member]:
    """The members of a list of business units, grouped by their region."""
    row: dict[str, Any] = {
        "list": "Units", "load": "Load", "from": "business-units", "columns": {"code": "Code",
        "name": "Name", "parent": "Parent"},
        "parents": {"by": "property", "property": "rp01", "names": {"any": "Any"} | names},
    }  # fmt: skip
    source = SimpleNamespace(read_members=lambda _: iter(members))
    bench = cast("DimensionsBench", SimpleNamespace(source=source, parents_files={}))
    return read_desired(bench, ListFlow.model_validate(row))


def read_many(properties: dict[str, str], **members: list[Member]) -> list[Member]:
    """The members of a list of several dimensions, by dimension with a line for its dash."""
    sources = {name.replace("_", "-"): its for name, its in members.items()}
    row: dict[str, Any] = {
        "list": "Units", "load": "Load", "from": list(sources),
        "columns": {"properties": properties},
    }  # fmt: skip
    source = SimpleNamespace(read_members=lambda name: iter(sources[name]))
    bench = cast("DimensionsBench", SimpleNamespace(source=source, parents_files={}))
    return read_desired(bench, ListFlow.model_validate(row))


def unit(code: str, region: str) -> Member:
    """A business unit of a region."""
    return Member(code=code, name=f"Unit {code}", properties=(("rp01", region),))


def test_members_lie_below_the_group_their_property_names() -> None:
    """A value is a group, by its name where it has one."""
    found = read(unit("1", "N"), unit("2", "S"), N="North")

    parents = {member.code: member.parent_code for member in found}
    assert parents == {"North": "", "S": "", "1": "North", "2": "S"}


@pytest.mark.parametrize("units", [("30", "31"), ("31", "30")])
def test_group_of_a_members_own_code_is_refused(units: tuple[str, str]) -> None:
    """A business unit that became a group would hold others' sums and no amount of its own."""
    regions = {"30": "N", "31": "30"}

    with pytest.raises(MemberConflictError, match="'30'"):
        read(*(unit(code, regions[code]) for code in units), N="North")


def test_groups_by_a_property_nobody_has_are_refused() -> None:
    """A misspelt property would leave every member without its group."""
    with pytest.raises(UnknownPropertyError, match="Units: rp01") as caught:
        read(Member(code="1", name="Unit 1", properties=(("rp02", "N"),)), N="North")

    assert "The properties there are: rp02." in caught.value.next_step


def test_property_of_one_of_several_sources_is_known() -> None:
    """Suppliers have no city and their sites have one: the list may show it."""
    supplier = Member(code="1", name="A", properties=(("status", "ACTIVE"),))
    site = Member(code="1/X", name="A, X", properties=(("city", "Basel"),))

    found = read_many({"city": "City"}, suppliers=[supplier], supplier_sites=[site])

    assert [member.code for member in found] == ["1", "1/X"]


def test_refusal_names_the_source_that_showed_no_member() -> None:
    """Its property may be the one that is named, and nobody can tell."""
    supplier = Member(code="1", name="A", properties=(("status", "ACTIVE"),))

    with pytest.raises(UnknownPropertyError, match="Of supplier-sites it shows no member"):
        read_many({"city": "City"}, suppliers=[supplier], supplier_sites=[])


def test_sources_without_a_member_refuse_no_property() -> None:
    """Nothing is known, and nothing would be sent."""
    assert read_many({"city": "City"}, suppliers=[], supplier_sites=[]) == []
