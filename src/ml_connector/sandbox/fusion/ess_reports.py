"""What jobs write about themselves: logs, and the report of an import."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from ml_connector.sandbox.fusion.imports_suppliers import Outcome
from ml_connector.sandbox.fusion.imports_templates import ACTION, Template


def count_line(outcomes: Sequence[Outcome]) -> str:
    """Return one line with the numbers of an import."""
    rejected = sum(outcome.is_rejected for outcome in outcomes)
    return f"Rows read: {len(outcomes)}  Imported: {len(outcomes) - rejected}  Rejected: {rejected}"


def text_report(
    template: Template, outcomes: Sequence[Outcome], shown: Sequence[Outcome], *, load_id: int
) -> str:
    """Return the report for people: the numbers of all rows, and a line for each shown one."""
    lines = [
        f"{template.title} Report",
        f"Load Request ID: {load_id}",
        count_line(outcomes),
        "",
        "Record|Action|Supplier|Supplier Number|Status|Column|Reason",
        *("|".join(_cells(outcome)) for outcome in shown),
    ]
    return "\n".join(lines) + "\n"


def xml_report(template: Template, shown: Sequence[Outcome], *, load_id: int) -> str:
    """Return the report for programs: a group for each shown row."""
    names = ("RECORD", ACTION, "VENDOR_NAME", "SEGMENT1", "STATUS", "ATTRIBUTE", "REJECT_REASON")
    groups = [
        "<G_1>"
        + "".join(
            f"<{name}>{escape(cell)}</{name}>"
            for name, cell in zip(names, _cells(outcome), strict=True)
        )
        + "</G_1>"
        for outcome in shown
    ]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<DATA_DS>'
        f"<PARENT_TABLE>{template.table}</PARENT_TABLE><LOAD_REQUEST_ID>{load_id}"
        f"</LOAD_REQUEST_ID>{''.join(groups)}</DATA_DS>\n"
    )


def _cells(outcome: Outcome) -> tuple[str, ...]:
    return (
        str(outcome.line),
        outcome.values.get(ACTION, ""),
        outcome.values.get("VENDOR_NAME", ""),
        outcome.values.get("SEGMENT1", ""),
        "REJECTED" if outcome.is_rejected else "PROCESSED",
        outcome.column or "",
        outcome.reason or "",
    )
