"""The pins of earlier runs: which books, rules and account types they were made with."""

from ml_connector.domain.mapping_file import parse_mapping
from ml_connector.errors import UsageError
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.placing.summing import Placer, make_placer
from ml_connector.ports import Json

PREFLIGHT = "preflight"
RUNS_SEARCHED_MAX = 50


class NeverRunError(UsageError):
    """The flow has never come past its preflight, so nothing is known of its ledger."""

    code = "pins.never-run"


def find_pins(bench: ActualsBench, run_id: str) -> Json:
    """What the run's preflight pinned.

    Raises:
        NeverRunError: The run did not come that far.
    """
    for step in reversed(bench.records.runs.load_steps(run_id)):
        if step.name == PREFLIGHT and step.state == "done":
            return step.result
    raise _never_run(bench)


def find_newest_pins(bench: ActualsBench) -> Json:
    """What the flow's newest preflight pinned.

    Raises:
        NeverRunError: The flow has never run.
    """
    flow, runs = bench.flow.name, bench.records.runs
    found = runs.find_done_step(flow, PREFLIGHT, runs_max=RUNS_SEARCHED_MAX)
    if found is None:
        raise _never_run(bench)
    return found.result


def _never_run(bench: ActualsBench) -> NeverRunError:
    return NeverRunError(
        f"The flow {bench.flow.name} has not run yet, so nothing of its ledger is archived.",
        written="Nothing was read or sent.",
        next_step=f"Look first: `ml-connector plan {bench.flow.name}`.",
        flow=bench.flow.name,
    )


def load_placer(bench: ActualsBench, pins: Json, *, text: str | None = None) -> Placer:
    """A placer of the pinned rules, or of the text given in their place."""
    rules = text or bench.records.mappings.find_mapping(pins["mapping_hash"])
    assert rules is not None, "a preflight saves the rules it pins"
    mapping = parse_mapping(rules, origin=str(bench.flow.mapping))
    return make_placer(
        bench,
        mapping,
        account_types=pins["account_types"],
        combinations=pins.get("combinations", ""),
    )
