"""Who may sign on, and how each user writes dates."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector.sandbox.store import Store

ENVIRONMENT = "JPY920"
ROLE = "*ALL"
PASSWORD = "halden-password"  # noqa: S105 - the sandbox's published password


_ROLES = {"FINANCE": "Finance", "SYSADMIN": "System Administration"}


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user profile; `companies` None sees all."""

    name: str
    alpha_name: str
    address_number: int
    date_format: str = "MDE"
    companies: tuple[str, ...] | None = None


USERS = {
    user.name: user
    for user in (
        User(name="PLNSVC", alpha_name="Planning Service", address_number=7001),
        User(name="DMEUSER", alpha_name="Day First", address_number=7002, date_format="DME"),
        User(name="LIMITED", alpha_name="One Company", address_number=7003, companies=("00001",)),
    )
}


def seed_users(store: Store) -> None:
    """The tables of users and roles tell of those who may sign on."""
    store.execute_many(
        'INSERT OR REPLACE INTO F0092 ("USER", UGRP, AN8) VALUES (?, ?, ?)',
        [
            *((user.name, "", user.address_number) for user in USERS.values()),
            *((role, "*GROUP", 0) for role in _ROLES),
        ],
    )
    store.execute_many(
        'INSERT OR REPLACE INTO F00926 ("USER", ROLEDESC) VALUES (?, ?)', _ROLES.items()
    )
    store.execute_many(
        "INSERT OR REPLACE INTO F95921 (FRROLE, TOROLE) VALUES (?, ?)",
        [("FINANCE", name) for name in USERS],
    )
