"""Laws of the tie-out: an untouched pipeline ties, and no single change anywhere passes.

A small reference pipeline makes the streams of random companies: lines of balanced journals, a
mapping, a shadow and refusals. Each law then changes one stream in one way and leaves the others.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ml_connector.domain.differences import Hop
from ml_connector.domain.ledger import CombinationKey, Scope, Totals
from ml_connector.domain.money import ZERO
from ml_connector.domain.plan import PlannedCell, plan_cells
from ml_connector.domain.streams import OutOfOrderError
from ml_connector.domain.summaries import (
    Contribution,
    Placed,
    Summary,
    SummaryKey,
)
from ml_connector.domain.tie_out import TieOut, TieOutEvidence, tie_out

EXAMPLES = 25 if os.environ.get("EXHAUSTIVE") else 8
"""Companies on which every single change is tried: dozens of tie-outs each."""
CENT = Decimal("0.01")
LEDGERS = {"Vision": ("E1", "EUR"), "Harbour": ("E1", "EUR"), "Summit": ("E2", "USD")}
"""Entity and currency by ledger; two ledgers share an entity, so their cells have two scopes."""
PERIODS = {"Nov-26": "Nov 26", "Dec-26": "Dec 26", "Adj-26": "Dec 26"}
"""Member by period; the adjustment period is folded."""
ACCOUNTS = ["1000", "2000", "3000", "4000", "5000", "6000"]
TARGETS = ["T1", "T2", "S", "T9"]
PLACES = [
    ("mapped", "T1"),
    ("mapped", "T2"),
    ("suspense", "S"),
    ("unmapped", ""),
    ("excluded:IC", ""),
]


class Entry(NamedTuple):
    """A journal line of the reference company."""

    journal: int
    ledger: str
    period: str
    currency: str
    account: str
    debit: Decimal
    credit: Decimal


class Place(NamedTuple):
    """Where an account's lines go, and the sign they are taken with."""

    placement: str
    target: str
    sign: int


class Held(NamedTuple):
    """A cell of the shadow or of the model."""

    key: SummaryKey
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A random company, its mapping, and every stream the tie-out takes."""

    entries: list[Entry]
    places: dict[str, Place]
    streams: dict[str, list[Any]]


def _key_of(entry: Entry) -> CombinationKey:
    return CombinationKey(entry.ledger, entry.period, entry.currency, entry.account)


def _total(entries: Iterable[tuple[Any, Entry]]) -> list[tuple[Any, Totals]]:
    sums: dict[Any, Totals] = defaultdict(Totals)
    for key, entry in entries:
        sums[key] = sums[key] + Totals(debit=entry.debit, credit=entry.credit, lines=1)
    return sorted(sums.items(), key=lambda item: item[0])


def erp_of(entries: list[Entry], _: dict[str, Place]) -> list[tuple[CombinationKey, Decimal]]:
    """The ERP's balances; it does not list what nets to nothing."""
    totals = _total((_key_of(entry), entry) for entry in entries)
    return [(key, sums.net) for key, sums in totals if sums.net]


def archived_of(entries: list[Entry], _: dict[str, Place]) -> list[tuple[CombinationKey, Totals]]:
    """Totals per combination."""
    return _total((_key_of(entry), entry) for entry in entries)


def placed_of(entries: list[Entry], places: dict[str, Place]) -> list[Placed]:
    """Totals per combination and placement."""
    keyed = (((_key_of(e), places[e.account].placement), e) for e in entries)
    return [Placed(key, where, sums) for (key, where), sums in _total(keyed)]


def contributions_of(entries: list[Entry], places: dict[str, Place]) -> list[Contribution]:
    """Totals per intersection, scope and sign."""
    rows = []
    for entry in entries:
        place = places[entry.account]
        if place.target:
            entity = LEDGERS[entry.ledger][0]
            key = (entity, place.target, PERIODS[entry.period], entry.currency)
            rows.append(((key, _key_of(entry).scope, place.sign), entry))
    return [Contribution(key, scope, sign, sums) for (key, scope, sign), sums in _total(rows)]


def summed_of(entries: list[Entry], places: dict[str, Place]) -> list[Summary]:
    """Amount and lines per intersection, summed without the product's help."""
    amounts: dict[SummaryKey, Decimal] = defaultdict(Decimal)
    lines: dict[SummaryKey, int] = defaultdict(int)
    for row in contributions_of(entries, places):
        amounts[row.key] += row.sign * (row.totals.debit - row.totals.credit)
        lines[row.key] += row.totals.lines
    return [Summary(key, amounts[key], lines[key]) for key in sorted(amounts)]


FROM_ENTRIES: dict[str, Callable[[list[Entry], dict[str, Place]], list[Any]]] = {
    "erp": erp_of,
    "archived": archived_of,
    "placed": placed_of,
    "contributions": contributions_of,
    "summed": summed_of,
}

AMOUNTS = st.integers(1, 500_00).map(lambda cents: Decimal(cents).scaleb(-2))
KEYS: st.SearchStrategy[SummaryKey] = st.tuples(
    st.sampled_from(["E1", "E2"]),
    st.sampled_from(TARGETS),
    st.sampled_from(["Nov 26", "Dec 26"]),
    st.sampled_from(["EUR", "USD"]),
)


@st.composite
def journals(draw: st.DrawFn, number: int) -> list[Entry]:
    """A balanced journal of two to four lines."""
    ledger = draw(st.sampled_from(sorted(LEDGERS)))
    period = draw(st.sampled_from(sorted(PERIODS)))
    accounts = draw(st.lists(st.sampled_from(ACCOUNTS), min_size=2, max_size=4))
    moves = [draw(AMOUNTS) * draw(st.sampled_from([1, -1])) for _ in accounts[1:]]
    moves.append(-sum(moves, ZERO))
    return [
        Entry(
            number, ledger, period, LEDGERS[ledger][1], account, max(move, ZERO), max(-move, ZERO)
        )
        for account, move in zip(accounts, moves, strict=True)
        if move
    ]


@st.composite
def companies(draw: st.DrawFn) -> Company:
    """A company whose pipeline is whole."""
    entries = [e for n in range(draw(st.integers(1, 5))) for e in draw(journals(n))]
    places = {
        account: Place(*draw(st.sampled_from(PLACES)), draw(st.sampled_from([1, -1])))
        for account in ACCOUNTS
    }
    streams = {name: make(entries, places) for name, make in FROM_ENTRIES.items()}
    streams["shadow_before"] = _draw_shadow(draw, streams["summed"])
    cells = plan_cells(streams["summed"], streams["shadow_before"])
    streams["planned"] = [cell for cell in cells if cell.before != cell.after]
    streams["refused"] = [cell.key for cell in streams["planned"] if draw(st.booleans())]
    streams["held"] = _hold(streams)
    return Company(entries=entries, places=places, streams=streams)


def _draw_shadow(draw: st.DrawFn, summed: list[Summary]) -> list[Held]:
    shadow: dict[SummaryKey, Decimal] = draw(st.dictionaries(KEYS, AMOUNTS, max_size=3))
    for row in summed:
        match draw(st.sampled_from(["none", "same", "other"])):
            case "same" if row.amount:
                shadow[row.key] = row.amount
            case "other":
                shadow[row.key] = draw(AMOUNTS)
    return sorted(Held(key, amount) for key, amount in shadow.items())


def _hold(streams: dict[str, list[Any]]) -> list[Held]:
    held = dict(streams["shadow_before"])
    for cell in streams["planned"]:
        if cell.key not in streams["refused"]:
            held[cell.key] = cell.after
    return sorted(Held(key, amount) for key, amount in held.items() if amount)


def tie(streams: dict[str, list[Any]], **changed: list[Any]) -> TieOut:
    """The tie-out of the streams, some of them exchanged."""
    both: dict[str, Any] = {**streams, **changed}
    return tie_out(TieOutEvidence(**both, currency_of=lambda key: key[3]))


def is_caught(company: Company, name: str, changed: list[Any]) -> bool:
    """Whether the tie-out notices that this one stream is another."""
    try:
        return not tie(company.streams, **{name: changed}).is_tied
    except OutOfOrderError:
        return True


@given(company=companies())
def test_an_untouched_pipeline_ties_out(company: Company) -> None:
    """Whatever the lines, the mapping, the shadow and the refusals: nothing is unexplained."""
    found = tie(company.streams)

    assert found.differences == ()
    assert found.is_tied
    assert [row for row in found.rows if row.unexplained] == []


@given(company=companies())
def test_a_tied_bridge_leads_from_the_erp_to_the_model(company: Company) -> None:
    """Each row holds the scope's own sums, and what the rows hold is what the model holds."""
    rows = {Scope(row.ledger, row.period, row.currency): row for row in tie(company.streams).rows}
    nets: dict[Scope, Decimal] = defaultdict(Decimal)
    for key, net in company.streams["erp"]:
        nets[key.scope] += net
    for scope, row in rows.items():
        assert row.erp == row.archived == nets[scope]
        lines = [e for e in company.entries if _key_of(e).scope == scope]
        assert row.lines == len(lines)
        excluded = sum((net for _, net in row.excluded), ZERO)
        assert row.archived == row.mapped + row.suspense + row.unmapped + excluded
        if "(" not in row.period + row.ledger:
            assert row.held == row.mapped + row.suspense - row.refused


# --- one change in the lines behind one stream ---------------------------------------------------

Changed = tuple[str, list[Any]]


def _other(name: str, names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ordered[(ordered.index(name) + 1) % len(ordered)]


def _add_cent(entry: Entry) -> Entry:
    side = "debit" if entry.debit else "credit"
    return entry._replace(**{side: getattr(entry, side) + CENT})


LINE_CHANGES: dict[str, Callable[[Entry], list[Entry]]] = {
    "one cent more": lambda e: [_add_cent(e)],
    "line lost": lambda _: [],
    "line doubled": lambda e: [e, e],
    "account changed": lambda e: [e._replace(account=_other(e.account, ACCOUNTS))],
    "sign flipped": lambda e: [e._replace(debit=e.credit, credit=e.debit)],
    "currency changed": lambda e: [e._replace(currency=_other(e.currency, ["EUR", "USD"]))],
    "period changed": lambda e: [e._replace(period=_other(e.period, PERIODS))],
    "ledger changed": lambda e: [e._replace(ledger=_other(e.ledger, LEDGERS))],
}


def change_lines(entries: list[Entry]) -> Iterator[Changed]:
    """Yield every way one line, two lines of a journal, or one journal can go wrong."""
    for what, change in LINE_CHANGES.items():
        for at, entry in enumerate(entries):
            yield what, [*entries[:at], *change(entry), *entries[at + 1 :]]
    for one, other in combinations(range(len(entries)), 2):
        if entries[one].journal == entries[other].journal:
            accounts = {one: entries[other].account, other: entries[one].account}
            yield (
                "two accounts swapped",
                [e._replace(account=accounts.get(at, e.account)) for at, e in enumerate(entries)],
            )
    for journal in {entry.journal for entry in entries}:
        yield "journal lost", [entry for entry in entries if entry.journal != journal]


@pytest.mark.parametrize("stream", FROM_ENTRIES)
@settings(max_examples=EXAMPLES)
@given(company=companies())
def test_no_change_of_lines_in_one_stream_ties(stream: str, company: Company) -> None:
    """A line that one end of a hop sees differently is found, however the journal balances."""
    for what, entries in change_lines(company.entries):
        changed = FROM_ENTRIES[stream](entries, company.places)
        if changed != company.streams[stream]:
            assert is_caught(company, stream, changed), what


# --- one change in a row of one stream ------------------------------------------------------------


def _draw_row(data: st.DataObject, rows: list[Any]) -> int:
    assume(rows)
    return data.draw(st.integers(0, len(rows) - 1))


def _exchange(rows: list[Any], at: int, *instead: Any) -> list[Any]:
    # The key alone orders: a change must not be caught for being out of order.
    return sorted([*rows[:at], *instead, *rows[at + 1 :]], key=lambda row: tuple(row[0]))


ROW_AMOUNTS = {"summed": "amount", "shadow_before": "amount", "held": "amount", "planned": "after"}
"""The amount each row of these streams is about."""


def change_row(rows: list[Any], at: int, *, name: str) -> Iterator[Changed]:
    """Yield every way one cell of a stream can go wrong."""
    row, amount = rows[at], getattr(rows[at], name)
    for move in (CENT, -CENT, Decimal(1000)):
        yield f"moved by {move}", _exchange(rows, at, row._replace(**{name: amount + move}))
    yield "lost", _exchange(rows, at)
    yield "doubled", _exchange(rows, at, row, row)
    if amount:
        yield "sign flipped", _exchange(rows, at, row._replace(**{name: -amount}))
    for part, names in enumerate((["E1", "E2"], TARGETS, ["Nov 26", "Dec 26"], ["EUR", "USD"])):
        key = (*row.key[:part], _other(row.key[part], names), *row.key[part + 1 :])
        yield f"part {part} of the key changed", _exchange(rows, at, row._replace(key=key))


def swap_amounts(rows: list[Any], *, name: str) -> Iterator[Changed]:
    """Yield the stream with the amounts of two cells exchanged, for every two that differ."""
    for one, other in combinations(range(len(rows)), 2):
        amounts = {one: getattr(rows[other], name), other: getattr(rows[one], name)}
        if amounts[one] != amounts[other]:
            swapped = list(rows)
            for at, amount in amounts.items():
                swapped[at] = rows[at]._replace(**{name: amount})
            yield "amounts exchanged", swapped


@pytest.mark.parametrize("stream", ROW_AMOUNTS)
@settings(max_examples=2 * EXAMPLES)
@given(company=companies())
def test_no_change_of_a_cell_in_one_stream_ties(stream: str, company: Company) -> None:
    """A cell that one stream holds differently is found, at any key and by any amount."""
    rows, name = company.streams[stream], ROW_AMOUNTS[stream]
    changes = [found for at in range(len(rows)) for found in change_row(rows, at, name=name)]

    for what, changed in [*changes, *swap_amounts(rows, name=name)]:
        assert is_caught(company, stream, changed), what


# --- one change carried on faithfully -------------------------------------------------------------

STAGES = [*FROM_ENTRIES]
"""Streams in the order in which each is made from the one before it."""
FOUND_AT = {
    "archived": Hop.ERP,
    "placed": Hop.PLACED,
    "contributions": Hop.SCOPE,
    "summed": Hop.SUMMED,
}


def _scope_totals(rows: list[tuple[CombinationKey, Totals]]) -> dict[Scope, Totals]:
    sums: dict[Scope, Totals] = defaultdict(Totals)
    for key, totals in rows:
        sums[key.scope] += totals
    return sums


def _is_seen_at(stage: str, company: Company, entries: list[Entry]) -> bool:
    """Whether the change shows at all in the comparison that the stage begins with."""
    if stage == "contributions":
        lines = [
            [e for e in some if company.places[e.account].target]
            for some in (company.entries, entries)
        ]
        before, after = (_scope_totals(archived_of(some, company.places)) for some in lines)
        return before != after
    before_it = {"archived": "erp", "placed": "archived", "summed": "summed"}[stage]
    return FROM_ENTRIES[before_it](entries, company.places) != company.streams[before_it]


def _carry_on(company: Company, changed: dict[str, list[Any]]) -> TieOut:
    """The tie-out when plan, refusals and model follow from a changed stream."""
    streams = {**company.streams, **changed}
    if "planned" not in changed:
        cells = plan_cells(streams["summed"], streams["shadow_before"])
        streams["planned"] = [cell for cell in cells if cell.before != cell.after]
    planned = {cell.key for cell in streams["planned"]}
    streams["refused"] = [key for key in streams["refused"] if key in planned]
    streams["held"] = _hold(streams)
    return tie(streams)


@pytest.mark.parametrize("stage", FOUND_AT)
@settings(max_examples=EXAMPLES)
@given(company=companies())
def test_an_error_everything_after_believes_is_found_where_it_began(
    stage: str, company: Company
) -> None:
    """A wrong line from some stage on, loaded as if it were right, shows at that stage alone."""
    later = STAGES[STAGES.index(stage) :]
    for what, entries in change_lines(company.entries):
        if _is_seen_at(stage, company, entries):
            changed = {name: FROM_ENTRIES[name](entries, company.places) for name in later}
            found = _carry_on(company, changed)
            assert {d.hop for d in found.differences} == {FOUND_AT[stage]}, what
            assert not found.is_tied, what


@given(company=companies(), data=st.data())
def test_a_wrong_plan_the_model_took_is_found_at_the_plan(
    company: Company, data: st.DataObject
) -> None:
    """A cell planned a cent off, sent and held as planned, shows at the plan alone."""
    rows = company.streams["planned"]
    row = rows[at := _draw_row(data, rows)]
    found = _carry_on(
        company, {"planned": _exchange(rows, at, row._replace(after=row.after + CENT))}
    )

    assert [(d.hop, d.amount) for d in found.differences] == [(Hop.PLANNED, -CENT)]
    lost = _carry_on(company, {"planned": _exchange(rows, at)})
    assert [(d.hop, d.amount) for d in lost.differences] == [(Hop.PLANNED, row.after - row.before)]


@given(company=companies(), key=KEYS, amount=AMOUNTS)
def test_a_cell_nobody_sent_never_ties(company: Company, key: SummaryKey, amount: Decimal) -> None:
    """A cell that one stream alone knows is found in each of them."""
    alone: dict[str, Any] = {
        "summed": Summary(key, amount, 1),
        "shadow_before": Held(key, amount),
        "planned": PlannedCell(key, ZERO, amount, 1),
        "held": Held(key, amount),
    }
    for stream, row in alone.items():
        rows = company.streams[stream]
        if key not in [other.key for other in rows]:
            assert is_caught(company, stream, _exchange(rows, len(rows), row))


@pytest.mark.parametrize("name", ["before", "lines"])
@given(company=companies(), data=st.data())
def test_a_plan_made_from_other_numbers_never_ties(
    name: str, company: Company, data: st.DataObject
) -> None:
    """A plan whose cell has another starting amount or another line count is found."""
    rows = company.streams["planned"]
    row = rows[at := _draw_row(data, rows)]
    changed = row._replace(**{name: getattr(row, name) + 1})

    assert is_caught(company, "planned", _exchange(rows, at, changed))
    assert is_caught(
        company,
        "planned",
        _exchange(rows, at, row._replace(before=row.before + 1, after=row.after + 1)),
    )


@given(company=companies(), data=st.data())
def test_a_planned_cell_that_need_not_move_never_ties(
    company: Company, data: st.DataObject
) -> None:
    """Sending a cell the model already holds is not what the plan was."""
    planned = {cell.key for cell in company.streams["planned"]}
    still = [row for row in company.streams["summed"] if row.key not in planned]
    row = still[_draw_row(data, still)]
    rows = company.streams["planned"]
    extra = PlannedCell(row.key, row.amount, row.amount, row.lines)

    assert is_caught(company, "planned", _exchange(rows, len(rows), extra))


@given(company=companies(), data=st.data())
def test_a_refusal_lost_added_or_doubled_never_ties(company: Company, data: st.DataObject) -> None:
    """What the model is said to have refused is what it does not hold."""
    refused = company.streams["refused"]
    planned = [cell.key for cell in company.streams["planned"]]
    other = data.draw(st.sampled_from(planned) | KEYS if planned else KEYS)

    if other in refused:
        assert is_caught(company, "refused", [key for key in refused if key != other])
        assert is_caught(company, "refused", sorted([*refused, other]))
    else:
        assert is_caught(company, "refused", sorted([*refused, other]))


@given(company=companies(), data=st.data())
def test_a_contribution_taken_with_the_wrong_sign_never_ties(
    company: Company, data: st.DataObject
) -> None:
    """A sign rule applied to one stream and not to the other is found."""
    rows = company.streams["contributions"]
    row = rows[at := _draw_row(data, rows)]
    assume(row.totals.net)

    assert is_caught(company, "contributions", _exchange(rows, at, row._replace(sign=-row.sign)))


@pytest.mark.parametrize("stream", ["archived", "placed", "contributions"])
@pytest.mark.parametrize("name", ["debit", "credit", "lines"])
@given(company=companies(), data=st.data())
def test_totals_that_grew_on_one_side_never_tie(
    stream: str, name: str, company: Company, data: st.DataObject
) -> None:
    """Debits, credits and lines are each compared, not their net alone."""
    rows = company.streams[stream]
    row = rows[at := _draw_row(data, rows)]
    more = replace(row[-1], **{name: getattr(row[-1], name) + (1 if name == "lines" else CENT)})
    is_named = isinstance(row, Placed | Contribution)
    grown = row._replace(totals=more) if is_named else (row[0], more)

    assert is_caught(company, stream, _exchange(rows, at, grown))


@given(company=companies(), data=st.data())
def test_totals_that_grew_on_both_sides_never_tie(company: Company, data: st.DataObject) -> None:
    """A cent more on both sides of a combination keeps its net and is found all the same."""
    rows = company.streams["archived"]
    key, totals = rows[at := _draw_row(data, rows)]
    grown = replace(totals, debit=totals.debit + CENT, credit=totals.credit + CENT)

    assert is_caught(company, "archived", _exchange(rows, at, (key, grown)))


@given(company=companies(), data=st.data())
def test_lines_moved_between_placements_never_tie(company: Company, data: st.DataObject) -> None:
    """Lines said to be unmapped that were loaded all the same are found, and the reverse."""
    rows = company.streams["placed"]
    row = rows[at := _draw_row(data, rows)]
    moved = "unmapped" if row.placement in ("mapped", "suspense") else "mapped"

    assert is_caught(company, "placed", _exchange(rows, at, row._replace(placement=moved)))


@given(company=companies(), data=st.data(), name=st.sampled_from(sorted(FROM_ENTRIES)))
def test_a_stream_out_of_order_is_refused(company: Company, data: st.DataObject, name: str) -> None:
    """A stream that does not ascend is an error, never a comparison of the wrong things."""
    rows = company.streams[name]
    shuffled = data.draw(st.permutations(rows))
    assume([row[0] for row in shuffled] != [row[0] for row in rows])

    with pytest.raises(OutOfOrderError):
        tie(company.streams, **{name: shuffled})


# --- where a difference is shown ------------------------------------------------------------------


@given(company=companies(), data=st.data())
def test_a_cent_in_the_model_is_shown_on_the_row_it_belongs_to(
    company: Company, data: st.DataObject
) -> None:
    """A cell of one scope shows its cent there in ledger sign, others in a row of their own."""
    rows = company.streams["held"]
    row = rows[at := _draw_row(data, rows)]
    given_by = [c for c in company.streams["contributions"] if c.key == row.key]
    found = tie(company.streams, held=_exchange(rows, at, row._replace(amount=row.amount + CENT)))

    shown = {r.unexplained: r for r in found.rows if r.unexplained}
    assert set(shown) <= {CENT, -CENT}
    assert len(shown) == 1
    (home,) = shown.values()
    ledgers, periods = {c.scope.ledger for c in given_by}, {c.scope.period for c in given_by}
    signs = {c.sign for c in given_by} or {1}
    absent = "(several)" if given_by else "(none)"
    assert home.ledger == (ledgers.pop() if len(ledgers) == 1 else absent)
    assert home.period == (periods.pop() if len(periods) == 1 else absent)
    assert home.currency == row.key[3]
    assert home.unexplained == (-CENT * signs.pop() if len(signs) == 1 else -CENT)
    assert [d.hop for d in found.differences] == [Hop.HELD]
    assert found.differences_count == 1


@given(company=companies())
def test_a_currency_is_tied_as_if_the_others_were_not_there(company: Company) -> None:
    """Amounts of two currencies never meet: leaving one out changes no row of the other."""
    currency_at = {"erp": 2, "archived": 2, "placed": 2}
    alone: dict[str, list[Any]] = {
        name: [row for row in rows if row[0][currency_at.get(name, 3)] == "EUR"]
        for name, rows in company.streams.items()
        if name != "refused"
    }
    alone["refused"] = [key for key in company.streams["refused"] if key[3] == "EUR"]

    both = tie(company.streams).rows
    assert tie(alone).rows == tuple(row for row in both if row.currency == "EUR")
