"""How a flow is: the worst of its last run, freshness, tie-out, unmapped, refused, credentials."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from ml_connector.domain.money import ZERO, exact_money
from ml_connector.flows.answers.cockpit import WORST, sum_stakes
from ml_connector.flows.answers.listing import Money, State, Tone, render_money
from ml_connector.ports import RunRow, RunState
from ml_connector.ports.connections import ConnectionTest
from ml_connector.ports.standings import StageState, Standing
from ml_connector.ports.world import CheckState

FRESH = timedelta(hours=26)
"""A run a day, with two hours to spare."""
STALE = timedelta(days=7)
AMOUNTS_SHOWN = 2
BROUGHT_IN = frozenset({RunState.SUCCEEDED, RunState.PARTLY})
"""States of a run after which the model holds what the ledger held."""
RUN_TONES = {
    RunState.QUEUED: Tone.BUSY,
    RunState.RUNNING: Tone.BUSY,
    RunState.SUCCEEDED: Tone.GOOD,
    RunState.PARTLY: Tone.WAITS,
    RunState.BLOCKED: Tone.WAITS,
    RunState.WAITING_APPROVAL: Tone.WAITS,
    RunState.MOVING: Tone.WAITS,
    RunState.INTERRUPTED: Tone.WAITS,
    RunState.CANCELLED: Tone.IDLE,
}
"""Of the others something is wrong."""
WORDS = {
    Tone.GOOD: "healthy", Tone.BUSY: "at work", Tone.WAITS: "needs somebody",
    Tone.WRONG: "wrong", Tone.IDLE: "not known",
}  # fmt: skip
NEVER = State(word="never run", tone=Tone.IDLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a flow's health depends on: a sentence, and what to do about it."""

    subject: str
    state: State
    sentence: str
    next_step: str = ""
    way: str = ""
    """Kind of the page that helps, such as `run`; empty where none does."""
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFacts:
    """What is known of a flow."""

    name: str
    kind: str
    runs: Sequence[RunRow]
    """The newest first."""
    standings: Sequence[Standing]
    refused: int
    tests: Mapping[str, ConnectionTest]
    """The newest look at each of its connections that was ever looked at."""
    connections: Sequence[str]


def judge_flow(facts: FlowFacts, now: datetime) -> list[Finding]:
    """Everything the flow's health depends on, in the order of the chain."""
    found = [_judge_last_run(facts), _judge_freshness(facts, now)]
    if facts.kind in ("actuals", "budget"):
        found.append(_judge_tie_out(facts))
    if facts.kind == "actuals":
        found += [_judge_unmapped(facts), _judge_refused(facts)]
    return [*found, *_judge_credentials(facts)]


def find_worst(findings: Iterable[Finding]) -> State:
    """The health as one word: the worst of all; what nobody looked at makes nothing ill.

    A flow that has never run is not called healthy, however well its connections are.
    """
    states = [one.state for one in findings]
    tones = [state.tone for state in states if state.tone is not Tone.IDLE]
    worst = min(tones, key=WORST.index, default=Tone.IDLE)
    if worst is Tone.GOOD and NEVER in states:
        return NEVER
    return State(word=WORDS[worst], tone=worst)


def tone_of(state: RunState) -> Tone:
    """How a state of a run looks."""
    return RUN_TONES.get(state, Tone.WRONG)


def _judge_last_run(facts: FlowFacts) -> Finding:
    if not facts.runs:
        return Finding(
            subject="Last run", state=NEVER,
            sentence="The flow has never run.",
            next_step=f"Look first: `ml-connector plan {facts.name}`.",
        )  # fmt: skip
    run = facts.runs[0]
    error = run.error or {}
    when = run.finished_at or run.created_at
    ended = "ended" if run.finished_at else "began"
    return Finding(
        subject="Last run", state=State(word=str(run.state), tone=tone_of(run.state)),
        sentence=error.get("refused") or f"Run {run.run_id} {ended} {when:%Y-%m-%d %H:%M} UTC.",
        next_step=error.get("next_step", ""), way="run", key=run.run_id,
    )  # fmt: skip


def _judge_freshness(facts: FlowFacts, now: datetime) -> Finding:
    whole = next(
        (run for run in facts.runs if run.state in BROUGHT_IN and not run.request.get("dry_run")),
        None,
    )
    if whole is None:
        return Finding(
            subject="Freshness", state=State(word="nothing brought in", tone=Tone.IDLE),
            sentence="None of the last runs has brought the model up to the ledger.",
            next_step="Look at the last run.",
        )  # fmt: skip
    age = now - (whole.finished_at or whole.created_at)
    tone = Tone.GOOD if age < FRESH else Tone.WAITS
    return Finding(
        subject="Freshness",
        state=State(word="fresh" if age < FRESH else "old" if age < STALE else "stale", tone=tone),
        sentence=f"Brought in step {tell_age(age)} ago.",
        next_step="" if age < FRESH else "Run it, or give it a schedule.",
        way="run", key=whole.run_id,
    )  # fmt: skip


def tell_age(age: timedelta) -> str:
    """An age in its largest whole unit."""
    seconds = max(int(age.total_seconds()), 0)
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            number = seconds // size
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return "less than a minute"


def _judge_tie_out(facts: FlowFacts) -> Finding:
    subject = "Tie-out"
    if not facts.standings:
        return Finding(
            subject=subject, state=State(word="not known", tone=Tone.IDLE),
            sentence="No period was looked at yet.",
        )  # fmt: skip
    wrong = [one for one in facts.standings if StageState.WRONG in (one.read, one.tied)]
    if wrong:
        return Finding(
            subject=subject, state=State(word="differs", tone=Tone.WRONG),
            sentence=f"{_tell(facts, 'unexplained') or 'A hop'} is unexplained in"
            f" {_periods(wrong)}.",
            next_step="Look at the period's reconciliation; nothing of it is to be signed.",
            way="close", key=facts.name,
        )  # fmt: skip
    left = [one for one in facts.standings if not one.is_tied]
    if left:
        return Finding(
            subject=subject, state=State(word="owed", tone=Tone.WAITS),
            sentence=f"{_periods(left)} of {len(facts.standings)} do not tie out yet.",
            next_step=f"Load what is owed: `ml-connector run {facts.name}`.",
            way="close", key=facts.name,
        )  # fmt: skip
    return Finding(
        subject=subject, state=State(word="ties out", tone=Tone.GOOD),
        sentence=f"All of {_periods(facts.standings)} tie out to the cent.",
        way="close", key=facts.name,
    )  # fmt: skip


def _judge_unmapped(facts: FlowFacts) -> Finding:
    short = [one for one in facts.standings if one.mapped is StageState.PARTLY]
    if not short:
        return Finding(
            subject="Unmapped", state=State(word="none", tone=Tone.GOOD),
            sentence="Rules place every line.",
        )  # fmt: skip
    at_stake = _tell(facts, "unmapped")
    return Finding(
        subject="Unmapped", state=State(word="unmapped", tone=Tone.WAITS),
        sentence=f"Lines of {_periods(short)} have no rule"
        f"{f': {at_stake}' if at_stake else ', netting to nothing'}.",
        next_step="Give the values rules, then run the periods again.",
        way="unmapped", key=facts.name,
    )  # fmt: skip


def _judge_refused(facts: FlowFacts) -> Finding:
    if not facts.refused:
        return Finding(
            subject="Refused", state=State(word="none", tone=Tone.GOOD),
            sentence="The model took everything it was sent.",
        )  # fmt: skip
    at_stake = _tell(facts, "refused")
    return Finding(
        subject="Refused", state=State(word="refused", tone=Tone.WAITS),
        sentence=f"The model lacks {facts.refused:,} summaries it refused"
        f"{f': {at_stake}' if at_stake else ''}.",
        next_step="Mend their causes, then replay them.", way="refusals", key=facts.name,
    )  # fmt: skip


def _judge_credentials(facts: FlowFacts) -> Iterator[Finding]:
    for name in facts.connections:
        test = facts.tests.get(name)
        subject = f"Connection {name}"
        if test is None:
            yield Finding(
                subject=subject, state=State(word="not tested", tone=Tone.IDLE),
                sentence="Nobody has tested it from here.", next_step="Test it on its page.",
                way="connection", key=name,
            )  # fmt: skip
            continue
        bad = [one for one in test.checks if one.state is not CheckState.OK]
        is_failed = any(one.state is CheckState.FAILED for one in bad)
        tone = Tone.WRONG if is_failed else Tone.WAITS if bad else Tone.GOOD
        word = "failed" if is_failed else "warning" if bad else "well"
        yield Finding(
            subject=subject, state=State(word=word, tone=tone),
            sentence=f"{bad[0].subject}: {bad[0].finding}" if bad
            else f"Tested {test.at:%Y-%m-%d %H:%M} UTC.",
            next_step=bad[0].next_step if bad else "", way="connection", key=name,
        )  # fmt: skip


def _periods(standings: Sequence[Standing]) -> str:
    return f"{len(standings)} period{'s' if len(standings) != 1 else ''}"


def _tell(facts: FlowFacts, name: str) -> str:
    """The amounts at stake of one name, the largest currencies first."""
    found = [
        Money(amount=amount, currency=one.currency)
        for one in sum_stakes(facts.standings) if (amount := getattr(one, name))
    ]  # fmt: skip
    told = [f"{render_money(one)} {one.currency}" for one in found[:AMOUNTS_SHOWN]]
    more = len(found) - AMOUNTS_SHOWN
    return ", ".join(told) + (f" and {more} currencies more" if more > 0 else "")


def sum_debits(summary: Mapping[str, object]) -> dict[str, Decimal]:
    """How much money went by in a run, by currency.

    A long run's summary holds some rows of its tie-out only, so what it has summed itself counts.
    """
    told = summary.get("debits")
    if isinstance(told, dict) and told:
        return {currency: Decimal(its.get("archived", 0)) for currency, its in told.items()}
    rows = summary.get("tie_out")
    sums: dict[str, Decimal] = {}
    with exact_money():
        for row in rows if isinstance(rows, list) else ():
            if "debit" in row:
                sums[row["currency"]] = sums.get(row["currency"], ZERO) + Decimal(row["debit"])
    return sums
