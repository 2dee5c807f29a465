"""What settings name secrets and addresses by."""

import re
from urllib.parse import SplitResult

REFERENCE = re.compile(r"(secret|env|file):\S.*")
"""How a secret is named that stands elsewhere."""
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def verify_reference(text: str, *, what: str = "value") -> str:
    """The reference to a secret, if it is one.

    Raises:
        ValueError: It is not. The text is not repeated, for somebody may have put the secret
            where its name belongs.
    """
    if REFERENCE.fullmatch(text):
        return text
    raise ValueError(
        "a reference to a secret is wanted: secret:NAME, env:NAME or file:PATH; store the"
        f" {what} with `ml-connector secrets set NAME`"
    )


def verify_encrypted(parts: SplitResult) -> None:
    """What goes to this address is encrypted, or does not leave the machine.

    Raises:
        ValueError: Neither.
    """
    is_near = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    if parts.scheme != "https" and not is_near:
        raise ValueError("not encrypted; allowed: https, and http on this machine only")
