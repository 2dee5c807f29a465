"""Which attributes and children a reading asks for: `fields` and `expand`."""

from __future__ import annotations

from dataclasses import dataclass, field

from ml_connector.sandbox.fusion.conditions import find_attribute
from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.resource import Attribute, Resource
from ml_connector.sandbox.switches import Switches

_DEPTH_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """The attributes of one resource that are shown, and what is shown of its children."""

    attributes: tuple[Attribute, ...]
    children: dict[str, Projection] = field(default_factory=dict)


def parse_projection(
    resource: Resource, parameters: dict[str, str], switches: Switches
) -> Projection:
    """Return what is to be shown; `fields` wins over `expand`."""
    if parameters.get("fields"):
        return _parse_fields(resource, parameters["fields"], switches)
    return _parse_expand(resource, parameters.get("expand", ""))


def _parse_expand(resource: Resource, text: str) -> Projection:
    root = Projection(attributes=resource.attributes)
    for path in (part.strip() for part in text.split(",") if part.strip()):
        if path == "all":
            root.children.update(_all_children(resource, _DEPTH_MAX))
        else:
            _expand_path(resource, root, path.split("."))
    return root


def _all_children(resource: Resource, depth: int) -> dict[str, Projection]:
    if depth == 0:
        return {}
    return {
        child.accessor: Projection(
            attributes=child.resource.attributes,
            children=_all_children(child.resource, depth - 1),
        )
        for child in resource.children
    }


def _expand_path(resource: Resource, projection: Projection, path: list[str]) -> None:
    if not path:
        return
    child = resource.find_child(path[0])
    if child is None:
        raise RefusalError(400, f"The child {path[0]} in parameter expand is not valid.")
    below = projection.children.setdefault(
        child.accessor, Projection(attributes=child.resource.attributes)
    )
    _expand_path(child.resource, below, path[1:])


def _parse_fields(resource: Resource, text: str, switches: Switches) -> Projection:
    root = Projection(attributes=())
    for part in (part.strip() for part in text.split(";") if part.strip()):
        path, _, names = part.rpartition(":")
        target, shown = _descend(resource, root, [step for step in path.split(".") if step])
        chosen = tuple(_field(target, name, switches) for name in names.split(",") if name.strip())
        if shown is None:
            root = Projection(attributes=chosen, children=root.children)
        else:
            holder, accessor = shown
            holder.children[accessor] = Projection(
                attributes=chosen, children=holder.children[accessor].children
            )
    return root


def _descend(
    resource: Resource, projection: Projection, path: list[str]
) -> tuple[Resource, tuple[Projection, str] | None]:
    """Return the resource at the end of a path and the place where its projection stands."""
    place = None
    for step in path:
        child = resource.find_child(step)
        if child is None:
            raise RefusalError(400, f"The child {step} in parameter fields is not valid.")
        place = (projection, step)
        projection = projection.children.setdefault(step, Projection(attributes=()))
        resource = child.resource
    return resource, place


def _field(resource: Resource, name: str, switches: Switches) -> Attribute:
    attribute = find_attribute(resource, name.strip(), switches)
    if attribute is None:
        raise RefusalError(400, f"The field {name.strip()} in parameter fields is not valid.")
    if attribute.is_clob and switches["clob_fields_fail"]:
        raise RefusalError(500, "Internal Server Error")
    return attribute
