"""The short key an ERP keeps with a posting, derived from what the posting is.

The same decision has the same key in every process and after every restart, so a posting whose
answer was lost is found again by it.
"""

from base64 import b32encode
from hashlib import sha256

KEY_BYTES = 5
"""Forty bits: exactly eight signs of base 32, which has no 0, 1, 8 or 9 to be misread.

Among a hundred thousand postings two share a key with a chance of one in two hundred; the records
then refuse the second, so that a shared key is told and never sent.
"""


def derive_posting_key(*parts: str, generation: int) -> str:
    """The key of eight signs A-Z and 2-7 that these parts always have.

    Args:
        *parts: What tells the posting from all others: organisation, flow, plan, subject.
        generation: Raised when a person decides that the same is written again.
    """
    digest = sha256(render_key_text(*parts, generation=generation).encode()).digest()
    return b32encode(digest[:KEY_BYTES]).decode()


def render_key_text(*parts: str, generation: int) -> str:
    """The text that is hashed: each part behind its length, so that no two lists share a text."""
    tagged = "".join(f"{len(part)}:{part}" for part in parts)
    return f"{generation};{tagged}"
