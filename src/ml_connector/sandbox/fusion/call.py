"""One REST request as the framework understands it: version, path, parameters, media."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from ml_connector.sandbox.fusion.refusals import RefusalError
from ml_connector.sandbox.http import Request
from ml_connector.sandbox.switches import Switches

REST_ROOT = "/fscmRestApi/resources"
API_VERSIONS = ("11.13.18.05", "latest")
VERSION_NEWEST = 9
LIMIT_DEFAULT = 25
_ITEM_PARAMETERS = frozenset({"fields", "expand", "onlyData", "links", "dependency"})
_COLLECTION_PARAMETERS = _ITEM_PARAMETERS | {
    "q", "finder", "orderBy", "limit", "offset", "totalResults",
}  # fmt: skip
_MEDIA_PREFIX = "application/vnd.oracle.adf."
_READABLE = ("application/json", "application/*", "*/*")
_WRITABLE = ("application/json", _MEDIA_PREFIX + "resourceitem+json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request inside the REST tree, after its head has been understood."""

    request: Request
    user: str
    version: int
    api_version: str
    origin: str
    segments: tuple[str, ...]
    parameters: dict[str, str]

    @property
    def base(self) -> str:
        """The address of the version root, as links state it."""
        return f"{self.origin}{REST_ROOT}/{self.api_version}"

    @property
    def only_data(self) -> bool:
        """Links and metadata are not wanted."""
        return self.parameters.get("onlyData", "").lower() == "true"

    def language(self, preferred: str) -> str:
        """Return the language of meanings: the header's first, or the user's preference."""
        asked = self.request.headers.get("accept-language", "").split(",")[0]
        return asked.split(";")[0].split("-")[0].strip().lower() or preferred

    @property
    def accept(self) -> str:
        """The Accept header."""
        return self.request.headers.get("accept", "")


def framework_version(request: Request, switches: Switches) -> int:
    """Return the version that answers; a header that names none is refused or ignored."""
    default = int(switches["default_framework_version"])
    given = request.headers.get("rest-framework-version")
    if given is None:
        return default
    if given.isdigit() and 1 <= int(given) <= VERSION_NEWEST:
        return int(given)
    if switches["unknown_framework_version"] == "ignore":
        return default
    raise RefusalError(400, f"REST-Framework-Version {given} is not supported.")


def path_segments(request: Request) -> tuple[str, ...]:
    """Return the segments below the REST root, each decoded once (a %2F stays inside)."""
    raw = request.raw_path.partition("?")[0]
    return tuple(unquote(part) for part in raw[len(REST_ROOT) :].split("/") if part)


def link_origin(request: Request, own_url: str, switches: Switches) -> str:
    """Return scheme and host for links; the real system writes an explicit :443."""
    host = request.headers.get("host", own_url.partition("://")[2])
    wanted = str(switches["link_host"])
    if wanted == "443":
        return f"https://{host.rpartition(':')[0] or host}:443"
    return f"http://{host}" if wanted == "configured" else wanted.rstrip("/")


def verify_parameters(call: Call, *, collection: bool) -> None:
    """Every query parameter may be used in this place; 400 names the first that may not."""
    allowed = _COLLECTION_PARAMETERS if collection else _ITEM_PARAMETERS
    for name in call.parameters:
        if name not in allowed:
            raise RefusalError(
                400, f"The URL request parameter {name} cannot be used in this context."
            )


def verify_acceptable(call: Call) -> None:
    """The client takes JSON in some form; 406 otherwise."""
    listed = _media(call.accept)
    if listed and not any(m in _READABLE or m.startswith(_MEDIA_PREFIX) for m in listed):
        raise RefusalError(406, f"No representation fits Accept: {call.accept}.")


def verify_content_type(call: Call) -> None:
    """The body is one of the two media types a write may have; 415 otherwise."""
    given = _media(call.request.headers.get("content-type", ""))
    if not given or given[0] not in _WRITABLE:
        raise RefusalError(415, "The content type of the body is not supported.")


def answer_media(call: Call, kind: str) -> str:
    """Return the media type of an answer: the vendor's, or plain JSON where only that fits."""
    vendor = f"{_MEDIA_PREFIX}{kind}+json"
    listed = _media(call.accept)
    if "application/json" in listed and vendor not in listed:
        return "application/json"
    return vendor


def positive_number(call: Call, name: str, default: int, *, least: int) -> int:
    """Return a numeric parameter; 400 where it is no number or too small."""
    text = call.parameters.get(name)
    if text is None:
        return default
    if not text.strip().isdigit() or int(text) < least:
        raise RefusalError(400, f"The value {text!r} of parameter {name} is not valid.")
    return int(text)


def _media(header: str) -> list[str]:
    return [part.split(";")[0].strip().lower() for part in header.split(",") if part.strip()]
