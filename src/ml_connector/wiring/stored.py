"""Errors of runs that another process executed, with the exit codes of their classes."""

from importlib import import_module
from pkgutil import walk_packages

from ml_connector.errors import StoredError

PACKAGES = ("archive", "engine", "flows", "records", "systems", "vault", "wiring")
"""Where errors are born that a run may stop with."""


def know_again(record: dict[str, object]) -> StoredError:
    """The error of a history's record; its class is known although nothing of it ran here."""
    error = StoredError(record)
    if error.stored_code not in _list_codes():
        _import_errors()
        return StoredError(record)
    return error


def _list_codes() -> set[str]:
    from ml_connector.errors import list_error_classes  # noqa: PLC0415 - only when one is read.

    return {one.code for one in list_error_classes()}


def _import_errors() -> None:
    for name in PACKAGES:
        package = import_module(f"ml_connector.{name}")
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in module.name and ".models" not in module.name:
                import_module(module.name)
