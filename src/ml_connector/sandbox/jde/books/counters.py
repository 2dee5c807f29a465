"""Next numbers: batches from one counter, documents from one for each company."""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.sandbox.store import Store

_SPACE = "jde.documents"


def save_counters(store: Store, *, next_batch: int, next_documents: Mapping[str, int]) -> None:
    """The counters stand at these numbers."""
    store.execute("INSERT OR REPLACE INTO F0002 (SY, NN001) VALUES ('00', ?)", (next_batch,))
    for company, number in next_documents.items():
        store.save(_SPACE, company, number)


def take_batch_number(store: Store) -> int:
    """Return a batch number that nobody else will have."""
    with store.transaction():
        number = int(store.query("SELECT NN001 FROM F0002 WHERE SY = '00'")[0][0])
        while _is_batch_taken(store, number):
            number += 1
        store.execute("UPDATE F0002 SET NN001 = ? WHERE SY = '00'", (number + 1,))
    return number


def take_document_number(store: Store, company: str) -> int:
    """Return a document number that no other document of the company will have."""
    with store.transaction():
        number = int(store.find(_SPACE, company))
        store.save(_SPACE, company, number + 1)
    return number


def _is_batch_taken(store: Store, number: int) -> bool:
    """Return whether somebody has brought this number along for a batch of his own."""
    return bool(store.query("SELECT 1 FROM F0011 WHERE ICU = ? LIMIT 1", (number,)))
