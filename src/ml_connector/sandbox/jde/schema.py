"""Every table of the sandbox's database, and its shape in SQLite.

SQLite tables and columns are named as in the product, without the column prefix: `F0911`, `AA`
(write "52PP" and "USER" in double quotes). Every column has a default (empty text or 0), so an
insert names only what it fills. Values are raw:

- texts as `Column.raw_text` gives them: business units 12 wide at the right, UDC keys 10 wide at
  the right, companies and account ids with zeros before them, all others without trailing
  blanks; blank is the empty text. All comparing ignores trailing blanks.
- numbers are integers with `Column.decimals` implied; amounts have those of their currency.
- dates are CYYDDD, times HHMMSS; 0 is none.
"""

from __future__ import annotations

from ml_connector.sandbox.jde.columns import Column, Kind, Table
from ml_connector.sandbox.jde.ledger_tables import LEDGER_TABLES
from ml_connector.sandbox.jde.master_tables import MASTER_TABLES, SIGN_ON_TABLES
from ml_connector.sandbox.store import Store

TABLES: dict[str, Table] = {
    table.name: table for table in (*LEDGER_TABLES, *MASTER_TABLES, *SIGN_ON_TABLES)
}


def create_tables(store: Store) -> None:
    """Every table and index exists; what was there stays."""
    with store.transaction():
        for table in TABLES.values():
            store.execute(_table_sql(table))
        create_indexes(store)


def create_indexes(store: Store) -> None:
    """Every index besides the primary keys exists."""
    with store.transaction():
        for table in TABLES.values():
            for name, columns in _indexes(table):
                store.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {table.name} ({columns})")


def drop_indexes(store: Store) -> None:
    """Only the primary keys are left, as suits a load of very many rows."""
    with store.transaction():
        for table in TABLES.values():
            for name, _columns in _indexes(table):
                store.execute(f"DROP INDEX IF EXISTS {name}")


def clear_tables(store: Store) -> None:
    """No table holds a row."""
    with store.transaction():
        for name in TABLES:
            store.execute(f"DELETE FROM {name}")  # noqa: S608 - names are the constants above


def _table_sql(table: Table) -> str:
    columns = ", ".join(_column_sql(column) for column in table.columns)
    key = ", ".join(f'"{alias}"' for alias in table.key)
    return f"CREATE TABLE IF NOT EXISTS {table.name} ({columns}, PRIMARY KEY ({key}))"


def _column_sql(column: Column) -> str:
    if column.kind is Kind.TEXT:
        # The collation is what lets "G " and "G" be the same batch type, indexes included.
        return f"\"{column.alias}\" TEXT COLLATE RTRIM NOT NULL DEFAULT ''"
    return f'"{column.alias}" INTEGER NOT NULL DEFAULT 0'


def _indexes(table: Table) -> list[tuple[str, str]]:
    return [
        (f"{table.name}_{number}", ", ".join(f'"{alias}"' for alias in aliases))
        for number, aliases in enumerate(table.indexes, start=1)
    ]
