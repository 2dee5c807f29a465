"""A small pod whose suppliers each test may change, and what is sent to it."""

from collections.abc import Callable
from typing import Any

import pytest

from ml_connector.ports import (
    ColumnKind,
    FileAction,
    FileColumn,
    FileObject,
    FileRow,
    SupplierChange,
    SupplierFile,
    SupplierTarget,
)
from ml_connector.systems.fusion.adapter import FusionSource

RESOURCES = "/fscmRestApi/resources/11.13.18.05"


class Scene:
    """A pod, a source over it, and the books as somebody else sees them."""

    def __init__(self, pod: Any, source: SupplierTarget) -> None:
        self.pod = pod
        self.source = source

    def change(self, of: str = "10005", **attributes: str) -> SupplierChange:
        """A change decided upon the supplier as it stands now."""
        row = self.source.read_supplier(of)
        return SupplierChange(
            number=of, remote_id=row.remote_id, version=row.version, attributes=attributes
        )

    def shown(self, number: str = "10005") -> dict[str, Any]:
        """The supplier's raw item, read past the source."""
        found = self.ask(f"SupplierNumber='{number}'")
        assert len(found) == 1
        return found[0]

    def ask(self, condition: str) -> list[dict[str, Any]]:
        """Raw items by a condition."""
        reply = self.pod.http.get(
            f"{self.pod.url}{RESOURCES}/suppliers",
            params={"q": condition, "onlyData": "true", "limit": "500"},
            headers={"REST-Framework-Version": "4"},
            auth=("INTEGRATION.USER", "halden-password"),
        )
        assert reply.status_code == 200, reply.text
        return list(reply.json()["items"])

    def written(self, method: str = "PATCH", part: str = RESOURCES) -> int:
        """How many requests that write have reached the pod."""
        lines = self.pod.server.journal.lines()
        return sum(line.method == method and part in line.path for line in lines)

    def columns(self, job: str = "ImportSuppliers") -> list[str]:
        """The template's columns, as the customer would hand them over."""
        return list(self.pod.perform("import_template", job=job)["columns"])

    def template(self, **mapped: str) -> tuple[FileColumn, ...]:
        """The customer's template with these of its columns in use, by our names."""
        return tuple(
            FileColumn(
                name=name,
                attribute=mapped.get(name, ""),
                kind=KINDS.get(name, ColumnKind.TEXT),
                constant="END" if name == "END" else "",
            )
            for name in self.columns()
        )

    def file(self, *rows: FileRow, batch: str = "B1") -> SupplierFile:
        """A file of suppliers by the pod's own template."""
        return SupplierFile(
            holds=FileObject.SUPPLIERS,
            batch=batch,
            columns=self.template(**MAPPED),
            rows=rows,
        )


KINDS = {"END_DATE_ACTIVE": ColumnKind.DATE, "ONE_TIME_FLAG": ColumnKind.FLAG}
MAPPED = {
    "IMPORT_ACTION": "action",
    "VENDOR_NAME": "name",
    "VENDOR_NAME_NEW": "new_name",
    "SEGMENT1": "number",
    "ORGANIZATION_TYPE_LOOKUP_CODE": "tax_organisation_type",
    "BUSINESS_RELATIONSHIP": "business_relationship",
    "END_DATE_ACTIVE": "inactive_date",
    "ALIAS": "alias",
    "ONE_TIME_FLAG": "one_time",
    "CUSTOMER_NUM": "customer_number",
    "BATCH_ID": "batch",
}


def update(name: str = "ACME OFFICE SUPPLIES", **attributes: str) -> FileRow:
    """A row that changes a supplier."""
    return FileRow(action=FileAction.UPDATE, attributes={"name": name, **attributes})


@pytest.fixture
def row() -> Callable[..., FileRow]:
    """Rows that change a supplier."""
    return update


@pytest.fixture
def scene(own_pod: Any, build: Callable[[Any], FusionSource]) -> Scene:
    """A fresh pod and a source over it."""
    return Scene(own_pod, build(own_pod))
