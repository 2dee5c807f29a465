"""Bodies as Anaplan spells them; the only module that knows the vendor's field names.

Every answer is read leniently: keys may be absent or null, numbers may stand where text belongs,
unknown fields, types and states pass through (A-10). A body that is no JSON, or whose frame is not
the promised one, is refused as off contract.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from ml_connector.systems.anaplan.lenient import (
    OffContractError,
    convert,
    parse_int,
    parse_millis,
    parse_object,
)

TIME_DIMENSION_ID = "20000000003"
IMPORT_FILE_PREFIX = "113"


class Wire(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Base of all parts: unknown fields are passed over, absent ones have a default."""


# --- log-in -----------------------------------------------------------------------------------


class TokenInfo(Wire, frozen=True):
    """A token of the authentication service; its life is told by the server's own clock."""

    token_value: str = ""
    token_id: str = ""
    expires_at: str = ""

    @property
    def expires_on_server(self) -> datetime | None:
        """End of the token's life on the server's clock."""
        return parse_millis(self.expires_at)


class UserInfo(Wire, frozen=True):
    """Who a token belongs to."""

    user_id: str = ""
    customer_guid: str = ""


class TokenReply(Wire, frozen=True):
    """Answer of authenticate, refresh and validate."""

    status: str = ""
    token_info: TokenInfo = TokenInfo()
    user_info: UserInfo = UserInfo()


# --- definitions ------------------------------------------------------------------------------


class Named(Wire, frozen=True):
    """Anything with an id and a name: workspaces, lists, modules, items."""

    id: str = ""
    name: str = ""
    code: str = ""


class User(Wire, frozen=True):
    """The user of the log-in."""

    id: str = ""
    email: str = ""


class Model(Wire, frozen=True):
    """A model as listed; absent states read as empty."""

    id: str = ""
    name: str = ""
    active_state: str = ""


class RequestStatus(Wire, frozen=True):
    """What the model is doing."""

    current_step: str = ""
    tooltip: str = ""


class _ModelStatus(Wire, frozen=True):
    # This answer comes bare, without the envelope of all others.
    request_status: RequestStatus = RequestStatus()


class File(Wire, frozen=True):
    """A data source (113…) or an export's output (116…); the chunk count may be stale (A-08)."""

    id: str = ""
    name: str = ""
    chunk_count: str = ""
    encoding: str = ""
    separator: str = ""
    delimiter: str = ""


class Import(Wire, frozen=True):
    """An import; its data source is empty for model-to-model imports."""

    id: str = ""
    name: str = ""
    import_type: str = ""
    import_data_source_id: str = ""

    @property
    def file_id(self) -> str:
        """The file the import reads; empty when it reads another model."""
        source = self.import_data_source_id
        return source if source.startswith(IMPORT_FILE_PREFIX) else ""


class ImportSource(Wire, frozen=True):
    """How an import parses its file."""

    text_encoding: str = ""
    column_separator: str = ""
    text_delimiter: str = ""
    header_names: list[str] = []


class ImportMetadata(Wire, frozen=True):
    """An import's definition; `MODEL` where it reads another model."""

    name: str = ""
    type: str = ""
    source: ImportSource = ImportSource()


class Export(Wire, frozen=True):
    """An export; its id is also the id of its output file."""

    id: str = ""
    name: str = ""
    export_type: str = ""
    export_format: str = ""
    layout: str = ""


class ExportMetadata(Wire, frozen=True):
    """How an export writes its output; an empty text delimiter is told, an absent one is not."""

    export_format: str = ""
    encoding: str = ""
    separator: str = ""
    delimiter: str | None = None
    header_names: list[str] = []


class OtherAction(Wire, frozen=True):
    """A delete, order or other action."""

    id: str = ""
    name: str = ""
    action_type: str = ""


class ProcessStep(Wire, frozen=True):
    """One step of a process, in run order."""

    id: str = ""
    name: str = ""
    action_type: str = ""
    import_data_source_id: str = ""


class _ProcessMetadata(Wire, frozen=True):
    name: str = ""
    actions: list[ProcessStep] = []


class LineItem(Wire, frozen=True):
    """A line item of a module."""

    id: str = ""
    name: str = ""
    module_id: str = ""
    module_name: str = ""


class ListItem(msgspec.Struct, rename="camel", frozen=True):
    """An item of a list; read without the lenient detour, because there may be a million."""

    id: str | int | None = None
    name: str | int | None = None
    code: str | int | None = None
    parent: str | int | None = None


# --- tasks ------------------------------------------------------------------------------------


class Detail(Wire, frozen=True):
    """One line of a result: a type, its text (localised, never matched) and a flat key list."""

    type: str = ""
    local_message_text: str = ""
    values: list[str | None] = []

    @property
    def value_map(self) -> dict[str, str]:
        """The flat list of alternating keys and values as a map; nulls are left out."""
        pairs = zip(self.values[::2], self.values[1::2], strict=False)
        return {key: value for key, value in pairs if key is not None and value is not None}

    def find_count(self, key: str) -> int | None:
        """A counter of the details; None when it is not told."""
        return parse_int(self.value_map.get(key, ""))


class Result(Wire, frozen=True):
    """What a finished task, or a step of a process, says of itself."""

    successful: bool | None = None
    failure_dump_available: bool | None = None
    object_id: str = ""
    details: list[Detail] = []
    nested_results: list["Result"] = []


class Task(Wire, frozen=True):
    """A task as its start, its list or its status shows it."""

    task_id: str = ""
    task_state: str = ""
    current_step: str = ""
    progress: str = ""
    creation_time: str = ""
    result: Result | None = None

    @property
    def created_at(self) -> datetime | None:
        """Start of the task on the server's clock."""
        return parse_millis(self.creation_time)


# --- pages ------------------------------------------------------------------------------------

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """One page of a collection; `total` is None where the server does not tell it."""

    rows: list[Row]
    total: int | None


def parse_page(body: bytes, key: str, kind: type[Row]) -> Page[Row]:
    """The rows under a key; an absent key is an empty collection (A-09)."""
    frame = parse_object(body)
    rows = frame.get(key, [])
    kept = convert(rows, list[kind], key)  # type: ignore[valid-type]  # the kind is a value here
    return Page(rows=kept, total=_find_total(frame))


def parse_list_items(body: bytes) -> Iterator[ListItem]:
    """Yield the items of a list; none where the key is absent."""
    try:
        frame = _ITEMS_DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise OffContractError(f"list items that cannot be read ({error})") from error
    yield from frame.list_items or ()


def parse_tasks(body: bytes) -> Page[Task]:
    """The tasks of an action; a single `task` object is accepted in place of the list."""
    frame = parse_object(body)
    rows = frame.get("tasks", [frame["task"]] if "task" in frame else [])
    return Page(rows=convert(rows, list[Task], "tasks"), total=_find_total(frame))


class _Items(msgspec.Struct, rename="camel"):
    list_items: list[ListItem] | None = None


_ITEMS_DECODER = msgspec.json.Decoder(_Items)


def _find_total(frame: Mapping[str, Any]) -> int | None:
    meta = frame.get("meta")
    paging = meta.get("paging") if isinstance(meta, dict) else None
    return parse_int(str(paging.get("totalSize", ""))) if isinstance(paging, dict) else None


# --- single objects ---------------------------------------------------------------------------


def parse_token(body: bytes) -> TokenReply:
    """The answer of the authentication service."""
    return convert(parse_object(body), TokenReply, "token")


def parse_user(body: bytes) -> User:
    """The user of the log-in."""
    return convert(parse_object(body).get("user", {}), User, "user")


def parse_model(body: bytes) -> Model:
    """One model."""
    return convert(parse_object(body).get("model", {}), Model, "model")


def parse_model_status(body: bytes) -> RequestStatus:
    """What the model is doing."""
    return convert(parse_object(body), _ModelStatus, "model status").request_status


def parse_file(body: bytes) -> File:
    """The file a chunk count was declared for, as the server names it."""
    return convert(parse_object(body).get("file", {}), File, "file")


def parse_import(body: bytes) -> ImportMetadata:
    """The definition of an import."""
    return convert(parse_object(body).get("importMetadata", {}), ImportMetadata, "import")


def parse_export(body: bytes) -> ExportMetadata:
    """How an export writes its output."""
    return convert(parse_object(body).get("exportMetadata", {}), ExportMetadata, "export")


def parse_process(body: bytes) -> list[ProcessStep]:
    """The steps of a process in run order."""
    found = parse_object(body).get("processMetadata", {})
    return convert(found, _ProcessMetadata, "process").actions


def parse_task(body: bytes) -> Task:
    """A task, nested under `task` or standing alone at the top (A-12)."""
    frame = parse_object(body)
    return convert(frame.get("task", frame), Task, "task")


def parse_error_text(body: bytes) -> str:
    """The vendor's own words in an error body; empty for HTML, cut or odd bodies (A-17)."""
    try:
        frame = parse_object(body)
    except OffContractError:
        return ""
    status = frame.get("status")
    if isinstance(status, dict):
        return str(status.get("message", ""))
    return str(frame.get("statusMessage", ""))


# --- requests ---------------------------------------------------------------------------------


def render_chunk_count(chunks: int) -> bytes:
    """The body that declares how many chunks a file will have."""
    return json.dumps({"chunkCount": chunks}).encode()


def render_complete(file_id: str) -> bytes:
    """The body that ends an upload; it must never be empty (A-07)."""
    return json.dumps({"id": file_id}).encode()


def render_task(locale: str) -> bytes:
    """The body that starts a task."""
    return json.dumps({"localeName": locale}).encode()


def render_certificate_proof(payload: bytes, signature: bytes, *, layout: str) -> bytes:
    """The body of a certificate log-in; only v2 names its layout."""
    proof = {
        "encodedData": base64.b64encode(payload).decode(),
        "encodedSignedData": base64.b64encode(signature).decode(),
    }
    if layout != "v1":
        proof["encodedDataFormat"] = layout
    return json.dumps(proof).encode()
