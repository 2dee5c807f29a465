"""Laws of the tie-out: an untouched pipeline ties, and no single change anywhere passes.

A small reference pipeline makes the streams of random companies: lines of balanced journals, a
mapping, a shadow and refusals. Each law then changes one stream in one way and leaves the others.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given, reject
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

CENT = Decimal("0.01")
LEDGERS = {"Vision": ("E1", "EUR"), "Harbour": ("E1", "EUR"), "Summit": ("E2", "USD")}
"""Entity and currency by ledger; two ledgers share an entity, so their cells have two scopes."""
PERIODS = {"Nov-26": "Nov 26", "Dec-26": "Dec 26", "Adj-26": "Dec 26"}
"""Member by period; the adjustment period is folded."""
ACCOUNTS = ["1000", "2000", "3000", "4000", "5000", "6000"]
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
    st.sampled_from(["T1", "T2", "S", "T9"]),
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


def _one(
    change: Callable[[Entry], list[Entry]],
) -> Callable[[st.DataObject, list[Entry]], list[Entry]]:
    def on_one(data: st.DataObject, entries: list[Entry]) -> list[Entry]:
        at = data.draw(st.integers(0, len(entries) - 1))
        return [*entries[:at], *change(entries[at]), *entries[at + 1 :]]

    return on_one


def _other(name: str, names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ordered[(ordered.index(name) + 1) % len(ordered)]


def _add_cent(entry: Entry) -> Entry:
    side = "debit" if entry.debit else "credit"
    return entry._replace(**{side: getattr(entry, side) + CENT})


def _swap_accounts(data: st.DataObject, entries: list[Entry]) -> list[Entry]:
    pairs = [
        (one, other)
        for one, other in combinations(range(len(entries)), 2)
        if entries[one].journal == entries[other].journal
        and entries[one].account != entries[other].account
    ]
    one, other = data.draw(st.sampled_from(pairs)) if pairs else reject()
    accounts = {one: entries[other].account, other: entries[one].account}
    return [
        entry._replace(account=accounts.get(at, entry.account)) for at, entry in enumerate(entries)
    ]


def _lose_journal(data: st.DataObject, entries: list[Entry]) -> list[Entry]:
    lost = data.draw(st.sampled_from(entries)).journal
    return [entry for entry in entries if entry.journal != lost]


LINE_CHANGES: dict[str, Callable[[st.DataObject, list[Entry]], list[Entry]]] = {
    "one cent more": _one(lambda e: [_add_cent(e)]),
    "one line lost": _one(lambda _: []),
    "one line doubled": _one(lambda e: [e, e]),
    "account changed": _one(lambda e: [e._replace(account=_other(e.account, ACCOUNTS))]),
    "sign flipped": _one(lambda e: [e._replace(debit=e.credit, credit=e.debit)]),
    "currency changed": _one(lambda e: [e._replace(currency=_other(e.currency, ["EUR", "USD"]))]),
    "period changed": _one(lambda e: [e._replace(period=_other(e.period, PERIODS))]),
    "ledger changed": _one(lambda e: [e._replace(ledger=_other(e.ledger, LEDGERS))]),
    "two accounts swapped": _swap_accounts,
    "journal lost": _lose_journal,
}


@pytest.mark.parametrize("stream", FROM_ENTRIES)
@pytest.mark.parametrize("change", LINE_CHANGES)
@given(company=companies(), data=st.data())
def test_a_change_of_lines_in_one_stream_never_ties(
    stream: str, change: str, company: Company, data: st.DataObject
) -> None:
    """A line that one end of a hop sees differently is found, however the journal balances."""
    entries = LINE_CHANGES[change](data, company.entries)
    changed = FROM_ENTRIES[stream](entries, company.places)
    assume(changed != company.streams[stream])

    assert is_caught(company, stream, changed)


# --- one change in a row of one stream ------------------------------------------------------------


def _draw_row(data: st.DataObject, rows: list[Any]) -> int:
    assume(rows)
    return data.draw(st.integers(0, len(rows) - 1))


def _exchange(rows: list[Any], at: int, *instead: Any) -> list[Any]:
    # The key alone orders: a change must not be caught for being out of order.
    return sorted([*rows[:at], *instead, *rows[at + 1 :]], key=lambda row: tuple(row[0]))


ROW_AMOUNTS = {"summed": "amount", "shadow_before": "amount", "held": "amount", "planned": "after"}
"""The amount a row of each stream is about; a row without amount says nothing when it is lost."""


@pytest.mark.parametrize("stream", ROW_AMOUNTS)
@given(company=companies(), data=st.data(), cents=st.sampled_from([1, -1, 100_000]))
def test_a_cell_moved_by_a_cent_never_ties(
    stream: str, company: Company, data: st.DataObject, cents: int
) -> None:
    """One cent in one cell of one stream is found."""
    rows, name = company.streams[stream], ROW_AMOUNTS[stream]
    row = rows[at := _draw_row(data, rows)]
    moved = row._replace(**{name: getattr(row, name) + cents * CENT})

    assert is_caught(company, stream, _exchange(rows, at, moved))


@pytest.mark.parametrize("stream", ROW_AMOUNTS)
@given(company=companies(), data=st.data())
def test_a_cell_lost_or_doubled_never_ties(
    stream: str, company: Company, data: st.DataObject
) -> None:
    """A row that is missing or there twice is found."""
    rows = company.streams[stream]
    row = rows[at := _draw_row(data, rows)]

    assert is_caught(company, stream, _exchange(rows, at))
    assert is_caught(company, stream, _exchange(rows, at, row, row))


@pytest.mark.parametrize("stream", ROW_AMOUNTS)
@given(company=companies(), data=st.data())
def test_a_cell_with_flipped_sign_never_ties(
    stream: str, company: Company, data: st.DataObject
) -> None:
    """An amount on the wrong side is found."""
    rows, name = company.streams[stream], ROW_AMOUNTS[stream]
    row = rows[at := _draw_row(data, rows)]
    assume(getattr(row, name))

    assert is_caught(
        company, stream, _exchange(rows, at, row._replace(**{name: -getattr(row, name)}))
    )


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("stream", ROW_AMOUNTS)
@given(company=companies(), data=st.data())
def test_a_cell_under_another_key_never_ties(
    stream: str, part: int, company: Company, data: st.DataObject
) -> None:
    """An amount on another entity, account, period or currency is found."""
    rows = company.streams[stream]
    row = rows[at := _draw_row(data, rows)]
    key = (*row.key[:part], data.draw(KEYS)[part], *row.key[part + 1 :])
    assume(key != row.key)

    assert is_caught(company, stream, _exchange(rows, at, row._replace(key=key)))


@pytest.mark.parametrize("stream", ROW_AMOUNTS)
@given(company=companies(), data=st.data())
def test_two_cells_with_exchanged_amounts_never_tie(
    stream: str, company: Company, data: st.DataObject
) -> None:
    """Amounts that changed places are found though their sum stays."""
    rows, name = company.streams[stream], ROW_AMOUNTS[stream]
    one, other = _draw_row(data, rows), _draw_row(data, rows)
    amounts = [getattr(rows[one], name), getattr(rows[other], name)]
    assume(amounts[0] != amounts[1])
    changed = _exchange(rows, one, rows[one]._replace(**{name: amounts[1]}))
    changed = _exchange(changed, other, rows[other]._replace(**{name: amounts[0]}))

    assert is_caught(company, stream, changed)


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
