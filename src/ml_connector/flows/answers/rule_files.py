"""Mapping rules as files people send: CSV text or a workbook; all faults of one at once."""

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from ml_connector.domain.mapping_file import (
    MappingFault,
    MappingWords,
    check_heading,
    parse_mapping,
    parse_rows,
)
from ml_connector.domain.mapping_rules import COLUMNS, MappingSet, render_rule
from ml_connector.errors import UsageError

ROWS_MAX = 100_000
"""Rows of a workbook; a ledger has fewer accounts."""
UNPACKED_BYTES_MAX = 100_000_000
"""Size of an unpacked workbook; a larger one is not opened."""
COLUMNS_MAX = 200
"""Cells of a row of a workbook; far more than there are columns of rules."""
CELL_CHARACTERS_MAX = 32_767
"""What a cell of a workbook holds; a longer text would be cut off without a word."""
PLAIN_FORMATS = frozenset({"General", "0", "@"})
"""Formats of cells that show a whole number by its digits alone."""
SHEET = "Mapping rules"
_ZIP_MARK = b"PK\x03\x04"
_OTHER_MARKS = {
    # A workbook with a password is such a file too, whatever its name ends with.
    b"\xd0\xcf\x11\xe0": "it is a workbook of the old kind, or one with a password: save it anew"
    " as .xlsx, without a password",
    b"\xff\xfe": "it is UTF-16 text: save it as CSV UTF-8",
    b"\xfe\xff": "it is UTF-16 text: save it as CSV UTF-8",
    b"%PDF": "it is a PDF document",
}
"""How files begin that are none of ours but that people send as if they were."""
_TORN = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, IndexError, SyntaxError,
    TypeError, AttributeError, NotImplementedError, RuntimeError, OSError,
)  # fmt: skip
"""What is raised of a workbook that is damaged, binary, encrypted or none; some at a later row."""


class UnfitWorkbookError(UsageError):
    """A file of mapping rules is no workbook and no CSV text, or too large for one."""

    code = "mapping.unfit-file"


def read_rules(content: bytes, *, origin: str, words: MappingWords) -> MappingSet:
    """The rules of a file, whichever of the two kinds it is.

    Raises:
        MappingFaultsError: With every fault of the file.
        UnfitWorkbookError: It cannot be read at all.
    """
    if content.startswith(_ZIP_MARK):
        return _read_workbook(content, origin=origin, words=words)
    for mark, why in _OTHER_MARKS.items():
        if content.startswith(mark):
            raise _unfit(origin, why)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unfit(
            origin,
            f"it is neither a workbook nor UTF-8 text ({error.reason} at byte {error.start});"
            ' spreadsheets call that "CSV UTF-8"',
        ) from None
    return parse_mapping(text, origin=origin, facts=words.facts, dimensions=words.dimensions)


def render_workbook(mapping: MappingSet) -> bytes:
    """The rules as a workbook of texts; reading it gives the same rules.

    Raises:
        UnfitWorkbookError: A rule holds a character that a workbook cannot.
    """
    from openpyxl import Workbook  # noqa: PLC0415 - a third of a second.
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - as above.

    rows = [COLUMNS, *map(render_rule, mapping.rules)]
    _verify_writable(rows)
    book = Workbook(write_only=True)
    sheet = book.create_sheet(SHEET)
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCDEFG", (16, 42, 20, 11, 12, 12, 60), strict=True):
        sheet.column_dimensions[letter].width = width
    for row in rows:
        cells = [WriteOnlyCell(sheet, value=text) for text in row]
        for cell in cells:
            cell.data_type = "s"
        sheet.append(cells)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _verify_writable(rows: Iterable[Sequence[str]]) -> None:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415 - a third of a second.

    for row in rows:
        if any(ILLEGAL_CHARACTERS_RE.search(text) for text in row):
            raise UnfitWorkbookError(
                f"The rule {' '.join(row)!r} holds a character that a workbook cannot.",
                written="Nothing was written.",
                next_step="Take the CSV file, or remove the character from the rule.",
            )
        if any(len(text) > CELL_CHARACTERS_MAX for text in row):
            raise UnfitWorkbookError(
                f"The rule that begins with {' '.join(row)[:60]!r} holds a text of more than"
                f" {CELL_CHARACTERS_MAX:,} characters, which a cell of a workbook cannot.",
                written="Nothing was written.",
                next_step="Take the CSV file, or make several rules of this one.",
            )


def _read_workbook(content: bytes, *, origin: str, words: MappingWords) -> MappingSet:
    faults: list[MappingFault] = []
    rows = list(_read_rows(content, origin=origin, faults=faults))
    return parse_rows(rows, origin=origin, words=words, faults=faults)


def _read_rows(
    content: bytes, *, origin: str, faults: list[MappingFault]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of the first sheet with their numbers; faults are gathered."""
    heading: list[str] | None = None
    for line, cells in enumerate(_open_rows(content, origin), start=1):
        if line > ROWS_MAX:
            raise _unfit(origin, f"it has more than {ROWS_MAX:,} rows")
        before = len(faults)
        if len(cells) > COLUMNS_MAX:
            raise _unfit(origin, f"row {line} has more than {COLUMNS_MAX} columns")
        texts = [_read_cell(cell, origin, line, faults) for cell in cells]
        if not any(texts):
            continue
        if heading is None:
            heading = _trim([text.strip() for text in texts])
            faults += [MappingFault(origin, line, fault) for fault in check_heading(heading)]
            if not set(COLUMNS[:3]) <= set(heading):
                return
        else:
            if any(texts[len(heading) :]):
                faults.append(MappingFault(origin, line, "a cell stands right of the heading"))
            if len(faults) == before:
                yield line, dict(zip(heading, texts, strict=False))
    if heading is None:
        faults.append(MappingFault(origin, 0, f"the heading {','.join(COLUMNS)} is missing"))


def _trim(texts: list[str]) -> list[str]:
    """Without the empty cells behind the last one."""
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _open_rows(content: bytes, origin: str) -> Iterator[Any]:
    """Yield the rows of the first sheet, which is read while they are."""
    from openpyxl import load_workbook  # noqa: PLC0415 - a third of a second.

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > UNPACKED_BYTES_MAX:
                raise _unfit(origin, "it is too large unpacked")
        sheet = load_workbook(io.BytesIO(content), read_only=True).worksheets[0]
        # What a file says of its own size is often out of date; rows behind it would be lost.
        sheet.reset_dimensions()
        yield from sheet.iter_rows()
    except _TORN as error:
        raise _unfit(origin, f"it is no workbook ({type(error).__name__})") from error


def _read_cell(cell: Any, origin: str, line: int, faults: list[MappingFault]) -> str:
    """The cell as text; a number is taken as it is shown, unless nobody can tell how that is."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str) and cell.data_type not in ("f", "e"):
        return value
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        return value.date().isoformat()
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if is_whole and cell.number_format in PLAIN_FORMATS:
        return str(value)
    kind = "a formula" if cell.data_type == "f" else f"the value {value!s}"
    if is_whole:
        kind = f"{kind} in the format {cell.number_format}"
    text = f"cell {cell.coordinate} holds {kind}; write it as text"
    faults.append(MappingFault(origin, line, text))
    return "?"


def _unfit(origin: str, why: str) -> UnfitWorkbookError:
    return UnfitWorkbookError(
        f"The file {origin} cannot be read: {why}.",
        written="Nothing was saved; the rules in force are unchanged.",
        next_step="Send a CSV file in UTF-8 or an .xlsx workbook with the columns"
        f" {', '.join(COLUMNS)}.",
        file=origin,
    )
