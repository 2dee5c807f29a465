"""Failure dumps: the rows an import did not, or not wholly, take."""

import re
from collections.abc import Iterable, Iterator, Sequence

from ml_connector.ports import RefusedRow
from ml_connector.systems.anaplan.csv_stream import parse_rows

_STATUS = "_Status_"
_LINE = "_Line_"
_ERROR_FORM = re.compile(r"_Error_\d+_")
_WARNING = "W"


def parse_dump(content: Iterable[bytes]) -> Iterator[RefusedRow]:
    """Yield the rows of a dump in file order; nothing for an empty one.

    A header that is repeated by a later chunk is passed over: no source row can carry the word
    `_Status_` in the status column (A-14).

    Raises:
        ProtocolError: The bytes are no delimited text; says where.
    """
    rows = parse_rows(content)
    header = next(rows, [])
    for row in rows:
        if row != header:
            yield _parse_row(header, row)


def _parse_row(header: Sequence[str], row: Sequence[str]) -> RefusedRow:
    # A row may be shorter than the header: error columns are as many as the worst row needs.
    fields = dict(zip(header, row, strict=False))
    errors = [name for name in fields if _ERROR_FORM.fullmatch(name)]
    own = {_STATUS, _LINE, *errors}
    return RefusedRow(
        columns={name: text for name, text in fields.items() if name not in own},
        reasons=tuple(fields[name] for name in errors if fields[name]),
        is_warning=fields.get(_STATUS, "") == _WARNING,
    )
