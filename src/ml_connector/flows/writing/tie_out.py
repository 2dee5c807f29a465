"""The end of a budget run: approved is what was held before and was posted, and is held after."""

from decimal import Decimal
from functools import partial

from ml_connector.domain.money import ZERO, render_plain
from ml_connector.flows.bench import BudgetBench, read_document, store_document
from ml_connector.flows.writing.approved import list_pairs, parse_approved
from ml_connector.flows.writing.held import read_held
from ml_connector.flows.writing.journals import parse_journal, summarise_journals
from ml_connector.flows.writing.standing import TiedBudget, save_budget_standings
from ml_connector.ports import Json, PostingState, RunState, Steps

Pair = tuple[str, str]
DIFFERENCES_MAX = 40


def conclude_budget(steps: Steps, bench: BudgetBench, plan_hash: str, posted: list[Json]) -> Json:
    """The run's summary, every account of every ledger and period tied out."""
    plan = dict(read_document(bench.archive, plan_hash))
    states = {row["state"] for row in posted}
    pairs = list_pairs(bench, plan["approved"])
    if str(PostingState.QUARANTINED) in states:
        tied: Json = {"rows": [], "differences": [], "is_tied": False, "report": ""}
        state = RunState.UNTIED
    else:
        after = steps.step("ledger: held after", partial(read_held, bench, pairs))
        tied = steps.step(
            "tie out",
            partial(tie_out_budget, bench, plan, posted, after["document"], run_id=steps.run_id),
        )
        partly = str(PostingState.REFUSED) in states
        state = RunState.PARTLY if partly else RunState.SUCCEEDED
        state = state if tied["is_tied"] else RunState.UNTIED
    return {
        "state": str(state),
        "flow": bench.flow.name,
        "dry_run": False,
        "plan_hash": plan_hash,
        **summarise_journals(plan),
        "postings": posted,
        "tie_out": tied["rows"],
        "differences": tied["differences"],
        "report": tied["report"],
    }


def tie_out_budget(
    bench: BudgetBench, plan: Json, posted: list[Json], after_hash: str, *, run_id: str
) -> Json:
    """Each account: held before plus posted is held after; less what was refused, approved."""
    approved = parse_approved(read_document(bench.archive, plan["approved"]))
    before = parse_approved(read_document(bench.archive, plan["held"]))
    after = parse_approved(read_document(bench.archive, after_hash))
    sent, refused = _sum_postings(bench, plan, posted)
    rows, differences = [], []
    for pair in sorted(approved):
        sums = dict.fromkeys(("approved", "before", "posted", "refused", "after"), ZERO)
        for account in sorted(set(approved[pair]) | set(before[pair]) | set(after[pair])):
            amounts = {
                "approved": approved[pair].get(account, ZERO),
                "before": before[pair].get(account, ZERO),
                "posted": sent.get((*pair, account), ZERO),
                "refused": refused.get((*pair, account), ZERO),
                "after": after[pair].get(account, ZERO),
            }
            sums = {name: sums[name] + amount for name, amount in amounts.items()}
            wanted = amounts["before"] + amounts["posted"]
            if wanted != amounts["after"] or wanted + amounts["refused"] != amounts["approved"]:
                differences.append(_render(pair, amounts) | {"account": account})
        unexplained = sums["after"] + sums["refused"] - sums["approved"]
        row = _render(pair, sums | {"unexplained": unexplained})
        rows.append(row | {"currency": bench.ledgers[pair[0]].currency})
    report = store_document(
        bench.archive, {"rows": rows, "differences": differences, "postings": _list_keys(posted)}
    )
    tied = TiedBudget(
        rows=rows, differing={(row["ledger"], row["period"]) for row in differences},
        approved=approved, after=after, report=report,
    )  # fmt: skip
    save_budget_standings(bench, tied, run_id=run_id)
    bench.records.batches.settle_touched(
        bench.flow.name, [pair for pair in sorted(approved) if pair not in tied.differing]
    )
    return {
        "rows": rows,
        "differences": differences[:DIFFERENCES_MAX],
        "is_tied": not differences,
        "report": report,
    }


def _list_keys(posted: list[Json]) -> list[Json]:
    """Each posting by its key, with the key that it takes back."""
    names = ("posting_key", "subject", "state", "reverses")
    return [{name: row.get(name, "") for name in names} for row in posted]


def _render(pair: Pair, amounts: dict[str, Decimal]) -> Json:
    texts = {name: render_plain(amount) for name, amount in amounts.items()}
    return {"ledger": pair[0], "period": pair[1], **texts}


def _sum_postings(
    bench: BudgetBench, plan: Json, posted: list[Json]
) -> tuple[dict[tuple[str, str, str], Decimal], dict[tuple[str, str, str], Decimal]]:
    """Amounts by ledger, period and account: of confirmed postings, and of refused ones."""
    sent: dict[tuple[str, str, str], Decimal] = {}
    refused: dict[tuple[str, str, str], Decimal] = {}
    for row, outcome in zip(plan["journals"], posted, strict=True):
        journal = parse_journal(read_document(bench.archive, row["content"]))
        sums = sent if outcome["state"] == PostingState.CONFIRMED else refused
        for line in journal.lines:
            key = (journal.ledger, journal.period, line.account)
            sums[key] = sums.get(key, ZERO) + line.amount
    return sent, refused
