"""What tests may do behind the back of the API."""

import json
from typing import TYPE_CHECKING, Any

from ml_connector.sandbox.anaplan.admin_budget import BudgetDesk
from ml_connector.sandbox.anaplan.admin_exports import ExportDesk
from ml_connector.sandbox.anaplan.admin_suppliers import SupplierDesk
from ml_connector.sandbox.anaplan.admin_tasks import TaskDesk
from ml_connector.sandbox.anaplan.certificates import (
    fingerprint,
    issue_certificate,
    parse_pem,
)
from ml_connector.sandbox.anaplan.data import Changes, Item, ItemList, Key, ModelData
from ml_connector.sandbox.anaplan.definitions import (
    TIME_ID,
    LineItemDef,
    ModuleDef,
    find_named,
)
from ml_connector.sandbox.anaplan.runtime import ModelRuntime
from ml_connector.sandbox.anaplan.seed import (
    FINANCE_MODEL,
    OAUTH_CODE_CLIENT,
    OAUTH_CODE_SECRET,
    OAUTH_DEVICE_CLIENT,
    UserSeed,
)
from ml_connector.sandbox.anaplan.values import parse_cell
from ml_connector.sandbox.http import Request

if TYPE_CHECKING:
    from ml_connector.sandbox.anaplan.server import AnaplanServer

_SNAPSHOTS = "snapshots"
_STATES = (
    "UNLOCKED", "LOCKED", "ARCHIVED", "PRODUCTION", "MAINTENANCE", "PRODUCTION_MAINTENANCE",
)  # fmt: skip
Body = dict[str, Any]


class AdminDesk:
    """Registers the operations; `model` in a body defaults to the main model."""

    def __init__(self, server: "AnaplanServer") -> None:
        self._server = server
        operations = (
            self.create_user, self.set_access, self.register_certificate, self.issue_certificate,
            self.kill_token, self.drain_bucket, self.set_model_state, self.read_cells,
            self.read_list, self.edit_cell, self.add_items, self.clear_module, self.snapshot,
            self.restore, self.rename_import, self.remove_import, self.rename_header,
            self.drop_dump, self.set_default_file, self.expire_file, self.add_action,
        )  # fmt: skip
        for operation in operations:
            server.add_admin(operation.__name__, operation)
        TaskDesk(server, self._model)
        BudgetDesk(server, self._model)
        ExportDesk(server, self._model, SupplierDesk(server, self._model))
        server.faults.hooks["kill_token"] = self._kill_request_token
        server.faults.hooks["drain_bucket"] = self._drain_by_fault

    def info(self) -> Body:
        """Ids, users and addresses of the tenant."""
        url = self._server.url
        people = self._server.users.values()
        return {
            "auth_url": url,
            "api_url": url,
            "oauth_url": url,
            "oauth": {
                "device_client": OAUTH_DEVICE_CLIENT,
                "code_client": OAUTH_CODE_CLIENT,
                "code_secret": OAUTH_CODE_SECRET,
            },
            "users": [{"email": one["email"], "password": one["password"]} for one in people],
            "workspaces": {name: key for key, name in self._server.workspaces.items()},
            "models": {
                model.header["name"]: {
                    "id": model.id,
                    "workspace": model.header["workspace"],
                    "state": model.state,
                    **_named_ids(model),
                }
                for model in self._server.models.values()
            },
        }

    def create_user(self, body: Body) -> Body:
        """A user {email, password, …} exists."""
        seed = UserSeed(
            id=f"8a868cd97b120fc7017b36d733{len(self._server.users) + 0x7500:06x}",
            email=body["email"],
            password=body["password"],
            first_name=body.get("first_name", "New"),
            last_name=body.get("last_name", "User"),
            tenant_admin=bool(body.get("tenant_admin")),
            admin_of=list(body.get("admin_of", [])),
            no_access=list(body.get("no_access", [])),
        )
        user = {name: getattr(seed, name) for name in UserSeed.__slots__}
        self._server.users[seed.email] = user
        self._server.save_user(seed.email)
        return {"id": seed.id}

    def set_access(self, body: Body) -> None:
        """The user {email} has the fields given: active, no_access, admin_of, password."""
        allowed = {"active", "no_access", "admin_of", "password"}
        changes = {key: value for key, value in body.items() if key in allowed}
        self._server.users[body["email"]].update(changes)
        self._server.save_user(body["email"])

    def register_certificate(self, body: Body) -> Body:
        """The PEM {certificate} logs in as the user {email}."""
        print_ = fingerprint(parse_pem(body["certificate"]))
        self._server.users[body["email"]]["certificates"].append(print_)
        self._server.save_user(body["email"])
        return {"fingerprint": print_}

    def issue_certificate(self, body: Body) -> Body:
        """A new certificate, registered to {email}, with its private key (PEM both)."""
        certificate, private_key = issue_certificate(body["email"])
        self.register_certificate({"email": body["email"], "certificate": certificate})
        return {"certificate": certificate, "private_key": private_key}

    def kill_token(self, body: Body) -> Body:
        """The token of the {at_request}-th matching request (default: next) is found dead."""
        rule = {
            "kind": "hook",
            "hook": "kill_token",
            "path": body.get("path", "^/2/0/"),
            "nth": body.get("at_request", 1),
            "times": 1,
        }
        return {"fault": self._server.faults.add(rule)}

    def drain_bucket(self, body: Body) -> None:
        """A competitor has spent {count} requests (default: all)."""
        with self._server.lock:
            self._server.bucket.drain(float(body.get("count", 1e9)))

    def set_model_state(self, body: Body) -> None:
        """The model {model} is in {state}, and {closed} or not."""
        model = self._model(body)
        if "closed" in body:
            model.modify(is_closed=bool(body["closed"]))
        if "state" in body:
            if body["state"] not in _STATES:
                raise ValueError(f"There is no model state {body['state']!r}; known: {_STATES}.")
            model.modify(state=body["state"])

    def read_cells(self, body: Body) -> list[Body]:
        """Every stored cell of {module}: names and codes of its coordinates, line item, value."""
        with self._server.lock:
            self._server.engine.settle()
            model = self._model(body)
            module = _module(model, body["module"])
            return [
                {
                    "line_item": item.name,
                    "coordinates": _coordinates(model.data, module, key),
                    "value": _plain(model.data, item, value),
                }
                for item in module.line_items
                for key, value in model.data.cells[item.id].items()
            ]

    def read_list(self, body: Body) -> list[Body]:
        """Every item of the list {list} (name or id)."""
        with self._server.lock:
            self._server.engine.settle()
            items = _items(self._model(body), body["list"])
            return [
                {
                    "id": str(item.id),
                    "code": item.code,
                    "name": item.name,
                    "parent": items.items[item.parent].code if item.parent else "",
                    "properties": item.properties,
                }
                for item in items.items.values()
            ]

    def edit_cell(self, body: Body) -> None:
        """The cell {module, line_item, coordinates: {dimension name: code or name}} is {value}."""
        with self._server.lock:
            model = self._model(body)
            module = _module(model, body["module"])
            wanted = body.get("line_item", module.line_items[-1].name)
            item = next(one for one in module.line_items if one.name == wanted)
            key = tuple(
                model.data.names(axis)[body["coordinates"][_axis_name(model.data, axis)]]
                for axis in module.dimensions
            )
            members = model.data.names(item.list_id) if item.list_id else {}
            value = parse_cell(str(body["value"]), item, members=members)
            model.data.commit(Changes(cells={item.id: {key: value}}))

    def add_items(self, body: Body) -> None:
        """The list {list} has {items}: code, name, parent (code); present codes are left alone."""
        with self._server.lock:
            model = self._model(body)
            items = _items(model, body["list"]).copy()
            for one in body["items"]:
                if one["code"] not in items.by_code:
                    parent = items.find(one.get("parent") or "")
                    items.add(code=one["code"], name=one.get("name", one["code"]), parent=parent)
            model.data.commit(Changes(lists={items.definition.id: items}))

    def clear_module(self, body: Body) -> None:
        """The module {module} has no values."""
        with self._server.lock:
            model = self._model(body)
            cells = {
                item.id: dict.fromkeys(model.data.cells[item.id])
                for item in _module(model, body["module"]).line_items
            }
            model.data.commit(Changes(cells=cells))

    def snapshot(self, body: Body) -> Body:
        """The content of the model is remembered as {name}."""
        name = str(body.get("name", "default"))
        with self._server.lock:
            model = self._model(body)
            blob = json.dumps(_content(model.data)).encode()
            self._server.store.save_blob(_SNAPSHOTS, f"{model.id}/{name}", blob)
        return {"name": name}

    def restore(self, body: Body) -> None:
        """The model holds what the snapshot {name} remembers."""
        with self._server.lock:
            model = self._model(body)
            name = f"{model.id}/{body.get('name', 'default')}"
            blob = self._server.store.find_blob(_SNAPSHOTS, name)
            if blob is None:
                raise LookupError(f"There is no snapshot {name}.")
            _restore(model.data, json.loads(blob))

    def rename_import(self, body: Body) -> None:
        """The import {import} (id or name) is called {name}."""
        model = self._model(body)
        find_named(model.definitions.imports, body["import"]).name = body["name"]
        model.data.save_definitions()

    def remove_import(self, body: Body) -> None:
        """The import {import} (id or name) is gone."""
        model = self._model(body)
        one = find_named(model.definitions.imports, body["import"])
        del model.definitions.imports[one.id]
        model.data.save_definitions()

    def rename_header(self, body: Body) -> None:
        """The import {import} expects the header {to} where it expected {from}."""
        model = self._model(body)
        one = find_named(model.definitions.imports, body["import"])
        swap = {body["from"]: body["to"]}
        one.headers = [swap.get(text, text) for text in one.headers]
        one.columns = {key: swap.get(text, text) for key, text in one.columns.items()}
        model.data.save_definitions()

    def add_action(self, body: Body) -> None:
        """The definition {definition} stands among {kind}: imports, exports, processes, …."""
        model = self._model(body)
        kind = getattr(model.definitions, body["kind"])
        sample = type(next(iter(kind.values())))
        one = sample(**body["definition"])
        kind[one.id] = one
        model.data.save_definitions()

    def drop_dump(self, body: Body) -> None:
        """The dump of {import} of the user {email} is gone."""
        model = self._model(body)
        one = find_named(model.definitions.imports, body["import"])
        model.dumps.drop(body["email"], one.id)

    def set_default_file(self, body: Body) -> None:
        """The source {file} has the default content {content} for the {audience}."""
        model = self._model(body)
        source = find_named(model.definitions.sources, body["file"])
        source.audience = body.get("audience", "everyone")
        model.data.save_definitions()
        model.files.put_default(source.id, body["content"].encode())

    def expire_file(self, body: Body) -> None:
        """The private content of {file} of the user {email} has vanished."""
        model = self._model(body)
        files = {**model.definitions.sources, **model.definitions.exports}
        model.files.empty(body["email"], find_named(files, body["file"]).id)

    def _kill_request_token(self, request: Request, _arguments: Body) -> None:
        self._server.tokens.kill(request.headers.get("authorization", ""))

    def _drain_by_fault(self, _request: Request, arguments: Body) -> None:
        self.drain_bucket(arguments)

    def _model(self, body: Body) -> ModelRuntime:
        wanted = body.get("model", FINANCE_MODEL)
        for model in self._server.models.values():
            if wanted in {model.id, model.header["name"]}:
                return model
        raise LookupError(f"There is no model {wanted}.")


def _named_ids(model: ModelRuntime) -> Body:
    definitions = model.definitions
    kinds = ("lists", "modules", "sources", "imports", "exports", "actions", "processes")
    ids: Body = {
        kind: {one.name: one.id for one in getattr(definitions, kind).values()} for kind in kinds
    }
    ids["line_items"] = {
        module.name: {item.name: item.id for item in module.line_items}
        for module in definitions.modules.values()
    }
    ids["versions"] = {name: key for key, name in definitions.versions.items()}
    return ids


def _module(model: ModelRuntime, wanted: str) -> ModuleDef:
    found: ModuleDef = find_named(model.definitions.modules, wanted)
    return found


def _items(model: ModelRuntime, wanted: str) -> ItemList:
    return model.data.lists[find_named(model.definitions.lists, wanted).id]


def _axis_name(data: ModelData, axis: str) -> str:
    definition = data.definitions.lists.get(axis)
    if definition is not None:
        return definition.name
    return "Time" if axis == TIME_ID else "Versions"


def _coordinates(data: ModelData, module: ModuleDef, key: Key) -> dict[str, str]:
    """Dimension names to codes (names where an item has no code)."""
    found: dict[str, str] = {}
    for axis, member in zip(module.dimensions, key, strict=True):
        items = data.lists.get(axis)
        text = items.items[member].code if items and member in items.items else ""
        found[_axis_name(data, axis)] = text or data.shown(axis).get(member, "")
    return found


def _plain(data: ModelData, item: LineItemDef, value: Any) -> Any:
    """The value as JSON: members by code, periods by name, numbers as doubles."""
    if item.format == "LIST":
        found = data.lists[item.list_id].items.get(value)
        return (found.code or found.name) if found else ""
    if item.format == "TIME PERIOD":
        return data.shown(TIME_ID).get(value, "")
    return bool(value) if item.format == "BOOLEAN" else value


def _content(data: ModelData) -> Body:
    lists = {
        key: {
            "next": items.next_index,
            "items": [
                [one.id, one.code, one.name, one.parent, one.properties]
                for one in items.items.values()
            ],
        }
        for key, items in data.lists.items()
    }
    cells = {key: [[list(k), v] for k, v in values.items()] for key, values in data.cells.items()}
    return {"lists": lists, "cells": cells}


def _restore(data: ModelData, content: Body) -> None:
    lists = {
        key: ItemList(
            data.definitions.lists[key],
            (
                Item(id=row[0], code=row[1], name=row[2], parent=row[3], properties=row[4])
                for row in stored["items"]
            ),
            stored["next"],
        )
        for key, stored in content["lists"].items()
    }
    cells = {key: {tuple(k): v for k, v in rows} for key, rows in content["cells"].items()}
    data.replace_all(lists, cells)
