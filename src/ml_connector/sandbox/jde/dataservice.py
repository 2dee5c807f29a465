"""The data service: browse, count, aggregate, batches of these, and pages."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from ml_connector.sandbox.clock import SandboxClock
from ml_connector.sandbox.http import Response
from ml_connector.sandbox.jde.asking import Asker
from ml_connector.sandbox.jde.callers import Caller
from ml_connector.sandbox.jde.grid import PageMarks, form_name, grid_id, render_form, render_page
from ml_connector.sandbox.jde.oldgrid import old_row_renderer
from ml_connector.sandbox.jde.ordering import objects_of
from ml_connector.sandbox.jde.question import Question, Statement
from ml_connector.sandbox.jde.readers import Readers
from ml_connector.sandbox.jde.refusals import (
    EXPIRED_TITLE,
    DeadTokenError,
    QueryRefusalError,
    RefusalError,
    sys_errors,
)
from ml_connector.sandbox.jde.resultsets import Page, ResultSet, ResultSets
from ml_connector.sandbox.jde.switches import WRONG_ORIGIN, jas_zone
from ml_connector.sandbox.jde.wishes import Wish, is_true, parse_wish
from ml_connector.sandbox.switches import Switches

BATCH_MAX = 100
NEXT_PATH = "/jderest/v2/dataservice/next"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataService:
    """Answers data requests out of the raw tables."""

    clock: SandboxClock
    switches: Switches
    readers: Readers
    results: ResultSets
    asker: Asker

    def answer(self, body: dict[str, Any], caller: Caller, origin: str, version: int) -> Response:
        """Return the answer to one request, or to a batch of them."""
        if is_true(body.get("batchDataRequest")):
            return _json(self._answer_batch(body, caller, version))
        wish = parse_wish(body, version=version)
        if wish.service == "BROWSE":
            return _json(self._browse(self.asker.question(wish, caller), caller, origin))
        return _json(self._measure(wish, caller, f"ds_{wish.target}"))

    def next_page(self, rid: str, caller: Caller, origin: str) -> Response:
        """Return the next page of a result set that has not expired."""
        idle = float(self.switches["resultSetTimeoutS"])
        result = self.results.find(rid, now=self.clock.now(), idle_s_max=idle)
        if result is None:
            raise RefusalError(500, EXPIRED_TITLE, body=sys_errors(EXPIRED_TITLE))
        if caller.session is None or result.token != caller.session.token:
            if int(self.switches["nextOtherToken"]) == 444:
                raise DeadTokenError
            raise RefusalError(500, EXPIRED_TITLE, body=sys_errors(EXPIRED_TITLE))
        page = result.next_page()
        return _json(self._render(result.question, page, result, rid, origin))

    def _answer_batch(self, body: dict[str, Any], caller: Caller, version: int) -> str:
        requests = objects_of(body, "dataRequests")
        if not 0 < len(requests) <= BATCH_MAX:
            raise QueryRefusalError(f"dataRequests holds {len(requests)} requests.")
        parts = []
        for at, one in enumerate(requests):
            wanted = {**one, "outputType": body.get("outputType") or one.get("outputType")}
            wish = replace(parse_wish(wanted, version=version), pages=False)
            if wish.service == "BROWSE":
                question = self.asker.question(wish, caller)
                page = self._only_page(question, caller)
                form = render_form(question, page.rows, page.count, more=page.more)
                parts.append(f'"fs_{at}_{form_name(question)}":{form}')
            else:
                parts.append(self._measure(wish, caller, f"ds_{at}_{wish.target}")[1:-1])
        return "{" + ",".join(parts) + "}"

    def _browse(self, question: Question, caller: Caller, origin: str) -> str:
        rid = secrets.token_hex(8)[1:]
        wish, session = question.wish, caller.session
        if session is None or not wish.pages or not self.asker.finds(wish):
            return self._render(question, self._only_page(question, caller), None, rid, origin)
        result = self._start(question, caller)
        result.token, result.stack_id = session.token, session.next_stack()
        result.used_at = self.clock.now()
        page = result.next_page()
        if page.follows:
            self.results.keep(rid, result)
        else:
            self.results.end(result)
        return self._render(question, page, result, rid, origin)

    def _render(
        self, question: Question, page: Page, result: ResultSet | None, rid: str, origin: str
    ) -> str:
        marks = PageMarks(
            stack_id=result.stack_id if result else 1,
            state_id=1,
            rid=rid,
            next_href=self._href(result, rid, origin) if result and page.follows else None,
            extra=self.switches["extraKeys"] == "on",
        )
        form = render_form(question, page.rows, page.count, more=page.more)
        return render_page(question, form, marks, self.clock.now_utc())

    def _only_page(self, question: Question, caller: Caller) -> Page:
        if not self.asker.finds(question.wish):
            return Page(rows="", count=0, more=False, follows=False)
        result = self._start(question, caller)
        try:
            return result.next_page()
        finally:
            self.results.end(result)

    def _start(self, question: Question, caller: Caller) -> ResultSet:
        if question.wish.output_type == "GRID_DATA":
            return self.results.start(question, question.browsing(), _join_rows)
        render = old_row_renderer(question, caller.dates, jas_zone(self.switches))
        return self.results.start(question, question.browsing_raw(), _numbered(render))

    def _measure(self, wish: Wish, caller: Caller, name: str) -> str:
        question = self.asker.question(wish, caller)
        if wish.service == "COUNT":
            count = self._run(question.counting())[0][0]
            alone = name == f"ds_{wish.target}"
            flat = alone and self.switches["countShape"] == "flat"
            return f'{{"count":{count}}}' if flat else f'{{"{name}":{{"count":{count}}}}}'
        rows = self._run(self.asker.aggregator(question, caller).statement())
        return f'{{"{name}":{{"output":[{_join_rows(rows)}]}}}}'

    def _run(self, statement: Statement) -> list[tuple[Any, ...]]:
        return self.readers.query(statement.sql, list(statement.params))

    def _href(self, result: ResultSet, rid: str, origin: str) -> str:
        question = result.question
        asked = {
            "stackId": result.stack_id,
            "stateId": 1,
            "rid": rid,
            "fullGridId": grid_id(question.table.name),
            "formOID": f"V{question.table.name[1:]}",
            "token": result.token,
            "outputType": question.wish.output_type,
            "returnControlIDs": "|".join(question.wish.names or ()),
        }
        return f"{self._origin(origin)}{NEXT_PATH}?{urlencode(asked)}"

    def _origin(self, own: str) -> str:
        public = str(self.switches["publicOrigin"]).rstrip("/") or own
        if self.switches["nextHost"] == "wrong":
            return WRONG_ORIGIN
        if self.switches["nextHost"] == "http":
            return f"http://{public.partition('://')[2]}"
        return public


def _join_rows(rows: Sequence[tuple[Any, ...]]) -> str:
    return ",".join(chain.from_iterable(rows))


def _numbered(render: Callable[[int, tuple[Any, ...]], str]) -> Callable[..., str]:
    def join(rows: Sequence[tuple[Any, ...]]) -> str:
        return ",".join(render(place, row) for place, row in enumerate(rows))

    return join


def _json(text: str) -> Response:
    headers = (("Content-Type", "application/json"),)
    return Response(status=200, headers=headers, body=text.encode())
