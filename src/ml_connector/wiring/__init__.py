"""The composition root: the only package that names concrete classes.

A `House` is one project folder with everything behind its ports, opened lazily. So is this package:
a command that only looks at settings does not load the house.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml_connector.wiring.house import House, open_house
    from ml_connector.wiring.new_projects import write_project, write_sandbox_project
    from ml_connector.wiring.projects import find_root, read_project, render_schemas

_PLACES = {
    "House": "house",
    "find_root": "projects",
    "open_house": "house",
    "read_project": "projects",
    "render_schemas": "projects",
    "write_project": "new_projects",
    "write_sandbox_project": "new_projects",
}
__all__ = [
    "House",
    "find_root",
    "open_house",
    "read_project",
    "render_schemas",
    "write_project",
    "write_sandbox_project",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
