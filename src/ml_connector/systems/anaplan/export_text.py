"""Bytes of an export as text: the encoding is told, proved by the bytes, and never guessed (A-20).

What a byte order mark or the zero bytes of UTF-16 prove stands above what the model tells. What
nothing proves is read as told, as long as no byte speaks against it.
"""

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

from ml_connector.systems.anaplan.export_errors import ExportCutError, ExportFormError

HEAD_BYTES = 4096
"""Bytes at the beginning that are looked at before anything is decoded."""
UTF_8 = "utf-8"
_LITTLE, _BIG = "utf-16-le", "utf-16-be"
_EITHER = "utf-16"
_LATIN = frozenset({"iso-8859-1", "iso-8859-15"})
_BYTEWISE = _LATIN | {"cp1252"}
_FEW_LETTERS = _BYTEWISE | {"ascii"}
"""Where a letter is missing, `?` is written instead."""
_CODECS = {
    "UTF8": UTF_8, "UTF16": _EITHER, "UTF16LE": _LITTLE, "UTF16BE": _BIG, "USASCII": "ascii",
    "ASCII": "ascii", "ISO88591": "iso-8859-1", "LATIN1": "iso-8859-1",
    "ISO885915": "iso-8859-15", "WINDOWS1252": "cp1252", "CP1252": "cp1252",
}  # fmt: skip
_UTF_32 = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
_MARKS = {b"\xef\xbb\xbf": UTF_8, b"\xff\xfe": _LITTLE, b"\xfe\xff": _BIG}
_MARK = "\ufeff"
_NO_TEXT = {
    b"PK\x03\x04": "an Excel workbook or another zip file",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "gzipped",
}
_CHANGE_FORMAT = "Let the export be CSV or plain text."
_CHANGE_ENCODING = "Let the export be encoded as UTF-8."


def decode_export(content: Iterable[bytes], told: str) -> Iterator[str]:
    """Yield the text piece by piece, without a mark before it.

    Args:
        content: The output's bytes, cut anywhere.
        told: The encoding as the model names it; empty where it does not.

    Raises:
        ExportFormError: The bytes are no text, or speak against what was told.
        ExportCutError: They end inside a character.
    """
    head, rest = _look(content)
    codec = find_codec(head, told)
    pieces = _decode(chain([head], rest), codec, told=told)
    proof = _verify_bytewise(pieces, codec) if codec in _BYTEWISE else pieces
    is_first = True
    for piece in proof:
        text = piece.removeprefix(_MARK) if is_first else piece
        _verify_letters(text, codec)
        is_first = False
        yield text


def find_codec(head: bytes, told: str) -> str:
    """Python's name of the encoding these first bytes have.

    Raises:
        ExportFormError: They are no text, or in an encoding nothing tells.
    """
    _verify_text(head)
    marked = next((codec for mark, codec in _MARKS.items() if head.startswith(mark)), "")
    if marked:
        return marked
    name = "".join(character for character in told.upper() if character.isalnum())
    codec = _CODECS.get(name, "") if name else UTF_8
    if not codec:
        raise ExportFormError(
            f"the model tells the encoding {told!r}, which is not among UTF-8, UTF-16, ISO-8859-1,"
            " ISO-8859-15, Windows-1252 and ASCII",
            change=_CHANGE_ENCODING,
        )
    wide = _find_wide(head)
    if wide == _EITHER:
        return _settle_order(codec, told=told)
    if codec.startswith(_EITHER) and head and not wide:
        raise ExportFormError(
            f"the model tells {told}, and none of its bytes is zero", change=_CHANGE_ENCODING
        )
    return wide or (codec if head else UTF_8)


def verify_encoding(told: str) -> None:
    """The encoding the model tells is one that can be read.

    Raises:
        ExportFormError: It is not.
    """
    find_codec(b"", told)


def _settle_order(codec: str, *, told: str) -> str:
    """The order of bytes as it was told, where the zero bytes allow both."""
    if codec in (_LITTLE, _BIG):
        return codec
    raise ExportFormError(
        f"its bytes look like UTF-16 of unknown order, and the model tells {told or 'nothing'}",
        change=_CHANGE_ENCODING,
    )


def _look(content: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    rest = iter(content)
    head = b""
    while len(head) < HEAD_BYTES and (piece := next(rest, None)) is not None:
        head += piece
    return head, rest


def _verify_text(head: bytes) -> None:
    kind = next((name for mark, name in _NO_TEXT.items() if head.startswith(mark)), "")
    if not kind and head[:64].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        kind = "a page of HTML or XML"
    if kind:
        raise ExportFormError(f"it is no text but {kind}", change=_CHANGE_FORMAT)
    if head.startswith(_UTF_32):
        raise ExportFormError("it is encoded as UTF-32", change=_CHANGE_ENCODING)


def _find_wide(head: bytes) -> str:
    """UTF-16 in the order that zero bytes show, or in either; empty where there are none.

    No other text holds a zero byte. Where all stand in one half of the pairs, that half is the
    upper one: separators and line ends are such pairs in every language.
    """
    upper_first = head[0::2].count(0)
    upper_last = head[1::2].count(0)
    if upper_first and upper_last:
        return _EITHER
    if upper_last:
        return _LITTLE
    return _BIG if upper_first else ""


def _decode(content: Iterable[bytes], codec: str, *, told: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(codec)()
    read = 0
    for piece in content:
        try:
            text = decoder.decode(piece)
        except UnicodeDecodeError as error:
            raise _refuse_bytes(error, codec, told=told, read=read) from error
        read += len(piece)
        if text:
            yield text
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise ExportCutError(f"it ends inside a character, after {read:,} bytes") from error


def _verify_letters(text: str, codec: str) -> None:
    """No letter of the text stands for one that was lost, or for the seam of two files."""
    if _MARK in text or "\0" in text:
        raise ExportFormError(
            "a byte order mark or a zero character stands inside the text",
            change="Several files were put together, or the encoding is another one.",
        )
    sign = "\ufffd" if "\ufffd" in text else "?"
    if sign in text and (sign != "?" or codec in _FEW_LETTERS):
        raise ExportFormError(
            f"a {sign} may stand for a letter that {codec.upper()} does not have"
            if sign == "?"
            else f"a {sign} stands for a letter that was lost",
            change=_CHANGE_ENCODING,
        )


def _verify_bytewise(pieces: Iterable[str], codec: str) -> Iterator[str]:
    """Yield the pieces; at their end they are known to be no UTF-8 and to hold no control signs.

    Every sequence of bytes is some text in these encodings, so the text itself must not speak for
    another: letters that make up valid UTF-8 are hardly ever meant as they stand.
    """
    decoder = codecs.getincrementaldecoder(UTF_8)()
    is_utf_8, is_plain = True, True
    for piece in pieces:
        if codec in _LATIN and any("\x80" <= character <= "\x9f" for character in piece):
            raise ExportFormError(
                f"the model tells {codec.upper()}, and bytes from 80 to 9F, which it has no letter"
                " for, speak for Windows-1252",
                change=_CHANGE_ENCODING,
            )
        is_plain = is_plain and piece.isascii()
        is_utf_8 = is_utf_8 and _continues(decoder, piece.encode(codec))
        yield piece
    if is_utf_8 and not is_plain and _continues(decoder, b"", is_end=True):
        raise ExportFormError(
            f"the model tells {codec.upper().replace('CP', 'Windows-')}, and all letters outside"
            " ASCII are valid UTF-8",
            change=_CHANGE_ENCODING,
        )


def _continues(decoder: codecs.IncrementalDecoder, content: bytes, *, is_end: bool = False) -> bool:
    try:
        decoder.decode(content, is_end)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_bytes(
    error: UnicodeDecodeError, codec: str, *, told: str, read: int
) -> ExportFormError:
    says = f"the model tells {told}" if told else "the model tells no encoding"
    byte = error.object[error.start]
    return ExportFormError(
        f"{says}, and byte {byte:02X} at about {read + error.start:,} is no {codec.upper()}",
        change=_CHANGE_ENCODING,
    )
