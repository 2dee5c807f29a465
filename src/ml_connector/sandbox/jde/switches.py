"""The decisions of the JDE server that a test may turn, each with its default."""

from __future__ import annotations

from datetime import timedelta, timezone

from ml_connector.sandbox.switches import Switch, Switches, choice

_SIGNING_IN: dict[str, Switch] = {
    "deadTokenStatus": choice(444, 403),
    "deadTokenBody": choice("short", "ServiceErrorResponse", "empty", "html"),
    "deadJas": choice(500, 200, 444),
    "badLogin": choice("403", "403ThenDisabled"),
    "signOnAttempts": Switch(default=3),
    "passwordExpiry": choice("fine", "aboutToExpire", "expired"),
    "allowedHosts": choice("off", "405Login", "405Every", "403Gateway", "reset"),
    "deviceCheck": choice("on", "off"),
    "missingDevice": choice("reject", "accept"),
    "basicAuth": choice("accepted", "refused"),
    "jwtAuth": choice("refused", "accepted"),
    "loadBalanced": choice("off", "2 nodes"),
    "sessionTimeoutMin": Switch(default=30),
    "timeToLiveMin": Switch(default=720),
    "jasTimeoutMin": Switch(default=None),
    "sessionsMax": Switch(default=None),
    "validateService": choice("on", "off"),
    "validateDead": choice(444, 403),
    "versions": choice("v2", "v1"),
    "hiddenCapabilities": Switch(default=[]),
}
_READING: dict[str, Switch] = {
    "dateFormat": choice("user", "MDE", "DME", "EMD"),
    "dateSeparator": choice("/", "-", "."),
    "wrongDate": choice("400", "500", "misread", "ignore"),
    "blankDate": choice("null", "", " "),
    "stringPadding": choice("single", "full", "trimmed"),
    "aggregationDates": choice("epoch", "yyyyMMdd"),
    "aggregationDecimals": choice("dictionary", "currency"),
    "countShape": choice("wrapped", "flat"),
    "dbFetchLimit": Switch(default=2000),
    "fetchLimitCutsGroups": choice(True, False),
    "resultSetTimeoutS": Switch(default=60),
    "nextHost": choice("configured", "wrong", "http"),
    "publicOrigin": Switch(default=""),
    "nextOtherToken": choice(444, 500),
    "withoutFind": choice("empty", "rows"),
    "unknownColumn": choice("refuse", "ignore"),
    "refusalStatus": choice(400, 500),
    "deniedTables": Switch(default=[]),
    "deniedAs": choice(403, 500, "empty"),
    "gzip": choice("off", "on"),
    "shuffleKeys": choice("on", "off"),
    "extraKeys": choice("on", "off"),
}
_BOOKS: dict[str, Switch] = {
    "postTouchesUpmj": choice(False, True, "mixed"),
    "batchAudit": choice("untouched", "touched"),
    "serverZones": choice("UTC/UTC", "-5/-5", "+9/-8"),
    "excessDecimals": choice("round", "reject"),
}
_ORCHESTRATOR: dict[str, Switch] = {
    "jdeElements": choice("on", "off"),
    "messageForm": choice("string", "nested"),
    "inputFormat": choice("Generic", "JDE Standard"),
    "unknownOrchestration": choice(500, 404),
    "orchestrationBehaviour": choice("plain", "raw", "fails", "delays", "half", "unchecked"),
    "orchestrationDelayS": Switch(default=3.0),
    "rejectedAs": choice("result", "500"),
    "deniedOrchestrations": Switch(default=[]),
    "reportRunS": Switch(default=0),
}
JDE_SWITCHES: dict[str, Switch] = {**_SIGNING_IN, **_READING, **_BOOKS, **_ORCHESTRATOR}
"""Name to switch.

`dbFetchLimit` 0 is no limit; `sessionsMax` and `jasTimeoutMin` None are none. `publicOrigin` is
what next links name where `nextHost` is `configured`; empty is the server's own address.
`serverZones` is logic server / JAS. `dateFormat` `user` leaves each user the own one.
`reportRunS` is how long (sandbox time) a submitted report stays in the queue and runs.
"""

WRONG_ORIGIN = "https://ais01.example.internal:8443"


def logic_zone(switches: Switches) -> timezone:
    """Return the zone of the machine that stamps UPMJ and UPMT."""
    return _zone(str(switches["serverZones"]).partition("/")[0])


def jas_zone(switches: Switches) -> timezone:
    """Return the zone of the machine that evaluates TODAY and renders date keys."""
    return _zone(str(switches["serverZones"]).partition("/")[2])


def _zone(text: str) -> timezone:
    return timezone(timedelta(hours=0 if text == "UTC" else int(text)))
