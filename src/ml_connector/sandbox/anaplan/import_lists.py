"""Imports into lists: rows become new or updated items, bad rows go to the dump."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ml_connector.sandbox.anaplan.data import Changes, Item, ItemList
from ml_connector.sandbox.anaplan.definitions import ImportDef
from ml_connector.sandbox.anaplan.results import (
    MESSAGES,
    Outcome,
    Rejected,
    detail,
    error_details,
    failed,
)
from ml_connector.sandbox.anaplan.values import find_number_error

CODE_CHARACTERS_MAX = 60
_PROPERTY = "property:"


class RowError(Exception):
    """The row is not loaded; `kind` is the detail type, `text` goes to the dump."""

    def __init__(self, kind: str, text: str = "") -> None:
        self.kind = kind
        self.text = text or MESSAGES[kind]
        super().__init__(self.text)


@dataclass(slots=True, kw_only=True)
class _Tally:
    created: int = 0
    updated: int = 0
    warned_created: int = 0
    warned_updated: int = 0
    renamed: int = 0
    ignored: int = 0
    errors: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A parsed source: header texts and numbered rows."""

    headers: list[str]
    rows: list[tuple[int, list[str]]]

    def positions(self, definition: ImportDef) -> dict[str, int]:
        """The column of each mapped target that the header really has."""
        return {
            target: self.headers.index(text)
            for target, text in definition.columns.items()
            if text in self.headers
        }


class ListImport:
    """One run of a list import on a copy of the list."""

    def __init__(self, definition: ImportDef, items: ItemList, *, unique_names: bool) -> None:
        self._definition = definition
        self._items = items.copy()
        self._unique_names = unique_names
        self._tally = _Tally()
        self._rejected: list[Rejected] = []

    def run(self, table: Table) -> tuple[Outcome, Changes]:
        """The outcome and what is to be committed."""
        one = self._definition
        columns = table.positions(one)
        missing = [text for text in one.columns.values() if text not in table.headers]
        if missing:
            return failed(one.id, one.name, "missingFields", f"Missing: {missing}"), Changes()
        if one.on_duplicate == "reject" and _has_duplicates(table, columns["code"]):
            return failed(one.id, one.name, "hierarchyImportDuplicateSourceKey"), Changes()
        self._load_rows(table, columns)
        outcome = self._outcome(table)
        return outcome, Changes(lists={one.target: self._items})

    def _load_rows(self, table: Table, columns: dict[str, int]) -> None:
        seen: set[str] = set()
        for line, row in table.rows:
            values = {t: row[n].strip() if n < len(row) else "" for t, n in columns.items()}
            if not any(values.values()):
                self._tally.ignored += 1
                continue
            try:
                self._verify_key(values, seen)
                warnings = self._load_row(values)
            except RowError as error:
                self._tally.errors[error.kind] += 1
                self._rejected.append(Rejected(status="E", row=row, line=line, errors=[error.text]))
                continue
            if warnings:
                self._rejected.append(Rejected(status="W", row=row, line=line, errors=warnings))

    def _verify_key(self, values: dict[str, str], seen: set[str]) -> None:
        code = values["code"]
        if not code or ("name" in values and not values["name"]):
            raise RowError("hierarchyImportEmptyKey")
        if len(code) > CODE_CHARACTERS_MAX:
            raise RowError("hierarchyImportInvalidCode", f"Invalid code: {code}")
        if code in seen:
            raise RowError("hierarchyImportDuplicateSourceKey", f"Duplicate key: {code}")
        seen.add(code)

    def _load_row(self, values: dict[str, str]) -> list[str]:
        item_id = self._items.by_code.get(values["code"], 0)
        name = values.get("name", values["code"])
        self._verify_name(name, item_id)
        parent = self._find_parent(values, item_id)
        if item_id:
            item = self._items.items[item_id]
            self._rename(item, name, is_mapped="name" in values)
        else:
            item = self._items.add(code=values["code"], name=name)
        if parent is not None:
            item.parent = parent
        warnings = list(self._load_properties(item, values))
        self._count(is_new=not item_id, is_warned=bool(warnings))
        return warnings

    def _verify_name(self, name: str, item_id: int) -> None:
        if self._items.definition.numbered:
            return
        holder = self._items.by_name.get(name, 0)
        if holder and holder != item_id and self._unique_names:
            raise RowError("hierarchyImportNameOrCodeExists", f"Name already exists: {name}")

    def _find_parent(self, values: dict[str, str], item_id: int) -> int | None:
        """The parent's id, 0 for the top, None where the parent is to stay as it is."""
        if "parent" not in values:
            return None
        text = values["parent"]
        if not text:
            return 0 if self._definition.on_blank == "clear" else None
        parent = self._items.find(text)
        if not parent or (item_id and self._items.is_below(parent, item_id)):
            raise RowError("hierarchyImportInvalidParent")
        return parent

    def _rename(self, item: Item, name: str, *, is_mapped: bool) -> None:
        if is_mapped and item.name != name and not self._items.definition.numbered:
            self._items.rename(item, name)
            self._tally.renamed += 1

    def _load_properties(self, item: Item, values: dict[str, str]) -> Iterator[str]:
        for target, text in values.items():
            if not target.startswith(_PROPERTY):
                continue
            name = target.removeprefix(_PROPERTY)
            is_number = self._items.definition.properties.get(name) == "NUMBER"
            if is_number and text and find_number_error(text, "."):
                yield f"Invalid number: {text}"
            elif text or self._definition.on_blank == "clear":
                item.properties[name] = text

    def _count(self, *, is_new: bool, is_warned: bool) -> None:
        tally = self._tally
        if is_warned:
            tally.warned_created += is_new
            tally.warned_updated += not is_new
        else:
            tally.created += is_new
            tally.updated += not is_new

    def _outcome(self, table: Table) -> Outcome:
        tally = self._tally
        name = self._items.definition.name
        success = tally.created + tally.updated
        warned = tally.warned_created + tally.warned_updated
        failures = sum(tally.errors.values())
        text = f"{name}: {success} ({tally.created}/{tally.updated}) rows successful, "
        kind = "hierarchyRowsProcessed"
        if self._rejected:
            kind += "WithFailures"
            counts = f"({tally.warned_created}/{tally.warned_updated})"
            text += f"{warned} {counts} rows has warnings, {failures} failed, "
        text += f"{tally.ignored} ignored "
        values = {
            "hierarchyName": name,
            "successRowCount": success,
            "successCreateCount": tally.created,
            "successUpdateCount": tally.updated,
            "warningsRowCount": warned,
            "warningsCreateCount": tally.warned_created,
            "warningsUpdateCount": tally.warned_updated,
            "failedCount": failures,
            "ignoredCount": tally.ignored,
            "totalRowCount": success + warned + failures + tally.ignored,
            "totalCreateCount": tally.created + tally.warned_created,
            "totalUpdateCount": tally.updated + tally.warned_updated,
            "invalidCount": 0,
            "updatedCount": tally.updated + tally.warned_updated,
            "renamedCount": tally.renamed,
            "createdCount": tally.created + tally.warned_created,
        }
        return Outcome(
            object_id=self._definition.id,
            object_name=self._definition.name,
            details=[detail(kind, text, values), *error_details(tally.errors)],
            headers=table.headers,
            rejected=self._rejected,
            ignored=tally.ignored,
        )


def _has_duplicates(table: Table, column: int) -> bool:
    codes = [row[column].strip() for _, row in table.rows if column < len(row)]
    return len(set(codes)) < len(codes)
