"""The evidence of a period: what an auditor is handed, member by member, made of what is stored.

The same records give the same members, byte for byte: nothing says when or by whom the pack was
made. No member holds more in memory than the accounts of one ledger.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import Any

from ml_connector.domain.money import render_plain
from ml_connector.errors import ConnectorError
from ml_connector.flows.answers.evidence_page import render_page
from ml_connector.flows.answers.listing import Listing, Money, render_bare
from ml_connector.flows.answers.reconciliation import scope_of
from ml_connector.flows.answers.reconciliation_accounts import read_detail
from ml_connector.flows.answers.reconciliation_listings import (
    list_accounts,
    list_bridge,
    list_cells,
)
from ml_connector.ports import (
    Approval,
    Archive,
    Intent,
    Json,
    LoadRow,
    PlanRow,
    Posting,
    Records,
    RunRow,
    SignOff,
)
from ml_connector.ports.standings import Standing, render_amounts

Member = tuple[str, Iterable[bytes]]
"""A name within the pack, and what it holds."""
RUNS_MAX = 2_000
"""Runs a pack tells of at most, the newest ones; how many more there were it says."""
FILES_MAX = 500
"""Archived files a pack holds: plans, results and dumps of those runs."""
CHAIN = "audit-chain.jsonl"
LINES_PER_CHUNK = 500
"""Rows of a table that are rendered at a time."""
ODD = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a pack is made of, but for the files of the archive and the chain, which are streamed.

    Attributes:
        organisation: Whose books.
        flow: That brought them to the model.
        period: By the ledgers' own name.
        standings: How it stands, by ledger.
        runs: That made it so, oldest first.
        runs_before: How many there were before these, which the pack leaves out.
        loads: Of these runs.
        intents: Starts of tasks, of these runs.
        plans: That were loaded.
        approvals: Of plans that were written into an ERP.
        postings: Of these plans, of the period.
        sign_offs: Of the period, oldest first.
        mappings: Text of the rules by their hash.
    """

    organisation: str
    flow: str
    period: str
    standings: Sequence[Standing]
    runs: Sequence[RunRow] = ()
    runs_before: int = 0
    loads: Sequence[LoadRow] = ()
    intents: Sequence[Intent] = ()
    plans: Sequence[PlanRow] = ()
    approvals: Sequence[Approval] = ()
    postings: Sequence[Posting] = ()
    sign_offs: Sequence[SignOff] = ()
    mappings: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> list[tuple[str, str]]:
        """Names and hashes of the archived files of its runs: plans, results, dumps; each once."""
        found: dict[str, str] = {}
        members = {one.member for one in self.standings}
        for run in self.runs:
            for member, row in (run.summary.get("plan_by_period") or {}).items():
                if member in members and row.get("plan"):
                    found.setdefault(str(row["plan"]), "plan")
        for load in self.loads:
            its = [("result", load.result_hash), *(("dump", one) for one in load.dump_hashes)]
            for name, file_hash in its:
                if file_hash:
                    found.setdefault(file_hash, name)
        return [(name, one) for one, name in found.items()]

    @property
    def left_out(self) -> list[str]:
        """What the pack does not hold because there is too much of it; mostly nothing."""
        files = len(self.files) - FILES_MAX
        found = [f"{self.runs_before:,} earlier runs"] if self.runs_before else []
        return [*found, *([f"{files:,} earlier files of the archive"] if files > 0 else [])]

    @property
    def run_ids(self) -> list[str]:
        """The runs by id."""
        return [run.run_id for run in self.runs]


def gather_evidence(
    records: Records, standings: Sequence[Standing], *, organisation: str
) -> Evidence:
    """What the records hold of one period of one flow, of these ledgers."""
    signed = [
        one for standing in standings
        for one in reversed(records.sign_offs.load_sign_offs(**scope_of(standing)._asdict()))
    ]  # fmt: skip
    run_ids = _list_runs(records, standings, signed)
    runs = [records.runs.load_run(one) for one in run_ids[-RUNS_MAX:]]
    loads = [load for run in runs for load in records.loads.load_loads(run_id=run.run_id)]
    plans = [records.loads.find_plan(one) for one in _unique(load.plan_hash for load in loads)]
    hashes = _unique(
        [*(load.plan_hash for load in loads), *(h for r in runs for h in _plans_of(r))]
    )
    approvals = [records.approvals.find_approval(one) for one in hashes]
    postings = [
        one for its in hashes for one in records.postings.load_postings(plan_hash=its)
        if standings[0].period in one.subject.split()
    ]  # fmt: skip
    rules = _unique(str(run.summary.get("mapping_hash") or "") for run in runs)
    found = {one: records.mappings.find_mapping(one) for one in rules}
    return Evidence(
        organisation=organisation, flow=standings[0].flow, period=standings[0].period,
        standings=standings, runs=runs, runs_before=len(run_ids) - len(runs),
        loads=loads, plans=[one for one in plans if one],
        intents=[one for run in runs for one in records.intents.load_intents(run_id=run.run_id)],
        approvals=[one for one in approvals if one],
        postings=sorted(postings, key=lambda one: one.posting_key), sign_offs=signed,
        mappings={one: text for one, text in found.items() if text},
    )  # fmt: skip


def _list_runs(
    records: Records, standings: Sequence[Standing], signed: Sequence[SignOff]
) -> list[str]:
    """The runs that wrote into the period, that looked at it last, and that were signed."""
    writers = {run for one in standings for run in records.sign_offs.list_writers(scope_of(one))}
    told = (one.run_id for its in (standings, signed) for one in its)
    return sorted(writers.union(told) - {""})


def _plans_of(run: RunRow) -> list[str]:
    told = (run.summary.get("plan_hash"), run.request.get("apply"))
    return [one for one in told if isinstance(one, str) and one]


def _unique(items: Iterable[str]) -> list[str]:
    return [one for one in dict.fromkeys(items) if one]


# --- members --------------------------------------------------------------------------------------


def list_members(
    evidence: Evidence, archive: Archive, links: Callable[[], Iterator[str]]
) -> Iterator[Member]:
    """Yield every member of the pack but its manifest, in their order.

    Args:
        evidence: Of the period.
        archive: Where reports, plans, results and dumps are.
        links: Yields the lines of the chain's segment.
    """
    yield "index.html", [render_page(evidence).encode()]
    for number, standing in enumerate(evidence.standings, start=1):
        yield from _list_ledger(f"ledgers/{number:02}-{_safe(standing.ledger)}", standing, archive)
    for content_hash, text in sorted(evidence.mappings.items()):
        yield f"mapping/rules-{content_hash[:12]}.csv", [text.encode()]
    for name in ("runs", "loads", "plans", "approvals", "postings", "sign_offs"):
        yield f"{name.replace('_', '-')}.json", [_render_rows(getattr(evidence, name))]
    yield "tasks.json", [_render_rows(evidence.intents)]
    for name, file_hash in evidence.files[-FILES_MAX:]:
        yield _open_file(archive, name, file_hash)
    yield CHAIN, (f"{line}\n".encode() for line in links())


def _list_ledger(folder: str, standing: Standing, archive: Archive) -> Iterator[Member]:
    yield f"{folder}/standing.json", [_render_json(render_standing(standing))]
    detail = read_detail(archive, standing)
    yield f"{folder}/totals.csv", _render_csv(list_bridge(standing, detail.debits))
    yield f"{folder}/accounts.csv", _render_csv(list_accounts(detail.accounts, standing))
    yield f"{folder}/cells.csv", _render_csv(list_cells(detail.cells, standing))
    if detail.cut:
        yield f"{folder}/cut.txt", [f"{detail.cut}\n".encode()]
    if standing.report:
        yield f"{folder}/tie-out.json", archive.read_bytes(standing.report)


def _open_file(archive: Archive, name: str, file_hash: str) -> Member:
    """The file, or what the archive says instead: a pack is made whole, and hides nothing."""
    chunks = archive.read_bytes(file_hash)
    try:
        first = next(chunks, b"")
    except ConnectorError as error:
        return f"files/{name}-{file_hash}-missing.txt", [f"{error.refused}\n".encode()]
    return f"files/{name}-{file_hash}", chain([first], chunks)


def verify_reports(evidence: Evidence, archive: Archive) -> None:
    """Every ledger's tie-out is in the archive, as it was.

    Raises:
        ConnectorError: One is not; nothing is made of half a proof.
    """
    for standing in evidence.standings:
        if standing.report:
            next(archive.read_bytes(standing.report), b"")


def render_standing(standing: Standing) -> Json:
    """Everything the proof of a period is made of, and the proof."""
    return {
        "flow": standing.flow,
        "ledger": standing.ledger,
        "period": standing.period,
        "member": standing.member,
        "stages": [str(state) for _, state in standing.stages],
        "amounts": [render_amounts(row) for row in standing.amounts],
        "content_hash": standing.content_hash,
        "target": standing.target,
        "proof_hash": standing.proof_hash,
        "report": standing.report,
        "run_id": standing.run_id,
        "changed_at": standing.changed_at,
    }


def _render_rows(rows: Sequence[Any]) -> bytes:
    return _render_json([asdict(row) for row in rows])


def _render_json(value: Any) -> bytes:
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, default=_render_plain)
    return f"{text}\n".encode()


def _render_plain(value: object) -> object:
    match value:
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return render_plain(value)
        case set() | frozenset():
            return sorted(map(str, value))
        case Mapping():
            return dict(value)
    return str(value)


def _render_csv(listing: Listing) -> Iterator[bytes]:
    """Yield the table some hundred rows at a time, each amount beside its currency."""
    rows = listing.rows
    money = {at for row in rows for at, cell in enumerate(row) if isinstance(cell, Money)}
    columns = [
        part for at, title in enumerate(listing.columns)
        for part in ((title, f"{title} currency") if at in money else (title,))
    ]  # fmt: skip
    yield _render_lines([columns])
    for start in range(0, len(rows), LINES_PER_CHUNK):
        yield _render_lines(
            [part for at, cell in enumerate(row) for part in _render_parts(cell, at in money)]
            for row in rows[start : start + LINES_PER_CHUNK]
        )


def _render_parts(cell: Any, is_money: bool) -> list[Any]:  # noqa: FBT001 - of the column.
    if isinstance(cell, Money):
        return [render_bare(cell), cell.currency]
    return [render_bare(cell), ""] if is_money else [render_bare(cell)]


def _render_lines(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _safe(text: str) -> str:
    return ODD.sub("_", text)
