"""What an error's code means; the types of problems lead here."""

from typing import Any

from ninja import Router, Schema

from ml_connector.errors import list_error_classes
from ml_connector.ports import Right
from ml_connector.web.api.problems import STATUSES, MissingError, find_title
from ml_connector.web.api.shapes import PathName
from ml_connector.web.guards import Asked, needs

router = Router()


class ErrorOut(Schema):
    """A kind of error."""

    code: str
    title: str
    exit_code: int
    status: int
    manual: str


@router.get("/{code}", response=ErrorOut, summary="What an error's code means")
@needs(Right.SEE)
def show_error(request: Asked, code: PathName) -> dict[str, Any]:  # noqa: ARG001 - the library passes it.
    """What errors of this code have in common."""
    found = next((one for one in list_error_classes() if one.code == code), None)
    if found is None:
        raise MissingError(
            f"No error has the code {code!r}.",
            written="Nothing was done.", next_step="See docs/errors.md.",
        )  # fmt: skip
    status = next((STATUSES[one] for one in found.__mro__ if one in STATUSES), 500)
    return {
        "code": code, "title": find_title(code), "exit_code": found.exit_code, "status": status,
        "manual": f"docs/errors.md#{code.replace('.', '')}",
    }  # fmt: skip
