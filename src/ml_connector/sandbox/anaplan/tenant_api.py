"""Users, workspaces, models and what concerns a model as a whole."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from ml_connector.sandbox.anaplan import timescale
from ml_connector.sandbox.anaplan.envelope import (
    Page,
    RefusedError,
    render_one,
    render_page,
    sort_strictly,
)
from ml_connector.sandbox.anaplan.routing import (
    BASE,
    INSTANT,
    READS,
    WRITES,
    Call,
    ModelRoutes,
    Rule,
    read_body,
)
from ml_connector.sandbox.anaplan.runtime import ModelRuntime
from ml_connector.sandbox.anaplan.seed import CUSTOMER_ID
from ml_connector.sandbox.http import Request, Response, json_response

if TYPE_CHECKING:
    from ml_connector.sandbox.anaplan.server import AnaplanServer

_CREATED = "2019-01-30T20:08:10.000+0000"
_MODEL_PATH = BASE + r"/workspaces/(?P<w>[^/]+)/models/(?P<m>[^/]+)"


class TenantApi:
    """Endpoints above the models, and those about a model's state, calendar and versions."""

    def __init__(self, server: "AnaplanServer", routes: ModelRoutes) -> None:
        self._server = server
        add = server.router.add
        add("GET", BASE + r"/users/me", self._read_me)
        add("GET", BASE + r"/users", self._read_users)
        add("GET", BASE + r"/users/(?P<u>[^/]+)", self._read_user)
        add("GET", BASE + r"/workspaces", self._read_workspaces)
        add("GET", BASE + r"/workspaces/(?P<w>[^/]+)", self._read_workspace)
        add("GET", BASE + r"/workspaces/(?P<w>[^/]+)/(?:admins|visitors)", self._read_admins)
        add("GET", BASE + r"/models", self._read_models)
        add("GET", BASE + r"/workspaces/(?P<w>[^/]+)/models", self._read_models)
        add("GET", BASE + r"/models/(?P<m>[^/]+)", self._read_model)
        add("GET", _MODEL_PATH, self._refuse_verb)
        add("PUT", BASE + r"/models/(?P<m>[^/]+)/onlineStatus", self._set_online)
        routes.add("GET", "/status", self._read_status, INSTANT)
        # Closing needs a free model, opening and status do not.
        routes.add("POST", "/open", self._open, Rule(waits="never"))
        routes.add("POST", "/close", self._close, READS)
        routes.add("GET", "/currentPeriod", self._read_period)
        routes.add("PUT", "/currentPeriod", self._set_period, WRITES)
        routes.add("GET", "/modelCalendar", self._read_calendar)
        routes.add("GET", "/versions", self._read_versions)

    def _read_me(self, request: Request) -> Response:
        return render_one("user", {"user": self._user(request.user or "")})

    def _read_users(self, request: Request) -> Response:
        self._verify_admin(request, 403)
        rows = [self._user(email) for email in self._server.users]
        allowed = ("firstName", "lastName", "email", "active", "lastLoginDate")
        return self._page(request, "users", "user", sort_strictly(rows, request, allowed))

    def _read_user(self, request: Request) -> Response:
        self._verify_admin(request, 403)
        for email, user in self._server.users.items():
            if user["id"] == request.params["u"]:
                return render_one("user", {"user": self._user(email)})
        raise RefusedError(404)

    def _read_admins(self, request: Request) -> Response:
        # A user who is no tenant administrator gets a server error here, not a refusal.
        self._verify_admin(request, 500)
        workspace = request.params["w"]
        people = self._server.users.items()
        rows = [self._user(email) for email, user in people if workspace in user["admin_of"]]
        return self._page(request, "users", "user", rows)

    def _read_workspaces(self, request: Request) -> Response:
        rows = [self._workspace(request, key) for key in self._server.workspaces]
        rows = sort_strictly(rows, request, ("name", "sizeAllowance"))
        return self._page(request, "workspaces", "workspace", rows)

    def _read_workspace(self, request: Request) -> Response:
        key = request.params["w"]
        user = self._server.users[request.user or ""]
        if key not in self._server.workspaces or key not in user["admin_of"]:
            raise RefusedError(404)
        return render_one("workspace", {"workspace": self._workspace(request, key)})

    def _read_models(self, request: Request) -> Response:
        workspace = request.params.get("w")
        if workspace and workspace not in self._server.workspaces:
            raise RefusedError(404)
        rows = [
            self._model(request, model)
            for model in self._server.models.values()
            if workspace in {None, model.header["workspace"]}
        ]
        if (request.find_query("archived") or "").lower() == "false":
            rows = [row for row in rows if row["activeState"] != "ARCHIVED"]
        rows = sort_strictly(rows, request, ("name", "activeState"))
        return self._page(request, "models", "model", rows)

    def _read_model(self, request: Request) -> Response:
        model = self._server.find_model(request.params["m"], None)
        if model is None:
            raise RefusedError(404)
        shown = self._model(request, model)
        if _is_true(request.find_query("modelDetails")):
            running = self._server.engine.running(model.id)
            shown["modelTransactionRunning"] = running is not None
        return render_one("model", {"model": shown})

    def _refuse_verb(self, _request: Request) -> Response:
        raise RefusedError(405)

    def _set_online(self, request: Request) -> Response:
        model = self._server.find_model(request.params["m"], None)
        if model is None:
            raise RefusedError(404)
        body = read_body(request)
        wanted = body.get("status") if isinstance(body, dict) else None
        states = {"offline": "MAINTENANCE", "online": "UNLOCKED"}
        if wanted not in states:
            raise RefusedError(400, f"Invalid status '{wanted}'.")
        model.modify(state=states[wanted])
        return Response(status=204)

    def _read_status(self, call: Call) -> Response:
        model, task = call.model, self._server.engine.running(call.model.id)
        step, progress, tooltip = "Open", -1.0, None
        if model.is_loading():
            step, progress = "Opening", 0.5
        elif model.header["is_closed"]:
            step = "Closed"
        elif task is not None:
            found = model.definitions.find_step(task.steps[min(task.done, len(task.steps) - 1)])
            step, progress = "Processing ...", 0.5
            tooltip = f"{found.name if found else 'Action'}\n{task.user}"
        status = {
            "currentStep": step,
            "progress": progress,
            "creationTime": int(self._server.clock.now() * 1000),
            "taskId": task.id if task else None,
            "tooltip": tooltip,
            "exportTaskType": None,
            "peakMemoryUsageEstimate": None,
            "peakMemoryUsageTime": None,
        }
        return json_response({"requestStatus": status})

    def _open(self, call: Call) -> Response:
        return Response(status=202 if call.model.is_loading() else 200)

    def _close(self, call: Call) -> Response:
        call.model.modify(is_closed=True)
        return Response(status=204)

    def _read_period(self, call: Call) -> Response:
        shown = {**_period(call.model), "calendarType": timescale.CALENDAR_TYPE}
        return render_one("currentPeriod", {"currentPeriod": shown}, model_id=call.model.id)

    def _set_period(self, call: Call) -> Response:
        in_query = call.request.find_query("date")
        body = read_body(call.request) if call.request.body.strip() else {}
        in_body = body.get("date") if isinstance(body, dict) else None
        if in_query and in_body:
            raise RefusedError(400, "use query parameter or body to set date, not both")
        text = str(in_query or in_body or "")
        call.model.definitions.current_period = _parse_period(text)
        call.model.data.save_definitions()
        return self._read_period(call)

    def _read_calendar(self, call: Call) -> Response:
        year = timescale.periods()[
            timescale.period_ids_by_name()[f"FY{call.model.definitions.current_period[-2:]}"]
        ]
        calendar = {
            "calendarType": timescale.CALENDAR_TYPE,
            "currentPeriod": _period(call.model),
            "fiscalYear": {
                "year": year.name,
                "startDate": year.first_day.isoformat(),
                "endDate": year.last_day.isoformat(),
            },
            "pastYearsCount": year.first_day.year - timescale.YEAR_FIRST,
            "futureYearsCount": timescale.YEAR_LAST - year.first_day.year,
            "totalsSelection": {
                "quarterTotals": True,
                "halfYearTotals": False,
                "yearToDateSummary": False,
                "yearToGoSummary": False,
                "totalOfAllPeriods": False,
            },
        }
        return render_one("modelCalendar", {"modelCalendar": calendar}, model_id=call.model.id)

    def _read_versions(self, call: Call) -> Response:
        months = list(timescale.months().values())
        first, last = months[0], months[-1]
        rows = [
            {
                "id": key,
                "name": name,
                "isCurrent": False,
                "isActual": name == "Actual",
                "editFrom": {"periodText": first.name, "date": first.first_day.isoformat()},
                "editTo": {"periodText": last.name, "date": last.last_day.isoformat()},
            }
            for key, name in call.model.definitions.versions.items()
        ]
        page = Page(key="versionMetadata", kind="versionMetadata", model_id=call.model.id)
        server = self._server
        return render_page(call.request, rows, page, switches=server.switches, base_url=server.url)

    def _user(self, email: str) -> dict[str, Any]:
        user = self._server.users[email]
        return {
            "id": user["id"],
            "active": user["active"],
            "email": email,
            "emailOptIn": False,
            "firstName": user["first_name"],
            "lastName": user["last_name"],
            "customerId": CUSTOMER_ID,
            "lastLoginDate": "2026-11-02T08:05:37.000+0000",
        }

    def _workspace(self, request: Request, key: str) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": key,
            "name": self._server.workspaces[key],
            "active": True,
        }
        if _is_true(request.find_query("tenantDetails")):
            shown |= {"sizeAllowance": 1_073_741_824, "currentSize": 873_741_824}
        return shown

    def _model(self, request: Request, model: ModelRuntime) -> dict[str, Any]:
        header = model.header
        workspace = header["workspace"]
        shown: dict[str, Any] = {
            "id": model.id,
            "name": header["name"],
            "activeState": model.state,
        }
        if not _is_true(request.find_query("modelDetails")):
            return shown
        changed = datetime.fromtimestamp(header.get("modified_at", 1_788_000_000), UTC)
        by = header.get("modified_by", next(iter(self._server.users)))
        return shown | {
            "currentWorkspaceId": workspace,
            "currentWorkspaceName": self._server.workspaces[workspace],
            "modelUrl": f"https://us1a.app.anaplan.com/models/{model.id}",
            "categoryValues": [],
            "memoryUsage": 123_456_789,
            "lastSavedSerialNumber": header["serial"],
            "isoCreationDate": _CREATED,
            "lastModified": changed.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "lastModifiedByUserGuid": self._server.users[by]["id"],
        }

    def _verify_admin(self, request: Request, status: int) -> None:
        if not self._server.users[request.user or ""]["tenant_admin"]:
            raise RefusedError(status)

    def _page(self, request: Request, key: str, kind: str, rows: list[dict[str, Any]]) -> Response:
        page = Page(key=key, kind=kind)
        server = self._server
        return render_page(request, rows, page, switches=server.switches, base_url=server.url)


def _period(model: ModelRuntime) -> dict[str, str]:
    number = timescale.period_ids_by_name()[model.definitions.current_period]
    period = timescale.periods()[number]
    return {"periodText": period.name, "lastDay": period.last_day.isoformat()}


def _parse_period(text: str) -> str:
    """The name of the month that holds the date; 400 in the service's own words."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        message = f"Invalid ISO date format '{text}'. Date should match format YYYY-MM-DD"
        raise RefusedError(400, message) from error
    month = timescale.find_month(day)
    if month is None:
        months = list(timescale.months().values())
        span = f"{months[0].first_day} - {months[-1].last_day}"
        raise RefusedError(400, f"Specified date '{text}' is out of timescale range {span}")
    return month.name


def _is_true(text: str | None) -> bool:
    return (text or "").lower() == "true"
