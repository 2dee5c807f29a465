"""The phases of a run in a controller's words: how long each took, and what went in and out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from ml_connector.domain.money import ZERO, exact_money
from ml_connector.flows.answers.listing import Listing, Money, State, Tone, render_money
from ml_connector.ports import Json, StepRow

DONE, RUNNING, FAILED = "done", "running", "failed"
TONES = {DONE: Tone.GOOD, RUNNING: Tone.BUSY, FAILED: Tone.WRONG}
NOT_YET = State(word="not yet", tone=Tone.IDLE)
NOT_FINISHED = State(word="not finished", tone=Tone.WAITS)
"""Of what was running when its run stopped."""
CURRENCIES_SHOWN = 2
"""Currencies whose amounts stand in one cell; the others are counted."""
PREPARE, LISTS, READ, COMPARE, MAP, PLAN, LOAD, PROVE = (
    "Prepare", "Fill the lists", "Read the ledger", "Compare with the ERP", "Map", "Plan",
    "Load", "Read back and tie out",
)  # fmt: skip
APPROVED, HELD, POST, REVISED, SEND = (
    "Read what is approved", "Read what the ledger holds", "Post", "Read what is revised", "Send",
)  # fmt: skip
PHASES: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "actuals": (
        (PREPARE, ("preflight",)),
        (LISTS, ("members",)),
        (READ, ("read:", "scope", "mapping:", "backfill:")),
        (COMPARE, ("control:",)),
        (MAP, ("sum:",)),
        (PLAN, ("shadow:", "plan:", "read back")),
        (LOAD, ("load:",)),
        (PROVE, ("read back", "tie out", "settle")),
    ),
    "dimensions": ((PREPARE, ("members: preflight",)), (LISTS, ("members of",))),
    "budget": (
        (PREPARE, ("preflight",)),
        (APPROVED, ("approved:",)),
        (HELD, ("ledger: held",)),
        (PLAN, ("plan", "ask")),
        (POST, ("post:",)),
        (PROVE, ("ledger: held", "tie out")),
    ),
    "suppliers": (
        (PREPARE, ("preflight",)),
        (REVISED, ("revised:", "earlier:")),
        (COMPARE, ("compare:",)),
        (PLAN, ("plan", "ask")),
        (SEND, ("send:",)),
        (PROVE, ("read back", "proof")),
    ),
}
"""By kind of flow: each phase, and how the names of its steps begin; in their order.

A name that fits two phases belongs to the later one once a step in between has been done.
"""
ENDS = frozenset({"plan: save", "ask"})
"""Steps with which their phase is over."""


@dataclass(slots=True, kw_only=True)
class Phase:
    """A part of a run that people know by name."""

    name: str
    steps: list[StepRow] = field(default_factory=list)

    @property
    def state(self) -> State:
        """Failed or running when one of its steps is; not yet before the first one."""
        if not self.steps:
            return NOT_YET
        newest: dict[str, str] = {step.name: step.state for step in self.steps}
        for word in (FAILED, RUNNING):
            if word in newest.values():
                return State(word=word, tone=TONES[word])
        odd = next((state for state in newest.values() if state != DONE), DONE)
        return State(word=odd, tone=TONES.get(odd, Tone.WAITS))

    def measure(self, now: datetime | None) -> Decimal:
        """Seconds its steps took together, to the tenth; a running one counts until now.

        Without a now nobody executes the run: how long its last step took is not known then.
        """
        ends = ((step, step.finished_at or now or step.started_at) for step in self.steps)
        took = sum((end - step.started_at).total_seconds() for step, end in ends)
        return Decimal(f"{took:.1f}")

    @property
    def results(self) -> dict[str, Json]:
        """What its steps have told, by their names; a repeated step's last word counts."""
        return {step.name: step.result for step in self.steps if step.state == DONE}


def list_phases(kind: str, steps: Iterable[StepRow]) -> list[Phase]:
    """Every phase of the kind, with the steps that were done in it."""
    known = PHASES.get(kind, ())
    phases = [Phase(name=name) for name, _ in known]
    floor = 0
    for step in steps:
        fit = [at for at, (_, begins) in enumerate(known) if step.name.startswith(begins)]
        if not fit:
            continue
        at = next((at for at in fit if at >= floor), fit[-1])
        phases[at].steps.append(step)
        floor = max(floor, at + 1 if step.name in ENDS else at)
    return [phase for phase in phases if phase.steps or phase.name != LISTS]


def tell_phase(phase: Phase, summary: Json) -> tuple[str, str, str]:
    """What went in, what came out, and the amounts of it; empty where nothing is known yet."""
    tell = _TELLERS.get(phase.name)
    if tell is None or not phase.steps:
        return "", "", ""
    return tell(phase.results, summary)


def show_phases(phases: Sequence[Phase], summary: Json, now: datetime | None) -> Listing:
    """The phases as a table; without a now nobody executes the run, and none of them is running."""
    return Listing(
        columns=("Phase", "State", "In", "Out", "Amounts", "Seconds", "Steps"),
        rows=[
            (
                phase.name, _show_state(phase, now), *tell_phase(phase, summary),
                phase.measure(now) if phase.steps else None, len(phase.steps) or None,
            )
            for phase in phases
        ],
        empty="Nothing was done yet.",
    )  # fmt: skip


def _show_state(phase: Phase, now: datetime | None) -> State:
    is_left = now is None and phase.state.word == RUNNING
    return NOT_FINISHED if is_left else phase.state


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _sum(results: Iterable[Json], name: str) -> int:
    return sum(int(row[name]) for row in results if isinstance(row.get(name), int))


def _tell_reading(results: Mapping[str, Json], _: Json) -> tuple[str, str, str]:
    rows = [row for row in results.values() if "batches" in row]
    listed = [row for row in results.values() if "listed" in row]
    told = _count(_sum(listed, "listed"), "batch listed", "batches listed") if listed else ""
    lines = _count(_sum(rows, "lines"), "line")
    return told, f"{_count(_sum(rows, 'batches'), 'batch', 'batches')}, {lines}", ""


def _tell_control(results: Mapping[str, Json], summary: Json) -> tuple[str, str, str]:
    periods = sum("archived" in row for row in results.values())
    debits = _sum_amounts(summary, "debit", way="archived")
    return _count(periods, "planning period"), "", _add("debits", debits)


def _tell_mapping(results: Mapping[str, Json], summary: Json) -> tuple[str, str, str]:
    rows = list(results.values())
    unmapped = _sum(rows, "unmapped_values")
    out = _count(_sum(rows, "cells"), "summary", "summaries")
    if unmapped:
        out += f", {_count(unmapped, 'value')} without a rule"
    amounts = _add("unmapped", _sum_amounts(summary, "unmapped"))
    return _count(_sum(rows, "lines"), "line"), out, amounts


def _tell_planning(results: Mapping[str, Json], _: Json) -> tuple[str, str, str]:
    rows = [row for row in results.values() if "totals" in row and "plan" in row]
    moved: dict[str, Decimal] = defaultdict(lambda: ZERO)
    with exact_money():
        for row in rows:
            for currency, its in row["totals"].items():
                moved[currency] += Decimal(its["amount_after"]) - Decimal(its["amount_before"])
    return "", _count(_sum(rows, "cells"), "cell"), _add("moves by", moved)


def _tell_loading(results: Mapping[str, Json], summary: Json) -> tuple[str, str, str]:
    rows = list(results.values())
    refused = summary.get("refused") or 0
    out = _count(refused, "refused", "refused") if isinstance(refused, int) and refused else ""
    chunks = sum("chunk " in name for name in results)
    told = _count(_sum(rows, "rows"), "row") if chunks else ""
    amounts = _add("refused", _sum_amounts(summary, "refused"))
    return told, out, amounts if refused else ""


def _tell_proving(results: Mapping[str, Json], summary: Json) -> tuple[str, str, str]:
    rows = [row for name, row in results.items() if name.startswith("tie out")]
    if not rows:
        return "", "", ""
    counts = [row.get("differences") for row in rows]
    number = sum(its if isinstance(its, int) else len(its or ()) for its in counts)
    kept = summary.get("tie_out") or []
    # Those that are off come first of what is kept; with the last of them off there may be more.
    is_part = _is_cut(summary) and Decimal(kept[-1].get("unexplained") or 0) != ZERO
    off = _add("off by at least" if is_part else "off by", _totals(kept, "unexplained"))
    return "", _count(number, "difference") if number else "every hop ties", off


def _tell_lists(results: Mapping[str, Json], _: Json) -> tuple[str, str, str]:
    rows = [row for row in results.values() if "only_in_model" in row]
    out = f"{_sum(rows, 'new'):,} new, {_sum(rows, 'changed'):,} changed"
    return _count(_sum(rows, "members"), "member"), out, ""


def _tell_posting(results: Mapping[str, Json], summary: Json) -> tuple[str, str, str]:
    posted = summary.get("journals") or []
    debits: dict[str, Decimal] = defaultdict(lambda: ZERO)
    with exact_money():
        for row in posted:
            debits[row.get("currency", "")] += Decimal(row.get("debit") or 0)
    return "", _count(len(results), "journal"), _add("debits", debits)


_TELLERS = {
    READ: _tell_reading, COMPARE: _tell_control, MAP: _tell_mapping, PLAN: _tell_planning,
    LOAD: _tell_loading, PROVE: _tell_proving, LISTS: _tell_lists, POST: _tell_posting,
}  # fmt: skip


def _sum_amounts(summary: Json, name: str, *, way: str = "") -> dict[str, Decimal]:
    """The amounts of all tie-out rows of a run by currency.

    The summary of a long run keeps some of the rows only; beside them stand the debits that the run
    has summed over all of them, by which way they went.
    """
    if _is_cut(summary) and summary.get("debits"):
        debits: Json = summary["debits"]
        return {currency: Decimal(its.get(way or name, 0)) for currency, its in debits.items()}
    return _totals(summary.get("tie_out") or [], name)


def _is_cut(summary: Json) -> bool:
    kept = summary.get("tie_out") or []
    return 0 < len(kept) < int(summary.get("tie_out_count") or 0)


def _totals(rows: Iterable[Json], name: str) -> dict[str, Decimal]:
    """The amounts of tie-out rows by currency, without signs: two companies never cancel."""
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    with exact_money():
        for row in rows:
            sums[row["currency"]] += abs(Decimal(row.get(name) or 0))
    return sums


def _add(word: str, amounts: Mapping[str, Decimal]) -> str:
    """The amounts that are not nought behind a word."""
    found = [Money(amount=its, currency=name) for name, its in sorted(amounts.items()) if its]
    if not found:
        return ""
    told = [f"{render_money(one)} {one.currency}" for one in found[:CURRENCIES_SHOWN]]
    more = len(found) - CURRENCIES_SHOWN
    return f"{word} {', '.join(told)}{f' and {more} more' if more > 0 else ''}"


def list_waiting(phases: Sequence[Phase]) -> Iterator[str]:
    """Yield the names of the phases that have begun and not ended."""
    return (phase.name for phase in phases if phase.state.word == RUNNING)
