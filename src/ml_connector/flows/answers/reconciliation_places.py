"""How a period of a ledger is named in an address: three parts, none of which hides a slash."""

from ml_connector.ports import SignedScope
from ml_connector.ports.standings import Standing

ESCAPES = (("~", "~0"), ("/", "~1"))
"""As JSON pointers write them; the first is written first and read last."""


def render_place(standing: Standing | SignedScope) -> str:
    """Flow, ledger and period as the end of an address."""
    return "/".join(map(_escape, (standing.flow, standing.ledger, standing.period)))


def parse_place(text: str) -> SignedScope | None:
    """What the end of an address names; None when it has not three parts."""
    parts = [_unescape(part) for part in text.strip("/").split("/")]
    return SignedScope(*parts) if len(parts) == 3 and all(parts) else None


def _escape(text: str) -> str:
    for plain, written in ESCAPES:
        text = text.replace(plain, written)
    return text


def _unescape(text: str) -> str:
    for plain, written in reversed(ESCAPES):
        text = text.replace(written, plain)
    return text
