"""Standings: how far each period of each ledger has come on its way from the ERP to the model."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from ml_connector.domain.money import render_plain

ELSEWHERE = ("(several)", "(none)")
"""What stands for the ledger of cells that no single ledger and period accounts for."""
MONEY = ("erp", "debit", "archived", "unmapped", "suspense", "refused", "unsent", "held",
         "unexplained")  # fmt: skip
"""The fields of `StandingAmounts` that are single amounts."""


class StageState(StrEnum):
    """How one stage of the chain stands."""

    DONE = "done"
    PARTLY = "partly"
    """What is missing has a name: unmapped, refused."""
    MOVING = "moving"
    """The ERP was posted into while it was read."""
    WRONG = "differs"
    NOT_YET = "not yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingAmounts:
    """The bridge from the ERP to the model in one currency, in the ledger's own sign.

    `erp` less `held`, `excluded`, `unmapped`, `refused` and `unsent` is `unexplained`. Of a budget
    `held` is what was approved in the model, and `erp` what the ledger holds of it.
    """

    currency: str
    erp: Decimal
    debit: Decimal
    archived: Decimal
    excluded: tuple[tuple[str, Decimal], ...]
    unmapped: Decimal
    suspense: Decimal
    refused: Decimal
    unsent: Decimal
    """Planned, and not sent: held back, or only looked at."""
    held: Decimal
    unexplained: Decimal
    lines: int

    @property
    def excluded_total(self) -> Decimal:
        """All that named exclusions leave out."""
        return sum((amount for _, amount in self.excluded), Decimal(0))

    def __add__(self, other: "StandingAmounts") -> "StandingAmounts":
        """Both together; only amounts of one currency are ever added."""
        assert self.currency == other.currency, "amounts of two currencies are never added"
        excluded = dict(self.excluded)
        for name, amount in other.excluded:
            excluded[name] = excluded.get(name, Decimal(0)) + amount
        return StandingAmounts(
            currency=self.currency,
            lines=self.lines + other.lines,
            excluded=tuple(sorted(excluded.items())),
            **{name: getattr(self, name) + getattr(other, name) for name in MONEY},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one period of one ledger stands in one flow, as the last run that looked at it left it.

    Attributes:
        flow: Whose model it is held against.
        ledger: A ledger (JD Edwards: a company), or one of `ELSEWHERE`.
        period: By the ledger's own name.
        member: The planning period it goes to.
        date_first: Of the period; None where it has no dates.
        date_last: As above.
        status: What the ERP says of the period, such as `open`; empty when it was not asked.
        read: Whether the archive is what the ERP says it holds.
        mapped: Whether rules place every line.
        loaded: Whether the model was sent what it shall hold, and took it.
        tied: Whether nothing is unexplained, at any hop.
        amounts: By currency; empty when there are none.
        content_hash: Of every account combination, placement and intersection of the period.
        report: The archived tie-out; empty where none was made.
        run_id: The run that looked last.
        at: When it did.
        changed_at: When `proof_hash` last changed.
        is_owed: The flow owes the model the period: something of it was read or mapped anew since,
            or its planning period did not tie out as a whole.
        target: Where `held` is held, as the flow's settings named it; empty: a run of an older
            version, which did not say so.
    """

    flow: str
    ledger: str
    period: str
    member: str
    date_first: date | None
    date_last: date | None
    status: str
    read: StageState
    mapped: StageState
    loaded: StageState
    tied: StageState
    amounts: tuple[StandingAmounts, ...]
    content_hash: str
    report: str
    run_id: str
    at: datetime
    changed_at: datetime | None = None
    is_owed: bool = False
    target: str = ""

    @property
    def stages(self) -> tuple[tuple[str, StageState], ...]:
        """The chain after the period's status, in its order."""
        return (
            ("read", self.read), ("mapped", self.mapped), ("loaded", self.loaded),
            ("tied out", self.tied),
        )  # fmt: skip

    @property
    def is_tied(self) -> bool:
        """Whether the period ties out to the cent, and nothing has come since."""
        return self.tied is StageState.DONE and not self.is_owed

    @property
    def is_whole(self) -> bool:
        """Whether it ties out and nothing of it is unmapped, refused or left to send."""
        return self.is_tied and all(state is StageState.DONE for _, state in self.stages)

    @property
    def proof_hash(self) -> str:
        """The same for as long as the standing says the same of the books; a signature binds to it.

        The run, its time and the period's status at the ERP are no part of it, so that looking
        again voids nothing; one line that is late, mapped otherwise or refused does, and so does
        another model.
        """
        return _hash_proof(self)


def _hash_proof(standing: Standing) -> str:
    told: dict[str, object] = {
        "place": [standing.flow, standing.ledger, standing.period, standing.member],
        "stages": [str(state) for _, state in standing.stages],
        "amounts": [render_amounts(row) for row in standing.amounts],
        "content": standing.content_hash,
    }
    if standing.target:
        told["target"] = standing.target
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def render_amounts(row: StandingAmounts) -> dict[str, object]:
    """The row as plain JSON; equal amounts give equal texts, whatever their noughts."""
    texts: dict[str, object] = {name: render_plain(getattr(row, name)) for name in MONEY}
    excluded = [[name, render_plain(amount)] for name, amount in row.excluded]
    return {"currency": row.currency, "lines": row.lines, "excluded": excluded, **texts}


def parse_amounts(row: dict[str, object]) -> StandingAmounts:
    """What `render_amounts` was given."""
    excluded = row["excluded"]
    assert isinstance(excluded, list), "exclusions are stored as pairs"
    return StandingAmounts(
        currency=str(row["currency"]),
        lines=int(str(row["lines"])),
        excluded=tuple((str(name), Decimal(text)) for name, text in excluded),
        **{name: Decimal(str(row[name])) for name in MONEY},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingChange:
    """One time a standing came to say something else than before."""

    flow: str
    ledger: str
    period: str
    is_tied: bool
    unexplained: bool
    """Whether anything was, in any currency."""
    proof_hash: str
    run_id: str
    at: datetime


class StandingStore(Protocol):
    """Standings of one organisation: the newest of each flow, ledger and period, and their past."""

    def save_standings(
        self, flow: str, standings: Sequence[Standing], *, members: Collection[str]
    ) -> None:
        """These stand for the planning periods; what else stood for them stands no more.

        The same standings again change nothing but who looked last, and when. One that says
        something else than before is in the history. An empty status leaves the one known before.
        """

    def load_standings(
        self,
        *,
        flows: Collection[str] | None = None,
        first: date | None = None,
        last: date | None = None,
    ) -> list[Standing]:
        """By flow, ledger and first date; of periods that end within the dates, or have none.

        At most as many as one page may need: the newest periods, `STANDINGS_MAX` of them.
        """

    def load_standing_page(
        self,
        *,
        flow: str = "",
        first: date | None = None,
        last: date | None = None,
        after: tuple[str, str, str] | None = None,
        limit: int,
    ) -> list[Standing]:
        """The same by flow, ledger and period, behind one of them; of one flow where it is named.

        However many there are: page after page, all of them are told.
        """

    def find_standing(self, flow: str, ledger: str, period: str) -> Standing | None:
        """The standing of one period of a ledger, if a run has ever looked at it."""

    def load_changes(
        self, pairs: Collection[tuple[str, str, str]], *, since: datetime | None = None
    ) -> list[StandingChange]:
        """The past of these (flow, ledger, period), oldest first."""
