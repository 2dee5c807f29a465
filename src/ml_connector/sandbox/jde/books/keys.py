"""Batches and documents by name."""

from __future__ import annotations

from typing import NamedTuple

from ml_connector.sandbox.store import Store


class BatchKey(NamedTuple):
    """A batch: type and number."""

    type: str
    number: int

    def __str__(self) -> str:
        return f"{self.type}-{self.number}"


class DocumentKey(NamedTuple):
    """A document: company, type and number."""

    company: str
    type: str
    number: int

    def __str__(self) -> str:
        return f"{self.company}-{self.type}-{self.number}"


def parse_batch(text: str) -> BatchKey:
    """Return the batch of a text such as G-15981.

    Raises:
        ValueError: The text has another form.
    """
    type_, dash, number = text.partition("-")
    if not dash or not number.isdigit():
        raise ValueError(f"{text!r} is no batch; one looks like G-15981.")
    return BatchKey(type_.strip(), int(number))


def parse_document(text: str) -> DocumentKey:
    """Return the document of a text such as 00001-JE-41260.

    Raises:
        ValueError: The text has another form.
    """
    parts = text.split("-")
    if len(parts) != 3 or not parts[2].isdigit():
        raise ValueError(f"{text!r} is no document; one looks like 00001-JE-41260.")
    return DocumentKey(parts[0], parts[1], int(parts[2]))


def find_document(store: Store, explanation: str) -> DocumentKey | None:
    """Return the first document with this explanation, or None."""
    sql = "SELECT KCO, DCT, DOC FROM F0911 WHERE EXA = ? ORDER BY DOC LIMIT 1"
    found = store.query(sql, (explanation,))
    return DocumentKey(*found[0]) if found else None


def load_batch_of(store: Store, document: DocumentKey) -> BatchKey:
    """Return the batch a document stands in.

    Raises:
        LookupError: There is no such document.
    """
    sql = "SELECT ICUT, ICU FROM F0911 WHERE DCT = ? AND DOC = ? AND KCO = ? LIMIT 1"
    found = store.query(sql, (document.type, document.number, document.company))
    if not found:
        raise LookupError(f"There is no document {document}.")
    return BatchKey(*found[0])
