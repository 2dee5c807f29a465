"""What a user may see: rows of companies, columns, whole tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.jde.columns import Column, Table
from ml_connector.sandbox.jde.conditions import Filter
from ml_connector.sandbox.jde.users import User
from ml_connector.sandbox.store import Store

_SPACE = "jde.security"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Row and column security, as the administrators have set it."""

    store: Store

    def hide_columns(self, body: dict[str, Any]) -> dict[str, list[str]]:
        """Exactly the columns of {table: [columns]} are hidden from everybody."""
        hidden = {str(table): [str(one) for one in names] for table, names in body.items()}
        self.store.save(_SPACE, "columns", hidden)
        return hidden

    def hide_companies(self, body: dict[str, Any]) -> dict[str, list[str]]:
        """Exactly `companies` are hidden, from `user` or from everybody."""
        hidden = self._hidden_companies()
        hidden[str(body.get("user") or "*PUBLIC")] = [str(one) for one in body["companies"]]
        self.store.save(_SPACE, "companies", hidden)
        return hidden

    def visible_columns(self, table: Table) -> tuple[Column, ...]:
        """Return the columns that are not hidden."""
        hidden = (self.store.find(_SPACE, "columns") or {}).get(table.name, ())
        return tuple(column for column in table.columns if column.alias not in hidden)

    def row_filter(self, table: Table, user: User) -> Filter:
        """Return the filter that row security adds to every query of the user."""
        if "CO" not in table.by_alias:
            return Filter()
        found = Filter()
        if user.companies is not None:
            found = _among("IN", list(user.companies))
        every = self._hidden_companies()
        hidden = [*every.get("*PUBLIC", []), *every.get(user.name, [])]
        return found.joined("AND", _among("NOT IN", hidden)) if hidden else found

    def _hidden_companies(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = self.store.find(_SPACE, "companies") or {}
        return found

    def reset(self) -> None:
        """Nothing is hidden."""
        self.store.clear_space(_SPACE)


def _among(word: str, companies: list[str]) -> Filter:
    marks = ", ".join("?" * len(companies))
    return Filter(sql=f'"CO" {word} ({marks})', params=tuple(companies))
