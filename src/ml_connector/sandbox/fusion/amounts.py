"""Decimals as the wire writes them: exact, plain, without trailing zeros."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

DIGITS_OF_A_DOUBLE = 15


def render_amount(amount: Decimal) -> str:
    """Return the JSON literal of `amount`, such as 1250.5."""
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def render_optional(amount: Decimal | None) -> str | None:
    """Return the literal, or None for the empty side of a line."""
    return None if amount is None else render_amount(amount)


def parse_amount(given: object, *, where: str) -> Decimal:
    """Return the Decimal that a text or a whole number states.

    Raises:
        ValueError: It is neither; a JSON fraction has been through a float and is refused.
    """
    if isinstance(given, str | int) and not isinstance(given, bool):
        try:
            amount = Decimal(given)
        except InvalidOperation:
            raise ValueError(f"{where} is no amount: {given!r}.") from None
        if amount.is_finite():
            return amount
    raise ValueError(f"{where} wants an amount as text, such as '12.50', not {given!r}.")


def parse_optional(given: object, *, where: str) -> Decimal | None:
    """Return the Decimal, or None where nothing was given."""
    return None if given is None else parse_amount(given, where=where)


def is_longer_than_a_double(literal: str) -> bool:
    """Return whether a literal has more digits than a double keeps."""
    if len(literal) <= DIGITS_OF_A_DOUBLE:
        return False
    digits = literal.lstrip("-").replace(".", "").lstrip("0")
    return len(digits) > DIGITS_OF_A_DOUBLE
