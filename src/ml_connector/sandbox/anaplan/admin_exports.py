"""What model builders do to exports, and what others do to an output while it is being read."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ml_connector.sandbox.anaplan.admin_suppliers import SupplierDesk
from ml_connector.sandbox.anaplan.definitions import find_named
from ml_connector.sandbox.anaplan.exportforms import DELIMITERS, ENCODINGS, FORMATS, SEPARATORS
from ml_connector.sandbox.anaplan.exports import render_output
from ml_connector.sandbox.anaplan.runtime import ModelRuntime
from ml_connector.sandbox.http import Request

if TYPE_CHECKING:
    from ml_connector.sandbox.anaplan.server import AnaplanServer

_LAYOUTS = (
    "TABULAR_MULTI_COLUMN", "TABULAR_SINGLE_COLUMN", "GRID_ALL_PAGES", "GRID_CURRENT_PAGE",
)  # fmt: skip
_FORM = {
    "format": FORMATS,
    "encoding": ENCODINGS,
    "separator": ("", *SEPARATORS),
    "delimiter": DELIMITERS,
    "layout": _LAYOUTS,
    "audience": ("", "admins", "everyone"),
}
_USER = "integration@halden.example"
Body = dict[str, Any]


class ExportDesk:
    """Registers the operations; `find_model` tells the model a body means."""

    def __init__(
        self,
        server: "AnaplanServer",
        find_model: Callable[[Body], ModelRuntime],
        suppliers: SupplierDesk,
    ) -> None:
        self._server = server
        self._model = find_model
        self._suppliers = suppliers
        server.add_admin("set_export_form", self.set_export_form)
        server.add_admin("rerun_export", self.rerun_export)
        server.faults.hooks["rerun_export"] = self._rerun_by_fault

    def set_export_form(self, body: Body) -> Body:
        """The export {export} (id or name) is saved with what is given; all of its form.

        Of {format}, {encoding}, {separator} (empty: that of the format), {delimiter}, {layout}
        and {audience} what is left out stays. Its metadata tells at once; a file is as it was.
        """
        with self._server.lock:
            model = self._model(body)
            one = find_named(model.definitions.exports, body["export"])
            given = {name: body[name] for name in _FORM if name in body}
            for name, value in given.items():
                _verify(name, value)
            for name, value in given.items():
                setattr(one, name, value)
            model.data.save_definitions()
            return {name: getattr(one, name) for name in _FORM}

    def rerun_export(self, body: Body) -> Body:
        """The export {export} has run once more, at once, in the name of {email}.

        {suppliers}, if given, are revised before, so that the output is another one. No task shows
        for it, as for a run started from a page.
        """
        with self._server.lock:
            if "suppliers" in body:
                self._suppliers.revise_suppliers(body)
            self._server.engine.settle()
            model = self._model(body)
            one = find_named(model.definitions.exports, body["export"])
            pieces = render_output(one, model.data, self._server.switches)
            user, is_shared = body.get("email", _USER), bool(one.audience)
            model.files.put_output(user, one.id, pieces, is_shared=is_shared)
        return {"chunks": len(pieces), "bytes": sum(map(len, pieces))}

    def _rerun_by_fault(self, _request: Request, arguments: Body) -> None:
        self.rerun_export(arguments)


def _verify(name: str, value: Any) -> None:
    if value not in _FORM[name]:
        raise ValueError(f"An export's {name} is one of {_FORM[name]}, not {value!r}.")
