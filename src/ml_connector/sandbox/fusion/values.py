"""Changes to the values of a value set: added and altered, never deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.fusion.reference_resources import VALUES
from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.stamps import later_stamp
from ml_connector.sandbox.store import Store

_DEFAULTS = {
    "EnabledFlag": "Y",
    "SummaryFlag": "N",
    "DetailPostingAllowed": "Y",
    "DetailBudgetingAllowed": "Y",
    "ControlAccount": "N",
    "ReconciliationFlag": "N",
}
_NAMES = frozenset(attribute.name for attribute in VALUES.attributes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueDesk:
    """Writes values; what the real system refuses is refused with its status."""

    store: Store

    def add(self, set_id: int, members: Mapping[str, Any], *, stamp: str, user: str) -> int:
        """The set has a further value; its id.

        Raises:
            RefusalError: The set is protected, the value is missing, too long or there already.
        """
        self._verify_new(set_id, members)
        value_id = int(self.store.query("SELECT MAX(_id) FROM segment_values")[0][0]) + 1
        facts = {
            **_DEFAULTS,
            **members,
            "_id": value_id,
            "_parent": set_id,
            "ValueId": value_id,
            "CreationDate": stamp,
            "CreatedBy": user,
            "LastUpdateDate": stamp,
            "LastUpdatedBy": user,
        }
        columns = ", ".join(f'"{name}"' for name in facts)
        marks = ", ".join("?" * len(facts))
        sql = f"INSERT INTO segment_values ({columns}) VALUES ({marks})"  # noqa: S608 - our own names
        self.store.execute(sql, facts.values())
        return value_id

    def alter(self, value_id: int, members: Mapping[str, Any], *, stamp: str, user: str) -> None:
        """The value has these members, and says when and by whom.

        Raises:
            RefusalError: The set is protected.
        """
        sql = "SELECT _parent, LastUpdateDate FROM segment_values WHERE _id = ?"
        set_id, before = self.store.query(sql, (value_id,))[0]
        self._verify_open(set_id)
        facts = {**members, "LastUpdateDate": later_stamp(stamp, before), "LastUpdatedBy": user}
        columns = ", ".join(f'"{name}" = ?' for name in facts)
        update = f"UPDATE segment_values SET {columns} WHERE _id = ?"  # noqa: S608 - our own names
        self.store.execute(update, (*facts.values(), value_id))

    def add_if_missing(self, stamp: str, code: str, members: Mapping[str, Any]) -> int:
        """The set has this value; its id."""
        found = self.find(code, str(members["Value"]))
        if found is not None:
            return found
        return self.add(self.find_set(code), members, stamp=stamp, user="IMPL")

    def change(self, stamp: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The value named by `value_set` and `value` has the other members of the form.

        Raises:
            LookupError: There is no such value.
            ValueError: A member is none of a value's.
        """
        code, value = str(body["value_set"]), str(body["value"])
        members = {k: v for k, v in body.items() if k not in {"value_set", "value"}}
        if members.keys() - _NAMES:
            raise ValueError(f"Values have no {sorted(members.keys() - _NAMES)}.")
        value_id = self.find(code, value)
        if value_id is None:
            raise LookupError(f"There is no value {value!r} in {code!r}.")
        self.alter(value_id, members, stamp=stamp, user="IMPL")
        return {"ValueId": value_id}

    def find(self, code: str, value: str) -> int | None:
        """Return the id of a value, or None."""
        sql = (
            "SELECT v._id FROM segment_values v JOIN value_sets s ON s._id = v._parent"
            " WHERE s.ValueSetCode = ? AND v.Value = ?"
        )
        found = self.store.query(sql, (code, value))
        return int(found[0][0]) if found else None

    def find_set(self, code: str) -> int:
        """Return the id of a value set; LookupError where there is none."""
        found = self.store.query("SELECT _id FROM value_sets WHERE ValueSetCode = ?", (code,))
        if not found:
            raise LookupError(f"There is no value set {code!r}.")
        return int(found[0][0])

    def _verify_new(self, set_id: int, members: Mapping[str, Any]) -> None:
        length_max = self._verify_open(set_id)
        value = members.get("Value")
        if not value:
            raise RefusalError(
                400,
                "JBO-27014: Attribute Value in ValueSetValueEO is required.",
                code="27014",
                path="/Value",
            )
        if len(str(value)) > length_max:
            raise RefusalError(400, f"The value {value} is too long. (FND-2825)", path="/Value")
        sql = "SELECT 1 FROM segment_values WHERE _parent = ? AND Value = ?"
        if self.store.query(sql, (set_id, value)):
            raise RefusalError(400, f"The value {value} already exists.", path="/Value")

    def _verify_open(self, set_id: int) -> int:
        sql = "SELECT ProtectedFlag, ValidationType, MaximumLength FROM value_sets WHERE _id = ?"
        protected, validation, length_max = self.store.query(sql, (set_id,))[0]
        if protected == "Y":
            raise RefusalError(400, "You cannot modify a protected value set.")
        if validation == "TABLE":
            raise RefusalError(400, "A table-validated value set holds no values.")
        return int(length_max)
