"""What a model holds, by name and id."""

from collections.abc import Iterable, Iterator
from typing import Final

from ml_connector.ports import RemoteObject
from ml_connector.systems.anaplan.client import AnaplanClient
from ml_connector.systems.anaplan.wire import File, Import, LineItem, Model, Named

PLAIN_CHARACTERS: Final = {"\t": "tab", ",": "comma", ";": "semicolon"}


def discover(client: AnaplanClient) -> Iterator[RemoteObject]:
    """Yield workspaces and models, then everything of the model a flow can name."""
    yield from _name("workspace", client.read_workspaces())
    yield from (_render_model(model) for model in client.read_models())
    yield from _name("list", client.read_lists())
    yield from _name("module", client.read_modules())
    yield from (_render_line_item(item) for item in client.read_line_items())
    files = {file.id: file for file in client.read_files()}
    yield from (_render_import(one, files) for one in client.read_imports())
    yield from (
        RemoteObject(
            kind="export",
            name=export.name,
            remote_id=export.id,
            detail=_join(export.export_type, export.export_format),
        )
        for export in client.read_exports()
    )
    yield from _name("process", client.read_processes())
    yield from (
        RemoteObject(kind="action", name=a.name, remote_id=a.id, detail=a.action_type)
        for a in client.read_other_actions()
    )
    yield from (_render_file(file) for file in files.values())


def _name(kind: str, rows: Iterable[Named]) -> Iterator[RemoteObject]:
    return (RemoteObject(kind=kind, name=row.name, remote_id=row.id) for row in rows)


def _render_model(model: Model) -> RemoteObject:
    return RemoteObject(
        kind="model", name=model.name, remote_id=model.id, detail=model.active_state
    )


def _render_line_item(item: LineItem) -> RemoteObject:
    return RemoteObject(
        kind="line item", name=item.name, remote_id=item.id, detail=f"of module {item.module_name}"
    )


def _render_import(one: Import, files: dict[str, File]) -> RemoteObject:
    file = files.get(one.file_id)
    source = f"reads {file.name} ({file.id})" if file is not None else "reads no file"
    return RemoteObject(
        kind="import", name=one.name, remote_id=one.id, detail=_join(one.import_type, source)
    )


def _render_file(file: File) -> RemoteObject:
    separator = PLAIN_CHARACTERS.get(file.separator, file.separator)
    return RemoteObject(
        kind="file", name=file.name, remote_id=file.id, detail=_join(file.encoding, separator)
    )


def _join(*parts: str) -> str:
    return ", ".join(filter(None, parts))
