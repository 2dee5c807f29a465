"""Suppliers and their sites over a pod: all of them, each once, whatever the pod decides."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ml_connector.domain.dimensions import Member, order_parents_first
from ml_connector.errors import AccessDeniedError, ProtocolError, SystemUnavailableError
from ml_connector.ports import CheckState
from ml_connector.systems.fusion.adapter import FusionSource

Build = Callable[..., FusionSource]
DIMENSIONS = ("suppliers", "supplier-sites")
MANY_SITES = "10017"
"""The supplier whose sites and addresses do not fit beside it."""
PLAIN_ARRAYS = "2"
"""The framework version whose nested children come all at once: another way to the same rows."""


def read(source: FusionSource, dimension: str = "suppliers") -> dict[str, Member]:
    """The members by code; a code given twice fails."""
    members = list(source.read_members(dimension))
    found = {member.code: member for member in members}
    assert len(found) == len(members)
    return found


def ask(pod: Any, **query: str) -> list[dict[str, Any]]:
    """The pod's suppliers as it gives them, asked for in another way than the source does."""
    reply = pod.http.get(
        f"{pod.url}/fscmRestApi/resources/latest/suppliers",
        params={"limit": "500", "onlyData": "true", **query},
        headers={"REST-Framework-Version": PLAIN_ARRAYS},
        auth=("INTEGRATION.USER", "halden-password"),
    )
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert not body["hasMore"]
    return list(body.get("items") or [])


@pytest.fixture
def raw(pod: Any) -> list[dict[str, Any]]:
    """Every supplier of the shared pod with all its sites and addresses."""
    rows = ask(pod, expand="sites,addresses")
    pod.server.journal.clear()
    return rows


@pytest.fixture(scope="session")
def calm(shared_server: Any) -> dict[str, dict[str, Member]]:
    """The members of both dimensions, filled once by the test that first needs them."""
    assert shared_server.url
    return {}


@pytest.fixture
def quiet(source: FusionSource, calm: dict[str, Any]) -> dict[str, dict[str, Member]]:
    """The members of both dimensions as the shared pod gives them with no switch turned."""
    if not calm:
        calm.update({dimension: read(source, dimension) for dimension in DIMENSIONS})
    return calm


def test_suppliers_are_all_there_are(source: FusionSource, raw: list[dict[str, Any]]) -> None:
    """Number, name, status and codes of every supplier, as another way of asking shows them."""
    found = read(source)

    assert {
        code: (
            member.name,
            dict(member.properties)["status"],
            dict(member.properties)["type"],
            dict(member.properties)["tax_organisation_type"],
            dict(member.properties)["taxpayer_country"],
        )
        for code, member in found.items()
    } == {
        row["SupplierNumber"]: (
            row["Supplier"],
            row["Status"],
            row["SupplierTypeCode"] or "",
            row["TaxOrganizationTypeCode"] or "",
            row["TaxpayerCountryCode"] or "",
        )
        for row in raw
    }
    assert len(found) > 100


def test_sites_are_all_there_are(source: FusionSource, raw: list[dict[str, Any]]) -> None:
    """Each site of each supplier with unit, city and status; none of the long lists is cut."""
    expected = {}
    for row in raw:
        cities = {each["SupplierAddressId"]: each["City"] for each in row["addresses"]}
        for site in row["sites"]:
            code = f"{row['SupplierNumber']}/{site['SupplierSite']}/{site['ProcurementBUId']}"
            is_active = (row["Status"], site["Status"]) == ("ACTIVE", "ACTIVE")
            expected[code] = (
                site["ProcurementBU"],
                cities.get(site["SupplierAddressId"]) or "",
                is_active,
            )

    found = read(source, "supplier-sites")

    assert {
        code: (
            dict(member.properties)["procurement_bu"],
            dict(member.properties)["city"],
            member.is_active,
        )
        for code, member in found.items()
    } == expected
    per_supplier = Counter(member.parent_code for member in found.values())
    assert per_supplier[MANY_SITES] > 25


def test_codes_keep_their_leading_zeros(quiet: dict[str, Any]) -> None:
    """A number is text."""
    assert any(code.startswith("0") for code in quiet["suppliers"])


def test_codes_fit_into_a_planning_list(quiet: dict[str, Any]) -> None:
    """Sixty characters are what a code may have there."""
    assert max(map(len, [*quiet["suppliers"], *quiet["supplier-sites"]])) <= 60


def test_suppliers_of_one_name_are_members_each(quiet: dict[str, Any]) -> None:
    """Some suppliers share a name; all of them are there."""
    names = Counter(member.name for member in quiet["suppliers"].values())

    assert max(names.values()) > 1
    assert sum(names.values()) == len(quiet["suppliers"])


def test_suppliers_and_sites_make_one_hierarchy(quiet: dict[str, Any]) -> None:
    """One list may hold both: every parent is there, and stands before its children."""
    both = [*quiet["suppliers"].values(), *quiet["supplier-sites"].values()]

    ordered = order_parents_first(both)

    at = {member.code: place for place, member in enumerate(ordered)}
    assert len(at) == len(both)
    assert all(at[m.parent_code] < at[m.code] for m in ordered if m.parent_code)
    assert any(quiet["suppliers"][code].parent_code for code in quiet["suppliers"])


def test_inactive_suppliers_are_members_that_say_so(quiet: dict[str, Any]) -> None:
    """History needs them; a date that is still to come changes nothing yet."""
    states = Counter(
        (member.is_active, bool(dict(member.properties)["inactive_date"]))
        for member in quiet["suppliers"].values()
    )

    assert states[False, True] > 0
    assert states[True, True] > 0
    assert states[True, False] > 0


def test_supplier_becomes_inactive_by_the_calendar_alone(
    pod: Any, source: FusionSource, quiet: dict[str, Any]
) -> None:
    """The day comes, and nothing in the pod changes."""
    until = {
        code
        for code, member in quiet["suppliers"].items()
        if member.is_active and dict(member.properties)["inactive_date"]
    }
    pod.clock.ahead = timedelta(days=365 * 3)

    later = read(source)

    assert until
    assert not any(later[code].is_active for code in until)
    assert {dict(later[code].properties)["status"] for code in until} == {"INACTIVE"}


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("page_size", [7, 100, 399, 400])
def test_page_size_changes_nothing(
    pod: Any, build: Build, quiet: dict[str, Any], dimension: str, page_size: int
) -> None:
    """Neither a short last page nor a full one adds or loses a member."""
    assert read(build(pod, page_size=page_size), dimension) == quiet[dimension]


@pytest.mark.parametrize(
    "switches",
    [
        {"max_limit": 499},
        {"max_limit": 7},
        {"items_missing_when_empty": True},
        {"empty_children_missing": True},
        {"default_order": "reversed"},
        {"has_more": "never"},
        {"repeat_page": True},
        {"nested_page_size": 1},
        {"nested_page_size": 100},
        {"link_host": "https://foreign.example:8443"},
        {"supplier_last_update_queryable": False, "supplier_last_update_sortable": False},
        {"supplier_names_queryable": False},
        {"supplier_privilege": "view"},
        {"child_change_moves_supplier": True},
        {"attribute_case": "insensitive"},
        {"total_results_fails": True},
        {"clob_fields_fail": True},
        {"default_framework_version": 9},
        {"user_language": "de"},
        {"user_language": "fr"},
        {"without_credentials": "redirect"},
    ],
    ids=str,
)
def test_members_are_the_same_with_a_switch_turned(
    pod: Any, build: Build, quiet: dict[str, Any], switches: dict[str, Any]
) -> None:
    """No open decision of the pod adds, loses or changes a supplier or a site."""
    pod.turn(**switches)
    source = build(pod)

    assert {dimension: read(source, dimension) for dimension in DIMENSIONS} == quiet


@pytest.mark.parametrize("version", [5, 6, 7, 8, 9])
def test_members_are_the_same_in_each_framework_version(
    pod: Any, build: Build, quiet: dict[str, Any], version: int
) -> None:
    """Children and metadata in another place: the members are equal to the last property."""
    source = build(pod, framework_version=version)

    assert {dimension: read(source, dimension) for dimension in DIMENSIONS} == quiet


def test_sweep_asks_little_and_only_what_is_sure(pod: Any, source: FusionSource) -> None:
    """One page and an empty one; for sites, a page per hundred and one long list of each kind."""
    suppliers = read(source)
    plain = pod.requests("/suppliers")
    pod.server.journal.clear()
    read(source, "supplier-sites")
    expanded = pod.requests("/suppliers?")
    below = pod.requests("/child/")

    assert len(plain) == 2
    assert len(expanded) == len(suppliers) // 100 + 1
    assert sorted(path.split("/child/")[1].split("?")[0] for path in below) == [
        "addresses",
        "sites",
    ]
    assert not any("LastUpdateDate" in path or "totalResults" in path for path in plain + expanded)
    assert not pod.requests("/describe")


def test_suppliers_that_change_during_the_sweep_are_read_once_each(
    own_pod: Any, build: Build
) -> None:
    """A change moves no row from one page to another; a supplier made meanwhile is there."""
    before = read(build(own_pod))
    codes = list(before)
    reading = build(own_pod, page_size=50).read_members("suppliers")
    found = [next(reading)]
    own_pod.perform("change_supplier", SupplierNumber=codes[0], Supplier="First page, read")
    own_pod.perform("change_supplier", SupplierNumber=codes[-1], Supplier="Last page, to come")
    made = own_pod.perform(
        "create_supplier", Supplier="Made meanwhile", BusinessRelationshipCode="PROSPECTIVE",
        TaxOrganizationTypeCode="CORPORATION",
    )  # fmt: skip
    found += list(reading)

    names = {member.code: member.name for member in found}
    assert len(names) == len(found) == len(before) + 1
    assert names[codes[0]] == before[codes[0]].name
    assert names[codes[-1]] == "Last page, to come"
    assert names[made["SupplierNumber"]] == "Made meanwhile"


def test_changed_and_inactivated_suppliers_are_read_as_they_are_now(
    own_pod: Any, build: Build
) -> None:
    """Nothing is remembered from the sweep before."""
    source = build(own_pod)
    before = read(source)
    own_pod.perform("change_supplier", SupplierNumber="10005", Supplier="ACME RENAMED")
    own_pod.perform("inactivate_supplier", SupplierNumber="10007")

    after = read(source)

    changed = {code for code, member in after.items() if before[code] != member}
    assert {"10005", "10007"} <= changed
    assert after["10005"].name == "ACME RENAMED"
    assert before["10007"].is_active
    assert not after["10007"].is_active


def test_merged_supplier_stays_as_an_inactive_member(own_pod: Any, build: Build) -> None:
    """Suppliers are never deleted: the loser of a merge keeps its code."""
    source = build(own_pod)
    before = read(source)
    own_pod.perform("merge_suppliers", winner="10005", loser="10006")

    after = read(source)

    assert set(after) == set(before)
    assert (after["10005"].is_active, after["10006"].is_active) == (True, False)


def test_one_site_name_in_two_units_is_two_members(own_pod: Any, build: Build) -> None:
    """The second does not change the code of the first."""
    source = build(own_pod)
    before = read(source, "supplier-sites")
    own_pod.perform(
        "add_supplier_child", SupplierNumber="10005",
        site={
            "SupplierSite": "ACME-SFO", "ProcurementBU": "Halden Japan Procurement",
            "SupplierAddressName": "HQ",
        },
    )  # fmt: skip

    after = read(source, "supplier-sites")

    (new,) = set(after) - set(before)
    assert set(before) < set(after)
    assert new.startswith("10005/ACME-SFO/")
    assert dict(after[new].properties)["procurement_bu"] == "Halden Japan Procurement"
    assert dict(after[new].properties)["city"] == "San Francisco"


def test_user_of_one_unit_sees_its_suppliers_only(
    pod: Any, build: Build, quiet: dict[str, Any]
) -> None:
    """Data access narrows the answer without a word; that is what the flow's guard is for."""
    pod.turn(supplier_roles={"halden-connector": ["Halden Japan Procurement"]})

    found = read(build(pod))

    assert set() < set(found) < set(quiet["suppliers"])


def test_suppliers_out_of_sight_are_a_warning_not_an_error(pod: Any, build: Build) -> None:
    """Missing data access looks like a company without suppliers, and check says so."""
    pod.turn(supplier_roles={"halden-connector": []})
    source = build(pod)

    checks = list(source.check())

    assert [each.subject for each in checks if each.state is CheckState.WARNING] == ["suppliers"]
    assert not any(each.state is CheckState.FAILED for each in checks)
    assert "rights" in checks[-1].finding
    assert [read(source, dimension) for dimension in DIMENSIONS] == [{}, {}]


def test_suppliers_that_may_not_be_read_are_left_out_of_the_check(pod: Any, build: Build) -> None:
    """A company that plans without suppliers hears nothing of them; reading them is refused."""
    pod.turn(supplier_privilege="denied")
    source = build(pod)

    checks = list(source.check())

    assert {each.state for each in checks} == {CheckState.OK}
    assert "suppliers" not in {each.subject for each in checks}
    for dimension in DIMENSIONS:
        with pytest.raises(AccessDeniedError, match="suppliers"):
            read(source, dimension)


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        ({"kind": "html", "status": 404}, None),
        ({"kind": "html", "status": 503}, CheckState.WARNING),
        ({"kind": "html", "status": 200}, CheckState.WARNING),
    ],
    ids=str,
)
def test_check_of_suppliers_never_fails(
    pod: Any, build: Build, rule: dict[str, Any], state: CheckState | None
) -> None:
    """Whether any flow reads them is not the connection's to know."""
    pod.spoil(path="/suppliers", times=None, **rule)

    states = {each.subject: each.state for each in build(pod).check()}

    assert states.get("suppliers") is state
    assert CheckState.FAILED not in states.values()


def test_check_asks_for_one_supplier(pod: Any, source: FusionSource) -> None:
    """A look, not a sweep."""
    checks = {each.subject: each for each in source.check()}

    (path,) = pod.requests("/suppliers")
    assert "limit=1&" in path
    assert checks["suppliers"].state is CheckState.OK


def test_discover_lists_both_dimensions(source: FusionSource) -> None:
    """By the names that flows use."""
    found = {each.name for each in source.discover() if each.kind == "dimension"}

    assert found == set(DIMENSIONS)


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "html", "status": 503},
        {"kind": "reset_before"},
        {"kind": "status", "status": 429, "headers": {"Retry-After": "3"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_passing_failure_costs_a_repeat(
    pod: Any, build: Build, quiet: dict[str, Any], dimension: str, rule: dict[str, Any]
) -> None:
    """Every page may be asked for again, those below a supplier too."""
    pod.spoil(path="/suppliers", nth=2, every=3, times=None, **rule)

    assert read(build(pod, page_size=50), dimension) == quiet[dimension]


def test_lasting_failure_ends_the_sweep(pod: Any, build: Build) -> None:
    """Half a list is never taken for a list."""
    pod.spoil(path="/suppliers", nth=3, every=1, times=None, kind="html", status=503)

    with pytest.raises(SystemUnavailableError):
        read(build(pod, page_size=50))


def test_sweep_without_end_is_refused(pod: Any, build: Build) -> None:
    """An empty page that announces more ends the reading."""
    pod.turn(has_more="always")

    with pytest.raises(ProtocolError, match="announces more"):
        read(build(pod, page_size=50))
