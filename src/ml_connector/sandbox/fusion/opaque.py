"""Texts the client must not look into: child keys and change indicators."""

from __future__ import annotations

import secrets
from hashlib import blake2b

_KEY_PREFIX = "00020000000EACED00057708"
_RESERVED_SUFFIX = "%2B:+=&'"
"""Characters that break a client which encodes a key twice, or not at all."""
_INDICATOR_PREFIX = "ACED0005737200136A6176612E7574696C2E41727261794C697374"
_TAG_BYTES = 8
_MASK_BYTES = 8


class OpaqueKeys:
    """Keys that only this process understands: each start draws a new salt."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(16)
        self._mask = int.from_bytes(secrets.token_bytes(_MASK_BYTES), "big")

    def render(self, space: str, row_id: int, *, style: str = "hex") -> str:
        """Return the key of a row, as it stands before percent-encoding."""
        suffix = _RESERVED_SUFFIX if style == "reserved" else ""
        return f"{_KEY_PREFIX}{row_id ^ self._mask:016X}{self._tag(space, row_id)}{suffix}"

    def find_row(self, space: str, key: str) -> int | None:
        """Return the row a key of this process stands for, or None."""
        digits = key.removesuffix(_RESERVED_SUFFIX).removeprefix(_KEY_PREFIX)
        try:
            row_id = int(digits[:16], 16) ^ self._mask
        except ValueError:
            return None
        return row_id if digits[16:] == self._tag(space, row_id) else None

    def _tag(self, space: str, row_id: int) -> str:
        text = f"{space}/{row_id}".encode()
        return blake2b(text, digest_size=_TAG_BYTES, key=self._salt).hexdigest().upper()


def change_indicator(space: str, row_id: object, revision: object) -> str:
    """Return the indicator of a row at a revision; it survives a restart."""
    text = f"{space}/{row_id}/{revision}".encode()
    return _INDICATOR_PREFIX + blake2b(text, digest_size=16).hexdigest().upper()
