"""Answers a pod might give to writes, word by word."""

import base64
import io
import json
import zipfile
from typing import Any

import httpx2
import pytest

from ml_connector.ports import SupplierChange

ROOT = "/fscmRestApi/resources/11.13.18.05"
SUPPLIER = f"{ROOT}/suppliers/300000002336641"
CHANGE = SupplierChange(
    number="10005", remote_id="300000002336641", version="ACED01", attributes={"alias": "ACM"}
)


class Answers:
    """What a pod would say of the supplier 10005, its refusals and its jobs."""

    root = ROOT
    supplier = SUPPLIER
    jobs = f"{ROOT}/erpintegrations"
    change = CHANGE

    @staticmethod
    def item(**more: Any) -> dict[str, Any]:
        """The supplier, with these members."""
        return {
            "SupplierId": 300000002336641,
            "SupplierNumber": "10005",
            "Supplier": "ACME OFFICE SUPPLIES",
            "Alias": "ACM",
            **more,
        }

    @staticmethod
    def reply(
        body: Any, status: int = 200, kind: str = "application/json", **headers: str
    ) -> httpx2.Response:
        """An answer; a text goes as it stands."""
        content = body if isinstance(body, str) else json.dumps(body)
        return httpx2.Response(
            status, content=content.encode(), headers={"Content-Type": kind, **headers}
        )

    @staticmethod
    def zipped(files: dict[str, str | bytes]) -> str:
        """Files of a job as an answer holds them."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return base64.b64encode(buffer.getvalue()).decode()

    def found(self, **members: Any) -> str:
        """A finder's answer with one item."""
        return json.dumps(
            {"items": [{"ReqstId": "15000123", **members}], "count": 1, "hasMore": False}
        )


@pytest.fixture
def answers() -> Answers:
    """Answers of a pod."""
    return Answers()
