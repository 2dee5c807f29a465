"""Files: what is listed, how uploads arrive, how contents are read back."""

import gzip
import zlib
from typing import TYPE_CHECKING, Any

from ml_connector.sandbox.anaplan.definitions import ExportDef, SourceDef
from ml_connector.sandbox.anaplan.envelope import RefusedError, render_one, sort_kindly
from ml_connector.sandbox.anaplan.files import CHUNK_BYTES_MAX, Stage, chunk_rows
from ml_connector.sandbox.anaplan.routing import (
    READS_FILE,
    WRITES_FILE,
    Call,
    ModelRoutes,
    model_page,
    read_body,
)
from ml_connector.sandbox.anaplan.runtime import ModelRuntime
from ml_connector.sandbox.http import Response

if TYPE_CHECKING:
    from ml_connector.sandbox.anaplan.server import AnaplanServer

_OCTETS = (("Content-Type", "application/octet-stream"),)
_GZIP = frozenset({"application/x-gzip", "x-gzip", "application/gzip"})
_PLAIN = frozenset({"", "application/octet-stream"})
_SETTINGS = {
    "separator": "separator",
    "delimiter": "delimiter",
    "encoding": "encoding",
    "headerRow": "header_row",
    "firstDataRow": "first_data_row",
}


class FilesApi:
    """The file endpoints of a model."""

    def __init__(self, server: "AnaplanServer", routes: ModelRoutes) -> None:
        self._server = server
        file = r"/files/(?P<f>[^/]+)"
        routes.add("GET", "/files", self._list, READS_FILE)
        routes.add("POST", file, self._declare, WRITES_FILE)
        routes.add("PUT", file, self._put_whole, WRITES_FILE)
        routes.add("GET", file, self._read_whole, READS_FILE)
        routes.add("DELETE", file, self._delete, WRITES_FILE)
        routes.add("GET", file + "/chunks", self._list_chunks, READS_FILE)
        routes.add("PUT", file + r"/chunks/(?P<n>\d+)", self._put_chunk, WRITES_FILE)
        routes.add("GET", file + r"/chunks/(?P<n>\d+)", self._read_chunk, READS_FILE)
        routes.add("POST", file + "/complete", self._complete, WRITES_FILE)

    def _list(self, call: Call) -> Response:
        definitions = call.model.definitions
        known: list[SourceDef | ExportDef] = list(definitions.sources.values())
        known += definitions.exports.values()
        rows = [self._metadata(call, one) for one in known]
        return model_page(self._server, call, "files", "file", sort_kindly(rows, call.request))

    def _declare(self, call: Call) -> Response:
        body = read_body(call.request)
        count = body.get("chunkCount") if isinstance(body, dict) else None
        if not isinstance(count, int) or isinstance(count, bool):
            raise RefusedError(400, f"Invalid chunk count {count}.")
        assert isinstance(body, dict), "a body with a count is an object"
        definitions = call.model.definitions
        if call.param("f") in definitions.exports:
            raise RefusedError(404)
        source = definitions.sources.get(call.param("f"))
        if source is None:
            # A quirk worth its own test: an unknown id silently becomes the NAME of a new file.
            source = self._create_source(call.model, call.param("f"))
        self._apply_settings(call.model, source, body)
        call.model.files.declare(call.user, source.id, count)
        return self._file(call, source)

    def _put_chunk(self, call: Call) -> Response:
        source = self._source(call)
        content = self._content(call)
        call.model.files.put_chunk(call.user, source.id, int(call.param("n")), content)
        return Response(status=204)

    def _put_whole(self, call: Call) -> Response:
        source = self._source(call)
        if call.request.headers.get("content-type", "") not in _PLAIN:
            raise RefusedError(415)
        if len(call.request.body) > CHUNK_BYTES_MAX:
            raise RefusedError(400, "The file is larger than 50 MB.")
        call.model.files.put_whole(call.user, source.id, call.request.body)
        return Response(status=204)

    def _complete(self, call: Call) -> Response:
        source = self._source(call)
        mode = self._server.switches["complete.mode"]
        if mode == "500-without-body" and not call.request.body.strip():
            raise RefusedError(500)
        if mode == "slow":
            seconds = float(self._server.switches["complete.slow_s"])
            with self._server.stepping_aside():
                self._server.hold_until(self._server.clock.now() + seconds)
        call.model.files.complete(call.user, source.id)
        if mode in {"500-but-done", "504-but-done"}:
            raise RefusedError(int(mode[:3]))
        return self._file(call, source)

    def _read_whole(self, call: Call) -> Response:
        file_id = self._known(call)
        self._verify_audience(call, file_id)
        if self._is_hidden_default(call, file_id):
            return Response(status=200, headers=_OCTETS)
        content = call.model.files.find_content(call.user, file_id)
        if content is None:
            raise RefusedError(404)
        return Response(status=200, headers=_OCTETS, body=content)

    def _read_chunk(self, call: Call) -> Response:
        file_id = self._known(call)
        self._verify_audience(call, file_id)
        if self._is_hidden_default(call, file_id):
            return Response(status=200, headers=_OCTETS)
        content = call.model.files.find_chunk(call.user, file_id, int(call.param("n")))
        if content is None:
            raise RefusedError(404)
        return Response(status=200, headers=_OCTETS, body=content)

    def _list_chunks(self, call: Call) -> Response:
        stage = self._stage(call, self._known(call))
        numbers = list(range(stage.declared)) if stage.state == "OPEN_N" else stage.present
        return model_page(self._server, call, "chunks", "chunk", chunk_rows(numbers))

    def _delete(self, call: Call) -> Response:
        keeps = self._server.switches["files.stale_count"] == "on"
        call.model.files.empty(call.user, self._known(call), keep_listed=keeps)
        return Response(status=204)

    def _content(self, call: Call) -> bytes:
        kind = call.request.headers.get("content-type", "").split(";")[0].strip()
        if kind in _PLAIN:
            return call.request.body
        if kind not in _GZIP:
            raise RefusedError(415)
        try:
            return gzip.decompress(call.request.body)
        except (EOFError, OSError, zlib.error) as error:
            raise RefusedError(400, "The chunk is not valid gzip.") from error

    def _source(self, call: Call) -> SourceDef:
        source = call.model.definitions.sources.get(call.param("f"))
        if source is None:
            raise RefusedError(404)
        return source

    def _known(self, call: Call) -> str:
        file_id = call.param("f")
        definitions = call.model.definitions
        if file_id not in definitions.sources and file_id not in definitions.exports:
            raise RefusedError(404)
        return file_id

    def _stage(self, call: Call, file_id: str) -> Stage:
        """What is there for the user; of an export that is shared, the output all share."""
        if file_id in call.model.definitions.exports:
            return call.model.files.look_output(call.user, file_id)
        return call.model.files.look(call.user, file_id)

    def _is_hidden_default(self, call: Call, file_id: str) -> bool:
        """A default for administrators only, asked for by someone else who has no own file."""
        definitions = call.model.definitions
        one = definitions.sources.get(file_id) or definitions.exports.get(file_id)
        if one is None or one.audience != "admins" or self._is_admin(call):
            return False
        return call.model.files.look(call.user, file_id).state != "READY"

    def _verify_audience(self, call: Call, file_id: str) -> None:
        is_refused = self._server.switches["files.admin_default"] == "404"
        if is_refused and self._is_hidden_default(call, file_id):
            raise RefusedError(404)

    def _is_admin(self, call: Call) -> bool:
        workspace = call.model.header["workspace"]
        return workspace in self._server.users[call.user]["admin_of"]

    def _create_source(self, model: ModelRuntime, name: str) -> SourceDef:
        sources = model.definitions.sources
        number = max((int(key) for key in sources), default=113_000_000_000) + 1
        source = SourceDef(
            id=str(number), name=name, separator="\t", header_row=-1, first_data_row=-1
        )
        sources[source.id] = source
        model.data.save_definitions()
        return source

    def _apply_settings(self, model: ModelRuntime, source: SourceDef, body: dict[str, Any]) -> None:
        given = {field: body[key] for key, field in _SETTINGS.items() if key in body}
        for field, value in given.items():
            setattr(source, field, value)
        if given:
            model.data.save_definitions()

    def _file(self, call: Call, source: SourceDef) -> Response:
        shown = self._metadata(call, source)
        return render_one("file", {"file": shown}, model_id=call.model.id)

    def _metadata(self, call: Call, one: SourceDef | ExportDef) -> dict[str, Any]:
        stage = self._stage(call, one.id)
        shown: dict[str, Any] = {"id": one.id, "name": one.name, "chunkCount": stage.listed}
        if isinstance(one, ExportDef):
            return shown | {"firstDataRow": 0, "headerRow": 0}
        return shown | {
            "delimiter": one.delimiter,
            "encoding": one.encoding,
            "firstDataRow": one.first_data_row,
            "format": one.format,
            "headerRow": one.header_row,
            "separator": one.separator,
        }
