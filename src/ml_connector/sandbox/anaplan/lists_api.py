"""Lists and their items, read and changed outside of imports."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ml_connector.sandbox.anaplan.csvtext import render_rows
from ml_connector.sandbox.anaplan.data import Changes, Item, ItemList
from ml_connector.sandbox.anaplan.envelope import RefusedError, render_one, sort_kindly
from ml_connector.sandbox.anaplan.routing import (
    WRITES,
    Call,
    ModelRoutes,
    model_page,
    read_body,
)
from ml_connector.sandbox.anaplan.values import find_number_error
from ml_connector.sandbox.http import Response, text_response

if TYPE_CHECKING:
    from ml_connector.sandbox.anaplan.server import AnaplanServer

ITEMS_PER_CALL_MAX = 100_000
ITEMS_READ_MAX = 1_000_000
_LIST = r"/lists/(?P<l>[^/]+)"
_PRODUCTION = "PRODUCTION"


class ItemRefusedError(Exception):
    """One item of a request is not taken; the others are."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text
        super().__init__(text)


class ListsApi:
    """The list endpoints of a model."""

    def __init__(self, server: "AnaplanServer", routes: ModelRoutes) -> None:
        self._server = server
        routes.add("GET", "/lists", self._list)
        routes.add("GET", _LIST, self._read)
        routes.add("GET", _LIST + "/items", self._read_items)
        routes.add("POST", _LIST + "/items", self._post_items, WRITES)
        routes.add("PUT", _LIST + "/items", self._update_items, WRITES)
        routes.add("POST", _LIST + "/resetIndex", self._reset_index, WRITES)

    def _list(self, call: Call) -> Response:
        found = call.model.definitions.lists.values()
        rows: list[dict[str, Any]] = [{"id": one.id, "name": one.name} for one in found]
        return model_page(self._server, call, "lists", "list", sort_kindly(rows, call.request))

    def _read(self, call: Call) -> Response:
        items = self._items(call)
        one = items.definition
        metadata = {
            "id": one.id,
            "name": one.name,
            "properties": [{"name": n, "format": f} for n, f in one.properties.items()],
            "hasSelectiveAccess": False,
            "managedBy": "",
            "numberedList": one.numbered,
            "useTopLevelAsPageDefault": False,
            "itemCount": len(items.items),
            "nextItemIndex": items.next_index,
            "permittedItems": 999_999_999,
            "workflowEnabled": False,
            "productionData": one.production,
        }
        return render_one("list", {"metadata": metadata}, model_id=call.model.id)

    def _read_items(self, call: Call) -> Response:
        items = self._items(call)
        if len(items.items) > ITEMS_READ_MAX:
            raise RefusedError(400, f"The list has more than {ITEMS_READ_MAX} items.")
        if "text/csv" in call.request.headers.get("accept", ""):
            return text_response(_items_csv(items), "text/csv")
        is_full = (call.request.find_query("includeAll") or "").lower() == "true"
        rows = [_item_row(items, item, is_full=is_full) for item in items.items.values()]
        keeps_key = rows or self._server.switches["empty.omit_key"] == "off"
        body = {"listItems": rows} if keeps_key else {}
        return render_one("listItem", body, model_id=call.model.id)

    def _post_items(self, call: Call) -> Response:
        action = call.request.find_query("action")
        if action not in {"add", "delete"}:
            raise RefusedError(400, f"Invalid action '{action}'.")
        items = self._items(call)
        if call.model.state == _PRODUCTION and not items.definition.production:
            raise RefusedError(425)
        if action == "add":
            return self._change(call, items, "added", _add_item)
        return self._delete(call, items)

    def _update_items(self, call: Call) -> Response:
        return self._change(call, self._items(call), "updated", _update_item)

    def _change(
        self,
        call: Call,
        items: ItemList,
        counted: str,
        change: Callable[[ItemList, dict[str, Any]], bool],
    ) -> Response:
        wanted, items = _wanted(call), items.copy()
        failures: list[dict[str, Any]] = []
        done = 0
        for index, one in enumerate(wanted):
            try:
                done += change(items, one)
            except ItemRefusedError as error:
                failures.append(_failure(index, error))
        call.model.data.commit(Changes(lists={items.definition.id: items}))
        call.model.count_save(call.user)
        body: dict[str, Any] = {counted: done, "ignored": len(wanted) - done, "total": len(wanted)}
        return self._counted(call, body, failures)

    def _delete(self, call: Call, items: ItemList) -> Response:
        wanted, items = _wanted(call), items.copy()
        failures: list[dict[str, Any]] = []
        gone: set[int] = set()
        for index, one in enumerate(wanted):
            try:
                item = _find_item(items, one)
            except ItemRefusedError as error:
                failures.append(_failure(index, error))
                continue
            items.remove(item.id)
            gone.add(item.id)
        list_id = items.definition.id
        call.model.data.commit(Changes(lists={list_id: items}, dropped_items={list_id: gone}))
        call.model.count_save(call.user)
        return self._counted(call, {"deleted": len(gone)}, failures)

    def _counted(
        self, call: Call, body: dict[str, Any], failures: list[dict[str, Any]]
    ) -> Response:
        if failures:
            body["failures"] = failures
        return render_one("listItem", body, model_id=call.model.id)

    def _reset_index(self, call: Call) -> Response:
        items = self._items(call)
        if items.items:
            message = "We can't reset the list item index of a list that contains data."
            raise RefusedError(400, message)
        call.model.data.commit(Changes(lists={items.definition.id: ItemList(items.definition)}))
        return Response(status=200)

    def _items(self, call: Call) -> ItemList:
        items = call.model.data.lists.get(call.param("l"))
        if items is None:
            raise RefusedError(404)
        return items


def _wanted(call: Call) -> list[dict[str, Any]]:
    body = read_body(call.request)
    wanted = body.get("items") if isinstance(body, dict) else None
    if not isinstance(wanted, list) or not all(isinstance(one, dict) for one in wanted):
        raise RefusedError(400, "An array 'items' is required.")
    if len(wanted) > ITEMS_PER_CALL_MAX:
        raise RefusedError(400, f"At most {ITEMS_PER_CALL_MAX} items per request.")
    return wanted


def _add_item(items: ItemList, wanted: dict[str, Any]) -> bool:
    code, name = str(wanted.get("code") or ""), str(wanted.get("name") or "")
    if items.definition.numbered:
        if not code:
            raise ItemRefusedError("INCOMPLETE_DATA", "incomplete data -- no code")
    elif not name:
        raise ItemRefusedError("INCOMPLETE_DATA", "incomplete data -- no name")
    if (code and code in items.by_code) or name in items.by_name:
        return False
    parent = _parent(items, wanted)
    properties = _properties(items, wanted)
    item = items.add(code=code, name=name, parent=parent)
    item.properties.update(properties)
    return True


def _update_item(items: ItemList, wanted: dict[str, Any]) -> bool:
    item = _find_item(items, wanted)
    parent = _parent(items, wanted) if "parent" in wanted else item.parent
    item.properties.update(_properties(items, wanted))
    name = str(wanted.get("name") or item.name)
    if name != item.name and not items.definition.numbered:
        if name in items.by_name:
            raise ItemRefusedError("DUPLICATE_NAME", f"duplicate name -- value:{name}")
        items.rename(item, name)
    if wanted.get("id") and wanted.get("code"):
        items.recode(item, str(wanted["code"]))
    item.parent = parent
    return True


def _find_item(items: ItemList, wanted: dict[str, Any]) -> Item:
    if wanted.get("id"):
        text = str(wanted["id"])
        item_id = int(text) if text.isdigit() else 0
    else:
        item_id = items.by_code.get(str(wanted.get("code", ""))) or 0
        if not item_id and not items.definition.numbered:
            item_id = items.by_name.get(str(wanted.get("name", ""))) or 0
    if item_id not in items.items:
        raise ItemRefusedError("NOT_FOUND", f"item not found -- {wanted}")
    return items.items[item_id]


def _parent(items: ItemList, wanted: dict[str, Any]) -> int:
    text = str(wanted.get("parent") or "")
    parent = items.find(text) if text else 0
    if text and not parent:
        details = f"incorrect format -- column name:parent, value:{text}"
        raise ItemRefusedError("INCORRECT_FORMAT", details)
    return parent


def _properties(items: ItemList, wanted: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in (wanted.get("properties") or {}).items():
        text = str(value)
        if items.definition.properties.get(name) == "NUMBER" and find_number_error(text, "."):
            details = f"incorrect format -- column name:{name}, value:{text}"
            raise ItemRefusedError("INCORRECT_FORMAT", details)
        found[name] = text
    return found


def _failure(index: int, error: ItemRefusedError) -> dict[str, Any]:
    return {
        "requestIndex": index,
        "failureType": error.kind,
        "failureMessageDetails": error.text,
    }


def _item_row(items: ItemList, item: Item, *, is_full: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"id": str(item.id), "name": item.name, "code": item.code}
    if is_full:
        if item.parent:
            row |= {"parent": items.items[item.parent].name, "parentId": str(item.parent)}
        row |= {"listId": items.definition.id, "subsets": {}, "properties": item.properties}
    return row


def _items_csv(items: ItemList) -> str:
    names = list(items.definition.properties)
    rows = [["id", "name", "code", "parent", *names]]
    for item in items.items.values():
        parent = items.items[item.parent].name if item.parent else ""
        own = [item.properties.get(name, "") for name in names]
        rows.append([str(item.id), item.name, item.code, parent, *own])
    return render_rows(rows)
