"""What the settings of every connection share: references to secrets, and addresses."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict

_REFERENCE_FORM = re.compile(r"[a-z][a-z0-9-]*:\S.*")
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def verify_reference(text: str) -> str:
    """The reference, if it has the form of one.

    Raises:
        ValueError: It has not; the text itself is not repeated, for somebody may have put the
            password where its name belongs.
    """
    if not _REFERENCE_FORM.fullmatch(text):
        raise ValueError(
            "a reference to a secret is wanted, such as secret:NAME, env:NAME or file:PATH; "
            "store the value with `ml-connector secrets set NAME`"
        )
    return text


def verify_address(text: str) -> str:
    """The scheme, host and port alone.

    Raises:
        ValueError: The text holds more or less than those, or is unencrypted beyond loopback.
    """
    parts = urlsplit(text)
    if parts.scheme not in {"https", "http"} or not parts.hostname or "@" in parts.netloc:
        raise ValueError("not an address; allowed: https://HOST or https://HOST:PORT")
    if parts.path.rstrip("/") or parts.query or parts.fragment:
        raise ValueError(
            f"more than a host; allowed: {parts.scheme}://{parts.netloc} (the connector adds the "
            "path)"
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK_HOSTS:
        raise ValueError("not encrypted; allowed: https, and http on this machine only")
    return f"{parts.scheme}://{parts.netloc}"


SecretReference = Annotated[str, AfterValidator(verify_reference)]
"""`secret:NAME`, `env:NAME`, `file:PATH` or a plug-in's own form; never the secret itself."""

Origin = Annotated[str, AfterValidator(verify_address)]
"""Scheme, host and port; unencrypted on the loopback interface only."""


class StrictSettings(BaseModel):
    """Frozen; an unknown key is a fault; a fault never repeats the value it found."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )
