"""What a run came to, for every kind of flow, as tables; and what it was pinned to."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ml_connector.domain.money import ZERO, exact_money
from ml_connector.domain.summaries import EXCLUDED_PREFIX, MAPPED, SUSPENSE
from ml_connector.flows.answers.actuals_listings import list_plan, list_tie_out
from ml_connector.flows.answers.listing import Cell, Link, Listing, Money, State, Tone
from ml_connector.ports import Json, LoadRow, PostingState, StepRow

HASH_SHOWN = 12
NOT_ALL_SENT = "for the model, not all sent"
CURRENCIES_MAX = 3
"""Currencies a bridge is drawn of, those with the most debits."""
OFF_TONES = {"moving": Tone.WAITS}
POSTING_TONES = {
    PostingState.CONFIRMED: Tone.GOOD,
    PostingState.REFUSED: Tone.WAITS,
    PostingState.QUARANTINED: Tone.WRONG,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A table of what a run came to."""

    name: str
    title: str
    listing: Listing


def list_results(kind: str, summary: Json) -> list[Result]:
    """What the run came to; nothing before it has ended."""
    tell = _TELLERS.get(kind)
    return [one for one in tell(summary) if one.listing.rows] if tell and summary else []


def _tell_actuals(summary: Json) -> Iterator[Result]:
    if summary.get("plan_by_period") and summary.get("dry_run"):
        yield Result(name="plan", title="Plan", listing=list_plan(summary))
    elif summary.get("tie_out"):
        yield Result(name="tie-out", title="Tie-out", listing=list_tie_out(summary))
    if off := summary.get("erp_differences"):
        yield Result(name="erp-differences", title="Differs from the ERP", listing=_list_off(off))


def _list_off(rows: Sequence[Json]) -> Listing:
    """Ledger periods whose archive is not what the ERP's balances say."""
    return Listing(
        columns=("Ledger", "Period", "State", "Account combinations", "Broken balances"),
        rows=[
            (
                row["ledger"], row["period"],
                State(word=row["state"], tone=OFF_TONES.get(row["state"], Tone.WRONG)),
                row["combinations"], row.get("breaks", 0),
            )
            for row in rows
        ],
    )  # fmt: skip


def _tell_dimensions(summary: Json) -> Iterator[Result]:
    names = ("members", "new", "changed", "refused", "warned", "unclear", "missing")
    rows = [
        (name, *(row.get(one, 0) for one in names), row.get("task_id", ""))
        for name, row in sorted(summary.get("lists", {}).items())
    ]
    columns = ("List", *(name.capitalize() for name in names), "Task")
    listing = Listing(columns=columns, rows=rows)
    yield Result(name="lists", title="Lists", listing=listing)


def _tell_budget(summary: Json) -> Iterator[Result]:
    names = ("approved", "before", "posted", "refused", "after", "unexplained")
    rows = [
        (
            row["ledger"], row["period"], row["currency"],
            *(Money(amount=Decimal(row[name]), currency=row["currency"]) for name in names),
        )
        for row in summary.get("tie_out") or ()
    ]  # fmt: skip
    columns = ("Ledger", "Period", "Currency", "Approved", "Held before", "Posted", "Refused",
               "Held after", "Unexplained")  # fmt: skip
    yield Result(name="tie-out", title="Tie-out", listing=Listing(columns=columns, rows=rows))
    yield Result(name="journals", title="Journals", listing=_list_journals(summary))


def _list_journals(summary: Json) -> Listing:
    """The journals of the plan, and what became of each."""
    posted = {row["subject"]: row for row in summary.get("postings") or ()}
    rows = []
    for row in summary.get("journals") or ():
        its = posted.get(row["subject"], {})
        money = [
            Money(amount=Decimal(row[name]), currency=row["currency"]) if row.get(name) else None
            for name in ("debit", "credit")
        ]
        rows.append(
            (row["subject"], _show_posting(its), row["lines"], *money, its.get("posting_key", ""))
        )
    columns = ("Journal", "State", "Lines", "Debits", "Credits", "Posting key")
    return Listing(columns=columns, rows=rows)


def _show_posting(row: Json) -> Cell:
    word = str(row.get("state", ""))
    tone = POSTING_TONES.get(PostingState(word), Tone.BUSY) if word else Tone.IDLE
    return State(word=word or "not posted", tone=tone)


def _tell_suppliers(summary: Json) -> Iterator[Result]:
    counts = summary.get("suppliers") or {}
    rows = [(name.replace("_", " "), number) for name, number in counts.items()]
    rows += [(name, summary[name]) for name in ("planned", *map(str, POSTING_TONES))
             if isinstance(summary.get(name), int)]  # fmt: skip
    listing = Listing(columns=("What", "Suppliers"), rows=[row for row in rows if row[1]])
    yield Result(name="suppliers", title="Suppliers", listing=listing)
    left = [*(summary.get("refusals") or ()), *(summary.get("quarantines") or ())]
    listing = Listing(
        columns=("Supplier", "State", "Reason", "Posting key"),
        rows=[
            (row.get("subject", ""), _show_posting(row), row.get("reason", ""),
             row.get("posting_key", "")) for row in left
        ],
    )  # fmt: skip
    yield Result(name="left-away", title="Not written", listing=listing)


_TELLERS = {
    "actuals": _tell_actuals, "dimensions": _tell_dimensions, "budget": _tell_budget,
    "suppliers": _tell_suppliers,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """From the ledger to the model in one currency: every named part, and what is left.

    In debits: the net of a whole ledger is nothing, however much money went by.
    """

    currency: str
    whole: Decimal
    parts: tuple[tuple[str, Decimal, Tone], ...]
    """What is taken away on the way, as it is taken: name, amount, tone."""
    left: Decimal
    end: str = "model"
    """What is left is in the model, or was to be sent there and not all of it was."""


def list_bridges(summary: Json) -> list[Bridge]:
    """The bridge of each currency that money went by in; none of runs that told no debits."""
    with exact_money():
        found = [_make_bridge(*its) for its in sorted((summary.get("debits") or {}).items())]
    is_short = bool(summary.get("unmapped") or (summary.get("cells") and not summary.get("loaded")))
    found = [replace(one, end=NOT_ALL_SENT) for one in found] if is_short else found
    return sorted((one for one in found if one.whole), key=lambda one: -one.whole)[:CURRENCIES_MAX]


def _make_bridge(currency: str, debits: Json) -> Bridge:
    amounts = {name: Decimal(text) for name, text in debits.items()}
    whole = amounts.pop("archived", ZERO)
    left = amounts.pop(MAPPED, ZERO)
    parts = [
        (name.replace(EXCLUDED_PREFIX, "excluded: "), -amount,
         Tone.IDLE if name.startswith(EXCLUDED_PREFIX) else Tone.WAITS)
        for name, amount in sorted(amounts.items()) if amount
    ]  # fmt: skip
    # What was refused, and what went to suspense, was placed; only suspense is in the model.
    left += amounts.get(SUSPENSE, ZERO) - amounts.get("refused", ZERO)
    parts = [part for part in parts if part[0] != SUSPENSE]
    rest = whole + sum((amount for _, amount, _ in parts), ZERO) - left
    if rest:
        parts.append(("not placed", -rest, Tone.WRONG))
    return Bridge(currency=currency, whole=whole, parts=tuple(parts), left=left)


def list_bridge(bridge: Bridge) -> Listing:
    """The bridge as a table."""
    rows = [("ledger", bridge.whole), *((name, its) for name, its, _ in bridge.parts),
            (bridge.end, bridge.left)]  # fmt: skip
    return Listing(
        columns=("What", "Amount"),
        rows=[(name, Money(amount=its, currency=bridge.currency)) for name, its in rows],
    )


def list_pins(steps: Iterable[StepRow]) -> Listing:
    """What the run found by name and holds on to: model, actions, rules."""
    rows: dict[str, tuple[Cell, ...]] = {}
    for step in steps:
        if step.state == "done" and step.name.endswith("preflight"):
            for what, name, key in _find_pins(step.result):
                rows[f"{what} {name}"] = (what, name, key)
    return Listing(columns=("What", "Name", "Id"), rows=list(rows.values()))


def _find_pins(pins: Json) -> Iterator[tuple[str, str, str]]:
    if "model_name" in pins:
        yield "model", pins["model_name"], pins.get("model_id", "")
    for name in ("load", "export"):
        its = pins.get(name)
        action = its.get("action", its) if isinstance(its, dict) else None
        if isinstance(action, dict) and "name" in action:
            yield (
                f"{action.get('kind', name)} ({name})",
                action["name"],
                action.get("action_id", ""),
            )
    lists = pins.get("lists")
    if isinstance(lists, dict):
        for name, its in lists.items():
            action = its.get("load", {}).get("action", {}) if isinstance(its, dict) else {}
            if "name" in action:
                yield f"import of {name}", action["name"], action.get("action_id", "")
    for name, what in (("mapping_hash", "mapping rules"), ("rules_hash", "rules in force")):
        if pins.get(name):
            yield what, pins[name][:HASH_SHOWN], ""


def list_loads(loads: Sequence[LoadRow]) -> Listing:
    """The loads of a run: task, outcome, counts; files of each are linked."""
    return Listing(
        columns=(
            "Task", "Outcome", "Cells sent", "Refused", "Chunks", "At (UTC)", "Result", "Dump",
        ),
        rows=[
            (
                load.task_id, State(word=load.outcome, tone=_tone_of(load)), load.cells_sent,
                load.cells_refused, load.chunks, load.created_at,
                _link_file(load.run_id, load.result_hash, "result"),
                _link_file(load.run_id, next(iter(load.dump_hashes), ""), "dump"),
            )
            for load in loads
        ],
    )  # fmt: skip


def _tone_of(load: LoadRow) -> Tone:
    if load.outcome == "ok":
        return Tone.GOOD
    return Tone.WAITS if load.cells_refused < load.cells_sent else Tone.WRONG


def _link_file(run_id: str, file_hash: str, text: str) -> Cell:
    return Link(text=text, kind="run-file", key=f"{run_id}/{file_hash}") if file_hash else ""
