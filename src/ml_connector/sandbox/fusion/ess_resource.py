"""The shape of erpintegrations: one flat item for every operation, and the finders."""

from __future__ import annotations

from ml_connector.sandbox.fusion.resource import Finder, Resource, attributes

ITEM_MEMBERS = (
    "OperationName DocumentId DocumentContent FileName ContentType FileType DocumentAccount"
    " Comments ProcessName LoadRequestId JobPackageName JobDefName ReqstId RequestStatus JobName"
    " ParameterList NotificationCode CallbackURL JobOptions StatusCode ESSParameters"
)
_REQUEST = {"requestId": "ReqstId"}


def _finder(name: str, variables: dict[str, str], required: str) -> Finder:
    return Finder(name=name, variables=variables, required=frozenset({required}))


ERP_INTEGRATIONS = Resource(
    name="erpintegrations",
    title="ERP Integrations",
    verbs=frozenset({"GET", "POST"}),
    compute=lambda _variables, _user: [],
    attributes=attributes("string", ITEM_MEMBERS, updatable=True),
    finders=(
        _finder("ESSJobStatusRF", _REQUEST, "requestId"),
        _finder("ESSExecutionDetailsRF", _REQUEST, "requestId"),
        _finder("ESSJobExecutionDetailsRF", {**_REQUEST, "fileType": "FileType"}, "requestId"),
        _finder(
            "DocumentIdsByFilePrefixRF",
            {"filePrefix": "FileName", "docAccount": "DocumentAccount", "comment": "Comments"},
            "filePrefix",
        ),
    ),
)
