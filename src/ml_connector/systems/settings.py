"""What the settings of every connection share: references to secrets, and addresses."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict

from ml_connector.settings.references import verify_encrypted, verify_reference


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
    verify_encrypted(parts)
    return f"{parts.scheme}://{parts.netloc}"


SecretReference = Annotated[str, AfterValidator(verify_reference)]
"""`secret:NAME`, `env:NAME` or `file:PATH`; never the secret itself."""

Origin = Annotated[str, AfterValidator(verify_address)]
"""Scheme, host and port; unencrypted on the loopback interface only."""


class StrictSettings(BaseModel):
    """Frozen; an unknown key is a fault; a fault never repeats the value it found."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )
