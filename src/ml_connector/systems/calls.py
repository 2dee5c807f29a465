"""One call to a remote system and its reply, as plain values."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from ml_connector.errors import ConnectorError, OutcomeUnknownError, ProtocolError, RefusedError

T = TypeVar("T")

NOT_FOUND: Final = 404
UNAUTHORIZED: Final = 401
ACCEPTED_DEFAULT: Final = frozenset({NOT_FOUND})
RENEWS_DEFAULT: Final = frozenset({UNAUTHORIZED})
BODY_BYTES_MAX: Final = 64 * 1024 * 1024
"""Largest reply body a call takes unless it names its own limit."""
BODY_S_DEFAULT: Final = 900.0
"""A body that drips for longer, however steadily, counts as broken off."""
EXCERPT_CHARACTERS_MAX: Final = 300
REPEATABLE_METHODS: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTimeouts:
    """How long a kind of call may take: to connect, between two pieces of its reply, for all."""

    connect_s: float
    read_s: float
    body_s: float = BODY_S_DEFAULT


LOGIN_TIMEOUTS: Final = CallTimeouts(connect_s=10, read_s=30)
"""Token calls answer at once or not at all."""
READ_TIMEOUTS: Final = CallTimeouts(connect_s=10, read_s=60)
"""A page or an item."""
SLOW_READ_TIMEOUTS: Final = CallTimeouts(connect_s=10, read_s=310)
"""Just above the 300 s after which gateways give up by themselves."""
WRITE_TIMEOUTS: Final = CallTimeouts(connect_s=10, read_s=310)
"""A time-out of a write leaves its outcome open, so it comes after the gateway's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a call is tried, and within how many seconds the last try must begin."""

    tries_max: int
    total_s: float


PATIENCE_DEFAULT: Final = Patience(tries_max=5, total_s=300.0)
ONE_TRY: Final = Patience(tries_max=1, total_s=0.0)
"""For what is pointless, or not the same, when it is sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCall:
    """What is sent; the parts that may hold secrets or data are left out of `repr`.

    Attributes:
        method: Upper case.
        path: Absolute, already percent-encoded, without query; it may be shown in errors.
        query: Name and plain value pairs; encoded here once, a blank as `%20`, a plus as `%2B`.
        raw_query: Sent instead of `query`, as it stands: the query of a link, already encoded.
        headers: Added to the connection's own.
        content: The body's bytes.
        is_repeatable: Whether sending it twice does no more than once; None: GET and HEAD are.
        replays_after_401: Whether it may be sent again with a renewed token.
        renews_on: Statuses that say the token is no good.
        accepted: Statuses besides 2xx the caller wants as a reply rather than an error.
        timeouts: Named by the kind of call.
        patience: How often and how long it is tried.
        bytes_max: A longer reply body is refused.
        is_login: Whether the reply may hold credentials; its body is then never quoted.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    raw_query: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    is_repeatable: bool | None = None
    replays_after_401: bool = True
    renews_on: frozenset[int] = RENEWS_DEFAULT
    accepted: frozenset[int] = ACCEPTED_DEFAULT
    timeouts: CallTimeouts = READ_TIMEOUTS
    patience: Patience = PATIENCE_DEFAULT
    bytes_max: int = BODY_BYTES_MAX
    is_login: bool = False

    @property
    def may_repeat(self) -> bool:
        """Whether the chain may send it again after a failure."""
        if self.is_repeatable is None:
            return self.method in REPEATABLE_METHODS
        return self.is_repeatable

    @property
    def target(self) -> str:
        """Path and encoded query, as they go on the wire."""
        if self.raw_query:
            return f"{self.path}?{self.raw_query}"
        if not self.query:
            return self.path
        return f"{self.path}?{urlencode(self.query, quote_via=quote, safe='')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteReply:
    """What came back, whole; header names are lower case, cookies as they were set."""

    system: str
    call: RemoteCall
    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    cookies: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def is_missing(self) -> bool:
        """Whether the server knows no such thing, or hides it."""
        return self.status == NOT_FOUND

    @property
    def server_date(self) -> datetime | None:
        """The server's own time from its `Date` header."""
        return find_http_date(self.headers.get("date", ""))

    def parse_json(self, kind: type[T]) -> T:
        """The body as a typed value; amounts come from their literals.

        Raises:
            ProtocolError: The body is cut, HTML, or of another shape.
            OutcomeUnknownError: The same after a call that may have changed something.
            RefusedError: The status is one the call accepts, but no success.
        """
        if not self.is_success:
            raise self._render_no_result()
        try:
            return msgspec.json.decode(self.content, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, ArithmeticError) as error:
            raise self.render_off_contract(self._name_fault(error)) from error

    def render_off_contract(self, fault: str) -> ConnectorError:
        """The error for an answer outside the contract, named by what is wrong with it."""
        refused = f"{self.system} answered {self.call.method} {self.call.path} with {fault}."
        if not self.call.may_repeat:
            return OutcomeUnknownError(
                refused,
                written="Whether the call took effect is not known.",
                next_step="Read the system back before anything is sent again.",
                method=self.call.method, path=self.call.path, status=self.status,
            )  # fmt: skip
        return ProtocolError(
            refused,
            written="Nothing was written by this call.",
            next_step="Run the flow again; if it stays, show the vendor's support this answer.",
            method=self.call.method, path=self.call.path, status=self.status,
        )  # fmt: skip

    def _render_no_result(self) -> ConnectorError:
        return RefusedError(
            f"{self.system} answered {self.call.method} {self.call.path} with status"
            f" {self.status} instead of a result.",
            written="Nothing was written by this call.",
            next_step="Check the ids in the connection and the flow, and the user's rights.",
            method=self.call.method, path=self.call.path, status=self.status,
        )  # fmt: skip

    def _name_fault(self, error: Exception) -> str:
        if not self.content:
            return "an empty body instead of JSON"
        if self.content.lstrip()[:1] == b"<":
            return "a page of HTML or XML instead of JSON"
        return f"JSON that cannot be read ({len(self.content)} bytes: {error})"


def find_http_date(text: str) -> datetime | None:
    """The instant an HTTP date names, aware UTC; None when it is none."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def render_excerpt(content: bytes) -> str:
    """The start of a body fit for an error text; of a page, only its title."""
    text = content[: 16 * EXCERPT_CHARACTERS_MAX].decode("utf-8", errors="replace")
    if text.lstrip()[:1] == "<":
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        text = html.unescape(title.group(1)) if title else "a page without title"
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:EXCERPT_CHARACTERS_MAX]
