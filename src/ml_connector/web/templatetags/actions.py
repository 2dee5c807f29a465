"""What forms that start something need: a key of their own, and what may be done now."""

import secrets
from dataclasses import dataclass

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ml_connector.errors import ConnectorError
from ml_connector.flows.runs import RESUMABLE_STATES
from ml_connector.ports import RunRow, RunState
from ml_connector.web.desk import find_house

register = template.Library()
KEY = "key"
KEY_BYTES = 12
GUARD = "plan.guard"
PERIODS_MAX = 60
"""Periods of a run that are offered one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChoices:
    """What may be done with a run now, by whoever may run.

    Attributes:
        resumes: It stopped and can go on.
        cancels: It is unfinished, and no process executes it as far as the history tells.
        retries: It has ended; its scope can be run anew.
        stops: It is executed, and nobody has asked it to stop yet.
        plan: Where its plan is looked at; empty where it has none.
        says: What the plan asks for.
        periods: Planning periods that can be run again one by one.
        refused: Summaries the model did not take from it.
        has_unmapped: Whether it met values no rule takes.
    """

    resumes: bool
    cancels: bool
    retries: bool
    stops: bool = False
    plan: str = ""
    says: str = ""
    periods: tuple[str, ...] = ()
    refused: int = 0
    has_unmapped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowChoices:
    """What may be started of a flow now.

    Attributes:
        busy: The run that keeps it busy.
        refused: Refused summaries that can be sent again.
    """

    busy: RunRow | None
    refused: int


@register.simple_tag
def one_time() -> SafeString:
    """A key of this form alone: sent twice, it stands for one run."""
    made = secrets.token_urlsafe(KEY_BYTES)
    return format_html('<input type="hidden" name="{}" value="{}">', KEY, made)


@register.simple_tag
def choices_of_run(run: RunRow) -> RunChoices:
    """What may be done with the run."""
    is_under_way = run.state in (RunState.QUEUED, RunState.RUNNING)
    plan, says = _find_plan(run)
    has_ended = run.state not in RESUMABLE_STATES or run.state in (
        RunState.FAILED, RunState.BLOCKED,
    )  # fmt: skip
    return RunChoices(
        resumes=run.state in RESUMABLE_STATES and not is_under_way,
        cancels=run.state in RESUMABLE_STATES and run.state is not RunState.RUNNING,
        retries=has_ended and not (run.request.get("apply") or run.request.get("reverse")),
        stops=run.state is RunState.RUNNING and not run.stop_asked_by,
        plan=plan,
        says=says,
        periods=tuple(run.summary.get("periods", ()))[:PERIODS_MAX] if has_ended else (),
        refused=_count_refused(run),
        has_unmapped=run.kind == "actuals" and bool(run.summary.get("unmapped")),
    )


@register.simple_tag
def choices_of_flow(name: str) -> FlowChoices:
    """What may be started of the flow of that name."""
    house = find_house()
    try:
        flow, busy = house.flow(name), house.find_unfinished(name)
    except ConnectorError:
        return FlowChoices(busy=None, refused=0)
    flows = [name] if flow.kind == "actuals" else []
    # Counted beside the summaries already, of which there may be a million.
    tallies = house.records.loads.load_tallies(flows=flows) if flows else []
    return FlowChoices(busy=busy, refused=sum(one.count for one in tallies))


def _count_refused(run: RunRow) -> int:
    found = run.summary.get("refused", 0)
    return found if isinstance(found, int) else len(found)


def _find_plan(run: RunRow) -> tuple[str, str]:
    """What names the run's plan, and what there is to do about it."""
    if run.state is RunState.WAITING_APPROVAL:
        return str(run.summary.get("plan_hash", "")), "Review the plan that waits"
    if run.state is RunState.BLOCKED and (run.error or {}).get("code") == GUARD:
        return run.run_id, "Look at the plan a guard has stopped"
    if run.kind == "actuals" and run.summary.get("plan_hash"):
        return str(run.summary["plan_hash"]), "See its plan"
    return "", ""
