"""Reconciliation as tables: periods in money, the bridge of one, its accounts and cells."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from ml_connector.domain.money import ZERO
from ml_connector.domain.summaries import EXCLUDED_PREFIX, SUSPENSE, UNMAPPED
from ml_connector.flows.answers.listing import Cell, Link, Listing, Money, State, Tone
from ml_connector.flows.answers.reconciliation import (
    Signature,
    SignedStanding,
    read_stated,
)
from ml_connector.flows.answers.reconciliation_accounts import REFUSED, AccountRow, CellRow
from ml_connector.flows.answers.reconciliation_places import render_place
from ml_connector.ports import SignOff
from ml_connector.ports.standings import ELSEWHERE, StageState, Standing, StandingAmounts

NO_DEBITS: Mapping[tuple[str, str], Decimal] = MappingProxyType({})
UNEXPLAINED, SIGNED = "unexplained", "signed"
SIGNATURES = {
    Signature.NONE: Tone.IDLE,
    Signature.HOLDS: Tone.GOOD,
    Signature.VOID: Tone.WAITS,
    Signature.WITHDRAWN: Tone.IDLE,
}
BRIDGE = ("Excluded", "Unmapped", "Refused", "Not sent")
"""What may stand between the ERP and the model, each by its name."""
AMOUNTS = len(BRIDGE) + 4
"""Columns of amounts in the list of periods."""


FINDINGS: Sequence[tuple[Callable[[Standing], bool], State]] = (
    (lambda its: any(row.unexplained for row in its.amounts) or its.tied is StageState.WRONG,
     State(word=UNEXPLAINED, tone=Tone.WRONG)),
    (lambda its: its.read is StageState.WRONG, State(word="differs from the ERP", tone=Tone.WRONG)),
    (lambda its: StageState.MOVING in (its.read, its.tied),
     State(word="books moving", tone=Tone.WAITS)),
    (lambda its: its.is_owed, State(word="owed", tone=Tone.WAITS)),
    (lambda its: not its.is_tied, State(word="not tied out yet", tone=Tone.IDLE)),
    (lambda its: not its.is_whole, State(word="named differences", tone=Tone.WAITS)),
    (lambda _: True, State(word="ties out", tone=Tone.GOOD)),
)  # fmt: skip
"""What may be said of a period, the gravest first."""


def describe_state(standing: Standing) -> State:
    """The gravest thing to say of the period."""
    return next(state for holds, state in FINDINGS if holds(standing))


def list_periods(rows: Iterable[SignedStanding], *, currency: str = "") -> Listing:
    """A row for each period and currency; every column in the ledger's own sign."""
    return Listing(
        columns=(
            "Period", "Ledger or company", "State", "Signature", "Unexplained", "ERP net", *BRIDGE,
            "Model", "Debits", "Flow",
        ),
        rows=[line for row in rows for line in _list_period(row, currency)],
        empty="No run has looked at such a period yet.",
    )  # fmt: skip


def _list_period(row: SignedStanding, currency: str) -> Iterator[Sequence[Cell]]:
    its = row.standing
    place = (
        Link(text=its.period, kind="period", key=render_place(its)), its.ledger,
        describe_state(its), State(word=str(row.signature), tone=SIGNATURES[row.signature]),
    )  # fmt: skip
    flow = Link(text=its.flow, kind="flow", key=its.flow)
    for one in its.amounts:
        if currency in ("", one.currency):
            yield (*place, *_list_amounts(one), flow)
    if not its.amounts and not currency:
        yield (*place, *([None] * AMOUNTS), flow)


def _list_amounts(row: StandingAmounts) -> list[Money]:
    amounts = (
        row.unexplained, row.erp, row.excluded_total, row.unmapped, row.refused, row.unsent,
        row.held, row.debit,
    )  # fmt: skip
    return [Money(amount=amount, currency=row.currency) for amount in amounts]


def list_bridge(
    standing: Standing, debits: Mapping[tuple[str, str], Decimal] = NO_DEBITS
) -> Listing:
    """From the ERP to the model, one named step after the other, by currency.

    Whole ledgers net to nothing, so each step says as well how much money its lines move.

    Args:
        standing: Of the period.
        debits: By currency and way, as a period's detail tells them; empty: not known.
    """
    return Listing(
        columns=("Step", "What it is", "Net", "Debits of its lines"),
        rows=[line for row in standing.amounts for line in _list_steps(standing, row, debits)],
        empty="The ledger has no lines in this period.",
    )


def _list_steps(
    standing: Standing, row: StandingAmounts, debits: Mapping[tuple[str, str], Decimal]
) -> Iterator[Sequence[Cell]]:
    def money(amount: Decimal) -> Money:
        return Money(amount=amount, currency=row.currency)

    def debit(way: str) -> Decimal:
        return debits.get((row.currency, way), ZERO)

    def step(word: str, what: Cell, net: Decimal, ways: Sequence[str]) -> Sequence[Cell]:
        moved = sum(map(debit, ways), ZERO)
        return word, what, money(-net), money(-moved) if debits else None

    run = Link(text=standing.run_id, kind="run", key=standing.run_id)
    taken = [(name, net, f"{EXCLUDED_PREFIX}{name}") for name, net in row.excluded]
    yield (
        "ERP",
        f"net of {row.lines:,} lines, by the ERP's own balances; debits as read",
        money(row.erp),
        money(row.debit),
    )
    for name, net, way in taken:
        yield step("less excluded", name, net, [way])
    if row.unmapped or debit(UNMAPPED):
        link = Link(text="values no rule takes", kind="unmapped-of", key=standing.flow)
        yield step("less unmapped", link, row.unmapped, [UNMAPPED])
    is_sent = standing.loaded is not StageState.NOT_YET
    if row.refused or (is_sent and debit(REFUSED)):
        link = Link(text="summaries the model refused", kind="refused-of", key=standing.flow)
        yield step("less refused", link, row.refused, [REFUSED] if is_sent else [])
    if row.unsent or (not is_sent and debit(REFUSED)):
        what = "planned, and held back or only looked at"
        yield step("less not sent", what, row.unsent, [] if is_sent else [REFUSED])
    left = row.debit - sum(map(debit, (*(way for _, _, way in taken), UNMAPPED, REFUSED)), ZERO)
    # A cell that waits for a part of its amount holds the rest: its lines are on neither side.
    yield "Model", run, money(row.held), money(left) if debits and is_sent else None
    if row.suspense or debit(SUSPENSE):
        what = "sent to the member for unmapped values"
        yield (
            "of it in suspense",
            what,
            money(row.suspense),
            money(debit(SUSPENSE)) if debits else None,
        )
    yield "Unexplained", "what nobody can name", money(row.unexplained), None


def list_accounts(rows: Iterable[AccountRow], standing: Standing) -> Listing:
    """The period by account combination: where every amount of the ERP went."""
    return Listing(
        columns=(
            "Account combination", "Lines", "ERP", "Read", "Excluded", "Unmapped", "Suspense",
            "Mapped", "Unexplained",
        ),
        rows=[(row.combination, row.lines, *_list_places(row)) for row in rows],
        empty=f"Nothing of {standing.period} fits.",
    )  # fmt: skip


def _list_places(row: AccountRow) -> list[Money]:
    amounts = (
        row.erp, row.archived, row.excluded, row.unmapped, row.suspense, row.mapped,
        row.unexplained,
    )  # fmt: skip
    return [Money(amount=amount, currency=row.currency) for amount in amounts]


def list_cells(rows: Iterable[CellRow], standing: Standing) -> Listing:
    """The period by cell of the model: what its lines say, and what the model holds."""
    return Listing(
        columns=(
            "Intersection", "Lines", "Of this ledger", "Shall hold", "Model", "State", "Difference",
        ),
        rows=[
            (
                " / ".join(row.key), row.lines, _money(row, row.given), _money(row, row.wanted),
                _money(row, row.held), _describe_cell(row, standing), _money(row, row.difference),
            )
            for row in rows
        ],
        empty=f"Nothing of {standing.period} fits.",
    )  # fmt: skip


def _money(row: CellRow, amount: Decimal) -> Money:
    return Money(amount=amount, currency=row.currency)


def _describe_cell(row: CellRow, standing: Standing) -> State:
    if row.is_refused:
        is_sent = standing.loaded is not StageState.NOT_YET
        return State(word="refused" if is_sent else "not sent", tone=Tone.WAITS)
    if row.difference:
        return State(word=UNEXPLAINED, tone=Tone.WRONG)
    return State(word="ties out", tone=Tone.GOOD)


def list_sign_offs(rows: Iterable[SignOff], *newest: SignedStanding | None) -> Listing:
    """Signatures, newest first; `newest` are the periods with the signature that counts there."""
    counts = {its.sign_off.sign_off_id: its for its in newest if its and its.sign_off}
    return Listing(
        columns=(
            "Period", "Ledger or company", "Signed by", "Signed (UTC)", "State", "Comment",
            "Named", "Withdrawn", "Id",
        ),
        rows=[
            (
                row.period, row.ledger, row.signed_by, row.signed_at,
                _describe(row, counts.get(row.sign_off_id)),
                row.comment, ", ".join(read_stated(row)) or "nothing",
                _describe_withdrawal(row), row.sign_off_id,
            )
            for row in rows
        ],
        empty="Nobody has signed yet.",
    )  # fmt: skip


def _describe(row: SignOff, newest: SignedStanding | None) -> State:
    if row.withdrawn_at is not None:
        return State(word=str(Signature.WITHDRAWN), tone=Tone.IDLE)
    if newest is None:
        return State(word=str(Signature.VOID), tone=Tone.IDLE)
    return State(word=str(newest.signature), tone=SIGNATURES[newest.signature])


def _describe_withdrawal(row: SignOff) -> str:
    if row.withdrawn_at is None:
        return ""
    return f"{row.withdrawn_by}, {row.withdrawn_at:%Y-%m-%d %H:%M}: {row.reason}"


def is_empty(standing: Standing) -> bool:
    """Whether there is nothing to say of it: no lines, and nothing wrong."""
    return not standing.amounts and standing.is_whole


def rank(row: SignedStanding) -> tuple[object, ...]:
    """Unexplained first, what nobody can sign next; then the newest period."""
    its = row.standing
    tones = list(Tone)
    state = describe_state(its)
    place = {Tone.WRONG: 0}.get(state.tone, 1)
    day = its.date_last.toordinal() if its.date_last else 0
    is_elsewhere = its.ledger in ELSEWHERE
    return place, -day, is_elsewhere, its.ledger, its.flow, tones.index(state.tone)
