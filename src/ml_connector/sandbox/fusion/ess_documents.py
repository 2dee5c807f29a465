"""Documents in the content store: uploaded, written by jobs, found by the start of their name."""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass

from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.store import Store

_FIRST_DOCUMENT_ID = 3_200_101
_ZIP_DATE = (2026, 11, 3, 8, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A stored document."""

    file_name: str
    content: bytes
    account: str | None = None
    comments: str | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentBook:
    """Every document there is, by id."""

    store: Store

    def add(self, document: Document) -> int:
        """The document is stored; its id."""
        found = self.store.query("SELECT MAX(_id) FROM ess_documents")[0][0]
        document_id = _FIRST_DOCUMENT_ID if found is None else int(found) + 1
        self.store.execute(
            "INSERT INTO ess_documents (_id, file_name, account, comments, content_type, content)"
            " VALUES (?,?,?,?,?,?)",
            (document_id, document.file_name, document.account, document.comments,
             document.content_type, document.content),
        )  # fmt: skip
        return document_id

    def find(self, document_id: int) -> Document | None:
        """Return a document, or None."""
        sql = (
            "SELECT file_name, account, comments, content_type, content FROM ess_documents"
            " WHERE _id = ?"
        )
        found = self.store.query(sql, (document_id,))
        if not found:
            return None
        name, account, comments, content_type, content = found[0]
        return Document(
            file_name=name,
            account=account,
            comments=comments,
            content_type=content_type,
            content=bytes(content),
        )

    def find_ids(self, prefix: str, account: str | None) -> list[int]:
        """Return the ids of the documents whose name begins so, the oldest first."""
        sql = (
            "SELECT _id FROM ess_documents WHERE substr(file_name, 1, length(?)) = ?"
            " AND (? IS NULL OR account = ?) ORDER BY _id"
        )
        return [int(row[0]) for row in self.store.query(sql, (prefix, prefix, account, account))]


def parse_account(text: str | None) -> str:
    """Return an account without the marks of its levels: `a$/b$` and `a/b` are the same."""
    return "/".join(level.rstrip("$") for level in (text or "").strip("/").split("/"))


def decode_content(text: str | None) -> bytes:
    """Return what a base64 text holds; 400 where it is none."""
    try:
        return base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        raise RefusalError(
            400, "The value of DocumentContent is not base64.", path="/DocumentContent"
        ) from None


def encode_zip(entries: Iterable[tuple[str, str]]) -> str:
    """Return a zip of texts as base64; its entries are deflated."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in entries:
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), text, zipfile.ZIP_DEFLATED)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
