"""What `doctor` says of a flow: is the model writable, are the actions there, do headers fit."""

from collections.abc import Callable, Iterator

from ml_connector.errors import ConnectorError
from ml_connector.flows.bench import (
    ActualsBench,
    Bench,
    BudgetBench,
    DimensionsBench,
    SupplierBench,
)
from ml_connector.flows.loading.rendering import flow_columns
from ml_connector.flows.preflight import find_action, pin_load, verify_model
from ml_connector.flows.revising.templates import verify_covered
from ml_connector.ports import ActionKind, Check, CheckState, PlanningTarget


def check_flow(bench: Bench) -> Iterator[Check]:
    """Yield one finding per thing a run of the flow would stumble over."""
    yield _look("model", lambda: f"{verify_model(bench.target)['model_name']} is writable")
    if isinstance(bench, ActualsBench):
        yield from _check_actuals(bench)
    if isinstance(bench, DimensionsBench):
        yield from _check_dimensions(bench)
    if isinstance(bench, BudgetBench):
        yield from _check_budget(bench)
    if isinstance(bench, SupplierBench):
        yield from _check_suppliers(bench)


def _check_actuals(bench: ActualsBench) -> Iterator[Check]:
    flow, target = bench.flow, bench.target
    yield _look(f"load {flow.actions.load}", lambda: _describe_load(bench))
    yield _look_for_export(target, flow.actions.export)
    yield _look(
        f"module {flow.module}", lambda: _describe_time(target.read_time_members(flow.module))
    )


def _check_budget(bench: BudgetBench) -> Iterator[Check]:
    """The orchestration is one for all ledgers, and told once."""
    yield _look_for_export(bench.target, bench.flow.export)
    told = set()
    for ledger in bench.flow.ledgers:
        for check in bench.journals.check_journals(ledger):
            if check not in told:
                yield check
            told.add(check)


def _check_suppliers(bench: SupplierBench) -> Iterator[Check]:
    """Whether suppliers may be written shows at the first write: no ERP tells it beforehand."""
    yield _look_for_export(bench.target, bench.flow.export)
    yield _look("suppliers of the ERP", lambda: _describe_first(bench))
    if bench.template:
        yield _look(f"template {bench.flow.template}", lambda: verify_covered(bench))


def _describe_first(bench: SupplierBench) -> str:
    first = next(iter(bench.suppliers.read_suppliers()), None)
    return f"supplier {first.number} is the first of them" if first else "none is visible"


def _look_for_export(target: PlanningTarget, name: str) -> Check:
    return _look(f"export {name}", lambda: _describe_export(target, name))


def _describe_export(target: PlanningTarget, name: str) -> str:
    action = find_action(target, ActionKind.EXPORT, name)
    target.read_export_form(action.action_id)
    return f"id {action.action_id}"


def _describe_load(bench: ActualsBench) -> str:
    actions = bench.flow.actions
    pins = pin_load(bench, kind=actions.kind, name=actions.load, columns=flow_columns(bench))
    return f"file {pins['file_id']}, {len(pins['headers'])} columns fit"


def _describe_time(members: list[str]) -> str:
    return f"time runs from {members[0]} to {members[-1]}" if members else "no time dimension"


def _check_dimensions(bench: DimensionsBench) -> Iterator[Check]:
    for row in bench.flow.lists:
        columns = {row.columns.code, row.columns.name, *row.columns.properties.values()}
        columns |= {row.columns.parent} if row.columns.parent else set()
        yield _look(
            f"load {row.load}",
            lambda row=row, columns=columns: (  # type: ignore[misc] # bound per turn of the loop.
                f"file {pin_load(bench, kind='import', name=row.load, columns=columns)['file_id']}"
            ),
        )


def _look(subject: str, describe: Callable[[], str]) -> Check:
    try:
        return Check(subject=subject, state=CheckState.OK, finding=describe())
    except ConnectorError as error:
        return Check(
            subject=subject, state=CheckState.FAILED, finding=error.refused,
            next_step=error.next_step, code=error.code,
        )  # fmt: skip
