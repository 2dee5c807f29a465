"""defaultconfig: what the server is and can, told to anybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ml_connector.sandbox.http import Request, Response, json_response
from ml_connector.sandbox.jde.refusals import parse_body
from ml_connector.sandbox.jde.token_service import JAS_ORIGIN
from ml_connector.sandbox.jde.users import ENVIRONMENT, ROLE
from ml_connector.sandbox.switches import Switches

AIS_VERSION = "EnterpriseOne 9.2.8.2"
_FIRST = (
    ("grid", "Grid Actions", "9.1.4.4"),
    ("editable", "Enable/Disable", "9.1.4.4"),
    ("log", "Logging", "9.1.4.6"),
    ("processingOption", "Processing Options", "9.1.4.4"),
    ("ignoreFDAFindOnEntry", "Ignore FDA Find On Entry", "9.1.4.4"),
    ("selectAllGridRows", "Select All Grid Rows", "9.1.5"),
    ("applicationStack", "Application Stack", "9.1.5"),
    ("thumbnailSize", "Thumbnail Size", "9.1.5"),
    ("gridCellClick", "Grid Cell Click", "9.1.5"),
    ("query", "Query", "9.1.5"),
    ("taskAuthorization", "Task Authorization", "9.1.5"),
    ("urlMediaObjects", "URL Media Objects", "9.1.5"),
    ("jargon", "Data Item Jargon", "9.1.5.3"),
    ("aliasNaming", "Alias Naming", "9.1.5.3"),
    ("dataservice", "Data Service", "9.1.5"),
    ("dataServiceAggregation", "Data Service Aggregation", "9.2.0.2"),
    ("formServiceOrderBy", "Form Service Order By", "9.2.0.5"),
    ("outputType", "Output Type", "9.2.0.2"),
    ("orchestrator", "Orchestrator", "9.2.0.5"),
    ("messageService", "Message Service", "9.2.0.2"),
    ("complexQuery", "Complex Query", "9.2.1"),
    ("validate", "Validate Token", "9.2.1"),
)
_SECOND = (
    ("version2services", "Version 2 Services", "9.2.1.2"),
    ("nextPage", "Next Page Processing", "9.2.1.2"),
    ("simpleGetServices", "Simple GET Services", "9.2.1.2"),
)


def default_config(request: Request, switches: Switches, version: int) -> Response:
    """Return the configuration; a wanted capability that is missing is told, not refused."""
    body = parse_body(request.body) if request.method == "POST" else {}
    wanted = request.find_query("requiredCapabilities") or body.get("requiredCapabilities") or ""
    listed = _capabilities(switches, version)
    known = {str(one["name"]).lower() for one in listed}
    asked = {one.strip().lower() for one in str(wanted).split(",") if one.strip()}
    host = JAS_ORIGIN.removeprefix("http://")
    told: dict[str, Any] = {
        "jasHost": host.partition(":")[0],
        "jasPort": host.partition(":")[2],
        "jasProtocol": "http",
        "defaultEnvironment": ENVIRONMENT,
        "defaultRole": ROLE,
        "displayEnvironment": True,
        "displayRole": True,
        "displayJasServer": False,
        "defaultJasServer": JAS_ORIGIN,
        "ssoAllowed": True,
        "allowSelfSignedSsl": False,
        "sessionTimeout": str(switches["sessionTimeoutMin"]),
        "timeToLive": str(switches["timeToLiveMin"]),
        "disconnectedTimeout": "30",
        "aisVersion": AIS_VERSION,
        "defaultCachingOn": "false",
        "requiredCapabilityMissing": not asked <= known,
        "capabilityList": listed,
    }
    if switches["extraKeys"] == "on":
        told["aisExtension"] = {"reserved": None}
    return json_response(told)


def _capabilities(switches: Switches, version: int) -> list[dict[str, str]]:
    hidden = set(switches["hiddenCapabilities"])
    if switches["validateService"] == "off":
        hidden.add("validate")
    listed = [*_listed(_FIRST, "1"), *(_listed(_SECOND, "2") if version >= 2 else ())]
    return [one for one in listed if one["name"] not in hidden]


def _listed(names: Sequence[tuple[str, str, str]], since: str) -> list[dict[str, str]]:
    return [
        {
            "name": name,
            "shortDescription": words,
            "longDescription": f"The server offers: {words}.",
            "asOfRelease": release,
            "sinceVersion": since,
        }
        for name, words, release in names
    ]
