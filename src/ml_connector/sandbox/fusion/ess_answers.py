"""The erpintegrations resource: operations posted to it, and what its finders tell."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.fusion.call import (
    LIMIT_DEFAULT,
    Call,
    answer_media,
    verify_content_type,
    verify_parameters,
)
from ml_connector.sandbox.fusion.ess_documents import (
    Document,
    DocumentBook,
    decode_content,
    encode_zip,
    parse_account,
)
from ml_connector.sandbox.fusion.ess_jobs import JobBook
from ml_connector.sandbox.fusion.ess_resource import ERP_INTEGRATIONS, ITEM_MEMBERS
from ml_connector.sandbox.fusion.ess_submitting import Submitter
from ml_connector.sandbox.fusion.finders import parse_finder
from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.rows import CONTEXT_FROM
from ml_connector.sandbox.fusion.writing import parse_object
from ml_connector.sandbox.http import Response

_MEMBERS = tuple(ITEM_MEMBERS.split())
_NOTHING = "#NULL"
_FILE_TYPES = ("LOG", "OUT", "ALL")
_Item = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErpIntegrations:
    """Answers for jobs and documents."""

    book: JobBook
    documents: DocumentBook
    submitter: Submitter

    def answer(self, call: Call, method: str) -> Response:
        """Return the answer to a request on the resource itself."""
        if self.book.switches["import_privilege"] == "denied":
            raise RefusalError(403, "You do not have the privilege to use this resource.")
        if len(call.segments) > 2:
            raise RefusalError(404)
        if method == "POST":
            return self._post(call)
        if method == "GET":
            return self._get(call)
        raise RefusalError(405, headers=(("Allow", "GET, POST"),))

    def _post(self, call: Call) -> Response:
        verify_content_type(call)
        body = parse_object(call.request.body)
        for name in body:
            if name not in _MEMBERS:
                raise RefusalError(400, f'Invalid attribute "{name}" in the payload')
        operations: dict[str, Callable[[_Item, str], _Item]] = {
            "importBulkData": lambda b, user: {"ReqstId": self.submitter.submit_file(b, user)},
            "submitESSJobRequest": lambda b, user: {"ReqstId": self.submitter.submit_job(b, user)},
            "exportBulkData": lambda b, user: {"ReqstId": self.submitter.submit_export(b, user)},
            "uploadFileToUCM": self._upload,
            "getDocumentForDocumentId": self._download,
            "getESSJobStatus": lambda b, _user: {"RequestStatus": self._status(_request(b))},
            "downloadESSJobExecutionDetails": self._logs,
        }
        operation = operations.get(str(body.get("OperationName")))
        if operation is None:
            raise RefusalError(
                400, f"The operation {body.get('OperationName')} is not valid.",
                path="/OperationName",
            )  # fmt: skip
        item = {name: body.get(name) for name in _MEMBERS} | operation(body, call.user)
        status = int(self.book.switches["import_status_code"])
        return _respond(call, self._with_links(call, item), "resourceitem", status)

    def _get(self, call: Call) -> Response:
        verify_parameters(call, collection=True)
        items: list[_Item] = []
        if call.parameters.get("finder"):
            finder, variables = parse_finder(ERP_INTEGRATIONS, call.parameters["finder"])
            items = self._found(finder.name, variables)
        page: _Item = {
            "items": [self._with_links(call, item) for item in items],
            "count": len(items),
            "hasMore": False,
            "limit": LIMIT_DEFAULT,
            "offset": 0,
        }
        if not call.only_data:
            href = f"{call.base}/erpintegrations"
            page["links"] = [
                {"rel": "self", "href": href, "name": "erpintegrations", "kind": "collection"}
            ]
        return _respond(call, page, "resourcecollection", 200)

    def _found(self, finder: str, variables: Mapping[str, str]) -> list[_Item]:
        if finder == "DocumentIdsByFilePrefixRF":
            account = variables.get("docAccount", _NOTHING)
            wanted = None if account == _NOTHING else parse_account(account)
            ids = self.documents.find_ids(variables["filePrefix"], wanted)
            return [{"DocumentId": self._document_id(found)} for found in ids]
        request_id = _number(variables["requestId"], "requestId")
        if finder == "ESSJobStatusRF":
            return [
                {
                    "OperationName": "getESSJobStatus",
                    "ReqstId": str(request_id),
                    "RequestStatus": self._status(request_id),
                    "DocumentId": None,
                }
            ]
        if finder == "ESSExecutionDetailsRF":
            return [{"ReqstId": str(request_id), "RequestStatus": self._tree(request_id)}]
        return [self._details(request_id, variables.get("fileType", "ALL"))]

    def _status(self, request_id: int) -> str:
        if self.book.switches["ess_blank_status"]:
            return ""
        return self.book.find_state(request_id)

    def _tree(self, request_id: int) -> str:
        """Return the job tree as a text that holds JSON; empty where the job is unknown."""
        node = self.book.tree(request_id)
        if node is None:
            return ""
        jobs: Any = [node] if self.book.switches["ess_jobs_form"] == "list" else node
        return json.dumps({"JOBS": jobs}, separators=(",", ":"))

    def _logs(self, body: _Item, _user: str) -> _Item:
        return self._details(_request(body), str(body.get("FileType") or "ALL"))

    def _details(self, request_id: int, file_type: str) -> _Item:
        """Return the files of a job and of those below it, as a zip in base64."""
        if file_type.upper() not in _FILE_TYPES:
            raise RefusalError(400, f"The file type {file_type} is not valid.", path="/FileType")
        records = self.book.records(request_id)
        if not records:
            raise RefusalError(400, f"The request {request_id} is not known.", path="/ReqstId")
        entries = []
        for own_id, log, name, output in records:
            if file_type.upper() != "OUT":
                entries.append((f"{own_id}.log", f"Request {own_id}\n{log}"))
            if file_type.upper() != "LOG" and name is not None:
                entries.append((name, output or ""))
        return {
            "ReqstId": str(request_id),
            "FileType": file_type,
            "ContentType": "zip",
            "DocumentContent": encode_zip(entries),
        }

    def _upload(self, body: _Item, _user: str) -> _Item:
        document = Document(
            file_name=str(body.get("FileName")),
            content=decode_content(body.get("DocumentContent")),
            account=parse_account(body.get("DocumentAccount")),
            comments=body.get("Comments"),
            content_type=body.get("ContentType"),
        )
        return {"DocumentId": self._document_id(self.documents.add(document))}

    def _download(self, body: _Item, _user: str) -> _Item:
        document_id = _number(str(body.get("DocumentId")), "DocumentId")
        document = self.documents.find(document_id)
        if document is None:
            raise RefusalError(400, f"There is no document {document_id}.", path="/DocumentId")
        return {
            "DocumentContent": base64.b64encode(document.content).decode("ascii"),
            "FileName": document.file_name,
            "ContentType": document.content_type,
        }

    def _document_id(self, document_id: int) -> str | int:
        is_number = self.book.switches["document_id_kind"] == "number"
        return document_id if is_number else str(document_id)

    def _with_links(self, call: Call, item: _Item) -> _Item:
        if call.only_data:
            return item
        key = str(item.get("OperationName") or "")
        href = f"{call.base}/erpintegrations/{key}"
        links = [{"rel": "self", "href": href, "name": "erpintegrations", "kind": "item"}]
        if call.version >= CONTEXT_FROM:
            return {**item, "@context": {"key": key, "links": links}}
        return {**item, "links": links}


def _request(body: Mapping[str, Any]) -> int:
    return _number(str(body.get("ReqstId")), "ReqstId")


def _number(text: str, name: str) -> int:
    if not text.strip().isdigit():
        raise RefusalError(400, f"The value {text!r} of {name} is not valid.", path=f"/{name}")
    return int(text)


def _respond(call: Call, payload: _Item, kind: str, status: int) -> Response:
    headers = (
        ("Content-Type", answer_media(call, kind)),
        ("REST-Framework-Version", str(call.version)),
    )
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status=status, headers=headers, body=body)
