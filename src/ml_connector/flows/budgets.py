"""F6: an approved budget becomes journals in the ERP, and the ledger ties out to it.

The first half of a run reads the approved view, holds it against what the ledger has, and saves
the difference as a plan of journals. It ends there, waiting for people, unless nobody has to be
asked. The second half is a run of its own: it applies exactly the saved plan, or refuses it when
anything has moved since.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial

from ml_connector.domain.ledger import Ledger
from ml_connector.domain.money import use_exact_money
from ml_connector.domain.periods import Period
from ml_connector.errors import AccessDeniedError, RefusedError, SettingsError, UsageError
from ml_connector.flows.bench import BudgetBench, read_document, store_document
from ml_connector.flows.ledger.books import (
    LedgerNotVisibleError,
    parse_period,
    period_rule,
    render_ledger,
    render_period,
)
from ml_connector.flows.preflight import find_action, render_action
from ml_connector.flows.proving.readback import run_export
from ml_connector.flows.writing.approved import Accounts, list_pairs, read_approved
from ml_connector.flows.writing.asking import (
    apply_once,
    ask_budget,
    ask_people,
    retire_plans,
    verify_address,
    verify_applicable,
    verify_connection,
)
from ml_connector.flows.writing.held import read_held
from ml_connector.flows.writing.journals import (
    PlanBasis,
    plan_journals,
    summarise_journals,
    verify_guards,
)
from ml_connector.flows.writing.replacing import read_earlier
from ml_connector.flows.writing.reversing import plan_reversal
from ml_connector.flows.writing.sending import post_all
from ml_connector.flows.writing.service import verify_service
from ml_connector.flows.writing.tie_out import conclude_budget
from ml_connector.ports import (
    ActionKind,
    JournalAccount,
    Json,
    LedgerRules,
    PeriodVerdict,
    RunState,
    Steps,
)


class BudgetPeriodRefusedError(RefusedError):
    """The ERP takes no journals in some of the flow's periods, or knows them not at all."""

    code = "budgets.period-refused"


class BudgetLedgerRefusedError(AccessDeniedError):
    """The ERP takes no journals in one of the flow's ledgers."""

    code = "budgets.ledger-refused"


class SharedCompanyError(SettingsError):
    """Two ledgers of a budget flow are of one company, which its view cannot tell apart."""

    code = "budgets.shared-company"


def run_budget(steps: Steps, request: Json, bench: BudgetBench) -> Json:
    """The ledger holds what was approved, or the summary says what is missing or who is asked.

    Args:
        steps: Of the engine; everything remote happens inside one.
        request: `dry_run`, `reverse` (a posting key), or `apply` (the hash of an approved plan).
        bench: The ports and the flow's settings.
    """
    use_exact_money()
    _verify_request(bench, request)
    pins = steps.step("preflight", partial(_preflight, bench))
    verify_address(bench, pins, what=f"Run {steps.run_id} began with")
    bench = load_budget_books(bench, pins["books"])
    read: Json = {"service": pins.get("service", [])}
    if request.get("apply"):
        return _apply(steps, bench, str(request["apply"])) | {"read": read}
    if request.get("reverse"):
        reverse = partial(plan_reversal, bench, str(request["reverse"]), steps.run_id)
        return _ask(steps, request, bench, steps.step("reverse: plan", reverse), read)
    exported = steps.step("approved: export", partial(run_export, steps, bench, pins))
    approved = steps.step(
        "approved: read",
        lambda: read_approved(bench, read_accounts(bench), exported["export"]),
    )
    pairs = list_pairs(bench, approved["document"])
    held = steps.step("ledger: held", partial(read_held, bench, pairs))
    basis = PlanBasis(run_id=steps.run_id, approved=approved["document"], held=held["document"])
    if pins.get("mode") == "replace":
        look = partial(read_earlier, bench, basis.approved, basis.held)
        basis = replace(basis, earlier=steps.step("ledger: earlier", look)["document"])
    plan = steps.step("plan", partial(plan_journals, bench, basis))
    if not request.get("dry_run"):
        steps.step("plan: guards", partial(verify_guards, bench, basis))
    read |= {
        "rows": approved["rows"],
        "ignored": approved["ignored"],
        "not_shown": [" ".join(pair) for pair in sorted(set(bench.periods) - set(pairs))],
        "warned": pins["warned"],
        "journals_waiting": held["journals_waiting"],
    }
    return _ask(steps, request, bench, plan, read)


def _verify_request(bench: BudgetBench, request: Json) -> None:
    """Nothing is asked that a budget flow does not do: it would post instead.

    Raises:
        UsageError: Names what was asked.
    """
    odd = sorted(
        name
        for name, value in request.items()
        if value and name not in ("dry_run", "apply", "reverse") and value != "shadow"
    )
    if odd:
        raise UsageError(
            f"The flow {bench.flow.name} posts a budget; it cannot do what was asked"
            f" ({', '.join(odd)}).",
            written="Nothing was read or posted.",
            next_step=f"Look at what it would post: `ml-connector plan {bench.flow.name}`.",
            flow=bench.flow.name,
        )


def _ask(steps: Steps, request: Json, bench: BudgetBench, plan: Json, read: Json) -> Json:
    """The plan posted at once, or the summary of one that waits or is only looked at."""
    summary = _summarise(bench, plan) | {"read": read}
    summary["dry_run"] = bool(request.get("dry_run"))
    if request.get("dry_run"):
        return summary | {"state": str(RunState.SUCCEEDED)}
    if not plan["journals"]:
        steps.step("ask: nothing", partial(retire_plans, bench))
        return summary | {"state": str(RunState.SUCCEEDED)}
    question = ask_budget(bench, steps.run_id, plan)
    question = replace(question, supersedes=not request.get("reverse"))
    asked = steps.step("ask", partial(ask_people, bench, question))
    if asked["needed"]:
        return summary | {"state": str(RunState.WAITING_APPROVAL), "approval": asked}
    return summary | _post(steps, bench, plan["plan_hash"])


def _apply(steps: Steps, bench: BudgetBench, plan_hash: str) -> Json:
    """Exactly the approved plan is posted; what has moved since refuses it."""
    verify = partial(verify_applicable, bench, plan_hash)
    steps.step("apply: approved", partial(apply_once, bench, plan_hash, steps.run_id, verify))
    return _post(steps, bench, plan_hash)


def _post(steps: Steps, bench: BudgetBench, plan_hash: str) -> Json:
    verify_connection(bench, plan_hash)
    return conclude_budget(steps, bench, plan_hash, post_all(steps, bench, plan_hash))


def _summarise(bench: BudgetBench, plan: Json) -> Json:
    document = read_document(bench.archive, plan["plan_hash"])
    return {
        "flow": bench.flow.name,
        "plan_hash": plan["plan_hash"],
        **summarise_journals(document),
        "postings": [],
    }


def _preflight(bench: BudgetBench) -> Json:
    """Export, ledgers, rules, service and periods, looked up before anything is read."""
    export = find_action(bench.target, ActionKind.EXPORT, bench.flow.export)
    books = read_budget_books(bench)
    looked = load_budget_books(bench, books)
    for name, rule in looked.rules.items():
        if rule.refuses:
            raise BudgetLedgerRefusedError(
                f"{bench.source.connection} takes no journals in ledger {name}: {rule.refuses}.",
                written="Nothing was read or posted.",
                next_step=f"Name another ledger type in flows/{bench.flow.name}.yaml.",
                ledger=name,
            )
    return {
        "address": bench.source.address,
        "export": render_action(export),
        "books": books,
        "mode": bench.flow.mode,
        "service": verify_service(bench),
        "warned": _verify_periods(looked),
    }


def read_budget_books(bench: BudgetBench) -> str:
    """Ledgers, their rules, and the periods of the flow's months, archived; returns the hash.

    Raises:
        LedgerNotVisibleError: A ledger of the flow is not shown.
        SharedCompanyError: Two ledgers of the flow are of one company.
        BudgetPeriodRefusedError: A ledger has no period in the flow's months.
    """
    ledgers = _find_ledgers(bench)
    periods = []
    for ledger in ledgers:
        calendar = bench.source.read_periods(ledger)
        for period in _pick(bench, calendar):
            member = period_rule(bench.flow.periods).target_member(period, periods=calendar)
            if member is not None:
                periods.append([ledger.name, member, render_period(period)])
    return store_document(
        bench.archive,
        {
            "ledgers": [render_ledger(ledger) for ledger in ledgers],
            "periods": periods,
            "rules": {
                ledger.name: asdict(bench.journals.read_journal_rules(ledger)) for ledger in ledgers
            },
        },
    )


def _find_ledgers(bench: BudgetBench) -> list[Ledger]:
    seen = {ledger.name: ledger for ledger in bench.source.read_ledgers()}
    missing = [name for name in bench.flow.ledgers if name not in seen]
    if missing:
        raise LedgerNotVisibleError(
            f"The ledgers {', '.join(missing)} of flow {bench.flow.name} are not visible at"
            f" {bench.source.connection}; visible are: {', '.join(sorted(seen)) or 'none'}.",
            written="Nothing was read or posted.",
            next_step="Add the ledger type to the connection's `ledger_types`, or correct"
            f" `ledgers` in flows/{bench.flow.name}.yaml.",
            ledgers=", ".join(missing),
        )
    ledgers = [seen[name] for name in bench.flow.ledgers]
    companies = Counter(ledger.ledger_id for ledger in ledgers)
    shared = sorted(one.name for one in ledgers if companies[one.ledger_id] > 1)
    if shared:
        raise SharedCompanyError(
            f"The ledgers {', '.join(shared)} of flow {bench.flow.name} are of one company, and its"
            " rows of the view do not say which of them they are for.",
            written="Nothing was read or posted.",
            next_step="Give each ledger type a flow, an export and a view of its own.",
            ledgers=", ".join(shared),
        )
    return ledgers


def load_budget_books(bench: BudgetBench, books_hash: str) -> BudgetBench:
    """The bench with the ledgers, rules and periods that were pinned."""
    document = read_document(bench.archive, books_hash)
    periods = [(row[0], row[1], parse_period(row[2])) for row in document["periods"]]
    return replace(
        bench,
        ledgers={row["name"]: Ledger(**row) for row in document["ledgers"]},
        periods={(ledger, period.name): period for ledger, _, period in periods},
        members={(ledger, period.name): member for ledger, member, period in periods},
        rules={name: LedgerRules(**row) for name, row in document["rules"].items()},
    )


def _pick(bench: BudgetBench, calendar: list[Period]) -> list[Period]:
    first, last = bench.flow.first_month, bench.flow.last_month
    found = [one for one in calendar if first <= one.month <= last and not one.is_adjustment]
    if not found:
        raise BudgetPeriodRefusedError(
            f"The calendar {calendar[0].calendar if calendar else 'of the ledger'} has no period"
            f" from {first} to {last}.",
            written="Nothing was read or posted.",
            next_step="Set the fiscal year up in the ERP, or correct the flow's months.",
        )
    return found


def _verify_periods(bench: BudgetBench) -> list[str]:
    """The periods the ERP would warn of; none that it would refuse.

    Raises:
        BudgetPeriodRefusedError: Names all of them.
    """
    verdicts = {
        pair: bench.journals.read_period_verdict(bench.ledgers[pair[0]], period)
        for pair, period in bench.periods.items()
    }
    refused = sorted(pair for pair, one in verdicts.items() if one is PeriodVerdict.REFUSED)
    if refused:
        named = ", ".join(" ".join(pair) for pair in refused)
        raise BudgetPeriodRefusedError(
            f"{bench.source.connection} takes no journals in {named}.",
            written="Nothing was posted.",
            next_step="Open the periods in the ERP, or raise `first_month` of"
            f" flows/{bench.flow.name}.yaml.",
            periods=named,
        )
    return [" ".join(pair) for pair, one in verdicts.items() if one is PeriodVerdict.WARNED]


def read_accounts(bench: BudgetBench) -> Accounts:
    """What rows of the view are turned into, from the ERP's own masters."""
    accounts: dict[tuple[str, str, str], JournalAccount] = {}
    for name, ledger in bench.ledgers.items():
        for one in bench.journals.read_journal_accounts(ledger):
            accounts[name, one.facts["business_unit"], one.facts["account"]] = one
    pairs = {
        (bench.ledgers[ledger].ledger_id, member): (
            ledger, period, bench.ledgers[ledger].currency
        )
        for (ledger, period), member in bench.members.items()
    }  # fmt: skip
    return Accounts(pairs=pairs, accounts=accounts, types=_read_types(bench))


def _read_types(bench: BudgetBench) -> Mapping[str, str]:
    if not bench.flow.signs.flip:
        return {}
    dimensions = sorted(set(bench.flow.signs.account_types.values()))
    return {
        member.code: dict(member.properties).get("account_type", "")
        for dimension in dimensions
        for member in bench.source.read_members(dimension)
    }
