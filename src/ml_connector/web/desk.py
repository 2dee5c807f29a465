"""The house the pages ask; one per process, as Django is."""

from django.conf import settings

from ml_connector.wiring import House

_houses: list[House] = []


def open_desk(house: House) -> None:
    """Pages ask this house from now on."""
    settings.SECRET_KEY = house.load_signing_key()
    _houses[:] = [house]


def close_desk() -> None:
    """Pages ask nobody any more."""
    _houses.clear()


def find_house() -> House:
    """The house; pages are served only while there is one."""
    assert _houses, "pages are served by a process that has opened a house"
    return _houses[0]
