"""Collections and items read from the tables, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ml_connector.sandbox.fusion.call import (
    LIMIT_DEFAULT,
    Call,
    answer_media,
    positive_number,
    verify_parameters,
)
from ml_connector.sandbox.fusion.conditions import (
    Clause,
    Conditions,
    find_attribute,
    join_clauses,
)
from ml_connector.sandbox.fusion.finders import parse_finder, visible_ledgers, visible_units
from ml_connector.sandbox.fusion.opaque import OpaqueKeys
from ml_connector.sandbox.fusion.places import Page, Place, Window, collection_link, cut_page
from ml_connector.sandbox.fusion.projection import Projection, parse_projection
from ml_connector.sandbox.fusion.query_example import parse_example_query
from ml_connector.sandbox.fusion.query_rowmatch import parse_rowmatch
from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.fusion.resource import Finder, Resource, Row
from ml_connector.sandbox.fusion.rows import (
    STRINGS_FROM,
    LinkWriter,
    assemble_item,
    row_form,
    row_indicator,
)
from ml_connector.sandbox.http import Response
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.switches import Switches

ROWMATCH_FROM = 2
PAGED_CHILDREN_FROM = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads rows and writes them out; it changes nothing."""

    store: Store
    switches: Switches
    keys: OpaqueKeys

    def collection(self, call: Call, place: Place) -> Response:
        """Return one page of a collection."""
        verify_parameters(call, collection=True)
        projection = parse_projection(place.resource, call.parameters, self.switches)
        window = self._window(call, place)
        page = self._page(call, place, projection, window)
        total = self._total(call, place, window)
        text = self._envelope(call, place, projection, (window, page, total))
        headers = _headers(call, "resourcecollection")
        return Response(status=200, headers=headers, body=text.encode())

    def item(self, call: Call, place: Place, row_id: int, *, status: int = 200) -> Response:
        """Return one item with its change indicator; 304 where the client has it already."""
        verify_parameters(call, collection=False)
        projection = parse_projection(place.resource, call.parameters, self.switches)
        window = Window(clause=Clause(sql="_id = ?", params=(row_id,)), order="", limit=1, offset=0)
        page = self._page(call, place, projection, window)
        if not page.rows:
            raise RefusalError(404)
        indicator = row_indicator(place.resource, row_id, page.rows[0][1])
        etag = (("ETag", f'"{indicator}"'),)
        if matches_etag(call.request.headers.get("if-none-match"), indicator):
            return Response(status=304, headers=etag)
        text = self._items(call, place, projection, page.rows)[0]
        headers = _headers(call, "resourceitem") + etag
        return Response(status=status, headers=headers, body=text.encode())

    def find_row(self, place: Place, key: str, user: str) -> int | None:
        """Return the row of a collection behind a key, where the user may see it."""
        resource = place.resource
        if resource.compute is not None:
            return None
        clauses = self._fixed_clauses(place, user)
        if resource.opaque:
            clauses.append(Clause(sql="_id = ?", params=(self.keys.find_row(resource.name, key),)))
        else:
            clauses.append(Clause(sql=f'"{resource.key}" = ?', params=(key,)))
        clause = join_clauses(clauses)
        sql = f"SELECT _id FROM {resource.table} WHERE {clause.sql}"  # noqa: S608 - built from our own names, values are bound
        found = self.store.query(sql, clause.params)
        return int(found[0][0]) if found else None

    def revision(self, resource: Resource, row_id: int) -> str:
        """Return the change indicator of a row as it stands."""
        column = "LastUpdateDate" if resource.has_revision else "''"
        sql = f"SELECT {column} FROM {resource.table} WHERE _id = ?"  # noqa: S608 - our own names
        return row_indicator(resource, row_id, self.store.query(sql, (row_id,))[0][0])

    def _window(self, call: Call, place: Place) -> Window:
        limit_max = int(self.switches["max_limit"])
        limit = positive_number(call, "limit", LIMIT_DEFAULT, least=1)
        return Window(
            clause=self._clause(call, place),
            order=self._order(call, place.resource),
            limit=min(limit, limit_max),
            offset=positive_number(call, "offset", 0, least=0),
        )

    def _clause(self, call: Call, place: Place) -> Clause:
        clauses = self._fixed_clauses(place, call.user)
        if call.parameters.get("finder"):
            finder, variables = parse_finder(place.resource, call.parameters["finder"])
            if place.resource.compute is None:
                clauses.append(self._finder_clause(place.resource, finder, variables))
        if call.parameters.get("q", "").strip():
            clauses.append(self._query_clause(call, place.resource))
        return join_clauses(clauses)

    def _fixed_clauses(self, place: Place, user: str) -> list[Clause]:
        """Return what holds for any reading: the row above, and what the user may see."""
        clauses = []
        if place.parent_id is not None:
            clauses.append(Clause(sql="_parent = ?", params=(place.parent_id,)))
        ledgers = visible_ledgers(self.switches, user)
        if ledgers is not None and place.resource.ledger_filter:
            marks = ",".join("?" * len(ledgers)) or "NULL"
            sql = place.resource.ledger_filter.format(ledgers=marks)
            clauses.append(Clause(sql=sql, params=tuple(ledgers)))
        units = visible_units(self.switches, user)
        if units is not None and place.resource.unit_filter:
            marks = ",".join("?" * len(units)) or "NULL"
            sql = place.resource.unit_filter.format(units=marks)
            clauses.append(Clause(sql=sql, params=tuple(units)))
        return clauses

    def _query_clause(self, call: Call, resource: Resource) -> Clause:
        conditions = Conditions(resource=resource, switches=self.switches)
        parse = parse_rowmatch if call.version >= ROWMATCH_FROM else parse_example_query
        return parse(call.parameters["q"], conditions)

    def _finder_clause(
        self, resource: Resource, finder: Finder, variables: Mapping[str, str]
    ) -> Clause:
        conditions = Conditions(resource=resource, switches=self.switches)
        clauses = []
        for variable, value in variables.items():
            name, _, operator = finder.variables[variable].partition(" ")
            operand = conditions.operand(name)
            clauses.append(conditions.compare(operand, operator or "=", value))
        return join_clauses(clauses)

    def _order(self, call: Call, resource: Resource) -> str:
        parts = [part.strip() for part in call.parameters.get("orderBy", "").split(",")]
        terms = [self._order_term(resource, part) for part in parts if part]
        default = "_id DESC" if self.switches["default_order"] == "reversed" else "_id"
        return ", ".join([*terms, default])

    def _order_term(self, resource: Resource, part: str) -> str:
        name, _, direction = part.partition(":")
        attribute = find_attribute(resource, name.strip(), self.switches)
        way = (direction.strip() or "asc").lower()
        if attribute is None or way not in {"asc", "desc"}:
            raise RefusalError(400, f"The value {part} of parameter orderBy is not valid.")
        if attribute.sort_switch and not self.switches[attribute.sort_switch]:
            raise RefusalError(400, f"The attribute {name} in parameter orderBy is not sortable.")
        is_number = attribute.kind == "number"
        column = f"CAST({attribute.column} AS NUMERIC)" if is_number else attribute.column
        return f"{column} {way.upper()}"

    def _page(self, call: Call, place: Place, projection: Projection, window: Window) -> Page:
        if place.resource.compute is not None:
            return self._computed_page(call, place.resource, projection, window)
        offset = window.offset
        if self.switches["repeat_page"] and window.limit is not None:
            offset = max(0, offset - window.limit)
        sql = self._select(place.resource, projection, window)
        bounds = (-1 if window.limit is None else window.limit + 1, offset)
        rows = self.store.query(sql, (*window.clause.params, *bounds))
        return cut_page(rows, window.limit)

    def _select(self, resource: Resource, projection: Projection, window: Window) -> str:
        revision = "LastUpdateDate" if resource.has_revision else "''"
        key = f'"{resource.key}"' if resource.key else "_id"
        columns = ", ".join(["_id", revision, key, *(a.column for a in projection.attributes)])
        order = f"ORDER BY {window.order}" if window.order else ""
        return (
            f"SELECT {columns} FROM {resource.table} WHERE {window.clause.sql} {order}"  # noqa: S608 - built from our own names, values are bound
            " LIMIT ? OFFSET ?"
        )

    def _computed_page(
        self, call: Call, resource: Resource, projection: Projection, window: Window
    ) -> Page:
        rows = self._computed_rows(call, resource)
        indexes = [resource.attributes.index(a) for a in projection.attributes]
        end = None if window.limit is None else window.offset + window.limit + 1
        shown = [
            (number, "", row[0], *(row[index] for index in indexes))
            for number, row in enumerate(rows[window.offset : end], window.offset + 1)
        ]
        return cut_page(shown, window.limit)

    def _computed_rows(self, call: Call, resource: Resource) -> list[Row]:
        assert resource.compute is not None
        variables: Mapping[str, str] = {}
        if resource.finders and call.parameters.get("q"):
            raise RefusalError(400, "The URL request parameter q cannot be used in this context.")
        if resource.finders:
            variables = _required_finder(call, resource)
        return resource.compute(variables, call.user)

    def _total(self, call: Call, place: Place, window: Window) -> int | None:
        if call.parameters.get("totalResults", "").lower() != "true":
            return None
        if self.switches["total_results_fails"]:
            raise RefusalError(500, "Internal Server Error")
        drift = int(self.switches["total_results_drift"]) * (window.offset // (window.limit or 1))
        return self._count(call, place, window) + drift

    def _count(self, call: Call, place: Place, window: Window) -> int:
        if place.resource.compute is not None:
            return len(self._computed_rows(call, place.resource))
        sql = f"SELECT COUNT(*) FROM {place.resource.table} WHERE {window.clause.sql}"  # noqa: S608 - built from our own names, values are bound
        return int(self.store.query(sql, window.clause.params)[0][0])

    def _envelope(
        self,
        call: Call,
        place: Place,
        projection: Projection,
        found: tuple[Window, Page, int | None],
    ) -> str:
        window, page, total = found
        items = self._items(call, place, projection, page.rows)
        members = []
        if items or not self.switches["items_missing_when_empty"]:
            members.append('"items":[' + ",".join(items) + "]")
        if total is not None:
            members.append(f'"totalResults":{total}')
        has_more = {"never": False, "always": True}.get(self.switches["has_more"], page.has_more)
        members.append(f'"count":{len(items)},"hasMore":{"true" if has_more else "false"}')
        members.append(f'"limit":{window.limit},"offset":{window.offset}')
        if not call.only_data:
            members.append(f'"links":[{collection_link(place)}]')
        return "{" + ",".join(members) + "}"

    def _items(
        self, call: Call, place: Place, projection: Projection, rows: list[Row]
    ) -> list[str]:
        strings = call.version >= STRINGS_FROM and self.switches["long_decimals_as_strings"]
        language = call.language(str(self.switches["user_language"]))
        form = row_form(projection.attributes, long_as_strings=bool(strings), language=language)
        links = self._links(call, place)
        items = []
        for row_id, revision, key_value, *values in rows:
            if call.only_data and not projection.children:
                items.append("{" + form.render(tuple(values)) + "}")
                continue
            key = links.key_of(row_id, key_value)
            href = links.item_href(key)
            indicator = row_indicator(place.resource, row_id, revision)
            parts = [form.render(tuple(values))]
            parts += self._children(call, place, projection, (row_id, href))
            written = "" if call.only_data else links.item_links(href, indicator)
            items.append(assemble_item(call, parts, written, (key, indicator)))
        return items

    def _links(self, call: Call, place: Place) -> LinkWriter:
        wanted = call.parameters.get("links", "")
        return LinkWriter(
            call=call,
            resource=place.resource,
            collection=place.href,
            parent=place.parent_href,
            keys=self.keys,
            key_style=str(self.switches["opaque_keys"]),
            wanted=frozenset(part.strip() for part in wanted.split(",") if part.strip()),
        )

    def _children(
        self, call: Call, place: Place, projection: Projection, above: tuple[int, str]
    ) -> list[str]:
        row_id, href = above
        parts = []
        for accessor, shown in projection.children.items():
            child = place.resource.find_child(accessor)
            assert child is not None
            below = Place(
                resource=child.resource,
                href=f"{href}/child/{accessor}",
                name=accessor,
                parent_id=row_id,
                parent_href=href,
            )
            nested = self._nested(call, below, shown)
            if nested is not None:
                parts.append(f'"{accessor}":{nested}')
        return parts

    def _nested(self, call: Call, place: Place, projection: Projection) -> str | None:
        """Return an expanded child, or None where an empty one is left out."""
        paged = call.version >= PAGED_CHILDREN_FROM
        window = Window(
            clause=join_clauses(self._fixed_clauses(place, call.user)),
            order="_id",
            limit=int(self.switches["nested_page_size"]) if paged else None,
            offset=0,
        )
        page = self._page(call, place, projection, window)
        if not page.rows and self.switches["empty_children_missing"]:
            return None
        if paged:
            return self._envelope(call, place, projection, (window, page, None))
        return "[" + ",".join(self._items(call, place, projection, page.rows)) + "]"


def _required_finder(call: Call, resource: Resource) -> Mapping[str, str]:
    text = call.parameters.get("finder")
    if not text:
        raise RefusalError(400, f"The resource {resource.name} wants a finder.")
    finder, variables = parse_finder(resource, text)
    return {**variables, "finder": finder.name}


def _headers(call: Call, kind: str) -> tuple[tuple[str, str], ...]:
    return (
        ("Content-Type", answer_media(call, kind)),
        ("REST-Framework-Version", str(call.version)),
    )


def matches_etag(header: str | None, indicator: str) -> bool:
    """Return whether a conditional header names this change indicator."""
    if header is None:
        return False
    listed = [part.strip().removeprefix("W/").strip('"') for part in header.split(",")]
    return indicator in listed or "*" in listed
