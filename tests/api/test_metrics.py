"""What Prometheus is told: counts out of the records, by few labels, to who may see."""

import json
from datetime import timedelta
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from tests.fakes.clock import START

from ml_connector.ports import RunState
from ml_connector.ports.gauges import BudgetGauge, Gauges
from ml_connector.ports.standings import StageState
from ml_connector.wiring.telemetry import Telemetry

LABELS = frozenset(
    {"flow", "state", "stage", "budget", "model", "version", "route", "method", "status", "le"}
)


def parse(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Values by name and labels."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert set(sample.labels) <= LABELS, sample
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_numbers_are_told_to_who_may_see_and_nobody_else(site: Any, token: str) -> None:
    """By token or session; what is told holds counts, and no person or amount."""
    assert site.visitor().get("/metrics").status == 401
    assert site.member("viewer").get("/metrics").status == 200
    site.member("viewer").get("/runs/")
    answer = site.visitor().get("/metrics", Authorization=f"Bearer {token}")
    told = parse(answer.text)

    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert told["ml_connector_runs"]["actuals-fusion", "succeeded"] >= 1
    assert told["ml_connector_seconds_since_good_run"]["actuals-fusion",] > 0
    assert told["ml_connector_ledger_periods"]["actuals-fusion", "tied", "done"] >= 1
    assert told["ml_connector_http_request_seconds_count"]["GET", "runs/", "2xx"] >= 1
    assert "everything" not in answer.text


def test_every_process_tells_what_the_records_hold() -> None:
    """Nothing is counted in the process itself, so that any of them may be asked."""
    gauges = Gauges(
        runs={("f", RunState.QUEUED): 2, ("f", RunState.FAILED): 1, ("g", RunState.QUEUED): 1},
        good_at={"f": START - timedelta(hours=1)},
        periods={("f", "tied", StageState.WRONG): 3},
        unmapped={"f": 4}, refused={"f": 5}, owed={"f": 6},
        budgets=(BudgetGauge(key="anaplan", size=600, used=7, waiting=8),),
        leases={"M": True, "N": False},
    )  # fmt: skip

    told = parse(_House(gauges).render_metrics().decode())

    assert told["ml_connector_runs_queued"] == {(): 3}
    assert told["ml_connector_runs"]["f", "failed"] == 1
    assert told["ml_connector_seconds_since_good_run"] == {("f",): 3600}
    assert told["ml_connector_ledger_periods"] == {("f", "tied", "differs"): 3}
    assert [told[f"ml_connector_{name}"]["f",] for name in
            ("unmapped_values", "refused_summaries", "periods_owed")] == [4, 5, 6]  # fmt: skip
    assert [told[f"ml_connector_request_budget_{name}"]["anaplan",] for name in
            ("size", "used", "waiting")] == [600, 7, 8]  # fmt: skip
    assert told["ml_connector_model_lease_held"] == {("M",): 1, ("N",): 0}


class _House(Telemetry):
    """What the numbers are asked of."""

    def __init__(self, gauges: Gauges) -> None:
        self.clock = _At()  # type: ignore[assignment]  # it is only asked the time
        self._gauges = gauges

    @property
    def records(self) -> Any:
        """Gauges only."""
        return self

    @property
    def gauges(self) -> Any:
        """The store of them."""
        return self

    def load_gauges(self) -> Gauges:
        """As they were given."""
        return self._gauges


class _At:
    """A clock that stands."""

    def now(self) -> Any:
        """Always the same."""
        return START


def test_process_that_lives_and_can_work_says_so(site: Any) -> None:
    """To whoever asks, and nothing beyond."""
    live, ready = (site.visitor().get(f"/health/{name}") for name in ("live", "ready"))
    assert (live.status, live.text) == (200, "lives\n")
    assert (ready.status, ready.text) == (200, "ready\n")
    assert not json.loads(site.visitor().call("GET", "/runs").text)["written"].startswith("run")
