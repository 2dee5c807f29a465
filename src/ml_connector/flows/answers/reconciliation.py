"""How a period stands before a person who is to sign it: what hinders, what is named."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from ml_connector.domain.money import render_amount
from ml_connector.ports import Json, SignedScope, SignOff
from ml_connector.ports.standings import (
    ELSEWHERE,
    StageState,
    Standing,
    StandingAmounts,
    parse_amounts,
    render_amounts,
)

NAMED = ("unmapped", "suspense", "refused")
"""Amounts that are known by name and not where they belong; a signature says them aloud."""


class Signature(StrEnum):
    """How the newest signature of a period stands."""

    NONE = "not signed"
    HOLDS = "signed"
    VOID = "changed since"
    """Signed, and the books have changed."""
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True)
class SignedStanding:
    """A standing and the newest signature on it; `target` is where the flow leads now."""

    standing: Standing
    sign_off: SignOff | None
    target: str = ""

    @cached_property
    def signature(self) -> Signature:
        """How it stands: a signature never speaks for books that came later.

        The proof is made once: all that is told of the period asks for it.
        """
        if self.sign_off is None:
            return Signature.NONE
        if self.sign_off.withdrawn_at is not None:
            return Signature.WITHDRAWN
        its = self.standing
        holds = self.sign_off.holds(its.proof_hash, changed_at=its.changed_at)
        is_theirs = holds and not its.is_owed and not is_elsewhere(its, self.target)
        return Signature.HOLDS if is_theirs else Signature.VOID

    @property
    def sentence(self) -> str:
        """Who signed, and what became of it."""
        its = self.sign_off
        if its is None:
            return "Nobody has signed this period."
        said = f"Signed by {its.signed_by} on {its.signed_at:%Y-%m-%d %H:%M} UTC"
        match self.signature:
            case Signature.WITHDRAWN:
                at = f"{its.withdrawn_at:%Y-%m-%d %H:%M}"
                return f"{said}, withdrawn by {its.withdrawn_by} on {at} UTC: {its.reason}"
            case Signature.VOID:
                return f"{said}, {self._tell_change(its)}: the signature does not hold."
        return f"{said}."

    def _tell_change(self, its: SignOff) -> str:
        signed = str(its.stated.get("target", ""))
        now = self.target or self.standing.target
        if signed and now and signed != now:
            return f"for {signed}; the flow has led to {now} since"
        return "books changed since"


def is_elsewhere(standing: Standing, target: str) -> bool:
    """Whether the flow leads to another place now than the one the standing speaks of."""
    return bool(target and standing.target and standing.target != target)


def scope_of(standing: Standing) -> SignedScope:
    """What a signature on it is about."""
    return SignedScope(standing.flow, standing.ledger, standing.period)


def join_sign_offs(
    standings: Iterable[Standing],
    signed: Mapping[SignedScope, SignOff],
    targets: Mapping[str, str] | None = None,
) -> list[SignedStanding]:
    """Each standing with the newest signature on it, and where its flow leads now."""
    led = targets or {}
    return [
        SignedStanding(
            standing=one, sign_off=signed.get(scope_of(one)), target=led.get(one.flow, "")
        )
        for one in standings
    ]


def list_obstacles(
    standing: Standing, elsewhere: Sequence[Standing] = (), *, target: str = ""
) -> list[str]:
    """Why nobody may sign the period now; empty when somebody may.

    Args:
        standing: Of the period.
        elsewhere: Standings of the same planning period whose cells are of no single ledger.
        target: Where the flow leads now.
    """
    found = list(_list_own(standing))
    if is_elsewhere(standing, target):
        found.append(f"it stands so in {standing.target}; the flow leads to {target} now")
    for one in elsewhere:
        for row in one.amounts:
            if row.unexplained:
                amount = _render(row.unexplained, row.currency)
                found.append(
                    f"{amount} of {one.member} is unexplained in cells of no single ledger"
                )
    return found


def _list_own(standing: Standing) -> Iterator[str]:
    if standing.ledger in ELSEWHERE:
        yield "these cells are of no single ledger; nobody can stand for them"
    for row in standing.amounts:
        if row.unexplained:
            yield f"{_render(row.unexplained, row.currency)} is unexplained"
        if row.unsent:
            yield f"{_render(row.unsent, row.currency)} is planned and was not sent"
    yield from _list_stages(standing)


def _list_stages(standing: Standing) -> Iterator[str]:
    if StageState.MOVING in (standing.read, standing.tied):
        yield "the ledger was posted into while it was read"
    elif standing.read is not StageState.DONE:
        yield "what was read is not what the ERP says it holds"
    if standing.is_owed:
        yield "entries were read or mapped anew or sent since, and it was not tied out again"
    if standing.loaded is StageState.NOT_YET:
        yield "the model was not told of it yet"
    if standing.tied is StageState.NOT_YET:
        yield "it was not tied out yet"
    elif standing.tied not in (StageState.DONE, StageState.MOVING):
        yield "it does not tie out at every hop"


def render_stated(standing: Standing) -> Json:
    """The amounts as a signature keeps them: what is signed, and what is named beside it."""
    return {
        "amounts": [render_amounts(row) for row in standing.amounts],
        "named": list_stated(standing),
        "target": standing.target,
    }


def list_stated(standing: Standing) -> list[str]:
    """What a signature states as known and not in its place, also where it nets to nothing."""
    rows = standing.amounts
    found = list_named(rows)
    if standing.mapped is StageState.PARTLY and not any(r.unmapped or r.suspense for r in rows):
        found.append("lines without a rule, which net to nothing")
    if standing.loaded is StageState.PARTLY and not any(row.refused for row in rows):
        found.append("refused summaries, which net to nothing")
    return found


def read_stated(sign_off: SignOff) -> list[str]:
    """What the signature has stated; older ones keep the amounts alone."""
    kept: list[str] | None = sign_off.stated.get("named")
    return list_named(parse_stated(sign_off.stated)) if kept is None else list(kept)


def parse_stated(stated: Json) -> list[StandingAmounts]:
    """What a signature keeps."""
    return [parse_amounts(row) for row in stated.get("amounts", ())]


def list_named(rows: Iterable[StandingAmounts]) -> list[str]:
    """Every amount that has a name and is not in its place, as the signature states it."""
    found = []
    for row in rows:
        for name in NAMED:
            amount: Decimal = getattr(row, name)
            if amount:
                found.append(f"{_render(amount, row.currency)} {name}")
        for name, amount in row.excluded:
            if amount:
                found.append(f"{_render(amount, row.currency)} excluded as {name}")
    return found


def _render(amount: Decimal, currency: str) -> str:
    return f"{render_amount(amount, currency)} {currency}"
