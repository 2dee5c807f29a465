"""The columns of an ERP's import file, as the customer's own template lists them."""

import csv
import io
from collections import Counter
from collections.abc import Sequence

from ml_connector.errors import SettingsError
from ml_connector.flows.bench import SupplierBench
from ml_connector.ports import ColumnKind, FileColumn
from ml_connector.settings import ATTRIBUTE_KINDS, SupplierFlow

HEADERS = ("name", "attribute", "kind", "constant")
COLUMNS_MAX = 500
WAYS_OF_FILES = frozenset({"auto", "file"})
"""Ways of sending that may take the file import."""
REWRITE = "Write it anew by the template of your release; the guide shows how."
COVER = (
    "Give each of them its column; what the import has no column for is written with `send: single`"
    " or `send: batch` only."
)


class TemplateError(SettingsError):
    """The file of an import's columns holds faults."""

    code = "suppliers.template"


def parse_template(text: str, *, name: str) -> tuple[FileColumn, ...]:
    """The columns in their order; one line each, under `name,attribute,kind,constant`.

    Args:
        text: Of the file.
        name: Of the file; told in errors.

    Raises:
        TemplateError: All faults of the file.
    """
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise _refuse(name, [f"it is no CSV file: {error}"]) from error
    if tuple(reader.fieldnames or ()) != HEADERS:
        raise _refuse(name, [f"its first line must be {','.join(HEADERS)}"])
    faults = [fault for at, row in enumerate(rows, start=2) for fault in _list_faults(at, row)]
    counts = Counter(row["attribute"] for row in rows if row["attribute"])
    faults += [f"{one} stands in {count} columns" for one, count in counts.items() if count > 1]
    if "action" not in counts:
        faults.append("no column holds `action`, the first of every template")
    if len(rows) > COLUMNS_MAX:
        faults.append(f"it has more than {COLUMNS_MAX} columns")
    if faults:
        raise _refuse(name, faults)
    return tuple(
        FileColumn(
            name=row["name"],
            attribute=row["attribute"],
            kind=ColumnKind(row["kind"] or ColumnKind.TEXT),
            constant=row["constant"],
        )
        for row in rows
    )


def verify_covered(bench: SupplierBench) -> str:
    """The template holds whatever the flow writes by file; returns how many columns it has.

    Raises:
        TemplateError: It lacks columns; all of them are named.
    """
    if bench.flow.send not in WAYS_OF_FILES:
        return f"{len(bench.template)} columns, not used with `send: {bench.flow.send}`"
    missing = list_uncovered(bench.flow, bench.template)
    if missing:
        faults = [f"no column holds `{name}`" for name in missing]
        raise _refuse(str(bench.flow.template), faults, next_step=COVER)
    return f"{len(bench.template)} columns"


def list_uncovered(flow: SupplierFlow, template: Sequence[FileColumn]) -> list[str]:
    """What the flow would write and no column of the template holds, in order."""
    wanted = {one.attribute for one in flow.attributes if one.owner == "model"}
    wanted |= set(flow.creation_values) if flow.creations else set()
    if "name" in wanted:
        wanted |= {"new_name"}
    wanted |= {"name", "batch"} | ({"number"} if flow.creations else set())
    return sorted(wanted - {column.attribute for column in template})


def _list_faults(at: int, row: dict[str, str]) -> list[str]:
    if None in row or None in row.values():
        return [f"line {at} does not have {len(HEADERS)} values"]
    faults = []
    if not row["name"].strip():
        faults.append(f"line {at} names no column")
    if row["kind"] not in ("", *ColumnKind):
        faults.append(f"line {at}: {row['kind']!r} is none of {', '.join(ColumnKind)}")
    elif (row["kind"] == ColumnKind.DATE) != (ATTRIBUTE_KINDS.get(row["attribute"]) == "date"):
        # A day written as any other text makes the ERP refuse the file whole.
        word = "is no day" if row["kind"] == ColumnKind.DATE else "is a day, its kind is `date`"
        faults.append(f"line {at}: {row['attribute'] or row['name']} {word}")
    if row["attribute"] and row["constant"]:
        faults.append(f"line {at} has both an attribute and a constant")
    return faults


def _refuse(name: str, faults: list[str], *, next_step: str = REWRITE) -> SettingsError:
    return TemplateError(
        f"The template {name} cannot be used: {'; '.join(faults)}.",
        written="Nothing was read or written.",
        next_step=next_step,
        file=name,
    )
