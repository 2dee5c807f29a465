"""Raw values of the database: padded texts and amounts with implied decimals."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

MCU_LENGTH = 12
KEY_LENGTH = 10
COMPANY_LENGTH = 5
ACCOUNT_ID_LENGTH = 8


def pad_mcu(business_unit: str) -> str:
    """Return a business unit as it is stored: 12 wide, at the right; blank stays empty."""
    return _at_right(business_unit, MCU_LENGTH)


def pad_key(key: str) -> str:
    """Return a user defined code as it is stored: 10 wide, at the right; blank stays empty."""
    return _at_right(key, KEY_LENGTH)


def pad_company(company: str | int) -> str:
    """Return a company as it is stored: 5 digits; blank stays empty."""
    return pad_zeros(str(company), COMPANY_LENGTH)


def pad_account_id(account_id: str | int) -> str:
    """Return a short account id as it is stored: 8 digits; blank stays empty."""
    return pad_zeros(str(account_id), ACCOUNT_ID_LENGTH)


def pad_zeros(text: str, length: int) -> str:
    """Return a text with zeros before it, up to the length; blank stays empty."""
    bare = text.strip()
    return bare.rjust(length, "0") if bare else ""


def scale_up(amount: Decimal | int, decimals: int) -> int:
    """Return an amount as the integer that is stored; what does not fit is rounded half up."""
    return int(Decimal(amount).scaleb(decimals).quantize(Decimal(1), ROUND_HALF_UP))


def scale_down(raw: int, decimals: int) -> Decimal:
    """Return the amount of a stored integer."""
    return Decimal(raw).scaleb(-decimals)


def _at_right(text: str, length: int) -> str:
    bare = text.strip()
    return bare.rjust(length) if bare else ""
