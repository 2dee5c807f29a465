"""What a finished run says about itself: details, counters, rejected rows."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ml_connector.sandbox.anaplan.csvtext import render_rows

MESSAGES = {
    "uploadedFileNoLongerAvailable": "The uploaded file is no longer available.",
    "missingFields": "Mapped columns are missing in the source.",
    "hierarchyImportDuplicateSourceKey": "Duplicate key in the source.",
    "hierarchyImportInvalidParent": "Invalid parent",
    "hierarchyImportInvalidCode": "Invalid code",
    "hierarchyImportInvalidName": "Invalid name",
    "hierarchyImportEmptyKey": "Empty key",
    "hierarchyImportNameOrCodeExists": "Name or code already exists",
    "failedToLocateEntity": "An entity of the mapping could not be located.",
    "failedToLocateModel": "The source model could not be located.",
    "internalError": "An internal error has occurred.",
    "exportSucceeded": "Export completed successfully.",
    "deleteFromSelectionSucceeded": "Delete completed successfully.",
    "taskElementSucceeded": "Completed successfully.",
}


@dataclass(slots=True, kw_only=True)
class Rejected:
    """One source row for the dump: E was not loaded, W was loaded in part."""

    status: str
    row: list[str]
    line: int
    errors: list[str]


@dataclass(slots=True, kw_only=True)
class Outcome:
    """The result of one import, export or action."""

    object_id: str
    object_name: str
    successful: bool = True
    details: list[dict[str, Any]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    ignored: int = 0

    def as_json(self, *, true_on_partial: bool) -> dict[str, Any]:
        """The result as the task shows it."""
        is_partial = bool(self.rejected)
        return {
            "successful": self.successful and (true_on_partial or not is_partial),
            "failureDumpAvailable": is_partial,
            "objectId": self.object_id,
            "objectName": self.object_name,
            "details": self.details,
            "nestedResults": [],
        }

    def dump(self) -> bytes:
        """The failure dump: every field quoted, as many error columns as the worst row needs."""
        width = max((len(one.errors) for one in self.rejected), default=1)
        head = ["_Status_", *self.headers, "_Line_", *(f"_Error_{n}_" for n in range(1, width + 1))]
        rows = [head]
        for one in self.rejected:
            cells = [*one.row, *[""] * (len(self.headers) - len(one.row))][: len(self.headers)]
            errors = [*one.errors, *[""] * (width - len(one.errors))]
            rows.append([one.status, *cells, str(one.line), *errors])
        return render_rows(rows, quote="all").encode()


def detail(kind: str, text: str = "", values: dict[str, Any] | None = None) -> dict[str, Any]:
    """One entry of a result's details; the values are a flat list of keys and texts."""
    flat: list[str] = []
    for key, value in (values or {}).items():
        flat += [key, str(value)]
    return {
        "type": kind,
        "localMessageText": text or MESSAGES.get(kind, kind),
        "occurrences": 0,
        "values": flat,
    }


def failed(object_id: str, object_name: str, kind: str, text: str = "") -> Outcome:
    """The run as a whole failed; nothing was loaded."""
    return Outcome(
        object_id=object_id,
        object_name=object_name,
        successful=False,
        details=[detail(kind, text)],
    )


def error_details(kinds: Counter[str]) -> list[dict[str, Any]]:
    """One aggregated entry for each kind of row error."""
    return [{**detail(kind), "occurrences": count} for kind, count in kinds.items()]
