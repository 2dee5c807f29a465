"""Why a secret or a key was refused; no text here ever holds a plain value."""

from ml_connector.errors import CredentialsError, UsageError


class SecretMissingError(CredentialsError):
    """A reference leads to nothing."""

    code = "secret.missing"


class SecretUnreadableError(CredentialsError):
    """A sealed secret does not open: another key, another name, or changed bytes."""

    code = "secret.unreadable"


class KeyMissingError(CredentialsError):
    """No source holds a key, or none holds the one that is needed."""

    code = "key.missing"


class KeyUnsafeError(CredentialsError):
    """A key may be read by others than its owner, or is no key."""

    code = "key.unsafe"


class SecretRefusedError(UsageError):
    """A name or a value cannot be stored as a secret."""

    code = "secret.refused"
