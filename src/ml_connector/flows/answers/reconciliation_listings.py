"""Reconciliation as tables: periods in money, the bridge of one, its accounts and cells."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from ml_connector.flows.answers.listing import Cell, Link, Listing, Money, State, Tone
from ml_connector.flows.answers.reconciliation import (
    Signature,
    SignedStanding,
    list_named,
    parse_stated,
)
from ml_connector.flows.answers.reconciliation_accounts import AccountRow, CellRow
from ml_connector.flows.answers.reconciliation_places import render_place
from ml_connector.ports import SignOff
from ml_connector.ports.standings import ELSEWHERE, StageState, Standing, StandingAmounts

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


def describe_state(standing: Standing) -> State:
    """The gravest thing to say of the period."""
    is_wrong = any(row.unexplained for row in standing.amounts)
    is_moving = StageState.MOVING in (standing.read, standing.tied)
    findings = (
        (is_wrong or standing.tied is StageState.WRONG, UNEXPLAINED, Tone.WRONG),
        (standing.read is StageState.WRONG, "differs from the ERP", Tone.WRONG),
        (is_moving, "books moving", Tone.WAITS),
        (standing.is_owed, "owed", Tone.WAITS),
        (not standing.is_tied, "not tied out yet", Tone.IDLE),
        (not standing.is_whole, "named differences", Tone.WAITS),
        (True, "ties out", Tone.GOOD),
    )
    return next(State(word=word, tone=tone) for holds, word, tone in findings if holds)


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


def list_bridge(standing: Standing) -> Listing:
    """From the ERP to the model, one named step after the other, by currency."""
    return Listing(
        columns=("Step", "What it is", "Amount"),
        rows=[line for row in standing.amounts for line in _list_steps(standing, row)],
        empty="The ledger has no lines in this period.",
    )


def _list_steps(standing: Standing, row: StandingAmounts) -> Iterator[Sequence[Cell]]:
    def money(amount: Decimal) -> Money:
        return Money(amount=amount, currency=row.currency)

    run = Link(text=standing.run_id, kind="run", key=standing.run_id)
    lines = f"net of {row.lines:,} lines, by the ERP's own balances"
    yield "ERP", lines, money(row.erp)
    yield "of it debits", "how much money went by", money(row.debit)
    for name, amount in row.excluded:
        yield "less excluded", name, money(-amount)
    if row.unmapped:
        link = Link(text="values no rule takes", kind="unmapped-of", key=standing.flow)
        yield "less unmapped", link, money(-row.unmapped)
    if row.refused:
        link = Link(text="summaries the model refused", kind="refused-of", key=standing.flow)
        yield "less refused", link, money(-row.refused)
    if row.unsent:
        yield "less not sent", "planned, and held back or only looked at", money(-row.unsent)
    if row.suspense:
        yield "of it in suspense", "sent to the member for unmapped values", money(row.suspense)
    yield "Model", run, money(row.held)
    yield "Unexplained", "what nobody can name", money(row.unexplained)


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
                _money(row, row.held), _describe_cell(row), _money(row, row.difference),
            )
            for row in rows
        ],
        empty=f"Nothing of {standing.period} fits.",
    )  # fmt: skip


def _money(row: CellRow, amount: Decimal) -> Money:
    return Money(amount=amount, currency=row.currency)


def _describe_cell(row: CellRow) -> State:
    if row.is_refused:
        return State(word="refused", tone=Tone.WAITS)
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
                row.comment, ", ".join(list_named(parse_stated(row.stated))) or "nothing",
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
