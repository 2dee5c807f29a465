"""The composition root: the only package that names concrete classes.

A `House` is one project folder with everything behind its ports, opened lazily. So is this package:
a command that only looks at settings does not load the house.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml_connector.wiring.house import House, open_house
    from ml_connector.wiring.projects import (
        find_root,
        read_project,
        render_schemas,
        write_project,
        write_sandbox_project,
    )

__all__ = [
    "House",
    "find_root",
    "open_house",
    "read_project",
    "render_schemas",
    "write_project",
    "write_sandbox_project",
]
_OF_HOUSE = frozenset({"House", "open_house"})


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    module = "house" if name in _OF_HOUSE else "projects"
    return getattr(import_module(f"{__name__}.{module}"), name)
