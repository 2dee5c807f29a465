"""Log lines on stderr: quiet when healthy, events as `noun.verb` with keys, secrets masked.

One redaction stands in front of every renderer, for our own events and for the libraries' records.
It masks by key (`token`, `Authorization`, ...), by shape (`Bearer ...`), and by the very values
that were handed to `hide_secret` when a log-in read or received them.
"""

import logging
import re
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import Processor

MASK = "***"
SECRETS_HELD_MAX = 1_000
SECRET_CHARS_MIN = 6
"""Shorter values are not remembered: masking `a` everywhere would leave nothing to read."""
DEPTH_MAX = 8
OURS = "ml_connector"
"""Begins the names of our own loggers."""
LogFormat = Literal["console", "json"]
LevelName = Literal["debug", "info", "warning", "error"]

_SECRET_ENDINGS = (
    "secret", "password", "passphrase", "token", "tokenvalue", "tokenid", "authorization",
    "cookie", "privatekey", "apikey", "encodeddata", "encodedsigneddata",
)  # fmt: skip
_SECRET_SHAPE = re.compile(
    r"\b(Basic|Bearer|AnaplanAuthToken|CACertificate)(\s+)[^\s'\",;]+"
    r"|(://[^/\s:@]+:)[^/\s@]+(?=@)"
    r"|\b((?:access_|refresh_)?token=|password=|client_secret=)[^\s&'\"]+",
    re.IGNORECASE,
)


class _KnownSecrets:
    """The newest secrets seen; process-wide, as logging itself is.

    A secret handed down as an argument would have to pass through every function that may log, so
    this is the one deliberate piece of shared state of the module; it only ever removes text.
    """

    def __init__(self) -> None:
        self._held: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, value: str) -> None:
        with self._lock:
            self._held.pop(value, None)
            self._held[value] = None
            while len(self._held) > SECRETS_HELD_MAX:
                self._held.popitem(last=False)

    def mask(self, text: str) -> str:
        with self._lock:
            held = [value for value in self._held if value in text]
        # Longest first, so that a secret which begins like another leaves no tail behind.
        for value in sorted(held, key=len, reverse=True):
            text = text.replace(value, MASK)
        return text


_known = _KnownSecrets()


def hide_secret(value: str) -> str:
    """The value is masked in every later log line of this process; returns it unchanged."""
    for part in {value, *value.splitlines()}:
        if len(part.strip()) >= SECRET_CHARS_MIN:
            _known.add(part.strip())
    return value


def redact_text(text: str) -> str:
    """The text without known secrets and without what looks like credentials."""
    return _SECRET_SHAPE.sub(_mask_shape, _known.mask(text))


def redact_event(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The event with secrets masked in keys, values and nested values; a structlog processor."""
    return cast("MutableMapping[str, Any]", _redact(dict(event), 0))


def set_up_logs(
    *, log_format: LogFormat = "console", level: LevelName = "warning", stream: TextIO | None = None
) -> None:
    """Events and library records of this level and above go to stderr from now on."""
    out = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    renderer = _build_renderer(log_format, is_terminal=out.isatty())
    structlog.configure(
        processors=[*_shared_processors(), structlog.processors.format_exc_info,
                    redact_event, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )  # fmt: skip
    _set_up_library_logs(out, number, renderer)


def _shared_processors() -> list[Processor]:
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _build_renderer(log_format: LogFormat, *, is_terminal: bool) -> Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=is_terminal)


def _set_up_library_logs(out: TextIO, level: int, renderer: Processor) -> None:
    """Records of the libraries take the same way, so that a URL in one is masked as well."""
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared_processors(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact_event,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries call routine things INFO; ours is the level people chose, theirs at least WARNING.
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger(OURS).setLevel(level)


def _redact(value: object, depth: int) -> object:
    if depth > DEPTH_MAX:
        return MASK
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {
            str(key): MASK if _is_secret_key(str(key)) and inner else _redact(inner, depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_redact(inner, depth + 1) for inner in value]
    if value is None or isinstance(value, (bool, int)):
        return value
    return redact_text(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def _is_secret_key(key: str) -> bool:
    plain = key.lower().replace("-", "").replace("_", "")
    return plain.endswith(_SECRET_ENDINGS)


def _mask_shape(found: re.Match[str]) -> str:
    scheme, gap, address, parameter = found.groups()
    return f"{scheme}{gap}{MASK}" if scheme else f"{address or parameter}{MASK}"
