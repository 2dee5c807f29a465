"""What the server says about itself: versions, and the shape of each resource."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ml_connector.sandbox.fusion.call import API_VERSIONS, REST_ROOT, VERSION_NEWEST
from ml_connector.sandbox.fusion.finders import finders_of
from ml_connector.sandbox.fusion.resource import Attribute, Resource
from ml_connector.sandbox.switches import Switches

_RANGE_SIZE = 25
_VERBS = {
    "GET": ("get", "item"),
    "POST": ("create", "collection"),
    "PATCH": ("update", "item"),
    "DELETE": ("delete", "item"),
}
_PRECISION = 18


def describe_versions(origin: str) -> dict[str, Any]:
    """Return the list of API versions with the framework versions they take."""
    root = f"{origin}{REST_ROOT}"
    return {
        "items": [describe_version(origin, API_VERSIONS[0])],
        "links": [{"rel": "self", "href": root, "name": "self", "kind": "collection"}],
    }


def describe_version(origin: str, api_version: str) -> dict[str, Any]:
    """Return one API version."""
    href = f"{origin}{REST_ROOT}/{api_version}"
    return {
        "version": API_VERSIONS[0],
        "isLatest": True,
        "adf:extension": {
            "defaultFrameworkVersion": "1",
            "allowedFrameworkVersions": [str(n) for n in range(1, VERSION_NEWEST + 1)],
        },
        "links": [
            {"rel": "self", "href": href, "name": "self", "kind": "item"},
            {"rel": "canonical", "href": href, "name": "canonical", "kind": "item"},
            {
                "rel": "describe",
                "href": f"{href}/describe",
                "name": "describe",
                "kind": "describe",
            },
        ],
    }


def describe_resources(
    resources: Iterable[Resource], base: str, switches: Switches
) -> dict[str, Any]:
    """Return the description of resources, children included."""
    return {
        "Resources": {
            resource.name: _describe(resource, resource.name, base, switches)
            for resource in resources
        }
    }


def _describe(resource: Resource, name: str, base: str, switches: Switches) -> dict[str, Any]:
    href = f"{base}/{name}"
    return {
        "title": resource.title,
        "titlePlural": resource.title,
        "attributes": [_attribute(attribute, switches) for attribute in resource.attributes],
        "collection": {
            "rangeSize": _RANGE_SIZE,
            "finders": [_finder(resource, finder.name) for finder in finders_of(resource)],
            "links": [{"rel": "self", "href": href, "name": "self", "kind": "collection"}],
            "actions": _actions(resource, "collection"),
        },
        "item": {
            "links": [
                {
                    "rel": "child",
                    "href": f"{href}/{{id}}/child/{child.accessor}",
                    "name": child.accessor,
                    "kind": "collection",
                }
                for child in resource.children
            ]
            + [
                {
                    "rel": "lov",
                    "href": f"{href}/{{id}}/lov/{lov.accessor}",
                    "name": lov.accessor,
                    "kind": "collection",
                }
                for lov in resource.lovs
            ],
            "actions": _actions(resource, "item"),
        },
        "children": {
            child.accessor: _describe(
                child.resource, child.accessor, f"{href}/{{id}}/child", switches
            )
            for child in resource.children
        },
        "links": [{"rel": "self", "href": f"{href}/describe", "name": "self", "kind": "describe"}],
    }


def _attribute(attribute: Attribute, switches: Switches) -> dict[str, Any]:
    is_turned_off = attribute.query_switch is not None and not switches[attribute.query_switch]
    described: dict[str, Any] = {
        "name": attribute.name,
        "type": attribute.kind,
        "updatable": attribute.updatable,
        "mandatory": attribute.mandatory,
        "queryable": attribute.queryable and not is_turned_off,
        "title": attribute.name,
    }
    if attribute.kind == "integer":
        described["precision"] = _PRECISION
    if attribute.length_max is not None:
        described["maxLength"] = attribute.length_max
    return described


def _finder(resource: Resource, name: str) -> dict[str, Any]:
    finder = next(finder for finder in finders_of(resource) if finder.name == name)
    return {
        "name": name,
        "attributes": [
            {
                "name": variable,
                "type": _variable_kind(resource, meant),
                "required": "Required" if variable in finder.required else "Optional",
            }
            for variable, meant in finder.variables.items()
        ],
    }


def _variable_kind(resource: Resource, meant: str) -> str:
    attribute = resource.find_attribute(meant.partition(" ")[0])
    return attribute.kind if attribute else "string"


def _actions(resource: Resource, level: str) -> list[dict[str, str]]:
    actions = [
        {"name": _VERBS[verb][0], "method": verb}
        for verb in sorted(resource.verbs)
        if _VERBS[verb][1] == level
    ]
    if level == "collection":
        actions.insert(0, {"name": "get", "method": "GET"})
    else:
        actions += [{"name": name, "method": "POST"} for name in resource.actions]
    return actions
