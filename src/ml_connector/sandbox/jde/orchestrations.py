"""The orchestrations of the customer: what each declares to take and to give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

Behaviour = Literal["plain", "raw", "fails", "delays", "half", "unchecked", "staged"]
DEFAULT_NAME = "PLN_PostBudgetJournal"


class InputError(Exception):
    """An input is missing or of another type than declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A declared input or output; `array` declares the fields of its elements."""

    name: str
    type: str = "String"
    required: bool = False
    array: tuple[Field, ...] = ()

    def declared(self) -> dict[str, Any]:
        """Return the declaration as discovery shows it."""
        shown: dict[str, Any] = {"name": self.name, "type": self.type}
        if self.array:
            shown["array"] = [one.declared() for one in self.array]
        return shown

    def parse(self, values: Mapping[str, Any]) -> Any:
        """Return the value of the field, converted; refused where it cannot be."""
        value = values.get(self.name)
        if value is None or value == "":
            if self.required:
                raise InputError(f"Input {self.name} is missing.")
            return _EMPTY.get(self.type, "")
        if self.array:
            return self._parse_array(value)
        return _converted(self, value)

    def _parse_array(self, value: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise InputError(f"Input {self.name} is no array of objects.")
        return [{one.name: one.parse(element) for one in self.array} for element in value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Orchestration:
    """One orchestration; `behaviour` is how it goes about its work."""

    name: str
    number: int
    description: str
    behaviour: Behaviour

    def declared(self, input_format: str) -> dict[str, Any]:
        """Return what discovery tells of it."""
        return {
            "name": self.name,
            "omwObjectName": f"ORC_26020200{self.number:02}CUST",
            "description": self.description,
            "inputFormat": input_format,
            "udoGroup": "Shared",
            "version": "1",
            "inputs": [one.declared() for one in INPUTS],
            "outputs": [one.declared() for one in OUTPUTS],
        }


_LINE = (
    Field(name="LineNumber", type="Numeric"),
    Field(name="Account"),
    Field(name="AccountId"),
    Field(name="Subledger"),
    Field(name="SubledgerType"),
    Field(name="Amount", type="Numeric", required=True),
    Field(name="Units", type="Numeric"),
    Field(name="Remark"),
)
INPUTS = (
    Field(name="PlanBatchKey", required=True),
    Field(name="Company", required=True),
    Field(name="LedgerType", required=True),
    Field(name="DocumentType"),
    Field(name="GLDate", type="Date", required=True),
    Field(name="Explanation"),
    Field(name="CurrencyCode"),
    Field(name="Lines", type="Array", required=True, array=_LINE),
    Field(name="ExpectedLines", type="Numeric"),
    Field(name="ExpectedDebits", type="Numeric"),
    Field(name="PostAfterCreate", type="Boolean"),
)
OUTPUTS = (
    Field(name="Result"),
    Field(name="BatchType"),
    Field(name="BatchNumber", type="Numeric"),
    Field(name="DocumentType"),
    Field(name="DocumentNumber", type="Numeric"),
    Field(name="DocumentCompany"),
    Field(name="LinesWritten", type="Numeric"),
    Field(name="Messages", type="Array"),
)
_EMPTY: dict[str, Any] = {"Numeric": None, "Boolean": False, "Array": [], "Date": None}
_VARIANTS: tuple[tuple[str, Behaviour, str], ...] = (
    ("", "plain", "Enters a budget journal once"),
    ("Z1", "staged", "Enters a budget journal through the batch file"),
    ("Raw", "raw", "Enters a budget journal, outputs not named"),
    ("Fails", "fails", "Enters a budget journal, then fails"),
    ("Delays", "delays", "Enters a budget journal, then takes its time"),
    ("Half", "half", "Enters half a budget journal, then fails"),
    ("Unchecked", "unchecked", "Enters a budget journal without looking for its key"),
)
ORCHESTRATIONS = {
    DEFAULT_NAME + suffix: Orchestration(
        name=DEFAULT_NAME + suffix, number=number, description=words, behaviour=behaviour
    )
    for number, (suffix, behaviour, words) in enumerate(_VARIANTS, start=1)
}


def parse_inputs(body: Mapping[str, Any], input_format: str) -> dict[str, Any]:
    """Return the inputs by name, converted; refused where they are not as declared."""
    values = body if input_format == "Generic" else _flattened(body)
    return {one.name: one.parse(values) for one in INPUTS}


def _flattened(body: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of the standard format as the generic one has them."""
    values = _named(body.get("inputs"))
    for detail in _objects(body.get("detailInputs")):
        rows = _objects(detail.get("repeatingInputs"))
        values[str(detail.get("name"))] = [_named(row.get("inputs")) for row in rows]
    return values


def _named(inputs: Any) -> dict[str, Any]:
    return {str(one.get("name")): one.get("value") for one in _objects(inputs)}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _converted(field: Field, value: Any) -> Any:
    if isinstance(value, (dict, list)):
        raise InputError(f"Input {field.name} is no {field.type}.")
    try:
        match field.type:
            case "Numeric":
                return _number(value)
            case "Date":
                return date.fromisoformat(str(value))
            case "Boolean":
                return str(value).strip().lower() in {"true", "1", "y"}
            case _:
                return str(value)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise InputError(f"Input {field.name}: {value!r} is no {field.type}.") from error


def _number(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise TypeError(value)
    number = Decimal(str(value).strip())
    if not number.is_finite():
        raise ValueError(value)
    return number
