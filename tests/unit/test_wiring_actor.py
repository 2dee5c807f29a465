"""Who acts is who the operating system says, not what a shell pretends."""

import pytest

from ml_connector.wiring.house import find_account


@pytest.mark.parametrize("name", ["LOGNAME", "USER", "LNAME", "USERNAME"])
def test_actor_is_the_same_whatever_the_environment_says(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody approves the own plan by setting a variable."""
    honest = find_account()

    monkeypatch.setenv(name, "controller")

    assert find_account() == honest


def test_actor_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's user may stand in no password file; the number tells users apart all the same.

    The variables that a shell sets are not asked then either.
    """
    monkeypatch.setenv("LOGNAME", "controller")
    monkeypatch.setattr("os.getuid", lambda: 4_123_456)

    assert find_account().startswith("uid-4123456@")
