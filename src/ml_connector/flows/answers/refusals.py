"""Refused summaries in a controller's words: what the model did not take, why, and whose lines."""

from collections.abc import Iterator
from dataclasses import dataclass

from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.ledger.books import Books, load_books
from ml_connector.flows.pins import find_pins, load_placer
from ml_connector.flows.placing.lineage import LINES_MAX, LineWay, find_lines
from ml_connector.flows.placing.summing import Placer
from ml_connector.ports import RefusedSummary, RunRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refused summary joined to its journal lines."""

    summary: RefusedSummary
    member: str
    lines: tuple[LineWay, ...]
    lines_more: int


def read_refusals(bench: ActualsBench, run: RunRow) -> Iterator[Refusal]:
    """Yield the open refusals of a finished run's flow, by the rules that run was made with."""
    pins = find_pins(bench, run.run_id)
    return join_refusals(
        bench, load_books(bench, pins["books"]), load_placer(bench, pins), run_id=run.run_id
    )


def read_refusal(bench: ActualsBench, summary: RefusedSummary) -> Refusal:
    """One refusal, by the rules its load was made with."""
    pins = find_pins(bench, summary.run_id)
    books, placer = load_books(bench, pins["books"]), load_placer(bench, pins)
    return _join(bench, books, placer, summary, member=summary.key[pins["period_at"]])


def join_refusals(
    bench: ActualsBench, books: Books, placer: Placer, *, run_id: str | None = None
) -> Iterator[Refusal]:
    """Yield each open refusal of the flow with the lines that make it up, at most 5 000 each.

    `placer` must hold the rules the refused load was made with.
    """
    period_at = [dimension.source for dimension in bench.flow.dimensions].index("period")
    for summary in bench.records.loads.load_refused(bench.flow.name, run_id=run_id):
        yield _join(bench, books, placer, summary, member=summary.key[period_at])


def _join(
    bench: ActualsBench, books: Books, placer: Placer, summary: RefusedSummary, *, member: str
) -> Refusal:
    ways = find_lines(
        bench, placer, member=member, pairs=books.pairs_of(member), keys={summary.key}
    )
    lines: list[LineWay] = []
    more = 0
    for way in ways:
        if len(lines) < LINES_MAX:
            lines.append(way)
        else:
            more += 1
    return Refusal(summary=summary, member=member, lines=tuple(lines), lines_more=more)
