"""The composition root: the only package that names concrete classes.

A `House` is one project folder with everything behind its ports, opened lazily.
"""

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
