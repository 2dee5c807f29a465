"""The side door under /__sandbox/ through which tests look behind and turn the screws.

- `GET info`: ids, users, addresses of the server.
- `GET journal[?after=seq]`, `DELETE journal`: every request answered so far.
- `GET switches`, `POST switches {"name": value}`: decisions the contract leaves open.
- `GET faults`, `POST faults {rule}` or `[{rule}]`, `DELETE faults`: see `faults.FaultRule`.
- `GET clock`, `POST clock {"advance_s": 60}` or `{"set": "2026-11-30T08:00:00Z"}`.
- `POST reset`: all but the clock is as on a fresh state folder.
- `POST <operation> {…}`: what the server itself registered; answers `{"result": …}`.

An unknown name is answered with the list of those that exist.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ml_connector.sandbox.http import Handler, Request, Response, json_response
from ml_connector.sandbox.journal import line_as_json

if TYPE_CHECKING:
    from ml_connector.sandbox.server import SandboxServer

CONTROL_PREFIX = "/__sandbox/"
AdminOperation = Callable[[dict[str, Any]], Any]


class Control:
    """Answers the control paths; it is neither journalled, limited nor spoiled by faults."""

    def __init__(self, server: "SandboxServer") -> None:
        self._server = server
        self._operations: dict[str, AdminOperation] = {}
        self._handlers: dict[tuple[str, str], Handler] = {
            ("GET", "journal"): self._read_journal,
            ("DELETE", "journal"): self._clear_journal,
            ("GET", "switches"): self._read_switches,
            ("POST", "switches"): self._turn_switches,
            ("GET", "faults"): self._read_faults,
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "clock"): self._read_clock,
            ("POST", "clock"): self._move_clock,
            ("POST", "reset"): self._reset,
            ("GET", "info"): self._read_info,
        }

    def add(self, name: str, operation: AdminOperation) -> None:
        """POST of this name runs the operation."""
        self._operations[name] = operation

    def answer(self, request: Request) -> Response:
        """The reply to a control request; 400 with `error` where it was refused."""
        name = request.path.removeprefix(CONTROL_PREFIX).strip("/")
        handler = self._handlers.get((request.method, name))
        try:
            if handler is not None:
                return handler(request)
            if request.method == "POST" and name in self._operations:
                return json_response({"result": self._operations[name](_body(request))})
        except (KeyError, LookupError, TypeError, ValueError) as error:
            return json_response({"error": f"{type(error).__name__}: {error}"}, 400)
        known = sorted({key for _, key in self._handlers} | set(self._operations))
        return json_response({"error": f"There is no control {name!r}.", "known": known}, 404)

    def _read_journal(self, request: Request) -> Response:
        after = int(request.find_query("after") or 0)
        lines = self._server.journal.lines(after_seq=after)
        return json_response({"lines": [line_as_json(line) for line in lines]})

    def _clear_journal(self, _request: Request) -> Response:
        self._server.journal.clear()
        return Response(status=204)

    def _read_switches(self, _request: Request) -> Response:
        return json_response(self._server.switches.positions())

    def _turn_switches(self, request: Request) -> Response:
        self._server.switches.turn(_body(request))
        return self._read_switches(request)

    def _read_faults(self, _request: Request) -> Response:
        return json_response({"rules": self._server.faults.rules()})

    def _add_faults(self, request: Request) -> Response:
        wanted = request.json()
        rules = wanted if isinstance(wanted, list) else [wanted]
        return json_response({"ids": [self._server.faults.add(rule) for rule in rules]})

    def _clear_faults(self, _request: Request) -> Response:
        self._server.faults.clear()
        return Response(status=204)

    def _read_clock(self, _request: Request) -> Response:
        clock = self._server.clock
        at = clock.now_utc()
        return json_response(
            {"now": at.isoformat(), "epoch_s": at.timestamp(), "virtual": clock.virtual}
        )

    def _move_clock(self, request: Request) -> Response:
        wanted = _body(request)
        if "set" in wanted:
            at = datetime.fromisoformat(str(wanted["set"]))
            self._server.clock.set(at if at.tzinfo else at.replace(tzinfo=UTC))
        else:
            self._server.clock.advance(float(wanted["advance_s"]))
        return self._read_clock(request)

    def _reset(self, _request: Request) -> Response:
        self._server.reset()
        return Response(status=204)

    def _read_info(self, _request: Request) -> Response:
        return json_response(
            {"server": self._server.name, "url": self._server.url, **self._server.info()}
        )


def _body(request: Request) -> dict[str, Any]:
    """The JSON object of the body; an empty body counts as an empty object."""
    body = request.json() if request.body.strip() else {}
    if not isinstance(body, dict):
        raise TypeError(f"a JSON object is wanted, not {type(body).__name__}")
    return body
