"""What became of a file of suppliers: its job followed to the end, then each supplier read.

The job's word says when it is over and why rows were left away. It succeeds with rows refused, and
its report may be cut or missing; what was taken is what the suppliers show, and nothing else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ml_connector.errors import OutcomeUnknownError, RefusedError, SystemUnavailableError
from ml_connector.flows.bench import SupplierBench
from ml_connector.flows.revising.looking import (
    Patience,
    Sending,
    find_deadline,
    look_all,
    look_back,
    name_items,
    render_overtaken,
    render_unreadable,
    settle_seen,
)
from ml_connector.flows.revising.outcomes import (
    AGAIN,
    Item,
    mark_unknown,
    quarantine,
    refuse,
    render_importing,
)
from ml_connector.flows.revising.shown import Shown, Sight
from ml_connector.ports import FileRefusal, FileReport, JobState

ENDED = frozenset({JobState.SUCCEEDED, JobState.WARNED, JobState.FAILED})
AWAITING_S = (40.0,)
"""Pauses while nothing is looked at: what left without a job's number may be importing."""
UNEXPLAINED_WAITS_S = (10.0, 30.0, 60.0, 120.0, 240.0)
"""Pauses between looks at what no report explains: it may be a whole file."""
WORDS_MAX = 5
"""Sentences of a report that are told of one supplier."""


class ImportUnderWayError(OutcomeUnknownError):
    """An import did not end in time, or the ERP says nothing of it."""

    code = "suppliers.import-under-way"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """A job that is over: how, what its report says, and until when a look may come too early."""

    job_id: str
    state: JobState
    report: FileReport | None
    deadline: datetime
    is_late: bool = False

    @property
    def is_fruitless(self) -> bool:
        """The job failed and counts no row that it took; others fail beside rows they took."""
        return self.state is JobState.FAILED and not (self.report and self.report.rows_taken)


def look_back_file(sending: Sending, items: Sequence[Item]) -> list[Item]:
    """Items that no import took or will take and that may be sent; all others are settled.

    Those of a job that is known wait for its end. Without one only the suppliers tell, and only
    once the settle time has passed.
    """
    jobs: dict[str, list[Item]] = {}
    for item in _share_jobs(sending.bench, items):
        jobs.setdefault(item.posting.receipt.get("job", ""), []).append(item)
    nameless = jobs.pop("", [])
    _await_settling(sending, nameless)
    unwritten = look_back(sending, nameless)
    for job_id, its in jobs.items():
        _settle_job(sending, job_id, its)
    return unwritten


def _await_settling(sending: Sending, items: Sequence[Item]) -> None:
    """Whatever left takes no effect any more; rows of a file do so one after the other."""
    sent, patience = [item for item in items if item.was_sent], Patience(sending, AWAITING_S)
    while any(sending.bench.clock.now() < find_deadline(sending, item) for item in sent):
        patience.pause(sent)


def _share_jobs(bench: SupplierBench, items: Sequence[Item]) -> Iterator[Item]:
    """Yield the items, each with the job of its batch: some may not have been told of it."""
    jobs = {
        item.posting.receipt["batch"]: item.posting.receipt["job"]
        for item in items
        if "job" in item.posting.receipt
    }
    for item in items:
        receipt = item.posting.receipt
        job_id = jobs.get(receipt.get("batch", ""))
        if item.was_sent and job_id and "job" not in receipt:
            words = render_importing(job_id)
            yield mark_unknown(bench, item, words, receipt=receipt | {"job": job_id})
        else:
            yield item


def _settle_job(sending: Sending, job_id: str, items: Sequence[Item]) -> None:
    """All items of the job are settled.

    Raises:
        ImportUnderWayError: It goes on, or nobody tells; those it has taken so far are confirmed.
    """
    bench = sending.bench
    state = _follow_job(sending, job_id, items)
    if state not in ENDED:
        left = [item for item, sight in look_all(bench, items) if not _is_taken(bench, item, sight)]
        if left:
            raise _under_way(sending, job_id, left)
        return
    ended = _Ended(
        job_id=job_id,
        state=state,
        report=_find_report(bench, job_id),
        deadline=bench.clock.now() + sending.settle,
    )
    _settle_ended(sending, items, ended)


def _follow_job(sending: Sending, job_id: str, items: Sequence[Item]) -> JobState:
    """How the job ended, or what is said of it when the settle time has passed."""
    deadline, patience = sending.bench.clock.now() + sending.settle, Patience(sending)
    while True:
        state = find_job_state(sending.bench, job_id)
        if state in ENDED or sending.bench.clock.now() >= deadline:
            return state
        patience.pause(items)


def find_job_state(bench: SupplierBench, job_id: str) -> JobState:
    """How far the job has come; unknown when the ERP does not answer."""
    try:
        return bench.suppliers.read_job(job_id).state
    except (SystemUnavailableError, RefusedError):
        return JobState.UNKNOWN


def _find_report(bench: SupplierBench, job_id: str) -> FileReport | None:
    """The job's report; None when it left none that can be read, which only costs the reasons."""
    try:
        return bench.suppliers.read_job_report(job_id)
    except (SystemUnavailableError, RefusedError):
        return None


def _settle_ended(sending: Sending, items: Sequence[Item], ended: _Ended) -> None:
    """All items are settled: nothing of the job takes effect any more.

    What a supplier does not show and no report explains is looked for until the settle time has
    passed, for not every server shows at once what another has written.
    """
    left, patience = list(items), Patience(sending, UNEXPLAINED_WAITS_S)
    while left:
        ended = replace(ended, is_late=sending.bench.clock.now() >= ended.deadline)
        seen = look_all(sending.bench, left)
        left = [item for item, sight in seen if not _settle_one(sending, item, sight, ended)]
        if left:
            patience.pause(left)


def _settle_one(sending: Sending, item: Item, sight: Sight | None, ended: _Ended) -> bool:
    """Whether the item is settled; it is not while a look may come too early."""
    bench = sending.bench
    if _is_taken(bench, item, sight):
        return True
    if sight is None:
        if ended.is_late:
            raise render_unreadable(sending, item)
        return False
    reasons = _list_reasons(item, ended.report)
    is_told = bool(reasons or ended.is_fruitless) and not _may_be_ours(item, sight)
    if not (is_told or ended.is_late):
        return False
    is_gone = sight.shown is Shown.ABSENT and not item.revision.is_creation
    # Changed since, and no report says why the row was left away: it may have been taken, and the
    # template may have put its values elsewhere.
    is_strange = sight.shown is Shown.OVERTAKEN and not reasons and not ended.is_fruitless
    if is_gone or is_strange or sight.shown is Shown.UNCLEAR:
        quarantine(bench, item, "; ".join([*reasons, sight.words]))
    else:
        refuse(bench, item, "; ".join(reasons) or _render_unexplained(sight, ended))
    return True


def _may_be_ours(item: Item, sight: Sight) -> bool:
    """Whether what is said against a creation may be that an earlier file has made it.

    Not every server shows at once what another has written.
    """
    is_hidden = item.revision.is_creation and sight.shown is Shown.ABSENT
    return is_hidden and AGAIN in item.posting.receipt


def _is_taken(bench: SupplierBench, item: Item, sight: Sight | None) -> bool:
    """Whether the supplier shows what was sent; then it is confirmed."""
    if sight is None or sight.shown is not Shown.TAKEN:
        return False
    return settle_seen(bench, item, sight) is not None


def _list_reasons(item: Item, report: FileReport | None) -> list[str]:
    """What the report says against the item, each sentence once."""
    found = [
        f"{refusal.reason} [{refusal.column}]" if refusal.column else refusal.reason
        for refusal in (report.refusals if report else ())
        if _is_about(refusal, item)
    ]
    return list(dict.fromkeys(found))[:WORDS_MAX]


def _is_about(refusal: FileRefusal, item: Item) -> bool:
    """Rows are known by number, else by name, else by their place in the file."""
    revision = item.revision
    if refusal.number:
        return refusal.number == revision.number
    if refusal.name:
        names = (revision.name, revision.after.get("name", ""))
        return refusal.name.strip().casefold() in [name.strip().casefold() for name in names]
    return refusal.record == item.posting.receipt.get("row")


def _render_unexplained(sight: Sight, ended: _Ended) -> str:
    if sight.shown is Shown.OVERTAKEN:
        return render_overtaken(sight)
    messages = ended.report.messages if ended.report else ()
    said = f": {'; '.join(messages[:WORDS_MAX])}" if messages else ""
    return f"job {ended.job_id} {ended.state} and did not take it; no report names it{said}"


def _under_way(sending: Sending, job_id: str, left: Sequence[Item]) -> ImportUnderWayError:
    return ImportUnderWayError(
        f"Job {job_id} of {sending.bench.source.connection} has not ended within"
        f" {sending.bench.flow.settle_minutes} minutes, or nobody tells of it; it does not show yet"
        f" what was sent of {name_items(left)}.",
        written="What it has taken so far is confirmed; nothing was sent after it.",
        next_step="Look at the job in the ERP; when it is over:"
        f" `ml-connector runs resume {sending.steps.run_id}`.",
        job=job_id, suppliers=len(left),
    )  # fmt: skip
