"""Rules that spoil chosen requests: refused, delayed, answered badly, or killed half-way."""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ml_connector.sandbox.http import Delivery, Request, Response
from ml_connector.sandbox.store import Store
from ml_connector.sandbox.visitors import Pause

_SPACE = "faults"
KINDS = (
    "status", "html", "reset_before", "reset_after", "close_before", "close_after", "delay",
    "slow_body", "truncate_body", "kill_before", "kill_after", "hook",
)  # fmt: skip
HTML_BODY = "<html><head><title>{status}</title></head><body><h1>Gateway error</h1></body></html>"


@dataclass(slots=True, kw_only=True)
class FaultRule:
    """One rule, with the counters that say when it is due.

    `nth` counts the matching requests (first is 1), `every` makes each further k-th one due,
    `times` bounds the firings (None: no bound). `effect` says for `status` and `html` whether
    the request is carried out before the bad answer is sent; `delay_s` (real seconds) goes
    before any kind, and for `delay` with `effect` after the work but before the answer.
    """

    id: int
    kind: str
    path: str = ""
    method: str | None = None
    nth: int = 1
    every: int | None = None
    times: int | None = 1
    status: int = 503
    body: Any = ""
    headers: dict[str, str] | None = None
    retry_after: int | str | None = None
    effect: bool = False
    delay_s: float = 0.0
    pieces: int = 10
    pause_s: float = 0.05
    cut_at: int = 0
    hook: str = ""
    arguments: dict[str, Any] | None = None
    hits: int = 0
    fired: int = 0

    def matches(self, request: Request) -> bool:
        """The rule speaks about this request, due or not."""
        if self.method and self.method.upper() != request.method:
            return False
        return re.search(self.path, request.raw_path) is not None

    def is_due(self) -> bool:
        """The present hit is one to spoil."""
        if self.hits < self.nth or (self.times is not None and self.fired >= self.times):
            return False
        return self.every is None or (self.hits - self.nth) % self.every == 0


Hook = Callable[[Request, dict[str, Any]], None]


class FaultBook:
    """The rules of one server. Counters are stored, so a killed server does not die again."""

    def __init__(self, store: Store) -> None:
        self.hooks: dict[str, Hook] = {}
        self._store = store
        self._lock = threading.Lock()
        self._rules = [FaultRule(**rule) for rule in store.load_space(_SPACE).values()]

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with its counters."""
        with self._lock:
            return [_as_json(rule) for rule in self._rules]

    def add(self, wanted: dict[str, Any]) -> int:
        """The rule is in force; its number.

        Raises:
            ValueError: The kind, hook or a field is unknown; nothing was added.
        """
        with self._lock:
            number = max((rule.id for rule in self._rules), default=0) + 1
            rule = self._parse(wanted, number)
            self._rules.append(rule)
            self._save(rule)
        return number

    def clear(self) -> None:
        """No rule is in force."""
        with self._lock:
            self._rules = []
            self._store.clear_space(_SPACE)

    def find_due(self, request: Request) -> FaultRule | None:
        """Count the request for every rule that matches; the first rule due, or None."""
        with self._lock:
            due: FaultRule | None = None
            for rule in self._rules:
                if not rule.matches(request):
                    continue
                rule.hits += 1
                if due is None and rule.is_due():
                    rule.fired += 1
                    due = rule
                self._save(rule)
            return replace(due) if due else None

    def _parse(self, wanted: dict[str, Any], number: int) -> FaultRule:
        fields = {"times": None} | wanted if wanted.get("every") else dict(wanted)
        try:
            rule = FaultRule(**{**fields, "id": number, "hits": 0, "fired": 0})
            re.compile(rule.path)
        except (TypeError, re.error) as error:
            raise ValueError(f"The fault rule {wanted!r} was not added: {error}.") from error
        if rule.kind not in KINDS:
            raise ValueError(f"There is no fault kind {rule.kind!r}; known: {KINDS}.")
        if rule.kind == "hook" and rule.hook not in self.hooks:
            raise ValueError(f"There is no hook {rule.hook!r}; known: {sorted(self.hooks)}.")
        return rule

    def _save(self, rule: FaultRule) -> None:
        self._store.save(_SPACE, f"{rule.id:06}", _as_json(rule))


def apply_fault(
    rule: FaultRule,
    request: Request,
    carry_out: Callable[[], Response],
    hooks: dict[str, Hook],
    pause: Pause,
) -> Response:
    """The request has been answered the way the rule wants."""
    early = rule.delay_s if rule.kind != "delay" or not rule.effect else 0.0
    pause(early)
    match rule.kind:
        case "status" | "html":
            return _bad_answer(rule, carry_out)
        case "reset_before" | "close_before":
            return _without_answer(rule)
        case "kill_before":
            return Response(status=0, delivery=Delivery(mode="kill"))
        case "hook":
            hooks[rule.hook](request, rule.arguments or {})
        case _:
            pass
    return _after_effect(rule, carry_out(), pause)


def _after_effect(rule: FaultRule, response: Response, pause: Pause) -> Response:
    match rule.kind:
        case "reset_after" | "close_after":
            return _without_answer(rule)
        case "kill_after":
            return Response(status=0, delivery=Delivery(mode="kill"))
        case "delay" if rule.effect:
            pause(rule.delay_s)
        case "slow_body":
            slow = Delivery(mode="slow", pieces=rule.pieces, pause_s=rule.pause_s)
            return replace(response, delivery=slow)
        case "truncate_body":
            return replace(response, delivery=Delivery(mode="truncate", cut_at=rule.cut_at))
        case _:
            pass
    return response


def _bad_answer(rule: FaultRule, carry_out: Callable[[], Response]) -> Response:
    if rule.effect:
        carry_out()
    headers = dict(rule.headers or {})
    if rule.retry_after is not None:
        headers["Retry-After"] = str(rule.retry_after)
    if rule.kind == "html":
        headers.setdefault("Content-Type", "text/html")
        text = rule.body or HTML_BODY.format(status=rule.status)
    else:
        text = rule.body if isinstance(rule.body, str) else json.dumps(rule.body)
        default = "text/plain" if isinstance(rule.body, str) else "application/json"
        headers.setdefault("Content-Type", default)
    return Response(status=rule.status, headers=tuple(headers.items()), body=text.encode())


def _without_answer(rule: FaultRule) -> Response:
    mode: Any = "reset" if rule.kind.startswith("reset") else "close"
    return Response(status=0, delivery=Delivery(mode=mode))


def _as_json(rule: FaultRule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in FaultRule.__slots__}
