"""What a run's end is worth telling: in money where there is money, never account by account."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from ml_connector.domain.alerts import SEVERITIES, WORDS, AlertEvent
from ml_connector.domain.differences import Hop
from ml_connector.domain.money import render_amount
from ml_connector.logs import redact_text
from ml_connector.ports import Approval, Json, RunRow, RunState
from ml_connector.ports.alerts import NewAlert

ERROR_CHARS_MAX = 240
"""Of an error's sentence; the page has the rest."""
PERIODS_NAMED_MAX = 4
DETAILED = frozenset(
    {
        "accepting.unclear-cells", "budgets.rows-refused", "shadow.model-holds-cells",
        "summing.combination-unknown", "mapping.faults", "suppliers.unclear",
    }
)  # fmt: skip
"""Codes whose text names accounts with amounts, which no message carries."""
STOPS = {
    RunState.FAILED: AlertEvent.FAILED,
    RunState.INTERRUPTED: AlertEvent.FAILED,
    RunState.UNKNOWN: AlertEvent.UNKNOWN,
    RunState.BLOCKED: AlertEvent.BLOCKED,
}
NOTHING_WRITTEN = "What was written before it stopped stands on the run's page."


def tell_run(run: RunRow, *, at: datetime, refused_share_max: Decimal) -> list[NewAlert]:
    """What the run's state is worth, if anything; approvals are told by `tell_approval`."""
    found = _RunTold(run, at)
    if run.state is RunState.PARTLY:
        return list(found.make_partly(refused_share_max))
    if run.state is RunState.UNTIED:
        return [found.make_untied()]
    if run.state is RunState.MOVING:
        return [found.make_moving()]
    event = _find_stop(run)
    return [] if event is None else [found.make_error(event)]


def _find_stop(run: RunRow) -> AlertEvent | None:
    """What stopped the run, if it is worth telling: a stop that was asked for is not."""
    code = (run.error or {}).get("code")
    if run.state is RunState.BLOCKED and code == "shadow.model-holds-cells":
        return AlertEvent.DRIFT
    if run.state is RunState.INTERRUPTED and code == "interrupted":
        return None
    return STOPS.get(run.state)


def tell_approval(run: RunRow, approval: Approval, *, at: datetime) -> NewAlert:
    """A plan waits for people other than its maker."""
    amounts = [f"{render_amount(its, cur)} {cur}" for cur, its in sorted(approval.amounts.items())]
    people = "one person" if approval.needed == 1 else f"{approval.needed} people"
    return NewAlert(
        event=AlertEvent.APPROVAL, severity=SEVERITIES[AlertEvent.APPROVAL], subject=run.flow,
        cause=approval.plan_hash, key=f"approval:{approval.plan_hash}", run_id=run.run_id, at=at,
        title=f"{run.flow}: a plan waits for approval",
        happened=(
            (f"Plan {approval.plan_hash[:12]}, made by {approval.maker}, would move"
            f" {', '.join(amounts) or 'no money'}; {people} other than its maker must approve."),
        ),
        written="Nothing of it is written.",
        next_step=f"Look at it: `ml-connector approvals show {approval.plan_hash[:12]}`. It expires"
        f" {approval.expires_at:%Y-%m-%d %H:%M} UTC.",
    )  # fmt: skip


def tell_no_lines(run: RunRow, *, before: RunRow, at: datetime) -> NewAlert:
    """The run found no line in periods in which there used to be lines."""
    return _RunTold(run, at).make(
        AlertEvent.NO_LINES, cause="",
        happened=(
            (f"Run {run.run_id} found no journal line in {_name(run.summary['periods'])}; run"
            f" {before.run_id} had found {before.summary['lines']:,}."),
        ),
        written="The model holds what it held.",
        next_step="See whether the integration user still sees the ledger: `ml-connector"
        " connections test NAME`.",
    )  # fmt: skip


def tell_takeover(run: RunRow, *, at: datetime) -> NewAlert:
    """A process ended without a word, and others go on with its run."""
    return NewAlert(
        event=AlertEvent.OUTAGE, severity=SEVERITIES[AlertEvent.OUTAGE], subject=run.flow,
        cause="worker", key=f"takeover:{run.run_id}:{at.isoformat()}", run_id=run.run_id, at=at,
        title=f"{run.flow}: a worker died, its run goes on elsewhere",
        happened=(f"The process that had run {run.run_id} ended without a word.",),
        written="Nothing is sent twice: the run goes on at its first missing step.",
        next_step="Look why the process ended: its log, the machine's memory.",
    )  # fmt: skip


class _RunTold:
    """Makes alerts of one run."""

    def __init__(self, run: RunRow, at: datetime) -> None:
        self._run = run
        self._at = at

    def make(
        self, event: AlertEvent, *, cause: str, happened: tuple[str, ...], written: str,
        next_step: str,
    ) -> NewAlert:  # fmt: skip
        """One alert; the same run is counted once for each event."""
        run = self._run
        return NewAlert(
            event=event, severity=SEVERITIES[event], subject=run.flow, cause=cause,
            key=f"run:{run.run_id}:{event.value}:{run.state.value}", run_id=run.run_id, at=self._at,
            title=f"{run.flow}: {WORDS[event]}", happened=happened, written=written,
            next_step=next_step,
        )  # fmt: skip

    def make_error(self, event: AlertEvent) -> NewAlert:
        """What stopped the run, in its error's own three sentences."""
        error = self._run.error or {}
        code = str(error.get("code", ""))
        refused = str(error.get("refused", "")).strip().split("\n", 1)[0]
        if code in DETAILED or not refused:
            refused = f"It stopped with {code or 'no error told'}; its page has the details."
        return self.make(
            event, cause=code,
            happened=(f"Run {self._run.run_id} {self._run.state}.", _cut(refused)),
            written=_cut(str(error.get("written", ""))) or NOTHING_WRITTEN,
            next_step=_cut(str(error.get("next_step", ""))),
        )  # fmt: skip

    def make_untied(self) -> NewAlert:
        """The tie-out left a difference: in the ERP's own numbers, or in the model's."""
        summary = self._run.summary
        hops = {str(row.get("hop")) for row in summary.get("differences", ())}
        is_drift = hops == {Hop.HELD.value} and not summary.get("erp_differences_count")
        count = summary.get("erp_differences_count", 0)
        happened = [f"Unexplained: {_sum(summary, 'unexplained')}."]
        if count:
            happened.append(f"Lines and balances of the ERP differ in {count:,} ledger periods.")
        if is_drift:
            happened.append("The model holds other amounts than it was last sent and took.")
        return self.make(
            AlertEvent.DRIFT if is_drift else AlertEvent.UNTIED, cause="",
            happened=tuple(happened), written=self._tell_loaded(),
            next_step=f"Show where: `ml-connector runs show {self._run.run_id}`; do not sign the"
            " period off before it ties.",
        )  # fmt: skip

    def make_moving(self) -> NewAlert:
        """The books moved while they were read."""
        return self.make(
            AlertEvent.MOVING, cause="",
            happened=("Lines were posted while they were read, again and again.",),
            written=self._tell_loaded() + " It is not tied out, and not to be signed off.",
            next_step="It is tried again with the next run.",
        )  # fmt: skip

    def make_partly(self, refused_share_max: Decimal) -> Iterator[NewAlert]:
        """Something is short in the model: refused, or mapped by no rule."""
        summary, run_id = self._run.summary, self._run.run_id
        refused, cells = int(summary.get("refused", 0)), int(summary.get("cells", 0))
        if refused:
            is_much = cells > 0 and Decimal(refused) / cells > refused_share_max
            yield self.make(
                AlertEvent.REFUSAL_RATE if is_much else AlertEvent.REFUSED, cause="",
                happened=(
                    (f"The model refused {refused:,} of {cells:,} summaries,"
                    f" {_sum(summary, 'refused')} in all."),
                ),
                written=f"The other {max(0, cells - refused):,} are in the model.",
                next_step=f"List them: `ml-connector runs lines {run_id} --refused`.",
            )  # fmt: skip
        unmapped = summary.get("unmapped") or {}
        if any(unmapped.values()):
            values = sum(its if isinstance(its, int) else len(its) for its in unmapped.values())
            yield self.make(
                AlertEvent.UNMAPPED, cause="",
                happened=(
                    (f"No rule takes {values:,} values of {_name(sorted(unmapped))}:"
                    f" {_sum(summary, 'unmapped')}."),
                ),
                written=f"Nothing of {_name(sorted(unmapped))} is sent; other periods are.",
                next_step="Assign them: `ml-connector unmapped list`.",
            )  # fmt: skip

    def _tell_loaded(self) -> str:
        if self._run.summary.get("dry_run"):
            return "Nothing is written: it was only looked."
        return "It is loaded." if self._run.summary.get("loaded") else "Nothing was loaded."


def _sum(summary: Json, column: str) -> str:
    """A column of the tie-out, summed by currency; never by account."""
    sums: Counter[str] = Counter()
    totals: dict[str, Decimal] = {}
    for row in summary.get("tie_out", ()):
        currency = str(row["currency"])
        totals[currency] = totals.get(currency, Decimal(0)) + Decimal(row[column])
        sums[currency] += Decimal(row[column]) != 0
    told = [
        f"{render_amount(amount, currency)} {currency}"
        for currency, amount in sorted(totals.items())
        if sums[currency]
    ]
    return ", ".join(told) or "no amount"


def _name(periods: Sequence[str]) -> str:
    if len(periods) > PERIODS_NAMED_MAX:
        return f"{len(periods)} periods"
    return ", ".join(periods) or "no period"


def _cut(text: str) -> str:
    text = redact_text(text)
    return text if len(text) <= ERROR_CHARS_MAX else f"{text[: ERROR_CHARS_MAX - 1]}…"
