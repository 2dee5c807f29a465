"""The content store: documents that go up, come down, and are written by jobs."""

import base64
import io
import zipfile
from typing import Any

import pytest

PATH = "/erpintegrations"
LOADER = "/oracle/apps/ess/financials/commonModules/shared/common/interfaceLoader"
ALIASED = "UPDATE,ACME OFFICE SUPPLIES,,,,,,,,,ACM"


def zipped(name: str, text: str) -> str:
    """A zip with one file, as base64."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return base64.b64encode(buffer.getvalue()).decode()


def post(fusion: Any, body: dict[str, Any]) -> Any:
    """The reply to an operation."""
    return fusion.call("POST", PATH, json=body)


def state(fusion: Any, request_id: str) -> str:
    """The state of a job."""
    items = fusion.items(f"{PATH}?finder=ESSJobStatusRF;requestId={request_id}")
    found: str = items[0]["RequestStatus"]
    return found


def files(content: str) -> dict[str, str]:
    """The texts in a zip."""
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(content))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def alias(fusion: Any) -> Any:
    """The alias of the golden supplier."""
    return fusion.items("/suppliers?q=SupplierNumber='10005'")[0]["Alias"]


@pytest.mark.parametrize(("kind", "type_"), [("string", str), ("number", int)])
def test_document_goes_up_is_found_and_comes_down(own: Any, kind: str, type_: type) -> None:
    """The content store gives back what it was given; ids come as texts or numbers."""
    own.turn(document_id_kind=kind)
    content = zipped("a.csv", "1,2")
    body = {
        "OperationName": "uploadFileToUCM", "DocumentContent": content, "ContentType": "zip",
        "DocumentAccount": "prc$/supplier$/import$", "FileName": "Early_1.zip", "DocumentId": None,
    }  # fmt: skip
    document_id = post(own, body).json()["DocumentId"]
    finder = "DocumentIdsByFilePrefixRF;filePrefix=Early_,docAccount=#NULL,comment=#NULL"
    found = own.items(PATH, params={"finder": finder})
    down = post(own, {"OperationName": "getDocumentForDocumentId", "DocumentId": document_id})

    assert type(document_id) is type_
    assert [item["DocumentId"] for item in found] == [document_id]
    assert down.json()["DocumentContent"] == content
    assert down.json()["FileName"] == "Early_1.zip"


def test_import_in_two_steps_leads_to_the_same_rows(own: Any) -> None:
    """Upload and load first, import later: the rows wait as NEW in between."""
    content = zipped("PozSuppliersInt.csv", ALIASED)
    up = {
        "OperationName": "uploadFileToUCM", "DocumentContent": content,
        "ContentType": "zip", "DocumentAccount": "prc$/supplier$/import$",
        "FileName": "PozSuppliersInt_7.zip",
    }  # fmt: skip
    document_id = post(own, up).json()["DocumentId"]
    load = post(
        own,
        {
            "OperationName": "submitESSJobRequest", "JobPackageName": LOADER,
            "JobDefName": "InterfaceLoaderController", "ESSParameters": f"24,{document_id},N,N",
        },
    ).json()["ReqstId"]  # fmt: skip
    own.clock.advance(6)
    loaded = (state(own, load), alias(own))
    run = post(
        own,
        {
            "OperationName": "submitESSJobRequest",
            "JobPackageName": "/oracle/apps/ess/prc/poz/supplierImport/",
            "JobDefName": "ImportSuppliers", "ESSParameters": "NEW,N",
        },
    ).json()["ReqstId"]  # fmt: skip
    own.clock.advance(6)

    assert loaded == ("SUCCEEDED", None)
    assert int(run) > int(load)
    assert (state(own, run), alias(own)) == ("SUCCEEDED", "ACM")


def test_export_writes_a_file_when_it_is_over(own: Any) -> None:
    """The document is not there until then; its name begins with job and id."""
    body = {
        "OperationName": "exportBulkData", "ParameterList": "#NULL",
        "JobName": "/oracle/apps/ess/custom/halden,SupplierExtract", "JobOptions": None,
    }  # fmt: skip
    request_id = post(own, body).json()["ReqstId"]
    prefix = f"ExportBulkData_SupplierExtract_{request_id}"
    finder = {"finder": f"DocumentIdsByFilePrefixRF;filePrefix={prefix}"}
    early = own.items(PATH, params=finder)
    own.clock.advance(6)
    found = own.items(PATH, params=finder)[0]["DocumentId"]
    down = post(own, {"OperationName": "getDocumentForDocumentId", "DocumentId": found}).json()

    assert early == []
    assert files(down["DocumentContent"])["Suppliers.csv"].count("\n") == 401
