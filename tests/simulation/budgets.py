"""The story of budgets: what is approved, what the ledger holds of it, counted raw."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

MONTHS = {"Oct 26": 10, "Nov 26": 11}
CENT = Decimal("0.01")
REVENUE = "4"
"""First digit of the accounts whose sign the model turns."""
CELLS_CHANGED = 3
HELD = """
SELECT trim(AID), PN, SUM(AA) FROM F0911
WHERE trim(CO) = '00001' AND LT = 'BA' AND FY = 26 AND PN IN (10, 11) GROUP BY 1, 2
"""
KEYED = """
SELECT DISTINCT trim(R2), trim(DCT), DOC FROM F0911 WHERE LT = 'BA' AND trim(R2) <> ''
"""
ACCOUNTS = """
SELECT trim(AID), trim(MCU), trim(OBJ), trim(SUB) FROM F0901
WHERE trim(CO) = '00001' AND trim(PEC) = '' AND trim(OBJ) BETWEEN '4000' AND '8999'
ORDER BY trim(MCU), trim(OBJ), trim(SUB)
"""
Amounts = dict[tuple[str, ...], Decimal]
"""Account and month, in the ledger's sign."""


def read_ledger(world: Any) -> Amounts:
    """Lines of the budget ledger by account and month; zeros left out."""
    names = {number: month for month, number in MONTHS.items()}
    rows = world.pods.jde.store.query(HELD)
    return {(aid, names[number]): Decimal(amount) * CENT for aid, number, amount in rows if amount}


def prepare_budget(world: Any) -> None:
    """Planners have approved what the ledger holds, and a little more."""
    world.approved = read_ledger(world)
    change_approved(world)


def change_approved(world: Any) -> None:
    """Some cells of the approved budget are otherwise now."""
    places = _list_places(world)
    for _ in range(CELLS_CHANGED):
        aid = world.rng.choice(sorted(places))
        month = world.rng.choice(sorted(MONTHS))
        world.approved[aid, month] = Decimal(world.rng.randint(-99_999, 99_999)) * CENT
    cells = [
        {
            "company": "00001", "account": places[aid][1], "business_unit": places[aid][0],
            "period": month, "amount": str(_turn(places[aid][1], amount)),
        }
        for (aid, month), amount in sorted(world.approved.items())
    ]  # fmt: skip
    world.pods.ask(world.pods.anaplan, "fill_budget", cells=cells)


def enter_by_hand(world: Any, plan: str) -> None:
    """Somebody enters and posts a budget of his own, on an account the plan is about."""
    assert plan
    places = _list_places(world)
    aid, month = world.rng.choice(sorted(world.approved))
    unit, account = places[aid]
    line = {"account": f"{unit}.{account}", "amount": f"{world.rng.randint(1, 999)}.00"}
    found = world.pods.ask(
        world.pods.jde, "create_journal", company="00001", ledger_type="BA", lines=[line],
        gl_date=f"2026-{MONTHS[month]}-15", post=True, may_be_prior=True,
    )  # fmt: skip
    assert not found["rejects"], found


def read_approved(world: Any) -> Amounts:
    """What is approved; zeros left out."""
    return {key: amount for key, amount in world.approved.items() if amount}


def list_doubles(world: Any) -> Iterator[str]:
    """Keys that more than one document of the ledger bears."""
    documents = Counter(key for key, _, _ in world.pods.jde.store.query(KEYED))
    yield from (f"{count} documents bear {key}" for key, count in documents.items() if count > 1)


def _turn(account: str, amount: Decimal) -> Decimal:
    return -amount if account.startswith(REVENUE) else amount


def _list_places(world: Any) -> dict[str, tuple[str, str]]:
    return {
        aid: (unit, f"{obj}.{sub}" if sub else obj)
        for aid, unit, obj, sub in world.pods.jde.store.query(ACCOUNTS)
    }
