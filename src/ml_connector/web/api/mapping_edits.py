"""Changing mapping rules: one by one, by a file, back to an earlier version; and who keeps them."""

import base64
import binascii
from typing import Annotated, Any, Literal

from ninja import Body, Path, Router, Schema
from pydantic import Field

from ml_connector.domain.mapping_rules import COLUMNS, MappingSet, render_rule
from ml_connector.errors import UsageError
from ml_connector.ports import Right
from ml_connector.ports.rules import Deed, RuleVersion
from ml_connector.web.api.access import BODY_BYTES_MAX
from ml_connector.web.api.mapping import (
    RuleDifferenceOut,
    VersionOut,
    Which,
    find_flow,
    tell_differences,
)
from ml_connector.web.api.paging import ROWS_MAX
from ml_connector.web.api.shapes import STORABLE, Asked, Day, Key, Name, PathName, Text, finding
from ml_connector.web.guards import Asked as Request
from ml_connector.web.guards import needs

router = Router()
PLACE_MAX = 10_000_000
FILE_NAME = "the file"
"""What faults of a sent file are said of."""
Place = Annotated[int, Path(ge=0, le=PLACE_MAX, description="Of the rule, in file order, from 0.")]
Version = Annotated[int, Path(ge=0, le=PLACE_MAX)]


class UnfitFileError(UsageError):
    """What was sent as a file of rules is none."""

    code = "api.unfit-file"


class RulesOut(Schema):
    """The rules of a flow, as they are kept: CSV."""

    csv: str


class RuleAsked(Asked):
    """One rule more."""

    dimension: Name
    when: Name = Field(description="Such as account=68010.")
    target: Name
    note: Text = ""


class Change(Asked):
    """A change of rules that the records keep."""

    based_on: int = Field(ge=0, le=PLACE_MAX, description="The version it was begun from.")
    comment: Text = Field(default="", description="Why, for the history.")


class ChangedRule(Change):
    """The whole rule, as its file writes it; a column that is left out is empty."""

    dimension: Name
    when: Key = ""
    target: Name
    precedence: Key = ""
    valid_from: Key = ""
    valid_to: Key = ""
    note: Text = ""


class EndedRule(Change):
    """The last day on which a rule holds."""

    on: Day


class FileAsked(Asked):
    """A file of rules: CSV as text, or a workbook in base64; one of the two."""

    csv: Annotated[str, Field(max_length=BODY_BYTES_MAX, pattern=STORABLE)] = ""
    workbook: Annotated[str, Field(max_length=BODY_BYTES_MAX)] = ""


class ImportAsked(FileAsked, Change):
    """A file that replaces the rules, once all of it is valid."""


class PreviewOut(Schema):
    """What a file would change."""

    rules: int
    count: int = Field(description="Of all that differ.")
    changes: list[RuleDifferenceOut] = Field(max_length=ROWS_MAX, description="The first of them.")


class KeeperAsked(Asked):
    """Who keeps the rules."""

    where: Literal["records", "file"]
    based_on: int | None = Field(default=None, ge=0, le=PLACE_MAX)
    comment: Text = ""


@router.get("/{flow}/rules", response=RulesOut, summary="The rules of a flow, as CSV")
@needs(Right.SEE)
def show_rules(request: Request, flow: PathName, version: Which = "") -> dict[str, Any]:
    """Those in force, or of a version; they can be changed and imported."""
    name = find_flow(request, flow)
    with finding():
        return {"csv": request.house.render_rules(name, version)}


@router.post("/{flow}/rules", response={201: RulesOut}, summary="Add a rule")
@needs(Right.MAP)
def add_rule(
    request: Request, flow: PathName, wanted: Annotated[RuleAsked, Body()]
) -> dict[str, Any]:
    """The next run maps by it; one that is faulty or contradicts another is refused."""
    name = find_flow(request, flow)
    request.house.add_rule(name, **wanted.dict())
    return {"csv": request.house.render_rules(name)}


@router.put("/{flow}/rules/{place}", response=VersionOut, summary="Change a rule")
@needs(Right.MAP)
def change_rule(
    request: Request, flow: PathName, place: Place, wanted: Annotated[ChangedRule, Body()]
) -> RuleVersion:
    """It is the rule that is given; where the records keep the rules."""
    cells = {column: getattr(wanted, column) for column in COLUMNS}
    return _change(request, flow, cells, place=place, wanted=wanted)


@router.post("/{flow}/rules/{place}/end", response=VersionOut, summary="End a rule")
@needs(Right.MAP)
def end_rule(
    request: Request, flow: PathName, place: Place, wanted: Annotated[EndedRule, Body()]
) -> RuleVersion:
    """It holds for lines until that day, that day included."""
    name = find_flow(request, flow)
    rules = request.house.find_rules_of(name, str(wanted.based_on) if wanted.based_on else "").rules
    cells = (
        {**dict(zip(COLUMNS, render_rule(rules[place]), strict=True)),
         "valid_to": wanted.on.isoformat()}
        if place < len(rules) else {}
    )  # fmt: skip
    return _change(request, flow, cells, place=place, wanted=wanted)


@router.post("/{flow}/rules/{place}/remove", response=VersionOut, summary="Take a rule out")
@needs(Right.MAP)
def remove_rule(
    request: Request, flow: PathName, place: Place, wanted: Annotated[Change, Body()]
) -> RuleVersion:
    """Earlier versions still hold it."""
    return _change(request, flow, None, place=place, wanted=wanted)


@router.post("/{flow}/preview", response=PreviewOut, summary="What a file of rules would change")
@needs(Right.MAP)
def preview(
    request: Request, flow: PathName, wanted: Annotated[FileAsked, Body()]
) -> dict[str, Any]:
    """Nothing is saved; every fault of the file is named."""
    name = find_flow(request, flow)
    rules, held = _read(request, name, wanted), request.house.find_rules(name).mapping
    found = tell_differences(request.house.compare_rules(held, rules))
    return {"rules": len(rules.rules), "count": len(found), "changes": found[:ROWS_MAX]}


@router.post("/{flow}/import", response=VersionOut, summary="Replace the rules by a file's")
@needs(Right.MAP)
def import_rules(
    request: Request, flow: PathName, wanted: Annotated[ImportAsked, Body()]
) -> RuleVersion:
    """Once all of it is valid; where the records keep the rules."""
    name = find_flow(request, flow)
    return request.house.save_rules(
        name, _read(request, name, wanted), based_on=wanted.based_on, comment=wanted.comment,
        deed=Deed.IMPORTED,
    )  # fmt: skip


@router.post(
    "/{flow}/versions/{number}/restore", response=VersionOut, summary="Go back to a version"
)
@needs(Right.MAP)
def restore(
    request: Request, flow: PathName, number: Version, wanted: Annotated[Change, Body()]
) -> RuleVersion:
    """Its rules are those in force again, as a new version."""
    return request.house.restore_rules(
        find_flow(request, flow), number, comment=wanted.comment, based_on=wanted.based_on
    )


@router.put("/{flow}/keeper", response=VersionOut, summary="Say who keeps the rules")
@needs(Right.MAP)
def keep(request: Request, flow: PathName, wanted: Annotated[KeeperAsked, Body()]) -> RuleVersion:
    """The records, beginning with those of the file; or the project's file again."""
    name = find_flow(request, flow)
    if wanted.where == "records":
        return request.house.take_rules(name, comment=wanted.comment)
    return request.house.give_rules_back(name, comment=wanted.comment, based_on=wanted.based_on)


def _change(
    request: Request, flow: str, cells: dict[str, str] | None, *, place: int, wanted: Change
) -> RuleVersion:
    return request.house.change_rule(
        find_flow(request, flow), cells, place=place, based_on=wanted.based_on,
        comment=wanted.comment,
    )  # fmt: skip


def _read(request: Request, flow: str, wanted: FileAsked) -> MappingSet:
    if bool(wanted.csv) is bool(wanted.workbook):
        raise _refuse("it is to be either `csv` or `workbook`")
    try:
        content = (
            base64.b64decode(wanted.workbook, validate=True)
            if wanted.workbook else wanted.csv.encode()
        )  # fmt: skip
    except (binascii.Error, ValueError) as error:
        raise _refuse(f"the workbook is not in base64: {error}") from error
    return request.house.read_rules(flow, FILE_NAME, content)


def _refuse(why: str) -> UnfitFileError:
    return UnfitFileError(
        f"The file of rules cannot be read: {why}.",
        written="Nothing was saved; the rules in force are unchanged.",
        next_step="Send what GET …/rules or GET …/workbook has answered, changed.",
    )
