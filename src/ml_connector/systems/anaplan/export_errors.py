"""Why an export's output is not read: its form, or that it is not whole."""

from ml_connector.errors import ProtocolError, RefusedError

_READ_ONLY = "Nothing was concluded from it; the output as it came is kept."


class ExportFormError(RefusedError):
    """An export has a form that cannot be read, or that can be read in two ways."""

    code = "exports.form"

    def __init__(self, fault: str, *, change: str) -> None:
        super().__init__(
            f"The output of the export cannot be read with certainty: {fault}.",
            written=_READ_ONLY,
            next_step=f"{change} The form that is always read: CSV, UTF-8, commas, quotes.",
        )


class ExportCutError(ProtocolError):
    """An export's output is not whole, or a row of it is not as wide as its header."""

    code = "exports.cut"

    def __init__(self, fault: str) -> None:
        super().__init__(
            f"The output of the export is not whole: {fault}.",
            written=_READ_ONLY,
            next_step="Run it again. If it stays, look at that row in the model: texts may hold"
            " separators and line ends where a text delimiter is set, and must double it.",
        )
