"""Agreements: what model and ERP each held of a supplier when they last said the same.

They tell who has moved since. Two values are kept because an ERP may write a value its own way,
such as names in capitals: alike in meaning, not in letters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What both sides held of one member, by attribute.

    Attributes:
        code: The member's, as both sides know it.
        model: Attribute to the model's value.
        erp: Attribute to the ERP's value; the same attributes.
        run_id: The run that saw it.
    """

    code: str
    model: Mapping[str, str] = field(repr=False)
    erp: Mapping[str, str] = field(repr=False)
    run_id: str


class AgreementStore(Protocol):
    """Agreements of one organisation, the newest of each flow and code."""

    def save_agreements(self, flow: str, agreements: Sequence[Agreement]) -> None:
        """Each stands; attributes it does not name stay as an earlier one had them."""

    def load_agreements(self, flow: str, codes: Sequence[str]) -> dict[str, Agreement]:
        """The agreements of these codes that there are, by code."""
