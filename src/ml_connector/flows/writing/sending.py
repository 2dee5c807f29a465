"""Posting: decided and stored, sent once, and settled by what the ERP itself shows.

A journal without an answer may have been entered and may be entered yet, for the server goes on
when the caller has gone. It is looked for by its key; absent for longer than the settle time it was
never entered and is sent again under the same key; found in part it is left alone, for nobody may
add to it.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from ml_connector.domain.journals import Journal
from ml_connector.errors import (
    OutcomeUnknownError,
    ProtocolError,
    RefusedError,
    SystemUnavailableError,
)
from ml_connector.flows.bench import BudgetBench, read_document
from ml_connector.flows.writing.asking import PlanDriftedError, verify_undrifted
from ml_connector.flows.writing.journals import find_reversed, parse_journal, render_head
from ml_connector.flows.writing.postings import (
    CLOCK_LAG_MAX_S,
    GENERATION,
    Outcome,
    find_key,
    make_waits,
    save_outcome,
)
from ml_connector.ports import (
    JournalFound,
    JournalHead,
    JournalReceipt,
    JournalState,
    Json,
    Posting,
    PostingState,
    Steps,
)

SENDS_MAX = 2
"""Times a journal proven absent is sent by one run; a resume may send it once more."""
UNDER_WAY = frozenset({JournalState.ABSENT, JournalState.PARTIAL})
"""What a journal may look like that is still being entered."""
MADE_MAX = 100_000
"""Postings of one plan that are looked through; more journals than any plan has."""


class PostingUnclearError(OutcomeUnknownError):
    """Whether a journal was entered is not known, and looking did not tell."""

    code = "postings.unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One journal of an approved plan on its way."""

    steps: Steps
    bench: BudgetBench
    plan_hash: str
    row: Json
    head_settings: Json = field(default_factory=dict)
    """What of the settings was approved with the plan; a plan of an older release has none."""
    reverses: str = ""
    held_back: str = ""
    """Why it is not sent at all; empty when it is."""
    is_first: bool = False
    """Whether none of the plan's journals before it was sent, as far as this run knows."""

    @property
    def journal(self) -> Journal:
        """The journal, exactly as it was approved."""
        return parse_journal(read_document(self.bench.archive, self.row["content"]))

    def head(self, key: str) -> JournalHead:
        """What the journal says besides its lines."""
        approved = render_head(self.bench) | self.head_settings
        return JournalHead(
            posting_key=key,
            document_type=approved["document_type"],
            explanation=f"{approved['explanation']} {self.plan_hash[:12]}",
            post_at_once=approved["post_at_once"],
        )


def post_all(steps: Steps, bench: BudgetBench, plan_hash: str) -> list[Json]:
    """Every journal of the plan is confirmed, refused or quarantined; one row for each.

    Where a counter-journal of a ledger and period was not confirmed, what comes after it there is
    not sent: what it was to take back still stands, and the amounts would stand twice.

    Raises:
        PostingUnclearError: The outcome of one is unknown; nothing is sent after it.
    """
    plan = read_document(bench.archive, plan_hash)
    outcomes: list[Json] = []
    held_back: dict[tuple[str, str], str] = {}
    for row in plan["journals"]:
        pair, reverses = (row["ledger"], row["period"]), find_reversed(plan, row)
        sending = Sending(
            steps=steps, bench=bench, plan_hash=plan_hash, row=row,
            head_settings=plan.get("head", {}), reverses=reverses,
            held_back=held_back.get(pair, ""),
            is_first=all(one["state"] == PostingState.REFUSED for one in outcomes),
        )  # fmt: skip
        outcome = steps.step(f"post: {row['subject']}", partial(post_one, sending))
        outcomes.append(outcome)
        if reverses and outcome["state"] != PostingState.CONFIRMED:
            held_back.setdefault(pair, _explain_held_back(outcome, reverses))
    return outcomes


def _explain_held_back(outcome: Json, reverses: str) -> str:
    return (
        f"not sent: journal {outcome['posting_key']}, which was to take back {reverses}, is"
        f" {outcome['state']}"
    )


def post_one(sending: Sending) -> Json:
    """The journal's posting is settled; repeatable, for what was sent is looked for first."""
    if sending.is_first:
        _verify_untouched(sending)
    posting = _make(sending)
    if posting.state in (PostingState.OPEN, PostingState.UNKNOWN):
        # Until the tie-out nobody knows what the ledger holds: no earlier proof speaks for it.
        place = (sending.row["ledger"], sending.row["period"])
        sending.bench.records.batches.record_touched(sending.bench.flow.name, [place])
        why = sending.held_back or _find_gone(sending, posting)
        posting = _hold_back(sending, posting, why) if why else _send(sending, posting)
    return {
        "posting_key": posting.posting_key,
        "subject": posting.subject,
        "state": str(posting.state),
        "receipt": posting.receipt,
        "reason": posting.reason,
        "reverses": posting.reverses,
    }


def _verify_untouched(sending: Sending) -> None:
    """The ledger still holds what the plan was made from, unless something of it was sent already.

    Days may lie between the plan and the resume of its run. Once a journal was sent the others
    follow: half a plan is no budget, and the tie-out tells what others have entered meanwhile.

    Raises:
        PlanDriftedError: The ledger has moved; what was made and never sent is refused.
    """
    bench = sending.bench
    made = bench.records.postings.load_postings(
        flow=bench.flow.name, plan_hash=sending.plan_hash, limit=MADE_MAX
    )
    if any(one.sent_at is not None for one in made):
        return
    try:
        verify_undrifted(bench, sending.plan_hash)
    except PlanDriftedError:
        for posting in made:
            if posting.state is PostingState.OPEN:
                _hold_back(sending, posting, "not sent: the ledger has moved since the plan")
        raise


def _find_gone(sending: Sending, posting: Posting) -> str:
    """Why a counter-journal is not sent at all: nothing is left of what it would take back.

    A run may have stopped between its plan and this, for days.
    """
    if not sending.reverses or posting.sent_at is not None:
        return ""
    bench = sending.bench
    original = bench.records.postings.find_posting(sending.reverses)
    assert original is not None, "what is taken back was posted: the records verify it"
    journal = parse_journal(read_document(bench.archive, original.content_hash))
    if bench.journals.find_journal(journal, original.posting_key).state is not JournalState.ABSENT:
        return ""
    return f"not sent: {sending.reverses} is not in {bench.source.connection} any more"


def _hold_back(sending: Sending, posting: Posting, why: str) -> Posting:
    assert posting.sent_at is None, "what is held back was never sent: those before it are settled"
    return _save(sending, posting, PostingState.REFUSED, reason=why)


def _make(sending: Sending) -> Posting:
    """The posting as it is stored; its key is the first of its kind that nobody has."""
    bench, row = sending.bench, sending.row
    key, _ = find_key(bench, sending.plan_hash, row["subject"])
    return bench.records.postings.make_posting(
        Posting(
            posting_key=key,
            flow=bench.flow.name,
            run_id=sending.steps.run_id,
            plan_hash=sending.plan_hash,
            connection=bench.source.connection,
            kind="journal",
            subject=row["subject"],
            generation=GENERATION,
            content_hash=row["content"],
            totals={name: row[name] for name in ("lines", "debit", "credit", "currency")},
            reverses=sending.reverses,
            made_at=bench.clock.now(),
        )
    )


def _send(sending: Sending, posting: Posting) -> Posting:
    """The posting, settled; what may have left before is looked for before anything is sent."""
    for _ in range(SENDS_MAX):
        if posting.sent_at is not None:
            found = _look(sending, posting)
            if found.state is not JournalState.ABSENT:
                return _settle_found(sending, posting, found)
        posting, answer = _send_once(sending, posting)
        if answer is not None:
            return _settle_answer(sending, posting, answer)
    found = _look(sending, posting)
    if found.state is not JournalState.ABSENT:
        return _settle_found(sending, posting, found)
    raise PostingUnclearError(
        f"The journal {posting.subject} (key {posting.posting_key}) was sent {SENDS_MAX} times"
        f" without an answer, and {sending.bench.source.connection} does not show it.",
        written="As far as the ERP shows nothing was entered; nothing was sent after it.",
        next_step="Look at the orchestration's log and the network, then"
        f" `ml-connector runs resume {sending.steps.run_id}` looks again and sends it once more.",
        posting=posting.posting_key,
    )


def _send_once(
    sending: Sending, posting: Posting
) -> tuple[Posting, JournalReceipt | RefusedError | None]:
    """The ERP's answer, or None when there was none that tells."""
    postings = sending.bench.records.postings
    posting = postings.mark_sent(posting.posting_key, last=posting.sent_at)
    try:
        receipt = sending.bench.journals.submit_journal(
            sending.journal, sending.head(posting.posting_key)
        )
    except RefusedError as error:
        return posting, error
    except OutcomeUnknownError as error:
        return postings.save_posting(
            posting.posting_key, PostingState.UNKNOWN, reason=error.refused
        ), None
    return posting, receipt


def _settle_answer(
    sending: Sending, posting: Posting, answer: JournalReceipt | RefusedError
) -> Posting:
    """An answer is believed once the ERP shows what it says."""
    found = sending.bench.journals.find_journal(sending.journal, posting.posting_key)
    if found.state is not JournalState.ABSENT:
        return _settle_found(sending, posting, found, answer=answer)
    if isinstance(answer, RefusedError):
        return _save(sending, posting, PostingState.REFUSED, reason=answer.refused)
    return _settle_found(sending, posting, _look(sending, posting), answer=answer)


def _settle_found(
    sending: Sending,
    posting: Posting,
    found: JournalFound,
    *,
    answer: JournalReceipt | RefusedError | None = None,
) -> Posting:
    receipt = {
        "batches": list(found.batch_ids),
        "documents": list(found.documents),
        "warnings": list(answer.warnings) if isinstance(answer, JournalReceipt) else [],
        **({"posted": True} if found.state is JournalState.POSTED else {}),
    }
    if found.state in (JournalState.ENTERED, JournalState.POSTED):
        return _save(sending, posting, PostingState.CONFIRMED, receipt=receipt)
    if found.state is JournalState.FAILED:
        reason = "entered whole; the ERP could not post it and says why in its batch"
        return _save(sending, posting, PostingState.CONFIRMED, receipt=receipt, reason=reason)
    if found.state is JournalState.ABSENT:
        raise PostingUnclearError(
            f"{sending.bench.source.connection} answered that journal {posting.subject} (key"
            f" {posting.posting_key}) was entered, and does not show it.",
            written="What the ERP holds is not known; nothing was sent after it.",
            next_step="Look whether the orchestration writes the key into each line's reference 2,"
            f" then `ml-connector runs resume {sending.steps.run_id}`.",
            posting=posting.posting_key,
        )
    reason = (
        f"found {found.state}: {found.lines} of {len(sending.journal.lines)} lines in"
        f" {', '.join(found.documents) or 'no document'}"
    )
    return _save(sending, posting, PostingState.QUARANTINED, receipt=receipt, reason=reason)


def _save(
    sending: Sending,
    posting: Posting,
    state: PostingState,
    *,
    receipt: Json | None = None,
    reason: str = "",
) -> Posting:
    outcome = Outcome(state=state, receipt=receipt, reason=reason)
    return save_outcome(sending.bench, posting, outcome, run_id=sending.steps.run_id)


def _look(sending: Sending, posting: Posting) -> JournalFound:
    """What the ERP shows under the key; absent or in part only once the settle time has passed.

    It counts from the sending: the server may still be writing line after line. A look that fails
    says nothing, so the next one is waited for.

    Raises:
        PostingUnclearError: The ERP cannot be read, or the clock does not get to the deadline.
    """
    bench = sending.bench
    settle = timedelta(minutes=bench.flow.settle_minutes)
    deadline = (posting.sent_at or bench.clock.now()) + settle
    waits, waited_s = make_waits(), 0.0
    while True:
        # The time before the look counts: what takes effect during it may have been missed.
        is_late = bench.clock.now() >= deadline
        found = _try_find(sending, posting)
        if found is not None and (found.state not in UNDER_WAY or is_late):
            return found
        if found is None and is_late:
            raise _unreadable(sending, posting)
        if waited_s > settle.total_seconds() + CLOCK_LAG_MAX_S:
            raise _clock_back(sending, posting)
        wait_s = next(waits)
        bench.clock.sleep(wait_s)
        waited_s += wait_s


def _try_find(sending: Sending, posting: Posting) -> JournalFound | None:
    try:
        return sending.bench.journals.find_journal(sending.journal, posting.posting_key)
    except (SystemUnavailableError, ProtocolError):
        return None


def _clock_back(sending: Sending, posting: Posting) -> PostingUnclearError:
    return PostingUnclearError(
        f"Journal {posting.subject} (key {posting.posting_key}) was sent at"
        f" {posting.sent_at:%Y-%m-%d %H:%M:%S} UTC, and this machine's clock shows"
        f" {sending.bench.clock.now():%Y-%m-%d %H:%M:%S} UTC: it was set back.",
        written="What the ERP holds is not known; nothing was sent after it.",
        next_step=f"Set the clock right, then `ml-connector runs resume {sending.steps.run_id}`.",
        posting=posting.posting_key,
    )


def _unreadable(sending: Sending, posting: Posting) -> PostingUnclearError:
    return PostingUnclearError(
        f"{sending.bench.source.connection} cannot be read, so whether journal {posting.subject}"
        f" (key {posting.posting_key}) was entered is not known.",
        written="It was sent once; nothing was sent after it.",
        next_step=f"When the ERP answers again: `ml-connector runs resume {sending.steps.run_id}`.",
        posting=posting.posting_key,
    )
