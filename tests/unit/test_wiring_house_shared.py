"""One house in which several people act: opened once, whoever asks, in whichever thread."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from tests.fakes.standing import lay_state

from ml_connector.ports import Role
from ml_connector.wiring.house import SIGNING_KEY, House, find_account, open_house
from ml_connector.wiring.once import once

THREADS = 8
STORES = ("records", "vault", "archive", "budget", "_sessions", "_kept")


@pytest.fixture
def house(fresh_state: Path, tmp_path: Path) -> Iterator[House]:
    """A project that has settings and nothing else."""
    lay_state(fresh_state, tmp_path)
    (tmp_path / "ml-connector.yaml").write_text("organisation: default\nkey:\n  file: .key\n")
    key = tmp_path / ".key"
    with open_house(tmp_path) as house:
        from ml_connector.vault.envelope import KEY_BYTES  # noqa: PLC0415 - size of a key.

        assert KEY_BYTES
        key.touch(mode=0o600)
        yield house


def test_whoever_acts_finds_what_the_house_has_opened(house: House) -> None:
    """And the house what was opened for whoever acts; nothing is opened twice."""
    anna, ben = house.acting_as("anna"), house.acting_as("ben")

    opened = [getattr(anna, name) for name in STORES]

    assert [getattr(ben, name) for name in STORES] == opened
    assert [getattr(house, name) for name in STORES] == opened
    assert (anna.actor, ben.actor, house.actor) == ("anna", "ben", find_account())
    assert anna.acting_as("ben").actor == "ben"


def test_threads_that_ask_at_once_are_given_one(house: House) -> None:
    """Eight threads of the pages at the first request."""
    together = Barrier(THREADS)

    def ask(number: int) -> tuple[int, ...]:
        acting = house.acting_as(f"person{number}")
        together.wait()
        return tuple(id(getattr(acting, name)) for name in STORES)

    with ThreadPoolExecutor(THREADS) as pool:
        found = set(pool.map(ask, range(THREADS)))

    assert len(found) == 1


def test_processes_that_begin_at_once_sign_sessions_with_one_key(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose key is stored between another's look and its own key is the one that both use."""
    look = house.vault.list_secrets

    def look_before_others() -> object:
        monkeypatch.undo()
        found = look()
        house.vault.save_secret(SIGNING_KEY, "made by the other process")
        return found

    monkeypatch.setattr(house.vault, "list_secrets", look_before_others)

    assert house.load_signing_key() == "made by the other process"


def test_what_is_made_once_is_made_of_the_whole_house() -> None:
    """Never in the name of the person who happened to ask first."""

    class Small:
        def __init__(self) -> None:
            self._whole = self

        @once
        def maker(self) -> int:
            """Whose it is."""
            return id(self)

    whole, other = Small(), Small()
    asker = object.__new__(Small)
    asker.__dict__ = whole.__dict__

    assert asker.maker == id(whole)
    assert whole.maker == id(whole)
    assert other.maker == id(other)
    assert Small.maker.__doc__ == "Whose it is."


def test_commands_of_a_bound_account_are_the_persons(house: House) -> None:
    """Until then, and of any other account, they are the account's own."""
    house.add_person("anna", password=None, roles=[Role.ADMIN])
    assert house.actor == find_account()
    house.bind_account("anna", find_account())

    with open_house(house.project.root) as again:
        assert again.actor == "anna"
        again.free_account(find_account())
        told = [(row.event, row.actor) for row in again.records.audit.find("anna")]
    with open_house(house.project.root) as last:
        assert last.actor == find_account()

    assert told == [
        ("person.added", find_account()),
        ("person.bound", find_account()),
        ("person.freed", "anna"),
    ]


def test_account_is_written_as_the_system_writes_it(house: House) -> None:
    """A word without a host is no account, and neither is a person's name."""
    house.add_person("anna", password=None, roles=[])
    for account in ("anna", "", "a b@desk", "agent:x@desk", "@desk", "anna@"):
        with pytest.raises(Exception, match="is no account") as caught:
            house.bind_account("anna", account)
        assert caught.value.code == "people.unfit-account"  # type: ignore[attr-defined]  # ours
    assert os.getuid() >= 0
