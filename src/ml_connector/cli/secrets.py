"""Commands about stored credentials; a value is asked for or piped, never an argument."""

import getpass
import sys

from ml_connector.cli.options import Options, opened, output_of
from ml_connector.cli.output import Listing, hint, say, show
from ml_connector.errors import UsageError

SECRET_CHARACTERS_MAX = 65_536


def set_secret(name: str, /, *, options: Options | None = None) -> int:
    """Store a secret, encrypted; asks for it, or reads it from standard input."""
    with opened(options) as house:
        value = _ask(name)
        if not value or len(value) > SECRET_CHARACTERS_MAX:
            raise UsageError(
                f"The value of {name} is empty or longer than {SECRET_CHARACTERS_MAX} characters.",
                written="Nothing was stored.",
                next_step=f"Try again: `ml-connector secrets set {name}`.",
                secret_name=name,
            )
        house.save_secret(name, value)
    say(f"Stored {name}, encrypted.")
    return 0


def _ask(name: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.read(SECRET_CHARACTERS_MAX + 1).removesuffix("\n")
    try:
        return getpass.getpass(f"{name}: ")
    except EOFError:
        return ""


def list_secrets(*, options: Options | None = None) -> int:
    """List the names of stored secrets and the version of the key that wraps each."""
    with opened(options) as house:
        rows = [
            (row.name, row.key_id, f"{row.saved_at:%Y-%m-%d %H:%M}") for row in house.list_secrets()
        ]
        listing = Listing(
            columns=("Name", "Key", "Saved (UTC)"), rows=rows, empty="No secret is stored."
        )
        show(listing, output_of(options))
    return 0


def rotate(*, options: Options | None = None) -> int:
    """Wrap every secret with a new key; nothing has to be entered again."""
    with opened(options) as house:
        count = house.rotate_secrets()
    say(f"Wrapped {count} secrets with a new key.")
    hint("keep the old key until every backup made before today has expired")
    return 0


def delete(name: str, /, *, options: Options | None = None) -> int:
    """Delete a stored secret."""
    with opened(options) as house:
        house.delete_secret(name)
    say(f"Deleted {name}.")
    return 0
