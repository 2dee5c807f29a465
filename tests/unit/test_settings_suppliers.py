"""Supplier flows that could write what nobody meant are refused before any of them runs."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from ml_connector.settings import SupplierFlow
from ml_connector.settings.checks import check_flow


class Connection(BaseModel):
    """A connection as far as the checks look at it."""

    kind: str


CONNECTIONS = {
    "model": Connection(kind="anaplan"),
    "erp": Connection(kind="fusion"),
    "jde": Connection(kind="jde"),
}
ALIAS = {"attribute": "alias", "column": "Alias"}


def make_flow(name: str = "revisions", **changes: Any) -> SupplierFlow:
    """Settings of a supplier flow; `changes` replace its keys."""
    return SupplierFlow.model_validate(
        {
            "kind": "suppliers", "name": name, "source": "model", "target": "erp",
            "export": "Revisions", "attributes": [ALIAS],
        }
        | changes
    )  # fmt: skip


def faults_of(flow: SupplierFlow, *others: SupplierFlow, root: Path | None = None) -> list[str]:
    """What is wrong with the flow beside the others."""
    flows = {one.name: one for one in (flow, *others)}
    found = check_flow(flow, root=root or Path(), connections=CONNECTIONS, flows=flows)
    return [f"{'.'.join(map(str, one.loc))} {one.problem}" for one in found]


def test_sound_flow_has_no_fault() -> None:
    """The smallest flow there is: one attribute of one column."""
    assert faults_of(make_flow()) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"target": "jde"}, "target is a connection of kind jde"),
        ({"source": "erp"}, "source is a connection of kind fusion"),
        ({"attributes": [ALIAS, ALIAS | {"column": "Other"}]}, "attributes.1.attribute is given"),
        ({"attributes": [ALIAS, ALIAS | {"attribute": "name"}]}, "attributes.1.column is given"),
        ({"number_column": "Alias"}, "attributes.0.column holds the number"),
        ({"attributes": [ALIAS | {"owner": "erp"}]}, "there is nothing to write"),
        ({"creations": True}, "creations needs an attribute `name`"),
        ({"creation_values": {"colour": "red"}}, "creation_values.colour is no attribute"),
        ({"send": "file"}, "template is missing"),
        ({"template": "templates/none.csv"}, "template names no file"),
        (
            {"attributes": [{"attribute": "name", "column": "Name", "blank": "clear"}]},
            "would empty a name",
        ),
        ({"unknown": "model", "attributes": [ALIAS | {"blank": "clear"}]}, "would empty each"),
        (
            {"unknown": "model", "attributes": [{"attribute": "one_time", "column": "One"}]},
            "is never empty in a model",
        ),
    ],
)
def test_flow_that_cannot_mean_what_it_says_is_refused(changes: dict[str, Any], fault: str) -> None:
    """Each fault is found where it stands."""
    assert any(fault in found for found in faults_of(make_flow(**changes)))


def test_attribute_has_one_owner_over_all_flows() -> None:
    """Two flows that write one attribute would undo each other's revisions."""
    other = make_flow("other")
    erps = make_flow("other", attributes=[ALIAS | {"owner": "erp"}])

    assert faults_of(make_flow(), other) == ["attributes are written by other too"]
    assert faults_of(make_flow(), erps) == []


def test_attribute_that_nobody_may_write_is_no_attribute() -> None:
    """Tax ids of suppliers are hidden, so they are never compared and never sent."""
    with pytest.raises(ValidationError, match="no attribute of suppliers"):
        make_flow(attributes=[{"attribute": "taxpayer_id", "column": "Tax"}])
