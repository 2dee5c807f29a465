"""An ERP in memory whose suppliers can be written; it loses, delays, refuses and halves as told."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from typing import TypeVar

from tests.fakes.clock import FakeClock

from ml_connector.errors import OutcomeUnknownError, RefusedError, SystemUnavailableError
from ml_connector.ports import (
    FileAction,
    FileColumn,
    FileRefusal,
    FileReport,
    FileRow,
    JobState,
    JobStatus,
    SupplierChange,
    SupplierChangedError,
    SupplierFile,
    SupplierFound,
    SupplierMissingError,
    SupplierReceipt,
    SupplierRow,
)

Made = TypeVar("Made")
LATE = timedelta(minutes=4)
"""How long after its call a late request takes effect."""
TEMPLATE = tuple(
    FileColumn(name=name.upper(), attribute=name)
    for name in ("action", "name", "new_name", "number", "alias", "customer_number", "batch")
)


@dataclass(slots=True, kw_only=True)
class Held:
    """A supplier the ERP has."""

    number: str
    remote_id: str
    attributes: dict[str, str]
    version: int = 1
    shown_from: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Job:
    """An import under way: its rows take effect at `ends_at`."""

    rows: tuple[FileRow, ...]
    ends_at: datetime
    refusals: list[FileRefusal] = field(default_factory=list)
    taken: int = 0
    is_done: bool = False


@dataclass(slots=True, kw_only=True)
class FakeSuppliers:
    """A `ports.SupplierTarget`; what it holds is in plain dicts that tests change."""

    clock: FakeClock
    connection: str = "erp"
    held: dict[str, Held] = field(default_factory=dict)
    """By remote id."""
    capitals: bool = False
    """Names are written in capitals."""
    ignores: set[str] = field(default_factory=set)
    """Attributes that are passed over in silence."""
    refuses: dict[str, str] = field(default_factory=dict)
    """Words by number, or by name for creations."""
    lose_before: int = 0
    """Writes that never arrive."""
    lose_after: int = 0
    """Writes that take effect and whose answer is lost."""
    late: int = 0
    """Writes that take effect minutes after their answer was lost."""
    busy: int = 0
    """Writes the ERP has no time for."""
    errors: list[Exception] = field(default_factory=list)
    """What the next writes raise instead, before anything arrives."""
    unreadable: int = 0
    """Reads that fail."""
    torn: int = 0
    """Changes of the next batch that are made before its answer is lost."""
    read_takes: timedelta = timedelta(0)
    """How long a search is under way after it has seen what it tells."""
    slow: timedelta = timedelta(0)
    """How long a new supplier is not shown."""
    job_takes: timedelta = timedelta(minutes=2)
    job_state: JobState = JobState.SUCCEEDED
    """What a job that is over is said to be."""
    is_whole: bool = True
    """Reports name every refused row."""
    has_report: bool = True
    on_write: Callable[[], None] = lambda: None
    """Told before a write takes effect."""
    writes: Counter[str] = field(default_factory=Counter)
    """Times each supplier was written, by number; by anybody."""
    calls: Counter[str] = field(default_factory=Counter)
    files: list[SupplierFile] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    pending: list[tuple[datetime, Callable[[], object]]] = field(default_factory=list)
    late_at: datetime | None = None
    """When what takes effect late does so, though nobody looked then."""
    lock: RLock = field(default_factory=RLock)

    # --- what tests do ----------------------------------------------------------------------------

    def add(self, number: str, **attributes: str) -> Held:
        """The supplier is there."""
        remote_id = str(300 + len(self.held))
        base = {"name": f"Supplier {number}", "alias": "", "customer_number": ""}
        held = Held(number=number, remote_id=remote_id, attributes=base | attributes)
        self.held[remote_id] = held
        return held

    def edit(self, number: str, **attributes: str) -> None:
        """Somebody else changes it."""
        self._write(self.of(number), attributes)

    def of(self, number: str) -> Held:
        """The one supplier of the number."""
        self._advance()
        [held] = [one for one in self.held.values() if one.number == number]
        return held

    def named(self, name: str) -> list[Held]:
        """All suppliers of a name."""
        self._advance()
        return self._list_named(name)

    # --- reads ------------------------------------------------------------------------------------

    def read_suppliers(self) -> Iterator[SupplierRow]:
        """All that are shown."""
        self._read()
        yield from [_row(one) for one in self.held.values() if self._is_shown(one)]

    def read_supplier(self, number: str) -> SupplierRow:
        """The one of the number."""
        self._read()
        found = [one for one in self.held.values() if one.number == number and self._is_shown(one)]
        if len(found) != 1:
            raise SupplierMissingError(
                f"erp shows {len(found)} suppliers {number}.", written="Nothing.", next_step="Look."
            )
        return _row(found[0])

    def find_supplier(self, *, number: str = "", name: str = "") -> SupplierFound:
        """By number, or by name in any capitals."""
        self._read()
        rows = [
            _row(one)
            for one in self.held.values()
            if self._is_shown(one)
            and (
                (number and one.number == number)
                or (name and one.attributes["name"].casefold() == name.casefold())
            )
        ]
        self.clock.at += self.read_takes
        return SupplierFound(rows=tuple(rows))

    # --- single writes ----------------------------------------------------------------------------

    def submit_change(self, change: SupplierChange) -> SupplierReceipt:
        """Taken, refused, overtaken or lost."""
        with self.lock:
            self.calls["change"] += 1
            return self._arrive(lambda: self._change(change))

    def submit_creation(self, attributes: Mapping[str, str]) -> SupplierReceipt:
        """Made, refused or lost."""
        with self.lock:
            self.calls["creation"] += 1
            return self._arrive(lambda: self._create(attributes))

    def submit_batch(self, changes: Sequence[SupplierChange]) -> tuple[SupplierReceipt, ...]:
        """All or none, or torn."""
        self.calls["batch"] += 1
        if self.torn:
            for change in changes[: self.torn]:
                self._change(change)
            self.torn = 0
            raise _lost()

        def make() -> tuple[SupplierReceipt, ...]:
            for change in changes:
                self._verify(change)
            return tuple(self._change(change) for change in changes)

        return self._arrive(make)

    def _arrive(self, effect: Callable[[], Made]) -> Made:
        self._advance()
        if self.errors:
            raise self.errors.pop(0)
        if self.busy:
            self.busy -= 1
            raise SystemUnavailableError("Busy.", written="Nothing.", next_step="Wait.")
        if self.lose_before:
            self.lose_before -= 1
            raise _lost()
        if self.late:
            self.late -= 1
            self.pending.append((self.clock.now() + LATE, effect))
            raise _lost()
        self.on_write()
        answer = effect()
        if self.lose_after:
            self.lose_after -= 1
            raise _lost()
        return answer

    def _verify(self, change: SupplierChange) -> Held:
        held = self.held[change.remote_id]
        if change.number in self.refuses:
            raise _refusal(self.refuses[change.number])
        if str(held.version) != change.version:
            raise SupplierChangedError(
                f"erp shows that supplier {change.number} was changed.",
                written="Nothing.",
                next_step="Read it again.",
            )
        return held

    def _change(self, change: SupplierChange) -> SupplierReceipt:
        held = self._verify(change)
        self._write(held, change.attributes)
        row = _row(held)
        return SupplierReceipt(row=row, unlike=_list_unlike(row, change.attributes))

    def _create(self, attributes: Mapping[str, str]) -> SupplierReceipt:
        name = attributes["name"]
        taken = [one for one in self.held.values() if one.number == attributes.get("number")]
        if name in self.refuses or self._list_named(name) or taken:
            raise _refusal(self.refuses.get(name, f"{name} is there already"))
        held = self.add(attributes.get("number", "") or f"9{len(self.held):03}")
        held.shown_from = self.clock.now() + self.slow
        self._write(held, attributes)
        row = _row(held)
        return SupplierReceipt(row=row, unlike=_list_unlike(row, attributes))

    def _write(self, held: Held, attributes: Mapping[str, str]) -> None:
        its = {k: v for k, v in attributes.items() if k not in self.ignores and k != "number"}
        if self.capitals and "name" in its:
            its["name"] = its["name"].upper()
        held.attributes |= its
        held.version += 1
        self.writes[held.number] += 1

    # --- files ------------------------------------------------------------------------------------

    def submit_file(self, file: SupplierFile) -> str:
        """A job that writes its rows when it is over."""
        self.calls["file"] += 1
        return self._arrive(lambda: self._start(file))

    def _start(self, file: SupplierFile) -> str:
        self.files.append(file)
        job_id = str(15_000 + len(self.files))
        started_at = self.late_at or self.clock.now()
        self.jobs[job_id] = Job(rows=file.rows, ends_at=started_at + self.job_takes)
        return job_id

    def read_job(self, job_id: str) -> JobStatus:
        """Running until it is over."""
        self._read()
        job = self.jobs[job_id]
        return JobStatus(state=self.job_state if job.is_done else JobState.RUNNING)

    def read_job_report(self, job_id: str) -> FileReport:
        """What it refused, by place, name and number."""
        self._read()
        if not self.has_report:
            raise _refusal("There is no report.")
        job = self.jobs[job_id]
        refusals = tuple(job.refusals if self.is_whole else job.refusals[:0])
        return FileReport(
            rows_read=len(job.rows), rows_taken=job.taken, rows_refused=len(job.refusals),
            refusals=refusals, messages=("1 row rejected",), is_whole=self.is_whole,
        )  # fmt: skip

    def _import(self, job: Job) -> None:
        job.is_done = True
        if self.job_state is JobState.FAILED:
            return
        for place, row in enumerate(job.rows, start=1):
            its = dict(row.attributes)
            try:
                self._import_row(row.action, its)
                job.taken += 1
            except RefusedError as error:
                job.refusals.append(
                    FileRefusal(
                        record=place, name=its["name"], number=its.get("number", ""), column="NAME",
                        reason=error.refused,
                    )
                )  # fmt: skip

    def _import_row(self, action: FileAction, its: dict[str, str]) -> None:
        if action is FileAction.CREATE:
            self._create(its)
            return
        [held] = [one for one in self.held.values() if one.number == its["number"]]
        if held.number in self.refuses:
            raise _refusal(self.refuses[held.number])
        name = its.pop("new_name", its["name"])
        self._write(held, its | {"name": name})

    # --- time -------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """What is due by now has taken effect."""
        with self.lock:
            due = [one for one in self.pending if one[0] <= self.clock.now()]
            self.pending = [one for one in self.pending if one not in due]
            for at, effect in due:
                self.late_at = at
                with suppress(RefusedError):
                    effect()
                self.late_at = None
            for job in self.jobs.values():
                if not job.is_done and job.ends_at <= self.clock.now():
                    self._import(job)

    def _read(self) -> None:
        self._advance()
        with self.lock:
            self.calls["read"] += 1
            if self.unreadable:
                self.unreadable -= 1
                raise SystemUnavailableError("Down.", written="Nothing.", next_step="Wait.")

    def _list_named(self, name: str) -> list[Held]:
        fold = name.casefold()
        return [one for one in self.held.values() if one.attributes["name"].casefold() == fold]

    def _is_shown(self, held: Held) -> bool:
        return held.shown_from is None or held.shown_from <= self.clock.now()


def _row(held: Held) -> SupplierRow:
    return SupplierRow(
        number=held.number, remote_id=held.remote_id, version=str(held.version),
        attributes=dict(held.attributes),
    )  # fmt: skip


def _list_unlike(row: SupplierRow, attributes: Mapping[str, str]) -> tuple[str, ...]:
    seen = {"number": row.number, **row.attributes}
    return tuple(name for name, value in attributes.items() if seen.get(name, value) != value)


def _lost() -> OutcomeUnknownError:
    return OutcomeUnknownError("No reply.", written="Unknown.", next_step="Look.")


def _refusal(words: str) -> RefusedError:
    return RefusedError(words, written="Nothing.", next_step="Look.")
