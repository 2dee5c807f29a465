"""Refused summaries in a controller's words: what the model did not take, why, and whose lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ml_connector.flows.bench import ActualsBench
from ml_connector.flows.ledger.books import Books, load_books
from ml_connector.flows.pins import find_pins, load_placer
from ml_connector.flows.placing.lineage import LINES_MAX, LineWay, find_lines
from ml_connector.flows.placing.summing import Placer
from ml_connector.ports import RefusedSummary, RunRow

SUMMARIES_MAX = 50
"""Refused summaries whose lines are looked for at once."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLine:
    """A journal line of a refused summary; `told` lines of it were told with this one."""

    summary: RefusedSummary
    way: LineWay
    told: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLines:
    """Some lines of a run's refused summaries, and where the others begin.

    Attributes:
        lines: In the order of the summaries, and of the archive within each.
        number: The summary to go on behind; 0: there are no more.
        told: How many of its lines were told; 0: all of them.
    """

    lines: tuple[RefusedLine, ...]
    number: int
    told: int


def read_refused_lines(
    bench: ActualsBench, run: RunRow, *, number: int = 0, told: int = 0, limit: int
) -> RefusedLines:
    """Lines of the open refusals of a run, behind those that were told; by the run's own rules.

    Each summary is looked for in whole periods, hence `SUMMARIES_MAX` of them at a time: there may
    be fewer lines than asked for, and others behind them.
    """
    summaries = _list_summaries(bench, run, number, told)
    found: list[RefusedLine] = []
    for summary, ways in _walk(bench, run, summaries[:SUMMARIES_MAX]):
        start = told if summary.number == number else 0
        for at, way in enumerate(islice(ways, start, None), start=start + 1):
            if len(found) == limit:
                last = found[-1]
                return RefusedLines(lines=tuple(found), number=last.summary.number, told=last.told)
            found.append(RefusedLine(summary=summary, way=way, told=at))
    more = summaries[SUMMARIES_MAX - 1].number if len(summaries) > SUMMARIES_MAX else 0
    return RefusedLines(lines=tuple(found), number=more, told=0)


def _list_summaries(
    bench: ActualsBench, run: RunRow, number: int, told: int
) -> list[RefusedSummary]:
    """The summary that was told in part, if it is open yet, and those behind it."""
    loads, flow = bench.records.loads, bench.flow.name
    partly = loads.find_refused(flow, [number]) if told else []
    return partly + loads.load_refused_run(
        flow, run.run_id, after=number, limit=SUMMARIES_MAX + 1 - len(partly)
    )


def _walk(
    bench: ActualsBench, run: RunRow, summaries: Sequence[RefusedSummary]
) -> Iterator[tuple[RefusedSummary, Iterator[LineWay]]]:
    if not summaries:
        return
    pins = find_pins(bench, run.run_id)
    books, placer = load_books(bench, pins["books"]), load_placer(bench, pins)
    for summary in summaries:
        member = summary.key[pins["period_at"]]
        yield (
            summary,
            find_lines(
                bench, placer, member=member, pairs=books.pairs_of(member), keys={summary.key}
            ),
        )


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
