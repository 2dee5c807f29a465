"""Uploaded zips opened: the file that a job wants, row by row, in the order of a template."""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from datetime import datetime

from ml_connector.sandbox.fusion.imports_templates import END, Template

ROWS_MAX = 100_000
UNPACKED_BYTES_MAX = 512 * 1024 * 1024
_DATE_COLUMNS = frozenset({"END_DATE_ACTIVE", "INACTIVE_DATE", "TAX_VERIFICATION_DATE"})
_CLEARED = "#NULL"
Values = dict[str, str]


class FileRefusalError(Exception):
    """A file that the loader does not take; none of its rows is in the interface table."""


def open_rows(content: bytes, template: Template, release: str) -> list[Values]:
    """Return the rows of the one file in the zip that the job wants.

    Raises:
        FileRefusalError: No zip, no such file, or a row that does not fit the template.
    """
    columns = template.columns(release)
    text = _unpack(content, template)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    if len(rows) > ROWS_MAX:
        raise FileRefusalError(f"The file has more than {ROWS_MAX} rows.")
    listed = [(number, row) for number, row in enumerate(rows, 1) if any(row)]
    return [_values(columns, number, row) for number, row in listed]


def _unpack(content: bytes, template: Template) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = [name for name in archive.namelist() if name in template.files]
            if not found:
                raise FileRefusalError(
                    f"The zip holds {archive.namelist()}; {template.definition} wants"
                    f" {' or '.join(template.files)}."
                )
            if archive.getinfo(found[0]).file_size > UNPACKED_BYTES_MAX:
                raise FileRefusalError(f"{found[0]} is too large.")
            return archive.read(found[0]).decode("utf-8-sig")
    except (zipfile.BadZipFile, zlib.error):
        raise FileRefusalError("The document is no zip file.") from None
    except UnicodeDecodeError:
        raise FileRefusalError("The file is not written in UTF-8.") from None


def _values(columns: tuple[str, ...], number: int, row: list[str]) -> Values:
    """Return the filled values of a row; columns at the end may be left out."""
    if len(row) > len(columns):
        raise FileRefusalError(
            f"Record {number}: {len(row)} columns, the template has {len(columns)}."
        )
    values = {name: value.strip() for name, value in zip(columns, row, strict=False)}
    for name in values.keys() & _DATE_COLUMNS:
        values[name] = _day(number, name, values[name])
    return {name: value for name, value in values.items() if value and name != END}


def _day(number: int, name: str, value: str) -> str:
    if value in {"", _CLEARED}:
        return value
    try:
        return datetime.strptime(value, "%Y/%m/%d").date().isoformat()  # noqa: DTZ007 - a date
    except ValueError:
        raise FileRefusalError(
            f"Record {number}, column {name}: {value!r} is no date of the form YYYY/MM/DD."
        ) from None
