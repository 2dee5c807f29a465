"""What is started from pages: recorded once for each form, and then looked at where it runs."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from ml_connector.domain.texts import verify_length
from ml_connector.errors import ConnectorError, UsageError
from ml_connector.flows.answers.run_listings import list_loads
from ml_connector.flows.requests import RunWish, render_request
from ml_connector.ports import Right, RunRow
from ml_connector.web.guards import Asked, needs
from ml_connector.web.tables import Table
from ml_connector.web.templatetags.actions import KEY, choices_of_run

KEY_MAX = 64
"""Characters of a form's key; ours have sixteen."""
TEXT_MAX = 4_000
"""Characters of a field with several names."""


@needs(Right.RUN)
def start(request: Asked, name: str) -> HttpResponse:
    """The form of a run, or the run it has started."""
    flow = find_flow(request, name)
    if request.method != "POST":
        return _show_form(request, flow)
    try:
        run = request.house.enqueue_run(name, _read_wish(request), key=read_key(request))
    except ConnectorError as error:
        return _show_form(request, flow, error=error)
    return redirect("run", run.run_id)


@needs(Right.RUN)
@require_POST
def replay(request: Asked, name: str) -> HttpResponse:
    """All that was refused of the flow is sent again."""
    find_flow(request, name)
    key, back = read_key(request), reverse("flow", args=[name])
    return answer(request, lambda: request.house.enqueue_replay(name, key=key), back=back)


@needs(Right.RUN)
@require_POST
def retry(request: Asked, run_id: str) -> HttpResponse:
    """The scope of the run is run anew."""
    run, key = find_run(request, run_id), read_key(request)
    back = reverse("run", args=[run.run_id])
    return answer(request, lambda: request.house.enqueue_retry(run.run_id, key=key), back=back)


@needs(Right.RUN)
@require_POST
def run_period(request: Asked, run_id: str) -> HttpResponse:
    """One planning period of the run is run again."""
    run, key = find_run(request, run_id), read_key(request)
    members = [one for one in run.summary.get("periods", ()) if one == request.POST.get("period")]
    if not members:
        raise Http404(f"Run {run.run_id} has no such period.")
    return answer(
        request,
        lambda: request.house.enqueue_run(run.flow, {"members": members}, key=key),
        back=reverse("run", args=[run.run_id]),
    )


@needs(Right.RUN)
@require_POST
def resume(request: Asked, run_id: str) -> HttpResponse:
    """The run goes on."""
    run = find_run(request, run_id)
    back = reverse("run", args=[run.run_id])
    return answer(request, lambda: request.house.enqueue_resume(run.run_id), back=back)


@needs(Right.RUN)
def stop(request: Asked, run_id: str) -> HttpResponse:
    """What it means to stop the run; or it is to end before its next step."""
    run = find_run(request, run_id)
    back = reverse("run", args=[run.run_id])
    if request.method == "POST":
        title = "Nothing was stopped"
        return answer(request, lambda: request.house.stop_run(run.run_id), back=back, title=title)
    loads = list_loads(request.house.records.loads.load_loads(run_id=run.run_id))
    written = Table(
        name="loads", title="Written so far", listing=loads,
        next_step="What is on its way now is not in the list.",
    )  # fmt: skip
    shown = {"run": run, "written": written, "can_stop": choices_of_run(run).stops}
    return render(request, "pages/actions/stop.html", shown)


@needs(Right.RUN)
def cancel(request: Asked, run_id: str) -> HttpResponse:
    """What it means to put the run away; or it is put away."""
    run = find_run(request, run_id)
    if request.method == "POST":
        back, title = reverse("run", args=[run.run_id]), "Nothing was put away"
        return answer(request, lambda: request.house.cancel(run.run_id), back=back, title=title)
    shown = {"run": run, "can_put_away": choices_of_run(run).cancels}
    return render(request, "pages/actions/put_away.html", shown)


def answer(
    request: Asked, act: Callable[[], RunRow], *, back: str, title: str = "Nothing was started"
) -> HttpResponse:
    """The page of the run that the act has started, or why it has not."""
    try:
        run = act()
    except ConnectorError as error:
        shown = {"error": error, "title": title, "back": back, "busy": find_busy(request, error)}
        return render(request, "pages/actions/refused.html", shown, status=422)
    return redirect("run", run.run_id)


def find_busy(request: Asked, error: ConnectorError) -> str:
    """The run that an error names, where there is one to look at."""
    named = str(error.arguments.get("run_id") or error.arguments.get("run") or "")
    try:
        return request.house.records.runs.load_run(named).run_id if named else ""
    except UsageError:
        return ""


def read_key(request: Asked) -> str:
    """The key of the form that was sent; empty where it has none."""
    return request.POST.get(KEY, "")[:KEY_MAX]


def find_flow(request: Asked, name: str) -> Any:
    """The flow, or that there is none."""
    try:
        return request.house.flow(name)
    except UsageError as error:
        raise Http404(error.refused) from error


def find_run(request: Asked, run_id: str) -> RunRow:
    """The run, or that there is none."""
    try:
        return request.house.records.runs.load_run(run_id)
    except UsageError as error:
        raise Http404(error.refused) from error


def _read_wish(request: Asked) -> dict[str, object]:
    sent = request.POST
    wish = RunWish(
        periods=_split(sent.get("period", "")),
        month_first=sent.get("from", "").strip(),
        month_last=sent.get("to", "").strip(),
        is_dry="dry_run" in sent,
        remaps="remap" in sent,
        against="model" if sent.get("against") == "model" else "",
        take=_split(sent.get("take", "")),
        backfills="backfill" in sent,
    )
    return render_request(wish)


def _split(text: str) -> list[str]:
    whole = verify_length(text, most=TEXT_MAX, what="The list of names")
    return [part.strip() for part in whole.split(",") if part.strip()]


def _show_form(request: Asked, flow: Any, *, error: ConnectorError | None = None) -> HttpResponse:
    shown = {
        "flow": flow, "error": error, "given": request.POST,
        "busy": request.house.find_unfinished(flow.name),
    }  # fmt: skip
    return render(request, "pages/actions/start.html", shown, status=422 if error else 200)
