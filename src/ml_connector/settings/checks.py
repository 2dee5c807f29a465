"""What one file cannot know of itself: names that must exist elsewhere, rules that must fit."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

from ml_connector.settings.budgets import BudgetFlow
from ml_connector.settings.flows import (
    LINE_FACTS,
    ActualsFlow,
    DimensionsFlow,
    FlowDimension,
    ListFlow,
)
from ml_connector.settings.kinds import Flow
from ml_connector.settings.schedules import Maintenance, Schedule
from ml_connector.settings.suppliers import ATTRIBUTE_KINDS, SupplierAttribute, SupplierFlow
from ml_connector.settings.yaml_files import Loc

SOURCE_KINDS = frozenset({"fusion", "jde"})
TARGET_KINDS = frozenset({"anaplan"})
JOURNAL_KINDS = frozenset({"jde"})
SUPPLIER_KINDS = frozenset({"fusion"})
NEVER_BLANK = frozenset(
    name
    for name, kind in ATTRIBUTE_KINDS.items()
    if kind in ("flag", "amount") or name.startswith("year_")
)
"""Attributes whose untouched cell a model shows as false or zero."""
CREATION_ATTRIBUTES = frozenset({*ATTRIBUTE_KINDS, "taxpayer_id", "national_insurance_number"})
"""What a new supplier may be given besides its number."""


class Finding(NamedTuple):
    """A path inside a flow, what is wrong there, the value seen, the values allowed."""

    loc: Loc
    problem: str
    seen: str = ""
    allowed: str = ""


def check_flow(
    flow: Flow,
    *,
    root: Path,
    connections: Mapping[str, BaseModel],
    flows: Mapping[str, Flow],
) -> Iterator[Finding]:
    """Yield everything about the flow that its own types cannot refuse."""
    if isinstance(flow, BudgetFlow):
        yield from _check_connection(flow.source, "source", TARGET_KINDS, connections)
        yield from _check_connection(flow.target, "target", JOURNAL_KINDS, connections)
        yield from _check_budget(flow)
        yield from _check_shared_months(flow, flows)
        return
    if isinstance(flow, SupplierFlow):
        yield from _check_connection(flow.source, "source", TARGET_KINDS, connections)
        yield from _check_connection(flow.target, "target", SUPPLIER_KINDS, connections)
        yield from _check_suppliers(flow, root)
        yield from _check_owners(flow, flows)
        return
    yield from _check_connection(flow.source, "source", SOURCE_KINDS, connections)
    yield from _check_connection(flow.target, "target", TARGET_KINDS, connections)
    if isinstance(flow, DimensionsFlow):
        yield from _check_lists(flow, root)
        return
    yield from _check_dimensions(flow)
    yield from _check_suspense(flow)
    yield from _check_signs(flow, connections.get(flow.source))
    yield from _check_names_once([e.name for e in flow.exclusions], "exclusions", "name")
    yield from _check_exclusions(flow, connections.get(flow.source))
    yield from _check_names_once(list(flow.ledgers), "ledgers", None)
    yield from _check_file(root, flow.mapping, ("mapping",))
    yield from _check_dimensions_flow(flow, flows)
    yield from _check_shared_cells(flow, flows)


def check_schedule(
    schedule: Schedule, *, flows: Mapping[str, Flow], calendars: Collection[str] = ()
) -> Iterator[Finding]:
    """Yield what the schedule names that is not there, or that its flow does not take."""
    if schedule.calendar is not None and schedule.calendar not in calendars:
        allowed = ", ".join(sorted(calendars))
        yield Finding(("calendar",), "is no calendar", schedule.calendar, allowed)
    flow = flows.get(schedule.flow)
    if flow is None:
        yield Finding(("flow",), "is no flow", schedule.flow, ", ".join(sorted(flows)))
        return
    for key in ("remap", "reconcile"):
        if getattr(schedule.request, key) and not isinstance(flow, ActualsFlow):
            yield Finding(("request", key), f"is nothing a {flow.kind} flow takes", "true", "false")
    yield from _check_when(schedule, flow)


def _check_when(schedule: Schedule, flow: Flow) -> Iterator[Finding]:
    """What follows the books follows ledgers, which not every flow has."""
    when = schedule.when
    if hasattr(flow, "ledgers"):
        return
    if when.on is not None:
        problem = f"follows the periods of ledgers, and a {flow.kind} flow has none"
        yield Finding(("when", "on"), problem, when.on, "cron, working_day or every")
    if when.working_day is not None and when.of == "periods":
        problem = f"counts from the periods of ledgers, and a {flow.kind} flow has none"
        yield Finding(("when", "of"), problem, when.of, "months")


def check_maintenance(one: Maintenance, *, connections: Collection[str]) -> Iterator[Finding]:
    """Yield a connection that is not there."""
    if one.connection not in connections:
        allowed = ", ".join(sorted(connections))
        yield Finding(("connection",), "names no connection", one.connection, allowed)


def _check_budget(flow: BudgetFlow) -> Iterator[Finding]:
    yield from _check_names_once(list(flow.ledgers), "ledgers", None)
    if flow.last_month < flow.first_month:
        yield Finding(("last_month",), "lies before `first_month`", flow.last_month)
    if bool(flow.columns.version) != bool(flow.version):
        yield Finding(
            ("version",), "and `columns.version` belong together", flow.version, "both or none"
        )
    if flow.signs.flip and not flow.signs.account_types:
        allowed = "chart name to `accounts`"
        yield Finding(("signs", "account_types"), "is missing", "", allowed)


def _check_suppliers(flow: SupplierFlow, root: Path) -> Iterator[Finding]:
    written = {one.attribute for one in flow.attributes if one.owner == "model"}
    yield from _check_names_once([a.attribute for a in flow.attributes], "attributes", "attribute")
    yield from _check_names_once([a.column for a in flow.attributes], "attributes", "column")
    for number, one in enumerate(flow.attributes):
        if one.column == flow.number_column:
            yield Finding(("attributes", number, "column"), "holds the number", one.column)
        yield from _check_attribute(flow, one, ("attributes", number))
    if not written:
        yield Finding(("attributes",), "are all the ERP's: there is nothing to write")
    if flow.creations and "name" not in written:
        yield Finding(("creations",), "needs an attribute `name` that the model owns")
    for name in sorted(set(flow.creation_values) - CREATION_ATTRIBUTES):
        allowed = ", ".join(sorted(CREATION_ATTRIBUTES))
        yield Finding(("creation_values", name), "is no attribute of suppliers", name, allowed)
    if flow.send == "file" and flow.template is None:
        yield Finding(("template",), "is missing", "", "a CSV file of the ERP's columns")
    if flow.template is not None:
        yield from _check_file(root, flow.template, ("template",))


def _check_attribute(flow: SupplierFlow, one: SupplierAttribute, loc: Loc) -> Iterator[Finding]:
    """An attribute is emptied or set by cells that somebody has touched, and by no others."""
    is_guess = flow.unknown == "model" and one.owner == "model"
    if is_guess and one.attribute in NEVER_BLANK:
        yield Finding(
            (*loc, "attribute"),
            "is never empty in a model: with `unknown: model` each cell nobody touched would count"
            " as a revision",
            one.attribute,
            "`unknown: conflict`, or leave it out",
        )
    if is_guess and one.blank == "clear":
        yield Finding(
            (*loc, "blank"),
            "with `unknown: model` would empty each attribute whose cell nobody has filled",
            one.blank,
            "`keep`, or `unknown: conflict`",
        )
    if one.attribute == "name" and one.blank == "clear":
        yield Finding((*loc, "blank"), "would empty a name", "clear", "keep")


def _check_owners(flow: SupplierFlow, flows: Mapping[str, Flow]) -> Iterator[Finding]:
    """Each attribute has one owner: else one flow would undo what the other has written."""
    written = {one.attribute: one for one in flow.attributes if one.owner == "model"}
    for name, other in sorted(flows.items()):
        if isinstance(other, SupplierFlow) and name != flow.name and other.target == flow.target:
            theirs = {one.attribute for one in other.attributes if one.owner == "model"}
            for shared in sorted(theirs & set(written)):
                yield Finding(("attributes",), f"are written by {name} too", shared, "one owner")


def _check_connection(
    name: str, key: str, kinds: frozenset[str], connections: Mapping[str, BaseModel]
) -> Iterator[Finding]:
    fitting = sorted(n for n, c in connections.items() if getattr(c, "kind", "") in kinds)
    if name in fitting:
        return
    kind = getattr(connections[name], "kind", "") if name in connections else ""
    problem = f"is a connection of kind {kind}" if kind else "names no connection"
    allowed = ", ".join(fitting) or f"a connection of kind {' or '.join(sorted(kinds))}"
    yield Finding((key,), problem, name, allowed)


def _check_file(root: Path, path: Path, loc: Loc) -> Iterator[Finding]:
    if not (root / path).is_file():
        yield Finding(loc, "names no file", str(path), f"a file below {root}")


def _check_names_once(names: list[str], key: str, inner: str | None) -> Iterator[Finding]:
    counts = Counter(names)
    for number, name in enumerate(names):
        if counts[name] > 1 and names.index(name) != number:
            loc: Loc = (key, number) if inner is None else (key, number, inner)
            yield Finding(loc, "is given twice", name)


def _check_dimensions(flow: ActualsFlow) -> Iterator[Finding]:
    columns: list[tuple[str, Callable[[FlowDimension], str]]] = [
        ("name", lambda d: d.name),
        ("column", lambda d: d.column),
        ("export_column", lambda d: d.header_exported),
    ]
    for inner, value_of in columns:
        yield from _check_names_once([value_of(d) for d in flow.dimensions], "dimensions", inner)
    for number, dimension in enumerate(flow.dimensions):
        yield from _check_dimension(flow, dimension, ("dimensions", number))
    sources = Counter(dimension.source for dimension in flow.dimensions)
    if sources["period"] != 1:
        yield Finding(("dimensions",), "needs exactly one dimension with `source: period`")
    if flow.measure == "entered" and not sources["currency"]:
        yield Finding(
            ("measure",),
            "needs a dimension with `source: currency`: entered amounts of different currencies"
            " cannot be added",
            flow.measure,
        )
    for source in ("version", "currency", "ledger"):
        if sources[source] > 1:
            yield Finding(("dimensions",), f"has more than one dimension with `source: {source}`")


def _check_dimension(flow: ActualsFlow, dimension: FlowDimension, loc: Loc) -> Iterator[Finding]:
    has_list = dimension.source not in ("period", "version")
    if has_list and not dimension.list:
        yield Finding((*loc, "list"), "is missing", "", "the list that holds its members")
    if not has_list and dimension.list:
        yield Finding(
            (*loc, "list"), f"is set, but a {dimension.source} is no list", dimension.list, "empty"
        )
    taken = {flow.amount_column, *([flow.code_column] if flow.mode == "append" else [])}
    if dimension.column in taken:
        yield Finding((*loc, "column"), "is the column of the amount or code", dimension.column)
    if dimension.header_exported == flow.amount_export_column:
        yield Finding(
            (*loc, "export_column"), "is the column of the amount", dimension.header_exported
        )


def _check_suspense(flow: ActualsFlow) -> Iterator[Finding]:
    mapped = [dimension.name for dimension in flow.dimensions if dimension.source == "mapping"]
    if flow.unmapped == "suspense":
        lacking = [name for name in mapped if name not in flow.suspense]
        if lacking:
            yield Finding(
                ("suspense",), f"names no member for {', '.join(lacking)}", "", ", ".join(mapped)
            )
    elif flow.suspense:
        yield Finding(("suspense",), "is set, but `unmapped` is not `suspense`")
    for name in flow.suspense:
        if name not in mapped:
            yield Finding(("suspense", name), "is no mapped dimension", name, ", ".join(mapped))


def _check_signs(flow: ActualsFlow, source: BaseModel | None) -> Iterator[Finding]:
    signs = flow.signs
    if signs.flip and not signs.account_types:
        yield Finding(
            ("signs", "account_types"),
            "is missing: without it nobody knows an account's type",
            "",
            "chart name to `value-set:CODE` or `accounts`",
        )
    # Which charts there are is the source's own knowledge; a source without charts has none here.
    charts = {chart.name: chart.segments for chart in getattr(source, "charts", ())}
    for name in signs.account_types if charts else ():
        if name not in charts:
            allowed = ", ".join(sorted(charts))
            yield Finding(
                ("signs", "account_types", name), f"is no chart of {flow.source}", name, allowed
            )
        elif signs.account_fact not in charts[name]:
            fact, allowed = signs.account_fact, ", ".join(charts[name])
            yield Finding(("signs", "account_fact"), f"is no segment of {name}", fact, allowed)


def _check_exclusions(flow: ActualsFlow, source: BaseModel | None) -> Iterator[Finding]:
    """A fact that no line has would leave nothing out, without a word."""
    segments: frozenset[str] = getattr(source, "segments", frozenset())
    known = LINE_FACTS | segments
    for number, one in enumerate(flow.exclusions if segments else ()):
        for fact in one.when:
            if fact not in known:
                loc: Loc = ("exclusions", number, "when", fact)
                yield Finding(loc, f"is no fact of {flow.source}", fact, ", ".join(sorted(known)))


def _check_dimensions_flow(flow: ActualsFlow, flows: Mapping[str, Flow]) -> Iterator[Finding]:
    if not flow.dimensions_flow:
        return
    other = flows.get(flow.dimensions_flow)
    fitting = [
        name
        for name, one in sorted(flows.items())
        if isinstance(one, DimensionsFlow) and one.target == flow.target
    ]
    if not isinstance(other, DimensionsFlow) or other.target != flow.target:
        yield Finding(
            ("dimensions_flow",),
            "names no dimensions flow into the same target",
            flow.dimensions_flow,
            ", ".join(fitting),
        )


def _check_shared_cells(flow: ActualsFlow, flows: Mapping[str, Flow]) -> Iterator[Finding]:
    """Two flows over the same cells could not tell whose amount a cell holds; neither would tie."""
    sharing = sorted(
        name
        for name, other in flows.items()
        if isinstance(other, ActualsFlow)
        and name != flow.name
        and (other.target, other.actions.export, other.version)
        == (flow.target, flow.actions.export, flow.version)
    )
    if sharing:
        yield Finding(
            ("actions", "export"),
            f"is read back by {', '.join(sharing)} too, in the same version: two flows over the"
            " same cells cannot be told apart",
            flow.actions.export,
            "an export of its own module, or another version; or one flow with all the ledgers",
        )


def _check_shared_months(flow: BudgetFlow, flows: Mapping[str, Flow]) -> Iterator[Finding]:
    """Two budget flows over the same months would each take the other's amounts back."""
    for name, other in sorted(flows.items()):
        if not isinstance(other, BudgetFlow) or name == flow.name or other.target != flow.target:
            continue
        shared = sorted(set(flow.ledgers) & set(other.ledgers))
        first = max(flow.first_month, other.first_month)
        last = min(flow.last_month, other.last_month)
        if shared and first <= last:
            yield Finding(
                ("ledgers",),
                f"are written by {name} too, from {first} to {last}: each of the two would take the"
                " other's amounts back",
                ", ".join(shared),
                "months of its own, or one flow over both views' amounts",
            )


def _check_lists(flow: DimensionsFlow, root: Path) -> Iterator[Finding]:
    yield from _check_names_once([one.list for one in flow.lists], "lists", "list")
    for number, one in enumerate(flow.lists):
        yield from _check_parents(one, root, ("lists", number))


def _check_parents(one: ListFlow, root: Path, loc: Loc) -> Iterator[Finding]:
    rules = one.parents
    if rules.by == "none":
        return
    if not one.columns.parent:
        yield Finding(
            (*loc, "columns", "parent"), "is missing", "", "the header of the parent's code"
        )
    if rules.by == "property" and not rules.property:
        yield Finding((*loc, "parents", "property"), "is missing", "", "such as account_type")
    if rules.by == "property" and not rules.names:
        yield Finding((*loc, "parents", "names"), "is missing", "", "such as {A: Assets}")
    if rules.by == "file" and rules.file is None:
        yield Finding((*loc, "parents", "file"), "is missing", "", "a CSV file")
    if rules.by == "file" and rules.file is not None:
        yield from _check_file(root, rules.file, (*loc, "parents", "file"))
