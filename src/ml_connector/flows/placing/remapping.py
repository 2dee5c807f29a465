"""A changed rule reaches every period it affects, and never in silence.

Rules are the mapping and every setting beside it that decides: exclusions, signs, ledgers, periods.
"""

from functools import partial

from ml_connector.errors import BlockedError
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.ledger.books import Pair
from ml_connector.flows.placing.tallying import place_member
from ml_connector.flows.planning.plans import plan_member
from ml_connector.flows.run import ActualsRun
from ml_connector.ports import Json


class MappingReachError(BlockedError):
    """Changed rules would move amounts of periods the run was not asked for."""

    code = "remapping.reach"


def widen_for_mapping(
    run: ActualsRun, members: dict[str, list[Pair]]
) -> tuple[dict[str, list[Pair]], dict[str, int]]:
    """The scope, and the loaded periods beyond it that changed rules affect, with their cells.

    With `remap` the scope takes them in and none is left beyond; a run that only looks tells them.

    Raises:
        MappingReachError: Periods beyond the scope would change; names them with their cells.
    """
    applied = run.steps.step("mapping: applied", partial(_find_applied, run.bench))
    if applied["hash"] in ("", run.pins["rules_hash"]):
        return members, {}
    shadow = run.steps.step("mapping: loaded periods", partial(_find_loaded, run))
    left_alone = run.books.earlier - set(run.books.members.values())
    beyond = {m: its for m, its in shadow.items() if m not in members and m not in left_alone}
    cells = {
        member: run.steps.step(f"mapping: {member}", partial(_replan, run, member, its))["cells"]
        for member, its in beyond.items()
    }
    reached = {member: count for member, count in cells.items() if count}
    if reached and run.sends and not run.request.get("remap"):
        _refuse(run.bench, reached)
    if not run.request.get("remap"):
        return members, reached
    return members | {member: run.books.pairs_of(member) for member in reached}, {}


def _find_applied(bench: ActualsBench) -> Json:
    return {"hash": bench.records.mappings.load_applied(bench.flow.name)}


def _find_loaded(run: ActualsRun) -> Json:
    return dict(run.bench.records.loads.load_shadow(run.bench.flow.name, run.pins["model_id"])[1])


def _replan(run: ActualsRun, member: str, shadow_hash: str) -> Json:
    sums = place_member(run, member, run.books.pairs_of(member))
    return {"cells": plan_member(run.bench, run.pins["currencies"], sums, shadow_hash)["cells"]}


def _refuse(bench: ActualsBench, reached: dict[str, int]) -> None:
    named = ", ".join(f"{member} ({cells} cells)" for member, cells in reached.items())
    raise MappingReachError(
        f"The rules of flow {bench.flow.name} have changed (mapping, exclusions, signs, ledgers or"
        f" periods) and would also move {named}.",
        written="Nothing was sent.",
        next_step=f"See them: `ml-connector plan {bench.flow.name} --remap`; load them:"
        f" `ml-connector run {bench.flow.name} --remap`.",
        members=", ".join(reached),
    )
