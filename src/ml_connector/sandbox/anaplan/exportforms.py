"""The form of an export's output file: how rows become lines, and lines bytes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ml_connector.sandbox.anaplan.definitions import ExportDef
from ml_connector.sandbox.switches import Switches

_CODECS = {
    "UTF-8": ("utf-8", b"\xef\xbb\xbf"),
    "UTF-16LE": ("utf-16-le", b"\xff\xfe"),
    "ISO-8859-1": ("latin-1", b""),
    "windows-1252": ("cp1252", b""),
}
_BOOKS = {
    "application/vnd.ms-excel": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": b"PK\x03\x04",
    "application/pdf": b"%PDF-1.7\n",
}
TEXT_FORMATS = ("text/csv", "text/plain")
ENCODINGS = tuple(_CODECS)
FORMATS = (*TEXT_FORMATS, *_BOOKS)
SEPARATORS = (",", ";", "\t", "|")
DELIMITERS = ('"', "'", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineForm:
    """How the fields of a row become a line."""

    separator: str
    delimiter: str
    newline: str
    is_all_quoted: bool = False
    is_blank_quoted: bool = False
    escape: str = ""

    def line(self, row: Sequence[str]) -> str:
        """The row as one line, its end included."""
        return self.separator.join(map(self._field, row)) + self.newline

    def _field(self, text: str) -> str:
        mark = self.delimiter
        # Without a delimiter nothing is protected: a separator inside a text tears the row.
        if not mark or not self._is_quoted(text):
            return text
        if not self.escape:
            return f"{mark}{text.replace(mark, mark * 2)}{mark}"
        safe = text.replace(self.escape, self.escape * 2).replace(mark, self.escape + mark)
        return f"{mark}{safe}{mark}"

    def _is_quoted(self, text: str) -> bool:
        if self.is_all_quoted or (self.is_blank_quoted and not text):
            return True
        return any(one in text for one in (self.separator, self.delimiter, "\n", "\r"))


def find_separator(definition: ExportDef) -> str:
    """The separator of the definition, else that of its format."""
    return definition.separator or ("\t" if definition.format == "text/plain" else ",")


def line_form(definition: ExportDef, switches: Switches) -> LineForm:
    """What the definition says of lines, and the switches where nobody says anything."""
    return LineForm(
        separator=find_separator(definition),
        delimiter=definition.delimiter,
        newline="\r\n" if switches["export.newline"] == "CRLF" else "\n",
        is_all_quoted=switches["export.quoting"] == "all",
        is_blank_quoted=switches["export.blank"] == "quoted",
        escape="\\" if switches["export.quote_escape"] == "backslash" else "",
    )


def render_file(rows: Iterable[Sequence[str]], definition: ExportDef, switches: Switches) -> bytes:
    """The rows as the bytes of the file; a character the encoding lacks becomes a `?`.

    Of a workbook or a printed page there is only as much as tells that it is no text.
    """
    if definition.format in _BOOKS:
        return _BOOKS[definition.format]
    form = line_form(definition, switches)
    codec, mark = _CODECS[definition.encoding]
    text = "".join(form.line(row) for row in rows)
    has_mark = text and switches["export.bom"] == "on"
    return (mark if has_mark else b"") + text.encode(codec, errors="replace")
