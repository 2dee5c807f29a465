"""What a page says when something behind it has failed."""

from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages have a house to name the organisation of."""
    from ml_connector.web import context  # noqa: PLC0415 - asks for Django's settings.

    settings = SimpleNamespace(organisation="default")
    house = SimpleNamespace(project=SimpleNamespace(settings=settings))
    monkeypatch.setattr(context, "find_house", lambda: house)


def fail(error: Exception) -> Any:
    """What is shown to whoever signs in while that is raised outside of every view."""
    from django.test import RequestFactory  # noqa: PLC0415 - as above.

    from ml_connector.web.views.failures import show_broken  # noqa: PLC0415 - as above.

    try:
        raise error
    except type(error):
        return show_broken(RequestFactory().post("/sign-in/"))


@pytest.mark.usefixtures("served")
def test_full_disk_is_no_fault_of_the_connector() -> None:
    """A session that cannot be stored says what to look at; anything else is a fault of ours."""
    from django.db import OperationalError  # noqa: PLC0415 - as above.

    full, fault = fail(OperationalError("database or disk is full")), fail(ValueError("x"))

    assert (full.status_code, full["Retry-After"]) == (503, "30")
    assert "The disk is full" in full.content.decode()
    assert fault.status_code == 500
    assert "disk" not in fault.content.decode()
