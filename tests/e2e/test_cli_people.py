"""People by commands: the first admin, roles, passwords, accounts, and who is let in no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.conftest import Terminal
from tests.fakes.standing import lay_state

from ml_connector.wiring import open_house

PASSWORD = "halden works since 1921"
OTHER = "another works since 1922"


@pytest.fixture
def desk(tmp_path: Path, fresh_state: Path, terminal: Terminal) -> Iterator[Terminal]:
    """A terminal in a project of records alone, with an admin."""
    root = tmp_path / "project"
    lay_state(fresh_state, root)
    (root / "ml-connector.yaml").write_text("key: {file: .key}\n", encoding="utf-8")
    terminal.project = root
    first = terminal.type("users", "add", "anna", "--role", "admin", stdin=f"{PASSWORD}\n")
    assert (first.code, first.out) == (0, "")
    assert "anna may sign in, as admin." in first.err
    yield terminal
    assert PASSWORD not in "".join(str(words) for words in terminal.typed)


def test_people_are_added_listed_and_changed(desk: Terminal) -> None:
    """Each command does one thing, says it, and the list shows it."""
    typed = [
        desk.type("users", "add", "bea", "--role", "viewer", "--role", "mapper", stdin=PASSWORD),
        desk.type("users", "add", "carl", "--role", "viewer", "--without-password"),
        desk.type("users", "roles", "bea", "--role", "approver"),
        desk.type("users", "bind", "bea", "--account", "bea@ledger-host"),
        desk.type("users", "disable", "carl"),
    ]
    listed = desk.type("users", "list", "--output", "csv")

    assert [one.code for one in typed] == [0] * 5
    told = {row["Name"]: (row["Roles"], row["State"], row["Accounts"]) for row in listed.csv}
    assert told == {
        "anna": ("admin", "active", ""), "bea": ("approver", "active", "bea@ledger-host"),
        "carl": ("viewer", "disabled", ""),
    }  # fmt: skip
    assert "bea's no more" in desk.type("users", "unbind", "bea@ledger-host").err
    assert "carl may sign in" in desk.type("users", "enable", "carl").err
    assert "and had none" in desk.type("users", "reset-factor", "bea").err
    row = desk.type("users", "list", "--output", "csv").csv[-1]
    assert (row["State"], row["Accounts"]) == ("active", "")


def test_a_password_that_is_piped_is_the_line_and_nothing_else(desk: Terminal) -> None:
    """Line ends of any system are none of it; more than a line could never be typed again."""
    changed = desk.type("users", "password", "anna", stdin=f"{OTHER}\r\n")
    refused = [
        desk.type("users", "password", "anna", stdin=text)
        for text in (f"{OTHER}\nsecond line\n", "x" * 1_001, "", "short")
    ]

    assert changed.code == 0
    assert [one.code for one in refused] == [2, 2, 2, 2]
    assert "more than one line" in refused[0].err
    assert "Nothing was stored" in refused[1].err
    assert desk.project is not None
    with open_house(desk.project) as house:
        assert house.records is not None
        from ml_connector.records import models  # noqa: PLC0415 - Django is set up by now.

        assert models.User.objects.get(username="anna").check_password(OTHER)


def test_the_last_admin_stays_and_the_first_person_is_one(
    desk: Terminal, tmp_path: Path, fresh_state: Path
) -> None:
    """Nobody locks the installation, by whatever command; an unknown name is told."""
    last = [
        desk.type("users", "disable", "anna"),
        desk.type("users", "roles", "anna", "--role", "viewer"),
    ]
    unknown = desk.type("users", "roles", "nobody", "--role", "viewer")
    taken = desk.type("users", "add", "anna", "--role", "viewer", stdin=PASSWORD)
    empty = tmp_path / "empty"
    lay_state(fresh_state, empty)
    (empty / "ml-connector.yaml").write_text("key: {file: .key}\n", encoding="utf-8")
    desk.project = empty
    first = desk.type("users", "add", "carl", "--role", "viewer", stdin=PASSWORD)

    assert [one.code for one in (*last, unknown, taken, first)] == [2] * 5
    assert all("admin" in one.err for one in (*last, first))
    assert "nobody" in unknown.err
    assert "--role admin" in first.err
