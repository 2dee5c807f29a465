"""The revised list: exported, read row by row; a row that cannot be read is named and set aside.

Suppliers do not hang together as the lines of a budget do, so one bad row holds back itself only.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ml_connector.domain.cell_values import (
    CellValueError,
    is_blank,
    parse_day,
    parse_flag,
    parse_number,
    parse_text,
)
from ml_connector.domain.money import render_plain
from ml_connector.errors import RefusedError
from ml_connector.flows.bench import SupplierBench, cut, store_document
from ml_connector.flows.proving.readback import read_view
from ml_connector.ports import Json
from ml_connector.settings import ATTRIBUTE_KINDS, SupplierAttribute

ROWS_MAX = 200_000
"""Rows of a view; a list of more suppliers is somebody's mistake."""
CHUNK_ROWS = 500
"""Rows that are compared in one step."""
FAULTS_SHOWN_MAX = 40
NOT_PRINTED = "it holds a line break or another character that is not printed"
YEARS = frozenset({"year_established", "year_incorporated"})
"""Attributes that a model holds as numbers, and whose 0 is a cell that nobody filled."""
CELL_SHOWN_MAX = 60
"""Characters of a cell that are told; a step's result is bounded, and cells are not."""


class RevisedViewError(RefusedError):
    """The view lacks columns the flow reads, or has more rows than a list of suppliers can have."""

    code = "suppliers.view-shape"


class RevisedViewEmptyError(RefusedError):
    """The view shows no supplier; that is never read as a list without suppliers."""

    code = "suppliers.view-empty"


@dataclass(slots=True)
class Reading:
    """Rows taken so far by number and name, and what is wrong with the others."""

    rows: list[Json] = field(default_factory=list)
    faults: list[Json] = field(default_factory=list)
    numbers: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    """Names of rows without a number, whatever their capitals and blanks."""


def read_revised(bench: SupplierBench, export_hash: str) -> Json:
    """The view's rows as chunks of `{row, number, values, blank}`, archived; `values` by attribute.

    An empty cell that says nothing is no value; its attribute is among the `blank`.

    Raises:
        RevisedViewEmptyError: The view has no row.
        RevisedViewError: It lacks columns, or is too long.
    """
    reading = Reading()
    parsers = [(one, _make_parser(one)) for one in bench.flow.attributes]
    wanted = [bench.flow.number_column, *(one.column for one in bench.flow.attributes)]
    rows = read_view(bench, export_hash, wanted, rows_max=ROWS_MAX, error=RevisedViewError)
    for number, row in enumerate(rows, start=2):
        _take(bench, reading, parsers, number, row)
    kept = list(_keep_single(reading))
    if not kept and not reading.faults:
        raise RevisedViewEmptyError(
            f"The export {bench.flow.export!r} shows no supplier.",
            written="Nothing was written; the ERP keeps what it holds.",
            next_step="Look at the list in the model: was it filtered or emptied? Then run again.",
            export=bench.flow.export,
        )
    faults = sorted(reading.faults, key=lambda fault: fault["row"])
    return {
        "chunks": [store_document(bench.archive, list(part)) for part in cut(kept, CHUNK_ROWS)],
        "rows": len(kept) + len(faults),
        "faults": len(faults),
        "faults_shown": faults[:FAULTS_SHOWN_MAX],
        "faults_document": store_document(bench.archive, faults),
    }


Parser = Callable[[str], str]


def _make_parser(one: SupplierAttribute) -> Parser:
    kind = ATTRIBUTE_KINDS[one.attribute]
    if kind == "date":
        return lambda text: parse_day(text, pattern=one.dates)
    if kind == "flag":
        return parse_flag
    if kind == "amount":
        return lambda text: render_plain(parse_number(text))
    return parse_text


def _take(
    bench: SupplierBench,
    reading: Reading,
    parsers: list[tuple[SupplierAttribute, Parser]],
    number: int,
    row: dict[str, str],
) -> None:
    """The row is among those taken, or its faults are named."""
    values, blank, faults = {}, [], []
    for one, parse in parsers:
        text = row[one.column]
        if is_blank(text) or (one.attribute in YEARS and text.strip() == "0"):
            if one.blank == "clear":
                values[one.attribute] = ""
            else:
                blank.append(one.attribute)
            continue
        try:
            values[one.attribute] = value = parse(text)
        except CellValueError as error:
            faults.append(f"{one.column} {text[:CELL_SHOWN_MAX]!r}: {error.reason}")
            continue
        # Told here, for what no ERP takes would hold back all that leaves in one request with it.
        if not value.isprintable():
            faults.append(f"{one.column} {text[:CELL_SHOWN_MAX]!r}: {NOT_PRINTED}")
    code = row[bench.flow.number_column].strip()
    if not code and not values.get("name"):
        faults.append("it has neither a number nor a name")
    if faults:
        reading.faults.append({"row": number, "number": code, "fault": "; ".join(faults)})
        return
    reading.numbers[code] += bool(code)
    reading.names[_fold(values.get("name", ""))] += not code
    reading.rows.append({"row": number, "number": code, "values": values, "blank": blank})


def _keep_single(reading: Reading) -> Iterator[Json]:
    """Yield the rows that are alone with their number or name; the others become faults."""
    for row in reading.rows:
        code, name = row["number"], row["values"].get("name", "")
        count = reading.numbers[code] if code else reading.names[_fold(name)]
        if count == 1:
            yield row
            continue
        fault = f"{count} rows have the number" if code else f"{count} new suppliers have the name"
        reading.faults.append({"row": row["row"], "number": code or name, "fault": fault})


def _fold(name: str) -> str:
    return " ".join(name.split()).casefold()
