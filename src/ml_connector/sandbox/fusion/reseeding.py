"""The company's rows kept aside, so that a reset copies them instead of making them anew."""

from __future__ import annotations

from ml_connector.sandbox.fusion.schema import clear_tables, list_tables
from ml_connector.sandbox.fusion.seeding import forget_company, seed_company
from ml_connector.sandbox.fusion.supplier_desk import ROW_COUNTER
from ml_connector.sandbox.fusion.supplier_seeding import seed_suppliers
from ml_connector.sandbox.store import Store

_FACTS = "kv"
_FACTS_WANTED = "space = 'fusion'"
_KEPT = "temp.seeded_"


def reseed(store: Store, *, lines: int) -> int:
    """The tables hold what they held on a fresh state folder; the lines of the company.

    The first time it is made, and kept aside for as long as the store is open.
    """
    with store.transaction():
        clear_tables(store)
        forget_company(store)
        store.delete(*ROW_COUNTER)
        if _is_kept(store):
            _lay_kept(store)
            return lines
        seed_company(store, lines=lines)
        seed_suppliers(store)
        _keep(store)
    return lines


def _is_kept(store: Store) -> bool:
    return bool(store.query("SELECT 1 FROM sqlite_temp_master LIMIT 1"))


def _keep(store: Store) -> None:
    for table in list_tables():
        store.execute(f"CREATE TABLE {_KEPT}{table} AS SELECT * FROM {table}")  # noqa: S608 - our own names
    store.execute(
        f"CREATE TABLE {_KEPT}{_FACTS} AS SELECT * FROM {_FACTS} WHERE {_FACTS_WANTED}"  # noqa: S608 - our own names
    )


def _lay_kept(store: Store) -> None:
    # In the order they were made in, so that each has the number it had.
    for table in list_tables():
        store.execute(f"INSERT INTO {table} SELECT * FROM {_KEPT}{table} ORDER BY rowid")  # noqa: S608 - our own names
    store.execute(f"DELETE FROM {_FACTS} WHERE {_FACTS_WANTED}")  # noqa: S608 - our own names
    store.execute(f"INSERT INTO {_FACTS} SELECT * FROM {_KEPT}{_FACTS}")  # noqa: S608 - our own names
