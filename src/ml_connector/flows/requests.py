"""What is asked of a run, in the words of a command or a form, as the run keeps it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ml_connector.errors import UsageError
from ml_connector.ports import Json

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
PERIODS_MAX = 200
"""Periods one run is asked for by name."""
NAME_MAX = 100
"""Characters of a period's name; no ledger has longer ones."""
PLAN_ONLY = frozenset({"dry_run"})
KINDS: Mapping[str, frozenset[str]] = {
    "actuals": frozenset(
        {
            "periods", "month_first", "month_last", "dry_run", "replay", "remap", "reconcile",
            "against", "backfill", "apply", "members", "totals", "chosen", "ledger",
        }
    ),
    "budget": PLAN_ONLY | {"apply", "reverse"},
    "suppliers": PLAN_ONLY | {"apply", "reverse", "take"},
    "dimensions": PLAN_ONLY,
}  # fmt: skip
"""What runs of each kind of flow can be asked for."""


class UnfitRequestError(UsageError):
    """A run was asked for something that its flow does not do, or in words nobody understands."""

    code = "runs.unfit-request"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWish:
    """What somebody wants of a run.

    Attributes:
        periods: By the ledger's own names, or as FY2026-P10.
        month_first: Such as 2026-10; empty: no months are named.
        month_last: The same as the first where it is empty.
        is_dry: Only looks.
        remaps: Takes in the periods that changed rules affect.
        against: `model`: its word is taken for what it holds; `shadow` or empty: ours.
        take: Suppliers whose conflicts are decided for the model.
        backfills: Reads its periods whole again.
    """

    periods: Sequence[str] = ()
    month_first: str = ""
    month_last: str = ""
    is_dry: bool = False
    remaps: bool = False
    against: str = ""
    take: Sequence[str] = ()
    backfills: bool = False


def render_request(wish: RunWish) -> Json:
    """The wish as a run keeps it; what was not asked for is left out.

    Raises:
        UnfitRequestError: Months or the side to trust are not understood.
    """
    _verify_months(wish.month_first, wish.month_last)
    if len(wish.periods) > PERIODS_MAX or any(len(one) > NAME_MAX for one in wish.periods):
        raise _refuse(
            f"At most {PERIODS_MAX} periods are named, none longer than {NAME_MAX} characters.",
            "Name months instead, from and to.",
        )
    if wish.against not in ("", "shadow", "model"):
        raise _refuse(
            f"--against {wish.against!r} is not known.", "Use `--against model`, or leave it out."
        )
    if wish.backfills and not (wish.periods or wish.month_first):
        raise _refuse("backfill wants a period.", "Name one: `--period Oct-26`.")
    asked: Json = {
        "periods": list(wish.periods),
        "month_first": wish.month_first,
        "month_last": wish.month_last or wish.month_first,
        "dry_run": wish.is_dry,
        "remap": wish.remaps,
        "against": wish.against,
        "take": list(wish.take),
        "backfill": wish.backfills,
    }
    return {name: value for name, value in asked.items() if value}


def verify_request(flow: str, kind: str, request: Json) -> None:
    """The flow can do all that is asked.

    Raises:
        UnfitRequestError: It cannot; names what was asked.
    """
    known = KINDS[kind]
    odd = sorted(name for name, value in request.items() if value and name not in known)
    # Nothing else than what is done anyway.
    odd = [name for name in odd if (name, request[name]) != ("against", "shadow")]
    if odd:
        raise UnfitRequestError(
            f"The flow {flow} is a {kind} flow; it cannot do what was asked ({', '.join(odd)}).",
            written="Nothing was read or sent.",
            next_step=f"Look at what it would do: `ml-connector plan {flow}`.",
            flow=flow,
        )


def _verify_months(first: str, last: str) -> None:
    if last and not first:
        raise _refuse("--to needs --from.", "Give both: --from 2026-01 --to 2026-10.")
    odd = [text for text in (first, last) if text and not MONTH.fullmatch(text)]
    if odd:
        raise _refuse(f"{odd[0]!r} is no month.", "Write year and month: 2026-10.")
    if last and last < first:
        raise _refuse(f"{last} lies before {first}.", "Give the earlier month first.")


def _refuse(refused: str, next_step: str) -> UnfitRequestError:
    return UnfitRequestError(refused, written="Nothing was read or sent.", next_step=next_step)
