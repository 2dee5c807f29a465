"""F2 and F3: posted journal lines become planning cells, and every amount is tied out.

This is the product. A run reads what changed, archives it whole, compares the archive with the
ERP's own balances, maps and sums every planning period touched, plans the difference to what the
model was last told, loads it once, reads the model back and ties every hop.
"""

from dataclasses import replace
from functools import partial

from ml_connector.domain.mapping_file import parse_mapping
from ml_connector.domain.money import use_exact_money
from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.dimensions import list_short, run_dimensions
from ml_connector.flows.ledger.books import Pair, load_books, pin_books
from ml_connector.flows.ledger.control import OFF, control_members
from ml_connector.flows.ledger.reading import move_watermark, read_changes, read_whole
from ml_connector.flows.ledger.renaming import touch_renamed
from ml_connector.flows.ledger.scope import settle_scope
from ml_connector.flows.ledger.visibility import verify_known_visible, verify_ledgers_speak
from ml_connector.flows.loading.delivery import deliver
from ml_connector.flows.loading.rendering import flow_columns
from ml_connector.flows.pins import PREFLIGHT, load_placer
from ml_connector.flows.placing.remapping import widen_for_mapping
from ml_connector.flows.placing.rules import hash_rules, verify_rules_pinned
from ml_connector.flows.placing.summing import pin_account_types, pin_combinations
from ml_connector.flows.placing.tallying import place_member
from ml_connector.flows.planning.plans import plan_member, save_plan, verify_guards
from ml_connector.flows.planning.shadow import verify_or_rebuild_shadow
from ml_connector.flows.preflight import find_action, pin_load, render_action, verify_model
from ml_connector.flows.proving.outcome import conclude
from ml_connector.flows.proving.proof import prove
from ml_connector.flows.run import ActualsRun, Findings
from ml_connector.ports import ActionKind, Json, Steps


def run_actuals(steps: Steps, request: Json, bench: ActualsBench) -> Json:
    """The model holds the summaries of every period in scope, or the summary says why not.

    Args:
        steps: Of the engine; everything remote happens inside one.
        request: `periods`, `month_first`/`month_last`, `dry_run`, `replay`, `remap`, `reconcile`,
            `against` ("model" rebuilds the shadow first), `backfill`, `apply` (a plan's hash)
            with `members` and `totals` (the plan's periods and totals, as its file tells them).
        bench: The ports and the flow's settings.
    """
    use_exact_money()
    run = begin(steps, request, bench)
    lists: Json = {}
    if bench.dimensions is not None and run.sends:
        lists = list_short(run_dimensions(steps, {}, bench.dimensions))
    is_repeat = request.get("replay") or request.get("apply")
    reading = {} if is_repeat else read_changes(steps, bench)
    reading |= touch_renamed(run)
    members, beyond = widen_for_mapping(run, settle_scope(run))
    pairs = sorted({pair for its in members.values() for pair in its})
    read_whole(steps, bench, run.books, pairs, everything=bool(request.get("backfill")))
    if "until" in reading:
        steps.step("read: move watermark", partial(move_watermark, bench, reading["until"]))
    found = examine(run, members, control_members(steps, bench, run.books, members))
    found = replace(found, reading=reading, lists=lists, beyond=beyond)
    verify_or_rebuild_shadow(run, list(found.sendable))
    found = replace(found, planned=make_plan(run, found.sendable))
    found = replace(found, delivered=deliver(run, found.planned))
    found = replace(found, proof=prove(run, found))
    return conclude(run, found)


def begin(steps: Steps, request: Json, bench: ActualsBench) -> ActualsRun:
    """The run with everything pinned that must not change under it."""
    pins = steps.step(PREFLIGHT, partial(preflight, steps, bench))
    verify_rules_pinned(bench, pins)
    return ActualsRun(
        steps=steps,
        request=request,
        bench=bench,
        pins=pins,
        books=load_books(bench, pins["books"]),
        placer=load_placer(bench, pins),
    )


def examine(
    run: ActualsRun, members: dict[str, list[Pair]], controls: dict[Pair, Json]
) -> Findings:
    """The periods that agree with the ERP are summed; those with unmapped lines are held back."""
    run.steps.step("control: ledgers speak", partial(verify_ledgers_speak, run.bench, controls))
    fit = {
        member: pairs
        for member, pairs in members.items()
        if all(controls[pair]["state"] != OFF for pair in pairs)
    }
    sums = {
        member: run.steps.step(f"sum: {member}", partial(place_member, run, member, pairs))
        for member, pairs in fit.items()
    }
    blocks = run.bench.flow.unmapped == "block"
    held_back = {member for member, row in sums.items() if blocks and row["unmapped_values"]}
    return Findings(members=members, controls=controls, sums=sums, held_back=frozenset(held_back))


def preflight(steps: Steps, bench: ActualsBench) -> Json:
    """Everything the run relies on, looked up by name and pinned: model, actions, books, rules."""
    flow = bench.flow
    model = verify_model(bench.target)
    export = find_action(bench.target, ActionKind.EXPORT, flow.actions.export)
    mapping = parse_mapping(bench.mapping_text, origin=str(flow.mapping), facts=bench.facts)
    verify_known_visible(bench)
    books = pin_books(bench)
    bench.records.mappings.save_mapping(
        flow.name, content_hash=mapping.content_hash, content=bench.mapping_text,
        actor=bench.actor, rules=len(mapping.rules),
    )  # fmt: skip
    return {
        **model,
        "run_id": steps.run_id,
        "load": pin_load(
            bench, kind=flow.actions.kind, name=flow.actions.load, columns=flow_columns(bench)
        ),
        "export": render_action(export),
        "time_members": bench.target.read_time_members(flow.module),
        "period_at": [dimension.source for dimension in flow.dimensions].index("period"),
        **books,
        "account_types": pin_account_types(bench),
        "combinations": pin_combinations(bench, books["charts"]),
        "mapping_hash": mapping.content_hash,
        "rules_hash": hash_rules(bench, mapping.content_hash),
    }


def make_plan(run: ActualsRun, sums: dict[str, Json]) -> Json:
    """Every sendable period planned against the shadow, guarded and saved.

    Raises:
        BlockedError: A guard tripped, unless the plan is only looked at or was looked at before.
    """
    steps, bench, pins = run.steps, run.bench, run.pins
    base = steps.step("plan: shadow", partial(_pin_shadow, bench, pins, list(sums)))
    members = {
        member: steps.step(
            f"plan: {member}",
            partial(plan_member, bench, pins["currencies"], row, base["shadow"][member]),
        )
        for member, row in sums.items()
    }
    saved = steps.step("plan: save", partial(save_plan, bench, pins, base["revision"], members))
    if run.sends and not run.request.get("apply"):
        steps.step("plan: guards", partial(_pass_guards, bench, saved, members))
    return {
        **saved,
        "members": members,
        "shadow": base["shadow"],
        "shadow_revision": base["revision"],
    }


def _pin_shadow(bench: ActualsBench, pins: Json, members: list[str]) -> Json:
    revision, files = bench.records.loads.load_shadow(bench.flow.name, pins["model_id"])
    return {"revision": revision, "shadow": {member: files.get(member, "") for member in members}}


def _pass_guards(bench: ActualsBench, saved: Json, members: dict[str, Json]) -> Json:
    verify_guards(bench, saved["totals"], members)
    return {"passed": True}
