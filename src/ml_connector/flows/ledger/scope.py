"""Which planning periods a run is about, and every ledger period that makes them up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial

from ml_connector.domain.periods import READABLE_STATES, PeriodState
from ml_connector.errors import RefusedError, UsageError
from ml_connector.flows.bench import ActualsBench, read_document, store_document
from ml_connector.flows.chosen import walk_chosen
from ml_connector.flows.ledger.books import Books, Pair, load_books
from ml_connector.flows.pins import find_pins
from ml_connector.flows.run import ActualsRun
from ml_connector.ports import Json, Measure

SCOPE = "scope"


class PeriodNotReadableError(RefusedError):
    """A period that was asked for or touched has never been opened in the ERP."""

    code = "scope.period-not-readable"


class OutOfTimeRangeError(RefusedError):
    """A period lies outside the time range of the model."""

    code = "scope.out-of-time-range"


class NoSuchPeriodError(UsageError):
    """No ledger of the flow has the period that was asked for."""

    code = "scope.no-such-period"


def find_scope(bench: ActualsBench, books: Books, pins: Json, request: Json) -> Json:
    """The planning periods of the run in the model's order, with their readable pairs.

    Asked for: exactly those. Otherwise every period touched since its last load, and every readable
    one from the flow's first month on that was never loaded.

    Raises:
        PeriodNotReadableError: A touched or asked-for period was never opened.
        OutOfTimeRangeError: The model has no such period.
        PeriodBlockedError: An adjustment period without a rule holds amounts.
    """
    asked = _find_asked(books, request)
    wanted = asked if asked is not None else _find_owed(bench, books, pins, request)
    members = {books.members[pair] for pair in wanted if pair in books.members}
    _verify_time_range(members, pins)
    _verify_unplaced_empty(bench, books, pins, wanted)
    ordered = [member for member in pins["time_members"] if member in members]
    members_of = {m: _find_pairs(bench, books, m, wanted) for m in ordered}
    # 200 ledgers over three years are more than a step's result may hold.
    return {"order": ordered, "document": store_document(bench.archive, members_of)}


def _find_asked(books: Books, request: Json) -> set[Pair] | None:
    if request.get("members"):
        return {pair for pair, member in books.members.items() if member in request["members"]}
    texts = request.get("periods") or []
    first, last = request.get("month_first") or "", request.get("month_last") or ""
    if not texts and not first:
        return None
    # A schedule that follows the books means the period of one ledger, whose name another one may
    # give to another month.
    ledger = request.get("ledger") or ""
    found = {pair for text in texts for pair in _match(books, text, ledger=ledger)}
    return found | (_match_months(books, first, last or first) if first else set())


def _match_months(books: Books, first: str, last: str) -> set[Pair]:
    found = {
        (ledger, period.name)
        for ledger, by_name in books.periods.items()
        for period in by_name.values()
        if first <= period.month <= last
    }
    return _verify_placed(books, found, text=first if first == last else f"{first} to {last}")


def _match(books: Books, text: str, *, ledger: str = "") -> set[Pair]:
    found = {
        (name, period.name)
        for name, by_name in books.periods.items()
        for period in by_name.values()
        if text in (period.name, period.fiscal_name, period.month) and ledger in ("", name)
    }
    return _verify_placed(books, found, text=f"{text} of {ledger}" if ledger else text)


def _verify_placed(books: Books, found: set[Pair], *, text: str) -> set[Pair]:
    """Some of the pairs have a place in the model; a run that takes none of them would do nothing.

    Raises:
        NoSuchPeriodError: There are none, or the flow's rules leave all of them out.
        PeriodBlockedError: Only a new setting can say where they go.
    """
    if found & set(books.members):
        return found
    for pair in sorted(found):
        books.verify_placed(pair)
    some = sorted({name for by_name in books.periods.values() for name in by_name})
    why = "which lies before `first_month` or is left out by `periods`" if found else "at all"
    raise NoSuchPeriodError(
        f"No ledger of the flow has a period {text!r} that it loads{', ' if found else ' '}{why}.",
        written="Nothing was read or sent.",
        next_step=f"Use the ledger's own name ({', '.join(some[-3:])}), FY2026-P10, or"
        " --month 2026-10.",
        period=text,
    )


def _verify_unplaced_empty(
    bench: ActualsBench, books: Books, pins: Json, wanted: Iterable[Pair]
) -> None:
    """No adjustment period without a rule holds amounts beside a period that is loaded first now.

    Later postings into it are met as touched; what lies there already would never be.
    """
    if not books.unplaced:
        return
    _, shadow = bench.records.loads.load_shadow(bench.flow.name, pins["model_id"])
    placed = [pair for pair in wanted if books.members.get(pair, "") not in {"", *shadow}]
    months = {books.period(pair).month for pair in placed}
    for pair in sorted(books.unplaced):
        if books.period(pair).month in months and _holds_amounts(bench, books, pair):
            books.verify_placed(pair)


def _holds_amounts(bench: ActualsBench, books: Books, pair: Pair) -> bool:
    if not _is_readable(bench, books, pair):
        return False
    ledger, measure = books.ledgers[pair[0]], Measure(bench.flow.measure)
    balances = bench.source.read_balances(ledger, books.period(pair), measure)
    return any(balance.activity for balance in balances)


def _find_owed(bench: ActualsBench, books: Books, pins: Json, request: Json) -> set[Pair]:
    if request.get("replay"):
        chosen = walk_chosen(bench.records.loads, bench.flow.name, request)
        refused = {row.key[pins["period_at"]] for row in chosen}
        return {pair for pair, member in books.members.items() if member in refused}
    touched = bench.records.batches.load_touched(bench.flow.name)
    for pair in sorted(touched):
        books.verify_placed(pair)
    owed = touched & set(books.members)
    revision, shadow = bench.records.loads.load_shadow(bench.flow.name, pins["model_id"])
    if request.get("against") == "model" or request.get("reconcile"):
        owed |= {pair for pair, member in books.members.items() if member in shadow}
    if revision == 0:
        return {pair for pair in books.members if _is_readable(bench, books, pair)}
    return owed | _find_never_loaded(bench, books, shadow)


def _find_never_loaded(bench: ActualsBench, books: Books, shadow: Mapping[str, str]) -> set[Pair]:
    """Readable periods since the flow's first month that no load has had a look at.

    Whoever began with one period asked for, or adds a ledger, would otherwise never get the others.
    Periods that lie ahead are left alone: a posting into one makes it owed by itself.
    """
    today = bench.clock.now().date()
    seen = set(books.members)
    if Measure(bench.flow.measure) is Measure.BASE:
        # Only base amounts say of a pair that it has been read whole.
        seen = bench.records.batches.load_whole(bench.source.connection)
    return {
        pair
        for pair, member in books.members.items()
        if (member not in shadow or pair not in seen)
        and books.period(pair).date_first <= today
        and _is_readable(bench, books, pair)
    }


def _is_readable(bench: ActualsBench, books: Books, pair: Pair) -> bool:
    return _read_state(bench, books, pair) in READABLE_STATES


def _read_state(bench: ActualsBench, books: Books, pair: Pair) -> PeriodState:
    return bench.source.read_period_state(books.ledgers[pair[0]], books.period(pair))


def _find_pairs(
    bench: ActualsBench, books: Books, member: str, wanted: Iterable[Pair]
) -> list[list[str]]:
    """All readable pairs of a planning period, each with what the ERP says of it now.

    A wanted one that is not readable stops the run.
    """
    pairs = books.pairs_of(member)
    states = {pair: _read_state(bench, books, pair) for pair in pairs}
    unreadable = [pair for pair in pairs if states[pair] not in READABLE_STATES]
    refused = sorted(set(unreadable) & set(wanted))
    if refused:
        named = ", ".join(f"{ledger} {period}" for ledger, period in refused)
        raise PeriodNotReadableError(
            f"These periods have never been opened in the ERP: {named}.",
            written="Nothing was sent.",
            next_step="Open them in the ERP, or ask for other periods.",
            periods=named,
        )
    return [[*pair, str(states[pair])] for pair in pairs if pair not in unreadable]


def _verify_time_range(members: set[str], pins: Json) -> None:
    outside = sorted(members - set(pins["time_members"]))
    if outside:
        known = pins["time_members"]
        raise OutOfTimeRangeError(
            f"The model {pins['model_name']} has no periods {', '.join(outside)}; it runs from"
            f" {known[0] if known else 'nothing'} to {known[-1] if known else 'nothing'}.",
            written="Nothing was sent.",
            next_step="Extend the model's calendar, raise `first_month`, or correct"
            " `periods.pattern` of the flow.",
            periods=", ".join(outside),
        )


def settle_scope(run: ActualsRun) -> dict[str, list[Pair]]:
    """The scope as one durable step: pairs by planning period, in the model's order."""
    found = run.steps.step(SCOPE, partial(find_scope, run.bench, run.books, run.pins, run.request))
    pairs_of = read_document(run.bench.archive, found["document"])
    return {member: [(pair[0], pair[1]) for pair in pairs_of[member]] for member in found["order"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodInScope:
    """A ledger period a run is about, with its dates."""

    ledger: str
    period: str
    date_first: date
    date_last: date


def load_scope(bench: ActualsBench, run_id: str) -> list[PeriodInScope]:
    """The ledger periods a run has settled on, by planning period; none before it came so far."""
    steps = {step.name: step.result for step in bench.records.runs.load_steps(run_id)}
    if "document" not in steps.get(SCOPE, {}):
        return []
    books = load_books(bench, find_pins(bench, run_id)["books"])
    pairs_of = read_document(bench.archive, steps[SCOPE]["document"])
    pairs = [(row[0], row[1]) for m in steps[SCOPE]["order"] for row in pairs_of[m]]
    return [
        PeriodInScope(
            ledger=pair[0],
            period=pair[1],
            date_first=books.period(pair).date_first,
            date_last=books.period(pair).date_last,
        )
        for pair in pairs
    ]
